"""What the processes of these tests do. Each opens the test's database anew and answers by a queue."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadcrm.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402

from leadcrm.workspaces import members  # noqa: E402
from leadcrm.workspaces.actors import Actor  # noqa: E402
from leadcrm.workspaces.models import Location, User  # noqa: E402
from leadcrm.workspaces.scoping import workspace_scope  # noqa: E402
from leads import editing, events, kinds  # noqa: E402
from leads.capture import LeadDraft, capture_leads  # noqa: E402
from leads.models import Activity, Lead  # noqa: E402
from tests.factories import NOW  # noqa: E402

PEOPLE = 1000


def enter(database: str) -> None:
    """Use the test's database, and wait for locks as long as a busy machine needs."""
    connection.settings_dict["NAME"] = database
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '60s'")


# --- capture ---


def draft_of(person: int, wave: int) -> LeadDraft:
    return LeadDraft(
        source_kind="website_form",
        occurred_at=NOW,
        key=f"submission-{person}-{wave}",
        values={
            "display_name": f"Person {person}",
            "email": f"person{person}@gmail.com",  # so that companies go by their names
            "phone": f"+1415{5550000 + person}",
            "company_name": f"Company {person % 40}",
        },
    )


def capture_everybody(database: str, workspace: uuid.UUID, number: int, answers: Any) -> None:
    """Send one of two waves of everybody's submissions, shuffled, in batches of mixed size."""
    enter(database)
    chance = random.Random(number)
    drafts = [draft_of(person, number % 2) for person in range(PEOPLE)]
    chance.shuffle(drafts)
    effects: Counter[str] = Counter()
    with workspace_scope(workspace):
        while drafts:
            size = chance.choice((1, 2, 10, 60, 150))
            batch, drafts = drafts[:size], drafts[size:]
            captured = capture_leads(batch, by=Actor.system("form"), now=NOW)
            effects.update(str(one.effect) for one in captured)
    answers.put(dict(effects))


# --- one lead, many editors ---


def edit_one_lead(
    database: str, workspace: uuid.UUID, lead_id: uuid.UUID, number: int, edits: int, answers: Any
) -> None:
    """Read the version, think, save: each edit is kept or refused with a conflict."""
    enter(database)
    kept = refused = 0
    with workspace_scope(workspace):
        for n in range(edits):
            version = Lead.objects.values_list("version", flat=True).get(pk=lead_id)
            (result,) = editing.edit(
                [lead_id],
                {"label": f"{number}-{n}"},
                by=Actor.system("web"),
                now=NOW,
                version=version,
            )
            kept += result.done
            refused += isinstance(result.refusal, editing.StaleVersion)
    answers.put((kept, refused))


# --- the log ---


def write_log(
    database: str, workspace: uuid.UUID, leads: Sequence[uuid.UUID], number: int, seconds: float
) -> None:
    """Append to the log in transactions of random length, some of them rolled back."""
    enter(database)
    chance = random.Random(number)
    until = time.monotonic() + seconds
    with workspace_scope(workspace):
        while time.monotonic() < until:
            # Slow enough for the readers to stay at the head of the log, where rows get missed.
            time.sleep(chance.random() * 0.1)
            try:
                with transaction.atomic():
                    for _ in range(chance.randint(1, 4)):
                        Activity.objects.bulk_create(
                            _row(chance.choice(leads)) for _ in range(chance.randint(1, 3))
                        )
                        time.sleep(chance.random() * 0.05)
                    if chance.random() < 0.2:
                        raise InterruptedError
            except InterruptedError:
                continue


def _row(lead_id: uuid.UUID) -> Activity:
    return Activity(
        lead_id=lead_id, kind=kinds.REVIEWED, occurred_at=NOW, actor_kind="system", via="web"
    )


def note_each(rows: Sequence[Activity], now: datetime) -> None:
    """A subscriber whose effect is a row for each row, so that missed and doubled ones show."""
    Location.objects.bulk_create(Location(name=f"{row.pk} {uuid.uuid4()}") for row in rows)
    time.sleep(0.005)  # so that a kill finds it in the middle of its work


def read_log(database: str) -> None:
    """Dispatch for ever; ended by a kill."""
    enter(database)
    subscriber = events.Subscriber("noting", note_each, frozenset({"live"}))
    while True:
        events.dispatch_to(subscriber, "live", NOW)
        time.sleep(0.002)


# --- invitations ---


def accept_invitation(database: str, secret: str, user_id: uuid.UUID, answers: Any) -> None:
    enter(database)
    try:
        members.join(secret=secret, user=User.objects.get(pk=user_id), now=NOW)
    except members.InvitationUnusable:
        answers.put("refused")
    else:
        answers.put("joined")
