"""Leads by the API: listing, creating, keeping in step, reading, editing, removing."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from leadcrm.workspaces.models import Membership, Workspace
from leads import lifecycle, timeline
from leads.models import Activity, Appointment, Contact, ExternalId, Lead, Task
from leads.upserting import find_by_external
from tests.api.conftest import Api, Maker, done, problem
from tests.factories import NOW, make_lead, make_leads

pytestmark = pytest.mark.usefixtures("acme")


def test_a_lead_is_created_and_found_again(api: Api) -> None:
    body = {
        "display_name": "Mia Berg",
        "email": "Mia@Berg.example",
        "phone": "(415) 555-2671",
        "message": "<b>Hello</b>",
        "budget": "1200.50",
        "utm_source": "news",
        "platform_ref": {"gclid": "abc"},
        "answers": [["Size", "Large"]],
    }
    made = done(api.post("leads", body), 201)
    assert made["effect"] == "created"
    lead = Lead.objects.get(pk=made["lead"]["id"])
    assert (lead.email, lead.phone) == ("mia@berg.example", "+14155552671")
    assert (lead.source_kind, lead.message) == ("api", "<b>Hello</b>")
    assert (lead.platform_ref, lead.answers) == ({"gclid": "abc"}, [["Size", "Large"]])
    shown = done(api.get(f"leads/{lead.pk}"))
    assert shown["display_name"] == "Mia Berg"
    assert shown["budget"] == "1200.50"
    assert [row["event"] for row in shown["activities"]] == ["lead_created"]


def test_the_same_person_again_touches_the_open_lead(api: Api) -> None:
    first = done(api.post("leads", {"email": "mia@berg.example"}), 201)
    again = done(api.post("leads", {"email": "MIA@berg.example", "message": "Any news?"}))
    assert (again["effect"], again["lead"]["id"]) == ("touched", first["lead"]["id"])
    assert Lead.objects.count() == 1


def test_a_rep_who_enters_a_colleagues_person_sees_a_stub(
    ben: Membership, max_: Membership, token_of: Maker
) -> None:
    lead = make_lead(email="mia@berg.example", first_name="Mia", owner=max_)
    answer = done(token_of(ben).post("leads", {"email": "mia@berg.example", "first_name": "Wrong"}))
    assert answer["lead"] is None
    assert answer["stub"] == {
        "display_name": lead.display_name,
        "owner": "Max",
        "stage": lead.stage.label,
    }
    lead.refresh_from_db()
    assert lead.first_name == "Mia"


def test_an_upsert_creates_once_and_edits_from_then_on(api: Api) -> None:
    path = "leads/by-external/hubspot/de/al-77"
    first = done(api.put(path, {"email": "mia@berg.example", "first_name": "Mia"}), 201)
    second = done(api.put(path, {"email": "mia@new.example", "first_name": "Maria"}))
    assert (second["effect"], second["lead"]["id"]) == ("known", first["lead"]["id"])
    assert (second["lead"]["first_name"], second["lead"]["email"]) == ("Maria", "mia@new.example")
    assert Lead.objects.count() == Contact.objects.count() == 1
    assert find_by_external("hubspot", "de/al-77") == uuid.UUID(first["lead"]["id"])


def test_posting_both_external_fields_is_an_upsert(api: Api) -> None:
    body = {"external_system": "erp", "external_id": "5", "display_name": "Mia"}
    first = done(api.post("leads", body), 201)
    second = done(api.post("leads", {**body, "label": "Gold"}))
    assert second["lead"]["id"] == first["lead"]["id"]
    assert second["lead"]["label"] == "Gold"
    assert ExternalId.objects.count() == 1


def test_one_external_field_alone_is_refused(api: Api) -> None:
    problem(api.post("leads", {"external_system": "erp", "display_name": "M"}), 400, "external_id")
    assert not Lead.objects.exists()


def test_a_stale_version_is_refused_and_changes_nothing(api: Api) -> None:
    lead = make_lead(first_name="Mia")
    done(api.patch(f"leads/{lead.pk}", {"label": "A"}))
    answer = api.patch(f"leads/{lead.pk}", {"label": "B"}, **{"If-Match": '"1"'})
    problem(answer, 412, "If-Match")
    lead.refresh_from_db()
    assert (lead.label, lead.version) == ("A", 2)


def test_the_version_just_read_may_be_edited(api: Api) -> None:
    lead = make_lead()
    tag = api.get(f"leads/{lead.pk}")["ETag"]
    answer = api.patch(f"leads/{lead.pk}", {"label": "Gold"}, **{"If-Match": tag})
    assert done(answer)["label"] == "Gold"
    assert answer["ETag"] == '"2"'


def test_without_a_version_the_last_writer_of_a_field_wins(api: Api) -> None:
    lead = make_lead()
    done(api.patch(f"leads/{lead.pk}", {"label": "A", "notes": "kept"}))
    done(api.patch(f"leads/{lead.pk}", {"label": "B"}))
    lead.refresh_from_db()
    assert (lead.label, lead.notes) == ("B", "kept")


def test_an_integrations_value_for_a_persons_field_becomes_a_suggestion(
    ana: Membership, api: Api, token_of: Maker
) -> None:
    lead = make_lead(first_name="Mia")
    done(api.patch(f"leads/{lead.pk}", {"first_name": "Maria"}))
    sync = token_of(ana, ranks_as="integration")
    assert done(sync.patch(f"leads/{lead.pk}", {"first_name": "M."}))["first_name"] == "Maria"
    (suggestion,) = done(api.get(f"leads/{lead.pk}"))["suggestions"]
    assert (suggestion["field"], suggestion["value"]) == ("first_name", "M.")
    accepted = done(api.post(f"suggestions/{suggestion['id']}/accept"))
    assert accepted["lead"]["first_name"] == "M."
    problem(api.post(f"suggestions/{suggestion['id']}/dismiss"), 400)


def test_deleting_removes_and_restoring_brings_back(api: Api) -> None:
    lead = make_lead()
    assert api.delete(f"leads/{lead.pk}").status_code == 204
    assert done(api.get("leads"))["results"] == []
    assert len(done(api.get("leads", archived="true"))["results"]) == 1
    done(api.post(f"leads/{lead.pk}/restore"))
    assert len(done(api.get("leads"))["results"]) == 1


def test_a_lead_shows_what_hangs_on_it(api: Api, me: Any, now: datetime) -> None:
    lead = make_lead(external=("erp", "1"))
    timeline.add_note([lead.pk], body="Call her", by=me, now=now)
    timeline.add_task([lead.pk], title="Call", due_at=now + timedelta(days=1), by=me, now=now)
    done(api.post(f"leads/{lead.pk}/schedule", {"scheduled_for": "2026-03-05T10:00:00Z"}))
    shown = done(api.get(f"leads/{lead.pk}", include="contact,owner"))
    assert shown["external_ids"] == [{"system": "erp", "external_id": "1"}]
    assert shown["tasks"][0]["title"] == "Call"
    assert shown["appointments"][0]["scheduled_for"] == "2026-03-05T10:00:00Z"
    assert shown["contact"]["email"] == lead.email
    assert shown["owner"] is None
    assert "company" not in shown
    (note,) = [row for row in shown["activities"] if row["kind"] == "note_added"]
    assert (note["message"]["body"], note["actor"]["kind"]) == ("Call her", "user")
    assert Task.objects.count() == Appointment.objects.count() == 1


def test_free_text_is_kept_as_typed(api: Api) -> None:
    lead = make_lead()
    typed = "<script>alert('x')</script> & \"quotes\" 😀\n\ttab"
    made = done(api.post(f"leads/{lead.pk}/notes", {"body": typed}))
    shown = done(api.get(f"leads/{lead.pk}"))["activities"][0]
    assert shown["message"]["body"] == typed
    assert made["activities"][0]["id"] == shown["id"]


# --- listing ---------------------------------------------------------------------------------


def names(response: Any) -> list[str]:
    return [row["display_name"] for row in done(response)["results"]]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"status": "SQL"}, ["Quinn"]),
        ({"status": "new,qualified"}, ["Quinn", "Nora"]),
        ({"stage": "qualified"}, ["Quinn"]),
        ({"outcome": "open"}, ["Quinn", "Nora"]),
        ({"source": "facebook"}, ["Quinn"]),
        ({"source_kind": "web"}, ["Nora"]),
        ({"owner": "me"}, ["Quinn"]),
        ({"owner": "none"}, ["Nora"]),
        ({"q": "nor"}, ["Nora"]),
        ({"external_score__gte": "80"}, ["Quinn"]),
        ({"external_score__lt": "80"}, []),
        ({"budget__gt": "99.5"}, ["Quinn"]),
        ({"pipeline": "standard"}, ["Quinn", "Nora"]),
        ({"from": "2026-03-04"}, ["Quinn"]),
        ({"to": "2026-03-03"}, ["Nora"]),
        ({"from": "2026-03-04T10:00:01+00:00"}, []),
        ({"created_at__lt": "2026-03-04"}, ["Nora"]),
        ({"needs_review": "true"}, []),
        ({"ordering": "created_at"}, ["Nora", "Quinn"]),
    ],
)
def test_leads_are_filtered(
    api: Api, me: Any, ana: Membership, params: dict[str, str], expected: list[str]
) -> None:
    make_lead(display_name="Nora", now=NOW - timedelta(days=1))
    quinn = make_lead(
        display_name="Quinn",
        source_kind="facebook_lead_ad",
        source=None,
        owner=ana,
        external_score=90,
        budget=100,
    )
    lifecycle.qualify([quinn.pk], by=me, now=NOW)
    assert names(api.get("leads", **params)) == expected


def test_dates_are_days_of_the_workspaces_time_zone(api: Api, workspace: Workspace) -> None:
    workspace.time_zone = "America/Los_Angeles"
    workspace.save(update_fields=["time_zone"])
    make_lead(display_name="Late", now=NOW.replace(hour=7))  # still the 3rd in Los Angeles
    assert names(api.get("leads", to="2026-03-03")) == ["Late"]
    assert names(api.get("leads", **{"from": "2026-03-04"})) == []


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"status": "sleepy"}, "status"),
        ({"owner": "not-an-id"}, "owner"),
        ({"campaign": "123"}, "campaign"),
        ({"stage": "a b"}, "stage"),
        ({"q": "a\x00b"}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"from": "yesterday"}, "from"),
        ({"to": "0001-01-01"}, "to"),
        ({"from": "2026-02-30"}, "from"),
        ({"score__gte": "9" * 30}, "score__gte"),
        ({"budget__lt": "NaN"}, "budget__lt"),
        ({"ordering": "password"}, "ordering"),
        ({"page_size": "101"}, "page_size"),
        ({"page_size": "0"}, "page_size"),
        ({"cursor": "%%%"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
        ({"include": "secrets"}, "include"),
        ({"archived": "maybe"}, "archived"),
    ],
)
def test_a_bad_parameter_is_named(api: Api, params: dict[str, str], field: str) -> None:
    problem(api.get("leads", **params), 400, field)


@pytest.mark.parametrize("ordering", ["-created_at", "work_due_at", "-work_due_at", "score"])
def test_pages_show_every_lead_once(api: Api, ordering: str) -> None:
    leads = make_leads(5) + make_leads(4, source_kind="import", source=None)
    Lead.objects.filter(pk__in=[lead.pk for lead in leads[:3]]).update(score_total=50)
    Lead.objects.filter(pk__in=[lead.pk for lead in leads[3:6]]).update(work_due_at=None)
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = done(api.get("leads", ordering=ordering, page_size=2, cursor=cursor))
        seen += [row["id"] for row in page["results"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == sorted(str(lead.pk) for lead in leads)


def test_leads_without_a_value_come_last_both_ways(api: Api) -> None:
    low, high, none = make_leads(3)
    Lead.objects.filter(pk=low.pk).update(score_total=10)
    Lead.objects.filter(pk=high.pk).update(score_total=90)
    up = [row["id"] for row in done(api.get("leads", ordering="score"))["results"]]
    down = [row["id"] for row in done(api.get("leads", ordering="-score"))["results"]]
    assert up == [str(low.pk), str(high.pk), str(none.pk)]
    assert down == [str(high.pk), str(low.pk), str(none.pk)]


def test_a_cursor_of_another_order_is_refused(api: Api) -> None:
    make_leads(3)
    cursor = done(api.get("leads", page_size=1))["next_cursor"]
    problem(api.get("leads", ordering="score", cursor=cursor), 400, "cursor")


def test_the_timeline_is_paged_newest_first(api: Api, me: Any) -> None:
    lead = make_lead()
    for number in range(5):
        timeline.add_note(
            [lead.pk], body=f"Note {number}", by=me, now=NOW + timedelta(minutes=number)
        )
    first = done(api.get(f"leads/{lead.pk}/timeline", page_size=4))
    rest = done(api.get(f"leads/{lead.pk}/timeline", page_size=4, cursor=first["next_cursor"]))
    ids = [row["id"] for row in first["results"] + rest["results"]]
    assert len(ids) == len(set(ids)) == Activity.objects.filter(lead=lead).count()
    assert first["results"][0]["message"]["body"] == "Note 4"
    assert rest["next_cursor"] is None
