"""Django admin for the installation's staff: at one workspace or at all, and each access is logged.

A workspace's own admins use its settings pages; they never come here.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import update_wrapper
from typing import Any

import structlog
from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse, TemplateResponse

from leadcrm.admin_state import state_of
from leadcrm.workspaces.scoping import EVERYWHERE, all_workspaces, workspace_scope

log = structlog.get_logger(__name__)

# What staff come for, and where they find it.
ROOMS: Sequence[tuple[str, str, Sequence[str]]] = (
    (
        "people",
        "Workspaces & people",
        (
            "workspaces.Workspace", "workspaces.User", "workspaces.Membership", "workspaces.Team",
            "workspaces.Location", "workspaces.Absence", "workspaces.Invitation",
            "workspaces.ApiToken", "auth.Group",
            "axes.AccessAttempt", "axes.AccessLog", "axes.AccessFailureLog",
        ),
    ),
    (
        "leads",
        "Leads",
        (
            "leads.Lead", "leads.Contact", "leads.ContactKey", "leads.Company", "leads.Task",
            "leads.Appointment", "leads.Deal", "leads.FieldSuggestion", "leads.ExternalId",
            "leads.MergeJournal", "leads.UndoStep", "leads.BulkRun", "leads.BulkChunk",
            "leads.CustomField", "leads.SettingsJob",
            "leads.SavedView", "leads.SavedViewFilter", "leads.SavedViewColumn", "leads.DefaultView",
            "leads.RoutingRule", "leads.RoutingSeat",
            "leads.DuplicatePair", "leads.MatchProfile", "leads.BlockingKey", "leads.DuplicateScan",
            "leads.DuplicateRule", "leads.LeadSearch", "leads.Pipeline", "leads.Stage", "leads.CloseReason",
            "leads.CallOutcome",
        ),
    ),
    (
        "incoming",
        "What came in",
        (
            "integrations.InboundEvent", "leads.Source", "leads.SourceDay", "leads.Campaign",
            "leads.Import", "leads.ImportMapping", "workspaces.IdempotencyKey",
        ),
    ),
    (
        "log",
        "The log",
        (
            "leads.Activity", "leads.Message", "leads.Notification", "leads.Cursor", "leads.Parking",
            "workspaces.StaffVisit", "workspaces.SettingsChange", "admin.LogEntry",
        ),
    ),
    (
        "work",
        "Scheduled work",
        (
            "django_celery_beat.PeriodicTask", "django_celery_beat.IntervalSchedule",
            "django_celery_beat.CrontabSchedule", "django_celery_beat.ClockedSchedule",
            "django_celery_beat.SolarSchedule",
        ),
    ),
)  # fmt: skip
ELSEWHERE = ("other", "Other")
OWN_ACTIONS = 10


class StaffSite(AdminSite):
    site_header = "leadcrm staff"
    site_title = "leadcrm staff"
    index_title = "All workspaces"
    enable_nav_sidebar = False  # the rooms are one click away in the header

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        def scoped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            scope = _scope_of(request)
            # The path holds ids only; what staff searched for is in the query and stays out.
            log.info(
                "staff_access", user=str(request.user.pk), method=request.method,
                path=request.path, scope=str(scope),
            )  # fmt: skip
            with _opened(scope):
                response: HttpResponseBase = view(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()
                return response

        return super().admin_view(update_wrapper(scoped, view), cacheable)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The models by room, on the pages of one app those of the app."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = {one["model"]._meta.label: one for app in apps for one in app["models"]}
        rooms = [
            {"app_label": key, "name": name, "app_url": "", "has_module_perms": True,
             "models": [models.pop(label) for label in labels if label in models]}
            for key, name, labels in ROOMS
        ]  # fmt: skip
        key, name = ELSEWHERE
        rest = {"app_label": key, "name": name, "app_url": "", "models": list(models.values())}
        every: list[dict[str, Any]] = [*rooms, rest]
        return [room for room in every if room["models"]]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        own = LogEntry.objects.filter(user=request.user.pk).select_related("content_type")
        context = {
            "state": state_of(request),
            "own_actions": own.order_by("-pk")[:OWN_ACTIONS],
            **(extra_context or {}),
        }
        return super().index(request, context)


def _scope_of(request: HttpRequest) -> uuid.UUID | str:
    """The one workspace named in the address, otherwise all of them."""
    named = request.GET.get("workspace")
    if not named:
        return EVERYWHERE
    try:
        return uuid.UUID(named)
    except ValueError:
        raise Http404("There is no such workspace.") from None


def _opened(scope: uuid.UUID | str) -> AbstractContextManager[None]:
    return workspace_scope(scope) if isinstance(scope, uuid.UUID) else all_workspaces()
