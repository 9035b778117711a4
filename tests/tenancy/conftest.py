"""The installation's staff at work in Django admin, and a row of every model to look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from integrations.models import InboundEvent
from leadcrm.workspaces.models import (
    Absence,
    IdempotencyKey,
    Invitation,
    Location,
    Membership,
    StaffVisit,
    Team,
    User,
    Workspace,
)
from leadcrm.workspaces.scoping import workspace_scope
from leadcrm.workspaces.tokens import issue_token
from leads import models as leads
from leads import settings_jobs
from leads.custom_field_settings import add_field
from leads.models import Cursor, Parking, Source
from tests.factories import NOW, UserFactory, make_lead, make_member

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def staff(db: None) -> Client:
    """A superuser's browser."""
    return browser_of(UserFactory(is_staff=True, is_superuser=True))


@pytest.fixture
def staff_who_may(db: None) -> Callable[..., Client]:
    """The browser of staff with these rights only, such as `view_lead`."""

    def browser(*rights: str) -> Client:
        user = UserFactory(is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=rights))
        return browser_of(user)

    return browser


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def address(model: Any, page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def populate(workspace: Workspace, number: int) -> None:
    """A row of every model in the workspace."""
    with workspace_scope(workspace):
        ben = make_member(workspace, "rep", f"Ben {number}")
        team = Team.objects.create(name=f"Team {number}")
        Location.objects.create(name=f"Place {number}")
        Absence.objects.create(membership=ben, starts_on=NOW.date(), ends_on=NOW.date())
        rule = leads.RoutingRule.objects.first() or leads.RoutingRule.objects.create()
        leads.RoutingSeat.objects.create(rule=rule, member=ben, position=number)
        issue_token(membership=ben, name="BI", scopes=[])
        Invitation.objects.create(email="x@example.com", digest=f"{number}", expires_at=NOW)
        IdempotencyKey.objects.create(membership=ben, key="k")
        leads.Campaign.objects.create(name=f"Campaign {number}")
        source = Source.objects.first()
        lead = make_lead(
            display_name=f"Person {number}", email=f"p{number}@c{number}.example", owner=ben,
            company_name=f"Company {number}", external=("crm", str(number)), team=team,
        )  # fmt: skip
        leads.FieldSuggestion.objects.create(lead=lead, field="state", value="CA")
        leads.Deal.objects.create(lead=lead, name="Deal", currency="USD", owner=ben)
        leads.Appointment.objects.create(lead=lead, host=ben)
        leads.Task.objects.create(lead=lead, title="Call", due_at=NOW, assignee=ben)
        leads.Message.objects.create(
            lead=lead, channel="note", direction="internal", occurred_at=NOW, body="Hello"
        )
        leads.Notification.objects.create(member=ben, kind="reply", lead=lead, cause="1", at=NOW)
        leads.MergeJournal.objects.create(root=lead, absorbed=[], made_by=ben)
        leads.SourceDay.objects.create(source=source, day=NOW.date() + timedelta(days=number))
        Parking.objects.create(
            subscriber=f"s{number}", lane="live", lead_id=lead.pk, activity_ids=[1], error="E",
            retry_at=NOW,
        )  # fmt: skip
        leads.UndoStep.objects.create(lead=lead, made_by=ben, made_at=NOW, said="Moved")
        run = leads.BulkRun.objects.create(
            verb="snooze", said="snoozed", leads=[lead.pk], total=1, started_by=ben, started_at=NOW
        )
        leads.BulkChunk.objects.create(run=run, start=0, size=1)
        add_field(
            by=Membership.objects.get(role="owner"), now=NOW, kind="text", label=f"Field {number}"
        )
        stage = leads.Stage.objects.get(key="new")
        settings_jobs.start("timer", by=ben, now=NOW, stage=stage)
        leads.Import.objects.create(name=f"leads{number}.csv", made_by=ben)
        leads.ImportMapping.objects.create(shape=f"{number}", used_at=NOW)
        view = leads.SavedView.objects.create(name=f"View {number}", owner=ben, tab="open")
        leads.SavedViewFilter.objects.create(
            view=view, group=1, position=0, name="owner", operator="is", value="me"
        )
        leads.SavedViewColumn.objects.create(view=view, key="name", position=0)
        leads.DefaultView.objects.create(view=view, membership=ben)
        other = make_lead(display_name=f"Other {number}", email="", company_name="Other")
        low, high = sorted((lead, other), key=lambda one: one.pk)
        leads.DuplicatePair.objects.create(
            about="leads", first=low.pk, second=high.pk, first_lead=low, second_lead=high, score=80
        )
        leads.MatchProfile.objects.create(id=lead.pk, lead=lead, name="person", company="")
        leads.BlockingKey.objects.create(profile=lead.pk, kind="phone", value=number)
        leads.DuplicateScan.objects.get_or_create()
        leads.DuplicateRule.objects.get_or_create(match="email", door="api", action="block")
        StaffVisit.objects.create(user=ben.user, what="looked", kind="leads.lead", row_id=lead.pk)
        InboundEvent.objects.create(
            source=source,
            provider="web_form",
            dedupe_key=f"{number}",
            body=b'{"a": "\xff<script>"}',
            lead=lead,
        )
    Cursor.objects.create(subscriber=f"s{number}", lane="live")


@pytest.fixture
def rows(workspace: Workspace, rival: Workspace) -> None:
    populate(workspace, 1)
    populate(rival, 2)
