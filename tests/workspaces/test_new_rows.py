"""Rows made quickly are what the model's constructor makes."""

import uuid

import pytest
from django.db.models.expressions import DatabaseDefault

from leadcrm.workspaces.new_rows import new_row
from leads.models import Activity, Contact, Lead, LeadSearch, Message

FRESH = ("id", "created_at", "inserted_at", "recorded_at", "stage_entered_at", "attempt_started_at")


@pytest.mark.parametrize("model", [Activity, Contact, Lead, LeadSearch, Message])
def test_a_new_row_holds_the_defaults_of_its_model(model):
    ours, theirs = new_row(model), model()
    for column in model._meta.concrete_fields:
        mine, wanted = getattr(ours, column.attname), getattr(theirs, column.attname)
        assert type(mine) is type(wanted), column.name
        if column.name not in FRESH and not isinstance(wanted, DatabaseDefault):
            assert mine == wanted, column.name
    assert ours._state.adding
    assert ours.__dict__.keys() == theirs.__dict__.keys()


def test_no_two_rows_share_what_can_change():
    first, second = new_row(Lead), new_row(Lead)
    assert first.pk != second.pk
    first.attributes["seen"] = True
    first.answers.append("x")
    assert (second.attributes, second.answers) == ({}, [])


def test_values_are_given_by_column_or_by_relation():
    contact = Contact(display_name="Ann")
    lead = new_row(Lead, contact=contact, status="lost", stage_id=uuid.UUID(int=1))
    assert (lead.contact, lead.contact_id) == (contact, contact.pk)
    assert (lead.status, lead.stage_id) == ("lost", uuid.UUID(int=1))


def test_a_name_that_is_no_column_is_refused():
    with pytest.raises(TypeError, match="colour"):
        new_row(Lead, colour="red")
