"""Staff's pages of leads, people and the log. What happens to a lead goes through the verbs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.admin_base import ConfigAdmin, ReadOnlyAdmin, TenantAdmin
from leadcrm.workspaces.scoping import group_by_workspace, workspace_scope
from leads import archiving, events, lag, searching, sources
from leads.batch import Result
from leads.models import (
    Activity,
    Appointment,
    Campaign,
    CloseReason,
    Company,
    Contact,
    ContactKey,
    Cursor,
    Deal,
    ExternalId,
    FieldSuggestion,
    Lead,
    LeadSearch,
    MergeJournal,
    Message,
    Parking,
    Pipeline,
    Source,
    SourceDay,
    Stage,
    Task,
)

STAFF = Actor.system("admin", rank=Rank.PERSON)


@admin.register(Lead)
class LeadAdmin(TenantAdmin):
    list_display = (
        "display_name",
        "workspace",
        "stage",
        "source_kind",
        "owner",
        "created_at",
        "archived_at",
    )
    list_filter = [*TenantAdmin.list_filter, "status", "source_kind", "is_test", "needs_review"]
    list_select_related = ("workspace", "stage", "owner")
    search_fields = ("pk",)
    search_help_text = "Name, company, e-mail or phone number"
    actions = ("archive", "restore")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Lead], search_term: str
    ) -> tuple[QuerySet[Lead], bool]:
        return searching.search(queryset, search_term), False

    @admin.action(description="Remove", permissions=["work"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Lead]) -> None:
        self._do(request, queryset, archiving.archive, "Removed", reason="By staff")

    @admin.action(description="Restore", permissions=["work"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Lead]) -> None:
        self._do(request, queryset, archiving.restore, "Restored")

    def _do(
        self,
        request: HttpRequest,
        queryset: QuerySet[Lead],
        verb: Callable[..., Sequence[Result]],
        said: str,
        **how: Any,
    ) -> None:
        results: list[Result] = []
        chosen = list(queryset.select_related(None).only("pk", "workspace"))
        for workspace_id, leads in group_by_workspace(chosen).items():
            with workspace_scope(workspace_id):
                ids = [lead.pk for lead in leads]
                results += verb(ids, by=STAFF, now=timezone.now(), **how)
        done = [result.lead for result in results if result.done]
        self.note_action(request, done, said)
        self.message_user(request, f"{len(done)} done.", messages.SUCCESS)
        for result in results:
            if result.refusal is not None:
                self.message_user(
                    request, f"{result.lead_id}: {result.refusal.message}", messages.ERROR
                )


@admin.register(Activity)
class ActivityAdmin(TenantAdmin):
    list_display = (
        "id",
        "kind",
        "workspace",
        "lead_id",
        "occurred_at",
        "lane",
        "actor_kind",
        "via",
        "depth",
    )
    list_filter = [*TenantAdmin.list_filter, "lane", "actor_kind"]
    search_fields = ("=lead__id",)
    search_help_text = "Id of a lead"


@admin.register(Cursor)
class CursorAdmin(ReadOnlyAdmin):
    list_display = (
        "subscriber",
        "lane",
        "rows_waiting",
        "behind",
        "advanced_at",
        "xid",
        "activity_id",
    )
    list_filter = ("lane",)
    ordering = ("subscriber", "lane")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return lag.with_lag(super().get_queryset(request))

    @admin.display(description="rows waiting")
    def rows_waiting(self, cursor: Any) -> str:
        count = cursor.rows_waiting
        return f"{lag.COUNTED_TO:,} or more" if count >= lag.COUNTED_TO else f"{count:,}"

    @admin.display(description="behind")
    def behind(self, cursor: Any) -> str:
        return f"{lag.seconds_since(cursor.oldest_waiting, timezone.now()):,.0f} s"


@admin.register(Parking)
class ParkingAdmin(TenantAdmin):
    list_display = (
        "subscriber", "lane", "workspace", "lead_id", "rows", "error", "attempts", "parked_at", "retry_at",
    )  # fmt: skip
    list_filter = [*TenantAdmin.list_filter, "subscriber", "lane"]
    ordering = ("-parked_at",)
    actions = ("retry",)

    @admin.display(description="rows waiting")
    def rows(self, parking: Parking) -> int:
        return len(parking.activity_ids)

    @admin.action(description="Retry", permissions=["work"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Parking]) -> None:
        chosen = list(queryset)
        count = events.retry_now(chosen, timezone.now())
        self.note_action(request, chosen, "Retried")
        self.message_user(
            request, f"{count} will be tried within a second or two.", messages.SUCCESS
        )


@admin.register(Contact)
class ContactAdmin(TenantAdmin):
    list_display = (
        "display_name",
        "workspace",
        "email",
        "phone",
        "company",
        "stage",
        "merged_into_id",
    )
    list_filter = [*TenantAdmin.list_filter, "stage"]
    list_select_related = ("workspace", "company")
    search_fields = ("display_name", "email", "phone")


@admin.register(ContactKey)
class ContactKeyAdmin(TenantAdmin):
    list_display = ("value", "kind", "workspace", "contact", "shared", "do_not_contact_at")
    list_filter = [*TenantAdmin.list_filter, "kind", "shared"]
    list_select_related = ("workspace", "contact")
    search_fields = ("=value",)


@admin.register(Company)
class CompanyAdmin(TenantAdmin):
    list_display = ("name", "workspace", "domain", "country", "created_at")
    search_fields = ("name", "domain")


@admin.register(Message)
class MessageAdmin(TenantAdmin):
    list_display = ("id", "channel", "direction", "workspace", "lead_id", "occurred_at")
    list_filter = [*TenantAdmin.list_filter, "channel", "direction"]
    search_fields = ("=lead__id", "=external_id")


@admin.register(Appointment)
class AppointmentAdmin(TenantAdmin):
    list_display = ("id", "workspace", "lead", "status", "scheduled_for", "host", "matched_via")
    list_filter = [*TenantAdmin.list_filter, "status", "matched_via"]
    list_select_related = ("workspace", "lead", "host")
    search_fields = ("=lead__id", "=external_ref")


@admin.register(Task)
class TaskAdmin(TenantAdmin):
    list_display = ("title", "workspace", "lead", "kind", "due_at", "assignee", "done_at")
    list_filter = [*TenantAdmin.list_filter, "kind"]
    list_select_related = ("workspace", "lead", "assignee")
    search_fields = ("=lead__id",)


@admin.register(Deal)
class DealAdmin(TenantAdmin):
    list_display = (
        "name",
        "workspace",
        "lead",
        "owner",
        "value",
        "currency",
        "stage",
        "created_at",
    )
    list_select_related = ("workspace", "lead", "owner")
    search_fields = ("name", "=lead__id")


@admin.register(ExternalId)
class ExternalIdAdmin(TenantAdmin):
    list_display = ("system", "external_id", "workspace", "lead", "created_at")
    list_select_related = ("workspace", "lead")
    search_fields = ("=external_id", "=lead__id")


@admin.register(FieldSuggestion)
class FieldSuggestionAdmin(TenantAdmin):
    list_display = (
        "field",
        "source",
        "workspace",
        "lead",
        "suggested_at",
        "decided_at",
        "accepted",
    )
    list_select_related = ("workspace", "lead")
    search_fields = ("=lead__id",)


@admin.register(LeadSearch)
class LeadSearchAdmin(TenantAdmin):
    list_display = ("lead_id", "workspace", "created_at")
    search_fields = ("=lead__id",)


@admin.register(MergeJournal)
class MergeJournalAdmin(TenantAdmin):
    list_display = ("root", "workspace", "made_by", "made_at", "undone_at")
    list_select_related = ("workspace", "root", "made_by")
    search_fields = ("=root__id",)


@admin.register(SourceDay)
class SourceDayAdmin(TenantAdmin):
    list_display = ("source", "workspace", "day", "created", "repeated")
    list_select_related = ("workspace", "source")
    search_fields = ("source__name",)


@admin.register(Source)
class SourceAdmin(ConfigAdmin):
    list_display = ("name", "workspace", "kind", "is_active", "public_key", "created_at")
    list_filter = [*ConfigAdmin.list_filter, "kind", "is_active"]
    search_fields = ("name", "=public_key")
    fixed = ["kind", "public_key"]

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        sources.save_source(obj, form.cleaned_data)


@admin.register(Campaign)
class CampaignAdmin(ConfigAdmin):
    list_display = ("name", "workspace", "channel", "external_id")
    search_fields = ("name", "=external_id")


@admin.register(Pipeline)
class PipelineAdmin(ConfigAdmin):
    list_display = ("label", "workspace", "key", "template", "is_default", "retired_at")
    search_fields = ("label", "key")
    fixed = ["key", "is_default", "retired_at"]


@admin.register(Stage)
class StageAdmin(ConfigAdmin):
    list_display = ("label", "pipeline", "workspace", "status", "outcome", "position", "retired_at")
    list_filter = [*ConfigAdmin.list_filter, "status"]
    list_select_related = ("workspace", "pipeline")
    search_fields = ("label", "key")
    fixed = [
        "key", "status", "outcome", "position", "next_keys", "required_fields", "no_contact_days",
        "idle_days", "retired_at",
    ]  # fmt: skip


@admin.register(CloseReason)
class CloseReasonAdmin(ConfigAdmin):
    list_display = ("label", "workspace", "code", "outcome", "position", "retired_at")
    search_fields = ("label", "code")
    fixed = ["code", "outcome", "unqualified_code"]
