"""Staff's pages of saved views."""

from __future__ import annotations

from django.contrib import admin

from leadcrm.workspaces.admin_tenant import TenantAdmin
from leads.models import DefaultView, SavedView, SavedViewColumn, SavedViewFilter


@admin.register(SavedView)
class SavedViewAdmin(TenantAdmin):
    list_display = ("name", "workspace", "owner", "is_shared", "is_pinned", "layout")
    list_select_related = ("workspace", "owner")
    search_fields = ("pk", "owner")
    search_help_text = "Id of the view or of its owner"


@admin.register(SavedViewFilter)
class SavedViewFilterAdmin(TenantAdmin):
    list_display = ("name", "operator", "value", "group", "view", "workspace")
    list_select_related = ("workspace", "view")
    search_fields = ("pk", "view")
    search_help_text = "Id of the filter or of its view"


@admin.register(SavedViewColumn)
class SavedViewColumnAdmin(TenantAdmin):
    list_display = ("key", "position", "view", "workspace")
    list_select_related = ("workspace", "view")
    search_fields = ("pk", "view")
    search_help_text = "Id of the column or of its view"


@admin.register(DefaultView)
class DefaultViewAdmin(TenantAdmin):
    """With which view the list opens, for a member or for all."""

    list_display = ("view", "membership", "workspace")
    list_select_related = ("workspace", "view", "membership")
    search_fields = ("pk", "view", "membership")
    search_help_text = "Id of the row, of its view or of its member"
