"""Editing people and companies, and the addresses and numbers that name a person."""

from __future__ import annotations

from typing import Any

import pytest

from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads import contact_keys, people
from leads.contact_keys import KeyRefused, KeyTaken
from leads.editing import EditRefused
from leads.models import Activity, Company, Contact, ContactKey, Lead
from leads.people import Taken
from tests.factories import make_lead

pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def maria() -> Contact:
    return make_lead(
        display_name="Maria Lopez", email="maria@one.example", phone="+14155552671"
    ).contact


@pytest.fixture
def jon() -> Contact:
    return make_lead(display_name="Jon Snow", email="jon@two.example", phone="+14155552672").contact


def edit(contact: Contact, me: Any, now: Any, base: Any = None, **values: Any) -> Any:
    return people.edit_contact(contact.pk, values, by=me, now=now, base=base)


def test_an_edit_is_logged_and_leads_keep_what_was_said(maria, me, now):
    edited = edit(maria, me, now, job_title="CTO")
    assert (edited.row.job_title, edited.row.version, edited.conflicts) == ("CTO", 2, [])
    row = Activity.objects.get(kind="fields_changed")
    assert (row.contact, row.lead, row.data["changes"]) == (maria, None, {"job_title": ["", "CTO"]})
    assert Lead.objects.get().job_title == ""


def test_what_somebody_changed_meanwhile_stays_and_the_rest_is_saved(maria, me, now):
    edit(maria, me, now, job_title="CTO")
    seen = {"job_title": "", "state": ""}
    edited = edit(maria, me, now, base=seen, job_title="CEO", state="CA")
    (conflict,) = edited.conflicts
    assert (conflict["field"], conflict["theirs"], conflict["mine"]) == ("job_title", "CTO", "CEO")
    assert conflict["by"].actor == me.membership
    maria.refresh_from_db()
    assert (maria.job_title, maria.state) == ("CTO", "CA")


def test_the_name_follows_first_and_last_name_until_it_is_set(maria, me, now):
    edit(maria, me, now, first_name="Mary", last_name="Lopez")
    maria.refresh_from_db()
    assert maria.display_name == "Mary Lopez"
    edit(maria, me, now, display_name="Dr Lopez")
    edit(maria, me, now, first_name="Marie")
    maria.refresh_from_db()
    assert maria.display_name == "Dr Lopez"


def test_the_name_of_a_company_links_the_person_to_it(maria, me, now):
    edit(maria, me, now, company_name="Roof  Ltd")
    company = Company.objects.get(name="Roof Ltd")
    maria.refresh_from_db()
    assert maria.company == company
    edit(maria, me, now, company_name="")
    maria.refresh_from_db()
    assert (maria.company, maria.company_name) == (None, "")


def test_a_company_that_is_renamed_is_so_for_its_people(me, now):
    lead = make_lead(company_name="Roof Ltd", email="m@roof.example")
    people.edit_company(lead.company_id, {"name": "Roof SE"}, by=me, now=now)
    assert Contact.objects.get().company_name == "Roof SE"
    assert Lead.objects.get().company_name == "Roof Ltd"


def test_two_people_on_one_company(me, now):
    company = people.add_company({"name": "Berg"}, by=me, now=now)
    people.edit_company(company.pk, {"state": "CA"}, by=me, now=now)
    edited = people.edit_company(
        company.pk, {"state": "NY", "notes": "Big"}, by=me, now=now, base={"state": "", "notes": ""}
    )
    assert [one["field"] for one in edited.conflicts] == ["state"]
    assert edited.conflicts[0]["by"].actor == me.membership
    company.refresh_from_db()
    assert (company.state, company.notes) == ("CA", "Big")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Maria@Home.example", "email", "maria@home.example"),
        ("(415) 555-2699", "phone", "+14155552699"),
    ],
)
def test_a_new_key_names_the_person_from_then_on(maria, me, now, text, kind, value):
    contact_keys.add_key(maria.pk, text, by=me, now=now)
    row = Activity.objects.get(kind="contact_key_added")
    assert (row.contact, row.data) == (maria, {"key": kind, "value": value})
    maria.refresh_from_db()
    assert maria.email == "maria@one.example"  # the main one stays
    assert make_lead(**{"email": "", kind: value}).contact == maria


@pytest.mark.parametrize("text", ["", "   ", "12", "maria@", "no number"])
def test_what_is_neither_address_nor_number_is_refused(maria, me, now, text):
    with pytest.raises(EditRefused):
        contact_keys.add_key(maria.pk, text, by=me, now=now)


def test_an_address_of_somebody_else_is_theirs(maria, jon, me, now):
    for share in (False, True):
        with pytest.raises(KeyTaken) as taken:
            contact_keys.add_key(maria.pk, "jon@two.example", share=share, by=me, now=now)
        assert taken.value.contact_id == jon.pk
    with pytest.raises(Taken, match="already"):
        contact_keys.add_key(maria.pk, "maria@one.example", by=me, now=now)
    assert not Activity.objects.filter(kind="contact_key_added").exists()


def test_a_number_of_somebody_else_is_shared_when_asked_for(maria, jon, me, now):
    with pytest.raises(KeyTaken):
        contact_keys.add_key(maria.pk, jon.phone, by=me, now=now)
    key = ContactKey.objects.get(value=jon.phone)
    assert (key.shared, key.contact) == (False, jon)
    contact_keys.add_key(maria.pk, jon.phone, share=True, by=me, now=now)
    key.refresh_from_db()
    maria.refresh_from_db()
    assert (key.shared, key.contact, maria.phone) == (True, jon, jon.phone)
    contact_keys.remove_key(maria.pk, key.pk, by=me, now=now)
    maria.refresh_from_db()
    assert maria.phone == "+14155552671"
    assert ContactKey.objects.get(pk=key.pk).contact == jon


def test_a_removed_address_names_nobody_and_the_next_becomes_the_main_one(maria, me, now):
    second = contact_keys.add_key(maria.pk, "second@one.example", by=me, now=now)
    first = ContactKey.objects.get(value="maria@one.example")
    contact_keys.remove_key(maria.pk, first.pk, by=me, now=now)
    maria.refresh_from_db()
    assert maria.email == "second@one.example"
    contact_keys.remove_key(maria.pk, second.pk, by=me, now=now)
    maria.refresh_from_db()
    assert maria.email == ""
    assert make_lead(email="maria@one.example").contact != maria
    with pytest.raises(KeyRefused, match="meanwhile"):
        contact_keys.remove_key(maria.pk, second.pk, by=me, now=now)


def test_a_shared_number_goes_over_to_who_else_gave_it(maria, me, now):
    other = make_lead(email="ann@three.example", phone=maria.phone).contact
    key = ContactKey.objects.get(value=maria.phone)
    assert (key.contact, key.shared) == (maria, True)
    contact_keys.remove_key(maria.pk, key.pk, by=me, now=now)
    key.refresh_from_db()
    assert (key.contact, key.shared) == (other, True)


def test_a_mark_keeps_its_date_and_holds_off_removal(maria, me, now):
    key = ContactKey.objects.get(value=maria.phone)
    contact_keys.forbid_key(maria.pk, key.pk, reason="Asked", by=me, now=now)
    contact_keys.forbid_key(maria.pk, key.pk, reason="Again", by=me, now=now)
    key.refresh_from_db()
    assert (key.do_not_contact_at, key.do_not_contact_note) == (now, "Asked")
    with pytest.raises(KeyRefused, match="mark would be lost"):
        contact_keys.remove_key(maria.pk, key.pk, by=me, now=now)
    contact_keys.allow_key(maria.pk, key.pk, by=me, now=now)
    contact_keys.allow_key(maria.pk, key.pk, by=me, now=now)
    key.refresh_from_db()
    assert (key.do_not_contact_at, key.do_not_contact_note) == (None, "")
    rows = Activity.objects.filter(kind="do_not_contact", contact=maria).order_by("id")
    assert [row.data.get("cleared", False) for row in rows] == [False, True]


def test_an_unknown_contact_of_another_workspace_is_out_of_reach(
    maria: Contact, me: Any, now: Any, rival: Workspace
) -> None:
    with workspace_scope(rival), pytest.raises(Contact.DoesNotExist):
        contact_keys.add_key(maria.pk, "x@y.example", by=me, now=now)
