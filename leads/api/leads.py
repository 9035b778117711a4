"""Leads: list, create, keep in step, read, edit, remove."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.access import NOT_FOUND, require
from leadcrm.workspaces.api.base import PAGING, ApiView, versioned
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.idempotency import settle_race
from leadcrm.workspaces.paging import Order, both_ways, orders
from leads import access, archiving, editing, timeline
from leads.api.drafts import draft_of, external_of
from leads.api.inputs import LeadCreateSerializer, LeadEditSerializer, LeadUpsertSerializer
from leads.api.lead_filters import VIEW, filter_names, filter_parameters, filtered_leads
from leads.api.log import present as present_log
from leads.api.serializers import INCLUDED, LeadSerializer
from leads.api.work_serializers import (
    ActivitySerializer,
    AppointmentSerializer,
    ExternalIdSerializer,
    LeadDetailSerializer,
    SuggestionSerializer,
    TaskSerializer,
)
from leads.capture import Captured, Effect, LeadDraft, capture_leads
from leads.directory import read_directory
from leads.filter_fields import gone_in
from leads.models import Appointment, ExternalId, FieldSuggestion, Lead, Task
from leads.upserting import upsert_lead

ORDERS = orders(
    Order("-created_at", "created_at", descending=True),
    Order("created_at", "created_at"),
    *both_ways("work_due_at", nullable=True, then="-created_at"),
    *both_ways("last_activity_at", nullable=True, then="-created_at"),
    *both_ways("score", "score_total", nullable=True, then="-created_at"),
)
SHOWN_ACTIVITIES = 50
MOST_HANGING = 100

INCLUDE = OpenApiParameter(
    "include",
    str,
    description=f"Objects to show besides their ids, with commas: {', '.join(INCLUDED)}.",
)


class LeadPageSerializer(serializers.Serializer[Any]):
    results = LeadSerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="Null on the last page.")
    warnings = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="With a `view`: what it names that is retired or gone.",
    )


class StubSerializer(serializers.Serializer[Any]):
    """A colleague's lead that you may not see: whom to ask for it."""

    display_name = serializers.CharField()
    owner = serializers.CharField(allow_null=True)
    stage = serializers.CharField()


class CapturedSerializer(serializers.Serializer[Any]):
    """What became of an enquiry. `lead` is null where it is a colleague's that you may not see."""

    effect = serializers.ChoiceField([effect.value for effect in Effect])
    lead = LeadSerializer(allow_null=True)
    stub = StubSerializer(allow_null=True)


class LeadListView(ApiView):
    tag = "Leads"

    @extend_schema(
        operation_id="leads_list",
        summary="List leads",
        description="A field of the workspace's own is a filter too: `cf_` and its key, such as "
        "`cf_roof_type=Flat`; repeated, any of the values. See the custom fields for keys.",
        parameters=[*filter_parameters(), VIEW, INCLUDE, *paging_parameters(ORDERS)],
        responses=LeadPageSerializer,
    )
    def get(self, request: Request) -> Response:
        include = included(request)
        params = request.query_params
        known = (*filter_names(params), "include")
        self.refuse_unknown({*known, *PAGING})
        found, view = filtered_leads(self.membership, params, self.now)
        answer = self.page(
            with_included(found, include),
            {view.sort.name: view.sort, **ORDERS} if view else ORDERS,
            lambda rows: list(LeadSerializer(rows, many=True, include=include).data),
            known=known,
        )
        if view is not None:
            answer.data["warnings"] = gone_in(view.conditions, read_directory(self.membership))
        return answer

    @extend_schema(
        operation_id="leads_create",
        summary="Create a lead",
        description="An enquiry of somebody with an open lead is added to that lead. With an "
        "external system and id the lead is created once and edited from then on.",
        request=LeadCreateSerializer,
        responses={201: CapturedSerializer, 200: CapturedSerializer},
    )
    def post(self, request: Request) -> Response:
        require(self.membership, "edit")
        data = self.read(LeadCreateSerializer)
        draft = draft_of(data, self.membership, self.now, external_of(data))
        return self.captured(draft, None)

    def captured(self, draft: LeadDraft, version: int | None) -> Response:
        """Capture or upsert a draft, and answer what became of it."""
        by, now = access.capturing(self.actor, self.membership), self.now
        if draft.external is None:
            (result,) = capture_leads([draft], by=by, now=now)
            return self._answer(result)

        def permit(lead_id: uuid.UUID) -> None:
            access.permit_lead(self.membership, lead_id, need="edit")

        result = settle_race(
            lambda: upsert_lead(
                draft, by=self.actor, now=now, version=version, capture_by=by, permit=permit
            )
        )
        return self._answer(result)

    def _answer(self, result: Captured) -> Response:
        seen = with_included(access.visible_leads(self.membership), ())
        lead = seen.filter(pk=result.lead_id).first()
        status = 201 if result.effect is Effect.CREATED else 200
        effect = result.effect.value
        if lead is None:
            stub = _stub(result.lead_id)
            return Response({"effect": effect, "lead": None, "stub": stub}, status=status)
        shown = LeadSerializer(lead, include=()).data
        return versioned({"effect": effect, "lead": shown, "stub": None}, lead.version, status)


class ExternalLeadView(LeadListView):
    versioned = True
    http_method_names = ("put",)

    @extend_schema(
        operation_id="leads_upsert",
        summary="Create or edit a lead by another system's id",
        request=LeadUpsertSerializer,
        responses={201: CapturedSerializer, 200: CapturedSerializer},
    )
    def put(self, request: Request, system: str, external_id: str) -> Response:
        require(self.membership, "edit")
        too_long = {"system": len(system) > 50, "external_id": len(external_id) > 255}
        if any(too_long.values()):
            name = "system" if too_long["system"] else "external_id"
            raise ValidationError({name: ["This is too long."]})
        data = self.read(LeadUpsertSerializer)
        draft = draft_of(data, self.membership, self.now, (system, external_id))
        return self.captured(draft, self.expected_version())


class LeadView(ApiView):
    tag = "Leads"
    versioned = True

    @extend_schema(
        operation_id="leads_retrieve",
        summary="Read a lead with its timeline, appointments and tasks",
        parameters=[INCLUDE],
        responses=LeadDetailSerializer,
    )
    def get(self, request: Request, lead_id: uuid.UUID) -> Response:
        include = included(request)
        self.refuse_unknown({"include"})
        rows = with_included(access.visible_leads(self.membership), include)
        lead: Lead = find_one(rows.with_absorbed(), lead_id)  # type: ignore[attr-defined]
        body = {**LeadSerializer(lead, include=include).data, **hanging(lead)}
        return versioned(body, lead.version)

    @extend_schema(
        operation_id="leads_edit",
        summary="Edit a lead",
        description="Only what is sent is written. Without If-Match the last writer of a field "
        "wins. What ranks below whoever set a field becomes a suggestion.",
        request=LeadEditSerializer,
        responses=LeadSerializer,
    )
    def patch(self, request: Request, lead_id: uuid.UUID) -> Response:
        access.permit_lead(self.membership, lead_id, need="edit")
        values = self.read(LeadEditSerializer)
        (result,) = editing.edit(
            [lead_id], values, by=self.actor, now=self.now, version=self.expected_version()
        )
        if result.refusal is not None:
            raise result.refusal
        return answer_lead(lead_id)

    @extend_schema(
        operation_id="leads_archive_one",
        summary="Remove a lead",
        description="It leaves lists and counts, and can be restored.",
        responses={204: None},
    )
    def delete(self, request: Request, lead_id: uuid.UUID) -> Response:
        access.permit_lead(self.membership, lead_id, need="archive")
        archiving.archive([lead_id], by=self.actor, now=self.now)
        return Response(status=204)


class TimelineView(ApiView):
    tag = "Leads"

    @extend_schema(
        operation_id="leads_timeline",
        summary="Page through what happened to a lead, newest first",
        parameters=paging_parameters({}),
        responses=page_of_schema(ActivitySerializer),
    )
    def get(self, request: Request, lead_id: uuid.UUID) -> Response:
        lead = access.access_lead(self.membership, lead_id)
        newest = orders(Order("-occurred_at", "occurred_at", descending=True))
        return self.page(timeline.timeline(lead), newest, present_log)


def included(request: Request) -> tuple[str, ...]:
    """The names in `include`; ValidationError for one that can't be included."""
    names = [name.strip() for name in request.query_params.get("include", "").split(",")]
    names = [name for name in names if name]
    if unknown := set(names) - set(INCLUDED):
        raise ValidationError({"include": [f"“{min(unknown)}” is none of {', '.join(INCLUDED)}."]})
    return tuple(names)


def with_included(leads: QuerySet[Lead], include: Collection[str]) -> QuerySet[Lead]:
    """The leads with what is shown of them besides their own columns."""
    return leads.select_related("stage", *include)


def find_one(rows: Any, key: uuid.UUID) -> Any:
    """The row with this id among those that the member may see; Http404 otherwise."""
    try:
        return rows.get(pk=key)
    except rows.model.DoesNotExist:
        raise Http404(NOT_FOUND) from None


def answer_lead(lead_id: uuid.UUID) -> Response:
    """The lead as it is now, with its version."""
    lead = with_included(Lead.objects.all(), ()).get(pk=lead_id)
    return versioned(LeadSerializer(lead, include=()).data, lead.version)


def hanging(lead: Lead) -> Mapping[str, Any]:
    """What hangs on a lead, each in one query."""
    appointments = Appointment.objects.filter(lead=lead)[:MOST_HANGING]
    tasks = Task.objects.filter(lead=lead, done_at=None)[:MOST_HANGING]
    open_suggestions = FieldSuggestion.objects.filter(lead=lead, decided_at=None)
    external = ExternalId.objects.filter(lead=lead).order_by("created_at")
    return {
        "external_ids": ExternalIdSerializer(external[:MOST_HANGING], many=True).data,
        "appointments": AppointmentSerializer(appointments, many=True).data,
        "tasks": TaskSerializer(tasks, many=True).data,
        "suggestions": SuggestionSerializer(open_suggestions[:MOST_HANGING], many=True).data,
        "activities": present_log(list(timeline.timeline(lead)[:SHOWN_ACTIVITIES])),
    }


def _stub(lead_id: uuid.UUID) -> dict[str, Any]:
    lead = Lead.objects.select_related("owner", "stage").get(pk=lead_id)
    owner = lead.owner.name if lead.owner else None
    return {"display_name": lead.display_name, "owner": owner, "stage": lead.stage.label}
