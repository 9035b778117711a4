"""The duplicate finder: who is found, who isn't, what stands, and that hot keys stay cheap."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leadcrm.workspaces.scoping import workspace_scope
from leads import archiving, duplicate_scan, editing, events, finding, lifecycle
from leads.likeness import plain_company, plain_name
from leads.models import BlockingKey, DuplicatePair, DuplicateScan, MatchProfile
from leads.models.activity import Lane
from tests.factories import NOW, make_lead, make_leads


def scan(now=NOW):
    duplicate_scan.start_again(now)
    duplicate_scan.scan_due(now)


def pairs():
    return list(DuplicatePair.objects.order_by("-score"))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Dr. María  LÓPEZ", "maria lopez"),
        ("O’Brien, Seán", "obrien sean"),
        ("Søren Łukasz", "soren lukasz"),
        ("Дмитрий Иванов", "дмитрии иванов"),
        ("", ""),
    ],
)
def test_plain_names(text, plain):
    assert plain_name(text) == plain


def test_a_company_is_known_without_its_legal_form():
    assert plain_company("Acme, Inc.") == plain_company("ACME Incorporated") == "acme"
    assert plain_company("Müller GmbH & Co. KG") == "muller"
    assert plain_company("Limited") == "limited"


ALIKE = [
    ({"email": "maria.lopez@gmail.com"}, {"email": "marialopez+ads@googlemail.com"}, "email"),
    ({"email": "maria.lopez@gmail.com"}, {"email": "maria.lopez@gmial.com"}, "mailbox"),
    (
        {"email": "m@one.example", "phone": "+14155552671"},
        {"email": "n@two.example", "phone": "+14155552671"},
        "phone",
    ),
    (
        {"email": "maria@lopez-roofs.com"},
        {"email": "office@lopez-roofs.com"},
        "domain",
    ),
    ({"email": "rooflady77@gmail.com"}, {"email": "rooflady77@web.de"}, "mailbox"),
    (
        {"email": "m@gmail.com", "company_name": "Blue Sky Dental Inc."},
        {"email": "n@yahoo.com", "company_name": "BlueSky Dental"},
        "name",
    ),
]


@pytest.mark.parametrize(("one", "other", "reason"), ALIKE)
def test_people_who_may_be_the_same_are_found(acme, one, other, reason):
    make_lead(display_name="Maria Lopez", **one)
    make_lead(display_name="María Lopez", **other)
    scan()
    (pair,) = pairs()
    assert reason in pair.reasons
    assert pair.about == "people"
    assert 65 <= pair.score <= 99


def test_a_name_with_a_slip_at_the_same_company_is_found(acme):
    make_lead(display_name="Jon Smith", email="a@gmail.com", company_name="Acme Inc")
    make_lead(display_name="John Smith", email="b@gmail.com", company_name="ACME Incorporated")
    scan()
    assert "firm" in pairs()[0].reasons


UNLIKE = [
    ({"email": "m@gmail.com"}, {"email": "n@gmail.com"}),  # a name alone says nothing
    ({"company_name": "Acme"}, {"company_name": "Borealis"}),
    (
        {"display_name": "Ada Long", "phone": "+14155552671"},
        {"display_name": "Bob Short", "phone": "+14155552671"},
    ),
    ({"email": "maria.lopez@gmail.com"}, {"email": "maria.lopez@yahoo.com"}),
    ({"email": "info@one.example"}, {"email": "info@two.example"}),
    (
        {"email": "maria.lopez@gmail.com", "is_test": True},
        {"email": "marialopez@gmail.com"},
    ),
]


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_others_are_left_alone(acme, one, other):
    make_lead(**{"display_name": "Maria Lopez", **one})
    make_lead(**{"display_name": "Maria Lopez", **other})
    scan()
    assert pairs() == []


def test_leads_without_a_contact_are_compared_too(acme):
    for _ in range(2):
        make_lead(display_name="Maria Lopez", email="", company_name="Blue Sky Dental")
    scan()
    (pair,) = pairs()
    assert {pair.first, pair.second} == {pair.first_lead_id, pair.second_lead_id}


@pytest.mark.django_db(transaction=True)
def test_two_open_leads_of_one_person_are_a_pair_of_leads(acme, me, now):
    one = make_lead(email="m@one.example")
    other = make_lead(email="m@one.example", always_new=True)
    scan()
    (pair,) = pairs()
    assert pair.about == "leads"
    assert {pair.first, pair.second} == {one.pk, other.pk}
    lifecycle.close([other.pk], reason="price", by=me, now=now)
    dispatch(now + timedelta(seconds=1))
    assert pairs() == []


def dispatch(now):
    """Hand the log to the finder, as the worker does."""
    duplicate_scan.scan_due(now)
    subscriber = next(one for one in events.subscribers() if one.name == "duplicates")
    for lane in Lane.values:
        events.dispatch_to(subscriber, lane, now)


def test_decisions_survive_another_run(acme):
    make_lead(display_name="Maria Lopez", email="maria.lopez@gmail.com")
    make_lead(display_name="Maria Lopez", email="marialopez@gmail.com")
    scan()
    DuplicatePair.objects.update(state="distinct")
    scan(NOW + timedelta(days=1))
    (pair,) = pairs()
    assert pair.state == "distinct"


@pytest.mark.django_db(transaction=True)
def test_who_is_new_or_changed_is_looked_at_through_the_log(acme, me, now):
    one = make_lead(display_name="Maria Lopez", email="maria.lopez@gmail.com")
    other = make_lead(display_name="Nobody Else", email="nobody@gmail.com")
    duplicate_scan.scan_due(now)
    assert pairs() == []
    later = now + timedelta(minutes=1)
    values = {"display_name": "Maria Lopez", "email": "marialopez@gmail.com"}
    editing.edit([other.pk], values, by=me, now=later)
    dispatch(later)
    (pair,) = pairs()
    assert {pair.first_lead_id, pair.second_lead_id} == {one.pk, other.pk}
    archiving.archive([other.pk], by=me, now=later)
    dispatch(later + timedelta(minutes=1))
    assert pairs() == []
    assert not MatchProfile.objects.filter(lead=other).exists()


def test_the_scan_goes_on_where_it_stopped(acme, now, monkeypatch):
    monkeypatch.setattr(duplicate_scan, "SLICE", 3)
    make_leads(7)
    duplicate_scan.start_again(now)
    duplicate_scan.scan_due(now, seconds=0)
    assert DuplicateScan.objects.get().looked_at == 0
    duplicate_scan.look_on(now)
    assert DuplicateScan.objects.get().looked_at == 3
    duplicate_scan.scan_due(now)
    done = DuplicateScan.objects.get()
    assert (done.looked_at, done.phase) == (7, "done")
    assert MatchProfile.objects.count() == 7


def test_a_key_that_very_many_share_is_no_reason(acme, monkeypatch):
    monkeypatch.setattr(finding, "FIND", finding.FIND.replace("51", "4").replace("AND 50", "AND 3"))
    for number in range(5):
        make_lead(
            display_name="Maria Lopez", email=f"x{number}@gmail.com", company_name="Blue Sky Dental"
        )
    scan()
    assert pairs() == []


def test_a_person_has_ten_pairs_at_most(acme):
    for number in range(14):
        make_lead(
            display_name="Maria Lopez", email=f"x{number}@gmail.com", company_name="Blue Sky Dental"
        )
    scan()
    found = pairs()
    for pk in {pair.first for pair in found}:
        assert sum(pair.first == pk for pair in found) <= finding.MOST_PAIRS
    assert len(found) < 14 * 13 / 2


def test_another_workspace_is_never_compared(acme, rival):
    make_lead(display_name="Maria Lopez", email="maria.lopez@gmail.com")
    with workspace_scope(rival):
        make_lead(display_name="Maria Lopez", email="marialopez@gmail.com")
    duplicate_scan.scan_due(NOW)
    assert BlockingKey.objects.exists()
    assert pairs() == []
