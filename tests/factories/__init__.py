"""Makers of test data. Leads come in through `capture_leads`, as they do in the product."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import factory

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.members import found_workspace
from leadcrm.workspaces.models import Membership, Role, Team, User, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.capture import LeadDraft, capture_leads
from leads.models import Lead, Source, SourceKind

# A Wednesday, 10:00 in the workspaces' time zone (UTC): inside business hours.
NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"

_numbers = itertools.count(1)


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"user{n}@example.com")
    name = factory.Faker("name")
    password = factory.django.Password(PASSWORD)


class TeamFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")


class MembershipFactory(factory.django.DjangoModelFactory):
    """A member of the workspace in scope."""

    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    name = factory.SelfAttribute("user.name")
    role = Role.REP


def make_workspace(name: str = "Acme", owner: User | None = None, **fields: Any) -> Workspace:
    """A founded workspace with its owner, pipeline, reasons and website form."""
    slug = fields.pop("slug", f"{name.lower()}-{next(_numbers)}")
    return found_workspace(owner=owner or UserFactory(), name=name, slug=slug, **fields)


def make_member(workspace: Workspace, role: str, name: str, **fields: Any) -> Membership:
    """A member with this role; its `workspace` is loaded."""
    with workspace_scope(workspace):
        user = UserFactory(name=name, email=f"{name.lower()}{next(_numbers)}@example.com")
        return MembershipFactory(workspace=workspace, user=user, name=name, role=role, **fields)


def make_draft(**fields: Any) -> LeadDraft:
    """A draft of a new person. Lead fields go into its values; `values` replaces them all."""
    number = next(_numbers)
    own = {
        name: fields.pop(name) for name in list(fields) if name in LeadDraft.__dataclass_fields__
    }
    values = {
        "display_name": f"Person {number}",
        "email": f"person{number}@customer{number}.example",
        **fields,
    }
    return LeadDraft(
        **{
            "source_kind": SourceKind.WEBSITE_FORM,
            "occurred_at": NOW,
            "key": f"draft-{number}",
            "values": values,
            **own,
        }
    )


def make_lead(*, now: datetime = NOW, lane: str = "live", **fields: Any) -> Lead:
    """A lead of the workspace in scope, captured as a website form brings it."""
    fields.setdefault("source", Source.objects.filter(kind=SourceKind.WEBSITE_FORM).first())
    draft = make_draft(**{"occurred_at": now, **fields})
    (captured,) = capture_leads([draft], by=Actor.system("form"), now=now, lane=lane)
    return Lead.objects.for_detail().get(pk=captured.lead_id)


def make_leads(count: int, *, now: datetime = NOW, **fields: Any) -> list[Lead]:
    """Many leads at once."""
    drafts = [make_draft(occurred_at=now, **fields) for _ in range(count)]
    captured = capture_leads(drafts, by=Actor.system("form"), now=now)
    return list(Lead.objects.for_detail().filter(pk__in=[one.lead_id for one in captured]))
