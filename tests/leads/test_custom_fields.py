"""Fields that a workspace adds: what they hold, and every way in and out of a lead."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from integrations.web_form.parse import read_submission
from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.models import Membership, SettingsChange, Workspace
from leads import custom_fields, editing, merging, undoing, unmerging
from leads.capture import CaptureRefused, capture_leads
from leads.custom_field_settings import add_field, archive_field, change_field, order_fields
from leads.models import Activity, CustomField, Lead, Source, SourceKind
from tests.factories import NOW, make_draft, make_lead

pytestmark = pytest.mark.django_db
Kind = CustomField.Kind


@pytest.fixture
def roof(acme: Workspace, ana: Membership) -> CustomField:
    return add_field(
        by=ana, now=NOW, kind="choice", label="Roof type", options=["Flat", "Gable", "Hip, low"]
    )


def edit(lead: Lead, me: Actor, **values: Any) -> Any:
    base = values.pop("base", None)
    (result,) = editing.edit([lead.pk], values, by=me, now=NOW, base=base)
    return result


def attributes(lead: Lead) -> dict[str, Any]:
    return dict(Lead.objects.get(pk=lead.pk).attributes)


@pytest.mark.parametrize(
    ("kind", "given", "kept", "shown"),
    [
        ("text", "  A  long\n day ", "A long day", "A long day"),
        ("text", 12, "12", "12"),
        ("number", "1 250.50", 1250.5, "1250.5"),
        ("number", "7.0", 7, "7"),
        ("number", -3, -3, "-3"),
        ("date", "2026-03-31", "2026-03-31", "2026-03-31"),
        ("date", "2026-03-31T10:00:00Z", "2026-03-31", "2026-03-31"),
        ("date", date(2026, 3, 31), "2026-03-31", "2026-03-31"),
        ("choice", "flat ", "Flat", "Flat"),
        ("choices", "hip, low", ["Hip, low"], "Hip, low"),
        ("choices", "gable; FLAT;flat", ["Flat", "Gable"], "Flat; Gable"),
        ("choices", ["Gable", "Hip, low"], ["Gable", "Hip, low"], "Gable; Hip, low"),
        ("boolean", "Yes", True, "Yes"),
        ("boolean", "0", False, "No"),
        ("boolean", False, False, "No"),
        ("url", "example.com/a?b=1", "https://example.com/a?b=1", "https://example.com/a?b=1"),
        ("number", "  ", None, ""),
        ("choices", [], None, ""),
    ],
)
def test_values_are_kept_in_one_form_and_read_back(
    kind: str, given: Any, kept: Any, shown: str
) -> None:
    field = CustomField(label="It", kind=kind, options=["Flat", "Gable", "Hip, low"])
    found = custom_fields.parse(field, given)
    assert (found, type(found)) == (kept, type(kept))
    assert custom_fields.text_of(field, found) == shown
    assert custom_fields.parse(field, shown) == kept


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("text", "x" * 2001),
        ("text", {"a": 1}),
        ("number", "twelve"),
        ("number", "NaN"),
        ("number", "1e400"),
        ("number", "1234567890123456"),
        ("number", True),
        ("date", "31/03/2026"),
        ("date", 5),
        ("choice", "Thatch"),
        ("choices", ["Flat", "Thatch"]),
        ("boolean", "maybe"),
        ("url", "javascript://alert"),
        ("url", "ftp://example.com"),
        ("url", "nonsense"),
        ("url", "http://[::1"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_fields_name(kind: str, given: Any) -> None:
    field = CustomField(label="Roof type", kind=kind, options=["Flat"])
    with pytest.raises(custom_fields.NoSuchValue) as refusal:
        custom_fields.parse(field, given)
    assert refusal.value.message.startswith("Roof type: ")


def test_a_value_is_edited_logged_and_undone(roof: CustomField, me: Actor) -> None:
    lead = make_lead()
    with undoing.undoable(lead.pk, said="Saved", by=me, now=NOW) as outcome:
        edit(lead, me, **{roof.name: "gable"})
    assert attributes(lead) == {str(roof.pk): "Gable"}
    row = Activity.objects.get(lead=lead, kind="fields_changed")
    assert row.data["changes"] == {roof.name: [None, "Gable"]}
    assert row.data["labels"] == {roof.name: "Roof type"}
    assert outcome.step is not None
    undoing.undo(outcome.step, by=me, now=NOW)
    assert attributes(lead) == {}


def test_two_people_on_one_field_conflict_and_on_two_do_not(
    roof: CustomField, me: Actor, ana: Membership
) -> None:
    size = add_field(by=ana, now=NOW, kind="number", label="Size")
    lead = make_lead()
    edit(lead, me, **{roof.name: "Flat"})
    result = edit(
        lead,
        me,
        **{roof.name: "Gable", size.name: 40},
        base={roof.name: "", size.name: ""},
    )
    (conflict,) = result.conflicts
    assert (conflict["field"], conflict["theirs"], conflict["mine"]) == (roof.name, "Flat", "Gable")
    assert attributes(lead) == {str(roof.pk): "Flat", str(size.pk): 40}


def test_a_lower_rank_fills_blanks_only(roof: CustomField, me: Actor) -> None:
    lead = make_lead()
    prospect = Actor.system("form", rank=Rank.PROSPECT)
    edit(lead, me, **{roof.name: "Flat"})
    edit(lead, prospect, **{roof.name: "Gable"})
    assert attributes(lead) == {str(roof.pk): "Flat"}


@pytest.mark.parametrize("name", ["cf_nothing", "cf_" + "0" * 32])
def test_an_unknown_field_is_refused(acme: Workspace, me: Actor, name: str) -> None:
    with pytest.raises(editing.EditRefused) as refusal:
        edit(make_lead(), me, **{name: "x"})
    assert refusal.value.field == name


def test_an_archived_field_is_refused_by_its_name(
    roof: CustomField, me: Actor, ana: Membership
) -> None:
    lead = make_lead()
    edit(lead, me, attributes={"roof_type": "Flat"})
    archive_field(roof.pk, by=ana, now=NOW)
    with pytest.raises(editing.EditRefused) as refusal:
        edit(lead, me, attributes={"roof_type": "Gable"})
    assert refusal.value.field == "attributes.roof_type"
    assert refusal.value.message == "The field “Roof type” was archived."
    assert attributes(lead) == {str(roof.pk): "Flat"}
    archive_field(roof.pk, by=ana, now=NOW, restore=True)
    edit(lead, me, attributes={"roof_type": ""})
    assert attributes(lead) == {}


def test_captured_with_a_lead_and_filled_by_a_repeat(roof: CustomField, ana: Membership) -> None:
    size = add_field(by=ana, now=NOW, kind="number", label="Size")
    lead = make_lead(email="mia@x.example", attributes={"roof_type": "flat", "size": "huge"})
    assert attributes(lead) == {str(roof.pk): "Flat"}  # a form can't be asked again
    make_lead(email="mia@x.example", attributes={str(size.pk): "40", roof.name: "Gable"})
    assert attributes(lead) == {str(roof.pk): "Flat", str(size.pk): 40}


def test_a_program_is_told_what_does_not_fit(roof: CustomField, me: Actor) -> None:
    draft = make_draft(source_kind=SourceKind.API, attributes={"roof_type": "Thatch"})
    with pytest.raises(CaptureRefused) as refusal:
        capture_leads([draft], by=me, now=NOW)
    assert refusal.value.field == "attributes.roof_type"
    assert "Roof type: “Thatch” is none of Flat, Gable" in refusal.value.message
    assert not Lead.objects.exists()


def test_fields_are_changed_ordered_and_logged(roof: CustomField, ana: Membership) -> None:
    size = add_field(by=ana, now=NOW, kind="number", label="Size")
    change_field(roof.pk, by=ana, now=NOW, label=" Roof ", options=["Flat", "flat", "Dome"])
    order_fields([size.pk, roof.pk], by=ana, now=NOW)
    assert [one.label for one in custom_fields.definitions().in_use] == ["Size", "Roof"]
    roof.refresh_from_db()
    assert (roof.key, roof.options) == ("roof_type", ["Flat", "Dome"])
    rows = list(SettingsChange.objects.order_by("at", "id"))
    assert [row.done for row in rows] == ["added", "added", "changed", "put into another order"]
    assert rows[2].changes["label"] == ["Roof type", "Roof"]
    assert rows[2].actor == ana


def test_the_log_of_settings_is_append_only(roof: CustomField) -> None:
    for change in (
        lambda: SettingsChange.objects.update(done="nothing"),
        lambda: SettingsChange.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "choice", "label": "A"}, "options"),
        ({"kind": "choice", "label": "A", "options": ["a;b"]}, "options"),
        ({"kind": "text", "label": " "}, "label"),
        ({"kind": "text", "label": "roof TYPE"}, "label"),
        ({"kind": "text", "label": "A", "key": "No Key"}, "key"),
        ({"kind": "text", "label": "A", "key": "roof_type"}, "key"),
        ({"kind": "nonsense", "label": "A"}, "kind"),
    ],
)
def test_a_definition_that_does_not_fit_is_refused_by_field(
    roof: CustomField, ana: Membership, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        add_field(by=ana, now=NOW, **values)
    assert field in refusal.value.message_dict
    assert CustomField.objects.count() == 1


def test_only_owners_and_admins_define_fields(roof: CustomField, max_: Membership) -> None:
    with pytest.raises(NotAllowed):
        add_field(by=max_, now=NOW, kind="text", label="Mine")
    with pytest.raises(NotAllowed):
        archive_field(roof.pk, by=max_, now=NOW)
    assert isinstance(roof.created_at, datetime)


def test_a_website_form_fills_a_field_by_its_key(roof: CustomField) -> None:
    fields = [("name", "Mia"), ("cf_roof_type", "gable"), ("cf_nothing", "x")]
    source = Source.objects.get()
    reading = read_submission(fields, {}, source, NOW, key="1")
    capture_leads(reading.drafts, by=Actor.system("form", rank=Rank.PROSPECT), now=NOW)
    lead = Lead.objects.get()
    assert (lead.attributes, lead.answers) == ({str(roof.pk): "Gable"}, [["cf_nothing", "x"]])


def test_a_merge_fills_fields_one_by_one_and_gives_them_back(
    roof: CustomField, ana: Membership, me: Actor
) -> None:
    size = add_field(by=ana, now=NOW, kind="number", label="Size")
    root = make_lead(attributes={"roof_type": "Flat"})
    other = make_lead(attributes={"roof_type": "Gable", "size": 40})
    journal = merging.merge(root.pk, [other.pk], by=me, now=NOW)
    assert attributes(root) == {str(roof.pk): "Flat", str(size.pk): 40}
    unmerging.undo(journal, by=me, now=NOW)
    assert attributes(root) == {str(roof.pk): "Flat"}
