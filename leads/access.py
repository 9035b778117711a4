"""The only door to leads and what hangs on them, for members and tokens.

`access_*` finds and permits: something missing, of another workspace or not visible is the same
Http404; something visible that the member may not change is NotAllowed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, Q, QuerySet
from django.http import Http404

from leadcrm.workspaces.access import NOT_FOUND, NotAllowed, Reach, reach, require, team_mates
from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.models import Membership, Role
from leads.models import (
    Appointment,
    Company,
    Contact,
    ContactKey,
    FieldSuggestion,
    Lead,
    MergeJournal,
    Message,
    Source,
    Task,
)

T = TypeVar("T", bound=Model)

REP_REOPENS_WITHIN = timedelta(days=30)
REP_BULK = 200


def visible_leads(membership: Membership) -> QuerySet[Lead]:
    """The leads a member may see; removed ones among them."""
    found: QuerySet[Lead] = Lead.objects.filter(within(membership, "see"))
    return found


def within(membership: Membership, action: str) -> Q:
    """The condition on leads that the member's reach for an action puts.

    Unassigned leads are those without an owner; one that was given to another team waits there.
    """
    far = reach(membership, action)
    mates = team_mates(membership) if far is Reach.TEAM and membership.team_id else None
    return within_reach(far, membership.pk, membership.team_id, mates)


def within_reach(far: Reach, member: Any, team: Any, mates: Sequence[uuid.UUID] | None = None) -> Q:
    """The condition for a member of a team, or of none.

    `mates` are who is in the team. Where their ids aren't given they are found by a join, for
    leads that another condition has found: no index serves an alternative in another table.
    """
    if far is Reach.ALL:
        return Q()
    if far is Reach.NONE:
        return Q(pk__in=[])
    if far is Reach.TEAM and team:
        of_mates = Q(owner__team=team) | Q(owner=member)
        theirs = of_mates if mates is None else Q(owner__in=mates)
        return theirs | Q(team=team) | Q(owner=None, team=None)
    own = Q(owner=member) | Q(owner=None, team=None)
    return own | Q(owner=None, team=team) if team else own


def access_lead(membership: Membership, lead_id: uuid.UUID, *, need: str = "see") -> Lead:
    """The lead with what its page shows, if the member may see it and do `need` with it."""
    lead: Lead = _one(visible_leads(membership).for_detail(), lead_id)  # type: ignore[attr-defined]
    require_reach(membership, lead, need)
    return lead


def permit_lead(membership: Membership, lead_id: uuid.UUID, *, need: str) -> None:
    """Deny what `access_lead` would, without reading what the lead's page shows."""
    rows = visible_leads(membership).select_related("owner").only("team", "owner__team")
    require_reach(membership, _one(rows, lead_id), need)


def access_leads(membership: Membership, ids: Sequence[uuid.UUID], *, need: str) -> list[uuid.UUID]:
    """Those of the ids that the member may see and do `need` with, for a mass verb.

    Raises NotAllowed where mass work, or this much of it, isn't the member's.
    """
    leads = of_many(membership, visible_leads(membership).filter(pk__in=ids), need=need)
    require_number(membership, len(ids), need=need)
    return list(leads.values_list("pk", flat=True))


def of_many(membership: Membership, leads: QuerySet[Lead], *, need: str) -> QuerySet[Lead]:
    """Those of the leads with which the member may do `need` to many: of a rep, the own ones.

    Raises NotAllowed where mass work isn't the member's.
    """
    require(membership, "bulk")
    require(membership, need)
    own = Q(owner=membership.pk) if membership.role == Role.REP else Q()
    return leads.filter(within(membership, need), own)


def require_number(membership: Membership, number: int, *, need: str) -> None:
    """Raise NotAllowed where so many leads at once, or this, isn't the member's."""
    if membership.role == Role.REP and (number > REP_BULK or need == "close"):
        raise NotAllowed(f"A rep may change up to {REP_BULK} leads at once, and not close them so.")


def require_reach(membership: Membership, lead: Lead, need: str) -> None:
    """Raise NotAllowed unless the member's reach for `need` takes in this lead."""
    if need == "see":
        return
    far = reach(membership, need)
    if far is Reach.ALL or (far is not Reach.NONE and _in_reach(membership, lead, far)):
        return
    raise NotAllowed


def sees(membership: Membership, lead: Lead) -> bool:
    """Whether a lead is among the member's visible ones; says so without a query."""
    far = reach(membership, "see")
    return far is Reach.ALL or (far is not Reach.NONE and _in_reach(membership, lead, far))


def may_with(membership: Membership, lead: Lead, need: str) -> bool:
    """Whether `require_reach` would let the member."""
    try:
        require_reach(membership, lead, need)
    except NotAllowed:
        return False
    return True


def require_reopen(membership: Membership, lead: Lead, now: datetime) -> None:
    """A rep reopens own leads for 30 days after they closed."""
    require_reach(membership, lead, "reopen")
    closed = lead.lost_at or lead.disqualified_at
    if membership.role == Role.REP and (
        lead.owner_id != membership.pk or (closed and closed < now - REP_REOPENS_WITHIN)
    ):
        raise NotAllowed("You may reopen your own leads for 30 days. Ask a manager.")


def require_recycle(membership: Membership, lead: Lead, now: datetime) -> None:
    """To put a closed lead aside is to reopen it later: who may not reopen it may not do that."""
    if lead.lost_at or lead.disqualified_at:
        require_reopen(membership, lead, now)


def require_assign(membership: Membership, lead: Lead) -> None:
    """A rep hands over own leads only."""
    require_reach(membership, lead, "assign")
    if membership.role == Role.REP and lead.owner_id != membership.pk:
        raise NotAllowed("You may hand over your own leads. Claim this one, or ask a manager.")


def capturing(actor: Actor, membership: Membership) -> Actor:
    """The actor that captures for a member.

    Somebody who may not edit every lead can't overwrite a colleague's by entering the person
    again: what they say fills blanks, the rest is suggested.
    """
    if reach(membership, "edit") is Reach.ALL:
        return actor
    return replace(actor, rank=Rank.PROSPECT)


def visible_contacts(membership: Membership) -> QuerySet[Contact]:
    """People are visible through visible leads; those without any lead to whoever sees all."""
    contacts: QuerySet[Contact] = Contact.objects.filter(archived_at=None)
    if reach(membership, "see") is Reach.ALL:
        return contacts
    return contacts.filter(pk__in=visible_leads(membership).values("contact"))


def visible_companies(membership: Membership) -> QuerySet[Company]:
    companies: QuerySet[Company] = Company.objects.all()
    if reach(membership, "see") is Reach.ALL:
        return companies
    return companies.filter(pk__in=visible_leads(membership).values("company"))


def visible_appointments(membership: Membership) -> QuerySet[Appointment]:
    found: QuerySet[Appointment] = Appointment.objects.filter(lead__in=visible_leads(membership))
    return found


def access_contact(membership: Membership, contact_id: uuid.UUID, *, need: str = "see") -> Contact:
    """The contact, if visible; to edit it, the member must be able to edit one of its leads."""
    contact: Contact = _one(visible_contacts(membership).select_related("company"), contact_id)
    _require_through_leads(membership, Q(contact=contact_id), need)
    return contact


def access_contact_key(
    membership: Membership, contact_id: uuid.UUID, key_id: uuid.UUID, *, need: str = "see"
) -> tuple[Contact, ContactKey]:
    """A contact and one of its keys, or the number that it shares with whom the key names."""
    contact = access_contact(membership, contact_id, need=need)
    theirs = Q(contact=contact) | Q(kind=ContactKey.Kind.PHONE, value=contact.phone)
    return contact, _one(ContactKey.objects.filter(theirs), key_id)


def require_key_holder(membership: Membership, contact: Contact, key: ContactKey) -> None:
    """Whoever takes a mark off a shared number must be able to edit whom it names, too."""
    if key.contact_id != contact.pk:
        access_contact(membership, key.contact_id, need="edit")


def access_company(membership: Membership, company_id: uuid.UUID, *, need: str = "see") -> Company:
    company: Company = _one(visible_companies(membership), company_id)
    _require_through_leads(membership, Q(company=company_id), need)
    return company


def access_appointment(
    membership: Membership, appointment_id: uuid.UUID, *, need: str = "see"
) -> Appointment:
    return _through_lead(membership, Appointment, appointment_id, need)


def access_task(membership: Membership, task_id: uuid.UUID, *, need: str = "see") -> Task:
    return _through_lead(membership, Task, task_id, need)


def access_message(membership: Membership, message_id: uuid.UUID, *, need: str = "see") -> Message:
    return _through_lead(membership, Message, message_id, need)


def access_suggestion(
    membership: Membership, suggestion_id: uuid.UUID, *, need: str = "see"
) -> FieldSuggestion:
    return _through_lead(membership, FieldSuggestion, suggestion_id, need)


def access_merge(membership: Membership, merge_id: uuid.UUID, *, need: str = "see") -> MergeJournal:
    """The journal of a merge, through its root."""
    merge = _one(
        MergeJournal.objects.filter(root__in=visible_leads(membership)).select_related(
            "root__owner", "made_by", "contact"
        ),
        merge_id,
    )
    require_reach(membership, merge.root, need)
    return merge


def require_merge_people(membership: Membership, contacts: Sequence[uuid.UUID]) -> None:
    """Merging people merges their open leads, too: all of these must be within reach."""
    if reach(membership, "merge") is Reach.ALL:
        return
    theirs = Lead.objects.open().filter(contact__in=contacts)
    other = theirs.exclude(within(membership, "merge")).select_related("owner").first()
    if other is not None:
        whose = f"{other.owner.name}'s" if other.owner else "another team's"
        raise NotAllowed(f"An open lead of theirs is {whose}. Ask an admin to merge these two.")


def access_source(membership: Membership, source_id: uuid.UUID) -> Source:
    """A source as the settings show it: for owners and admins."""
    require(membership, "settings")
    links = ("owner", "team", "location", "campaign", "pipeline")
    source: Source = _one(Source.objects.select_related(*links), source_id)
    return source


def _through_lead(membership: Membership, model: Any, pk: uuid.UUID, need: str) -> Any:
    row = _one(
        model.objects.filter(lead__in=visible_leads(membership)).select_related("lead__owner"), pk
    )
    require_reach(membership, row.lead, need)
    return row


def _one(rows: QuerySet[T], pk: uuid.UUID) -> T:
    try:
        return rows.get(pk=pk)
    except ObjectDoesNotExist:
        raise Http404(NOT_FOUND) from None


def _require_through_leads(membership: Membership, leads: Q, need: str) -> None:
    if need == "see" or reach(membership, need) is Reach.ALL:
        return
    if not Lead.objects.filter(within(membership, need), leads).exists():
        raise NotAllowed


def _in_reach(membership: Membership, lead: Lead, far: Reach) -> bool:
    if lead.owner_id == membership.pk:
        return True
    if lead.owner_id is None and lead.team_id in (None, membership.team_id):
        return True
    if far is not Reach.TEAM or not membership.team_id:
        return False
    owner_team = lead.owner.team_id if lead.owner else None
    return membership.team_id in (lead.team_id, owner_team)
