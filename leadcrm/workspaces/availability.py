"""Who is there to take leads: on duty, and not away."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.formats import date_format

from leadcrm.workspaces.access import NotAllowed, may
from leadcrm.workspaces.models import Absence, Membership, Workspace

MOST_ABSENCES = 50  # of a member, that are not over
LONGEST = timedelta(days=366)


def today_of(workspace: Workspace, now: datetime) -> date:
    """The date in a workspace: absences begin and end at its midnight."""
    return now.astimezone(ZoneInfo(workspace.time_zone)).date()


def set_duty(member: Membership, on_duty: bool) -> None:
    """Put a member on or off duty. Who is off duty gets no leads by rotation; all else goes on."""
    member.on_duty = on_duty
    member.save(update_fields=["on_duty"])


def away_until(members: Iterable[uuid.UUID], day: date) -> dict[uuid.UUID, date]:
    """The last day of absence of those members who are away on a day."""
    found: dict[uuid.UUID, date] = {}
    away = Absence.objects.filter(
        membership__in=list(members), starts_on__lte=day, ends_on__gte=day
    )
    for member_id, ends_on in away.values_list("membership", "ends_on"):
        found[member_id] = max(ends_on, found.get(member_id, ends_on))
    return found


def why_not_now(member: Membership, away: dict[uuid.UUID, date]) -> str:
    """Why a member takes no leads now, in words; empty where they do.

    `away` is what `away_until` found for today.
    """
    if not member.is_active:
        return "not active any more"
    if member.pk in away:
        return f"away until {date_format(away[member.pk], 'j M')}"
    return "" if member.on_duty else "off duty"


def absences_to_come(member: Membership, today: date) -> QuerySet[Absence]:
    """The absences of a member that are not over."""
    found: QuerySet[Absence] = Absence.objects.filter(membership=member, ends_on__gte=today)
    return found


def add_absence(member: Membership, *, starts_on: date, ends_on: date, by: Membership) -> Absence:
    """Note that a member is away.

    Raises:
        NotAllowed: `by` is neither the member nor somebody who manages users.
        ValidationError: by field, for days that don't fit.
    """
    require_own(member, by)
    if ends_on < starts_on:
        raise ValidationError({"ends_on": ["The last day comes before the first."]})
    if ends_on - starts_on > LONGEST:
        raise ValidationError({"ends_on": ["Give at most a year at once."]})
    if Absence.objects.filter(membership=member, ends_on__gte=starts_on).count() >= MOST_ABSENCES:
        raise ValidationError({"starts_on": ["There are too many absences. Remove some first."]})
    absence: Absence = Absence.objects.create(
        membership=member, starts_on=starts_on, ends_on=ends_on
    )
    return absence


def remove_absence(absence: Absence, *, by: Membership) -> None:
    """Forget an absence: the member is there after all. Raises NotAllowed."""
    require_own(absence.membership, by)
    absence.delete()


def require_own(member: Membership, by: Membership) -> None:
    """Raise NotAllowed unless it is about oneself, or one manages users."""
    if member.pk != by.pk and not may(by, "users"):
        raise NotAllowed
