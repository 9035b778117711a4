"""From rows to leads and back: the check, applying, canceling, undoing."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Team, Workspace
from leads import assignment, editing, lifecycle, people, timeline
from leads.importing import applying, looking, running, storing, sweep
from leads.importing.packing import unpacked
from leads.importing.running import ImportRefused
from leads.models import (
    Activity,
    Contact,
    ContactKey,
    ExternalId,
    FieldSuggestion,
    Import,
    ImportChunk,
    Lead,
    LeadSearch,
    Message,
    Task,
)
from tests.factories import make_lead, make_leads, make_member
from tests.importing.conftest import Load, apply, check, fresh, undo

HEAD = "Name,Email,Phone,Company,Notes\n"


def findings(batch: Import) -> list[dict[str, Any]]:
    chunks = ImportChunk.objects.filter(batch=batch).order_by("number")
    return [one for chunk in chunks for one in unpacked(chunk.findings)]


def results(batch: Import) -> list[str]:
    return [one["r"] for one in findings(batch)]


def people_file(count: int, start: int = 0, company: str = "Acme") -> str:
    lines = [
        f"Person {n},p{n}@people.example,,{company} {n % 50},Hello"
        for n in range(start, start + count)
    ]
    return HEAD + "\n".join(lines) + "\n"


def test_what_the_check_read_is_what_is_applied(load: Load, acme: Workspace, now: datetime) -> None:
    file = (
        "Name,Email,Phone,Budget\nEva,EVA@People.example,(415) 555-2671,12500\nBad,no-address,,\n"
    )
    batch = check(load(file), now, {"Budget": "budget"})
    Workspace.objects.filter(pk=acme.pk).update(country="DE")  # where the number means nothing
    apply(batch, now)
    lead = Lead.objects.get()
    assert (lead.email, lead.phone) == ("eva@people.example", "+14155552671")
    assert lead.budget == Decimal("12500.00")
    assert ImportChunk.objects.get(batch=batch).drafts is None
    assert fresh(batch).effects == {"created": 1, "error": 1}


# --- the check ---------------------------------------------------------------------------------


def test_each_row_is_compared_with_the_lead_of_its_person(load: Load, now: datetime) -> None:
    make_lead(display_name="Ann Lee", email="ann@x.com", company_name="Old Firm")
    make_lead(display_name="Bob Ray", email="bob@x.com", company_name="Firm", phone="+14155552671")
    batch = check(
        load(
            HEAD
            + "Ann Lee,ANN@x.com,,New Firm,\n"  # e-mail in any case; the firm stays
            + "Bob Ray,,(415) 555-2671,Firm,Called in May\n"  # by phone; fills a blank
            + "bob  ray,bob@x.com,,Firm,\n"
            + "Cara New,cara@x.com,,,\n"
            + "Dan,dan at x,,,\n"
            + ",,,Firm only,\n"
        ),
        now,
    )
    assert results(batch) == ["conflict", "changed", "unchanged", "new", "error", "new"]
    ann, bob = findings(batch)[:2]
    assert ann["c"] == [["company_name", "Old Firm", "New Firm", True]]
    assert bob["c"] == [["notes", "", "Called in May", False]]
    assert findings(batch)[4]["e"] == ["email", "“dan at x” is no e-mail address."]
    assert sum(batch.counts.values()) - batch.counts.get("fills", 0) == 6
    assert Lead.objects.count() == 2, "the check writes nothing"


def test_overwriting_spares_what_a_person_typed(load: Load, now: datetime, me: Actor) -> None:
    lead = make_lead(email="ann@x.com", company_name="Form Firm", job_title="Boss")
    editing.edit([lead.pk], {"job_title": "Chief"}, by=me, now=now)
    data = "Email,Company,Job title\nann@x.com,File Firm,Clerk\n"
    batch = apply(check(load(data), now, existing="overwrite"), now)
    lead.refresh_from_db()
    assert (lead.company_name, lead.job_title) == ("File Firm", "Chief")
    assert FieldSuggestion.objects.get().value == "Clerk"
    assert batch.effects == {"edited": 1, "conflict": 1}


def test_skipping_leaves_existing_leads_alone(load: Load, now: datetime) -> None:
    make_lead(email="ann@x.com")
    batch = check(load("Email,Notes\nann@x.com,Hi\nnew@x.com,Hi\n"), now, existing="skip")
    assert results(batch) == ["unchanged", "new"]


def test_keys_of_two_people_are_a_conflict(load: Load, now: datetime) -> None:
    make_lead(email="ann@x.com")
    make_lead(email="", phone="+14155552671", display_name="Bob")
    batch = check(load("Email,Phone\nann@x.com,+14155552671\n"), now)
    assert results(batch) == ["conflict"]
    assert apply(batch, now).effects == {"conflict": 1}


def test_a_closed_lead_is_left_alone_or_gets_a_new_one_beside_it(
    load: Load, now: datetime, me: Actor
) -> None:
    lead = make_lead(email="ann@x.com")
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    data = "Email,Notes\nann@x.com,Hi\n"
    assert results(check(load(data), now)) == ["conflict"]
    batch = apply(check(load(data), now, closed="new"), now)
    assert batch.effects["created"] == 1
    assert Lead.objects.filter(contact=lead.contact_id).count() == 2


def test_somebody_who_comes_again_further_down_is_one_person(
    load: Load, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "CHUNK", 3)
    data = HEAD + "Ann,ann@x.com,,,\nAnn,ann@x.com,,Firm,\nBob,bob@x.com,,,\n"
    data += "Ann,ann@x.com,,,Late note\nCat,cat@x.com,,,\n"
    batch = check(load(data), now)
    assert batch.counts == {"new": 3, "unchanged": 2}
    batch = apply(batch, now)
    ann = Lead.objects.get(email="ann@x.com")
    assert (Lead.objects.count(), ann.company_name, ann.notes) == (3, "Firm", "Late note")


def test_what_isnt_understood_is_kept_as_an_answer(
    load: Load, now: datetime, ben: Membership
) -> None:
    data = "Email,Owner,Country,Status,Budget\n"
    data += f"a@x.com,{ben.user.email},Deutschland,Qualified,$1,200\n".replace("$1,200", '"$1,200"')
    data += "b@x.com,Who Else,Atlantis,Frobnicated,lots\n"
    chosen = {"Status": "stage", "Owner": "owner", "Country": "country", "Budget": "budget"}
    batch = apply(check(load(data), now, chosen), now)
    assert batch.effects["created"] == 2
    one, two = (Lead.objects.get(email=f"{name}@x.com") for name in "ab")
    assert (one.owner, one.country, one.status, one.budget) == (ben, "DE", "qualified", 1200)
    assert (two.owner, two.country, two.status, two.budget) == (None, "", "new", None)
    assert two.answers == [
        ["Owner", "Who Else"], ["Country", "Atlantis"], ["Status", "Frobnicated"], ["Budget", "lots"]
    ]  # fmt: skip


def test_a_managers_reach_ends_at_the_team(
    load: Load, now: datetime, workspace: Workspace, ana: Membership
) -> None:
    team = Team.objects.create(name="North")
    other = Team.objects.create(name="South")
    boss = make_member(workspace, "manager", "Nora", team=team)
    theirs = make_member(workspace, "rep", "Sue", team=other)
    make_lead(email="sue@x.com", owner=theirs, company_name="Secret Firm")
    batch = check(load("Email,Company\nsue@x.com,Firm\nnew@x.com,Firm\n", by=boss), now)
    assert results(batch) == ["conflict", "new"]
    assert "Secret" not in str(findings(batch))
    apply(batch, now)
    assert Lead.objects.get(email="new@x.com").team == team
    with pytest.raises(Exception, match="Not found"):
        running.access_import(boss, load("Email\nx@x.com\n", by=ana).pk)


# --- applying ----------------------------------------------------------------------------------


def test_it_is_silent_and_keeps_the_dates(load: Load, now: datetime) -> None:
    data = "Id,Email,Created\n7,ann@x.com,2021-05-04 10:00\n"
    apply(check(load(data), now, system="old-crm"), now)
    lead = Lead.objects.get()
    row = Activity.objects.get(kind="lead_created")
    assert lead.created_at == row.occurred_at
    assert (lead.created_at.year, lead.inserted_at, lead.answer_due_at) == (2021, now, None)
    assert (row.lane, row.via) == ("backfill", "import")
    assert lead.auto_close_at is not None
    assert lead.auto_close_at >= now + timedelta(days=30)
    assert ExternalId.objects.get().system == "old-crm"


def test_the_same_file_again_changes_nothing(load: Load, now: datetime) -> None:
    data = people_file(20)
    apply(check(load(data), now), now)
    batch = check(load(data), now)
    assert (batch.remembered, batch.counts) == (True, {"unchanged": 20})
    apply(batch, now)
    assert (Lead.objects.count(), Activity.objects.count()) == (20, 20)


def test_a_mapping_is_remembered_for_files_of_its_shape(load: Load, now: datetime) -> None:
    data = "Kundennr,Zusatz,Email\n1,Foo,a@x.com\n"
    check(load(data), now, {"Zusatz": "label"}, system="erp")
    again = load("Kundennr,Zusatz,Email\n2,Bar,b@x.com\n")
    assert again.remembered
    assert (again.mapping[1], again.options["system"]) == ("label", "erp")


def test_a_worker_that_dies_halfway_doubles_nothing(
    load: Load, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "CHUNK", 10)
    batch = check(load(people_file(35)), now)
    writes = applying.Applier.apply
    died = []

    def die_late(self: Any, chunk: ImportChunk) -> None:
        writes(self, chunk)
        if chunk.number == 2 and not died:
            died.append(chunk)
            raise DatabaseError("the server went away")

    monkeypatch.setattr(applying.Applier, "apply", die_late)
    running.apply(batch, now)
    sweep.advance_due(now)
    assert (Lead.objects.count(), fresh(batch).state) == (19, "applying")
    sweep.advance_due(now)
    assert (Lead.objects.count(), fresh(batch).state) == (35, "done")
    assert Activity.objects.filter(kind="lead_created").count() == 35


def test_a_row_that_the_database_refuses_holds_up_no_other(
    load: Load, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = applying.Applier._draft

    def poisoned(self: Any, row: Any, campaigns: Any) -> Any:
        made = draft(self, row, campaigns)
        if row.number == 4:
            made.values["state"] = "x" * 200  # longer than its column
        return made

    monkeypatch.setattr(applying.Applier, "_draft", poisoned)
    batch = apply(check(load(people_file(6)), now), now)
    assert batch.effects == {"created": 5, "error": 1}
    assert b"The database refused this row." in b"".join(looking.error_file(batch))
    undo(batch, now)
    assert not Lead.objects.present().exists()


def test_a_tick_ends_and_the_next_goes_on(
    load: Load, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "CHUNK", 10)
    batch = check(load(people_file(35)), now)
    running.apply(batch, now)
    for expected in (9, 19, 29, 35):  # the names of the columns are a row too
        sweep.advance_due(now, seconds=0)
        assert Lead.objects.count() == expected
    sweep.advance_due(now, seconds=0)
    assert fresh(batch).effects == {"created": 35}


def test_cancel_keeps_what_is_applied_and_offers_undo(
    load: Load, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "CHUNK", 10)
    batch = check(load(people_file(35)), now)
    running.apply(batch, now)
    sweep.advance_due(now, seconds=0)
    running.cancel(batch, now)
    sweep.advance_due(now)
    assert (Lead.objects.count(), fresh(batch).effects["created"]) == (9, 9)
    assert undo(batch, now).state == "undone"
    assert not Lead.objects.present().exists()


def test_a_thousand_rows_take_as_many_queries_as_ten(load: Load, now: datetime) -> None:
    counts = []
    for start, count in ((0, 10), (100, 200)):
        batch = check(load(people_file(count, start)), now)
        running.apply(batch, now)
        with CaptureQueriesContext(connection) as found:
            sweep.advance_due(now)
        counts.append(len(found))
    assert counts[1] <= counts[0] + 2


# --- undo --------------------------------------------------------------------------------------

TABLES = (Lead, Contact, ContactKey, LeadSearch, FieldSuggestion, ExternalId, Message, Task)


def dump() -> dict[Any, dict[str, Any]]:
    """All rows as they stand. A version only ever grows, so it isn't compared."""
    return {
        (model.__name__, row.pk): {
            field.attname: getattr(row, field.attname)
            for field in model._meta.concrete_fields
            if field.name != "version"
        }
        for model in TABLES
        for row in model.objects.all()
    }


def test_five_thousand_rows_with_a_wrong_mapping_are_taken_back(
    load: Load, now: datetime, me: Actor, ben: Membership
) -> None:
    """Half of them fill leads that are there, half make new ones; people work on some of both."""
    known = make_leads(300, company_name="")
    before = dump()
    lines = [f"{lead.email},Wrong Street {n},Hello" for n, lead in enumerate(known)]
    lines += [f"n{n}@new.example,Wrong Street {n},Hello" for n in range(4700)]
    batch = load("Email,Address,Remark\n" + "\n".join(lines) + "\n")
    wrong = {"Address": "company_name", "Remark": "job_title"}
    batch = apply(check(batch, now, wrong), now)
    assert batch.effects == {"created": 4700, "edited": 300}
    new = list(Lead.objects.filter(email__endswith="@new.example").order_by("email")[:3])
    later = now + timedelta(hours=1)
    timeline.log_call([known[0].pk], outcome="reached", by=me, now=later)
    editing.edit([known[1].pk], {"job_title": "Chief"}, by=me, now=later)
    timeline.add_note([new[0].pk], body="Nice", by=me, now=later)
    assignment.assign([new[1].pk], owner=ben, by=me, now=later)
    contact = Contact.objects.get(pk=new[2].contact_id)
    people.edit_contact(contact.pk, {"job_title": "Boss"}, by=me, now=later)

    batch = undo(batch, later)

    touched = {known[0].pk, known[1].pk, *(lead.pk for lead in new)}
    assert batch.effects["kept"] == 5
    assert set(looking.kept_leads(batch, 50)) == touched
    after = dump()
    spared = {known[0].contact_id, known[1].contact_id}
    untouched = {key: row for key, row in before.items() if key[1] not in touched | spared}
    assert {key: after.get(key) for key in untouched} == untouched
    assert Lead.objects.present().count() == 300 + 3
    assert Contact.objects.filter(archived_at=None).count() == 300 + 3
    assert ContactKey.objects.count() == 300 + 3


def test_after_an_undo_the_file_can_be_imported_again(load: Load, now: datetime) -> None:
    data = "Id,Name,Email\n1,Ann,ann@x.com\n2,Bob,bob@x.com\n"
    undo(apply(check(load(data), now), now), now)
    batch = apply(check(load(data), now), now)
    assert batch.effects["created"] == 2
    assert Lead.objects.present().count() == 2


def test_undo_ends_after_thirty_days(load: Load, now: datetime) -> None:
    batch = apply(check(load(people_file(2)), now), now)
    with pytest.raises(ImportRefused, match="30 days"):
        running.undo(batch, now + timedelta(days=30, seconds=1))
    sweep.prune(now + timedelta(days=32))
    assert not ImportChunk.objects.exists()
    assert fresh(batch).state == "done"


# --- the error file ----------------------------------------------------------------------------


def test_rows_with_errors_come_back_with_their_reasons(load: Load, now: datetime) -> None:
    data = HEAD + "=1+1,not an address,,,\nAnn,ann@x.com,,,\n"
    batch = check(load(data), now)
    text = b"".join(looking.error_file(batch)).decode("utf-8-sig")
    head, row = csv.reader(io.StringIO(text))
    assert head == ["Row", "Reason", "Name", "Email", "Phone", "Company", "Notes"]
    assert row[:4] == [
        "2",
        "E-mail: “not an address” is no e-mail address.",
        "'=1+1",
        "not an address",
    ]
    again = check(load(text.replace("not an address", "a@x.com")), now)
    apply(again, now)
    assert Lead.objects.get(email="a@x.com").display_name == "=1+1"


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (["", "", ""], "a name, an e-mail or a phone"),
        (["email", "email", ""], "Two columns can't both be"),
        (["email", "password", ""], "Choose from the list"),
        (["email"], "Choose from the list"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(
    load: Load, now: datetime, mapping: list[str], message: str
) -> None:
    batch = load("a,b,c\n1,2,3\nx,y,z\n")
    with pytest.raises(ImportRefused, match=message):
        running.choose(batch, mapping, {}, now)
    assert fresh(batch).state == "columns"


def test_what_was_done_already_isnt_done_again(load: Load, now: datetime) -> None:
    batch = apply(check(load(people_file(2)), now), now)
    for again in (running.apply, running.cancel):
        with pytest.raises(ImportRefused, match="by now"):
            again(batch, now)


# --- history -----------------------------------------------------------------------------------


def test_history_comes_in_with_its_own_dates(load: Load, now: datetime, ben: Membership) -> None:
    leads = "Record ID,Email,Create Date\n11,ann@x.com,2023-01-05\n12,bob@x.com,2023-01-06\n"
    apply(check(load(leads), now, system="hubspot"), now)
    events = (
        "Type,Contact ID,Email,Date,Body,Call outcome,Duration,Stage,Due,Owner\n"
        f"NOTE,11,,2023-02-01 10:00,Likes blue,,,,,{ben.user.email}\n"
        "CALL,11,,2023-01-10 09:00,Talked,Connected,120,,,\n"
        "CALL,,ann@x.com,2023-01-09 09:00,,No answer,0,,,\n"
        "EMAIL,12,,2023-01-11 09:00,Dear Bob,,,,,\n"
        "TASK,12,,2023-01-12 09:00,Send offer,,,,2030-01-01,\n"
        "Stage change,11,,2023-03-01 09:00,,,,Qualified,,\n"
        "NOTE,99,,2023-02-01,Nobody's,,,,,\n"
        "NOTE,11,,soon,When?,,,,,\n"
    )
    batch = load(events, "engagements.csv", kind="history")
    chosen = {"Contact ID": "external_id", "Email": "email", "Stage": "stage", "Due": "due_at"}
    before = dump()
    batch = check(batch, now, chosen, system="hubspot")
    assert Counter(results(batch)) == {"new": 6, "error": 2}
    batch = apply(batch, now)
    assert batch.effects == {"created": 6, "error": 2}
    ann, bob = Lead.objects.get(email="ann@x.com"), Lead.objects.get(email="bob@x.com")
    assert (ann.status, ann.attempt_count) == ("qualified", 2)
    assert f"{ann.contacted_at:%Y-%m-%d}" == "2023-01-10"
    assert f"{ann.first_response_at:%Y-%m-%d}" == "2023-01-09"
    assert f"{ann.qualified_at:%Y-%m-%d}" == "2023-03-01"
    rows = timeline.timeline(ann)
    assert (rows[0].kind, f"{rows[0].occurred_at:%m-%d}") == ("stage_changed", "03-01")
    assert {row.lane for row in rows} == {"backfill"}
    note = Message.objects.get(channel="note")
    assert (note.author, note.body) == (ben, "Likes blue")
    assert Task.objects.get(lead=bob).due_at.year == 2030

    undo(batch, now)
    after = dump()
    assert {key: after.get(key) for key in before} == before
    assert not Message.objects.exists()


def test_entries_with_an_id_come_in_once(load: Load, now: datetime) -> None:
    make_lead(email="ann@x.com")
    data = "Note ID,Email,Date,Body\nn1,ann@x.com,2023-02-01,Likes blue\n"
    for expected in ("new", "unchanged"):
        batch = check(load(data, kind="history"), now, {"Note ID": "event_id"})
        assert results(batch) == [expected]
        apply(batch, now)
    assert Message.objects.count() == 1
