"""Each verb as an action on one lead, and on many."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from leadcrm.workspaces.models import Membership
from leads import archiving, lifecycle, timeline
from leads.api.verbs import VERBS
from leads.models import Activity, Appointment, Deal, Lead, Message, Task
from tests.api.conftest import Api, Maker, done, problem
from tests.factories import NOW, make_lead, make_leads

pytestmark = pytest.mark.usefixtures("acme")

TOMORROW = (NOW + timedelta(days=1)).isoformat()


def test_a_lead_goes_through_its_stages(api: Api) -> None:
    lead = make_lead(budget=500)
    path = f"leads/{lead.pk}"
    assert done(api.post(f"{path}/contacted"))["lead"]["status"] == "contacted"
    assert done(api.post(f"{path}/qualify", {"note": "Fits"}))["lead"]["status"] == "qualified"
    booked = done(api.post(f"{path}/schedule", {"scheduled_for": TOMORROW, "minutes": 45}))
    assert booked["lead"]["status"] == "scheduled"
    appointment = Appointment.objects.get()
    assert (appointment.minutes, appointment.status) == (45, "scheduled")
    assert done(api.post(f"{path}/complete"))["lead"]["status"] == "completed"
    won = done(api.post(f"{path}/convert", {"deal": {"name": "Roof"}}))
    assert won["lead"]["status"] == "converted"
    deal = Deal.objects.get()
    assert (deal.name, deal.value, won["lead"]["deal_id"]) == ("Roof", 500, str(deal.pk))
    events = [row["event"] for row in done(api.get(path))["activities"]]
    assert {"lead_contacted", "lead_qualified", "lead_scheduled", "lead_completed"} <= set(events)


def test_lost_takes_both_reasons_and_reopens(api: Api) -> None:
    lead = make_lead()
    path = f"leads/{lead.pk}"
    lost = done(
        api.post(f"{path}/lost", {"loss_reason": "price", "unqualified_reason": "no_budget"})
    )["lead"]
    assert (lost["status"], lost["loss_reason"]) == ("lost", "price")
    assert lost["unqualified_reason"] == "no_budget"
    assert lost["lost_at"]
    assert done(api.post(f"{path}/reopen"))["lead"]["attempt"] == 2


def test_disqualify_recycle_and_close(api: Api) -> None:
    first, second, third = make_leads(3)
    unfit = done(api.post(f"leads/{first.pk}/disqualify", {"reason": "too_small"}))
    assert unfit["lead"]["disqualification_reason"] == "too_small"
    later = (NOW + timedelta(days=90)).isoformat()
    resting = done(api.post(f"leads/{second.pk}/recycle", {"returns_at": later}))
    assert resting["lead"]["status"] == "recycled"
    closed = done(api.post(f"leads/{third.pk}/close", {"reason": "fake"}))
    assert closed["lead"]["status"] == "disqualified"


def test_move_takes_a_stages_key_or_status(api: Api) -> None:
    lead = make_lead()
    assert done(api.post(f"leads/{lead.pk}/move", {"stage": "SQL"}))["lead"]["stage"]["key"] == (
        "qualified"
    )


def test_what_is_said_and_done_is_logged(api: Api) -> None:
    lead = make_lead()
    path = f"leads/{lead.pk}"
    called = done(api.post(f"{path}/log-call", {"outcome": "no_answer", "note": "Rang long"}))
    assert called["lead"]["attempt_count"] == 1
    assert "call_logged" in [row["event"] for row in called["activities"]]
    sent = {"channel": "email", "direction": "inbound", "body": "Yes please", "external_id": "m1"}
    assert done(api.post(f"{path}/messages", sent))["lead"]["status"] == "contacted"
    noted = done(api.post(f"{path}/notes", {"body": "Likes blue"}))
    note = Message.objects.get(channel="note")
    assert noted["activities"][0]["subject_id"] == str(note.pk)
    done(api.patch(f"notes/{note.pk}", {"body": "Likes red"}))
    note.refresh_from_db()
    assert note.body == "Likes red"
    done(api.post(f"{path}/read"))


def test_a_task_is_set_changed_and_done(api: Api) -> None:
    lead = make_lead()
    answer = done(api.post(f"leads/{lead.pk}/tasks", {"title": "Send offer", "due_at": TOMORROW}))
    task_id = answer["activities"][0]["subject_id"]
    done(api.patch(f"tasks/{task_id}", {"title": "Send new offer"}))
    done(api.post(f"tasks/{task_id}/done"))
    task = Task.objects.get(pk=task_id)
    assert (task.title, task.done_at is not None) == ("Send new offer", True)


def test_an_appointment_is_booked_moved_and_missed(api: Api) -> None:
    lead = make_lead()
    booked = done(api.post(f"leads/{lead.pk}/appointments", {"scheduled_for": TOMORROW}))
    (appointment_id,) = [
        row["subject_id"] for row in booked["activities"] if row["subject_type"] == "appointment"
    ]
    later = (NOW + timedelta(days=2)).isoformat()
    done(api.post(f"appointments/{appointment_id}/move", {"scheduled_for": later, "place": "HQ"}))
    shown = done(api.get(f"appointments/{appointment_id}"))
    assert (shown["place"], shown["status"]) == ("HQ", "scheduled")
    done(api.post(f"appointments/{appointment_id}/cancel"))
    problem(api.post(f"appointments/{appointment_id}/attend"), 409, "status")
    listed = done(api.get("appointments", status="canceled", lead=str(lead.pk)))["results"]
    assert [row["id"] for row in listed] == [appointment_id]


def test_attended_and_missed_appointments(api: Api) -> None:
    met, missed = make_leads(2)
    for lead, outcome, status in ((met, "attend", "completed"), (missed, "no-show", "qualified")):
        done(
            api.post(
                f"leads/{lead.pk}/schedule",
                {"scheduled_for": (NOW + timedelta(minutes=1)).isoformat()},
            )
        )
        appointment = Appointment.objects.get(lead=lead)
        Appointment.objects.filter(pk=appointment.pk).update(scheduled_for=NOW - timedelta(hours=1))
        answer = done(api.post(f"appointments/{appointment.pk}/{outcome}"))
        assert answer["lead"]["status"] == status


def test_snooze_and_wake(api: Api) -> None:
    lead = make_lead()
    done(api.post(f"leads/{lead.pk}/snooze", {"until": TOMORROW}))
    assert done(api.post(f"leads/{lead.pk}/wake"))["lead"]["snoozed_until"] is None


def test_assign_and_claim(api: Api, ben: Membership, max_: Membership, token_of: Maker) -> None:
    lead = make_lead()
    given = done(api.post(f"leads/{lead.pk}/assign", {"owner_id": str(max_.pk)}))
    assert given["lead"]["owner_id"] == str(max_.pk)
    problem(token_of(ben).post(f"leads/{lead.pk}/claim"), 404)
    done(api.post(f"leads/{lead.pk}/assign", {"owner_id": None}))
    claimed = done(token_of(ben).post(f"leads/{lead.pk}/claim"))
    assert claimed["lead"]["owner_id"] == str(ben.pk)


def test_a_rep_hands_over_only_own_leads(
    ben: Membership, max_: Membership, token_of: Maker
) -> None:
    own, pooled = make_lead(owner=ben), make_lead()
    rep = token_of(ben)
    done(rep.post(f"leads/{own.pk}/assign", {"owner_id": str(max_.pk)}))
    problem(rep.post(f"leads/{pooled.pk}/assign", {"owner_id": str(max_.pk)}), 403)
    pooled.refresh_from_db()
    assert pooled.owner_id is None


# --- refusals --------------------------------------------------------------------------------


def state(lead: Lead) -> tuple[Any, ...]:
    row = Lead.objects.filter(pk=lead.pk).values_list("status", "version", "work_due_at").get()
    return (*row, Activity.objects.count(), Message.objects.count(), Task.objects.count())


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("schedule", {}, 409, "scheduled_for"),
        ("schedule", {"minutes": 30}, 400, "scheduled_for"),
        ("complete", {}, 409, "stage"),
        ("convert", {}, 409, "stage"),
        ("move", {"stage": "completed"}, 409, "stage"),
        ("move", {"stage": "nowhere"}, 409, "stage"),
        ("move", {}, 400, "stage"),
        ("lost", {}, 400, "loss_reason"),
        ("lost", {"loss_reason": "weather"}, 409, "loss_reason"),
        ("lost", {"loss_reason": "other", "note": "short"}, 409, "note"),
        ("disqualify", {"reason": "price"}, 409, "reason"),
        ("recycle", {}, 400, "returns_at"),
        ("recycle", {"returns_at": "2020-01-01T00:00:00Z"}, 409, "returns_at"),
        ("reopen", {}, 409, "stage"),
        ("assign", {}, 400, "owner_id"),
        ("assign", {"owner_id": str(uuid.uuid4())}, 400, "owner_id"),
        ("assign", {"owner_id": "x"}, 400, "owner_id"),
        ("snooze", {"until": "2020-01-01T00:00:00Z"}, 409, "until"),
        ("snooze", {"until": 5}, 400, "until"),
        ("snooze", {"until": "0001-01-01T00:00:00+14:00"}, 400, "until"),
        ("log-call", {"outcome": "sang"}, 409, "outcome"),
        ("log-call", {"outcome": 5}, 400, "outcome"),
        ("log-call", {"outcome": "busy", "seconds": 10**30}, 400, "seconds"),
        ("notes", {"body": "   "}, 400, "body"),
        ("notes", {"body": 5}, 400, "body"),
        ("notes", {"body": "x" * 20_001}, 400, "body"),
        ("tasks", {"title": "Call", "due_at": "soon"}, 400, "due_at"),
        ("messages", {"channel": "pigeon", "direction": "inbound", "body": "Hi"}, 400, "channel"),
        ("contacted", {"mood": "good"}, 400, "mood"),
        ("claim", {"force": True}, 400, "force"),
        ("convert", {"deal": {"value": "NaN"}}, 400, "deal.value"),
        ("convert", {"deal": {"colour": "red"}}, 400, "deal.colour"),
    ],
)
def test_a_refused_verb_names_the_field_and_changes_nothing(
    api: Api, path: str, body: dict[str, Any], status: int, field: str
) -> None:
    lead = make_lead()
    before = state(lead)
    problem(api.post(f"leads/{lead.pk}/{path}", body), status, field)
    assert state(lead) == before


def test_a_lost_lead_is_not_converted(api: Api, me: Any) -> None:
    lead = make_lead()
    lifecycle.close([lead.pk], reason="price", by=me, now=NOW)
    before = state(lead)
    error = problem(api.post(f"leads/{lead.pk}/convert"), 409, "stage")
    assert error["code"] == "stage_refused"
    assert "lost" in error["message"].lower()
    assert state(lead) == before


@pytest.mark.parametrize("verb", list(VERBS))
def test_a_missing_or_foreign_lead_answers_the_same(
    api: Api, verb: str, rita: Membership, token_of: Maker
) -> None:
    lead = make_lead()
    missing = problem(api.post(f"leads/{uuid.uuid4()}/{verb}"), 404)
    foreign = problem(token_of(rita).post(f"leads/{lead.pk}/{verb}"), 404)
    assert missing == foreign
    assert missing["code"] == "not_found"


@pytest.mark.parametrize("verb", list(VERBS))
def test_a_viewer_works_no_lead(vera: Membership, token_of: Maker, verb: str) -> None:
    lead = make_lead()
    before = state(lead)
    problem(token_of(vera).post(f"leads/{lead.pk}/{verb}", {}), 403)
    assert state(lead) == before


# --- many at once ----------------------------------------------------------------------------


def test_each_lead_of_a_mass_verb_has_its_own_result(api: Api, me: Any) -> None:
    fine, lost = make_leads(2)
    lifecycle.close([lost.pk], reason="price", by=me, now=NOW)
    missing = uuid.uuid4()
    ids = [str(fine.pk), str(lost.pk), str(missing)]
    results = done(api.post("leads/bulk", {"verb": "qualify", "ids": ids}))["results"]
    assert [row["lead_id"] for row in results] == ids
    assert [row["done"] for row in results] == [True, False, False]
    assert [row["error"] and row["error"]["code"] for row in results] == [
        None,
        "stage_refused",
        "not_found",
    ]
    assert Activity.objects.filter(lead=fine, kind="stage_changed").get().lane == "bulk"


@pytest.mark.parametrize(
    ("verb", "params"),
    [
        ("assign", {"owner_id": None}),
        ("tasks", {"title": "Call", "due_at": TOMORROW}),
        ("snooze", {"until": TOMORROW}),
        ("close", {"reason": "fake"}),
        ("archive", {"reason": "old"}),
        ("notes", {"body": "Hello"}),
    ],
)
def test_verbs_work_in_bulk(api: Api, verb: str, params: dict[str, Any]) -> None:
    ids = [str(lead.pk) for lead in make_leads(3)]
    body = {"verb": verb, "ids": ids, "params": params}
    assert all(row["done"] for row in done(api.post("leads/bulk", body))["results"])


def test_a_rep_closes_no_leads_in_bulk(ben: Membership, token_of: Maker) -> None:
    lead = make_lead(owner=ben)
    body = {"verb": "close", "ids": [str(lead.pk)], "params": {"reason": "fake"}}
    problem(token_of(ben).post("leads/bulk", body), 403)
    lead.refresh_from_db()
    assert lead.status == "new"


def test_a_rep_reopens_in_bulk_only_what_they_may(
    ben: Membership, token_of: Maker, me: Any
) -> None:
    fresh, old, pooled = make_lead(owner=ben), make_lead(owner=ben), make_lead()
    leads = [fresh.pk, old.pk, pooled.pk]
    lifecycle.close(leads, reason="price", by=me, now=NOW)
    Lead.objects.filter(pk=old.pk).update(lost_at=NOW - timedelta(days=31))
    body = {"verb": "reopen", "ids": [str(one) for one in leads]}
    results = done(token_of(ben).post("leads/bulk", body))["results"]
    codes = [row["error"] and row["error"]["code"] for row in results]
    assert codes == [None, "forbidden", "not_found"]


def test_putting_a_closed_lead_aside_is_no_way_around_the_limits_of_reopening(
    ben: Membership, token_of: Maker, me: Any
) -> None:
    fresh, old = make_lead(owner=ben), make_lead(owner=ben)
    lifecycle.close([fresh.pk, old.pk], reason="price", by=me, now=NOW)
    Lead.objects.filter(pk=old.pk).update(lost_at=NOW - timedelta(days=31))
    rep, body = token_of(ben), {"returns_at": (NOW + timedelta(days=1)).isoformat()}
    problem(rep.post(f"leads/{old.pk}/recycle", body), 403)
    mass = {"verb": "recycle", "ids": [str(old.pk)], "params": body}
    (result,) = done(rep.post("leads/bulk", mass))["results"]
    assert result["error"]["code"] == "forbidden"
    old.refresh_from_db()
    assert old.status == "lost"
    assert done(rep.post(f"leads/{fresh.pk}/recycle", body))["lead"]["status"] == "recycled"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verb": "dance", "ids": [str(uuid.uuid4())]}, "verb"),
        ({"verb": "claim", "ids": [str(uuid.uuid4())]}, "verb"),
        ({"verb": "qualify", "ids": []}, "ids"),
        ({"verb": "qualify", "ids": ["x"]}, "ids.0"),
        ({"verb": "qualify", "ids": [str(uuid.uuid4())] * 501}, "ids"),
        ({"verb": "close", "ids": [str(uuid.uuid4())], "params": {}}, "params.reason"),
        ({"verb": "qualify", "ids": [str(uuid.uuid4())], "params": {"a": 1}}, "params.a"),
    ],
)
def test_a_bad_mass_verb_names_the_field(api: Api, body: dict[str, Any], field: str) -> None:
    problem(api.post("leads/bulk", body), 400, field)


def test_an_ambiguous_lead_is_reviewed(api: Api) -> None:
    lead = make_lead()
    Lead.objects.filter(pk=lead.pk).update(needs_review=True)
    assert done(api.post(f"leads/{lead.pk}/review"))["lead"]["needs_review"] is False


def test_a_removed_lead_is_not_worked(api: Api, me: Any) -> None:
    lead = make_lead()
    archiving.archive([lead.pk], by=me, now=NOW)
    problem(api.post(f"leads/{lead.pk}/qualify"), 409, "stage")


def test_a_foreign_note_or_mail_is_not_edited_as_a_note(
    api: Api, me: Any, rita: Membership, token_of: Maker
) -> None:
    lead = make_lead()
    timeline.add_note([lead.pk], body="Ours", by=me, now=NOW)
    note = Message.objects.get(channel="note")
    problem(token_of(rita).patch(f"notes/{note.pk}", {"body": "Theirs"}), 404)
    done(api.post(f"leads/{lead.pk}/log-call", {"outcome": "busy"}))
    call = Message.objects.get(channel="call")
    problem(api.patch(f"notes/{call.pk}", {"body": "x"}), 400, "body")
    note.refresh_from_db()
    assert note.body == "Ours"
