"""Editing: conflicts field by field, versions, the person behind the lead, values that don't fit."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from leadcrm.workspaces.models import Location
from leadcrm.workspaces.scoping import workspace_scope
from leads import archiving, editing, lifecycle
from leads.editing import EditRefused, StaleVersion
from leads.models import Activity, Contact, ContactKey, Lead
from tests.factories import make_lead

HOUR = timedelta(hours=1)


def fresh(lead):
    return Lead.objects.for_detail().get(pk=lead.pk)


def edit(lead, me, now, base=None, version=None, **values):
    (result,) = editing.edit([lead.pk], values, by=me, now=now, base=base, version=version)
    if result.refusal:
        raise result.refusal
    return result


@pytest.fixture
def lead(acme):
    return make_lead(first_name="Bo", last_name="Berg", display_name="Bo Berg", phone="")


# --- what an edit does -----------------------------------------------------------------------


def test_an_edit_is_saved_logged_and_raises_the_version(lead, me, now):
    edit(lead, me, now, job_title=" Head  of IT ", budget="1200.5")
    changed = fresh(lead)
    assert (changed.job_title, changed.budget, changed.version) == (
        "Head of IT",
        Decimal("1200.50"),
        lead.version + 1,
    )
    row = Activity.objects.get(kind="fields_changed")
    assert row.data["changes"] == {"job_title": ["", "Head of IT"], "budget": [None, "1200.5"]}
    assert row.actor_id == me.membership_id
    assert changed.provenance["budget"]["by"] == str(me.membership_id)


def test_saying_what_stands_already_changes_nothing(lead, me, now):
    edit(lead, me, now, first_name="Bo", email=lead.email.upper())
    assert fresh(lead).version == lead.version
    assert not Activity.objects.filter(kind="fields_changed").exists()


def test_texts_of_several_lines_are_kept_as_typed(lead, me, now):
    text = "  <script>alert(1)</script>\n\n  two  words "
    edit(lead, me, now, message=text)
    assert fresh(lead).message == text


def test_the_name_follows_first_and_last_name_until_it_has_its_own(lead, me, now):
    edit(lead, me, now, first_name="Eva")
    assert fresh(lead).display_name == "Eva Berg"
    assert Contact.objects.get(pk=lead.contact_id).display_name == "Eva Berg"
    edit(lead, me, now, display_name="Roof for the Bergs")
    edit(lead, me, now, first_name="Ida")
    assert fresh(lead).display_name == "Roof for the Bergs"


def test_codes_are_upper_case_and_relations_are_rows(lead, me, now, acme):
    place = Location.objects.create(name="North")
    edit(lead, me, now, country="de", budget_currency="eur", location=place)
    assert (fresh(lead).country, fresh(lead).budget_currency, fresh(lead).location) == (
        "DE",
        "EUR",
        place,
    )
    edit(lead, me, now, location=None)
    assert fresh(lead).location is None


# --- two people on one lead ------------------------------------------------------------------


def test_a_stale_version_is_refused_and_changes_nothing(lead, me, now):
    edit(lead, me, now, label="a")
    before = Lead.objects.filter(pk=lead.pk).values().get()
    with pytest.raises(StaleVersion, match="version 2") as refused:
        edit(lead, me, now, version=1, label="b", state="CA")
    assert (refused.value.current, refused.value.code) == (2, "stale_version")
    assert Lead.objects.filter(pk=lead.pk).values().get() == before
    edit(lead, me, now, version=2, label="b")


def test_a_conflict_shows_both_values_and_the_rest_is_saved(lead, me, adam, now):
    from leadcrm.workspaces.actors import Actor

    base = {"label": "", "state": "", "job_title": ""}
    edit(lead, Actor.member(adam), now, label="theirs")
    result = edit(lead, me, now + HOUR, base=base, label="mine", state="CA")
    (conflict,) = result.conflicts
    assert (conflict["field"], conflict["theirs"], conflict["mine"]) == ("label", "theirs", "mine")
    assert conflict["by"].actor == adam
    assert (fresh(lead).label, fresh(lead).state) == ("theirs", "CA")


def test_the_same_change_made_twice_is_no_conflict(lead, me, now):
    edit(lead, me, now, label="hot")
    assert edit(lead, me, now, base={"label": ""}, label="hot").conflicts == []


def test_what_a_page_showed_may_be_no_value_of_the_field(lead, me, now):
    result = edit(lead, me, now, base={"budget": "n/a", "email": "?"}, budget="5")
    assert [conflict["field"] for conflict in result.conflicts] == ["budget"]


def test_without_a_version_the_last_writer_of_a_field_wins_and_each_is_logged(lead, me, now):
    for label in ("a", "b"):
        edit(lead, me, now, label=label)
    rows = Activity.objects.filter(kind="fields_changed").order_by("id")
    assert [row.data["changes"]["label"] for row in rows] == [["", "a"], ["a", "b"]]


# --- the person ------------------------------------------------------------------------------


def test_an_open_leads_person_is_changed_along(lead, me, now):
    edit(lead, me, now, job_title="CEO", phone="212 555 0123")
    contact = Contact.objects.get(pk=lead.contact_id)
    assert (contact.job_title, contact.phone, contact.version) == ("CEO", "+12125550123", 2)
    assert ContactKey.objects.get(value="+12125550123").contact_id == contact.pk


def test_a_closed_leads_person_is_left_alone(lead, me, now):
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    edit(lead, me, now, job_title="CEO", label="x")
    assert fresh(lead).job_title == "CEO"
    assert Contact.objects.get(pk=lead.contact_id).job_title == ""


def test_fields_of_the_attempt_alone_leave_the_person_alone(lead, me, now):
    edit(lead, me, now, budget="5", need="A roof")
    assert Contact.objects.get(pk=lead.contact_id).version == 1


def test_a_new_address_names_the_person_and_the_old_one_still_does(lead, me, now):
    edit(lead, me, now, email="NEW@berg.example")
    assert fresh(lead).email == "new@berg.example"
    named = ContactKey.objects.filter(contact=lead.contact_id).values_list("value", flat=True)
    assert set(named) == {lead.email, "new@berg.example"}
    assert make_lead(email="new@berg.example").pk == lead.pk


def test_an_address_of_somebody_else_waits_for_review(lead, me, now):
    other = make_lead(email="taken@berg.example")
    edit(lead, me, now, email="taken@berg.example", job_title="CEO")
    changed, contact = fresh(lead), Contact.objects.get(pk=lead.contact_id)
    assert (changed.email, changed.needs_review) == ("taken@berg.example", True)
    assert (contact.email, contact.job_title) == (lead.email, "CEO")
    assert ContactKey.objects.get(value="taken@berg.example").contact_id == other.contact_id


def test_a_number_of_somebody_else_is_shared_from_then_on(lead, me, now):
    make_lead(phone="+1 212 555 0123")
    edit(lead, me, now, phone="+1 212 555 0123")
    assert Contact.objects.get(pk=lead.contact_id).phone == "+12125550123"
    assert ContactKey.objects.get(value="+12125550123").shared
    assert not fresh(lead).needs_review


def test_a_lead_that_gets_an_address_gets_a_person(acme, me, now):
    nameless = make_lead(values={"display_name": "Somebody"})
    known = make_lead(email="known@berg.example")
    assert nameless.contact_id is None
    edit(nameless, me, now, email="known@berg.example")
    assert fresh(nameless).contact_id == known.contact_id
    other = make_lead(values={"display_name": "Else"})
    edit(other, me, now, phone="212 555 0199")
    assert fresh(other).contact.phone == "+12125550199"
    assert Activity.objects.filter(lead=other, contact=fresh(other).contact_id).exists()


def test_one_edit_of_many_changes_every_person(acme, me, now):
    first, second = make_lead(), make_lead()
    editing.edit([first.pk, second.pk], {"state": "CA"}, by=me, now=now)
    assert set(Contact.objects.values_list("state", "version")) == {("CA", 2)}


# --- what does not fit -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("display_name", "x" * 201),
        ("display_name", ""),
        ("display_name", "   "),
        ("display_name", None),
        ("first_name", "x" * 101),
        ("first_name", 5),
        ("first_name", ["Bo"]),
        ("first_name", "Bo\x00"),
        ("message", "a\ud800b"),
        ("email", "not an address"),
        ("email", "x" * 300 + "@example.com"),
        ("phone", "12"),
        ("phone", "call me"),
        ("country", "Germany"),
        ("time_zone", "Mars/Olympus"),
        ("budget", "a lot"),
        ("budget", "-1"),
        ("budget", "NaN"),
        ("budget", "1" * 20),
        ("budget", []),
        ("enrollment", "-3"),
        ("enrollment", 2**40),
        ("enrollment", "many"),
        ("external_score", 2**40),
        ("source_kind", "carrier pigeon"),
        ("source_kind", ""),
        ("is_test", "perhaps"),
        ("attributes", "text"),
        ("attributes", {"a": "\x00"}),
        ("location", uuid.uuid4()),
        ("location", "nonsense"),
        ("location", 5),
        ("status", "lost"),
        ("score_total", 99),
        ("owner", None),
        ("nonsense", "x"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name_and_changes_nothing(
    lead, me, now, field, value
):
    before = Lead.objects.filter(pk=lead.pk).values().get()
    with pytest.raises(EditRefused) as refused:
        edit(lead, me, now, **{"label": "fine", field: value})
    assert refused.value.field == field
    assert refused.value.message
    assert Lead.objects.filter(pk=lead.pk).values().get() == before
    assert not Activity.objects.filter(kind="fields_changed").exists()


def test_a_row_of_another_workspace_is_not_found(lead, me, now, rival):
    with workspace_scope(rival):
        foreign = Location.objects.create(name="Theirs")
    with pytest.raises(EditRefused, match="Not found") as refused:
        edit(lead, me, now, location=foreign)
    assert refused.value.field == "location"


def test_merged_leads_are_not_edited_and_removed_ones_are(lead, me, now):
    other = make_lead()
    archiving.archive([lead.pk], by=me, now=now)
    edit(lead, me, now, label="still editable")
    Lead.objects.filter(pk=lead.pk).update(merged_into=other.pk)
    with pytest.raises(EditRefused, match="merged"):
        edit(lead, me, now, label="x")
