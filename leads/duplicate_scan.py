"""Keeps the possible duplicates up to date: once through all people, then who is new or changed.

The scan goes through a workspace in slices from a saved position. Meanwhile and afterwards a
subscriber of the log looks at the people of each change; those whom the scan has still ahead of
it are left to the scan.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef

from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads import kinds
from leads.finding import look_at
from leads.models import Activity, Contact, DuplicateScan, Lead

log = structlog.get_logger(__name__)

SLICE = 4000  # people in one transaction, of about a second
LONGEST_TICK = 10.0  # seconds
RELEVANT = frozenset(
    {
        kinds.LEAD_CREATED, kinds.ENQUIRY_REPEATED, kinds.FIELDS_CHANGED, kinds.STAGE_CHANGED,
        kinds.SUGGESTION_DECIDED, kinds.ARCHIVED, kinds.RESTORED, kinds.MERGED, kinds.UNMERGED,
        kinds.UNDONE, kinds.KEY_ADDED, kinds.KEY_REMOVED,
    }
)  # fmt: skip
Phase = DuplicateScan.Phase


def scan_due(now: datetime, *, seconds: float = LONGEST_TICK) -> int:
    """Go on with the scans that aren't done, a slice of each workspace in turn.

    Returns how many people were looked at. Losing a tick is harmless: the position is saved with
    each slice.
    """
    deadline, total = time.monotonic() + seconds, 0
    waiting = _unfinished()
    while waiting and time.monotonic() < deadline:
        for workspace_id in list(waiting):
            looked_at = _try_slice(workspace_id, now)
            total += looked_at or 0
            if looked_at is None:
                waiting.remove(workspace_id)
    return total


def start_again(now: datetime) -> None:
    """Have the whole workspace in scope looked at anew."""
    DuplicateScan.objects.update_or_create(
        defaults={
            "phase": Phase.CONTACTS,
            "position": None,
            "looked_at": 0,
            "started_at": now,
            "finished_at": None,
        }
    )


def follow_log(rows: Sequence[Activity], now: datetime) -> None:
    """Subscriber of the log: looks at the people of what happened, of one workspace."""
    wanted = [row for row in rows if row.kind in RELEVANT]
    scan = _lock_scan() if wanted else None
    if scan is None:
        return
    leads = {row.lead_id for row in wanted if row.lead_id}
    contacts = {row.contact_id for row in wanted if row.contact_id}
    contacts |= set(
        Lead.objects.filter(pk__in=leads, contact__isnull=False).values_list("contact", flat=True)
    )
    look_at(
        [pk for pk in contacts if _is_behind(scan, Phase.CONTACTS, pk)],
        [pk for pk in leads if _is_behind(scan, Phase.LEADS, pk)],
        now=now,
    )


def _is_behind(scan: DuplicateScan, phase: str, pk: uuid.UUID) -> bool:
    """Whether the scan has been there; what is ahead of it is still to come."""
    if scan.phase == phase:
        return scan.position is not None and pk <= scan.position
    return scan.phase == Phase.DONE or phase == Phase.CONTACTS


def _unfinished() -> list[uuid.UUID]:
    """The workspaces whose scan is under way or was never begun."""
    done = DuplicateScan.objects.filter(workspace=OuterRef("pk"), phase=Phase.DONE)
    with all_workspaces():
        return list(Workspace.objects.filter(~Exists(done)).values_list("pk", flat=True))


def look_on(now: datetime) -> int | None:
    """Look at the next slice of the workspace in scope; returns how many people it had.

    None where there is none, or another worker has it.
    """
    DuplicateScan.objects.get_or_create(defaults={"started_at": now})
    with transaction.atomic():
        scan = _lock_scan(skip_locked=True)
        return None if scan is None or scan.phase == Phase.DONE else _slice(scan, now)


def _try_slice(workspace_id: uuid.UUID, now: datetime) -> int | None:
    """`look_on` in a workspace; what fails is left to the next tick."""
    try:
        with workspace_scope(workspace_id):
            return look_on(now)
    except DatabaseError as error:
        log.warning("duplicate_scan_failed", error=type(error).__name__)
        return None


def _slice(scan: DuplicateScan, now: datetime) -> int:
    people: Any = Contact.objects.filter(archived_at=None)
    if scan.phase == Phase.LEADS:
        people = Lead.objects.present().filter(contact=None)
    if scan.position is not None:
        people = people.filter(pk__gt=scan.position)
    ids = list(people.order_by("pk").values_list("pk", flat=True)[:SLICE])
    if scan.phase == Phase.CONTACTS:
        look_at(ids, now=now)
    else:
        look_at((), ids, now=now)
    scan.looked_at += len(ids)
    scan.position = ids[-1] if ids else scan.position
    if len(ids) < SLICE:
        scan.phase = Phase.LEADS if scan.phase == Phase.CONTACTS else Phase.DONE
        scan.position = None
        scan.finished_at = now if scan.phase == Phase.DONE else None
    scan.save()
    return len(ids)


def _lock_scan(*, skip_locked: bool = False) -> DuplicateScan | None:
    """The workspace's scan, locked: one finder at a time, so that none misses what another adds."""
    scans = DuplicateScan.objects.select_for_update(no_key=True, skip_locked=skip_locked)
    found: DuplicateScan | None = scans.first()
    return found
