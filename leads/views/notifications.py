"""The bell, the page of notifications, and what of them comes by e-mail, too."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadcrm.workspaces.access import NOT_FOUND, may
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_events
from leadcrm.workspaces.paging import Order, page_of
from leads.models import Notification
from leads.notifying import mark_read, notifications_of, set_email_kinds, title_of

PAGE = 50
MOST = 99  # from there on the bell says 99+
ALERTS = 3  # the newest, for a tab that announces them
NEWEST = Order("newest", "at", descending=True)
MEANS = {
    Notification.Kind.NEW_LEAD: "A lead that you could claim came in.",
    Notification.Kind.ASSIGNED: "A lead came to you: from a colleague, by rotation, or by its source.",
    Notification.Kind.REPLY: "Somebody of yours wrote, enquired again, or called in vain.",
    Notification.Kind.REMINDER: "A task is due, an appointment near, a snooze over, or a lead closes soon.",
    Notification.Kind.LATE: "Nobody answered within the target.",
}


@dataclass(slots=True)
class Row:
    """A notification with what it says."""

    notification: Notification
    title: str


@require_safe
def notifications(request: PageRequest) -> HttpResponse:
    found = notifications_of(request.membership).select_related("lead")
    after = request.GET.get("after", "")
    page = page_of(found, NEWEST, after, PAGE)
    context = {
        "rows": [Row(one, title_of(one)) for one in page.rows],
        "next": page.next_cursor or "",
        "after": after,
    }
    return show(request, "leads/notifications.html", context)


@require_safe
def bell(request: PageRequest) -> HttpResponse:
    """How many are unread, with the newest of them; in one query of its own."""
    unread = notifications_of(request.membership).filter(read_at=None)
    names = ("pk", "kind", "detail", "lead_id", "lead__display_name", "at")
    rows = list(unread.values_list(*names, named=True)[: MOST + 1])
    context = {
        "count": f"{MOST}+" if len(rows) > MOST else str(len(rows) or ""),
        "alerts": [Alert(one) for one in rows[:ALERTS]],
    }
    return show(request, "leads/_bell.html", context)


class Alert:
    """An unread notification, as a tab announces it."""

    def __init__(self, row: Any) -> None:
        self.pk, self.title, self.lead_id = row.pk, title_of(row), row.lead_id
        about = (row.lead__display_name, row.detail if row.lead_id else "")
        self.body = ", ".join(filter(None, about))
        self.at = int(row.at.timestamp() * 1000)


@require_POST
def read(request: PageRequest, notification_id: uuid.UUID) -> HttpResponse:
    """Mark one as read."""
    mine = Notification.objects.filter(pk=notification_id, member=request.membership.pk)
    if not mine.exists():
        raise Http404(NOT_FOUND)
    mark_read(request.membership, timezone.now(), [notification_id])
    return _done(request)


@require_POST
def read_all(request: PageRequest) -> HttpResponse:
    mark_read(request.membership, timezone.now())
    return _done(request)


@require_http_methods(["GET", "HEAD", "POST"])
def choices(request: PageRequest) -> HttpResponse:
    """What the member gets by e-mail; and, for the browser at hand, sound and alerts."""
    member = request.membership
    if request.method == "POST":
        set_email_kinds(member, request.POST.getlist("email"))
        messages.success(request, "Your choices are saved.")
        return redirect("notification-settings", request.workspace.slug)
    kinds = [
        (kind, MEANS[kind], kind.value in member.email_kinds)
        for kind in Notification.Kind
        if kind is not Notification.Kind.NEW_LEAD or may(member, "claim")
    ]
    return show(request, "settings/notifications.html", {"kinds": kinds})


def _done(request: PageRequest) -> HttpResponse:
    if wants_fragment(request):
        return with_events(HttpResponse(status=204), notified=True)
    return redirect("notifications", request.workspace.slug)
