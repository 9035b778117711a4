"""The orders of the lead list, and its links to leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from leadcrm.workspaces.paging import Order, both_ways, cursor_of, orders

LIST, AT = "list", "at"  # what a link to a lead says of the list that it stands in

# The orders of the lead list. Leads without a value come last, the newest first.
SORTS = orders(
    *both_ways("due", "work_due_at", nullable=True, then="-created_at"),
    Order("waiting", "work_due_at", nullable=True, then="created_at"),
    *reversed(both_ways("created", "created_at")),
    *reversed(both_ways("active", "last_activity_at", nullable=True, then="-created_at")),
)


def places_in_list(params: QueryDict, sort: Order) -> Callable[[Any], str]:
    """For a lead of a list, the query of the list's link to it. `params` are those of the list."""
    kept = params.copy()
    for name in ("after", *(name for name in params if not params[name])):
        kept.pop(name, None)
    start = urlencode({LIST: kept.urlencode(), AT: ""})
    return lambda lead: start + cursor_of(lead, sort)
