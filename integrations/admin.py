"""Staff's page of what came in."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from integrations.models import InboundEvent
from leadcrm.workspaces.admin_base import TenantAdmin

SHOWN = 20_000  # bytes of a payload


@admin.register(InboundEvent)
class InboundEventAdmin(TenantAdmin):
    list_display = (
        "id",
        "workspace",
        "source",
        "provider",
        "state",
        "result",
        "received_at",
        "attempts",
    )
    list_filter = [*TenantAdmin.list_filter, "state", "result", "provider"]
    list_select_related = ("workspace", "source")
    search_fields = ("=dedupe_key", "=lead__id")
    readonly_fields: ClassVar = ("payload",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundEvent]:
        return super().get_queryset(request).defer("body")  # a list has no use for the payloads

    @admin.display(description="payload")
    def payload(self, event: InboundEvent) -> str:
        """The body as text; what isn't UTF-8 shows as replacement characters."""
        return bytes(event.body)[:SHOWN].decode("utf-8", "replace")
