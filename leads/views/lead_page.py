"""What the lead page shows, read in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from leadcrm.workspaces.models import Membership
from leads.access import may_with, visible_leads
from leads.models import (
    Appointment,
    CloseReason,
    ContactKey,
    FieldSuggestion,
    Lead,
    Stage,
    Task,
)
from leads.pipelines import Outcome
from leads.views import history
from leads.views.history import label_of
from leads.views.verbs import VERBS

DETAILS = (
    "display_name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "company_name",
    "job_title",
    "state",
    "country",
    "time_zone",
    "label",
    "source",
    "source_detail",
    "campaign",
    "budget",
    "budget_currency",
    "notes",
)
BANT = ("authority", "need", "timeline")


@dataclass(slots=True)
class Around:
    """What stands around a lead: open tasks, suggestions, keys, the person's other leads, reasons."""

    tasks: list[dict[str, Any]]
    suggestions: list[dict[str, Any]]
    keys: list[dict[str, Any]]
    others: list[dict[str, Any]]
    reasons: dict[str, str]

    @property
    def is_marked(self) -> bool:
        """Whether some address or number of the person must not be used."""
        return self.phone_marked or self.email_marked

    @property
    def phone_marked(self) -> bool:
        return self._marked(ContactKey.Kind.PHONE)

    @property
    def email_marked(self) -> bool:
        return self._marked(ContactKey.Kind.EMAIL)

    def _marked(self, kind: str) -> bool:
        return any(key["kind"] == kind and key["marked_at"] for key in self.keys)


def read_around(lead: Lead, membership: Membership) -> Around:
    """All of it in one query."""
    tasks = Task.objects.filter(lead=OuterRef("pk"), done_at=None).order_by("due_at")
    waiting = FieldSuggestion.objects.filter(lead=OuterRef("pk"), decided_at=None)
    keys = ContactKey.objects.filter(contact=OuterRef("contact"))
    others = visible_leads(membership).filter(contact=OuterRef("contact"), merged_into=None)
    row = Lead.objects.filter(pk=lead.pk).values_list(
        _rows(tasks, "id", "title", "due_at", "kind", who="assignee__name"),
        _rows(waiting, "id", "field", "value", "source"),
        _rows(keys, "kind", "value", "shared", marked_at="do_not_contact_at"),
        _rows(
            others.exclude(pk=lead.pk).order_by("-created_at"),
            "id",
            "display_name",
            "created_at",
            stage_label="stage__label",
            stage_status="stage__status",
        ),
        _rows(CloseReason.objects.order_by("position"), "code", "label"),
    )
    tasks_, suggestions, keys_, others_, reasons = row.get()
    return Around(
        tasks=[{**task, "due_at": parse_datetime(task["due_at"])} for task in tasks_],
        suggestions=[{**one, "label": label_of(one["field"])} for one in suggestions],
        keys=keys_,
        others=[{**one, "created_at": parse_datetime(one["created_at"])} for one in others_[:20]],
        reasons={reason["code"]: reason["label"] for reason in reasons},
    )


def _rows(rows: QuerySet[Any], *names: str, **renamed: str) -> ArraySubquery:
    columns = {name: F(name) for name in names} | {name: F(path) for name, path in renamed.items()}
    return ArraySubquery(rows.values(row=JSONObject(**columns)))


@dataclass(slots=True)
class Step:
    """A stage on the path: where it stands to the lead, and the verb that goes there."""

    stage: Stage
    is_current: bool
    is_past: bool
    verb: str = ""


def path_of(lead: Lead, offered: dict[str, bool]) -> list[Step]:
    """The open and won stages of the lead's pipeline, in order."""
    stages = [
        stage
        for stage in Stage.objects.filter(pipeline=lead.pipeline_id, retired_at=None)
        if stage.outcome in (Outcome.OPEN, Outcome.WON)
    ]
    here = next((at for at, stage in enumerate(stages) if stage.pk == lead.stage_id), -1)
    return [
        Step(stage, at == here, at < here, _verb_to(stage, lead, offered))
        for at, stage in enumerate(stages)
    ]


def _verb_to(stage: Stage, lead: Lead, offered: dict[str, bool]) -> str:
    if not offered["move"] or stage.key not in lead.stage.next_keys:
        return ""
    special = {"converted": "convert", "scheduled": "book"}.get(stage.status, "move")
    return special if offered[special] else ""


def page_of(
    lead: Lead, membership: Membership, now: datetime, show: str = "all", before: str = ""
) -> dict[str, Any]:
    """The context of `leads/_lead.html`."""
    offered = {key: verb.offered(lead, membership, now) for key, verb in VERBS.items()}
    around = read_around(lead, membership)
    return {
        "lead": lead,
        "offered": offered,
        "may_edit": may_with(membership, lead, "edit"),
        "around": around,
        "path": path_of(lead, offered),
        "appointments": list(
            Appointment.objects.filter(lead=lead).select_related("host").order_by("-scheduled_for")
        ),
        "details": _details(lead),
        "history": history.read(lead, around.reasons, show=show, before=before),
        "their_time": _their_time(lead, now),
        "now": now,
    }


def _details(lead: Lead) -> list[tuple[str, str, Any]]:
    """Name, label and value of the fields that hold something not said elsewhere on the page."""
    elsewhere = {"source", "campaign", "budget_currency"}
    if lead.display_name == f"{lead.first_name} {lead.last_name}".strip():
        elsewhere |= {"first_name", "last_name"}
    rows = []
    for name in editable_fields(lead):
        value = getattr(lead, name) if name not in elsewhere else None
        if name == "budget" and value is not None:
            value = f"{value:,.2f} {lead.budget_currency}".strip()
        if value not in (None, ""):
            rows.append((name, label_of(name).capitalize(), value))
    return rows


def editable_fields(lead: Lead) -> list[str]:
    """The fields that the page lets a person edit; BANT's only where they are in use."""
    names = [*DETAILS]
    if lead.pipeline.template == "bant" or any(getattr(lead, name) for name in BANT):
        names += BANT
    if lead.enrollment is not None:
        names.append("enrollment")
    return names


def _their_time(lead: Lead, now: datetime) -> str:
    """The lead's local time, where it isn't the viewer's own."""
    try:
        zone = ZoneInfo(lead.time_zone) if lead.time_zone else None
    except (ValueError, OSError):  # a zone that an import made up
        return ""
    if zone is None or now.astimezone(zone).utcoffset() == timezone.localtime(now).utcoffset():
        return ""
    return now.astimezone(zone).strftime("%H:%M")
