"""The load as a whole: one transaction, then fresh statistics."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from django.apps import apps
from django.db import connection, models, transaction
from django.utils import timezone

from integrations.models import InboundEvent
from leadcrm.demo.volume.filling import Filling
from leadcrm.demo.volume.indexes import built_afterwards
from leadcrm.demo.volume.journal import XID
from leadcrm.demo.volume.office import TIME_ZONE, Office, open_office, slugs
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads import events, kinds
from leads.models import (
    Activity,
    Appointment,
    Company,
    Contact,
    ContactKey,
    Cursor,
    Deal,
    Lead,
    LeadSearch,
    MergeJournal,
    Message,
    SourceDay,
    Task,
)
from leads.models.activity import Lane

FILLED: tuple[type[models.Model], ...] = (
    Company, Contact, ContactKey, Lead, LeadSearch, Activity, Message, Task, Appointment, Deal,
    MergeJournal, InboundEvent,
)  # fmt: skip
OTHERS = 100  # the others are so many times smaller than the first
FEWEST = 20
EVERY = 20_000  # leads that are held at a time
DAYS = f"""
    INSERT INTO leads_sourceday (id, workspace_id, source_id, day, created, repeated)
    SELECT gen_random_uuid(), workspace_id, (data->>'source_id')::uuid,
           (occurred_at AT TIME ZONE '{TIME_ZONE}')::date,
           count(*) FILTER (WHERE kind = '{kinds.LEAD_CREATED}'),
           count(*) FILTER (WHERE kind = '{kinds.ENQUIRY_REPEATED}')
    FROM leads_activity
    WHERE workspace_id = ANY(%s) AND kind IN ('{kinds.LEAD_CREATED}', '{kinds.ENQUIRY_REPEATED}')
      AND data->>'is_test' IS NULL
    GROUP BY 2, 3, 4
"""  # noqa: S608

Say = Callable[[str], object]


class SlugTaken(Exception):
    """A workspace of that name is there already."""


@dataclass
class Loaded:
    """What was made: workspaces with their logins and keys, rows by model, log rows by kind."""

    offices: list[Office]
    rows: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def load(
    *,
    leads: int = 1_000_000,
    workspaces: int = 10,
    seed: int = 7,
    now: datetime | None = None,
    replace: bool = False,
    say: Say = lambda words: None,
) -> Loaded:
    """Fill `workspaces` workspaces: the first with `leads` leads, the others with 1% of it each.

    Raises SlugTaken where one of them exists, unless `replace` removes it first. Inside of a
    transaction of the caller's the tables aren't vacuumed.
    """
    started = time.monotonic()
    now = (now or timezone.now()).replace(microsecond=0)
    names = slugs(workspaces)
    with transaction.atomic(), connection.cursor() as cursor:
        _make_room(names, replace=replace)
        loaded = Loaded(
            [
                open_office(slug, now, random.Random(f"{seed} {slug}"), big=slug == names[0])  # noqa: S311
                for slug in names
            ]
        )
        # Neither foreign keys nor walls are checked row by row: the tests show that they hold.
        cursor.execute("SET LOCAL session_replication_role = replica")
        with built_afterwards(FILLED) if _is_mostly_new(leads) else nullcontext():
            _fill(loaded, leads, seed, now, say)
            say("Building the indexes…")
        _count_days(loaded)
        cursor.execute("SET LOCAL session_replication_role = origin")
        _pass_by()
    _refresh_statistics(say)
    loaded.seconds = time.monotonic() - started
    return loaded


def _make_room(names: Sequence[str], *, replace: bool) -> None:
    taken = list(Workspace.objects.filter(slug__in=names))
    if not taken:
        return
    if not replace:
        raise SlugTaken(
            f"There is a workspace “{taken[0].slug}” already. --replace removes it first."
        )
    ids = [workspace.pk for workspace in taken]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in _tenants_tables():
            cursor.execute(f'DELETE FROM "{table}" WHERE workspace_id = ANY(%s)', [ids])  # noqa: S608
        cursor.execute("DELETE FROM workspaces_workspace WHERE id = ANY(%s)", [ids])
        cursor.execute("SET LOCAL session_replication_role = origin")


def _tenants_tables() -> Iterator[str]:
    for model in apps.get_models():
        if any(field.attname == "workspace_id" for field in model._meta.concrete_fields):
            yield model._meta.db_table


def _is_mostly_new(leads: int) -> bool:
    """Whether more comes than is there: only then is building all indexes anew the shorter way."""
    with all_workspaces():
        return len(Lead.objects.order_by()[:leads].values_list("pk", flat=True)) < leads


def _fill(loaded: Loaded, leads: int, seed: int, now: datetime, say: Say) -> None:
    for number, office in enumerate(loaded.offices):
        count = leads if number == 0 else max(FEWEST, leads // OTHERS)
        slug = office.workspace.slug
        filling = Filling(office, count, f"{seed} {slug}", now.timestamp())
        with workspace_scope(office.workspace):
            filling.fill(every=EVERY, say=_progress(say, slug, count))
        loaded.rows += filling.counts()
        loaded.kinds += Counter(filling.journal.kinds)


def _progress(say: Say, slug: str, count: int) -> Callable[[int], None]:
    started, done = time.monotonic(), 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        rate = done / max(time.monotonic() - started, 0.001)
        say(f"{slug}: {done:,} of {count:,} leads, {rate:,.0f} a second")

    return tell


def _count_days(loaded: Loaded) -> None:
    """What the subscriber that counts enquiries would have written."""
    with connection.cursor() as cursor:
        cursor.execute(DAYS, [[office.workspace.pk for office in loaded.offices]])
        loaded.rows["leads.SourceDay"] = cursor.rowcount


def _pass_by() -> None:
    """Put every subscriber behind the rows: they are history that needs no answer.

    Their transaction id is below all others, so whoever has read anything is behind them already,
    and nobody is moved past a row of somebody else's.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(id) FROM leads_activity WHERE lane = %s AND xid = %s", [Lane.BACKFILL, XID]
        )
        last = cursor.fetchone()[0]
    for subscriber in events.subscribers():
        for lane in subscriber.lanes & {Lane.BACKFILL}:
            Cursor.objects.get_or_create(subscriber=subscriber.name, lane=lane)
            before = models.Q(xid__lt=int(XID)) | models.Q(xid=int(XID), activity_id__lt=last)
            Cursor.objects.filter(before, subscriber=subscriber.name, lane=lane).update(
                xid=int(XID), activity_id=last
            )


def _refresh_statistics(say: Say) -> None:
    say("Vacuuming…")
    filled: Sequence[type[models.Model]] = (*FILLED, SourceDay)
    tables = ", ".join(model._meta.db_table for model in filled)
    how = "ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)"
    with connection.cursor() as cursor:
        cursor.execute(f"{how} {tables}")
