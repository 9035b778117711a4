"""The export page: its form, the file, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.models import Membership, Workspace
from leads.custom_field_settings import add_field
from leads.models import Lead
from tests.factories import make_lead

HTMX = {"HX-Request": "true", "HX-Target": "sheet-body"}


@pytest.fixture
def address(workspace: Workspace) -> str:
    return reverse("lead-export", args=[workspace.slug])


def body(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def test_the_filter_of_the_list_is_what_is_exported(web: Client, address: str, lead: Lead) -> None:
    make_lead(display_name="Somebody else", now=timezone.now())
    data = {"all": "1", "in": "view=all&q=maria", "to": "csv", "columns": ["name", "phone"]}
    answer = web.post(address, data)
    assert answer["Content-Disposition"].startswith('attachment; filename="acme-leads-')
    assert body(answer).splitlines() == ["Name,Phone", "Maria Lopez,+14155552671"]


def test_ticked_leads_alone(web: Client, address: str, lead: Lead) -> None:
    make_lead(now=timezone.now())
    data = {"lead": [str(lead.pk)], "to": "csv", "columns": ["name"]}
    assert body(web.post(address, data)).splitlines() == ["Name", "Maria Lopez"]


def test_the_form_offers_the_columns_of_the_list_first(
    web: Client, address: str, lead: Lead, ana: Membership, django_assert_max_num_queries: Any
) -> None:
    Membership.objects.filter(pk=ana.pk).update(list_columns=["label"])
    with django_assert_max_num_queries(10):
        page = web.get(address, {"all": "1", "in": "view=all"}, headers=HTMX).content.decode()
    assert 'value="label" ' in page
    assert page.count("checked") == 4 + 1 + 1 + 1  # who it is, label, due, and the format


def test_what_is_missing_is_said_and_nothing_is_sent(web: Client, address: str, lead: Lead) -> None:
    answer = web.post(address, {"all": "1", "in": "view=all", "to": "csv"})
    assert answer.status_code == 422
    assert "required" in answer.content.decode()
    answer = web.post(address, {"to": "csv", "columns": ["name"]})
    assert answer.status_code == 422
    assert "Select leads first" in answer.content.decode()


def test_the_button_is_there_for_whoever_may(
    sign_in: Any, web: Client, address: str, workspace: Workspace, lead: Lead, ben: Membership
) -> None:
    shown = reverse("lead-list", args=[workspace.slug]) + "?view=all"
    assert address in web.get(shown).content.decode()
    assert address not in sign_in(ben).get(shown).content.decode()
    assert sign_in(ben).get(address).status_code == 403


def test_a_field_of_ones_own_is_a_column(
    web: Client, address: str, lead: Lead, ana: Membership
) -> None:
    size = add_field(by=ana, now=timezone.now(), kind="number", label="Size")
    wants = add_field(by=ana, now=timezone.now(), kind="choices", label="Wants", options=["A", "B"])
    kept = {str(size.pk): 40.5, str(wants.pk): ["A", "B"]}
    Lead.objects.filter(pk=lead.pk).update(attributes=kept)
    data = {"lead": [str(lead.pk)], "to": "csv", "columns": ["name", size.name, wants.name]}
    lines = body(web.post(address, data)).splitlines()
    assert lines == ["Name,Size,Wants", "Maria Lopez,40.5,A; B"]
