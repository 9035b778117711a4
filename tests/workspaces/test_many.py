"""`__in` of many values finds what it finds of few, and goes to the database as one array."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leadcrm.workspaces.many import MANY
from leads.models import Contact, Lead
from tests.factories import make_lead

NAMES = ["plain", "it's", 'a "quoted" one', "back\\slash", "{braces}", "NULL", "comma, and % sign"]


@pytest.fixture(autouse=True)
def _scope(acme):
    """All of it happens in Acme."""


@pytest.fixture
def leads():
    return [make_lead(company_name=name) for name in NAMES]


def others(of):
    return [of() for _ in range(MANY)]


def test_ids_are_found_among_many(leads):
    wanted = [lead.pk for lead in leads[:3]]
    with CaptureQueriesContext(
        connection,
    ) as seen:
        found = set(Lead.objects.filter(pk__in=[*wanted, *others(uuid.uuid4)]))
    assert found == set(leads[:3])
    assert "ANY" in seen[0]["sql"]
    left = Lead.objects.exclude(pk__in={*wanted, *others(uuid.uuid4)})
    assert set(left) == set(leads[3:])


def test_links_are_found_among_many_both_ways(leads):
    contacts = [lead.contact_id for lead in leads[:2]]
    assert set(Lead.objects.filter(contact__in=[*contacts, *others(uuid.uuid4)])) == set(leads[:2])
    ids = [leads[0].pk, *others(uuid.uuid4)]
    assert Contact.objects.get(leads__in=ids).pk == leads[0].contact_id


def test_texts_are_found_among_many_whatever_they_hold(leads):
    wanted = [*NAMES, *(f"other {n}" for n in range(MANY))]
    assert set(Lead.objects.filter(company_name__in=wanted)) == set(leads)


@pytest.mark.parametrize("rest", [None, "text"])
def test_ids_among_other_things_go_the_way_of_the_orm(leads, rest):
    ids = [
        str(leads[0].pk) if rest else leads[0].pk,
        *map(str if rest else uuid.UUID, map(str, others(uuid.uuid4))),
    ]
    found = Lead.objects.filter(pk__in=[*ids, *([] if rest else [None])])
    assert list(found) == [leads[0]]


def test_a_query_among_whose_rows_one_looks_stays_a_query(leads):
    of_first = Lead.objects.filter(pk=leads[0].pk).values("contact")
    assert Contact.objects.get(pk__in=of_first).pk == leads[0].contact_id
