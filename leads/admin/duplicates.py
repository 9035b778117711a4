"""Staff's pages of the duplicate finder: its pairs, what it compares by, how far it is, its rules."""

from __future__ import annotations

from django.contrib import admin

from leadcrm.workspaces.admin_tenant import TenantAdmin
from leads.models import (
    BlockingKey,
    DuplicatePair,
    DuplicateRule,
    DuplicateScan,
    MatchProfile,
)


@admin.register(DuplicatePair)
class DuplicatePairAdmin(TenantAdmin):
    list_display = ("id", "workspace", "first_lead", "second_lead", "score", "state", "decided_by")
    list_select_related = ("workspace", "first_lead", "second_lead", "decided_by")
    search_fields = ("pk", "first_lead", "second_lead")
    search_help_text = "Id of the pair or of one of its leads"


@admin.register(MatchProfile)
class MatchProfileAdmin(TenantAdmin):
    list_display = ("id", "workspace", "lead", "name", "company")
    list_select_related = ("workspace", "lead")
    search_fields = ("pk", "lead")
    search_help_text = "Id of the person or of the lead by which they are shown"


@admin.register(BlockingKey)
class BlockingKeyAdmin(TenantAdmin):
    list_display = ("id", "workspace", "kind", "value", "profile")
    list_select_related = ("workspace",)
    search_fields = ("pk", "profile")
    search_help_text = "Number of the row, or id of the person"
    leaves_visits = False  # hashes, which name nobody


@admin.register(DuplicateScan)
class DuplicateScanAdmin(TenantAdmin):
    list_display = ("workspace", "phase", "looked_at", "started_at", "finished_at")
    list_select_related = ("workspace",)
    search_fields = ("pk",)
    search_help_text = "Id of the row"
    leaves_visits = False


@admin.register(DuplicateRule)
class DuplicateRuleAdmin(TenantAdmin):
    list_display = ("match", "door", "action", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("pk",)
    search_help_text = "Id of the row"
    leaves_visits = False
