"""Whom the lock-out counts failed sign-ins against."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from axes.models import AccessAttempt
from django.http import HttpRequest


def attempted_email(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str | None:
    """The e-mail address that was typed, spelt one way, from any of the sign-in forms."""
    submitted = request.POST if request is not None else {}
    for values in (credentials or {}, submitted):
        for field in ("username", "email"):
            if typed := values.get(field):
                return str(typed).strip().lower()[:255]
    return None


def unlock(emails: Iterable[str]) -> int:
    """Forget the failed sign-ins counted against addresses. Returns for how many there were any."""
    names = {attempted_email(None, {"email": email}) for email in emails}
    found = AccessAttempt.objects.filter(username__in=names)
    unlocked = found.values("username").distinct().count()
    found.delete()
    return int(unlocked)
