"""What staff did and what they looked at."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.utils.html import format_html

from leadcrm.workspaces.admin_base import ReadOnlyAdmin
from leadcrm.workspaces.admin_tenant import TenantAdmin
from leadcrm.workspaces.models import SettingsChange, StaffVisit


@admin.register(StaffVisit)
class StaffVisitAdmin(TenantAdmin):
    """Who looked at which row. Looking at this list leaves no visit of its own."""

    list_display = ("at", "user", "what", "kind", "row_id", "workspace")
    list_select_related = ("workspace", "user")
    search_fields = ("row_id", "user")
    search_help_text = "Id of a row, or of a user"
    leaves_visits = False


@admin.register(SettingsChange)
class SettingsChangeAdmin(TenantAdmin):
    """Who changed which settings of a workspace."""

    list_display = ("at", "workspace", "actor", "area", "subject", "done")
    list_select_related = ("workspace", "actor")
    search_fields = ("pk",)
    search_help_text = "Id"
    leaves_visits = False


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    list_display = ("action_time", "user", "content_type", "row", "get_change_message")
    list_display_links = ("action_time",)
    list_select_related = ("user", "content_type")
    ordering: ClassVar = ["-pk"]
    search_fields = ("user",)
    search_help_text = "Id of a user"
    fields = ("action_time", "user", "content_type", "row", "get_change_message")

    @admin.display(description="row")
    def row(self, entry: LogEntry) -> str:
        url, key = entry.get_admin_url(), entry.object_id or ""
        return format_html('<a href="{}">{}</a>', url, key) if url else key

    @admin.display(description="what was done")
    def get_change_message(self, entry: LogEntry) -> str:
        return entry.get_change_message() or str(entry.get_action_flag_display())
