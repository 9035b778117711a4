"""Removing leads from sight, and bringing them back. Nothing is deleted."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from leadcrm.workspaces.actors import Actor
from leads import kinds
from leads.batch import Change, Refused, Result, run
from leads.models.activity import Lane


def archive(
    ids: Sequence[uuid.UUID], *, by: Actor, now: datetime, reason: str = "", lane: str = Lane.LIVE
) -> list[Result]:
    """Remove leads: out of lists, counts and timers until restored. Doing it twice changes nothing."""

    def decide(change: Change) -> None:
        if change.lead.archived_at is None:
            change.set(archived_at=now, archive_reason=reason[:200])
            change.record(kinds.ARCHIVED, data={"reason": reason})

    return run(ids, decide, by=by, now=now, lane=lane)


def restore(
    ids: Sequence[uuid.UUID], *, by: Actor, now: datetime, lane: str = Lane.LIVE
) -> list[Result]:
    """Bring removed leads back as they were."""

    def decide(change: Change) -> None:
        if change.lead.merged_into_id:
            raise Refused(
                "This lead was merged into another one; un-merge it instead.", field="lead"
            )
        if change.lead.archived_at is not None:
            change.set(archived_at=None, archive_reason="")
            change.record(kinds.RESTORED)

    return run(ids, decide, by=by, now=now, lane=lane)


def confirm_review(ids: Sequence[uuid.UUID], *, by: Actor, now: datetime) -> list[Result]:
    """A person looked at a lead whose keys named two people, and lets it stand."""

    def decide(change: Change) -> None:
        if change.lead.needs_review:
            change.set(needs_review=False)
            change.record(kinds.REVIEWED)

    return run(ids, decide, by=by, now=now)
