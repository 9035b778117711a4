"""In which browsers a user is signed in, and signing out of them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from leadcrm.workspaces.confirming import confirm
from leadcrm.workspaces.models import SignedIn, User

SEEN = "seen_at"  # in the session, so that most requests write nothing
RESOLUTION = timedelta(minutes=15)


def remember(sender: Any, request: Any, user: User, **kwargs: Any) -> None:
    """Receiver of `user_logged_in`: note the browser."""
    if request.session.session_key is None:
        request.session.create()
    now = timezone.now()
    request.session[SEEN] = now.isoformat()
    confirm(request, now)
    SignedIn.objects.filter(user=user).exclude(
        session_key__in=Session.objects.filter(expire_date__gt=now).values("session_key")
    ).delete()
    SignedIn.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "agent": request.META.get("HTTP_USER_AGENT", "")[:300],
            "address": request.META.get("REMOTE_ADDR") or None,
            "created_at": now,
            "seen_at": now,
        },
    )


def notice(request: Any, now: datetime) -> None:
    """Note that a session is in use, at most every quarter of an hour."""
    seen = parse_datetime(str(request.session.get(SEEN, "")))
    if seen is None or now - seen > RESOLUTION:
        request.session[SEEN] = now.isoformat()
        SignedIn.objects.filter(session_key=request.session.session_key).update(seen_at=now)


def sessions_of(user: User, now: datetime) -> QuerySet[SignedIn]:
    """Where the user is signed in, last used first."""
    alive = Session.objects.filter(expire_date__gt=now).values("session_key")
    return SignedIn.objects.filter(user=user, session_key__in=alive).order_by("-seen_at")


def sign_out(user: User, signed_in_id: str) -> bool:
    """End one session of the user's own; returns whether there was one."""
    try:
        key = uuid.UUID(signed_in_id)
    except ValueError:
        return False
    return _end(SignedIn.objects.filter(user=user, pk=key)) > 0


def sign_out_others(user: User, session_key: str | None) -> int:
    """End all sessions of the user but this one; returns how many."""
    return _end(SignedIn.objects.filter(user=user).exclude(session_key=session_key))


def keep_alone(user: User, known_as: str | None, session_key: str | None) -> None:
    """After a new password: this session goes on under its new key, all others end."""
    SignedIn.objects.filter(user=user, session_key=known_as).update(session_key=session_key)
    sign_out_others(user, session_key)


def _end(rows: QuerySet[SignedIn]) -> int:
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    rows.delete()
    return len(keys)
