"""+ Lead with duplicates found, and the pages of contacts and companies."""

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

from leadcrm.workspaces.models import Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Activity, Company, Contact, Lead
from tests.factories import make_lead, make_leads

SignIn = Callable[[Membership], Client]


@pytest.fixture
def web(sign_in: SignIn, ana: Membership) -> Client:
    return sign_in(ana)


def form_of(**fields: Any) -> dict[str, Any]:
    return {"source_kind": "manual", "key": str(uuid.uuid4()), **fields}


def add(client: Client, workspace: Workspace, **fields: Any) -> Any:
    return client.post(reverse("lead-add", args=[workspace.slug]), form_of(**fields))


def test_a_lead_is_added_by_hand(web: Client, acme: Workspace, ben: Membership) -> None:
    response = add(web, acme, display_name="Maria Lopez", phone="(415) 555-2671", owner=str(ben.pk))
    lead = Lead.objects.get()
    assert response.url == reverse("lead-detail", args=[acme.slug, lead.pk])
    assert (lead.phone, lead.owner, lead.source_kind) == ("+14155552671", ben, "manual")
    assert Activity.objects.get(lead=lead).actor == lead.created_by


def test_a_form_that_is_sent_twice_counts_once(web: Client, acme: Workspace) -> None:
    form = form_of(display_name="Maria")
    path = reverse("lead-add", args=[acme.slug])
    assert web.post(path, form).url == web.post(path, form).url
    assert Lead.objects.count() == 1


def test_somebody_with_an_open_lead_is_shown_first(web: Client, acme: Workspace) -> None:
    known = make_lead(now=timezone.now(), display_name="Maria", email="maria@example.com")
    form = form_of(display_name="Maria L", email="MARIA@example.com", message="Again")
    path = reverse("lead-add", args=[acme.slug])
    response = web.post(path, form)
    assert response.status_code == 422
    assert reverse("lead-detail", args=[acme.slug, known.pk]) in response.content.decode()
    assert Activity.objects.count() == 1
    response = web.post(path, {**form, "sure": "1"})
    assert response.url == reverse("lead-detail", args=[acme.slug, known.pk])
    assert Lead.objects.count() == 1


def test_a_colleagues_lead_is_a_stub_that_cannot_be_touched(
    sign_in: SignIn, acme: Workspace, ana: Membership, ben: Membership
) -> None:
    known = make_lead(now=timezone.now(), email="maria@example.com", owner=ana)
    response = add(sign_in(ben), acme, email="maria@example.com", sure="1")
    body = response.content.decode()
    assert response.status_code == 422
    assert ana.name in body
    assert f'href="{reverse("lead-detail", args=[acme.slug, known.pk])}"' not in body
    assert reverse("lead-ask", args=[acme.slug, known.pk]) in body
    assert Activity.objects.count() == 1


def test_a_rep_adds_leads_for_themselves_or_for_nobody(
    sign_in: SignIn, acme: Workspace, ana: Membership, ben: Membership
) -> None:
    web = sign_in(ben)
    response = add(web, acme, display_name="Maria", owner=str(ana.pk))
    assert response.status_code == 422
    assert "owner" in response.context["form"].errors
    assert Lead.objects.count() == 0
    assert add(web, acme, display_name="Maria", owner=str(ben.pk)).status_code == 302
    assert add(web, acme, display_name="Jon").status_code == 302
    assert set(Lead.objects.values_list("owner", flat=True)) == {ben.pk, None}


def test_a_rep_overwrites_no_colleagues_lead_by_entering_its_person_again(
    sign_in: SignIn, acme: Workspace, ana: Membership, ben: Membership
) -> None:
    Workspace.objects.filter(pk=acme.pk).update(visibility="all")
    known = make_lead(
        now=timezone.now(), display_name="Maria", email="maria@example.com", owner=ana
    )
    response = add(sign_in(ben), acme, display_name="Hacked", email="maria@example.com", sure="1")
    assert response.status_code == 302
    known.refresh_from_db()
    assert (known.display_name, known.owner) == ("Maria", ana)
    assert known.contact.display_name == "Maria"


def test_a_lead_of_nobody_is_refused(web: Client, acme: Workspace) -> None:
    response = add(web, acme)
    assert response.status_code == 422
    assert "Give a name" in str(response.context["form"].errors["display_name"])
    assert Lead.objects.count() == 0


def test_a_viewer_adds_nothing(sign_in: SignIn, acme: Workspace, vera: Membership) -> None:
    client = sign_in(vera)
    assert add(client, acme, display_name="X").status_code == 403
    assert client.get(reverse("lead-add", args=[acme.slug])).status_code == 403
    assert Lead.objects.count() == 0


def test_people_are_found_by_name_address_and_number(web: Client, acme: Workspace) -> None:
    make_lead(display_name="Maria Lopez", email="ml@example.com", phone="+14155552671")
    make_lead(display_name="Jon Snow")
    path = reverse("contacts", args=[acme.slug])
    for text in ("maria", "ml@ex", "+1415555"):
        rows = web.get(path, {"q": text}).context["rows"]
        assert [row.display_name for row in rows] == ["Maria Lopez"], text
    assert "Nobody matches" in web.get(path, {"q": "zzz\x00"}).content.decode()


def test_people_come_in_pages_by_name_each_once(web: Client, acme: Workspace) -> None:
    make_leads(60, display_name="Same Name")
    make_leads(5)
    path = reverse("contacts", args=[acme.slug])
    first = web.get(path).context
    second = web.get(path, {"after": first["next"]}).context
    seen = {row.pk for row in [*first["rows"], *second["rows"]]}
    assert (len(seen), second["next"]) == (65, "")


def test_a_person_and_a_company_show_their_leads(web: Client, acme: Workspace) -> None:
    lead = make_lead(display_name="Maria", company_name="Roof Ltd", email="m@roof.example")
    contact, company = Contact.objects.get(), Company.objects.get()
    for path in (
        reverse("contact", args=[acme.slug, contact.pk]),
        reverse("company", args=[acme.slug, company.pk]),
    ):
        body = web.get(path).content.decode()
        assert reverse("lead-detail", args=[acme.slug, lead.pk]) in body
        assert "Roof Ltd" in body
    listed = web.get(reverse("companies", args=[acme.slug]), {"q": "roof"})
    assert [row.name for row in listed.context["rows"]] == ["Roof Ltd"]


def test_people_of_other_reps_and_workspaces_are_not_found(
    sign_in: SignIn, acme: Workspace, ana: Membership, ben: Membership, rival: Workspace
) -> None:
    make_lead(owner=ana)
    with workspace_scope(rival):
        theirs = make_lead().contact_id
    client = sign_in(ben)
    for pk in (Contact.objects.get().pk, theirs):
        assert client.get(reverse("contact", args=[acme.slug, pk])).status_code == 404
    assert client.get(reverse("contacts", args=[acme.slug])).context["rows"] == []


@pytest.mark.parametrize("page", ["contacts", "companies"])
def test_lists_of_people_take_as_many_queries_for_fifty(
    web: Client, acme: Workspace, page: str
) -> None:
    path = reverse(page, args=[acme.slug])
    make_lead(company_name="One")
    web.get(path)
    with CaptureQueriesContext(connection) as few:
        web.get(path)
    make_leads(50, company_name="Many")
    with CaptureQueriesContext(connection) as many:
        web.get(path)
    assert len(few) == len(many) <= 8
