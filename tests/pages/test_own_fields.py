"""Custom fields in the browser and the API: defined in settings, edited, listed, filtered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leads import editing
from leads.custom_field_settings import add_field, archive_field, change_field
from leads.models import CustomField, Lead
from tests.factories import make_lead
from tests.pages.test_lead_fields import opened, row, save
from tests.pages.test_lead_page import HTMX, to


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def roof(acme: Workspace, ana: Membership, now: datetime) -> CustomField:
    return add_field(by=ana, now=now, kind="choice", label="Roof type", options=["Flat", "Gable"])


@pytest.fixture
def wants(acme: Workspace, ana: Membership, now: datetime) -> CustomField:
    return add_field(by=ana, now=now, kind="choices", label="Wants", options=["Solar", "Heat"])


def kept(lead: Lead) -> dict[str, Any]:
    return dict(Lead.objects.get(pk=lead.pk).attributes)


def at(workspace: Workspace, name: str, *args: Any) -> str:
    return reverse(name, args=[workspace.slug, *args])


def test_an_admin_adds_changes_orders_and_archives_fields(web: Client, acme: Workspace) -> None:
    for label, kind in (("Roof type", "choice"), ("Size", "number")):
        form = {"label": label, "kind": kind, "options": "Flat\nGable\n\n"}
        assert web.post(at(acme, "own-field-add"), form).status_code == 302
    roof, size = CustomField.objects.order_by("position")
    assert (roof.key, roof.options, size.options) == ("roof_type", ["Flat", "Gable"], [])
    web.post(at(acme, "own-field-move", size.pk), {"to": "up"})
    web.post(at(acme, "own-field", roof.pk), {"label": "Roof", "options": "Flat", "required": "on"})
    web.post(at(acme, "own-field-archive", size.pk))
    page = web.get(at(acme, "own-fields")).content.decode()
    assert page.index(">Roof</a>") < page.index(">Archived</h2>") < page.index("Restore")
    web.post(at(acme, "own-field-restore", size.pk))
    labels = CustomField.objects.filter(archived_at=None).values_list("label", flat=True)
    assert list(labels) == ["Size", "Roof"]


def test_what_does_not_fit_comes_back_with_its_reason(web: Client, roof: CustomField) -> None:
    path = at(roof.workspace, "own-field-add")
    twice = web.post(path, {"label": "roof type", "kind": "text"})
    empty = web.post(path, {"label": "New", "kind": "choice", "options": " "})
    assert (twice.status_code, empty.status_code) == (422, 422)
    assert "There is a field of this name already." in twice.content.decode()
    assert "Give the choices, one per line." in empty.content.decode()
    change = web.post(at(roof.workspace, "own-field", roof.pk), {"label": "", "options": "Flat"})
    assert change.status_code == 422
    assert CustomField.objects.count() == 1


def test_a_value_is_edited_in_its_place_and_undone(
    web: Client, lead: Lead, roof: CustomField
) -> None:
    assert "Roof type" in web.get(at(lead.workspace, "lead-detail", lead.pk)).content.decode()
    form = opened(web, lead, roof.name)
    answer = save(web, lead, roof.name, **{**form, roof.name: "Gable"})
    assert kept(lead) == {str(roof.pk): "Gable"}
    body = answer.content.decode()
    assert "Gable" in body
    assert "Changed Roof type" in body
    undo = answer.headers["HX-Trigger"].split('"undo": "')[1].split('"')[0]
    web.post(undo, headers=HTMX)
    assert kept(lead) == {}


def test_boxes_are_ticked_and_all_unticked(web: Client, lead: Lead, wants: CustomField) -> None:
    form = opened(web, lead, wants.name)
    save(web, lead, wants.name, **{**form, wants.name: ["Heat", "Solar"]})
    assert kept(lead) == {str(wants.pk): ["Solar", "Heat"]}
    form = opened(web, lead, wants.name)
    assert form[f"base-{wants.name}"] == "Solar; Heat"
    del form[wants.name]  # a browser sends nothing for boxes that aren't ticked
    save(web, lead, wants.name, **form)
    assert kept(lead) == {}


def test_a_wrong_value_is_told_beside_the_field(web: Client, lead: Lead, roof: CustomField) -> None:
    answer = save(web, lead, roof.name, **{roof.name: "Thatch", f"base-{roof.name}": ""})
    assert answer.status_code == 422
    assert "Roof type: “Thatch” is none of Flat, Gable." in answer.content.decode()
    assert kept(lead) == {}


def test_a_colleagues_value_is_a_conflict(web: Client, lead: Lead, roof: CustomField) -> None:
    form = opened(web, lead, roof.name)
    save(web, lead, roof.name, **{**form, roof.name: "Flat"})
    answer = save(web, lead, roof.name, **{**form, roof.name: "Gable"})
    assert answer.status_code == 409
    assert "Roof type to “Flat”" in answer.content.decode()
    assert kept(lead) == {str(roof.pk): "Flat"}


def test_a_choice_that_was_taken_away_stays_until_it_is_changed(
    web: Client, lead: Lead, roof: CustomField, ana: Membership, now: datetime
) -> None:
    save(web, lead, roof.name, **{roof.name: "Flat", f"base-{roof.name}": ""})
    change_field(roof.pk, by=ana, now=now, options=["Gable", "Dome"])
    form = web.get(to(lead, "edit"), headers=HTMX).context["edit_form"]
    whole = {name: form[name].value() or "" for name in form.fields}
    whole |= {f"base-{name}": value for name, value in list(whole.items())}
    answer = web.post(to(lead, "edit"), {**whole, "job_title": "Chef"}, headers=HTMX)
    assert answer.status_code == 200
    assert kept(lead) == {str(roof.pk): "Flat"}


def test_an_archived_field_leaves_the_page(
    web: Client, lead: Lead, roof: CustomField, ana: Membership, now: datetime
) -> None:
    save(web, lead, roof.name, **{roof.name: "Flat", f"base-{roof.name}": ""})
    archive_field(roof.pk, by=ana, now=now)
    assert web.get(row(lead, roof.name), headers=HTMX).status_code == 404
    page = web.get(at(lead.workspace, "lead-detail", lead.pk)).content.decode()
    assert f"field-{roof.name}" not in page
    assert "Roof type" in page  # in the timeline it is still called so


def test_a_required_field_is_asked_for_by_hand(
    web: Client, acme: Workspace, roof: CustomField, ana: Membership, now: datetime
) -> None:
    change_field(roof.pk, by=ana, now=now, required=True)
    path = at(acme, "lead-add")
    form = web.get(path).context["form"]
    values = {"display_name": "Mia", "source_kind": "phone", "key": str(form.initial["key"])}
    refused = web.post(path, values)
    assert refused.status_code == 422
    assert "Roof type is required." in refused.content.decode()
    assert web.post(path, {**values, roof.name: "Flat"}).status_code == 302
    assert kept(Lead.objects.get()) == {str(roof.pk): "Flat"}


def test_the_list_shows_and_filters_a_field(
    web: Client, acme: Workspace, roof: CustomField, wants: CustomField
) -> None:
    flat = make_lead(display_name="Flat Fred", attributes={"roof_type": "Flat", "wants": "Heat"})
    make_lead(display_name="Gable Gail", attributes={"roof_type": "Gable"})
    path = at(acme, "lead-list")
    web.post(at(acme, "lead-columns"), {"column": ["stage", roof.name, wants.name]})
    with CaptureQueriesContext(connection) as queries:
        page = web.get(path, {"view": "all", roof.name: "flat"})
    assert len(queries) <= 8, [one["sql"][:80] for one in queries]
    body = page.content.decode()
    assert "Flat Fred" in body
    assert "Gable Gail" not in body
    assert f'<td class="c-own c-{wants.name} ">Heat</td>' in body
    assert f'data-cells="name {roof.name} {wants.name} "' in body
    one_row = web.get(at(acme, "lead-row", flat.pk), headers=HTMX).content.decode()
    assert f'<td class="c-own c-{roof.name} ">Flat</td>' in one_row
    both = web.get(path, {"view": "all", "cf_roof_type": ["Flat", "Gable"]})
    assert both.context["count"] == 2
    assert web.get(path, {"view": "all", "cf_wants": "Heat"}).context["count"] == 1


@pytest.mark.parametrize("name", ["cf_gone", "cf_" + "1" * 32, "cf_roof_type"])
def test_a_filter_by_a_field_that_is_gone_says_so(
    web: Client, acme: Workspace, roof: CustomField, ana: Membership, now: datetime, name: str
) -> None:
    archive_field(roof.pk, by=ana, now=now)
    page = web.get(at(acme, "lead-list"), {"view": "all", name: "Flat"})
    assert page.status_code == 400
    body = page.content.decode()
    said = "The field “Roof type” was archived." if "roof" in name else "There is no custom field"
    assert said in body
    assert "Clear filters" in body


def test_conditions_reach_custom_fields(
    web: Client, acme: Workspace, lead: Lead, roof: CustomField, wants: CustomField, me: Actor
) -> None:
    other = make_lead(display_name="Bob Stone", now=lead.created_at)
    editing.edit([other.pk], {roof.name: "flat", wants.name: ["Solar"]}, by=me, now=lead.created_at)
    page = at(acme, "lead-list")

    def found(*where: str) -> set[str]:
        rows = web.get(page, {"view": "all", "where": where}).context["leads"]
        return {row.display_name for row in rows}

    assert found(f"1.{roof.name}.is.flat") == {"Bob Stone"}
    assert found(f"1.{roof.name}.not.flat") == {lead.display_name}
    assert found(f"1.{wants.name}.is.Solar,Heat") == {"Bob Stone"}
    assert found(f"1.{wants.name}.is.Heat") == set()
    form = web.get(at(acme, "lead-filter"), {"view": "all", "rows": "0", "add": wants.name})
    assert "Solar" in form.content.decode()
    said = web.get(page, {"view": "all", "where": f"1.{wants.name}.is.Solar"}).content.decode()
    assert f"{wants.label} is Solar" in said


def test_bulk_actions_set_custom_fields(
    web: Client, acme: Workspace, lead: Lead, roof: CustomField
) -> None:
    data = {"lead": [str(lead.pk)], "name": roof.name, "value": "Flat"}
    answer = web.post(at(acme, "bulk-new", "field"), data, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert kept(lead) == {str(roof.pk): "Flat"}
