"""Staff's pages of leads. What happens to a lead goes through the verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.admin_base import some_keys
from leadcrm.workspaces.admin_parts import Panel, verb
from leadcrm.workspaces.admin_tenant import TenantAdmin, any_workspace
from leadcrm.workspaces.scoping import group_by_workspace, workspace_scope
from leads import archiving, assignment, consent, lifecycle, searching, unmerging
from leads.batch import Refused, Result
from leads.models import (
    Activity,
    Appointment,
    BulkChunk,
    BulkRun,
    ExternalId,
    FieldSuggestion,
    Lead,
    LeadSearch,
    MergeJournal,
    Message,
    Task,
    UndoStep,
)

STAFF = Actor.system("admin", rank=Rank.PERSON)
ID_OF_LEAD = "Id of the row or of its lead"


def _of_the_same_person(lead: Lead) -> Mapping[str, Any] | None:
    return {"contact": lead.contact_id} if lead.contact_id else None


@admin.register(Lead)
class LeadAdmin(TenantAdmin):
    list_display = (
        "display_name", "workspace", "stage", "source_kind", "owner", "created_at", "archived_at",
    )  # fmt: skip
    filter_within = ("status",)
    ordering_within = ("-created_at",)
    list_select_related = ("workspace", "stage", "owner")
    list_columns = ("display_name", "source_kind", "created_at", "archived_at")
    search_fields = ("pk", "contact")
    search_help_text = "Name, company, e-mail, phone number, or id of the lead or person"
    actions = ("archive", "restore", "reopen", "release", "confirm", "forbid", "allow")
    fieldsets = (
        (
            None,
            {"fields": ("display_name", "email", "phone", "phone_raw", "company_name", "job_title",
                        "state", "country", "time_zone")},
        ),
        ("What they asked", {"fields": ("message", "answers", "notes", "label")}),
        (
            "Where it stands",
            {"fields": (("pipeline", "stage", "status"), ("attempt", "attempt_count"),
                        ("work_due_at", "snoozed_until", "returns_at"), "auto_close_at",
                        ("loss_reason", "unqualified_reason", "disqualification_reason"),
                        "reason_note", ("needs_review", "is_test"))},
        ),
        (
            "Whose it is",
            {"fields": ("workspace", ("owner", "team", "location"), ("contact", "company"), "deal",
                        "merged_into")},
        ),
        (
            "Where it came from",
            {"fields": (("source_kind", "source", "campaign"), "source_detail", "source_url",
                        "referrer",
                        ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"))},
        ),
        (
            "Milestones",
            {"fields": ("created_at", "first_touch_at", "first_response_at", "contacted_at",
                        "engaged_at", "mql_at", "qualified_at", "scheduled_at", "completed_at",
                        "converted_at", "lost_at", "disqualified_at", "last_activity_at"),
             "classes": ("collapse",)},
        ),
        (
            "Budget, score and sequences",
            {"fields": (("budget", "budget_currency"), "authority", "need", "timeline",
                        ("score_total", "score_band", "score_version"), "external_score",
                        ("website_visits", "content_downloads", "email_opens", "email_clicks"),
                        ("nurture_status", "next_nurture_step_at")),
             "classes": ("collapse",)},
        ),
        (
            "Raw",
            {"fields": ("provenance", "platform_ref", "first_touch", "last_touch", "attributes",
                        "enrichment"),
             "classes": ("collapse",)},
        ),
        (
            "The row",
            {"fields": ("id", "version", "inserted_at", "created_by", "archived_at",
                        "archive_reason")},
        ),
    )  # fmt: skip
    panels: ClassVar[list[Panel]] = [
        Panel(
            "Timeline", Activity, "lead",
            ("occurred_at", "get_kind_display", "from_stage", "to_stage", "actor", "via"),
            order=("-occurred_at", "-pk"), related=("actor", "from_stage", "to_stage"),
        ),
        Panel(
            "Messages", Message, "lead",
            ("occurred_at", "get_channel_display", "get_direction_display", "subject"),
            order=("-occurred_at",),
        ),
        Panel(
            "Appointments", Appointment, "lead", ("get_status_display", "scheduled_for", "host"),
            order=("-scheduled_for",), related=("host",),
        ),
        Panel(
            "Tasks", Task, "lead", ("title", "due_at", "assignee", "done_at"),
            order=("-due_at",), related=("assignee",),
        ),
        Panel(
            "Other leads of this person", Lead, _of_the_same_person,
            ("display_name", "stage", "owner", "created_at", "archived_at"),
            order=("-created_at",), related=("stage", "owner"), all_of_them=False,
        ),
        Panel(
            "Ids elsewhere", ExternalId, "lead", ("system", "external_id", "created_at"),
        ),
    ]  # fmt: skip

    def find(self, term: str) -> Sequence[Any]:
        return some_keys(searching.search(Lead.objects.all(), term))

    @verb("Remove", asks="Removed leads are out of lists, counts and timers until restored.")
    def archive(self, request: HttpRequest, leads: list[Lead]) -> None:
        self._do(request, leads, archiving.archive, "Removed", reason="By staff")

    @verb("Restore")
    def restore(self, request: HttpRequest, leads: list[Lead]) -> None:
        self._do(request, leads, archiving.restore, "Restored")

    @verb("Reopen", asks="Closed and resting leads start again as new, as a further try.")
    def reopen(self, request: HttpRequest, leads: list[Lead]) -> None:
        self._do(request, leads, lifecycle.reopen, "Reopened", note="By staff")

    @verb("Back to the pool", asks="These leads lose their owner, and their open tasks with them.")
    def release(self, request: HttpRequest, leads: list[Lead]) -> None:
        self._do(request, leads, assignment.assign, "Back to the pool", reason="by staff")

    @verb("Reviewed: let it stand")
    def confirm(self, request: HttpRequest, leads: list[Lead]) -> None:
        self._do(request, leads, archiving.confirm_review, "Reviewed")

    @verb(
        "Do not contact",
        asks="Every address and number of these people is marked: nobody may write or call.",
    )
    def forbid(self, request: HttpRequest, leads: list[Lead]) -> None:
        self._do(request, leads, consent.forbid, "Marked as not to be contacted", reason="By staff")

    @verb("May be contacted again", asks="The marks come off: these people asked for it.")
    def allow(self, request: HttpRequest, leads: list[Lead]) -> None:
        self._do(request, leads, consent.allow, "May be contacted again")

    def _do(
        self,
        request: HttpRequest,
        leads: list[Lead],
        act: Callable[..., Sequence[Result]],
        said: str,
        **how: Any,
    ) -> None:
        results: list[Result] = []
        for workspace_id, group in group_by_workspace(leads).items():
            with workspace_scope(workspace_id):
                ids = [lead.pk for lead in group]
                results += act(ids, by=STAFF, now=timezone.now(), **how)
        done = [result.lead for result in results if result.done]
        self.tell(request, done, said, [one.refusal.message for one in results if one.refusal])


@admin.register(LeadSearch)
class LeadSearchAdmin(TenantAdmin):
    list_display = ("lead_id", "workspace", "created_at")
    ordering_within = ("-created_at",)
    search_help_text = "Id of the lead"


@admin.register(ExternalId)
class ExternalIdAdmin(TenantAdmin):
    list_display = ("system", "external_id", "workspace", "lead", "created_at")
    ordering_within = ("system", "external_id")
    list_select_related = ("workspace", "lead")
    search_fields = ("pk", "lead")
    search_help_text = "system: id, such as crm: 4711; or id of the row or of its lead"

    def find(self, term: str) -> Sequence[Any]:
        system, _, key = (part.strip() for part in term.partition(":"))
        known = ExternalId.objects.filter(**any_workspace(), system=system, external_id=key)
        return some_keys(known)


@admin.register(FieldSuggestion)
class FieldSuggestionAdmin(TenantAdmin):
    search_within = True
    list_display = (
        "field", "source", "workspace", "lead", "suggested_at", "decided_at", "accepted",
    )  # fmt: skip
    list_select_related = ("workspace", "lead")
    search_fields = ("pk", "lead")
    search_help_text = ID_OF_LEAD


@admin.register(MergeJournal)
class MergeJournalAdmin(TenantAdmin):
    search_within = True
    list_display = ("root", "workspace", "made_by", "made_at", "undone_at")
    list_select_related = ("workspace", "root", "made_by")
    search_fields = ("pk", "root")
    search_help_text = "Id of the row or of the lead that was kept"
    actions = ("undo",)

    @verb("Un-merge", asks="What is still as merged is taken back; what was edited since is kept.")
    def undo(self, request: HttpRequest, journals: list[MergeJournal]) -> None:
        done, refused = [], []
        for journal in journals:
            try:
                with workspace_scope(journal.workspace_id):
                    unmerging.undo(journal, by=STAFF, now=timezone.now())
            except Refused as refusal:
                refused.append(refusal.message)
            else:
                done.append(journal)
        self.tell(request, done, "Un-merged", refused)


@admin.register(BulkRun)
class BulkRunAdmin(TenantAdmin):
    """What was done to many leads at once; kept for a month."""

    list_display = ("said", "workspace", "started_by", "started_at", "state", "total", "refused")
    list_filter = [*TenantAdmin.list_filter, "state"]
    list_select_related = ("workspace", "started_by")
    search_fields = ("pk", "started_by")
    search_help_text = "Id of the run or of the member who started it"
    exclude = ("leads",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("leads")


@admin.register(BulkChunk)
class BulkChunkAdmin(TenantAdmin):
    """What came of a stretch of leads."""

    list_display = ("run", "workspace", "start", "size", "undone_at")
    list_select_related = ("workspace", "run")
    search_fields = ("pk", "run")
    search_help_text = "Id of the row or of the bulk action"


@admin.register(UndoStep)
class UndoStepAdmin(TenantAdmin):
    """What can still be taken back; kept for a day."""

    list_display = ("said", "workspace", "lead", "made_by", "made_at", "undone_at")
    list_select_related = ("workspace", "lead", "made_by")
    search_fields = ("pk", "lead")
    search_help_text = ID_OF_LEAD
