"""A cell of the list edited in place: the form, what is saved, what two people do at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leads import editing, lifecycle
from leads.columns import COLUMNS
from leads.custom_field_settings import add_field, archive_field
from leads.models import Activity, Lead, UndoStep
from leads.views.cells import EDITED
from tests.factories import make_member

HTMX = {"HX-Request": "true"}


def cell(lead: Lead, acme: Workspace, column: str) -> str:
    return reverse("lead-cell", args=[acme.slug, lead.pk, column])


def send(web: Client, lead: Lead, acme: Workspace, column: str, **values: str) -> Any:
    data = {name.replace("base_", "base-"): value for name, value in values.items()}
    return web.post(cell(lead, acme, column), data, headers=HTMX)


@pytest.mark.parametrize("column", EDITED)
def test_each_cell_has_its_form(web: Client, acme: Workspace, lead: Lead, column: str) -> None:
    page = web.get(cell(lead, acme, column), headers=HTMX).content.decode()
    assert page.count("<label") == len(EDITED[column]) + (column == "name")  # first and last
    assert "<html" not in page


def test_what_is_saved_tells_the_row_and_can_be_undone(
    web: Client, acme: Workspace, lead: Lead
) -> None:
    answer = send(web, lead, acme, "label", label="VIP", base_label="")
    events = json.loads(answer["HX-Trigger"])
    assert answer.status_code == 204
    assert f"changed-{lead.pk}" in events
    assert events["toast"]["undo"] == reverse("undo", args=[acme.slug, UndoStep.objects.get().pk])
    assert Lead.objects.get(pk=lead.pk).label == "VIP"
    web.post(events["toast"]["undo"], headers=HTMX)
    assert Lead.objects.get(pk=lead.pk).label == ""


def test_a_name_in_two_parts_is_edited_in_both(web: Client, acme: Workspace, lead: Lead) -> None:
    values = {"first_name": "Mary", "base_first_name": "Maria", "last_name": "Lopez",
              "base_last_name": "Lopez", "company_name": "", "base_company_name": ""}  # fmt: skip
    assert send(web, lead, acme, "name", **values).status_code == 204
    assert Lead.objects.get(pk=lead.pk).display_name == "Mary Lopez"


def test_a_wrong_value_names_its_field_and_keeps_what_was_typed(
    web: Client, acme: Workspace, lead: Lead
) -> None:
    answer = send(web, lead, acme, "budget", budget="much", base_budget="")
    assert answer.status_code == 422
    assert 'value="much"' in answer.content.decode()
    assert "Enter a number." in answer.content.decode()


def test_what_a_colleague_set_meanwhile_is_to_choose_from(
    web: Client, acme: Workspace, lead: Lead
) -> None:
    sam = make_member(acme, "rep", "Sam")
    editing.edit([lead.pk], {"label": "Cold"}, by=Actor.member(sam), now=timezone.now())
    answer = send(web, lead, acme, "label", label="VIP", base_label="")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Sam set Label to “Cold”" in page
    assert Lead.objects.get(pk=lead.pk).label == "Cold"
    assert send(web, lead, acme, "label", label="VIP", base_label="Cold").status_code == 204
    assert Lead.objects.get(pk=lead.pk).label == "VIP"


def test_a_lead_that_closed_meanwhile_is_left_alone(
    web: Client, acme: Workspace, lead: Lead, me: Actor
) -> None:
    lifecycle.close([lead.pk], reason="price", by=me, now=timezone.now())
    logged = Activity.objects.count()
    for answer in (
        web.get(cell(lead, acme, "label"), headers=HTMX),
        send(web, lead, acme, "label", label="VIP", base_label=""),
    ):
        assert answer.status_code == 204
        assert "This lead is closed" in json.loads(answer["HX-Trigger"])["toast"]["text"]
    assert Activity.objects.count() == logged


@pytest.mark.parametrize(
    ("kind", "typed", "kept", "wrong"),
    [
        ("text", "Red", "Red", ["x" * 2001]),
        ("number", "40.5", 40.5, ["many"]),
        ("date", "2026-03-31", "2026-03-31", ["soon"]),
        ("choice", "Flat", "Flat", ["Round"]),
        ("choices", ["Flat", "Gable"], ["Flat", "Gable"], ["Round"]),
        ("boolean", "false", False, ["maybe"]),
        ("url", "acme.example", "https://acme.example", ["no site"]),
    ],
)
def test_a_field_of_the_workspace_is_edited_as_any_other(
    web: Client, acme: Workspace, lead: Lead, ana: Membership,
    kind: str, typed: Any, kept: Any, wrong: list[str],
) -> None:  # fmt: skip
    options = ["Flat", "Gable"] if kind in ("choice", "choices") else []
    own = add_field(by=ana, now=timezone.now(), kind=kind, label="Roof", options=options)
    path, base = cell(lead, acme, own.name), f"base-{own.name}"
    page = web.get(path, headers=HTMX).content.decode()
    assert f'name="{own.name}"' in page
    assert f'name="{base}" value=""' in page
    refused = web.post(path, {own.name: wrong, base: ""}, headers=HTMX)
    assert (refused.status_code, Lead.objects.get(pk=lead.pk).attributes) == (422, {})
    assert web.post(path, {own.name: typed, base: ""}, headers=HTMX).status_code == 204
    assert Lead.objects.get(pk=lead.pk).attributes == {str(own.pk): kept}
    # Emptied: of boxes of which none is ticked, only what was seen is sent.
    seen = (
        "; ".join(kept) if isinstance(kept, list) else str(kept).lower() if kept is False else kept
    )
    emptied = {base: seen} if kind == "choices" else {own.name: "", base: seen}
    assert web.post(path, emptied, headers=HTMX).status_code == 204
    assert Lead.objects.get(pk=lead.pk).attributes == {}
    archive_field(own.pk, by=ana, now=timezone.now())
    assert web.get(path, headers=HTMX).status_code == 404


def test_what_is_no_field_has_no_form(web: Client, acme: Workspace, lead: Lead) -> None:
    for column in ("stage", "owner", "due", "created", "nothing", "cf_nothing"):
        assert web.get(cell(lead, acme, column), headers=HTMX).status_code == 404


def test_the_list_says_which_cells_and_rows(
    web: Client, acme: Workspace, lead: Lead, vera: Membership, sign_in: Any
) -> None:
    path = reverse("lead-list", args=[acme.slug])
    page = web.get(path).content.decode()
    assert 'data-cells="name phone "' in page
    assert page.count("data-edit ") == 1
    assert "data-edit " not in sign_in(vera).get(path).content.decode()
    assert {"phone", "email", "budget", "label", "state", "name"} == set(EDITED)
    assert all(column.edits for column in COLUMNS if column.key in EDITED)
