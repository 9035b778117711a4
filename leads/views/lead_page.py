"""What the lead page shows, read in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from leadcrm.workspaces.models import Membership
from leads.access import may_with
from leads.models import Lead
from leads.pipelines import Outcome, Status
from leads.timeline import timeline
from leads.views import history
from leads.views.around import read_around, why
from leads.views.fields import facts_of
from leads.views.verbs import VERBS


@dataclass(slots=True)
class Step:
    """A stage on the path: where it stands to the lead, and the verb that goes there."""

    stage: dict[str, Any]
    is_current: bool
    is_past: bool
    verb: str = ""


def path_of(lead: Lead, stages: list[dict[str, Any]], offered: dict[str, bool]) -> list[Step]:
    """The open and won stages of the lead's pipeline, in order."""
    steps = [stage for stage in stages if stage["outcome"] in (Outcome.OPEN, Outcome.WON)]
    ids = [stage["id"] for stage in steps]
    here = ids.index(str(lead.stage_id)) if str(lead.stage_id) in ids else -1
    return [
        Step(stage, at == here, at < here, _verb_to(stage, lead, offered))
        for at, stage in enumerate(steps)
    ]


def _verb_to(stage: dict[str, Any], lead: Lead, offered: dict[str, bool]) -> str:
    if not offered["move"] or stage["key"] not in lead.stage.next_keys:
        return ""
    verb = verb_to(stage["status"])
    return verb if offered[verb] else ""


def verb_to(status: str) -> str:
    """The verb that goes to an open or won stage: of its own where the stage needs something."""
    return {Status.CONVERTED: "convert", Status.SCHEDULED: "book"}.get(Status(status), "move")


def page_of(
    lead: Lead, membership: Membership, now: datetime, show: str = "all", before: str = ""
) -> dict[str, Any]:
    """The context of `leads/_lead.html`."""
    offered = {key: verb.offered(lead, membership, now) for key, verb in VERBS.items()}
    around = read_around(lead, membership)
    may_edit = may_with(membership, lead, "edit")
    reason, since = why(lead, around.given)
    return {
        "lead": lead,
        "offered": offered,
        "may_edit": may_edit,
        "editable": may_edit and is_editable(lead),
        "may_suggest_merge": lead.archived_at is None
        and may_with(membership, lead, "suggest_merge"),
        "around": around,
        "path": path_of(lead, around.stages, offered),
        "appointments": around.appointments,
        "booked": next((one for one in around.appointments if one["status"] == "scheduled"), None),
        "facts": facts_of(lead, around.setters, around.custom),
        "history": history.read(timeline(lead), around.reasons, now, show=show, before=before),
        "their_time": their_time(lead.time_zone, now),
        "why": reason,
        "why_since": since,
        "tomorrow": _tomorrow(membership, now),
        "now": now,
    }


def is_editable(lead: Lead) -> bool:
    """A closed, merged or removed lead stays as it was."""
    return not (lead.is_closed or lead.archived_at or lead.merged_into_id)


def _tomorrow(membership: Membership, now: datetime) -> datetime:
    """When a next step is due unless said otherwise: when the next business day begins."""
    hours = membership.workspace.hours()
    end_of_today = timezone.localtime(now).replace(hour=23, minute=59)
    return hours.next_opening(end_of_today + timedelta(minutes=1))


def their_time(time_zone: str, now: datetime) -> str:
    """The time in somebody's zone, where it isn't the viewer's own."""
    try:
        zone = ZoneInfo(time_zone) if time_zone else None
    except (ValueError, OSError):  # a zone that an import made up
        return ""
    if zone is None or now.astimezone(zone).utcoffset() == timezone.localtime(now).utcoffset():
        return ""
    return now.astimezone(zone).strftime("%H:%M")
