"""The workspace's own fields over the API: listed, written, read, filtered."""

from __future__ import annotations

from typing import Any

import pytest

from leadcrm.workspaces.models import Membership, Workspace
from leads.custom_field_settings import add_field, archive_field
from leads.models import CustomField
from tests.api.conftest import Api, done, problem
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def roof(acme: Workspace, ana: Membership) -> CustomField:
    return add_field(by=ana, now=NOW, kind="choice", label="Roof type", options=["Flat", "Gable"])


def names(answer: Any) -> list[str]:
    return [lead["display_name"] for lead in done(answer)["results"]]


def test_written_read_and_filtered(api: Api, roof: CustomField, ana: Membership) -> None:
    size = add_field(by=ana, now=NOW, kind="number", label="Size")
    made = done(
        api.post("leads", {"display_name": "Mia", "attributes": {"roof_type": "flat"}}), 201
    )
    path = f"leads/{made['lead']['id']}"
    done(api.patch(path, {"attributes": {"size": "40.5"}}))
    lead = done(api.get(path))
    assert lead["attributes"] == {str(roof.pk): "Flat", str(size.pk): 40.5}
    assert names(api.get("leads?cf_roof_type=Flat&cf_size=40.5")) == ["Mia"]
    assert names(api.get(f"leads?cf_{roof.pk.hex}=Gable")) == []
    done(api.patch(path, {"attributes": {"roof_type": None}}))
    assert done(api.get(path))["attributes"] == {str(size.pk): 40.5}


def test_what_does_not_fit_is_refused_by_name(api: Api, roof: CustomField) -> None:
    made = done(api.post("leads", {"display_name": "Mia"}), 201)
    path = f"leads/{made['lead']['id']}"
    for values, field in (
        ({"roof_type": "Thatch"}, "attributes.roof_type"),
        ({"roof_type": ["Flat", 1]}, "attributes.roof_type"),
        ({"nothing": "x"}, "attributes.nothing"),
    ):
        problem(api.patch(path, {"attributes": values}), 400, field)
        problem(api.post("leads", {"display_name": "B", "attributes": values}), 400, field)
    assert done(api.get(path))["attributes"] == {}


def test_listed_and_gone(api: Api, roof: CustomField, ana: Membership) -> None:
    (field,) = done(api.get("custom-fields"))["results"]
    assert (field["key"], field["kind"], field["options"]) == (
        "roof_type", "choice", ["Flat", "Gable"],
    )  # fmt: skip
    archive_field(roof.pk, by=ana, now=NOW)
    problem(api.get("leads?cf_roof_type=Flat"), 400, "cf_roof_type")
    problem(api.get("leads?cf_nothing=1"), 400, "cf_nothing")
