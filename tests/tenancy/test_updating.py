"""Columns of many rows in one UPDATE, and arrays as text."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DataError, connection, transaction

from leadcrm.workspaces.arrays import array_of
from leadcrm.workspaces.scoping import workspace_scope
from leadcrm.workspaces.updating import write_columns
from leads.models import Contact, Lead
from tests.factories import NOW, make_lead, make_leads

NASTY = ["", "NULL", "null", 'a"b', "a\\b", "{1,2}", "a,b", " x ", "line\nbreak", "ü\t“”", "'; --"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("text", [*NASTY, None]),
        ("uuid", [uuid.uuid4(), None, uuid.uuid4()]),
        ("timestamptz", [NOW, None, datetime(1999, 12, 31, 23, 59, 59, 1, tzinfo=UTC)]),
        ("date", [date(2026, 2, 28), None]),
        ("numeric", [Decimal("-0.10"), Decimal("1E+3"), None]),
        ("int", [0, -1, None, 2**31 - 1]),
        ("boolean", [True, False, None]),
        ("text", []),
    ],
)
def test_an_array_reads_as_the_values_it_was_made_of(kind, values):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [array_of(values)])
        assert cursor.fetchone()[0] == values


def test_each_row_gets_its_own_values(acme):
    first, second, other = make_leads(3)
    first.reason_note, second.reason_note = 'He said "no"', ""
    first.budget, second.budget = Decimal("1.50"), None
    first.snoozed_until, second.snoozed_until = NOW + timedelta(days=1), None
    first.attributes, second.attributes = {"a": ["\\", '"', None]}, {}
    first.is_test, second.is_test = True, False
    second.display_name = "not among the names"
    names = {"reason_note", "budget", "snoozed_until", "attributes", "is_test"}
    write_columns([first, second], names)
    for lead in (first, second):
        found = Lead.objects.get(pk=lead.pk)
        assert {name: getattr(found, name) for name in names} == {
            name: getattr(lead, name) for name in names
        }
    assert Lead.objects.get(pk=second.pk).display_name != second.display_name
    assert Lead.objects.get(pk=other.pk).budget is None


def test_links_are_written_by_the_names_of_their_fields(acme):
    first, second = make_leads(2)
    first.contact = second.contact
    write_columns([first], ["contact"])
    assert Lead.objects.get(pk=first.pk).contact_id == second.contact_id


def test_a_row_of_another_workspace_is_not_reached(acme, rival):
    with workspace_scope(rival):
        theirs = make_lead(display_name="Theirs")
    theirs.display_name = "Mine"
    write_columns([theirs], ["display_name"])
    with workspace_scope(rival):
        assert Lead.objects.get().display_name == "Theirs"


def test_a_text_too_long_for_its_column_is_refused_rather_than_cut(acme):
    contact = Contact.objects.create(display_name="x")
    contact.country = "USA"
    with pytest.raises(DataError), transaction.atomic():
        write_columns([contact], ["country"])


def test_nothing_to_write_is_no_query(acme, django_assert_num_queries):
    lead = make_lead()
    with django_assert_num_queries(0):
        write_columns([], ["display_name"])
        write_columns([lead], [])
