"""Pages by position: a cursor holds the sort values of the last row, so that no page is counted off."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, QueryDict

from leadcrm.workspaces.paging import Order, cursor_of, orders


class BadCursor(Http404):
    """The cursor of a link was cut or made up."""

    def __init__(self) -> None:
        super().__init__("This page of the list does not exist. Start at its first page.")


LIST, AT = "list", "at"  # what a link to a lead says of the list that it stands in


def encode(*values: Any) -> str:
    """Values as a word for a URL."""
    text = json.dumps([v.isoformat() if isinstance(v, datetime) else v for v in values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, length: int) -> list[Any]:
    """The values of a cursor; raises BadCursor where it isn't one of this length."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error, RecursionError):
        raise BadCursor from None
    if not isinstance(values, list) or len(values) != length or "\x00" in cursor:
        raise BadCursor
    return values


# The orders of the lead list. Leads without a value come last, the newest first.
SORTS = orders(
    Order("due", "work_due_at", nullable=True, then="-created_at"),
    Order("-due", "work_due_at", True, nullable=True, then="-created_at"),
    Order("waiting", "work_due_at", nullable=True, then="created_at"),
    Order("-created", "created_at", True),
    Order("created", "created_at"),
    Order("-active", "last_activity_at", True, nullable=True, then="-created_at"),
    Order("active", "last_activity_at", nullable=True, then="-created_at"),
)


def places_in_list(params: QueryDict, sort: Order) -> Callable[[Any], str]:
    """For a lead of a list, the query of the list's link to it. `params` are those of the list."""
    kept = params.copy()
    for name in ("after", *(name for name in params if not params[name])):
        kept.pop(name, None)
    start = urlencode({LIST: kept.urlencode(), AT: ""})
    return lambda lead: start + cursor_of(lead, sort)
