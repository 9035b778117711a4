"""Writing in bulk: `python -m tests.benchmarks.writes` measures on a database and prints JSON.

Each measure counts the rows that are stored afterwards; a figure without its rows is refused.
"""

from __future__ import annotations

import csv
import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from io import StringIO
from itertools import count
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from integrations import inbox  # noqa: E402
from integrations.models import InboundEvent  # noqa: E402
from integrations.web_form.intake import (  # noqa: E402
    Received,
    find_form,
    receive,
)
from leadcrm import memory  # noqa: E402
from leadcrm.demo.volume import SLUG  # noqa: E402
from leadcrm.demo.volume.words import EXCHANGES  # noqa: E402
from leadcrm.workspaces.actors import Actor  # noqa: E402
from leadcrm.workspaces.models import Membership, Role, Workspace  # noqa: E402
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope  # noqa: E402
from leads import bulk, duplicate_scan, events, exporting, sweeps  # noqa: E402
from leads.bulk_verbs import BULK_VERBS  # noqa: E402
from leads.capture import LeadDraft, capture_leads  # noqa: E402
from leads.importing import running, storing  # noqa: E402
from leads.importing import sweep as imports  # noqa: E402
from leads.models import (  # noqa: E402
    Activity,
    Contact,
    DuplicateScan,
    Import,
    Lead,
    LeadSearch,
    Source,
)
from leads.models.activity import Lane  # noqa: E402

# Of Canada, so that nobody of the bulk data has a number there; nor does anybody else.
AREAS = (
    "204", "250", "306", "403", "416", "418", "506", "514", "519", "604", "613", "705", "709",
    "778", "780", "807", "819", "867", "902", "905",
)  # fmt: skip
BATCH = 1000
ROUNDS = 5
SUBMISSIONS = 5000
LOOKED_AT = 100_000  # people
FORM = Actor.system("form")


class NotStored(Exception):
    """Fewer rows are there than were written."""


def main() -> None:
    memory.settle()  # as a worker does when it starts
    workspace = Workspace.objects.get(slug=SLUG)
    found: dict[str, Any] = {}
    with workspace_scope(workspace):
        found["COPY"] = _copy()
        found["COPY, upsert"] = _copy_and_upsert()
        found["UPDATE"] = _update()
        found["capture, new people"] = _capture(fresh=True)
        found["capture, known people"] = _capture(fresh=False)
        found["import"], found["import, undone"] = _import()
        _submit(SUBMISSIONS)
    found["drain"] = _drain()
    found["subscribers"] = _subscribers()
    with workspace_scope(workspace):
        due = _make_due(BATCH * ROUNDS)
    found["auto-close"] = _auto_close(due)
    with workspace_scope(workspace):
        found["bulk assign"], found["bulk assign, undone"] = _bulk_assign(BATCH * ROUNDS)
        found["export"] = _export(BATCH * ROUNDS * 2)
        found["join of people by name and company"] = _join()
        found["duplicates, people looked at"] = _duplicates()
    print(json.dumps(found))


def _measured(rows: int, seconds: float, stored: int) -> dict[str, float]:
    if stored != rows:
        raise NotStored(f"{stored} rows of {rows}")
    return {"rows": rows, "seconds": seconds, "rate": rows / seconds}


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


# --- floors ----------------------------------------------------------------------------------


def _copy() -> dict[str, float]:
    """COPY of whole lead rows into the table with its indexes and triggers; rolled back."""
    columns = [field.column for field in Lead._meta.concrete_fields if field.column != "id"]
    names = ", ".join(f'"{column}"' for column in columns)
    stored, seconds = 0, 0.0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE bench_leads ON COMMIT DROP AS "
            f"SELECT gen_random_uuid() AS id, {names} FROM leads_lead "
            f"WHERE workspace_id = %s LIMIT {BATCH * ROUNDS}",
            [Workspace.objects.get(slug=SLUG).pk],
        )
        with cursor.cursor.copy(f"COPY bench_leads (id, {names}) TO STDOUT") as copy:  # type: ignore[attr-defined]
            rows = b"".join(bytes(block) for block in copy)
        before = _count("leads_lead")

        def write() -> None:
            with cursor.cursor.copy(f"COPY leads_lead (id, {names}) FROM STDIN") as copy:  # type: ignore[attr-defined]
                copy.write(rows)
            # Foreign keys are checked at the end of a transaction, which this one never sees.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

        seconds = _timed(write)
        stored = _count("leads_lead") - before
        transaction.set_rollback(True)
    return _measured(rows.count(b"\n"), seconds, stored)


def _copy_and_upsert() -> dict[str, float]:
    """COPY into a table of its own and from there by upsert to the leads and their search texts;
    rolled back. What an import can't be quicker than."""
    names = ", ".join(f'"{field.column}"' for field in Lead._meta.concrete_fields[1:])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE bench_rows ON COMMIT DROP AS SELECT gen_random_uuid() AS id, {names} "
            f"FROM leads_lead WHERE workspace_id = %s LIMIT {BATCH * ROUNDS}",
            [Workspace.objects.get(slug=SLUG).pk],
        )
        with cursor.cursor.copy("COPY bench_rows TO STDOUT") as copy:  # type: ignore[attr-defined]
            rows = b"".join(bytes(block) for block in copy)
        cursor.execute("TRUNCATE bench_rows")
        before = _count("leads_leadsearch")

        def write() -> None:
            with cursor.cursor.copy("COPY bench_rows FROM STDIN") as copy:  # type: ignore[attr-defined]
                copy.write(rows)
            cursor.execute(
                f"INSERT INTO leads_lead (id, {names}) SELECT id, {names} FROM bench_rows "
                "ON CONFLICT (id) DO UPDATE SET version = leads_lead.version + 1"
            )
            cursor.execute(
                "INSERT INTO leads_leadsearch (lead_id, workspace_id, created_at, text) "
                "SELECT id, workspace_id, created_at, lower(display_name || ' ' || email || ' ' || phone) "
                "FROM bench_rows ON CONFLICT (lead_id) DO UPDATE SET text = excluded.text"
            )
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

        seconds = _timed(write)
        stored = _count("leads_leadsearch") - before
        transaction.set_rollback(True)
    return _measured(rows.count(b"\n"), seconds, stored)


def _update() -> dict[str, float]:
    """One set-based UPDATE of a moment and a version; rolled back."""
    with transaction.atomic(), connection.cursor() as cursor:
        ids = list(Lead.objects.values_list("pk", flat=True)[: BATCH * ROUNDS])

        def write() -> None:
            cursor.execute(
                "UPDATE leads_lead SET last_activity_at = now(), version = version + 1 "
                "WHERE id = ANY(%s)",
                [ids],
            )

        seconds = _timed(write)
        stored = cursor.rowcount
        transaction.set_rollback(True)
    return _measured(len(ids), seconds, stored)


# --- the product -----------------------------------------------------------------------------


def _capture(*, fresh: bool) -> dict[str, float]:
    rows, seconds = 0, 0.0
    known = [] if fresh else _people(BATCH)
    if known:
        capture_leads(_drafts(known), by=FORM, now=timezone.now())
    rows_before, people_before = Activity.objects.count(), Contact.objects.count()
    for _ in range(ROUNDS):
        drafts = _drafts(known or _people(BATCH))
        now = timezone.now()
        seconds += _timed(lambda drafts=drafts, now=now: capture_leads(drafts, by=FORM, now=now))
        rows += len(drafts)
    people = Contact.objects.count() - people_before
    if people != (rows if fresh else 0):
        raise NotStored(f"{people} new people of {rows} enquiries")
    return _measured(rows, seconds, Activity.objects.count() - rows_before)


def _import() -> tuple[dict[str, float], dict[str, float]]:
    """A file of new people, from the upload to the leads with their log rows: store, read, check,
    apply; and taken back."""
    owner = Membership.objects.select_related("workspace", "user").get(role=Role.OWNER)
    people = _people(BATCH * ROUNDS)
    names = list(people[0])
    lines = [names, *([person[name] for name in names] for person in people)]
    data = "\n".join(",".join(line) for line in lines).encode()
    before, leads_before = Activity.objects.count(), Lead.objects.present().count()

    def bring_in() -> Import:
        batch = storing.store("bench.csv", [data], kind="leads", by=owner, now=timezone.now())
        _work(batch)
        batch.refresh_from_db()
        running.choose(batch, batch.mapping, batch.options, timezone.now())
        _work(batch)
        running.apply(batch, timezone.now())
        _work(batch)
        return batch

    def take_back(batch: Import) -> None:
        running.undo(batch, timezone.now())
        _work(batch)

    started = time.perf_counter()
    batch = bring_in()
    seconds = time.perf_counter() - started
    done = _measured(len(people), seconds, Activity.objects.count() - before)
    there = Lead.objects.present().count()
    seconds = _timed(lambda: take_back(batch))
    left = Lead.objects.present().count() - leads_before
    return done, _measured(len(people), seconds, there - leads_before - left)


def _work(batch: Import) -> None:
    """Tick as the worker does, until there is nothing left to do."""
    while Import.objects.get(pk=batch.pk).is_working:
        imports.advance_due(timezone.now())


def _people(number: int) -> list[dict[str, str]]:
    """People whom nobody knows yet; every other one gives a phone number."""
    mark = uuid.uuid4().hex[:10]
    return [
        {
            "display_name": f"Bench {mark} {n}",
            "email": f"{mark}.{n}@bench.example",
            "phone": next(_numbers()) if n % 2 else "",
            "company_name": f"Bench {n % 100}",
        }
        for n in range(number)
    ]


@cache
def _numbers() -> Iterator[str]:
    """Numbers that nobody has: the workspace has gained more leads than earlier runs used up."""
    lines = len(EXCHANGES) * 10_000
    for place in count(Lead.objects.count()):
        area, line = AREAS[place // lines % len(AREAS)], place % lines
        yield f"+1{area}{EXCHANGES[line // 10_000]}{line % 10_000:04}"


def _drafts(people: list[dict[str, str]]) -> list[LeadDraft]:
    source = Source.objects.filter(kind="website_form").first()
    now = timezone.now()
    return [
        LeadDraft(
            source_kind="website_form",
            source=source,
            occurred_at=now,
            key=f"bench:{uuid.uuid4().hex}",
            values={**person, "message": "Call me"},
        )
        for person in people
    ]


def _submit(number: int) -> None:
    """Store submissions as the form's address does."""
    source = Source.objects.filter(kind="website_form").exclude(public_key="").first()
    form = find_form(source.public_key)
    assert form is not None
    for _ in range(number):
        mark = uuid.uuid4().hex
        body = {"name": f"Drain {mark[:8]}", "email": f"{mark}@bench.example", "message": "Hello"}
        receive(
            form,
            Received(
                body=json.dumps(body).encode(), content_type="application/json", query="",
                idempotency_key=mark, headers={"origin": "", "referer": "", "user_agent": "Bench"},
            ),
            timezone.now(),
        )  # fmt: skip


def _drain() -> dict[str, float]:
    """All that waits, also what the form's address took in before."""
    with all_workspaces():
        waiting = InboundEvent.objects.filter(state="waiting").count()
        before = Lead.objects.count()
    seconds, handled = 0.0, 0
    while handled < waiting:
        started = time.perf_counter()
        now_handled = inbox.drain(timezone.now())
        seconds += time.perf_counter() - started
        if not now_handled:
            raise NotStored(f"{handled} of {waiting} submissions are drained, and no more")
        handled += now_handled
    with all_workspaces():
        stored = Lead.objects.count() - before
    return _measured(waiting, seconds, stored)


def _subscribers() -> dict[str, float]:
    """The product's subscribers over all that the measures before wrote into the log."""
    started = time.perf_counter()
    handled = 0
    while now_handled := events.dispatch(Lane.LIVE, timezone.now()):
        handled += now_handled
    seconds = time.perf_counter() - started
    with all_workspaces():
        behind = sum(
            events.rows_after(cursor.xid, cursor.activity_id).filter(lane=cursor.lane).count()
            for cursor in events.Cursor.objects.filter(lane=Lane.LIVE)
        )
    return _measured(handled, seconds, handled - behind)


def _make_due(number: int) -> list[uuid.UUID]:
    """Leads whose timer has run out: captured, then set back by ninety days."""
    ids = [one.lead_id for _ in range(number // BATCH)
           for one in capture_leads(_drafts(_people(BATCH)), by=FORM, now=timezone.now())]  # fmt: skip
    ago = timezone.now() - timedelta(days=90)
    moments = ("created_at", "inserted_at", "attempt_started_at", "stage_entered_at",
               "last_activity_at", "first_touch_at", "answer_due_at")  # fmt: skip
    Lead.objects.filter(pk__in=ids).update(
        **dict.fromkeys(moments, ago), auto_close_at=ago + timedelta(days=30)
    )
    LeadSearch.objects.filter(pk__in=ids).update(created_at=ago)
    return ids


def _auto_close(ids: list[uuid.UUID]) -> dict[str, float]:
    with all_workspaces():
        others = Lead.objects.filter(auto_close_at__lte=timezone.now()).count() - len(ids)
    seconds, closed = 0.0, 0
    while closed < len(ids):
        started = time.perf_counter()
        now_closed = sweeps.auto_close_due(timezone.now())
        seconds += time.perf_counter() - started
        if not now_closed:
            break
        closed += now_closed
    with all_workspaces():
        stored = Lead.objects.filter(pk__in=ids, outcome="lost").count()
    found = _measured(len(ids), seconds, stored)
    return {**found, "rate": max(closed, len(ids)) / seconds, "others": others}


def _bulk_assign(number: int) -> tuple[dict[str, float], dict[str, float]]:
    """Open leads to another owner, as a worker does it: with results, and what undo needs; and undone."""
    owner, other = _members()
    leads = Lead.objects.filter(pk__in=list(
        Lead.objects.open().exclude(owner=other.pk).values_list("pk", flat=True)[:number]
    ))  # fmt: skip
    verb, values, now = BULK_VERBS["assign"], {"owner": str(other.pk)}, timezone.now()
    run = bulk.start(leads, verb, values, said="assigned", by=owner, now=now)

    def work() -> None:
        while bulk.advance(run.pk, now):
            pass

    seconds = _timed(work)
    run.refresh_from_db()
    theirs = Lead.objects.filter(pk__in=run.leads, owner=other.pk)
    done = _measured(run.total, seconds, theirs.count())
    bulk.undo(run, now)
    seconds = _timed(work)
    return done, _measured(run.total, seconds, run.total - theirs.count())


def _export(number: int) -> dict[str, float]:
    """The newest leads as CSV, with the columns of the list."""
    owner, _ = _members()
    since = Lead.objects.order_by("-created_at").values_list("created_at", flat=True)[number - 1]
    leads = Lead.objects.filter(created_at__gte=since)
    columns = [column for column in exporting.EXPORT_COLUMNS if column.shown]
    started = time.perf_counter()
    parts = exporting.export(
        leads, columns, {}, to="csv", about="", by=Actor.member(owner), now=timezone.now()
    )
    written = sum(1 for _ in csv.reader(StringIO(b"".join(parts).decode()))) - 1
    return _measured(leads.count(), time.perf_counter() - started, written)


def _members() -> tuple[Membership, Membership]:
    """The owner of the workspace, and somebody who takes leads."""
    members = Membership.objects.select_related("workspace", "user").filter(is_active=True)
    return members.get(role=Role.OWNER), members.filter(role=Role.REP).order_by("pk")[0]


def _join() -> dict[str, float]:
    """The floor of the finder: one join of all people with those of the same name and company."""
    with connection.cursor() as cursor:
        seconds = _timed(lambda: cursor.execute(JOIN, [Workspace.objects.get(slug=SLUG).pk] * 2))
    people = Contact.objects.count()
    return _measured(people, seconds, people)


JOIN = """
SELECT count(*) FROM leads_contact one JOIN leads_contact other
    ON other.workspace_id = one.workspace_id AND other.id > one.id
    AND lower(other.display_name) = lower(one.display_name)
    AND lower(other.company_name) = lower(one.company_name)
WHERE one.workspace_id = %s AND other.workspace_id = %s AND one.company_name <> ''
"""


def _duplicates() -> dict[str, float]:
    """Slices of the scan from its start, as the worker goes through them."""
    duplicate_scan.start_again(timezone.now())
    seconds, looked_at = 0.0, 0
    while looked_at < LOOKED_AT:
        started = time.perf_counter()
        now_looked_at = duplicate_scan.look_on(timezone.now())
        seconds += time.perf_counter() - started
        if not now_looked_at:
            break
        looked_at += now_looked_at
    return _measured(looked_at, seconds, DuplicateScan.objects.get().looked_at)


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    main()
