"""Sources, pipelines, close reasons and campaigns: what leads refer to."""

from __future__ import annotations

import uuid

from django.db.models.functions import Lower
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.access import require
from leadcrm.workspaces.api.base import ApiView
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.paging import Order, both_ways, orders
from leads import people
from leads.api.inputs import (
    CampaignCreateSerializer,
    SourceCreateSerializer,
    SourceEditSerializer,
)
from leads.api.leads import find_one
from leads.api.serializers import (
    CallOutcomeSerializer,
    CampaignSerializer,
    CloseReasonSerializer,
    CustomFieldSerializer,
    PipelineSerializer,
    SourceSerializer,
)
from leads.models import CallOutcome, Campaign, CloseReason, CustomField, Pipeline, Source
from leads.sources import save_source

BY_NAME = orders(*both_ways("name", "sort_name"))
BY_LABEL = orders(Order("label", "sort_name"))
BY_POSITION = orders(Order("position", "position"))


class SourceListView(ApiView):
    area = "settings"
    tag = "Settings"

    @extend_schema(
        operation_id="sources_list",
        summary="List sources",
        parameters=paging_parameters(BY_NAME),
        responses=page_of_schema(SourceSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = Source.objects.annotate(sort_name=Lower("name"))
        return self.page(rows, BY_NAME, lambda rows: list(SourceSerializer(rows, many=True).data))

    @extend_schema(
        operation_id="sources_create",
        summary="Add a source",
        request=SourceCreateSerializer,
        responses={201: SourceSerializer},
    )
    def post(self, request: Request) -> Response:
        require(self.membership, "settings")
        values = self.read(SourceCreateSerializer)
        source = save_source(Source(), values, by=self.membership, now=self.now)
        return Response(SourceSerializer(source).data, status=201)


class SourceView(ApiView):
    area = "settings"
    tag = "Settings"

    @extend_schema(
        operation_id="sources_retrieve", summary="Read a source", responses=SourceSerializer
    )
    def get(self, request: Request, source_id: uuid.UUID) -> Response:
        self.refuse_unknown(set())
        return Response(SourceSerializer(find_one(Source.objects.all(), source_id)).data)

    @extend_schema(
        operation_id="sources_edit",
        summary="Edit a source",
        request=SourceEditSerializer,
        responses=SourceSerializer,
    )
    def patch(self, request: Request, source_id: uuid.UUID) -> Response:
        source = find_one(Source.objects.all(), source_id)
        require(self.membership, "settings")
        values = self.read(SourceEditSerializer)
        saved = save_source(source, values, by=self.membership, now=self.now)
        return Response(SourceSerializer(saved).data)


class PipelineListView(ApiView):
    area = "settings"
    tag = "Settings"

    @extend_schema(
        operation_id="pipelines_list",
        summary="List pipelines with their stages",
        parameters=paging_parameters(BY_LABEL),
        responses=page_of_schema(PipelineSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = Pipeline.objects.annotate(sort_name=Lower("label")).prefetch_related("stages")
        return self.page(
            rows, BY_LABEL, lambda rows: list(PipelineSerializer(rows, many=True).data)
        )


class PipelineView(ApiView):
    area = "settings"
    tag = "Settings"

    @extend_schema(
        operation_id="pipelines_retrieve",
        summary="Read a pipeline with its stages",
        responses=PipelineSerializer,
    )
    def get(self, request: Request, pipeline_id: uuid.UUID) -> Response:
        self.refuse_unknown(set())
        found = find_one(Pipeline.objects.prefetch_related("stages"), pipeline_id)
        return Response(PipelineSerializer(found).data)


class CloseReasonListView(ApiView):
    tag = "Settings"

    @extend_schema(
        operation_id="close_reasons_list",
        summary="List the reasons for closing a lead",
        parameters=paging_parameters(BY_POSITION),
        responses=page_of_schema(CloseReasonSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = CloseReason.objects.all()
        return self.page(
            rows, BY_POSITION, lambda rows: list(CloseReasonSerializer(rows, many=True).data)
        )


class CallOutcomeListView(ApiView):
    tag = "Settings"

    @extend_schema(
        operation_id="call_outcomes_list",
        summary="List how calls can end",
        description="A call is logged with the code of one. Its behaviour says what follows; "
        "those that were switched off are listed too.",
        parameters=paging_parameters(BY_POSITION),
        responses=page_of_schema(CallOutcomeSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = CallOutcome.objects.all()
        return self.page(
            rows, BY_POSITION, lambda rows: list(CallOutcomeSerializer(rows, many=True).data)
        )


class CustomFieldListView(ApiView):
    tag = "Settings"

    @extend_schema(
        operation_id="custom_fields_list",
        summary="List the workspace's own fields of leads",
        description="Their values stand in a lead's `attributes`, by id; writing and filtering "
        "take the key as well. Archived ones are listed too.",
        parameters=paging_parameters(BY_POSITION),
        responses=page_of_schema(CustomFieldSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = CustomField.objects.all()
        return self.page(
            rows, BY_POSITION, lambda rows: list(CustomFieldSerializer(rows, many=True).data)
        )


class CampaignListView(ApiView):
    tag = "Settings"

    @extend_schema(
        operation_id="campaigns_list",
        summary="List campaigns",
        parameters=paging_parameters(BY_NAME),
        responses=page_of_schema(CampaignSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = Campaign.objects.annotate(sort_name=Lower("name"))
        return self.page(rows, BY_NAME, lambda rows: list(CampaignSerializer(rows, many=True).data))

    @extend_schema(
        operation_id="campaigns_create",
        summary="Add a campaign",
        request=CampaignCreateSerializer,
        responses={201: CampaignSerializer},
    )
    def post(self, request: Request) -> Response:
        require(self.membership, "edit")
        campaign = people.add_campaign(**self.read(CampaignCreateSerializer), now=self.now)
        return Response(CampaignSerializer(campaign).data, status=201)
