"""The pages of people and companies: lists, timeline across attempts, keys, and editing in place."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leads import contact_keys, editing, lifecycle, merging, people, timeline
from leads.models import Activity, Company, Contact, ContactKey, Lead
from tests.factories import make_lead, make_leads

SignIn = Callable[[Membership], Client]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def web(sign_in: SignIn, acme: Workspace, ana: Membership) -> Client:
    return sign_in(ana)


@pytest.fixture
def lead(acme: Workspace) -> Lead:
    return make_lead(
        now=timezone.now(),
        display_name="Maria Lopez",
        email="maria@one.example",
        phone="+14155552671",
        company_name="Roof Ltd",
    )


def address(route: str, workspace: Workspace, *ids: Any) -> str:
    return reverse(route, args=[workspace.slug, *ids])


def person(lead: Lead, workspace: Workspace, route: str = "contact", *ids: Any) -> str:
    return address(route, workspace, lead.contact_id, *ids)


def note(lead: Lead, me: Actor, body: str) -> None:
    timeline.add_note([lead.pk], body=body, by=me, now=timezone.now())


def again(lead: Lead, me: Actor, **fields: Any) -> Lead:
    """Closes the lead; the person enquires again."""
    (result,) = lifecycle.close([lead.pk], reason="price", by=me, now=timezone.now())
    assert result.done
    return make_lead(now=timezone.now(), email=lead.email, display_name="Maria Lopez", **fields)


# --- the lists -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["lopez", "one.exam", "(415) 555-2671", "555-2671", "roof", "ma", "maria l"]
)
def test_a_person_is_found_by_any_part(web: Client, acme: Workspace, lead: Lead, text: str) -> None:
    make_lead(display_name="Jon Snow", email="jon@two.example", phone="+14155559999")
    rows = web.get(address("contacts", acme), {"q": text}).context["rows"]
    assert [row.pk for row in rows] == [lead.contact_id]


def test_a_person_is_found_by_what_is_new_about_them(
    web: Client, acme: Workspace, lead: Lead, me: Actor
) -> None:
    now = timezone.now()
    people.edit_contact(lead.contact_id, {"display_name": "Dr Mary Smith"}, by=me, now=now)
    contact_keys.add_key(lead.contact_id, "mary@home.example", by=me, now=now)
    for text in ("dr mary", "mary@home"):
        rows = web.get(address("contacts", acme), {"q": text}).context["rows"]
        assert [row.pk for row in rows] == [lead.contact_id], text


def test_a_company_is_found_by_any_part_of_name_or_domain(
    web: Client, acme: Workspace, me: Actor
) -> None:
    make_lead(company_name="The Roof Ltd", email="m@roofers.example", display_name="Bergmann")
    people.add_company({"name": "Berg AG", "domain": "berg.example"}, by=me, now=timezone.now())
    path = address("companies", acme)
    for text, name in (("roof", "The Roof Ltd"), ("ofers", "The Roof Ltd"), ("berg", "Berg AG")):
        rows = web.get(path, {"q": text}).context["rows"]
        assert [row.name for row in rows] == [name], text
    assert "No company matches" in web.get(path, {"q": "zzz"}).content.decode()


def test_rows_tell_of_open_leads_and_last_activity(
    web: Client, acme: Workspace, lead: Lead, me: Actor
) -> None:
    new = again(lead, me, company_name="Roof Ltd")
    (row,) = web.get(address("contacts", acme)).context["rows"]
    new.refresh_from_db()
    assert (row.summary.open, row.summary.last_activity_at) == (1, new.last_activity_at)
    (row,) = web.get(address("companies", acme)).context["rows"]
    assert (row.summary.open, row.summary.people) == (1, 1)


def test_a_row_counts_only_what_its_viewer_sees(
    sign_in: SignIn, acme: Workspace, lead: Lead, me: Actor, ana: Membership, ben: Membership
) -> None:
    again(lead, me, owner=ben)
    Lead.objects.filter(pk=lead.pk).update(owner=ana)
    found = sign_in(ben).get(address("contacts", acme), {"q": "maria"})
    (row,) = found.context["rows"]
    assert row.summary.open == 1
    Lead.objects.exclude(pk=lead.pk).update(owner=ana)
    assert "Nobody matches" in sign_in(ben).get(address("contacts", acme), {"q": "maria"}).text


def test_companies_are_a_tab_from_the_first_on(web: Client, acme: Workspace) -> None:
    path = address("contacts", acme)
    assert address("companies", acme) not in web.get(path).content.decode()
    make_lead(company_name="One")
    assert address("companies", acme) in web.get(path).content.decode()


def test_the_search_box_gets_the_rows_alone(web: Client, acme: Workspace, lead: Lead) -> None:
    headers = HTMX | {"HX-Target": "people"}
    body = web.get(address("contacts", acme), {"q": "lop"}, headers=headers).content.decode()
    assert body.lstrip().startswith('<div id="people">')
    assert "Maria Lopez" in body


# --- the page of a person --------------------------------------------------------------------


def test_one_timeline_over_all_attempts_names_each_rows_lead(
    web: Client, acme: Workspace, lead: Lead, me: Actor
) -> None:
    note(lead, me, "In the first attempt")
    new = again(lead, me)
    people.edit_contact(lead.contact_id, {"job_title": "CTO"}, by=me, now=timezone.now())
    page = web.get(person(lead, acme))
    rows = page.context["history"].blocks
    assert {row.lead for row in rows} == {lead, new, None}
    assert [row.lead for row in rows if row.activity.kind == "fields_changed"] == [None]
    body = page.content.decode()
    assert "In the first attempt" in body
    assert "Price" in body
    assert address("lead-detail", acme, new.pk) in body
    talk = web.get(person(lead, acme), {"show": "conversation"}).context["history"].blocks
    assert "fields_changed" not in {row.activity.kind for row in talk}


def test_rows_from_before_a_lead_had_its_contact_are_there(
    web: Client, acme: Workspace, me: Actor
) -> None:
    nobody = make_lead(display_name="Maria", email="")
    note(nobody, me, "Rang the door bell")
    editing.edit([nobody.pk], {"email": "maria@one.example"}, by=me, now=timezone.now())
    nobody.refresh_from_db()
    assert "Rang the door bell" in web.get(person(nobody, acme)).content.decode()


def test_merged_people_and_leads_tell_their_story_together(
    web: Client, acme: Workspace, lead: Lead, me: Actor
) -> None:
    other = make_lead(now=timezone.now(), email="m@two.example")
    note(other, me, "Said before the merge")
    people.edit_contact(other.contact_id, {"job_title": "CTO"}, by=me, now=timezone.now())
    merging.merge(lead.pk, [other.pk], by=me, now=timezone.now())
    body = web.get(person(lead, acme)).content.decode()
    assert "Said before the merge" in body
    assert "CTO" in body
    assert web.get(person(other, acme)).status_code == 404


def test_older_rows_follow_without_gap_or_repetition(
    web: Client, acme: Workspace, lead: Lead, me: Actor
) -> None:
    for number in range(70):
        note(lead, me, f"Note {number:02}.")
    seen: list[int] = []
    before = ""
    while True:
        headers = HTMX | {"HX-Target": "older"}
        page = web.get(person(lead, acme), {"before": before}, headers=headers)
        history = page.context["history"]
        seen += [row.activity.pk for row in history.blocks]
        if not history.older:
            break
        before = history.older
    assert len(seen) == len(set(seen)) == Activity.objects.filter(contact=lead.contact_id).count()
    assert web.get(person(lead, acme), {"before": "made-up"}).status_code == 404


def test_of_leads_that_a_rep_may_not_see_only_a_stub_is_shown(
    sign_in: SignIn, acme: Workspace, lead: Lead, me: Actor, ana: Membership, ben: Membership
) -> None:
    note(lead, me, "A secret of Ana's")
    new = again(lead, me, owner=ben)
    Lead.objects.filter(pk=lead.pk).update(owner=ana)
    page = sign_in(ben).get(person(lead, acme))
    body = page.content.decode()
    assert [one.pk for one in page.context["attempts"].stubs] == [lead.pk]
    assert "A secret" not in body
    assert f"Ask {ana.name}" in body
    assert address("lead-detail", acme, lead.pk) not in body
    assert address("lead-detail", acme, new.pk) in body
    assert {row.activity.lead_id for row in page.context["history"].blocks} == {new.pk}
    Lead.objects.filter(pk=new.pk).update(owner=ana)
    assert sign_in(ben).get(person(lead, acme)).status_code == 404


def test_a_shared_number_names_the_others_whom_the_viewer_sees(
    sign_in: SignIn, acme: Workspace, lead: Lead, ana: Membership, ben: Membership
) -> None:
    Lead.objects.update(owner=ben)
    ann = make_lead(
        display_name="Ann Björk", email="ann@three.example", phone=lead.phone, owner=ben
    )
    hidden = make_lead(
        display_name="Hidden Helga", email="helga@four.example", phone=lead.phone, owner=ana
    )
    client = sign_in(ben)
    body = client.get(person(lead, acme)).content.decode()
    assert "Shared with" in body
    assert person(ann, acme) in body
    assert "Helga" not in body
    body = client.get(person(ann, acme)).content.decode()
    assert person(lead, acme) in body
    assert person(hidden, acme) not in body


def test_a_number_not_to_be_called_has_no_call_button(
    web: Client, acme: Workspace, lead: Lead, me: Actor
) -> None:
    assert f'href="tel:{lead.phone}"' in web.get(person(lead, acme)).content.decode()
    key = ContactKey.objects.get(value=lead.phone)
    web.post(person(lead, acme, "contact-key-forbid", key.pk), {"reason": "Asked by mail"})
    body = web.get(person(lead, acme)).content.decode()
    assert f'href="tel:{lead.phone}"' not in body
    assert "Do not call" in body
    assert "Asked by mail" in body


def test_a_new_lead_starts_with_the_person_filled_in(
    web: Client, sign_in: SignIn, acme: Workspace, lead: Lead, vera: Membership
) -> None:
    path = f"{address('lead-add', acme)}?contact={lead.contact_id}"
    assert path in web.get(person(lead, acme)).content.decode()
    initial = web.get(path).context["form"].initial
    assert (initial["display_name"], initial["email"]) == ("Maria Lopez", "maria@one.example")
    assert web.get(f"{address('lead-add', acme)}?contact={uuid.uuid4()}").status_code == 404
    assert web.get(f"{address('lead-add', acme)}?contact=nonsense").status_code == 200
    body = sign_in(vera).get(person(lead, acme)).content.decode()
    for route in ("lead-add", "contact-edit", "contact-key-add"):
        ids = () if route == "lead-add" else (lead.contact_id,)
        assert address(route, acme, *ids) not in body, route


# --- editing ---------------------------------------------------------------------------------


def test_only_what_was_changed_is_saved(web: Client, acme: Workspace, lead: Lead) -> None:
    form = {"display_name": "Maria Lopez", "base-display_name": "Maria Lopez"}
    form |= {"job_title": "CTO", "base-job_title": "", "country": "de", "base-country": ""}
    assert web.post(person(lead, acme, "contact-edit"), form).url == person(lead, acme)
    contact = Contact.objects.get()
    assert (contact.job_title, contact.country) == ("CTO", "DE")
    row = Activity.objects.get(kind="fields_changed")
    assert set(row.data["changes"]) == {"job_title", "country"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("display_name", ""), ("country", "Germany"), ("time_zone", "Mars/Olympus")],
)
def test_a_value_that_does_not_fit_is_explained_and_kept(
    web: Client, acme: Workspace, lead: Lead, field: str, value: str
) -> None:
    response = web.post(
        person(lead, acme, "contact-edit"), {field: value, f"base-{field}": "x"}, headers=HTMX
    )
    assert response.status_code == 422
    assert response["HX-Retarget"] == "#details"
    assert field in response.context["edit_form"].errors
    assert not Activity.objects.filter(kind="fields_changed").exists()


@pytest.mark.parametrize("kind", ["contact", "company"])
def test_a_conflict_offers_both_values(
    web: Client, acme: Workspace, lead: Lead, max_: Membership, kind: str
) -> None:
    by, now = Actor.member(max_), timezone.now()
    row_id = lead.contact_id if kind == "contact" else lead.company_id
    edit = people.edit_contact if kind == "contact" else people.edit_company
    edit(row_id, {"state": "CA"}, by=by, now=now)
    path = address(f"{kind}-edit", acme, row_id)
    form = {"state": "NY", "base-state": "", "country": "US", "base-country": ""}
    answer = web.post(path, form, headers=HTMX)
    assert answer.status_code == 409
    (conflict,) = answer.context["conflicts"]
    assert (conflict["theirs"], conflict["mine"], conflict["who"]) == ("CA", "NY", max_)
    row = (Contact if kind == "contact" else Company).objects.get(pk=row_id)
    assert (row.state, row.country) == ("CA", "US")
    web.post(path, {"state": "NY", "base-state": "CA"}, headers=HTMX)
    row.refresh_from_db()
    assert row.state == "NY"


def test_a_company_is_edited_and_a_taken_domain_is_told(
    web: Client, acme: Workspace, lead: Lead, me: Actor
) -> None:
    people.add_company({"name": "Berg", "domain": "berg.example"}, by=me, now=timezone.now())
    path = address("company-edit", acme, lead.company_id)
    form = {"domain": "https://www.berg.example/", "base-domain": "one.example"}
    answer = web.post(path, form)
    assert answer.status_code == 422
    assert "already" in str(answer.context["edit_form"].errors["domain"])
    web.post(path, {"phone": "(415) 555-2671", "base-phone": ""})
    assert Company.objects.get(pk=lead.company_id).phone == "+14155552671"


def test_who_has_an_address_already_is_named_if_visible(
    sign_in: SignIn, acme: Workspace, lead: Lead, ana: Membership, ben: Membership
) -> None:
    Lead.objects.update(owner=ben)
    make_lead(display_name="Jon Snow", email="jon@two.example", owner=ben)
    make_lead(display_name="Hidden Helga", email="helga@two.example", owner=ana)
    client, path = sign_in(ben), person(lead, acme, "contact-key-add")
    answer = client.post(path, {"value": "jon@two.example"}, headers=HTMX)
    assert answer.status_code == 422
    assert "Jon Snow" in answer.content.decode()
    body = client.post(path, {"value": "helga@two.example"}).content.decode()
    assert "Helga" not in body.replace("helga@two.example", "")
    assert "Ask a manager" in body


def test_keys_are_added_made_main_and_removed_after_a_question(
    web: Client, acme: Workspace, lead: Lead
) -> None:
    web.post(person(lead, acme, "contact-key-add"), {"value": "second@one.example"})
    key = ContactKey.objects.get(value="second@one.example")
    web.post(person(lead, acme, "contact-key-main", key.pk))
    assert Contact.objects.get().email == "second@one.example"
    asked = web.get(person(lead, acme, "contact-key-remove", key.pk), headers=HTMX)
    assert "Remove second@one.example from Maria Lopez?" in asked.content.decode()
    assert ContactKey.objects.filter(pk=key.pk).exists()
    web.post(person(lead, acme, "contact-key-remove", key.pk))
    assert Contact.objects.get().email == "maria@one.example"
    assert web.post(person(lead, acme, "contact-key-remove", key.pk)).status_code == 404


def test_who_may_only_see_changes_nothing(
    sign_in: SignIn, acme: Workspace, lead: Lead, vera: Membership, ben: Membership, ana: Membership
) -> None:
    Lead.objects.update(owner=ana)
    Workspace.objects.filter(pk=acme.pk).update(visibility="all")
    key = ContactKey.objects.get(value=lead.phone)
    for member in (vera, ben):
        client = sign_in(member)
        assert client.get(person(lead, acme)).status_code == 200
        assert client.get(person(lead, acme, "contact-edit")).status_code == 403
        assert client.post(person(lead, acme, "contact-edit"), {"state": "CA"}).status_code == 403
        assert (
            client.post(person(lead, acme, "contact-key-add"), {"value": "x@y.example"}).status_code
            == 403
        )
        path = person(lead, acme, "contact-key-forbid", key.pk)
        assert client.post(path).status_code == 403
    assert not Activity.objects.filter(lead=None).exists()


def test_a_key_of_somebody_else_is_not_found_through_a_person(
    web: Client, acme: Workspace, lead: Lead
) -> None:
    make_lead(email="jon@two.example")
    key = ContactKey.objects.get(value="jon@two.example")
    for change in ("main", "remove", "forbid", "allow"):
        assert web.post(person(lead, acme, f"contact-key-{change}", key.pk)).status_code == 404


# --- what it costs ---------------------------------------------------------------------------


def test_a_person_and_a_company_take_as_many_queries_for_many_rows(
    web: Client, acme: Workspace, lead: Lead, me: Actor
) -> None:
    make_lead(email="ann@three.example", phone=lead.phone, company_name="Roof Ltd")
    paths = [person(lead, acme), address("company", acme, lead.company_id)]
    note(lead, me, "First")
    new = again(lead, me, company_name="Roof Ltd")
    web.get(paths[0])
    few = [queries(web, path) for path in paths]
    for number in range(12):
        contact_keys.add_key(lead.contact_id, f"{number}@x.example", by=me, now=timezone.now())
        note(new, me, f"Note {number}")
        new = again(new, me, company_name="Roof Ltd")
        make_lead(email=f"p{number}@y.example", phone=lead.phone, company_name="Roof Ltd")
    assert [queries(web, path) for path in paths] == few
    assert max(few) <= 10


def test_a_search_takes_as_many_queries_for_fifty(web: Client, acme: Workspace) -> None:
    make_lead(display_name="Maria 0", company_name="Marias")
    paths = [f"{address(route, acme)}?q=maria" for route in ("contacts", "companies")]
    web.get(paths[0])
    few = [queries(web, path) for path in paths]
    make_leads(50, display_name="Maria", company_name="Marias 2")
    assert [queries(web, path) for path in paths] == few
    assert max(few) <= 8


def queries(web: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert web.get(path).status_code == 200
    return len(found)
