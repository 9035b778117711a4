"""The timeline of the lead page: days, folds, long texts, and the note that is pinned."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leads import archiving, editing, kinds, lifecycle, timeline
from leads.batch import Refused
from leads.models import Activity, Lead, Message
from leads.views.history import SHOWN_LENGTH, clip
from tests.factories import NOW, make_lead
from tests.pages.test_lead_page import HTMX, about, log_of, page_of


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def note(lead: Lead, text: str, me: Actor, at: datetime) -> Message:
    timeline.add_note([lead.pk], body=text, by=me, now=at)
    return Message.objects.get(body=text.strip())


def automatic(lead: Lead, count: int, at: datetime) -> None:
    Activity.objects.bulk_create(
        Activity(
            workspace_id=lead.workspace_id,
            lead=lead,
            kind=kinds.LEAD_READ,
            occurred_at=at,
            actor_kind="system",
            via="timer",
        )
        for _ in range(count)
    )


# --- the pinned note ---


def test_one_note_is_pinned_above_the_timeline(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    gate = note(lead, "The gate code is 4711", me, now - timedelta(days=200))
    for number in range(40):
        note(lead, f"Later {number}.", me, now)
    assert "code is 4711" not in web.get(page_of(lead)).content.decode()
    answer = web.post(about(lead, "note-pin", gate), headers=HTMX)
    body = answer.content.decode()
    assert body.index("Pinned note") < body.index("code is 4711") < body.index("Later 39.")
    assert log_of(lead)[-1] == kinds.NOTE_PINNED
    web.post(about(lead, "note-unpin", gate), headers=HTMX)
    assert "code is 4711" not in web.get(page_of(lead) + "?show=conversation").content.decode()
    assert log_of(lead)[-1] == kinds.NOTE_UNPINNED


def test_pinning_another_note_takes_its_place(lead: Lead, me: Actor, now: datetime) -> None:
    first, second = note(lead, "First", me, now), note(lead, "Second", me, now)
    timeline.pin_note(first, by=me, now=now)
    timeline.pin_note(second, by=me, now=now)
    timeline.pin_note(second, by=me, now=now)
    assert list(Message.objects.filter(pinned_at__isnull=False)) == [second]
    assert log_of(lead).count(kinds.NOTE_PINNED) == 2, "doing it twice is doing it once"
    timeline.unpin_note(first, by=me, now=now)
    assert log_of(lead).count(kinds.NOTE_UNPINNED) == 0


def test_only_notes_are_pinned(web: Client, lead: Lead, me: Actor, now: datetime) -> None:
    timeline.log_call([lead.pk], outcome="reached", note="As said", by=me, now=now)
    assert web.post(about(lead, "note-pin", Message.objects.get())).status_code == 404


def test_nothing_is_pinned_on_a_removed_lead(lead: Lead, me: Actor, now: datetime) -> None:
    gate = note(lead, "Gate", me, now)
    archiving.archive([lead.pk], by=me, now=now)
    with pytest.raises(Refused):
        timeline.pin_note(gate, by=me, now=now)


# --- reading ---


def test_days_stand_above_their_rows(web: Client, lead: Lead, me: Actor) -> None:
    for days in (0, 1, 40):
        note(lead, f"{days} days ago", me, NOW - timedelta(days=days))
    with time_machine.travel(NOW, tick=False):  # a Wednesday
        blocks = web.get(page_of(lead) + "?show=conversation").context["history"].blocks
    headings = {block.body: block.heading for block in blocks if block.body}
    assert headings["0 days ago"] == "Today"
    assert headings["1 days ago"] == "Yesterday"
    assert headings["40 days ago"] == "Friday 23 January"


def test_a_day_is_named_once_across_pages(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    for number in range(31):
        note(lead, f"{number}.", me, now - timedelta(days=3))
    older = web.get(page_of(lead) + "?show=conversation").context["history"].older
    address = f"{page_of(lead)}?show=conversation&before={older}"
    page = web.get(address, headers={**HTMX, "HX-Target": "older"})
    assert [block.heading != "" for block in page.context["history"].blocks] == [False, False]


def test_automatic_rows_are_one_line_that_opens(web: Client, lead: Lead, now: datetime) -> None:
    automatic(lead, 7, now)
    body = web.get(page_of(lead)).content.decode()
    assert "<summary>7 automatic updates</summary>" in body
    assert body.count("Reply read") == 7


def test_a_long_text_is_cut_and_shown_whole_on_demand(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    text = "word " * 4000
    mail = note(lead, text, me, now)
    body = web.get(page_of(lead)).content.decode()
    assert body.count("word") < SHOWN_LENGTH
    address = reverse("message", args=[lead.workspace.slug, mail.pk])
    assert f'hx-get="{address}"' in body
    assert web.get(address, headers=HTMX).content.decode().strip() == text.strip()
    assert "<html" in web.get(address).content.decode()


@pytest.mark.parametrize(
    ("text", "start", "is_cut"),
    [
        ("", "", False),
        ("short", "short", False),
        ("x" * SHOWN_LENGTH, "x" * SHOWN_LENGTH, False),
        ("line\n" * 40, "line\n" * 9 + "line…", True),
        ("x" * 9000, "x" * SHOWN_LENGTH + "…", True),
    ],
)
def test_clipping(text: str, start: str, is_cut: bool) -> None:
    assert clip(text) == (start, is_cut)


def test_texts_of_others_are_not_found(
    sign_in: Any, ben: Membership, ana: Membership, me: Actor, acme: Workspace, now: datetime
) -> None:
    lead = make_lead(now=now, owner=ana)
    mail = note(lead, "Secret", me, now)
    client = sign_in(ben)
    for pk in (mail.pk, uuid.uuid4()):
        assert client.get(reverse("message", args=[acme.slug, pk])).status_code == 404


def test_an_edited_note_is_not_told_twice(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    first = note(lead, "Three buildings", me, now)
    timeline.edit_note(first, body="Four buildings in all of them", by=me, now=now)
    blocks = web.get(page_of(lead)).context["history"].blocks
    assert [block.body for block in blocks if block.body] == ["Four buildings in all of them"]


def test_five_thousand_rows_make_no_heavy_page(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    for number in range(60):
        note(lead, f"{number} " + "lorem ipsum " * 900, me, now)
    long = "x" * 9000
    editing.edit([lead.pk], {"notes": long}, by=me, now=now)
    editing.edit([lead.pk], {"notes": long + "y"}, by=me, now=now)
    lifecycle.close([lead.pk], reason="price", note="why " * 1000, by=me, now=now)
    automatic(lead, 5000, now)
    for address in (page_of(lead), page_of(lead) + "?show=conversation"):
        with CaptureQueriesContext(connection) as found:
            answer = web.get(address)
        assert len(answer.content) < 200_000
        assert len(found) <= 10
