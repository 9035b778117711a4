"""What staff do in the admin: each action calls a verb, asks where it must, and is on record."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from integrations import inbox
from integrations.models import InboundEvent
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.members import invite
from leadcrm.workspaces.models import ApiToken, Invitation, Membership, User
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leadcrm.workspaces.tokens import issue_token
from leads import lifecycle, merging
from leads.models import Activity, ContactKey, Cursor, Lead, MergeJournal, Parking, Source
from tests.factories import NOW, make_lead, make_leads
from tests.tenancy.conftest import address, populate


def act(client: Client, action: str, *rows: Any, sure: bool = True, **more: str) -> Any:
    """Choose rows and an action; `sure` answers the page that may ask."""
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    return client.post(
        address(type(rows[0])), {**data, **({"sure": "yes"} if sure else {"index": "0"})},
        follow=True,
    )  # fmt: skip


def said(page: Any) -> list[str]:
    return [str(message) for message in page.context["messages"]]


# --- leads ---


def test_leads_of_two_workspaces_are_removed_and_restored_by_the_verbs(staff, workspace, rival):
    made = []
    for place in (workspace, rival):
        with workspace_scope(place):
            made.append(make_lead())
    assert said(act(staff, "archive", *made)) == ["Removed: 2."]
    with all_workspaces():
        assert Lead.objects.filter(archived_at=None).count() == 0
        removed = Activity.objects.filter(kind="archived")
        assert {row.workspace_id for row in removed} == {workspace.pk, rival.pk}
        assert {row.via for row in removed} == {"admin"}
    act(staff, "restore", *made)
    with all_workspaces():
        assert Lead.objects.filter(archived_at=None).count() == 2
    entries = LogEntry.objects.all()
    assert {entry.change_message for entry in entries} == {"Removed", "Restored"}
    assert not any("Person" in entry.object_repr for entry in entries)


def test_removing_asks_first(staff, acme):
    lead = make_lead(display_name="Bo Dam")
    page = act(staff, "archive", lead, sure=False)
    assert "Remove: 1 lead?" in page.content.decode()
    assert "Bo Dam" in page.content.decode()
    lead.refresh_from_db()
    assert lead.archived_at is None
    assert not LogEntry.objects.exists()


def test_what_the_page_that_asks_sends_is_done(staff, acme):
    lead = make_lead()
    page = act(staff, "archive", lead, sure=False).content.decode()
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    staff.post(address(Lead), form)
    lead.refresh_from_db()
    assert lead.archived_at is not None


def test_a_whole_table_is_not_removed_by_one_click(staff, acme, monkeypatch):
    from leadcrm.workspaces import admin_parts

    monkeypatch.setattr(admin_parts, "ACTED_ON", 2)
    made = make_leads(3)
    page = act(staff, "archive", made[0], select_across="1")
    assert said(page) == ["Nothing was done: choose at most 2 at once."]
    assert not Lead.objects.exclude(archived_at=None).exists()


def test_what_a_verb_refuses_is_told_with_its_reason(staff, acme, ana):
    root, absorbed = make_lead(), make_lead()
    merging.merge(root.pk, [absorbed.pk], by=Actor.member(ana), now=NOW)
    (message,) = said(act(staff, "restore", absorbed))
    assert message.startswith("Not done: 1. This lead was merged into another one")


def test_a_closed_lead_is_reopened_and_an_open_one_is_not(staff, acme, me):
    closed, still_open = make_lead(), make_lead()
    lifecycle.close([closed.pk], by=me, now=NOW, reason="price")
    messages = said(act(staff, "reopen", closed, still_open))
    assert messages == ["Reopened: 1.", "Not done: 1. This lead is open already."]
    closed.refresh_from_db()
    assert closed.status == "new"


def test_a_lead_goes_back_to_the_pool(staff, acme, ben):
    lead = make_lead(owner=ben)
    act(staff, "release", lead)
    lead.refresh_from_db()
    assert lead.owner is None


def test_a_reviewed_lead_stands(staff, acme):
    lead = make_lead()
    Lead.objects.filter(pk=lead.pk).update(needs_review=True)
    act(staff, "confirm", lead)
    lead.refresh_from_db()
    assert not lead.needs_review


def test_a_person_is_marked_as_not_to_be_contacted_and_unmarked(staff, acme):
    lead = make_lead()
    act(staff, "forbid", lead)
    assert not ContactKey.objects.filter(contact=lead.contact, do_not_contact_at=None).exists()
    act(staff, "allow", lead)
    assert not ContactKey.objects.exclude(do_not_contact_at=None).exists()


def test_a_merge_is_taken_back_once(staff, acme, me):
    root, absorbed = make_lead(), make_lead()
    merging.merge(root.pk, [absorbed.pk], by=me, now=timezone.now())
    journal = MergeJournal.objects.get()
    assert said(act(staff, "undo", journal)) == ["Un-merged: 1."]
    absorbed.refresh_from_db()
    assert absorbed.merged_into is None
    assert said(act(staff, "undo", journal)) == ["Not done: 1. This merge was undone already."]


# --- the log and what came in ---


def test_a_parked_lead_can_be_retried(staff, workspace):
    populate(workspace, 1)
    with all_workspaces():
        parking = Parking.objects.get()
        Parking.objects.update(retry_at=NOW.replace(year=2099), attempts=5)
        act(staff, "retry", parking)
        parking.refresh_from_db()
    assert parking.attempts == 0
    assert parking.retry_at.year < 2099


def test_the_cursors_show_how_far_each_is_behind(staff, workspace):
    with workspace_scope(workspace):
        for _ in range(3):
            make_lead()
    Cursor.objects.create(subscriber="scoring", lane="live")
    Cursor.objects.create(subscriber="scoring", lane="bulk")
    page = staff.get(address(Cursor)).content.decode()
    waiting = re.findall(r'field-rows_waiting">([^<]*)<', page)
    assert waiting == ["0", "3"]
    assert re.search(r'field-behind">[\d,]+ s<', page)


def received(**fields: Any) -> InboundEvent:
    body = b'{"name": "Bo", "email": "bo@example.com"}'
    source = Source.objects.get(kind="website_form")
    event: InboundEvent = InboundEvent.objects.create(
        source=source, provider="web_form", content_type="application/json", body=body, **fields
    )
    return event


def test_a_failed_item_is_handled_again_and_one_with_a_lead_is_left_alone(staff, acme):
    failed = received(dedupe_key="1", state="failed", result="failed", attempts=10, note="KeyError")
    done = received(dedupe_key="2", state="done", result="new_lead", lead=make_lead())
    messages = said(act(staff, "handle_again", failed, done))
    assert messages == [
        "Will be handled again: 1.",
        "Not done: 1. It made a lead, or waits already.",
    ]
    inbox.drain(timezone.now())
    failed.refresh_from_db()
    assert (failed.state, failed.result, failed.lead.email) == (
        "done",
        "new_lead",
        "bo@example.com",
    )


# --- people ---


def test_a_token_is_revoked(staff, workspace, ana):
    with workspace_scope(workspace):
        token, _ = issue_token(membership=ana, name="BI", scopes=[])
    assert said(act(staff, "revoke", token)) == ["Revoked: 1."]
    with all_workspaces():
        assert ApiToken.objects.get().revoked_at is not None
    assert said(act(staff, "revoke", token)) == ["There was nothing to do."]


def test_an_invitation_is_withdrawn_once(staff, workspace, ana):
    with workspace_scope(workspace):
        invitation, _ = invite(by=ana, email="bo@example.com", now=timezone.now())
    assert said(act(staff, "withdraw", invitation)) == ["Withdrawn: 1."]
    with all_workspaces():
        assert Invitation.objects.get().revoked_at is not None
    assert said(act(staff, "withdraw", invitation)) == ["There was nothing to do."]


def test_a_member_is_deactivated_but_not_the_last_owner(staff, workspace, ana, ben):
    messages = said(act(staff, "deactivate", ana, ben))
    assert messages == [
        "Deactivated: 1.",
        "Not done: 1. A workspace needs at least one active owner.",
    ]
    with workspace_scope(workspace):
        assert set(Membership.objects.filter(is_active=True)) == {ana}


@pytest.mark.parametrize("model", [AccessAttempt, User])
def test_a_locked_sign_in_is_unlocked(staff, ben, model):
    for email in (ben.user.email, "somebody@example.com"):
        AccessAttempt.objects.create(username=email, ip_address="127.0.0.1", failures_since_start=5)
    row = ben.user if model is User else AccessAttempt.objects.get(username=ben.user.email)
    assert said(act(staff, "unlock", row)) == ["Unlocked: 1."]
    assert [one.username for one in AccessAttempt.objects.all()] == ["somebody@example.com"]


# --- scheduled work ---


def test_a_task_is_switched_off_and_on_and_beat_is_told(staff):
    every = IntervalSchedule.objects.create(every=1, period="seconds")
    task = PeriodicTask.objects.create(
        name="drain", task="integrations.drain_inbox", interval=every
    )
    PeriodicTasks.objects.update(last_update=NOW)
    assert "stays undone" in act(staff, "switch_off", task, sure=False).content.decode()
    assert said(act(staff, "switch_off", task)) == ["Switched off: 1."]
    task.refresh_from_db()
    assert not task.enabled
    assert PeriodicTasks.last_change() > NOW
    act(staff, "switch_on", task)
    task.refresh_from_db()
    assert task.enabled


def test_no_task_is_sent_from_the_web(staff, db):
    actions = staff.get(address(PeriodicTask)).context["action_form"].fields["action"].choices
    assert {name for name, _ in actions} == {"", "switch_on", "switch_off"}


# --- who may ---


@pytest.mark.parametrize("sure", [True, False])
def test_staff_who_may_only_look_at_leads_cannot_act(staff_who_may, acme, sure):
    lead = make_lead()
    client = staff_who_may("view_lead")
    assert client.get(address(Lead)).status_code == 200
    assert b'name="action"' not in client.get(address(Lead)).content
    for action in ("archive", "reopen", "release", "forbid"):
        act(client, action, lead, sure=sure)
    lead.refresh_from_db()
    assert lead.archived_at is None
    assert not LogEntry.objects.exists()


def test_staff_who_may_change_leads_acts_on_nothing_else(staff_who_may, workspace, ana):
    with workspace_scope(workspace):
        lead, (token, _) = make_lead(), issue_token(membership=ana, name="BI", scopes=[])
    client = staff_who_may("change_lead")
    act(client, "archive", lead)
    assert act(client, "revoke", token).status_code == 403
    with all_workspaces():
        assert Lead.objects.get().archived_at is not None
        assert ApiToken.objects.get().revoked_at is None


def test_staff_with_the_right_to_users_cannot_make_superusers(staff_who_may, ana):
    client = staff_who_may("change_user", "view_user")
    boss = User.objects.get(is_staff=True)
    form = {"email": "ana@example.com", "name": "Ana", "theme": "auto", "is_active": "on",
            "is_staff": "on", "is_superuser": "on"}  # fmt: skip
    assert client.post(address(User, "change", ana.user.pk), form).status_code == 302
    ana.user.refresh_from_db()
    assert (ana.user.email, ana.user.is_superuser, ana.user.is_staff) == (
        "ana@example.com", False, False,
    )  # fmt: skip
    assert client.post(address(User, "change", boss.pk), form).status_code == 403
    password = f"/admin/workspaces/user/{boss.pk}/password/"
    assert client.get(password).status_code == 403
