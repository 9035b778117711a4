"""Staff's pages of imports. What stands in the files isn't shown: staff have no need of it."""

from __future__ import annotations

from django.contrib import admin

from leadcrm.workspaces.admin_tenant import TenantAdmin
from leads.models import Import, ImportMapping


@admin.register(Import)
class ImportAdmin(TenantAdmin):
    list_display = ("id", "workspace", "kind", "state", "rows", "created_at", "attempts")
    list_select_related = ("workspace",)
    list_filter = [*TenantAdmin.list_filter, "state"]
    ordering_within = ("-created_at",)
    search_fields = ("pk",)
    search_help_text = "Id of the import"
    fieldsets = (
        (None, {"fields": (("kind", "state"), "problem", "attempts")}),
        ("Belongs to", {"fields": ("workspace", "made_by")}),
        ("The file", {"fields": ("name", "size", "form", "encoding", "delimiter", "rows")}),
        ("Columns", {"fields": ("header_row", "headers", "mapping", "remembered", "options")}),
        ("Result", {"fields": ("counts", "effects")}),
        ("Dates", {"fields": ("created_at", "applied_at", "finished_at", "undone_at")}),
        ("The row", {"fields": ("id",)}),
    )


@admin.register(ImportMapping)
class ImportMappingAdmin(TenantAdmin):
    list_display = ("id", "workspace", "used_at")
    list_select_related = ("workspace",)
    ordering_within = ("-used_at",)
    search_fields = ("pk",)
    search_help_text = "Id of the mapping"
    fieldsets = (
        (None, {"fields": ("workspace", "shape", "mapping", "options", "used_at")}),
        ("The row", {"fields": ("id",)}),
    )
