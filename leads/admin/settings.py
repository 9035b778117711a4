"""Staff's pages of a workspace's sources, pipelines and reasons."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from leadcrm.workspaces.admin_parts import Panel
from leadcrm.workspaces.admin_tenant import ConfigAdmin, InWorkspaceForm, TenantAdmin
from leads import sources
from leads.models import (
    CallOutcome,
    Campaign,
    CloseReason,
    CustomField,
    Pipeline,
    RoutingRule,
    RoutingSeat,
    SettingsJob,
    Source,
    SourceDay,
    Stage,
)
from leads.origins import NotASite, read_sites


class SourceForm(InWorkspaceForm):
    """Names a site that is none."""

    def clean_allowed_origins(self) -> list[str]:
        try:
            return read_sites(self.cleaned_data["allowed_origins"] or [])
        except NotASite as error:
            raise ValidationError(str(error)) from None


@admin.register(Source)
class SourceAdmin(ConfigAdmin):
    form = SourceForm
    list_display = ("name", "workspace", "kind", "is_active", "public_key", "created_at")
    list_filter = [*ConfigAdmin.list_filter, "kind", "is_active"]
    text_fields = ("name", "public_key")
    search_help_text = "Name, key or id"
    fixed = ["kind", "public_key"]
    fieldsets = (
        (None, {"fields": ("name", "kind", "is_active", "public_key")}),
        (
            "What becomes of its leads",
            {"fields": ("pipeline", "owner", "team", "location", "campaign", "answer_minutes")},
        ),
        (
            "Form",
            {"fields": ("allowed_origins", "form_title", "form_fields", "thanks_message",
                        "thanks_url")},
        ),
        ("The row", {"fields": ("id", "workspace", "created_at")}),
    )  # fmt: skip
    panels: ClassVar[list[Panel]] = [
        Panel(
            "Enquiries a day", SourceDay, "source", ("day", "created", "repeated"),
            order=("-day",), all_of_them=False,
        )
    ]  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        sources.save_source(obj, form.cleaned_data, by=None, now=timezone.now())


@admin.register(SourceDay)
class SourceDayAdmin(TenantAdmin):
    list_display = ("source", "workspace", "day", "created", "repeated")
    list_select_related = ("workspace", "source")
    search_fields = ("pk", "source")
    search_help_text = "Id of the source"
    leaves_visits = False  # counts, of nobody in particular


@admin.register(RoutingRule)
class RoutingRuleAdmin(TenantAdmin):
    list_display = ("id", "workspace", "is_active", "open_cap", "day_cap", "last_member")
    list_select_related = ("workspace", "last_member")
    search_fields = ("pk",)
    search_help_text = "Id of the row"
    leaves_visits = False  # nothing personal is on it


@admin.register(RoutingSeat)
class RoutingSeatAdmin(TenantAdmin):
    list_display = ("member", "workspace", "position", "counted_on", "counted")
    list_select_related = ("workspace", "member")
    search_fields = ("pk", "member")
    search_help_text = "Id of the row or of the member"
    leaves_visits = False


@admin.register(Campaign)
class CampaignAdmin(ConfigAdmin):
    list_display = ("name", "workspace", "channel", "external_id")
    text_fields = ("name", "external_id")
    search_help_text = "Name or id"


@admin.register(Pipeline)
class PipelineAdmin(ConfigAdmin):
    list_display = ("label", "workspace", "key", "template", "is_default", "retired_at")
    text_fields = ("label", "key")
    search_help_text = "Label, key or id"
    fixed = ["key", "is_default", "retired_at"]
    panels: ClassVar = [
        Panel(
            "Stages", Stage, "pipeline",
            ("label", "get_status_display", "get_outcome_display", "position", "retired_at"),
            order=("position",), all_of_them=False,
        )
    ]  # fmt: skip


@admin.register(Stage)
class StageAdmin(ConfigAdmin):
    list_display = ("label", "pipeline", "workspace", "status", "outcome", "position", "retired_at")
    list_filter = [*ConfigAdmin.list_filter, "status"]
    list_select_related = ("workspace", "pipeline")
    text_fields = ("label", "key")
    search_help_text = "Label, key or id"
    fixed = [
        "key", "status", "outcome", "position", "next_keys", "required_fields", "no_contact_days",
        "idle_days", "retired_at",
    ]  # fmt: skip


@admin.register(CloseReason)
class CloseReasonAdmin(ConfigAdmin):
    list_display = ("label", "workspace", "code", "outcome", "position", "retired_at")
    list_filter = [*ConfigAdmin.list_filter, "outcome"]
    text_fields = ("label", "code")
    search_help_text = "Label, code or id"
    fixed = ["code", "outcome", "unqualified_code", "retired_at"]


@admin.register(CallOutcome)
class CallOutcomeAdmin(ConfigAdmin):
    list_display = ("label", "workspace", "code", "behaviour", "position", "retired_at")
    list_filter = [*ConfigAdmin.list_filter, "behaviour"]
    text_fields = ("label", "code")
    search_help_text = "Label, code or id"
    fixed = ["code", "behaviour", "retired_at"]


@admin.register(CustomField)
class CustomFieldAdmin(ConfigAdmin):
    list_display = ("label", "workspace", "key", "kind", "position", "archived_at")
    list_filter = [*ConfigAdmin.list_filter, "kind"]
    text_fields = ("label", "key")
    search_help_text = "Label, key or id"
    fixed = ["key", "kind", "options", "position", "archived_at"]


@admin.register(SettingsJob)
class SettingsJobAdmin(TenantAdmin):
    """What a change of settings means for many leads, and how far it is."""

    list_display = ("kind", "workspace", "created_at", "total", "done", "refused", "finished_at")
    list_select_related = ("workspace",)
    search_fields = ("pk",)
    search_help_text = "Id"
    leaves_visits = False
