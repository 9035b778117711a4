"""When the lead page offers a verb. What a member can't do is absent; the verbs decide again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.models import Membership, Role
from leads import access
from leads.models import Lead
from leads.pipelines import Outcome, Status, rung

When = Callable[[Lead, Membership, datetime], bool]


def is_present(lead: Lead, member: Membership, now: datetime) -> bool:
    return lead.archived_at is None and lead.merged_into_id is None


def is_open(lead: Lead, member: Membership, now: datetime) -> bool:
    return lead.is_open and is_present(lead, member, now)


def leads_to(status: Status) -> When:
    """Offered where the lead's stage leads to one of this status; keys of templates are statuses."""

    def offered(lead: Lead, member: Membership, now: datetime) -> bool:
        keys = {status.value, *(("sql",) if status is Status.QUALIFIED else ())}
        keys |= {"opportunity"} if status is Status.CONVERTED else set()
        return is_open(lead, member, now) and bool(keys & set(lead.stage.next_keys))

    return offered


def may_reopen(lead: Lead, member: Membership, now: datetime) -> bool:
    if lead.is_open or not is_present(lead, member, now) or not lead.stage.next_keys:
        return False
    return _allowed(lambda: access.require_reopen(member, lead, now))


def may_assign(lead: Lead, member: Membership, now: datetime) -> bool:
    return is_present(lead, member, now) and _allowed(lambda: access.require_assign(member, lead))


def may_claim(lead: Lead, member: Membership, now: datetime) -> bool:
    return is_open(lead, member, now) and lead.owner_id is None and member.role != Role.VIEWER


def not_contacted(lead: Lead, member: Membership, now: datetime) -> bool:
    ahead = rung(lead.status) < rung(Status.CONTACTED) or lead.contacted_at is None
    return is_open(lead, member, now) and ahead


def can_rest(lead: Lead, member: Membership, now: datetime) -> bool:
    return (
        is_present(lead, member, now)
        and lead.stage.outcome != Outcome.WON
        and lead.status not in (Status.RECYCLED, Status.CONVERTED)
        and _allowed(lambda: access.require_recycle(member, lead, now))
    )


def _allowed(check: Callable[[], None]) -> bool:
    try:
        check()
    except NotAllowed:
        return False
    return True


def always(lead: Lead, member: Membership, now: datetime) -> bool:
    return True


def may_release(lead: Lead, member: Membership, now: datetime) -> bool:
    return lead.owner_id is not None and may_assign(lead, member, now)


def is_snoozed(lead: Lead, member: Membership, now: datetime) -> bool:
    return lead.snoozed_until is not None


def is_unread(lead: Lead, member: Membership, now: datetime) -> bool:
    return lead.unread_since is not None


def waits_for_review(lead: Lead, member: Membership, now: datetime) -> bool:
    return lead.needs_review


def has_person(lead: Lead, member: Membership, now: datetime) -> bool:
    return lead.contact_id is not None


def is_removed(lead: Lead, member: Membership, now: datetime) -> bool:
    return lead.archived_at is not None and lead.merged_into_id is None
