"""Notifications by e-mail: rows that wait, leased, sent and settled.

A worker that dies before it sends loses nothing, for its lease runs out. One that dies between
the server's yes and its own note sends again: SMTP knows no better, but the mail has the same
Message-ID, by which most mailboxes show it once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from smtplib import SMTPException, SMTPServerDisconnected

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from leadcrm.workspaces.ids import uuid7
from leadcrm.workspaces.scoping import all_workspaces
from leads.models import Notification
from leads.notifying import title_of

log = structlog.get_logger(__name__)

BATCH = 10
LEASE = timedelta(minutes=5)
LONGEST_TICK = 8.0  # seconds a tick goes on taking batches
MOST_TRIES = 6
FIRST_RETRY = timedelta(seconds=30)


def send_due(now: datetime) -> int:
    """Send what waits, for one tick at most; returns how many were sent."""
    deadline, sent = time.monotonic() + LONGEST_TICK, 0
    while time.monotonic() < deadline:
        leased = _lease(now)
        if not leased:
            break
        done = _send(leased, now)
        sent += done
        if done < len(leased):
            break  # the server has trouble: the rest waits for a later tick
    return sent


def _lease(now: datetime) -> list[Notification]:
    """Take what is due; what is no longer wanted is settled without a mail."""
    with transaction.atomic(), all_workspaces():
        due = Notification.objects.filter(email_at__lte=now).order_by("email_at")
        links = due.select_related("member__user", "workspace")
        rows = list(links.select_for_update(of=("self",), skip_locked=True)[:BATCH])
        wanted = [row for row in rows if _is_wanted(row)]
        lease = uuid7()
        for row in rows:
            is_wanted = row in wanted
            row.email_lease = lease if is_wanted else None
            row.email_at = now + LEASE if is_wanted else None
            row.email_tries += is_wanted
        Notification.objects.bulk_update(rows, ["email_lease", "email_at", "email_tries"])
    return wanted or (_lease(now) if rows else [])


def _is_wanted(row: Notification) -> bool:
    """Whether the member is still there, wants it, and hasn't read it in the app meanwhile."""
    member = row.member
    is_there = member.is_active and member.user is not None and member.user.is_active
    return is_there and row.read_at is None and row.kind in member.email_kinds


def _send(rows: Sequence[Notification], now: datetime) -> int:
    """Send one by one; returns how many went out. Nothing is open in the database meanwhile."""
    mails: BaseEmailBackend = get_connection()
    sent = 0
    try:
        mails.open()
        for row in rows:
            try:
                mails.send_messages([message_of(row)])
            except SMTPServerDisconnected:
                raise
            except SMTPException as error:  # the server refuses this one, not the others
                _settle_failure(row, now, error)
            else:
                _settle(row, email_at=None, emailed_at=now)
                sent += 1
    except OSError as error:  # SMTP's own errors are among them
        for row in rows:
            _settle_failure(row, now, error)
    finally:
        mails.close()
    return sent


def message_of(row: Notification) -> EmailMessage:
    """The mail: what happened and where, without a word about the person it is about."""
    page = reverse("notifications", args=[row.workspace.slug])
    lead = reverse("lead-detail", args=[row.workspace.slug, row.lead_id]) if row.lead_id else page
    choices = reverse("notification-settings", args=[row.workspace.slug])
    context = {
        "title": title_of(row),
        "workspace": row.workspace,
        "link": f"{settings.SITE_URL}{lead}",
        "choices": f"{settings.SITE_URL}{choices}",
    }
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return EmailMessage(
        subject=f"{title_of(row)} · {row.workspace.name}",
        body=render_to_string("emails/notification.txt", context),
        to=[row.member.user.email],  # type: ignore[union-attr]  # `_is_wanted` has seen to it
        headers={
            "Message-ID": f"<notification-{row.pk}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )


def _settle_failure(row: Notification, now: datetime, error: Exception) -> None:
    """Try again after a growing pause; after the last try it stays with the app's own bell."""
    again = row.email_tries < MOST_TRIES
    pause = FIRST_RETRY * 4 ** (row.email_tries - 1)
    log.warning("notification_mail_failed", notification=str(row.pk), error=type(error).__name__)
    _settle(row, email_at=now + pause if again else None)


def _settle(row: Notification, **values: datetime | None) -> None:
    """Note what became of it, if the lease is still ours."""
    with all_workspaces():
        held = Notification.objects.filter(pk=row.pk, email_lease=row.email_lease)
        held.update(email_lease=None, **values)
