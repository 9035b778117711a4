"""Who is it? The identity rules, one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.scoping import workspace_scope
from leads import archiving, editing, lifecycle, matching
from leads.capture import Captured, Effect, LeadDraft, capture_leads
from leads.models import Contact, ContactKey, Lead
from tests.factories import NOW, make_draft, make_lead

PHONE, OTHER_PHONE = "+14155552671", "+14155552672"
FORM = Actor.system("form")


def enquire(**values: Any) -> Lead:
    """One enquiry that says just this about the person."""
    number = next(_numbers)
    draft = make_draft(key=f"enquiry-{number}", values={"display_name": "Somebody", **values})
    return Lead.objects.select_related("contact").get(pk=captured(draft).lead_id)


def captured(*drafts: LeadDraft, **options: Any) -> Captured:
    return capture_leads(drafts, by=FORM, now=NOW, **options)[-1]


_numbers = iter(range(1_000_000))


def keys() -> dict[str, tuple[str, bool]]:
    rows = ContactKey.objects.select_related("contact")
    return {row.value: (row.contact.email or row.contact.phone, row.shared) for row in rows}


def test_an_email_names_the_person_however_it_is_written(acme):
    first = enquire(email="Bo@Example.com")
    again = enquire(email="mailto:bo@EXAMPLE.com")
    assert again.pk == first.pk
    assert Contact.objects.count() == 1


def test_an_email_decides_over_a_phone_of_the_same_person(acme):
    first = enquire(email="bo@example.com", phone=PHONE)
    again = enquire(email="bo@example.com", phone=OTHER_PHONE)
    assert again.pk == first.pk
    assert keys() == {
        "bo@example.com": ("bo@example.com", False),
        PHONE: ("bo@example.com", False),
        OTHER_PHONE: ("bo@example.com", False),
    }


def test_a_phone_decides_where_no_email_is_given(acme):
    first = enquire(email="bo@example.com", phone=PHONE)
    assert enquire(phone="(415) 555-2671").pk == first.pk


def test_a_phone_decides_for_a_person_whose_email_was_not_known(acme):
    first = enquire(phone=PHONE)
    again = enquire(email="bo@example.com", phone=PHONE)
    assert again.pk == first.pk
    assert again.email == "bo@example.com"
    assert again.contact.email == "bo@example.com"
    assert keys()["bo@example.com"] == ("bo@example.com", False)


def test_another_email_on_a_taken_phone_is_another_person_and_the_phone_is_shared(acme):
    bo = enquire(email="bo@example.com", phone=PHONE)
    cy = enquire(email="cy@example.com", phone=PHONE)
    assert cy.contact_id != bo.contact_id
    assert not cy.needs_review
    assert keys() == {
        "bo@example.com": ("bo@example.com", False),
        "cy@example.com": ("cy@example.com", False),
        PHONE: ("bo@example.com", True),
    }


def test_a_shared_phone_no_longer_decides(acme):
    bo = enquire(email="bo@example.com", phone=PHONE)
    cy = enquire(email="cy@example.com", phone=PHONE)
    caller = enquire(phone=PHONE)
    assert caller.contact_id not in (bo.contact_id, cy.contact_id, None)
    assert caller.needs_review


def test_the_next_call_from_a_shared_phone_touches_the_lead_that_waits_for_review(acme):
    enquire(email="bo@example.com", phone=PHONE)
    enquire(email="cy@example.com", phone=PHONE)
    caller = enquire(phone=PHONE)
    assert enquire(phone=PHONE).pk == caller.pk
    assert Lead.objects.count() == 3


def test_two_callers_from_a_shared_phone_in_one_batch_are_one_lead(acme):
    enquire(email="bo@example.com", phone=PHONE)
    enquire(email="cy@example.com", phone=PHONE)
    drafts = [make_draft(values={"display_name": "Caller", "phone": PHONE}) for _ in range(2)]
    first, second = capture_leads(drafts, by=FORM, now=NOW)
    assert (first.effect, second.effect) == (Effect.CREATED, Effect.TOUCHED)
    assert first.lead_id == second.lead_id


def test_keys_that_name_two_people_make_a_new_lead_that_needs_review(acme):
    bo = enquire(email="bo@example.com")
    cy = enquire(phone=PHONE)
    mixed = enquire(email="bo@example.com", phone=PHONE)
    assert mixed.pk not in (bo.pk, cy.pk)
    assert mixed.needs_review
    assert mixed.contact_id == bo.contact_id
    assert not Lead.objects.get(pk=bo.pk).needs_review


def test_the_same_two_keys_again_touch_the_lead_that_waits_for_review(acme):
    enquire(email="bo@example.com")
    enquire(phone=PHONE)
    mixed = enquire(email="bo@example.com", phone=PHONE)
    assert enquire(email="bo@example.com", phone=PHONE).pk == mixed.pk


def test_a_lead_without_email_and_phone_has_no_contact_and_is_never_touched(acme):
    first = enquire(display_name="Anonymous")
    second = enquire(display_name="Anonymous")
    assert first.contact_id is None
    assert second.pk != first.pk


def test_every_lead_with_a_key_has_a_contact(acme):
    for values in ({"email": "a@example.com"}, {"phone": PHONE}):
        assert enquire(**values).contact_id


@pytest.mark.parametrize("values", [{"email": "not an address"}, {"phone": "12"}])
def test_what_is_no_address_or_number_names_nobody_but_is_kept_where_it_can_be(acme, values):
    lead = enquire(**values)
    assert lead.contact_id is None
    assert lead.email == lead.phone == ""
    assert lead.phone_raw == values.get("phone", "")


def test_the_same_keys_in_another_workspace_are_somebody_else(acme, rival):
    lead = enquire(email="bo@example.com", phone=PHONE)
    with workspace_scope(rival):
        other = enquire(email="bo@example.com", phone=PHONE)
        assert other.contact_id != lead.contact_id
        assert Contact.objects.count() == 1


def test_an_open_lead_is_touched(acme, me):
    lead = enquire(email="bo@example.com")
    lifecycle.contact([lead.pk], by=me, now=NOW)
    draft = make_draft(email="bo@example.com")
    assert captured(draft) == Captured(Effect.TOUCHED, lead.pk)
    assert Lead.objects.get(pk=lead.pk).status == "contacted"


def test_a_closed_lead_makes_way_for_a_new_one_of_the_same_contact(acme, me):
    lead = enquire(email="bo@example.com")
    lifecycle.close([lead.pk], reason="no_need", by=me, now=NOW)
    again = enquire(email="bo@example.com")
    assert again.pk != lead.pk
    assert again.contact_id == lead.contact_id
    assert Lead.objects.get(pk=lead.pk).status == "lost"


def test_a_resting_lead_is_reopened_as_new(acme, me):
    lead = enquire(email="bo@example.com")
    lifecycle.recycle([lead.pk], returns_at=NOW + timedelta(days=90), by=me, now=NOW)
    result = captured(make_draft(email="bo@example.com"))
    assert result == Captured(Effect.REOPENED, lead.pk)
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.status, lead.attempt, lead.returns_at) == ("new", 2, None)


def test_history_that_is_brought_in_reopens_nothing(acme, me):
    lead = enquire(email="bo@example.com")
    lifecycle.recycle([lead.pk], returns_at=NOW + timedelta(days=90), by=me, now=NOW)
    old = make_draft(email="bo@example.com", occurred_at=NOW - timedelta(days=400))
    assert captured(old, lane="backfill") == Captured(Effect.TOUCHED, lead.pk)
    assert Lead.objects.get(pk=lead.pk).status == "recycled"


def test_an_open_lead_is_preferred_to_one_that_rests(acme, me):
    resting = enquire(email="bo@example.com")
    lifecycle.recycle([resting.pk], returns_at=NOW + timedelta(days=90), by=me, now=NOW)
    fresh = captured(make_draft(email="bo@example.com", always_new=True))
    assert captured(make_draft(email="bo@example.com")) == Captured(Effect.TOUCHED, fresh.lead_id)


def test_a_removed_lead_is_not_touched(acme, me):
    lead = enquire(email="bo@example.com")
    archiving.archive([lead.pk], by=me, now=NOW)
    again = enquire(email="bo@example.com")
    assert again.pk != lead.pk
    assert again.contact_id == lead.contact_id


def test_a_merged_lead_is_not_touched(acme, me):
    from leads import merging

    root, absorbed = enquire(email="bo@example.com"), enquire(email="cy@example.com")
    merging.merge(root.pk, [absorbed.pk], by=me, now=NOW)
    assert enquire(email="cy@example.com").pk == root.pk


def test_a_test_enquiry_and_a_real_one_never_share_a_lead(acme):
    trial = captured(make_draft(email="bo@example.com", is_test=True))
    real = captured(make_draft(email="bo@example.com"))
    assert real.effect is Effect.CREATED
    assert captured(make_draft(email="bo@example.com", is_test=True)) == Captured(
        Effect.TOUCHED, trial.lead_id
    )


def test_a_system_whose_ids_are_leads_gets_a_lead_for_each(acme):
    first = captured(make_draft(email="bo@example.com", external=("hubspot", "1"), always_new=True))
    second = captured(
        make_draft(email="bo@example.com", external=("hubspot", "2"), always_new=True)
    )
    assert (first.effect, second.effect) == (Effect.CREATED, Effect.CREATED)


def test_a_key_that_a_person_set_by_editing_names_its_contact(acme, me):
    lead = enquire(email="bo@example.com")
    editing.edit([lead.pk], {"phone": PHONE}, by=me, now=NOW)
    assert enquire(phone=PHONE).pk == lead.pk


def test_an_email_that_names_somebody_else_stays_with_them(acme):
    bo, cy = make_lead(email="bo@example.com"), make_lead(email="cy@example.com")
    assert not matching.give_key(bo.contact, ContactKey.Kind.EMAIL, "cy@example.com")
    assert ContactKey.objects.get(value="cy@example.com").contact_id == cy.contact_id


def test_a_phone_that_names_somebody_else_becomes_shared(acme):
    bo, cy = make_lead(phone=PHONE), make_lead()
    assert matching.give_key(cy.contact, ContactKey.Kind.PHONE, PHONE)
    key = ContactKey.objects.get(value=PHONE)
    assert (key.contact_id, key.shared) == (bo.contact_id, True)


def test_no_key_is_left_without_a_person(acme):
    """A known draft whose number has meanwhile gone claims no key for nobody."""
    draft = make_draft(email="bo@example.com", phone=PHONE)
    captured(draft)
    ContactKey.objects.filter(value=PHONE).delete()
    assert captured(draft).effect is Effect.KNOWN
    assert set(keys()) == {"bo@example.com"}
