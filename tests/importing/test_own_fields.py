"""Custom fields as columns of a file: proposed by name, compared, written, taken back."""

from __future__ import annotations

from datetime import datetime

import pytest

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Workspace
from leads import editing
from leads.custom_field_settings import add_field
from leads.models import CustomField, Lead
from tests.factories import make_lead
from tests.importing.conftest import Load, apply, check, fresh, undo
from tests.importing.test_imports import findings, results

FILE = "Name,Email,Roof type\nAnn,ann@x.com,tile\nBob,bob@x.com,Slate\nCy,cy@x.com,Straw\n"


@pytest.fixture
def roof(acme: Workspace, ana: Membership, now: datetime) -> CustomField:
    return add_field(by=ana, now=now, kind="choice", label="Roof type", options=["Tile", "Slate"])


def held(lead: Lead, field: CustomField) -> object:
    return Lead.objects.get(pk=lead.pk).attributes.get(str(field.pk))


def test_a_column_of_a_custom_field_is_proposed_compared_and_written(
    load: Load, roof: CustomField, me: Actor, now: datetime
) -> None:
    blank = make_lead(display_name="Ann", email="ann@x.com")
    other = make_lead(display_name="Bob", email="bob@x.com")
    editing.edit([other.pk], {roof.name: "Tile"}, by=me, now=now)
    batch = load(FILE)
    assert batch.mapping == ["display_name", "email", roof.name]
    batch = check(batch, now)
    assert results(batch) == ["changed", "conflict", "new"]
    assert [one["c"] for one in findings(batch)[:2]] == [
        [[roof.name, None, "Tile", False]],
        [[roof.name, "Tile", "Slate", True]],
    ]
    apply(batch, now)
    assert held(blank, roof) == "Tile"
    assert held(other, roof) == "Tile"
    straw = Lead.objects.get(email="cy@x.com")
    assert straw.attributes == {}
    assert "Straw" in str(straw.answers)  # what the field can't hold is kept as an answer
    undo(fresh(batch), now)
    assert held(blank, roof) is None


def test_a_new_lead_has_its_custom_fields(load: Load, roof: CustomField, now: datetime) -> None:
    apply(check(load("Name,Email,Roof type\nDan,dan@x.com,SLATE\n"), now), now)
    assert held(Lead.objects.get(email="dan@x.com"), roof) == "Slate"
