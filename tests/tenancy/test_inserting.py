"""New rows in one statement: what they hold, and that they stay inside the wall."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from leadcrm.workspaces.inserting import draw_ids, insert_once, insert_rows
from leadcrm.workspaces.scoping import ScopeMismatch, ScopeRequired, no_scope, workspace_scope
from leads.models import Activity, Contact, Lead, Source, SourceDay
from leads.pipelines import Status
from tests.factories import NOW, make_lead


def fresh_copy(lead: Lead, **values) -> Lead:
    clone = Lead.objects.get(pk=lead.pk)
    clone.pk, clone._state.adding = uuid.uuid4(), True
    for name, value in values.items():
        setattr(clone, name, value)
    return clone


def row_of(lead: Lead) -> Activity:
    return Activity(lead_id=lead.pk, kind="reviewed", occurred_at=NOW, actor_kind="system")


def test_an_inserted_row_reads_as_it_was_written(acme):
    wanted = fresh_copy(
        make_lead(),
        display_name="Tab\t, line\nbreak, \\N, \\. and “quotes”",
        message="",
        budget=Decimal("12.50"),
        status=Status.ENGAGED,
        first_touch={"a": ["ü", None, 1.5, {"b": "\\"}]},
        answers=[],
        attributes={},
        snoozed_until=None,
        created_at=NOW - timedelta(microseconds=1),
        is_test=True,
        current_sequence_id=uuid.uuid4(),
    )
    insert_rows([wanted])
    found = Lead.objects.get(pk=wanted.pk)
    assert not wanted._state.adding
    for column in Lead._meta.concrete_fields:
        assert getattr(found, column.attname) == getattr(wanted, column.attname), column.name


def test_each_row_of_many_holds_its_own_values(acme):
    lead = make_lead()
    wanted = [
        fresh_copy(lead, attributes={"a": True}, label="x", budget=None, needs_review=True),
        fresh_copy(lead, attributes={"a": 1}, label="", budget=Decimal("3.00"), needs_review=False),
        fresh_copy(lead, attributes={"a": True}, label="x", budget=None, needs_review=True),
    ]
    insert_rows(wanted)
    for row in wanted:
        found = Lead.objects.get(pk=row.pk)
        for column in Lead._meta.concrete_fields:
            held = getattr(found, column.attname)
            assert repr(held) == repr(getattr(row, column.attname)), column.name


def test_rows_that_are_all_the_same_are_all_inserted(acme):
    lead = make_lead()
    insert_rows([row_of(lead), row_of(lead), row_of(lead)])
    assert Activity.objects.filter(kind="reviewed").count() == 3


def test_numbers_drawn_in_advance_are_those_of_the_rows(acme):
    lead = make_lead()
    rows = [row_of(lead), row_of(lead)]
    draw_ids(rows)
    insert_rows(rows)
    assert rows[0].pk < rows[1].pk
    assert {row.pk for row in rows} <= set(Activity.objects.values_list("pk", flat=True))
    insert_rows([row_of(lead)])
    newest = Activity.objects.latest("pk")
    assert newest.pk > rows[1].pk
    assert newest.xid


def test_a_row_is_inserted_once(acme, rival, django_assert_num_queries):
    first = SourceDay(source=Source.objects.first(), day=NOW.date(), created=1)
    again = SourceDay(source=first.source, day=first.day, created=2)
    with django_assert_num_queries(2):
        insert_once(first)
        insert_once(again)
    assert SourceDay.objects.get() == first
    with workspace_scope(rival), pytest.raises(ScopeMismatch):
        insert_once(first)
    contact = Contact(display_name="x")
    insert_once(contact)
    assert Contact.objects.get().display_name == "x"


def test_nothing_to_insert_is_no_query(acme, django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_rows([])
        draw_ids([])


def test_what_the_database_refuses_is_raised_as_the_orm_raises_it(acme):
    lead = make_lead()
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows([Lead.objects.get(pk=lead.pk)])
    assert Lead.objects.count() == 1


def test_what_does_not_fit_an_array_is_refused(acme):
    with pytest.raises(TypeError, match="list"):
        insert_rows([
            fresh_copy(make_lead(), label=["a", "b"]),
            fresh_copy(make_lead(), label=["c"]),
        ])  # fmt: skip


def test_what_the_database_fills_in_is_not_given(acme):
    with pytest.raises(ValueError, match="xid"):
        insert_rows([Activity(lead=make_lead(), kind="reviewed", actor_kind="system", xid=7)])


def test_rows_of_another_workspace_are_refused(acme, rival):
    with workspace_scope(rival):
        theirs = make_lead()
    with pytest.raises(ScopeMismatch):
        insert_rows([Contact(workspace_id=rival.pk, display_name="x")])
    with no_scope(), pytest.raises(ScopeRequired):
        insert_rows([Contact(display_name="x")])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows([row_of(theirs)])
    assert not Activity.objects.filter(lead_id=theirs.pk).exists()
