"""The only entrance for leads: each enquiry counts once, however often and in whatever mix."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.models import Team
from leadcrm.workspaces.scoping import ScopeMismatch, ScopeRequired, no_scope, workspace_scope
from leads import capture as capture_module
from leads import kinds, lifecycle, setup
from leads.capture import Captured, CaptureRefused, Effect, LeadDraft, capture_leads
from leads.models import (
    Activity,
    Contact,
    ExternalId,
    FieldSuggestion,
    Lead,
    LeadSearch,
    Message,
    Source,
    SourceKind,
)
from tests.factories import NOW, make_draft, make_lead, make_member

FORM = Actor.system("form")
API = Actor.system("api")


def capture(
    *drafts: LeadDraft, by: Actor = FORM, now: datetime = NOW, lane: str = "live"
) -> list[Captured]:
    return capture_leads(drafts, by=by, now=now, lane=lane)


def one(draft: LeadDraft, **options: Any) -> Lead:
    (captured,) = capture(draft, **options)
    return Lead.objects.select_related("contact", "source").get(pk=captured.lead_id)


# --- what a new lead holds ---


def test_a_draft_becomes_a_lead_with_what_was_said(acme, now):
    at = now - timedelta(minutes=3)
    source = Source.objects.get()
    lead = one(
        make_draft(
            display_name="Dr. Bo van Dam",
            email="Bo@Example.com",
            phone="415 555 2671",
            message=" Please call\nme ",
            utm_source="news",
            budget="5000",
            occurred_at=at,
            source=source,
            answers=[("Size", "12")],
            first_touch={"referrer": "https://a.example"},
            last_touch={"referrer": "https://b.example"},
            platform_ref={"gclid": "g1"},
        )
    )
    assert (lead.first_name, lead.last_name) == ("Bo", "van Dam")
    assert (lead.email, lead.phone, lead.phone_raw) == (
        "bo@example.com", "+14155552671", "415 555 2671",
    )  # fmt: skip
    assert lead.message == "Please call\nme"
    assert lead.answers == [["Size", "12"]]
    assert lead.first_touch == {"referrer": "https://a.example"}
    assert lead.last_touch == {"referrer": "https://b.example"}
    assert lead.platform_ref == {"gclid": "g1"}
    assert (lead.created_at, lead.inserted_at) == (at, now)
    assert lead.attempt_started_at == lead.stage_entered_at == lead.first_touch_at == at
    assert (lead.status, lead.version, lead.attempt) == ("new", 1, 1)
    assert lead.source_id == source.pk
    assert LeadSearch.objects.get(lead=lead).text.startswith("dr. bo van dam")
    assert lead.contact.display_name == "Dr. Bo van Dam"


def test_the_log_gets_one_row_with_the_facts(acme, now):
    lead = one(make_draft(key="k1", source=Source.objects.get(), source_url="https://a.example/x"))
    row = Activity.objects.get(lead=lead)
    assert (row.kind, row.to_status, row.occurred_at) == (kinds.LEAD_CREATED, "new", now)
    assert (row.actor_kind, row.via, row.dedupe_key) == ("system", "form", "capture:k1")
    assert row.data == {
        "source_kind": "website_form",
        "source_id": str(lead.source_id),
        "landing_page": "https://a.example/x",
    }


def test_the_source_gives_owner_team_location_campaign_and_pipeline(acme, ben):
    team = Team.objects.create(name="North")
    pipeline = setup.add_pipeline("bant")
    source = Source.objects.create(
        name="Vendor", kind=SourceKind.API, owner=ben, team=team, pipeline=pipeline
    )
    lead = one(make_draft(source=source, source_kind=SourceKind.API))
    assert (lead.owner_id, lead.team_id, lead.pipeline_id) == (ben.pk, team.pk, pipeline.pk)


def test_a_person_who_adds_a_lead_is_its_creator(acme, me):
    lead = one(make_draft(source_kind=SourceKind.MANUAL), by=me)
    assert lead.created_by_id == me.membership_id
    assert Activity.objects.get(lead=lead).actor_kind == "user"


def test_a_provider_with_a_fast_clock_brings_no_lead_from_the_future(acme, now):
    lead = one(make_draft(occurred_at=now + timedelta(hours=5)))
    assert lead.created_at == now


def test_over_long_values_are_cut_to_their_columns(acme):
    lead = one(
        make_draft(
            display_name="x" * 5000, utm_source="u" * 5000, source_url="https://a/" + "p" * 9000,
            message="m" * 100_000, key="k" * 4000,
        )
    )  # fmt: skip
    assert len(lead.display_name) == 200
    assert len(lead.utm_source) == 255
    assert len(lead.source_url) == 2000
    assert len(lead.message) == 100_000
    assert len(lead.contact.display_name) == 200


@pytest.mark.parametrize("key", ["k" * 4000, "a\x00b", "\ud800"])
def test_a_key_that_fits_no_column_still_counts_once(acme, key):
    draft = make_draft(key=key, values={"display_name": "Anonymous"})
    capture(draft)
    assert capture(draft)[0].effect is Effect.KNOWN


def test_characters_that_cannot_be_stored_are_left_out(acme):
    lead = one(
        make_draft(
            display_name="Bo\x00 \ud800Dam",
            message="a\x00b",
            answers=[("Q\x00", "A\udfff")],
            platform_ref={"gclid": "g\x00"},
            first_touch={"url": ["\x00x"]},
        )
    )
    assert lead.display_name == "Bo Dam"
    assert lead.message == "ab"
    assert lead.answers == [["Q", "A"]]
    assert lead.platform_ref == {"gclid": "g"}
    assert lead.first_touch == {"url": ["x"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [("budget", "a lot"), ("enrollment", "-4"), ("country", "Germany"), ("time_zone", "Mars"),
     ("budget_currency", "dollars"), ("external_score", "high")],
)  # fmt: skip
def test_a_value_that_does_not_fit_loses_no_enquiry_but_is_refused_from_programs(
    acme, field, value
):
    lead = one(make_draft(**{field: value}))
    assert getattr(lead, field) in ("", None)
    with pytest.raises(CaptureRefused) as refused:
        capture(make_draft(source_kind=SourceKind.API, **{field: value}))
    assert refused.value.field == field


@pytest.mark.parametrize("values", [{}, {"display_name": " ", "email": ""}, {"message": "Hello"}])
def test_a_draft_that_names_nobody_is_refused_and_with_it_the_batch(acme, values):
    with pytest.raises(CaptureRefused) as refused:
        capture(make_draft(), make_draft(values=values))
    assert refused.value.field == "display_name"
    assert not Lead.objects.exists()
    assert not Contact.objects.exists()


def test_an_unknown_field_is_refused_by_name(acme):
    with pytest.raises(CaptureRefused) as refused:
        capture(make_draft(shoe_size="44"))
    assert refused.value.field == "shoe_size"


def test_without_a_scope_nothing_is_captured(workspace, now):
    with no_scope(), pytest.raises(ScopeRequired):
        capture(make_draft())


def test_a_source_of_another_workspace_is_refused(acme, rival):
    with workspace_scope(rival):
        theirs = Source.objects.select_related("pipeline").get()
    with pytest.raises(ScopeMismatch):
        capture(make_draft(source=theirs))
    assert not Lead.objects.exists()


# --- once ---


def test_the_same_draft_counts_once(acme):
    draft = make_draft(key="form-1")
    first, again = capture(draft)[0], capture(draft)[0]
    assert (first.effect, again.effect) == (Effect.CREATED, Effect.KNOWN)
    assert again.lead_id == first.lead_id
    assert Activity.objects.count() == 1


def test_the_same_draft_twice_in_a_batch_counts_once(acme):
    draft = make_draft(key="form-1")
    first, again = capture(draft, draft)
    assert (first.effect, again.effect) == (Effect.CREATED, Effect.KNOWN)
    assert again.lead_id == first.lead_id


def test_a_draft_without_any_key_of_a_person_counts_once(acme):
    draft = make_draft(key="form-1", values={"display_name": "Anonymous"})
    assert [capture(draft)[0].effect for _ in range(2)] == [Effect.CREATED, Effect.KNOWN]


def test_a_repeat_enquiry_counts_once_too(acme):
    lead = one(make_draft(email="bo@example.com"))
    again = make_draft(email="bo@example.com", key="second")
    assert [capture(again)[0].effect for _ in range(2)] == [Effect.TOUCHED, Effect.KNOWN]
    assert Activity.objects.filter(lead=lead, kind=kinds.ENQUIRY_REPEATED).count() == 1
    assert Message.objects.filter(lead=lead).count() == 1


def test_the_same_key_in_another_workspace_is_another_enquiry(acme, rival):
    draft = make_draft(key="form-1")
    capture(draft)
    with workspace_scope(rival):
        assert capture(draft)[0].effect is Effect.CREATED


def test_an_external_id_is_one_lead(acme):
    first = capture(make_draft(external=("crm", "7"), key="a"))[0]
    again = capture(make_draft(external=("crm", "7"), key="b"))[0]
    assert again == Captured(Effect.KNOWN, first.lead_id)
    assert ExternalId.objects.count() == 1


def test_an_external_id_twice_in_a_batch_is_one_lead(acme):
    first, again = capture(
        make_draft(external=("crm", "7"), key="a"), make_draft(external=("crm", "7"), key="b")
    )
    assert again == Captured(Effect.KNOWN, first.lead_id)


def test_the_same_id_of_two_systems_is_two_leads(acme):
    capture(make_draft(external=("crm", "7")), make_draft(external=("shop", "7")))
    assert ExternalId.objects.count() == Lead.objects.count() == 2


def test_an_external_id_hangs_on_the_lead_that_was_touched(acme):
    lead = one(make_draft(email="bo@example.com"))
    capture(make_draft(email="bo@example.com", external=("crm", "7")))
    assert ExternalId.objects.get().lead_id == lead.pk


# --- batches ---


def test_a_batch_with_one_person_many_times_is_one_lead_touched_often(acme):
    results = capture(*(make_draft(email="bo@example.com", message=f"{n}") for n in range(5)))
    assert [result.effect for result in results] == [Effect.CREATED] + [Effect.TOUCHED] * 4
    assert len({result.lead_id for result in results}) == 1
    assert [m.body for m in Message.objects.order_by("body")] == ["1", "2", "3", "4"]


def test_a_batch_is_as_good_as_its_drafts_one_by_one(acme, rival):
    def drafts() -> list[LeadDraft]:
        people = [
            {"email": "bo@example.com"}, {"phone": "+14155552671"}, {"email": "cy@example.com"},
            {"email": "bo@example.com", "phone": "+14155552671"}, {"phone": "+14155552671"},
            {"email": "di@example.com", "phone": "+14155552671"}, {"display_name": "Anonymous"},
            {"email": "bo@example.com", "job_title": "Head"},
        ]  # fmt: skip
        return [
            make_draft(key=f"k{n}", values={"display_name": "Somebody", **values})
            for n, values in enumerate(people)
        ]

    def state() -> list[tuple[Any, ...]]:
        rows = Lead.objects.order_by("email", "phone", "display_name", "needs_review")
        return [(r.email, r.phone, r.job_title, r.needs_review, r.activities.count()) for r in rows]

    capture(*drafts())
    at_once = state()
    with workspace_scope(rival):
        for draft in drafts():
            capture(draft)
        assert state() == at_once
        assert Contact.objects.count() == 3
    assert Contact.objects.count() == 3


def test_the_number_of_queries_does_not_grow_with_the_rows(acme):
    def queries_of(count: int) -> int:
        source = Source.objects.get()
        drafts = [
            make_draft(
                company_name=f"Company {n % 50}", source=source, external=("crm", f"{count}-{n}")
            )
            for n in range(count)
        ]
        with CaptureQueriesContext(
            connection,
        ) as seen:
            capture(*drafts)
        return len(seen)

    assert queries_of(400) == queries_of(20)


def test_repeat_enquiries_that_say_nothing_new_take_no_more_queries_either(acme):
    people = [make_draft(key=f"a{n}") for n in range(200)]
    capture(*people)

    def queries_of(some: list[LeadDraft]) -> int:
        repeats = [make_draft(values=draft.values) for draft in some]
        with CaptureQueriesContext(connection) as seen:
            capture(*repeats)
        return len(seen)

    assert queries_of(people[:10]) == queries_of(people[10:])


def test_many_people_behind_one_number_are_captured_at_once(acme):
    drafts = [make_draft(phone="+14155552671") for _ in range(300)]
    with CaptureQueriesContext(connection) as seen:
        capture(*drafts)
    assert Contact.objects.count() == 300
    assert len(seen) < 40


def test_thousands_of_drafts_take_a_few_queries_per_thousand(acme, capsys):
    """The fixed part is that of one draft; then come chunks of 1,000 rows per table."""

    def queries_of(count: int) -> int:
        drafts = [make_draft(phone=f"+1415{next(_phones)}") for _ in range(count)]
        with CaptureQueriesContext(connection) as seen:
            results = capture(*drafts)
        assert {result.effect for result in results} == {Effect.CREATED}
        return len(seen)

    few = queries_of(1)
    started = time.perf_counter()
    many = queries_of(2500)
    with capsys.disabled():
        print(f" [2,500 drafts: {time.perf_counter() - started:.1f} s, {many} queries] ", end="")
    tables, further_chunks = 6, 3
    assert many <= few + tables * further_chunks


_phones = itertools.count(5550000)


# --- what a repeat enquiry changes ---


def test_a_prospect_fills_blanks_and_suggests_the_rest(acme):
    lead = one(make_draft(email="bo@example.com", job_title="Head"))
    capture(make_draft(email="bo@example.com", display_name="Bobby", job_title="Boss", state="CA"))
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.job_title, lead.state) == ("Head", "CA")
    assert lead.provenance["state"]["rank"] == Rank.PROSPECT
    assert "job_title" not in lead.provenance
    suggested = dict(FieldSuggestion.objects.values_list("field", "value"))
    assert suggested["job_title"] == "Boss"
    assert suggested["display_name"] == "Bobby"
    assert lead.contact.state == "CA"


def test_a_blank_that_a_person_set_stays_blank(acme, me):
    from leads import editing

    lead = one(make_draft(email="bo@example.com", job_title="Head"))
    editing.edit([lead.pk], {"job_title": ""}, by=me, now=NOW)
    capture(make_draft(email="bo@example.com", job_title="Boss"))
    assert Lead.objects.get(pk=lead.pk).job_title == ""
    assert FieldSuggestion.objects.get(field="job_title").value == "Boss"


def test_a_person_who_adds_a_known_person_overwrites(acme, me):
    lead = one(make_draft(email="bo@example.com", job_title="Head"))
    capture(make_draft(email="bo@example.com", job_title="Boss", source_kind="manual"), by=me)
    assert Lead.objects.get(pk=lead.pk).job_title == "Boss"


def test_the_first_attribution_stays_and_the_last_moves_on(acme, now):
    lead = one(
        make_draft(email="bo@example.com", utm_source="first", first_touch={"n": 1}, last_touch={"n": 1},
                   platform_ref={"gclid": "1"})
    )  # fmt: skip
    capture(
        make_draft(email="bo@example.com", utm_source="second", first_touch={"n": 2}, last_touch={"n": 2},
                   platform_ref={"gclid": "2", "fbc": "f"})
    )  # fmt: skip
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.utm_source, lead.first_touch, lead.last_touch) == ("first", {"n": 1}, {"n": 2})
    assert lead.platform_ref == {"gclid": "1", "fbc": "f"}


def test_an_earlier_enquiry_that_comes_in_late_is_the_first(acme, now):
    lead = one(make_draft(email="bo@example.com", first_touch={"n": 2}))
    early = now - timedelta(hours=2)
    capture(make_draft(email="bo@example.com", occurred_at=early, first_touch={"n": 1}))
    lead = Lead.objects.get(pk=lead.pk)
    assert lead.created_at == lead.first_touch_at == lead.attempt_started_at == early
    assert lead.first_touch == {"n": 1}
    assert lead.last_activity_at == now
    assert LeadSearch.objects.get(lead=lead).created_at == early


def test_a_repeat_enquiry_keeps_its_words_and_waits_to_be_read(acme, now, me):
    lead = one(make_draft(email="bo@example.com"))
    lifecycle.contact([lead.pk], by=me, now=now)
    later = now + timedelta(hours=1)
    draft = make_draft(
        email="bo@example.com", message="Still there?", answers=[("Q", "A")], occurred_at=later
    )
    capture(draft, now=later)
    lead = Lead.objects.get(pk=lead.pk)
    message = Message.objects.get(lead=lead)
    assert (message.body, message.meta) == ("Still there?", {"answers": [["Q", "A"]]})
    row = Activity.objects.get(kind=kinds.ENQUIRY_REPEATED)
    assert row.subject_id == message.pk
    assert lead.unread_since == later == lead.work_due_at


def test_a_new_lead_of_a_known_person_completes_the_person(acme, me):
    lead = one(make_draft(email="bo@acme.example", job_title="Head"))
    lifecycle.close([lead.pk], reason="no_need", by=me, now=NOW)
    again = one(
        make_draft(
            email="bo@acme.example", job_title="Boss", phone="+14155552671", company_name="Acme"
        )
    )
    assert again.pk != lead.pk
    person = again.contact
    assert (person.job_title, person.phone) == ("Head", "+14155552671")
    assert person.company_id == again.company_id is not None


# --- the response clock ---


def test_the_answer_is_due_by_the_source_in_business_hours(acme, now):
    assert one(make_draft(source_kind="website_form")).answer_due_at == now + timedelta(minutes=10)
    assert one(make_draft(source_kind="facebook_lead_ad")).answer_due_at == now + timedelta(
        minutes=5
    )
    assert one(make_draft(source_kind="email")).answer_due_at == now + timedelta(minutes=60)
    source = Source.objects.create(name="Slow", kind="website_form", answer_minutes=90)
    lead = one(make_draft(source=source))
    assert lead.answer_due_at == lead.work_due_at == now + timedelta(minutes=90)


def test_what_comes_at_night_is_due_half_an_hour_after_opening(acme):
    night = datetime(2026, 3, 7, 23, 0, tzinfo=UTC)  # a Saturday
    lead = one(make_draft(occurred_at=night), now=night)
    assert lead.answer_due_at == datetime(2026, 3, 9, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "lane"),
    [({}, "backfill"), ({"is_test": True}, "live"), ({"source_kind": "import"}, "live")],
)
def test_no_clock_runs_for_history_tests_and_imports(acme, fields, lane):
    lead = one(make_draft(**fields), lane=lane)
    assert lead.answer_due_at is None
    assert lead.work_due_at is None
    assert Activity.objects.get(lead=lead).lane == lane


def test_history_leaves_nobody_an_unread_enquiry(acme):
    lead = one(make_draft(email="bo@example.com"))
    capture(make_draft(email="bo@example.com"), lane="backfill")
    assert Lead.objects.get(pk=lead.pk).unread_since is None


# --- races ---


def test_a_lost_race_is_run_again(transactional_db, monkeypatch):
    """As when another process wins: the transaction is rolled back whole, then repeated."""
    from django.db import OperationalError
    from psycopg.errors import DeadlockDetected

    from tests.factories import make_workspace

    take, calls = capture_module._Capture.take, []

    def once_deadlocked(self: Any, drafts: Any) -> Any:
        result = take(self, drafts)
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError("deadlock detected") from DeadlockDetected()
        return result

    monkeypatch.setattr(capture_module._Capture, "take", once_deadlocked)
    with workspace_scope(make_workspace("Acme")):
        (captured,) = capture(make_draft())
        assert captured.effect is Effect.CREATED
        assert len(calls) == 2
        assert Lead.objects.count() == 1


def test_members_of_both_workspaces_never_meet(acme, rival, rita):
    """The owner of a draft is a row; one of another workspace stops the batch."""
    theirs = make_member(rival, "rep", "Ron")
    with pytest.raises(ScopeMismatch):
        capture(make_draft(owner=theirs))
    assert make_lead().owner_id is None
