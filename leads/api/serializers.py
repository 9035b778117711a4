"""How leads, people and the settings of pipelines are shown."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

from leadcrm.workspaces.api.fields import link_id
from leadcrm.workspaces.api.shown import ShownSerializer
from leadcrm.workspaces.models import Membership
from leads.models import (
    CallOutcome,
    Campaign,
    CloseReason,
    Company,
    Contact,
    CustomField,
    Deal,
    Lead,
    Pipeline,
    Source,
    Stage,
)

INCLUDED = ("contact", "company", "campaign", "deal", "source", "owner")


class MemberRefSerializer(ShownSerializer[Membership]):
    class Meta:
        model = Membership
        fields: ClassVar = ("id", "name", "kind")
        read_only_fields = fields


class CampaignSerializer(ShownSerializer[Campaign]):
    class Meta:
        model = Campaign
        fields: ClassVar = ("id", "name", "channel", "external_id", "created_at")
        read_only_fields = fields


class StageRefSerializer(ShownSerializer[Stage]):
    class Meta:
        model = Stage
        fields: ClassVar = ("id", "key", "label", "outcome")
        read_only_fields = fields


class StageSerializer(ShownSerializer[Stage]):
    class Meta:
        model = Stage
        fields: ClassVar = (
            "id", "key", "label", "status", "outcome", "position", "next_keys", "required_fields",
            "no_contact_days", "idle_days", "retired_at",
        )  # fmt: skip
        read_only_fields = fields


class PipelineSerializer(ShownSerializer[Pipeline]):
    stages = StageSerializer(many=True, read_only=True)

    class Meta:
        model = Pipeline
        fields: ClassVar = (
            "id", "key", "label", "template", "is_default", "creates_deal", "retired_at", "stages",
        )  # fmt: skip
        read_only_fields = fields


class CloseReasonSerializer(ShownSerializer[CloseReason]):
    unqualified_code = serializers.CharField(
        read_only=True, help_text="Recorded as well where the lead was never qualified."
    )

    class Meta:
        model = CloseReason
        fields: ClassVar = (
            "id", "code", "label", "outcome", "unqualified_code", "note_length", "follow_up_days",
            "returnable", "forbids_contact", "position", "retired_at",
        )  # fmt: skip
        read_only_fields = fields


class CallOutcomeSerializer(ShownSerializer[CallOutcome]):
    class Meta:
        model = CallOutcome
        fields: ClassVar = ("id", "code", "label", "behaviour", "position", "retired_at")
        read_only_fields = fields


class CustomFieldSerializer(ShownSerializer[CustomField]):
    class Meta:
        model = CustomField
        fields: ClassVar = (
            "id", "key", "label", "kind", "help", "options", "required", "position", "archived_at",
        )  # fmt: skip
        read_only_fields = fields


class SourceSerializer(ShownSerializer[Source]):
    pipeline_id = link_id()
    owner_id = link_id()
    team_id = link_id()
    location_id = link_id()
    campaign_id = link_id()
    thanks_url = serializers.CharField(read_only=True)

    class Meta:
        model = Source
        fields: ClassVar = (
            "id", "name", "kind", "public_key", "is_active", "pipeline_id", "owner_id", "team_id",
            "location_id", "campaign_id", "answer_minutes", "allowed_origins", "form_title",
            "thanks_message", "thanks_url", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class SourceRefSerializer(ShownSerializer[Source]):
    class Meta:
        model = Source
        fields: ClassVar = ("id", "name", "kind")
        read_only_fields = fields


class CompanySerializer(ShownSerializer[Company]):
    class Meta:
        model = Company
        fields: ClassVar = (
            "id", "version", "name", "domain", "phone", "state", "country", "enrollment", "notes",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields


class ContactSerializer(ShownSerializer[Contact]):
    company_id = link_id()

    class Meta:
        model = Contact
        fields: ClassVar = (
            "id", "version", "display_name", "first_name", "last_name", "email", "phone",
            "company_id", "company_name", "job_title", "state", "country", "time_zone", "stage",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields


class DealSerializer(ShownSerializer[Deal]):
    lead_id = link_id()
    contact_id = link_id()
    company_id = link_id()
    owner_id = link_id()
    campaign_id = link_id()

    class Meta:
        model = Deal
        fields: ClassVar = (
            "id", "name", "stage", "value", "currency", "lead_id", "contact_id", "company_id",
            "owner_id", "campaign_id", "source_kind", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class LeadSerializer(ShownSerializer[Lead]):
    """A lead. What `include` asks for is there as objects, besides the ids."""

    stage = StageRefSerializer(read_only=True)
    segment = serializers.CharField(
        read_only=True, help_text="enterprise, mid_market, smb or empty"
    )
    attributes = serializers.DictField(
        read_only=True, help_text="Values of the workspace's own fields, by their id."
    )
    score_band = serializers.CharField(read_only=True, help_text="cold, warm, hot or empty")
    source_id = link_id()
    campaign_id = link_id()
    contact_id = link_id()
    company_id = link_id()
    owner_id = link_id()
    team_id = link_id()
    location_id = link_id()
    pipeline_id = serializers.UUIDField(read_only=True)
    deal_id = link_id()
    merged_into_id = link_id()
    created_by_id = link_id()
    contact = ContactSerializer(read_only=True, allow_null=True, required=False)
    company = CompanySerializer(read_only=True, allow_null=True, required=False)
    campaign = CampaignSerializer(read_only=True, allow_null=True, required=False)
    deal = DealSerializer(read_only=True, allow_null=True, required=False)
    source = SourceRefSerializer(  # type: ignore[assignment]
        read_only=True, allow_null=True, required=False
    )
    owner = MemberRefSerializer(read_only=True, allow_null=True, required=False)

    class Meta:
        model = Lead
        fields: ClassVar = (
            "id", "version",
            "display_name", "first_name", "last_name", "email", "phone", "phone_raw",
            "company_name", "job_title", "state", "country", "time_zone", "message", "answers",
            "notes", "label", "enrollment", "segment",
            "source_kind", "source_id", "source_detail", "campaign_id", "source_url", "referrer",
            "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
            "first_touch", "last_touch", "platform_ref",
            "budget", "budget_currency", "authority", "need", "timeline",
            "contact_id", "company_id", "owner_id", "team_id", "location_id",
            "pipeline_id", "stage", "status", "stage_entered_at", "attempt", "attempt_started_at",
            "first_touch_at", "first_response_at", "first_response_self_reported", "answer_due_at",
            "attempt_count", "contacted_at", "engaged_at", "mql_at", "qualified_at", "scheduled_at",
            "completed_at", "converted_at", "lost_at", "disqualified_at", "loss_reason",
            "unqualified_reason", "disqualification_reason", "reason_note", "returns_at", "deal_id",
            "score_total", "score_band", "score_version", "score_updated_at", "external_score",
            "website_visits", "content_downloads", "email_opens", "email_clicks", "demo_requested",
            "nurture_status", "current_sequence_id", "next_nurture_step_at", "enrichment",
            "attributes", "provenance",
            "work_due_at", "unread_since", "auto_close_at", "snoozed_until", "last_activity_at",
            "is_test", "needs_review", "created_by_id", "created_at", "inserted_at", "archived_at",
            "archive_reason", "merged_into_id",
            *INCLUDED,
        )  # fmt: skip
        read_only_fields = fields

    def __init__(self, *args: Any, include: Collection[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left_out = () if include is None else set(INCLUDED) - set(include)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        return {name: one for name, one in fields.items() if name not in self.left_out}


class LeadComponent(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Tells the OpenAPI document that the included objects are there only when asked for."""

    target_class = "leads.api.serializers.LeadSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(
            self.target, direction, bypass_extensions=True
        )
        schema["required"] = [name for name in schema["required"] if name not in INCLUDED]
        return schema
