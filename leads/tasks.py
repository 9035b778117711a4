"""Celery's way in: each task calls one function. A lost ring is made good by the next one."""

from celery import shared_task
from django.utils import timezone

from leads import bulk, duplicate_scan, events, mailing, settings_jobs, sweeps
from leads.importing import sweep as imports
from leads.models.activity import Lane


@shared_task(name="leads.dispatch_live")
def dispatch_live() -> None:
    events.dispatch_for(Lane.LIVE, timezone.now(), seconds=2)


@shared_task(name="leads.dispatch_bulk")
def dispatch_bulk() -> None:
    events.dispatch_for(Lane.BULK, timezone.now(), seconds=10)


@shared_task(name="leads.dispatch_backfill")
def dispatch_backfill() -> None:
    events.dispatch_for(Lane.BACKFILL, timezone.now(), seconds=10)


@shared_task(name="leads.auto_close_due")
def auto_close_due() -> None:
    sweeps.auto_close_due(timezone.now())


@shared_task(name="leads.wake_due")
def wake_due() -> None:
    sweeps.wake_due(timezone.now())


@shared_task(name="leads.advance_bulk")
def advance_bulk() -> None:
    bulk.advance_due(timezone.now())


@shared_task(name="leads.settle_settings")
def settle_settings() -> None:
    settings_jobs.run_due(timezone.now())


@shared_task(name="leads.remind_due")
def remind_due() -> None:
    sweeps.remind_due(timezone.now())


@shared_task(name="leads.send_mail")
def send_mail() -> None:
    mailing.send_due(timezone.now())


@shared_task(name="leads.prune")
def prune() -> None:
    sweeps.prune(timezone.now())
    imports.prune(timezone.now())


@shared_task(name="leads.advance_imports")
def advance_imports() -> None:
    imports.advance_due(timezone.now())


@shared_task(name="leads.scan_duplicates")
def scan_duplicates() -> None:
    duplicate_scan.scan_due(timezone.now())
