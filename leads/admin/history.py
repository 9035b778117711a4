"""Staff's pages of the log and its readers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from leadcrm.workspaces.admin_base import ReadOnlyAdmin
from leadcrm.workspaces.admin_parts import verb
from leadcrm.workspaces.admin_tenant import TenantAdmin
from leads import events, lag
from leads.models import Activity, Cursor, Parking


@admin.register(Activity)
class ActivityAdmin(TenantAdmin):
    list_display = (
        "id", "kind", "workspace", "lead", "occurred_at", "lane", "actor_kind", "via", "depth",
    )  # fmt: skip
    ordering_within = ("-xid", "-pk")
    list_select_related = ("workspace", "lead")
    search_fields = ("pk", "lead", "contact")
    search_help_text = "Number of the row, or id of a lead or person"
    fieldsets = (
        (None, {"fields": ("kind", "occurred_at", "reason")}),
        (
            "Stage",
            {"fields": (("from_stage", "to_stage"), ("from_status", "to_status"))},
        ),
        ("Belongs to", {"fields": ("workspace", "lead", "contact", "deal")}),
        ("Who did it", {"fields": ("actor_kind", "actor", "token", "via")}),
        (
            "Its place in the log",
            {"fields": ("id", "xid", "lane", "recorded_at", "caused_by", "depth", "dedupe_key")},
        ),
        ("Raw", {"fields": ("subject_type", "subject_id", "data")}),
    )


@admin.register(Cursor)
class CursorAdmin(ReadOnlyAdmin):
    list_display = (
        "subscriber", "lane", "rows_waiting", "behind", "advanced_at", "xid", "activity_id",
    )  # fmt: skip
    list_filter = ("lane",)
    ordering = ("subscriber", "lane")
    text_fields = ("subscriber",)
    search_help_text = "Name of the reader"

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
        "subscriber", "lane", "workspace", "lead", "rows", "error", "attempts", "parked_at", "retry_at",
    )  # fmt: skip
    list_filter = [*TenantAdmin.list_filter, "subscriber", "lane"]
    ordering = ("-parked_at",)
    ordering_within = ("-parked_at",)
    search_fields = ("pk", "lead_id")
    search_help_text = "Id of the row or of its lead"
    actions = ("retry",)
    fieldsets = (
        (None, {"fields": (("subscriber", "lane"), "workspace", "lead", "error")}),
        ("Retries", {"fields": ("attempts", "parked_at", "retry_at")}),
        ("Rows of the log that wait", {"fields": ("activity_ids", "id")}),
    )

    @admin.display(description="lead")
    def lead(self, parking: Parking) -> str:
        if parking.lead_id is None:
            return "–"
        url = reverse("admin:leads_lead_change", args=[parking.lead_id])
        return format_html('<a href="{}">{}</a>', url, parking.lead_id)

    @admin.display(description="rows waiting")
    def rows(self, parking: Parking) -> int:
        return len(parking.activity_ids)

    @verb("Retry now")
    def retry(self, request: HttpRequest, parkings: list[Parking]) -> None:
        events.retry_now(parkings, timezone.now())
        self.tell(request, parkings, "Will be tried within a second or two")
