"""Settings: who changed what, newest first."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from leadcrm.workspaces.access import require
from leadcrm.workspaces.models import SettingsChange
from leadcrm.workspaces.pages import PageRequest, show
from leadcrm.workspaces.paging import Order, page_of

PAGE = 50
NEWEST = Order("newest", "at", descending=True)


@require_safe
def settings_log(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    after = request.GET.get("after", "")
    rows = SettingsChange.objects.select_related("actor")
    page = page_of(rows, NEWEST, after, PAGE)
    context = {"rows": page.rows, "next": page.next_cursor, "after": after}
    return show(request, "settings/log.html", context)
