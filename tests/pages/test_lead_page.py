"""The lead page and its verbs, in the browser with HTMX and without."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads import appointments, archiving, editing, kinds, lifecycle, timeline
from leads.booking import Booking
from leads.models import (
    Activity,
    Appointment,
    ContactKey,
    Deal,
    FieldSuggestion,
    Lead,
    Message,
    Task,
)
from leads.views.verbs import VERBS
from tests.factories import NOW, make_lead

SignIn = Callable[[Membership], Client]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def page_of(lead: Lead) -> str:
    return reverse("lead-detail", args=[lead.workspace.slug, lead.pk])


def to(lead: Lead, verb: str) -> str:
    return reverse(f"lead-{verb}", args=[lead.workspace.slug, lead.pk])


def about(lead: Lead, verb: str, subject: Any) -> str:
    return reverse(verb, args=[lead.workspace.slug, subject.pk])


def local(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def now_of(lead: Lead) -> Lead:
    return Lead.objects.for_detail().get(pk=lead.pk)


def log_of(lead: Lead) -> list[str]:
    return list(Activity.objects.filter(lead=lead).order_by("id").values_list("kind", flat=True))


def test_the_page_tells_who_asked_what(web: Client, lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(message="A new roof?", answers=[["Size", "1200 m²"]])
    body = web.get(page_of(lead)).content.decode()
    for text in ("Maria Lopez", "A new roof?", "1200 m²", 'href="tel:+14155552671"', "New enquiry"):
        assert text in body


def test_a_lead_that_is_not_there_and_one_of_others_look_the_same(
    web: Client, lead: Lead, rival: Workspace
) -> None:
    with workspace_scope(rival):
        theirs = make_lead()
    paths = [
        reverse("lead-detail", args=[lead.workspace.slug, pk]) for pk in (theirs.pk, uuid.uuid4())
    ]
    answers = [web.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


# --- every verb, as a plain form ---

FUTURE = timezone.now().replace(microsecond=0) + timedelta(days=3)
DAY = FUTURE.date().isoformat()
# verb: (state the lead must be in first, what the form holds, log kind that stands afterwards)
CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "note": ("", {"body": "They have 3 buildings"}, kinds.NOTE_ADDED),
    "call": ("", {"outcome": "reached", "note": "Nice talk"}, kinds.CALL_LOGGED),
    "email": ("", {"direction": "inbound", "subject": "Hi", "body": "Yo"}, kinds.MESSAGE_RECEIVED),
    "text": ("", {"direction": "outbound", "body": "Hello"}, kinds.MESSAGE_SENT),
    "task": ("", {"title": "Send offer", "due_at": local(FUTURE)}, kinds.TASK_ADDED),
    "book": ("", {"scheduled_for": local(FUTURE), "minutes": "45"}, kinds.APPOINTMENT_BOOKED),
    "close": ("", {"reason": "price"}, kinds.STAGE_CHANGED),
    "convert": ("qualified", {"with_deal": "on", "name": "Roof"}, kinds.STAGE_CHANGED),
    "contacted": ("", {}, kinds.STAGE_CHANGED),
    "qualify": ("", {}, kinds.STAGE_CHANGED),
    "complete": ("booked", {}, kinds.APPOINTMENT_ATTENDED),
    "move": ("", {"stage": "contacted"}, kinds.STAGE_CHANGED),
    "recycle": ("", {"returns_on": DAY}, kinds.STAGE_CHANGED),
    "reopen": ("lost", {}, kinds.STAGE_CHANGED),
    "claim": ("", {}, kinds.OWNER_CHANGED),
    "assign": ("", {"owner": "ben"}, kinds.OWNER_CHANGED),
    "release": ("owned", {}, kinds.OWNER_CHANGED),
    "snooze": ("", {"until": local(FUTURE)}, kinds.SNOOZED),
    "wake": ("snoozed", {}, kinds.WOKEN),
    "read": ("unread", {}, kinds.LEAD_READ),
    "reviewed": ("review", {}, kinds.REVIEWED),
    "do-not-contact": ("", {"reason": "Asked"}, kinds.DO_NOT_CONTACT),
    "may-contact": ("forbidden", {}, kinds.DO_NOT_CONTACT),
    "remove": ("", {"reason": "Twice"}, kinds.ARCHIVED),
    "restore": ("removed", {}, kinds.RESTORED),
    "appointment-move": ("booked", {"to": local(FUTURE), "minutes": "30"}, kinds.APPOINTMENT_MOVED),
    "appointment-attend": ("booked", {}, kinds.APPOINTMENT_ATTENDED),
    "appointment-no-show": ("booked", {}, kinds.APPOINTMENT_NO_SHOW),
    "appointment-cancel": ("booked", {}, kinds.APPOINTMENT_CANCELED),
    "task-done": ("task", {}, kinds.TASK_DONE),
    "task-change": ("task", {"title": "Call", "due_at": local(FUTURE)}, kinds.TASK_CHANGED),
    "note-edit": ("note", {"body": "Four buildings"}, kinds.NOTE_EDITED),
    "note-pin": ("note", {}, kinds.NOTE_PINNED),
    "note-unpin": ("pinned", {}, kinds.NOTE_UNPINNED),
    "suggestion-accept": ("suggestion", {}, kinds.SUGGESTION_DECIDED),
    "suggestion-dismiss": ("suggestion", {}, kinds.SUGGESTION_DECIDED),
}


def bring(lead: Lead, state: str, me: Actor, ana: Membership, now: datetime) -> Any:
    """Bring the lead into a state; returns the subject of the verb, if it is about one."""
    ids, before = [lead.pk], now - timedelta(minutes=1)
    rows, doing = Lead.objects.filter(pk=lead.pk), {"by": me, "now": before}
    mail = {"channel": "email", "direction": "inbound", "body": "Hi"}
    system = Actor.system("email", Rank.PROSPECT)
    guess = {"field": "job_title", "source": "Website", "value": "CEO"}
    booking = Booking(now + timedelta(days=1), host=ana)
    tomorrow = now + timedelta(days=1)
    ways: dict[str, Callable[[], Any]] = {
        "": lambda: None,
        "qualified": lambda: lifecycle.qualify(ids, **doing),
        "booked": lambda: appointments.book(lead.pk, booking, **doing),
        "lost": lambda: lifecycle.close(ids, reason="price", **doing),
        "owned": lambda: rows.update(owner=ana),
        "snoozed": lambda: timeline.snooze(ids, until=tomorrow, **doing),
        "unread": lambda: timeline.log_message(ids, **mail, by=system, now=before),
        "review": lambda: rows.update(needs_review=True),
        "forbidden": lambda: ContactKey.objects.update(do_not_contact_at=before),
        "removed": lambda: archiving.archive(ids, **doing),
        "task": lambda: timeline.add_task(ids, title="Offer", due_at=FUTURE, **doing),
        "note": lambda: timeline.add_note(ids, body="Three", **doing),
        "pinned": lambda: pin(lead, me, before),
        "suggestion": lambda: FieldSuggestion.objects.create(lead=lead, **guess),
    }
    ways[state]()
    subjects = {"booked": Appointment, "task": Task, "note": Message, "pinned": Message}
    subjects["suggestion"] = FieldSuggestion
    return subjects[state].objects.get() if state in subjects else None


def pin(lead: Lead, me: Actor, at: datetime) -> None:
    timeline.add_note([lead.pk], body="Three", by=me, now=at)
    timeline.pin_note(Message.objects.get(), by=me, now=at)


def test_every_verb_has_a_case() -> None:
    assert set(CASES) == set(VERBS)


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
@pytest.mark.parametrize("verb", CASES)
def test_every_verb_works_as_a_form(
    web: Client,
    lead: Lead,
    me: Actor,
    ana: Membership,
    ben: Membership,
    now: datetime,
    verb: str,
    htmx: bool,
) -> None:
    state, data, kind = CASES[verb]
    subject = bring(lead, state, me, ana, now)
    address = about(lead, verb, subject) if VERBS[verb].path else to(lead, verb)
    page = web.get(page_of(lead)).content.decode()
    assert address in page or verb in ("text", "email", "move"), "the page offers it"
    before = log_of(lead)
    data = {name: str(ben.pk) if value == "ben" else value for name, value in data.items()}
    response = web.post(address, data, headers=HTMX if htmx else {})
    if htmx:
        assert (response.status_code, "toast" in response["HX-Trigger"]) == (200, True)
        assert b'id="lead"' in response.content
    else:
        assert (response.status_code, response.url) == (302, page_of(lead))
        assert VERBS[verb].said in web.get(page_of(lead)).content.decode()
    assert kind in log_of(lead)[len(before) :]


@pytest.mark.parametrize("verb", sorted({key for key in VERBS if VERBS[key].form} - {"move"}))
def test_every_form_opens_alone_for_htmx_and_within_its_page_without(
    web: Client, lead: Lead, me: Actor, ana: Membership, now: datetime, verb: str
) -> None:
    subject = bring(lead, CASES[verb][0], me, ana, now)
    address = about(lead, verb, subject) if VERBS[verb].path else to(lead, verb)
    fragment = web.get(address, headers=HTMX)
    assert fragment["HX-Retarget"] == "#panel"
    assert b"<html" not in fragment.content
    page = web.get(address)
    assert page.status_code == 200
    for body in (fragment.content.decode(), page.content.decode()):
        assert f'action="{address}"' in body


@pytest.mark.parametrize(
    ("verb", "data", "field", "message"),
    [
        ("close", {"reason": "other", "note": "short"}, "note", "at least 10 characters"),
        ("close", {"reason": ""}, "reason", "required"),
        ("call", {"outcome": "call_back", "note": "Mind me"}, "call_back_at", "time to call back"),
        ("recycle", {"returns_on": "2020-01-01"}, "returns_on", "must lie ahead"),
        ("snooze", {"until": "2020-01-01T10:00"}, "until", "must lie ahead"),
        ("book", {"scheduled_for": "", "minutes": "30"}, "scheduled_for", "required"),
        ("book", {"scheduled_for": local(FUTURE), "minutes": "0"}, "minutes", "greater than"),
        ("note", {"body": "x\x00y"}, "body", "Null characters"),
        ("assign", {"owner": str(uuid.uuid4())}, "owner", "valid choice"),
    ],
)
def test_what_is_refused_comes_back_with_the_reason_by_its_field(
    web: Client, lead: Lead, verb: str, data: dict[str, str], field: str, message: str
) -> None:
    before = log_of(lead)
    response = web.post(to(lead, verb), data, headers=HTMX)
    assert (response.status_code, response["HX-Retarget"]) == (422, "#panel")
    form = response.context["form"]
    assert message in str(form.errors[field])
    assert all(form[name].value() == value for name, value in data.items()), "nothing typed is lost"
    assert log_of(lead) == before
    assert web.post(to(lead, verb), data).status_code == 422


def test_a_lost_lead_is_not_converted(web: Client, lead: Lead, me: Actor, now: datetime) -> None:
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    response = web.post(to(lead, "convert"), {"with_deal": "on"})
    assert response.status_code == 422
    assert "can&#x27;t be converted" in response.content.decode()
    assert Deal.objects.count() == 0


def test_a_move_against_the_graph_says_where_it_may_go(web: Client, lead: Lead) -> None:
    response = web.post(to(lead, "move"), {"stage": "completed"}, headers=HTMX)
    assert response.status_code == 422
    assert "From there it can go to" in response.content.decode()
    assert now_of(lead).status == "new"


def test_an_overlap_is_a_warning_that_can_be_overruled(
    web: Client, lead: Lead, me: Actor, ana: Membership, now: datetime
) -> None:
    other = make_lead(now=now)
    appointments.book(other.pk, Booking(FUTURE, 60, host=ana), by=me, now=now)
    form = {"scheduled_for": local(FUTURE + timedelta(minutes=30)), "minutes": "30", "host": ana.pk}
    response = web.post(to(lead, "book"), form)
    assert response.status_code == 422
    assert "has an appointment then already" in response.content.decode()
    assert not Appointment.objects.filter(lead=lead).exists()
    web.post(to(lead, "book"), {**form, "sure": "1"})
    assert Appointment.objects.filter(lead=lead).exists()


def test_times_are_read_in_the_viewers_zone(web: Client, lead: Lead, ana: Membership) -> None:
    ana.user.time_zone = "America/New_York"
    ana.user.save(update_fields=["time_zone"])
    web.post(to(lead, "task"), {"title": "Call", "due_at": "2030-01-15T09:00"})
    assert Task.objects.get().due_at.isoformat() == "2030-01-15T14:00:00+00:00"


def test_mails_and_calls_are_not_edited_as_notes(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    timeline.log_call([lead.pk], outcome="reached", note="As said", by=me, now=now)
    message = Message.objects.get()
    response = web.post(about(lead, "note-edit", message), {"body": "Otherwise"})
    assert response.status_code == 404
    message.refresh_from_db()
    assert message.body == "As said"


# --- who may ---


def test_a_viewer_reads_and_is_offered_nothing(
    sign_in: SignIn, vera: Membership, lead: Lead
) -> None:
    client = sign_in(vera)
    body = client.get(page_of(lead)).content.decode()
    for verb in VERBS.values():
        if not verb.path:
            assert to(lead, verb.key) not in body
    assert to(lead, "edit") not in body
    before = log_of(lead)
    for verb in VERBS.values():
        if not verb.path:
            assert client.post(to(lead, verb.key), {"body": "x"}).status_code == 403
    assert client.post(to(lead, "edit"), {"label": "x"}).status_code == 403
    assert log_of(lead) == before


def test_a_rep_does_not_see_or_touch_a_colleagues_lead(
    sign_in: SignIn, ben: Membership, ana: Membership, lead: Lead
) -> None:
    Lead.objects.filter(pk=lead.pk).update(owner=ana)
    client = sign_in(ben)
    assert client.get(page_of(lead)).status_code == 404
    assert client.post(to(lead, "note"), {"body": "x"}).status_code == 404


def test_handing_over_a_lead_leads_back_to_the_list(
    sign_in: SignIn, ben: Membership, ana: Membership, lead: Lead
) -> None:
    Lead.objects.filter(pk=lead.pk).update(owner=ben)
    client = sign_in(ben)
    response = client.post(to(lead, "assign"), {"owner": str(ana.pk)}, headers=HTMX)
    home = reverse("lead-list", args=[lead.workspace.slug])
    assert (response.status_code, response["HX-Redirect"]) == (204, home)


def test_a_rep_puts_no_lead_aside_that_they_may_not_reopen(
    sign_in: SignIn, ben: Membership, me: Actor, lead: Lead, now: datetime
) -> None:
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    month_ago = now - timedelta(days=31)
    Lead.objects.filter(pk=lead.pk).update(owner=ben, lost_at=month_ago)
    client = sign_in(ben)
    assert to(lead, "recycle") not in client.get(page_of(lead)).content.decode()
    assert client.post(to(lead, "recycle"), {"returns_on": DAY}).status_code == 403
    assert now_of(lead).status == "lost"


def test_a_rep_may_not_remove(sign_in: SignIn, ben: Membership, lead: Lead) -> None:
    client = sign_in(ben)
    assert to(lead, "remove") not in client.get(page_of(lead)).content.decode()
    assert client.post(to(lead, "remove"), {}).status_code == 403
    assert now_of(lead).archived_at is None


def test_a_subject_of_another_workspace_is_not_found(
    web: Client, lead: Lead, rival: Workspace, rita: Membership, now: datetime
) -> None:
    with workspace_scope(rival):
        theirs = make_lead(now=now)
        timeline.add_task([theirs.pk], title="X", due_at=FUTURE, by=Actor.member(rita), now=now)
        task = Task.objects.get()
    assert web.post(about(lead, "task-done", task)).status_code == 404
    with workspace_scope(rival):
        assert Task.objects.get().done_at is None


# --- editing ---


def edit_form(web: Client, lead: Lead) -> dict[str, Any]:
    """What the browser would send back of the edit form, untouched."""
    context = web.get(to(lead, "edit"), headers=HTMX).context
    form = context["edit_form"]
    values = {name: form[name].value() for name in form.fields} | dict(context["seen"])
    return {name: "" if value is None else value for name, value in values.items()}


def test_editing_saves_what_changed(web: Client, lead: Lead) -> None:
    form = {**edit_form(web, lead), "job_title": "CEO", "budget": "1200.50"}
    assert web.post(to(lead, "edit"), form).status_code == 302
    saved = now_of(lead)
    assert (saved.job_title, str(saved.budget)) == ("CEO", "1200.50")
    changes = Activity.objects.get(lead=lead, kind=kinds.FIELDS_CHANGED).data["changes"]
    assert set(changes) == {"job_title", "budget"}


def test_a_conflict_shows_both_values_and_saves_the_rest(
    web: Client, lead: Lead, max_: Membership, now: datetime
) -> None:
    form = edit_form(web, lead)
    editing.edit([lead.pk], {"job_title": "CTO"}, by=Actor.member(max_), now=now)
    response = web.post(
        to(lead, "edit"), {**form, "job_title": "CEO", "state": "Texas"}, headers=HTMX
    )
    assert response.status_code == 409
    body = response.content.decode()
    for text in ("Max set Job title to “CTO”", "Keep theirs", "Use mine"):
        assert text in body
    assert (now_of(lead).job_title, now_of(lead).state) == ("CTO", "Texas")
    web.post(to(lead, "edit"), {"job_title": "CEO", "base-job_title": "CTO"})
    assert now_of(lead).job_title == "CEO"


def test_what_a_colleague_changed_and_i_did_not_is_no_conflict(
    web: Client, lead: Lead, max_: Membership, now: datetime
) -> None:
    form = edit_form(web, lead)
    editing.edit([lead.pk], {"job_title": "CTO"}, by=Actor.member(max_), now=now)
    assert web.post(to(lead, "edit"), {**form, "state": "Texas"}).status_code == 302
    assert (now_of(lead).job_title, now_of(lead).state) == ("CTO", "Texas")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "12"),
        ("email", "no address"),
        ("country", "Germany"),
        ("budget", "-5"),
        ("budget", "a lot"),
        ("time_zone", "Mars/Base"),
        ("display_name", ""),
        ("label", "x" * 101),
        ("source", "0198a000-0000-7000-8000-000000000000"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_its_field(
    web: Client, lead: Lead, field: str, value: str
) -> None:
    form = {**edit_form(web, lead), field: value, "state": "Texas"}
    response = web.post(to(lead, "edit"), form, headers=HTMX)
    assert (response.status_code, response["HX-Retarget"]) == (422, "#details")
    assert field in response.context["edit_form"].errors
    assert now_of(lead).state == "", "nothing was saved"


# --- the timeline ---


def test_the_timeline_comes_in_pages_that_hold_every_row_once(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    for number in range(65):
        timeline.add_note([lead.pk], body=f"note-{number:02d}.", by=me, now=now)
    seen: list[str] = []
    address = page_of(lead)
    while address:
        history = web.get(address, headers={**HTMX, "HX-Target": "older"}).context["history"]
        seen += [block.message.body for block in history.blocks if block.message]
        address = f"{page_of(lead)}?before={history.older}" if history.older else ""
    assert seen == [f"note-{number:02d}." for number in reversed(range(65))]


def test_a_broken_timeline_cursor_is_not_found(web: Client, lead: Lead) -> None:
    assert web.get(page_of(lead) + "?before=zzz").status_code == 404


def test_automatic_rows_are_folded(
    web: Client, lead: Lead, me: Actor, ana: Membership, now: datetime
) -> None:
    for _ in range(2):
        bring(lead, "snoozed", me, ana, now)
        timeline.wake([lead.pk], by=me, now=now)
    Activity.objects.create(
        lead=lead, kind=kinds.LEAD_READ, occurred_at=now, actor_kind="system", via="timer"
    )
    assert "automatic updates" in web.get(page_of(lead)).content.decode()


def test_the_page_takes_ten_queries_however_much_hangs_on_the_lead(
    web: Client, lead: Lead, me: Actor, ana: Membership, now: datetime
) -> None:
    addresses = [page_of(lead), *(to(lead, verb) for verb in ("close", "assign", "book"))]
    for address in addresses:
        with CaptureQueriesContext(connection) as few:
            web.get(address)
        assert len(few) <= 10, address
    bring(lead, "suggestion", me, ana, now)
    for number in range(20):
        timeline.log_call([lead.pk], outcome="busy", note=str(number), by=me, now=now)
        timeline.add_task([lead.pk], title="T", due_at=FUTURE, by=me, now=now)
    for day in range(5):
        appointments.book(lead.pk, Booking(FUTURE + timedelta(days=day)), by=me, now=now)
    with CaptureQueriesContext(connection) as many:
        web.get(page_of(lead))
    assert len(many) <= 10


# --- as typed ---

EVIL = "<script>alert(1)</script>{{ 7|add:'7' }}{% now 'Y' %}\"'&"


def test_text_is_shown_as_typed_and_never_run(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    texts = [
        field.name
        for field in Lead._meta.get_fields()
        if field.get_internal_type() in ("CharField", "TextField")
        and not field.choices
        and (field.max_length or 999) >= 100
    ]
    Lead.objects.filter(pk=lead.pk).update(
        **dict.fromkeys(texts, EVIL), answers=[[EVIL, EVIL]], needs_review=True
    )
    lead.contact.display_name = EVIL
    lead.contact.save(update_fields=["display_name"])
    timeline.add_note([lead.pk], body=EVIL, by=me, now=now)
    timeline.add_task([lead.pk], title=EVIL, due_at=FUTURE, by=me, now=now)
    timeline.log_message(
        [lead.pk], channel="email", direction="inbound", subject=EVIL, body=EVIL, by=me, now=now
    )
    appointments.book(lead.pk, Booking(FUTURE, title=EVIL, place=EVIL), by=me, now=now)
    FieldSuggestion.objects.create(lead=lead, field="job_title", source="x", value=EVIL)
    slug = lead.workspace.slug
    paths = [
        page_of(lead),
        to(lead, "edit"),
        reverse("lead-list", args=[slug]) + "?view=all",
        reverse("contacts", args=[slug]),
        reverse("contact", args=[slug, lead.contact_id]),
    ]
    for path in paths:
        body = web.get(path).content.decode()
        assert "<script>alert" not in body
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7|add:&#x27;7&#x27; }}{% now" in body
    assert Message.objects.get(channel="note").body == EVIL


def test_the_header_shows_the_time_where_the_person_is(ana, acme, sign_in):
    lead = make_lead(now=NOW)
    Lead.objects.filter(pk=lead.pk).update(time_zone="Asia/Kolkata")
    with time_machine.travel(NOW, tick=False):  # 10:00 in UTC, the viewer's zone
        page = sign_in(ana).get(f"/w/{acme.slug}/leads/{lead.pk}/").content.decode()
    assert "15:30 there" in page
