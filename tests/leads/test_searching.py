"""Finding leads by words, numbers and first letters; nothing that is typed is a wildcard."""

import pytest

from leadcrm.workspaces.scoping import workspace_scope
from leads import editing
from leads.models import Lead
from leads.searching import search
from tests.factories import make_lead


def found(query):
    leads = search(Lead.objects.all(), query)
    return sorted(leads.values_list("display_name", flat=True))


@pytest.fixture
def leads(acme):
    make_lead(display_name="Bo Lindström", email="bo@acme.example", phone="+1 212 555 0123",
              company_name="Acme & Söhne")  # fmt: skip
    make_lead(display_name="Cara 100% Diaz", email="cara_d@acme.example", phone="")
    make_lead(display_name=r"Dan\iel O'Neil", email="dan@other.example", phone="")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("lindström", ["Bo Lindström"]),
        ("LINDSTRÖM bo", ["Bo Lindström"]),
        ("indst", ["Bo Lindström"]),
        ("acme", ["Bo Lindström", "Cara 100% Diaz"]),
        ("acme diaz", ["Cara 100% Diaz"]),
        ("söhne", ["Bo Lindström"]),
        ("bo@acme.example", ["Bo Lindström"]),
        ("o'neil", [r"Dan\iel O'Neil"]),
        ("nobody", []),
        ("bo", ["Bo Lindström"]),
        ("c", ["Cara 100% Diaz"]),
        ("li", []),
        ("zz", []),
        ("", ["Bo Lindström", "Cara 100% Diaz", r"Dan\iel O'Neil"]),
        ("   ", ["Bo Lindström", "Cara 100% Diaz", r"Dan\iel O'Neil"]),
    ],
)
def test_words_and_first_letters(leads, query, names):
    assert found(query) == names


@pytest.mark.parametrize(
    "query", ["(212) 555-0123", "212.555.0123", "+1 212 555 0123", "5550123", "0 212 555 01"]
)
def test_numbers_with_any_punctuation(leads, query):
    assert found(query) == ["Bo Lindström"]


@pytest.mark.parametrize("query", ["+49 (0)151 23456789", "49 151 2345", "0151 234", "99-44-100"])
def test_numbers_as_they_were_given(acme, query):
    make_lead(phone="+49 (0)151 23456789", company_name="99-44-100 Ltd")
    assert len(found(query)) == 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("100%", ["Cara 100% Diaz"]),
        ("10%%", []),
        ("%%%", []),
        ("___", []),
        ("a_d", ["Cara 100% Diaz"]),
        ("b_@", []),
        ("n\\i", [r"Dan\iel O'Neil"]),
        ("\\\\\\", []),
        ("%", []),
        ("_o", []),
        ("\\", []),
    ],
)
def test_wildcards_are_letters_like_any_other(leads, query, names):
    assert found(query) == names


@pytest.mark.parametrize(
    "query", ["\x00", "lind\x00ström", "\ud800", "\ud800lindström", "x" * 5000]
)
def test_what_the_database_cannot_hold_is_no_error(leads, query):
    assert found(query) in ([], ["Bo Lindström"], found(""))


def test_an_edit_is_found_at_once(leads, me, now):
    lead = Lead.objects.get(display_name="Bo Lindström")
    editing.edit([lead.pk], {"display_name": "Eva Berg"}, by=me, now=now)
    assert found("eva berg") == ["Eva Berg"]
    assert found("ev") == ["Eva Berg"]


def test_another_workspaces_leads_are_not_found(leads, rival):
    with workspace_scope(rival):
        assert found("lindström") == []
