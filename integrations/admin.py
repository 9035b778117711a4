"""Staff's page of what came in."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html

from integrations import inbox
from integrations.models import InboundEvent
from leadcrm.workspaces.admin_base import some_keys
from leadcrm.workspaces.admin_parts import SHOWN, Panel, as_text, verb
from leadcrm.workspaces.admin_tenant import TenantAdmin
from leadcrm.workspaces.models import StaffVisit
from leads.admin.leads import LeadAdmin
from leads.admin.settings import SourceAdmin
from leads.models import Source

BYTES_PER_CHARACTER = 4


class StateFilter(admin.SimpleListFilter):
    """What waits or failed: few rows, under an index of their own. Done is nearly all of them."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        states = InboundEvent.State
        return [(one.value, str(one.label)) for one in (states.FAILED, states.WAITING)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        is_offered = self.value() in {value for value, _ in self.lookup_choices}
        return queryset.filter(state=self.value()) if is_offered else None


@admin.register(InboundEvent)
class InboundEventAdmin(TenantAdmin):
    list_display = (
        "id", "workspace", "source", "provider", "state", "result", "received_at", "attempts",
    )  # fmt: skip
    list_filter = [*TenantAdmin.list_filter, StateFilter]
    ordering_within = ("-received_at", "id")
    list_select_related = ("workspace", "source")
    list_columns = ("provider", "state", "result", "received_at", "attempts", "lead")
    search_fields = ("pk", "lead", "source")
    search_help_text = "Id of the row, of its lead or of its source, or the sender's id"
    actions = ("handle_again",)
    fieldsets = (
        (
            None,
            {"fields": ("provider", "source", "workspace", ("state", "result"), "note", "lead",
                        "person")},
        ),
        ("Handling", {"fields": ("received_at", "attempts", "run_at", "handled_at")}),
        ("As it was received", {"fields": ("payload", "content_type", "headers", "dedupe_key",
                                           "id")}),
    )  # fmt: skip

    def get_urls(self) -> list[Any]:
        download = self.admin_site.admin_view(self.download)
        name = "integrations_inboundevent_payload"
        return [path("<uuid:object_id>/payload/", download, name=name), *super().get_urls()]

    def find(self, term: str) -> Sequence[Any]:
        # By way of the sources: the index of these ids begins with them.
        sources = Source.objects.values("pk")
        return some_keys(InboundEvent.objects.filter(source__in=sources, dedupe_key=term))

    @admin.display(description="payload")
    def payload(self, event: InboundEvent) -> str:
        """The body as text; what isn't UTF-8 shows as replacement characters."""
        body = bytes(event.body)
        text = body[: SHOWN * BYTES_PER_CHARACTER].decode("utf-8", "replace")
        url = reverse("admin:integrations_inboundevent_payload", args=[event.pk])
        link = format_html('<a href="{}">Download ({} bytes)</a>', url, f"{len(body):,}")
        return format_html("{}<p>{}</p>", as_text(text), link)

    def download(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """The payload to the byte, as a file: no browser runs what a stranger sent."""
        event: Any = self.get_object(request, str(object_id))
        if not self.has_view_or_change_permission(request, event):
            raise PermissionDenied
        if event is None:
            raise Http404
        self.note_visit(request, event, StaffVisit.What.DOWNLOADED)
        return HttpResponse(
            bytes(event.body),
            content_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="{event.pk}.bin"'},
        )

    @verb(
        "Handle again",
        asks="What failed, or made no lead, is read again within a second or two. What made a "
        "lead is left alone.",
    )
    def handle_again(self, request: HttpRequest, events: list[InboundEvent]) -> None:
        again = inbox.handle_again([event.pk for event in events], timezone.now())
        done = [event for event in events if event.pk in again]
        left = [event for event in events if event.pk not in again]
        refused = ["It made a lead, or waits already." for _ in left]
        self.tell(request, done, "Will be handled again", refused)


RECEIVED = ("received_at", "source", "get_state_display", "get_result_display", "note")
LeadAdmin.panels.append(
    Panel("Received items", InboundEvent, "lead", RECEIVED, order=("-pk",), related=("source",))
)
SourceAdmin.panels.append(
    Panel(
        "Received items", InboundEvent, "source",
        ("received_at", "get_state_display", "get_result_display", "person", "note"),
        order=("-received_at",),
    )
)  # fmt: skip
