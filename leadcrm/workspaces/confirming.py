"""The password once more before what would hurt most if somebody sat down at an open browser.

Exports, API tokens and who belongs to the workspace. A sign-in counts for an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from leadcrm.workspaces.detours import send_to

CONFIRMED = "confirmed_at"  # in the session
LASTS = timedelta(hours=1)
View = Callable[..., HttpResponseBase]


def confirm(request: HttpRequest, now: datetime) -> None:
    """Note that whoever sits there knows the password."""
    request.session[CONFIRMED] = now.isoformat()


def is_confirmed(request: HttpRequest, now: datetime) -> bool:
    """Whether the password was given within the last hour."""
    at = parse_datetime(str(request.session.get(CONFIRMED, "")))
    return at is not None and now - at <= LASTS


def password_again(*methods: str) -> Callable[[View], View]:
    """A view that asks for the password where it was given more than an hour ago.

    `methods` are those that ask; by default all do.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def asking(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            asks = not methods or request.method in methods
            if asks and not is_confirmed(request, timezone.now()):
                return send_to(request, "confirm")
            return view(request, *args, **kwargs)

        return asking

    return decorate
