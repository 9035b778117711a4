"""Moving leads by the verbs of people: the graph, its guards, reasons, hooks, reopening."""

from datetime import timedelta

import pytest

from leadcrm.workspaces.actors import Actor
from leads import archiving, conversion, editing, lifecycle
from leads.batch import Refused
from leads.booking import Booking
from leads.lifecycle import StageRefused
from leads.models import (
    Activity,
    Appointment,
    CloseReason,
    Contact,
    ContactKey,
    Lead,
    Pipeline,
    Stage,
)
from leads.setup import add_pipeline
from tests.factories import make_lead

DAY = timedelta(days=1)


def fresh(lead):
    found = Lead.objects.for_detail().get(pk=lead.pk)
    assert (found.status, found.outcome) == (found.stage.status, found.stage.outcome)
    return found


def do(verb, lead, **facts):
    """Do a verb to one lead; returns the lead as it is then, or raises the refusal."""
    (result,) = verb([lead.pk], **facts)
    if result.refusal is not None:
        raise result.refusal
    return fresh(lead)


def state(lead):
    return Lead.objects.filter(pk=lead.pk).values().get()


def log_of(lead):
    return list(Activity.objects.filter(lead=lead).order_by("id").values_list("kind", flat=True))


@pytest.fixture
def lead(acme):
    return make_lead()


@pytest.fixture
def act(me, now):
    return {"by": me, "now": now + timedelta(hours=1)}


def in_pipeline(template):
    return make_lead(pipeline=add_pipeline(template))


def standing_at(lead, key):
    """The lead, put at a stage without any guard."""
    stage = Stage.objects.get(pipeline=lead.pipeline, key=key)
    Lead.objects.filter(pk=lead.pk).update(
        stage=stage, status=stage.status, outcome=stage.outcome, work_due_at=None
    )
    return fresh(lead)


# --- the graph -------------------------------------------------------------------------------


def test_a_lead_goes_all_the_way(lead, act):
    at = act["now"]
    do(lifecycle.contact, lead, **act)
    do(lifecycle.qualify, lead, **act)
    do(lifecycle.schedule, lead, booking=Booking(at + DAY), **act)
    do(lifecycle.complete, lead, **act)
    lead = do(conversion.convert, lead, **act)
    assert lead.status == "converted"
    assert lead.stage.key == "converted"
    for milestone in ("contacted", "qualified", "scheduled", "completed", "converted"):
        assert getattr(lead, f"{milestone}_at") == at
    moves = Activity.objects.filter(lead=lead, kind="stage_changed").order_by("id")
    assert [(row.from_status, row.to_status) for row in moves] == [
        ("new", "contacted"),
        ("contacted", "qualified"),
        ("qualified", "scheduled"),
        ("scheduled", "completed"),
        ("completed", "converted"),
    ]


@pytest.mark.parametrize("template", ["standard", "capture", "appointments", "mql", "bant"])
def test_moves_outside_the_graph_are_refused_and_say_what_is_possible(acme, act, template):
    lead = make_lead(pipeline=add_pipeline(template, key="x"))
    stages = list(Stage.objects.filter(pipeline=lead.pipeline))
    opens = [s for s in stages if s.outcome == "open" or s.status == "completed"]
    tried = 0
    for here in opens:
        for there in opens:
            if there.key == here.key or there.key in here.next_keys:
                continue
            standing = standing_at(lead, here.key)
            before = state(lead)
            with pytest.raises(StageRefused) as refused:
                do(lifecycle.move, standing, to=there.key, **act)
            assert refused.value.field == "stage"
            assert state(lead) == before
            tried += 1
    assert tried


def test_a_refused_move_names_the_ways_on(lead, act):
    with pytest.raises(
        StageRefused,
        match=r"New doesn't lead to Met\. From there it can go to "
        r"Contacted or Qualified or Booked\.",
    ):
        do(lifecycle.complete, lead, **act)


def test_a_stage_that_the_pipeline_lacks(acme, act):
    lead = in_pipeline("bant")
    with pytest.raises(StageRefused, match="no stage “Booked”"):
        do(lifecycle.schedule, lead, booking=Booking(act["now"] + DAY), **act)
    with pytest.raises(StageRefused, match="no stage “Follow up later”"):
        do(lifecycle.recycle, lead, returns_at=act["now"] + DAY, **act)
    with pytest.raises(StageRefused, match="no stage “nonsense”"):
        do(lifecycle.move, lead, to="nonsense", **act)


def test_moving_to_where_it_stands_changes_nothing(lead, act):
    before = state(lead)
    do(lifecycle.move, lead, to="new", **act)
    assert state(lead) == before
    assert log_of(lead) == ["lead_created"]


def test_a_retired_stage_is_no_way_on(lead, act):
    Stage.objects.filter(pipeline=lead.pipeline, key="qualified").update(retired_at=act["now"])
    with pytest.raises(StageRefused, match="no stage"):
        do(lifecycle.qualify, lead, **act)


def test_the_pipelines_own_key_and_any_name_of_the_status_will_do(acme, act):
    first, second = in_pipeline("mql"), make_lead()
    assert do(lifecycle.move, first, to="sql", **act).status == "qualified"
    assert do(lifecycle.move, second, to="SQL", **act).status == "qualified"


# --- guards ----------------------------------------------------------------------------------


def test_booked_needs_an_appointment(lead, act):
    for verb, facts in ((lifecycle.schedule, {}), (lifecycle.move, {"to": "scheduled"})):
        with pytest.raises(StageRefused, match="Book an appointment first") as refused:
            do(verb, lead, **facts, **act)
        assert refused.value.field == "scheduled_for"
    assert log_of(lead) == ["lead_created"]


def test_booked_needs_a_time(lead, act):
    with pytest.raises(Refused, match="Give the date and time"):
        do(lifecycle.schedule, lead, booking=Booking(None), **act)
    assert not Appointment.objects.exists()


def test_a_required_field_must_be_filled_in(lead, act, me):
    Stage.objects.filter(key="qualified").update(required_fields=["budget", "company_name"])
    with pytest.raises(StageRefused, match="Qualified needs budget") as refused:
        do(lifecycle.qualify, lead, **act)
    assert refused.value.field == "budget"
    do(editing.edit, lead, values={"budget": "100", "company_name": "Acme"}, **act)
    assert do(lifecycle.qualify, lead, **act).status == "qualified"


def test_contacted_keeps_to_its_guards_too(lead, act):
    Stage.objects.filter(key="contacted").update(required_fields=["phone"])
    with pytest.raises(StageRefused, match="Contacted needs phone"):
        do(lifecycle.contact, lead, **act)
    assert fresh(lead).contacted_at is None


def test_removed_and_closed_leads_do_not_move(lead, act):
    archiving.archive([lead.pk], **act)
    with pytest.raises(StageRefused, match="was removed"):
        do(lifecycle.contact, lead, **act)
    archiving.restore([lead.pk], **act)
    do(lifecycle.close, lead, reason="price", **act)
    with pytest.raises(StageRefused, match=r"closed \(Lost\)\. Reopen it first"):
        do(lifecycle.qualify, lead, **act)


@pytest.mark.parametrize(
    ("to", "field"),
    [("lost", "reason"), ("disqualified", "reason"), ("converted", "stage"),
     ("recycled", "returns_at")],
)  # fmt: skip
def test_stages_that_ask_for_more_are_left_to_their_verb(lead, act, to, field):
    with pytest.raises(StageRefused) as refused:
        do(lifecycle.move, lead, to=to, **act)
    assert refused.value.field == field


# --- hooks -----------------------------------------------------------------------------------


@pytest.fixture
def objection():
    def hook(lead, move):
        if move.to.status in ("contacted", "lost", "converted", "scheduled", "recycled", "new"):
            raise StageRefused("The file is locked by Legal.")

    lifecycle.before_move(hook)
    yield
    lifecycle.forget_hook(hook)


def test_a_hook_that_objects_leaves_nothing_half_done(lead, act, objection):
    before = state(lead)
    booking = Booking(act["now"] + DAY)
    tries = [
        (lifecycle.contact, {}),
        (lifecycle.schedule, {"booking": booking}),
        (lifecycle.close, {"reason": "price"}),
        (lifecycle.recycle, {"returns_at": act["now"] + DAY}),
    ]
    for verb, facts in tries:
        with pytest.raises(StageRefused, match="locked by Legal"):
            do(verb, lead, **facts, **act)
    assert state(lead) == before
    assert log_of(lead) == ["lead_created"]
    assert not Appointment.objects.exists()
    assert do(lifecycle.qualify, lead, **act).status == "qualified"
    with pytest.raises(StageRefused, match="locked by Legal"):
        do(conversion.convert, lead, **act)


def test_a_hook_sees_the_move(lead, act):
    seen = []
    hook = lifecycle.before_move(lambda lead, move: seen.append((lead.pk, move)))
    do(lifecycle.close, lead, reason="other", note="They moved abroad", **act)
    lifecycle.forget_hook(hook)
    ((lead_id, move),) = seen
    assert lead_id == lead.pk
    assert (move.to.status, move.reason, move.note) == ("lost", "other", "They moved abroad")
    assert move.unqualified_reason == "other"
    assert move.by == act["by"]


def test_what_comes_after_is_told_by_the_log(lead, act):
    do(editing.edit, lead, values={"budget": "1200.50"}, **act)
    do(lifecycle.qualify, lead, note="Budget is there", **act)
    row = Activity.objects.filter(lead=lead).latest("id")
    assert row.event_name == "lead_qualified"
    assert row.data["source"] == "website_form"
    assert row.data["seconds_since_created"] == 3600
    assert row.data["cycle_days"] == 0
    assert row.data["budget"] == "1200.50"
    assert row.data["note"] == "Budget is there"
    assert row.actor_id == act["by"].membership_id


# --- closing ---------------------------------------------------------------------------------


def test_losing_sets_both_codes_where_it_was_never_qualified(lead, act):
    lead = do(lifecycle.close, lead, reason="price", note=" Too dear ", **act)
    assert (lead.status, lead.loss_reason, lead.unqualified_reason) == (
        "lost",
        "price",
        "no_budget",
    )
    assert lead.disqualification_reason == ""
    assert lead.reason_note == "Too dear"
    assert lead.lost_at == act["now"]
    assert lead.disqualified_at is None
    assert lead.work_due_at is None


def test_a_qualified_lead_gets_no_unqualified_code(lead, act):
    do(lifecycle.qualify, lead, **act)
    lead = do(lifecycle.close, lead, reason="price", **act)
    assert (lead.loss_reason, lead.unqualified_reason) == ("price", "")
    lead = do(lifecycle.reopen, lead, **act)
    given = do(lifecycle.close, lead, reason="price", unqualified_reason="timing", **act)
    assert given.unqualified_reason == ""


def test_the_unqualified_reason_may_be_given(lead, act):
    lead = do(lifecycle.close, lead, reason="price", unqualified_reason="timing", **act)
    assert lead.unqualified_reason == "timing"


def test_an_unknown_unqualified_reason_is_refused(lead, act):
    with pytest.raises(StageRefused, match="no unqualified reason “xxx") as refused:
        do(lifecycle.close, lead, reason="price", unqualified_reason="x" * 100, **act)
    assert refused.value.field == "unqualified_reason"


def test_a_reason_without_unqualified_code_asks_for_one(lead, act):
    CloseReason.objects.filter(code="price").update(unqualified_code="")
    with pytest.raises(StageRefused, match="unqualified reason too") as refused:
        do(lifecycle.close, lead, reason="price", **act)
    assert refused.value.field == "unqualified_reason"
    assert fresh(lead).status == "new"


def test_not_a_fit_sets_its_reason(lead, act):
    lead = do(lifecycle.close, lead, reason="outside_area", **act)
    assert (lead.status, lead.disqualification_reason) == ("disqualified", "outside_area")
    assert (lead.loss_reason, lead.unqualified_reason) == ("", "")
    assert lead.disqualified_at == act["now"]
    assert lead.lost_at is None


@pytest.mark.parametrize("note", ["", "too short", "  a b     "])
def test_other_needs_a_note(lead, act, note):
    with pytest.raises(StageRefused, match="at least 10 characters") as refused:
        do(lifecycle.close, lead, reason="other", note=note, **act)
    assert refused.value.field == "note"


@pytest.mark.parametrize(
    ("facts", "field", "message"),
    [
        ({"reason": ""}, "reason", "Choose a reason"),
        ({"reason": "nonsense"}, "reason", "no close reason “nonsense”"),
        ({"reason": "", "to": "lost"}, "loss_reason", "Choose a reason"),
        ({"reason": "fake", "to": "lost"}, "loss_reason", "no reason for lost"),
        ({"reason": "price", "to": "disqualified"}, "reason", "no reason for not a fit"),
    ],
)
def test_a_close_without_a_fitting_reason_is_refused(lead, act, facts, field, message):
    with pytest.raises(StageRefused, match=message) as refused:
        do(lifecycle.close, lead, **facts, **act)
    assert refused.value.field == field
    assert log_of(lead) == ["lead_created"]


def test_a_retired_reason_is_none(lead, act):
    CloseReason.objects.filter(code="price").update(retired_at=act["now"])
    with pytest.raises(StageRefused, match="no close reason"):
        do(lifecycle.close, lead, reason="price", **act)


@pytest.mark.parametrize("template", ["standard", "capture", "appointments", "mql", "bant"])
def test_every_open_stage_can_be_closed(acme, act, template):
    lead = make_lead(pipeline=add_pipeline(template, key="x"))
    for stage in Stage.objects.filter(pipeline=lead.pipeline, outcome="open"):
        for reason in ("price", "fake"):
            closed = do(lifecycle.close, standing_at(lead, stage.key), reason=reason, **act)
            assert closed.stage.outcome == "lost"


@pytest.mark.parametrize("template", ["standard", "capture", "bant"])
def test_every_reason_closes_and_leaves_the_codes_of_its_stage(acme, act, template):
    pipeline = add_pipeline(template, key="x")
    for reason in CloseReason.objects.all():
        lead = make_lead(pipeline=pipeline)
        closed = do(lifecycle.close, lead, reason=reason.code, note="Long enough", **act)
        is_lost = closed.status == "lost"
        assert closed.loss_reason == (reason.code if is_lost else "")
        assert closed.disqualification_reason == ("" if is_lost else reason.code)
        assert bool(closed.unqualified_reason) >= is_lost


def test_a_pipeline_with_one_way_to_close_takes_the_reasons_of_both(acme, act):
    capture, bant = in_pipeline("capture"), in_pipeline("bant")
    disqualified = do(lifecycle.close, capture, reason="price", **act)
    assert (disqualified.status, disqualified.disqualification_reason) == ("disqualified", "price")
    lost = do(lifecycle.close, bant, reason="fake", to="lost", **act)
    assert (lost.status, lost.loss_reason, lost.unqualified_reason) == ("lost", "fake", "fake")


def test_insisting_on_a_way_to_close_that_the_pipeline_lacks(acme, act):
    with pytest.raises(StageRefused, match="no stage “Not a fit”"):
        do(lifecycle.close, in_pipeline("bant"), reason="fake", to="disqualified", **act)


def test_asked_not_to_be_contacted_marks_every_address_and_number(acme, act):
    lead = make_lead(phone="+1 212 555 0123")
    do(lifecycle.close, lead, reason="do_not_contact", **act)
    keys = ContactKey.objects.filter(contact=lead.contact_id)
    assert {key.kind for key in keys if key.do_not_contact_at == act["now"]} == {"email", "phone"}
    assert "do_not_contact" in log_of(lead)


def test_a_follow_up_date_is_kept_with_a_close(lead, act):
    lead = do(lifecycle.close, lead, reason="not_now", follow_up_at=act["now"] + 90 * DAY, **act)
    assert (lead.status, lead.returns_at) == ("lost", act["now"] + 90 * DAY)


@pytest.mark.parametrize("days", [0, -1, 365 * 11])
def test_a_follow_up_date_lies_ahead_within_reason(lead, act, days):
    with pytest.raises(Refused) as refused:
        do(lifecycle.close, lead, reason="price", follow_up_at=act["now"] + days * DAY, **act)
    assert refused.value.field == "follow_up_at"
    assert fresh(lead).status == "new"


# --- follow up later, reopening --------------------------------------------------------------


@pytest.mark.parametrize("close_first", [None, "price", "fake"])
def test_open_lost_and_unfit_leads_can_be_put_aside(lead, act, close_first):
    if close_first:
        do(lifecycle.close, lead, reason=close_first, **act)
    lead = do(lifecycle.recycle, lead, returns_at=act["now"] + 30 * DAY, **act)
    assert (lead.status, lead.returns_at) == ("recycled", act["now"] + 30 * DAY)
    assert (lead.lost_at, lead.disqualified_at, lead.work_due_at) == (None, None, None)


def test_putting_aside_again_changes_the_date_only(lead, act):
    do(lifecycle.recycle, lead, returns_at=act["now"] + DAY, **act)
    entered = fresh(lead).stage_entered_at
    later = {**act, "now": act["now"] + timedelta(hours=2)}
    lead = do(lifecycle.recycle, lead, returns_at=act["now"] + 9 * DAY, **later)
    assert (lead.returns_at, lead.stage_entered_at) == (act["now"] + 9 * DAY, entered)


@pytest.mark.parametrize("days", [None, 0, -3])
def test_follow_up_later_needs_a_date_ahead(lead, act, days):
    at = None if days is None else act["now"] + days * DAY
    with pytest.raises(Refused) as refused:
        do(lifecycle.recycle, lead, returns_at=at, **act)
    assert refused.value.field == "returns_at"


def test_won_and_removed_leads_are_not_put_aside(lead, act):
    do(lifecycle.qualify, lead, **act)
    do(conversion.convert, lead, **act)
    with pytest.raises(StageRefused, match="converted can't be put aside"):
        do(lifecycle.recycle, lead, returns_at=act["now"] + DAY, **act)
    other = make_lead()
    archiving.archive([other.pk], **act)
    with pytest.raises(StageRefused, match="was removed"):
        do(lifecycle.recycle, other, returns_at=act["now"] + DAY, **act)


@pytest.mark.parametrize("reason", ["price", "fake"])
def test_reopening_starts_a_further_attempt_without_the_closing_facts(lead, act, reason):
    do(lifecycle.contact, lead, **act)
    do(lifecycle.close, lead, reason=reason, note="Note", follow_up_at=act["now"] + DAY, **act)
    later = {**act, "now": act["now"] + timedelta(hours=2)}
    lead = do(lifecycle.reopen, lead, **later)
    assert (lead.status, lead.attempt, lead.attempt_started_at) == ("new", 2, later["now"])
    for name in ("lost_at", "disqualified_at", "returns_at"):
        assert getattr(lead, name) is None
    for name in ("loss_reason", "unqualified_reason", "disqualification_reason", "reason_note"):
        assert getattr(lead, name) == ""
    assert lead.contacted_at == act["now"]


def test_open_won_and_removed_leads_are_not_reopened(lead, act):
    with pytest.raises(StageRefused, match="open already"):
        do(lifecycle.reopen, lead, **act)
    do(lifecycle.close, lead, reason="price", **act)
    with pytest.raises(StageRefused, match="Use Reopen"):
        do(lifecycle.move, lead, to="new", **act)
    archiving.archive([lead.pk], **act)
    with pytest.raises(StageRefused, match="was removed"):
        do(lifecycle.reopen, lead, **act)
    other = make_lead()
    do(lifecycle.qualify, other, **act)
    do(conversion.convert, other, **act)
    with pytest.raises(StageRefused, match="converted can't be reopened"):
        do(lifecycle.reopen, other, **act)


def test_the_person_becomes_qualified_and_then_a_customer(lead, act):
    do(lifecycle.qualify, lead, **act)
    assert Contact.objects.get(pk=lead.contact_id).stage == "qualified"
    do(conversion.convert, lead, **act)
    assert Contact.objects.get(pk=lead.contact_id).stage == "customer"
    again = make_lead(email=lead.email)
    assert again.contact_id == lead.contact_id
    do(lifecycle.qualify, again, **act)
    assert Contact.objects.get(pk=lead.contact_id).stage == "customer"


def test_a_rules_move_stops_no_response_clock(lead, now):
    do(lifecycle.qualify, lead, by=Actor.system("scoring"), now=now)
    assert fresh(lead).first_response_at is None
    assert Pipeline.objects.count() == 1
