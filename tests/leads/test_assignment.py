"""Whose lead it is: assign, back to the pool, claim."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.scoping import workspace_scope
from leads import archiving, assignment, lifecycle, timeline
from leads.assignment import CLAIM_CAP, AssignRefused, ClaimLost
from leads.models import Activity, Lead, Task
from tests.factories import TeamFactory, make_lead, make_leads, make_member, make_workspace

DAY = timedelta(days=1)


def fresh(lead):
    return Lead.objects.for_detail().get(pk=lead.pk)


def test_assigning_tells_from_whom_to_whom(acme, me, ben, adam, now):
    lead = make_lead(owner=adam)
    assignment.assign([lead.pk], owner=ben, reason="holiday", by=me, now=now)
    row = Activity.objects.get(kind="owner_changed")
    assert fresh(lead).owner == ben
    assert (row.data["from"], row.data["to"], row.reason) == ("Adam", "Ben", "holiday")
    assert fresh(lead).version == lead.version + 1


def test_assigning_to_the_same_owner_is_no_change(acme, me, ben, now):
    lead = make_lead(owner=ben)
    assignment.assign([lead.pk], owner=ben, by=me, now=now)
    assert not Activity.objects.filter(kind="owner_changed").exists()


def test_a_members_team_becomes_the_leads_unless_told_otherwise(acme, me, ben, now):
    north, south = TeamFactory(workspace=acme), TeamFactory(workspace=acme)
    ben.team = north
    ben.save()
    lead = make_lead()
    assignment.assign([lead.pk], owner=ben, by=me, now=now)
    assert fresh(lead).team == north
    assignment.assign([lead.pk], owner=ben, team=south, by=me, now=now)
    assert fresh(lead).team == south


def test_back_to_the_pool_keeps_the_team(acme, me, ben, now):
    team = TeamFactory(workspace=acme)
    lead = make_lead(owner=ben, team=team)
    assignment.assign([lead.pk], by=me, now=now)
    assert (fresh(lead).owner, fresh(lead).team) == (None, team)


def test_the_former_owners_open_tasks_go_along(acme, me, ben, adam, max_, now):
    lead, other = make_lead(owner=ben), make_lead(owner=ben)
    for title, who, one in (("a", ben, lead), ("b", max_, lead), ("c", ben, other)):
        timeline.add_task([one.pk], title=title, due_at=now + DAY, assignee=who, by=me, now=now)
    timeline.add_task([lead.pk], title="done", due_at=now, assignee=ben, by=me, now=now)
    timeline.complete_task(Task.objects.get(title="done"), by=me, now=now)
    assignment.assign([lead.pk], owner=adam, by=me, now=now)
    owners = dict(Task.objects.values_list("title", "assignee__name"))
    assert owners == {"a": "Adam", "b": "Max", "c": "Ben", "done": "Ben"}


def test_a_member_who_left_gets_nothing(acme, me, ben, now):
    ben.is_active = False
    with pytest.raises(AssignRefused, match="Ben is not active"):
        assignment.assign([make_lead().pk], owner=ben, by=me, now=now)


# --- claiming --------------------------------------------------------------------------------


def test_claiming_takes_an_unassigned_lead(acme, ben, now):
    lead = make_lead()
    assignment.claim(lead.pk, by=Actor.member(ben), now=now)
    assignment.claim(lead.pk, by=Actor.member(ben), now=now)
    assert fresh(lead).owner == ben
    assert Activity.objects.get(kind="owner_changed").reason == "claimed"


def test_who_comes_second_is_told_who_has_it(acme, ben, adam, now):
    lead = make_lead()
    assignment.claim(lead.pk, by=Actor.member(ben), now=now)
    with pytest.raises(ClaimLost, match="Ben has it"):
        assignment.claim(lead.pk, by=Actor.member(adam), now=now)
    assert fresh(lead).owner == ben


def test_a_rep_holds_twenty_unanswered_leads_and_no_more(acme, ben, max_, now):
    held, wanted = make_leads(CLAIM_CAP, owner=ben), make_lead()
    with pytest.raises(AssignRefused, match="20 unanswered"):
        assignment.claim(wanted.pk, by=Actor.member(ben), now=now)
    timeline.log_call([held[0].pk], outcome="reached", by=Actor.member(ben), now=now)
    assignment.claim(wanted.pk, by=Actor.member(ben), now=now)
    make_leads(CLAIM_CAP, owner=max_)
    assignment.claim(make_lead().pk, by=Actor.member(max_), now=now)


def test_closed_and_removed_leads_are_not_claimed(acme, me, ben, now):
    closed, removed = make_lead(), make_lead()
    lifecycle.close([closed.pk], reason="price", by=me, now=now)
    archiving.archive([removed.pk], by=me, now=now)
    for lead in (closed, removed):
        with pytest.raises(lifecycle.StageRefused):
            assignment.claim(lead.pk, by=Actor.member(ben), now=now)


def test_only_members_claim(acme, now):
    with pytest.raises(AssignRefused, match="Only a member"):
        assignment.claim(make_lead().pk, by=Actor.system("timer"), now=now)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_claim_at_once_one_has_it(now):
    workspace = make_workspace("Acme")
    members = [make_member(workspace, "rep", f"Rep{n}") for n in range(6)]
    with workspace_scope(workspace):
        lead = make_lead()
    won, lost = [], []

    def claim(member):
        try:
            with workspace_scope(workspace):
                assignment.claim(lead.pk, by=Actor.member(member), now=now)
            won.append(member)
        except ClaimLost:
            lost.append(member)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 5)
    with workspace_scope(workspace):
        assert fresh(lead).owner == won[0]
