"""Routing: new leads go round in turn, and each says why it went where."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.availability import add_absence, set_duty
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.scoping import workspace_scope
from leads import assignment, events, kinds, routing, timeline
from leads.capture import capture_leads
from leads.models import Activity, Lead, RoutingSeat, Source
from tests.factories import NOW, TeamFactory, make_draft, make_lead, make_leads, make_member

DAY = timedelta(days=1)


@pytest.fixture
def reps(acme):
    return [make_member(acme, "rep", name) for name in ("Ada", "Bo", "Cy")]


def switch_on(ana, members, **fields):
    values = {"is_active": True, "open_cap": None, "day_cap": None, **fields}
    return routing.change_rule(by=ana, now=NOW, members=members, **values)


def route(leads, now=NOW):
    """What the dispatch of the live lane does with the log rows of new leads."""
    rows = Activity.objects.filter(kind=kinds.LEAD_CREATED, lead__in=[one.pk for one in leads])
    routing.route_new_leads(list(rows.order_by("pk")), now)
    return [Lead.objects.select_related("owner").get(pk=one.pk).owner for one in leads]


def names(owners):
    return [owner and owner.name for owner in owners]


def last_row(lead):
    return Activity.objects.filter(lead=lead).latest("pk")


def test_leads_go_round_in_the_order_of_the_seats(acme, ana, reps):
    switch_on(ana, [reps[2], reps[0], reps[1]])
    first = route([make_lead() for _ in range(2)])
    more = route([make_lead() for _ in range(3)])
    assert names(first + more) == ["Cy", "Ada", "Bo", "Cy", "Ada"]


def test_nothing_goes_round_until_it_is_switched_on(acme, ana, reps):
    assert names(route([make_lead()])) == [None]
    switch_on(ana, reps, is_active=False)
    assert names(route([make_lead()])) == [None]


def test_who_is_off_duty_away_or_gone_is_passed_over_and_the_log_says_so(acme, ana, reps, max_):
    switch_on(ana, [*reps, max_])
    set_duty(reps[0], False)
    day = NOW.date()
    add_absence(reps[1], starts_on=day - DAY, ends_on=day, by=ana)
    add_absence(reps[2], starts_on=day + DAY, ends_on=day + DAY, by=ana)
    Membership.objects.filter(pk=max_.pk).update(is_active=False)
    lead = make_lead()
    assert names(route([lead])) == ["Cy"]
    row = last_row(lead)
    assert (row.kind, row.reason, row.actor_kind) == ("owner_changed", "round_robin", "system")
    assert row.data["routing"]["skipped"] == [["Ada", "off duty"], ["Bo", "away until 4 Mar"]]
    after = make_lead(now=NOW + DAY)
    assert names(route([after], NOW + DAY)) == ["Bo"]
    assert last_row(after).data["routing"]["skipped"] == [
        ["Max", "not active any more"],
        ["Ada", "off duty"],
    ]


def test_the_day_of_an_absence_is_that_of_the_workspace(acme, ana, reps):
    acme.time_zone = "Pacific/Auckland"  # there it is the 5th already, at 23:00 on the 4th in UTC
    acme.save()
    switch_on(ana, reps[:2])
    add_absence(reps[0], starts_on=date(2026, 3, 5), ends_on=date(2026, 3, 5), by=ana)
    assert names(route([make_lead()], NOW.replace(hour=10))) == ["Ada"]
    assert names(route([make_lead(), make_lead()], NOW.replace(hour=23))) == ["Bo", "Bo"]


def test_nobody_gets_more_than_the_caps(acme, ana, me, reps):
    switch_on(ana, reps[:2], open_cap=2, day_cap=3)
    leads = [make_lead() for _ in range(5)]
    assert names(route(leads)) == ["Ada", "Bo", "Ada", "Bo", None]
    left = last_row(leads[4])
    assert left.kind == kinds.LEFT_IN_POOL
    assert left.data["routing"]["skipped"] == [
        ["Ada", "holds 2 unanswered"],
        ["Bo", "holds 2 unanswered"],
    ]
    timeline.log_call([one.pk for one in leads], outcome="reached", by=me, now=NOW)
    assert names(route([make_lead() for _ in range(3)])) == ["Ada", "Bo", None]
    assert names(route([make_lead(now=NOW + DAY)], NOW + DAY)) == ["Ada"]


def test_a_lead_of_a_team_goes_to_that_team(acme, ana, reps):
    north = TeamFactory(workspace=acme)
    Membership.objects.filter(pk=reps[1].pk).update(team=north)
    switch_on(ana, reps)
    lead = make_lead(team=north)
    assert names(route([lead])) == ["Bo"]
    assert last_row(lead).data["routing"]["skipped"] == [["Ada", "not in the lead's team"]]
    assert names(route([make_lead()])) == ["Cy"]


def test_what_isnt_new_and_free_takes_nobodys_turn(acme, ana, ben, me, reps):
    switch_on(ana, reps)
    answered = make_lead()
    timeline.log_call([answered.pk], outcome="reached", direction="inbound", by=me, now=NOW)
    claimed = make_lead()
    assignment.claim(claimed.pk, by=Actor.member(ben), now=NOW)
    leads = [make_lead(owner=ben), make_lead(is_test=True), answered, claimed]
    assert names(route(leads)) == ["Ben", None, None, "Ben"]
    assert names(route([make_lead()])) == ["Ada"]


@pytest.mark.django_db(transaction=True)
def test_the_log_brings_live_leads_and_no_history(ana, workspace):
    ada = make_member(workspace, "rep", "Ada")
    with workspace_scope(workspace):
        switch_on(ana, [ada])
        source = Source.objects.get()
        new, old = make_lead(source=source), make_lead(source=source, lane="backfill")
        again = make_draft(occurred_at=NOW + DAY, email=old.email, key="again")
        capture_leads([again], by=Actor.system("form"), now=NOW + DAY)
    for lane in ("live", "bulk", "backfill"):
        events.dispatch_for(lane, NOW, seconds=5)
    with workspace_scope(workspace):
        owners = dict(Lead.objects.values_list("pk", "owner__name"))
        row = Activity.objects.get(kind=kinds.OWNER_CHANGED)
        assert Activity.objects.get(pk=row.caused_by).kind == kinds.LEAD_CREATED
    assert owners == {new.pk: "Ada", old.pk: None}


@pytest.mark.django_db(transaction=True)
def test_two_at_once_give_every_lead_once_and_skip_nobody(ana, workspace):
    reps = [make_member(workspace, "rep", f"Rep{n}") for n in range(4)]
    with workspace_scope(workspace):
        switch_on(ana, reps)
        leads = make_leads(40)
        rows = list(Activity.objects.filter(kind=kinds.LEAD_CREATED).order_by("pk"))

    def take(part):
        try:
            with workspace_scope(workspace):
                for row in part:
                    routing.route_new_leads([row], NOW)
        finally:
            connection.close()

    # Both get every row: who comes second finds an owner, and takes nobody's turn.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(take, (rows, rows[::-1])))
    with workspace_scope(workspace):
        assert Lead.objects.filter(owner=None).count() == 0
        assert set(RoutingSeat.objects.values_list("counted", flat=True)) == {10}
        assert Activity.objects.filter(kind=kinds.OWNER_CHANGED).count() == len(leads)


@pytest.mark.django_db(transaction=True)
def test_a_rep_who_claims_many_at_once_stays_within_the_cap(workspace):
    ben = make_member(workspace, "rep", "Ben")
    with workspace_scope(workspace):
        make_leads(assignment.CLAIM_CAP - 1, owner=ben)
        wanted = make_leads(4)

    def claim(lead):
        try:
            with workspace_scope(workspace):
                assignment.claim(lead.pk, by=Actor.member(ben), now=NOW)
        except assignment.AssignRefused:
            return "refused"
        finally:
            connection.close()
        return "claimed"

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(claim, wanted))
    assert answers.count("refused") == 3
    with workspace_scope(workspace):
        assert Lead.objects.filter(owner=ben).count() == assignment.CLAIM_CAP


def test_changing_the_rule_keeps_the_turn_and_the_counts(acme, ana, reps):
    switch_on(ana, reps, day_cap=1)
    assert names(route([make_lead()])) == ["Ada"]
    switch_on(ana, [reps[1], reps[0]], day_cap=1)
    assert names(route([make_lead() for _ in range(2)])) == ["Bo", None]
    assert RoutingSeat.objects.count() == 2


def test_a_rule_without_anybody_is_not_switched_on(acme, ana, ben):
    with pytest.raises(ValidationError, match="Choose somebody"):
        switch_on(ana, [])
    with pytest.raises(NotAllowed):
        switch_on(ben, [ben])


def test_an_absence_is_ones_own_or_the_admins(acme, ana, ben, max_):
    day = NOW.date()
    add_absence(ben, starts_on=day, ends_on=day, by=ben)
    add_absence(ben, starts_on=day, ends_on=day, by=ana)
    with pytest.raises(NotAllowed):
        add_absence(ben, starts_on=day, ends_on=day, by=max_)
    with pytest.raises(ValidationError, match="before the first"):
        add_absence(ben, starts_on=day, ends_on=day - DAY, by=ben)
