"""The two doors of connected systems: `advance` on evidence, `observe` on authority."""

from datetime import timedelta

import pytest

from leadcrm.workspaces.actors import Actor
from leads import archiving, conversion, lifecycle
from leads.lifecycle import Evidence, StageRefused
from leads.models import Activity, Appointment, Lead, Stage
from leads.setup import add_pipeline
from tests.factories import make_lead

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CALLRAIL = Actor.system("callrail")


def advance(lead, to, now, key="e1", at=None, **facts):
    evidence = Evidence(key=key, at=at or now, source="callrail", **facts)
    (result,) = lifecycle.advance([lead.pk], to=to, evidence=evidence, by=CALLRAIL, now=now)
    assert result.done
    return Lead.objects.for_detail().get(pk=lead.pk)


def observe(lead, key, now, evidence="e1", pipeline=None, at=None):
    stage = Stage.objects.get(pipeline=pipeline or lead.pipeline, key=key)
    fact = Evidence(key=evidence, at=at or now, source="hubspot")
    lifecycle.observe([lead.pk], stage=stage, evidence=fact, by=Actor.system("hubspot"), now=now)
    return Lead.objects.for_detail().get(pk=lead.pk)


# --- advance ---------------------------------------------------------------------------------


def test_evidence_skips_forward_at_its_own_time(acme, now):
    lead = advance(make_lead(), "qualified", now + DAY, at=now + HOUR)
    assert (lead.status, lead.qualified_at, lead.stage_entered_at) == (
        "qualified",
        now + HOUR,
        now + HOUR,
    )
    assert lead.contacted_at is None


def test_evidence_never_takes_a_lead_back(acme, now):
    lead = make_lead()
    advance(lead, "qualified", now + HOUR)
    lead = advance(lead, "contacted", now + DAY, key="e2", at=now + 2 * HOUR)
    assert (lead.status, lead.contacted_at) == ("qualified", now + 2 * HOUR)
    assert Activity.objects.filter(lead=lead, kind="evidence_noted").count() == 1


def test_the_same_evidence_counts_once(acme, now):
    lead = make_lead()
    advance(lead, "scheduled", now)
    advance(lead, "scheduled", now + HOUR)
    assert Appointment.objects.count() == 1
    assert Activity.objects.filter(lead=lead, kind="stage_changed").count() == 1


def test_a_long_key_of_evidence_counts_once_too(acme, now):
    lead = make_lead()
    for _ in range(2):
        advance(lead, "contacted", now, key="k" * 400)
    advance(lead, "contacted", now, key="k" * 399 + "j")
    assert Activity.objects.filter(lead=lead).exclude(kind="lead_created").count() == 2


def test_a_booking_without_a_time_books_an_appointment_of_unknown_time(acme, now):
    lead = advance(make_lead(), "scheduled", now)
    appointment = Appointment.objects.get()
    assert (lead.status, appointment.scheduled_for, appointment.matched_via) == (
        "scheduled",
        None,
        "email",
    )
    assert Activity.objects.filter(lead=lead, kind="appointment_booked").exists()


def test_a_booking_with_a_time_is_what_is_due(acme, now):
    lead = make_lead()
    lead = advance(
        lead, "scheduled", now, scheduled_for=now + DAY, data={"matched_via": "matchback"}
    )
    appointment = Appointment.objects.get()
    assert (appointment.scheduled_for, appointment.matched_via) == (now + DAY, "matchback")


def test_a_reported_visit_settles_what_was_booked_up_to_then(acme, now):
    lead = make_lead()
    advance(lead, "scheduled", now, key="a", scheduled_for=now + DAY)
    advance(lead, "scheduled", now, key="b", scheduled_for=now + 9 * DAY)
    lead = advance(lead, "completed", now + 2 * DAY, key="c")
    assert lead.status == "completed"
    assert list(Appointment.objects.order_by("scheduled_for").values_list("status", flat=True)) == [
        "attended",
        "scheduled",
    ]


def test_a_booking_that_is_heard_of_after_the_visit_was_attended(acme, now):
    lead = make_lead()
    advance(lead, "completed", now + 2 * DAY, key="c")
    lead = advance(lead, "scheduled", now + 3 * DAY, key="a", at=now, scheduled_for=now + DAY)
    assert (lead.status, lead.scheduled_at) == ("completed", now)
    assert Appointment.objects.get().status == "attended"
    assert lead.work_due_at == lead.answer_due_at or lead.first_response_at is not None


@pytest.mark.parametrize("end", ["price", "fake", "recycled", "archived"])
def test_evidence_on_a_closed_lead_notes_the_milestone_only(acme, me, now, end):
    lead = make_lead()
    if end == "recycled":
        lifecycle.recycle([lead.pk], returns_at=now + 30 * DAY, by=me, now=now)
    elif end == "archived":
        archiving.archive([lead.pk], by=me, now=now)
    else:
        lifecycle.close([lead.pk], reason=end, by=me, now=now)
    status = Lead.objects.get(pk=lead.pk).status
    lead = advance(lead, "scheduled", now + HOUR, scheduled_for=now + DAY)
    assert (lead.status, lead.scheduled_at) == (status, now + HOUR)
    assert not Appointment.objects.exists()
    row = Activity.objects.filter(lead=lead).latest("id")
    assert (row.kind, row.data["scheduled_for"]) == ("evidence_noted", (now + DAY).isoformat())


def test_evidence_of_an_earlier_attempt_moves_nothing_now(acme, me, now):
    lead = make_lead()
    lifecycle.close([lead.pk], reason="price", by=me, now=now + DAY)
    lifecycle.reopen([lead.pk], by=me, now=now + 2 * DAY)
    lead = advance(lead, "contacted", now + 3 * DAY, at=now + HOUR)
    assert (lead.status, lead.contacted_at) == ("new", now + HOUR)


def test_a_pipeline_without_the_stage_only_notes_the_milestone(acme, now):
    lead = make_lead()
    lead = advance(lead, "mql", now + HOUR)
    assert (lead.status, lead.mql_at) == ("new", now + HOUR)
    lead = advance(make_lead(pipeline=add_pipeline("mql")), "mql", now + HOUR)
    assert (lead.status, lead.mql_at) == ("mql", now + HOUR)


@pytest.mark.parametrize("to", ["converted", "lost", "disqualified", "recycled", "new", "x"])
def test_evidence_neither_closes_nor_converts(acme, now, to):
    lead = make_lead()
    with pytest.raises(StageRefused, match="Evidence can't take a lead"):
        advance(lead, to, now)


def test_a_call_seen_by_a_system_stops_the_clock_and_is_not_self_reported(acme, now):
    lead = advance(make_lead(), "contacted", now + DAY, at=now + HOUR)
    assert (lead.first_response_at, lead.first_response_self_reported) == (now + HOUR, False)


def test_a_booking_mail_does_not_stop_the_clock(acme, now):
    assert advance(make_lead(), "scheduled", now).first_response_at is None


# --- observe ---------------------------------------------------------------------------------


def test_an_authority_sets_any_stage_and_what_is_missing_is_marked(acme, now):
    lead = make_lead()
    Stage.objects.filter(key="scheduled").update(required_fields=["budget"])
    lead = observe(lead, "scheduled", now + HOUR)
    row = Activity.objects.filter(lead=lead).latest("id")
    assert (lead.status, row.data["missing"]) == ("scheduled", ["budget", "appointment"])
    lead = observe(lead, "lost", now + HOUR, "e2")
    row = Activity.objects.filter(lead=lead).latest("id")
    assert (lead.status, lead.lost_at, row.data["missing"]) == ("lost", now + HOUR, ["reason"])


def test_a_conversion_without_a_person_is_marked(acme, now):
    lead = observe(make_lead(values={"display_name": "Somebody"}), "converted", now + HOUR)
    row = Activity.objects.filter(lead=lead).latest("id")
    assert (lead.status, row.data["missing"]) == ("converted", ["contact"])


def test_an_authority_may_go_back(acme, now):
    lead = make_lead()
    observe(lead, "qualified", now + HOUR)
    lead = observe(lead, "contacted", now + 2 * HOUR, "e2")
    assert (lead.status, lead.qualified_at) == ("contacted", now + HOUR)


@pytest.mark.parametrize("end", ["lost", "disqualified", "recycled", "converted"])
def test_reopening_from_outside_starts_a_further_attempt(acme, now, end):
    lead = make_lead()
    observe(lead, end, now + HOUR)
    lead = observe(lead, "qualified", now + 2 * HOUR, "e2")
    assert (lead.status, lead.attempt, lead.attempt_started_at) == ("qualified", 2, now + 2 * HOUR)
    assert (lead.lost_at, lead.disqualified_at) == (None, None)


def test_lost_and_not_a_fit_describe_the_present(acme, me, now):
    lead = make_lead()
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    lead = observe(lead, "disqualified", now + HOUR)
    assert (lead.lost_at, lead.disqualified_at) == (None, now + HOUR)
    lead = observe(lead, "converted", now + 2 * HOUR, "e2")
    assert (lead.disqualified_at, lead.loss_reason) == (None, "")


def test_the_same_statement_counts_once_and_the_same_stage_is_no_news(acme, now):
    lead = make_lead()
    observe(lead, "contacted", now + HOUR)
    observe(lead, "contacted", now + 2 * HOUR, "e2")
    observe(lead, "qualified", now + 2 * HOUR, "e1")
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.status, lead.stage_entered_at) == ("contacted", now + HOUR)
    assert Activity.objects.filter(lead=lead, kind="stage_changed").count() == 1


def test_an_authority_may_move_a_lead_to_another_pipeline(acme, now):
    mirrored = add_pipeline("mql")
    lead = observe(make_lead(), "sql", now, pipeline=mirrored)
    assert (lead.pipeline_id, lead.stage.key, lead.status) == (mirrored.pk, "sql", "qualified")


def test_no_before_hook_is_asked(acme, me, now):
    def object_to_all(lead, move):
        raise StageRefused("No.")

    lifecycle.before_move(object_to_all)
    try:
        assert observe(make_lead(), "qualified", now).status == "qualified"
        assert advance(make_lead(), "qualified", now).status == "qualified"
    finally:
        lifecycle.forget_hook(object_to_all)


def test_a_won_lead_hears_of_a_further_booking(acme, me, now):
    lead = make_lead()
    lifecycle.qualify([lead.pk], by=me, now=now)
    conversion.convert([lead.pk], by=me, now=now)
    lead = advance(lead, "scheduled", now + HOUR, scheduled_for=now + DAY)
    assert (lead.status, Appointment.objects.get().status) == ("converted", "scheduled")
