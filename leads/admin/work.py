"""Staff's pages of what is planned and agreed with leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin

from leadcrm.workspaces.admin_base import some_keys
from leadcrm.workspaces.admin_tenant import TenantAdmin, any_workspace
from leads.admin.leads import ID_OF_LEAD
from leads.models import Appointment, Deal, Message, Notification, Task


@admin.register(Message)
class MessageAdmin(TenantAdmin):
    search_within = True
    list_display = ("id", "channel", "direction", "workspace", "lead", "occurred_at")
    list_select_related = ("workspace", "lead")
    search_fields = ("pk", "lead")
    search_help_text = "Id of the row or of its lead, or the id that another system knows it by"
    fieldsets = (
        (None, {"fields": (("channel", "direction"), "subject", "body")}),
        ("Belongs to", {"fields": ("workspace", "lead", "author")}),
        ("Dates", {"fields": ("occurred_at", "created_at", "edited_at")}),
        ("The row", {"fields": ("id", "thread", "external_id", "meta")}),
    )

    def find(self, term: str) -> Sequence[Any]:
        known = Message.objects.exclude(external_id="").filter(
            **any_workspace(), channel__in=Message.Channel.values, external_id=term
        )
        return some_keys(known)


@admin.register(Appointment)
class AppointmentAdmin(TenantAdmin):
    ordering_within = ("host_id", "scheduled_for")
    list_display = ("id", "workspace", "lead", "status", "scheduled_for", "host", "matched_via")
    list_select_related = ("workspace", "lead", "host")
    search_fields = ("pk", "lead")
    search_help_text = "Id of the row or of its lead, or the booking system's id"

    def find(self, term: str) -> Sequence[Any]:
        known = Appointment.objects.exclude(external_ref="")
        return some_keys(known.filter(**any_workspace(), external_ref=term))


@admin.register(Task)
class TaskAdmin(TenantAdmin):
    search_within = True
    list_display = ("title", "workspace", "lead", "kind", "due_at", "assignee", "done_at")
    list_select_related = ("workspace", "lead", "assignee")
    search_fields = ("pk", "lead", "assignee")
    search_help_text = f"{ID_OF_LEAD}, or of the member who does it"


@admin.register(Notification)
class NotificationAdmin(TenantAdmin):
    search_within = True
    list_display = (
        "id", "workspace", "member", "kind", "at", "read_at", "email_at", "email_tries", "emailed_at",
    )  # fmt: skip
    list_select_related = ("workspace", "member")
    search_fields = ("pk", "member", "lead")
    search_help_text = f"{ID_OF_LEAD}, or of the member who is told"


@admin.register(Deal)
class DealAdmin(TenantAdmin):
    search_within = True
    list_display = (
        "name", "workspace", "lead", "owner", "value", "currency", "stage", "created_at",
    )  # fmt: skip
    list_select_related = ("workspace", "lead", "owner")
    search_fields = ("pk", "lead", "contact", "company")
    search_help_text = "Id of the deal, or of its lead, person or company"
