"""Rows and times are read as the ORM itself reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, connection, models

from leads.models import Lead
from tests.factories import NOW, make_lead


def test_a_row_reads_as_the_constructor_makes_it(acme):
    lead = make_lead(phone="+14155552671")
    names = [column.attname for column in Lead._meta.concrete_fields]
    (values,) = Lead.objects.values_list(*names)
    ours, theirs = (
        Lead.objects.get(pk=lead.pk),
        models.Model.from_db.__func__(Lead, "default", names, values),
    )
    assert ours.__dict__.keys() == theirs.__dict__.keys()
    assert {name: getattr(ours, name) for name in names} == dict(zip(names, values, strict=True))
    assert (ours._state.adding, ours._state.db) == (False, "default")
    assert ours._state.fields_cache == {}


def test_columns_that_were_left_out_are_read_when_asked_for(acme, django_assert_num_queries):
    lead = make_lead(display_name="Ann")
    found = Lead.objects.only("email").get(pk=lead.pk)
    assert "display_name" in found.get_deferred_fields()
    with django_assert_num_queries(1):
        assert found.display_name == "Ann"
    found.email = "new@c.example"
    found.refresh_from_db()
    assert found.email == lead.email


@pytest.mark.django_db
@pytest.mark.parametrize(
    "at",
    [
        NOW,
        NOW + timedelta(microseconds=1),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_a_time_reads_as_it_was_written_in_utc(at):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [at])
        (found,) = cursor.fetchone()
    assert found == at
    assert found.tzinfo is UTC


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["infinity", "0044-03-15 BC", "10000-01-01"])
def test_a_time_that_python_cannot_hold_is_an_error(text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        with pytest.raises(DataError):
            cursor.fetchone()
