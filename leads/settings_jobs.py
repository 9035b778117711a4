"""What a change of settings means for many leads: done by a sweep, a batch at a time.

A job goes through the leads that it is about in the order of their ids. It is a row, so nothing is
lost when a worker stops; leads that somebody dealt with meanwhile are left alone.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads import moves
from leads.batch import Change, run
from leads.models import Lead, SettingsJob, Stage
from leads.models.activity import Lane

log = structlog.get_logger(__name__)

CHUNK = 500
LONGEST_TICK = 10.0  # seconds
VIA = "settings"
Kind = SettingsJob.Kind


def start(
    kind: str,
    *,
    by: Membership,
    now: datetime,
    stage: Stage | None = None,
    to_stage: Stage | None = None,
) -> SettingsJob:
    """Ask for a job, in the transaction of the change that needs it."""
    job = SettingsJob(
        workspace_id=by.workspace_id,
        kind=kind,
        stage=stage,
        to_stage=to_stage,
        asked_by=by,
        created_at=now,
    )
    job.total = leads_of(job).count()
    if not job.total:
        job.finished_at = now
    job.save(force_insert=True)
    return job


def leads_of(job: SettingsJob) -> QuerySet[Lead]:
    """The leads that a job is still about."""
    status = Q(status=job.stage.status) if job.stage else Q()  # which has an index
    found: QuerySet[Lead] = Lead.objects.filter(status, stage=job.stage_id, merged_into=None)
    return found


def run_due(now: datetime) -> int:
    """Work at the unfinished jobs, each a batch in turn, for one tick; returns the leads done."""
    deadline, total = time.monotonic() + LONGEST_TICK, 0
    with all_workspaces():
        waiting = list(
            SettingsJob.objects.filter(finished_at=None)
            .order_by("created_at")
            .values_list("pk", "workspace_id")
        )
    while waiting and time.monotonic() < deadline:
        for pair in list(waiting):
            with workspace_scope(pair[1]):
                done, is_finished = _step(pair[0], now)
            total += done
            if is_finished:
                waiting.remove(pair)
    return total


def _step(job_id: uuid.UUID, now: datetime) -> tuple[int, bool]:
    """One batch of a job: how many leads were done, and whether to leave it for this tick."""
    try:
        with transaction.atomic():
            rows = SettingsJob.objects.select_for_update(skip_locked=True, of=("self",))
            job = rows.filter(pk=job_id, finished_at=None).select_related("asked_by").first()
            return (0, True) if job is None else _batch(job, now)
    except DatabaseError as error:
        log.warning("settings_job_failed", job=str(job_id), error=type(error).__name__)
        return 0, True


def _batch(job: SettingsJob, now: datetime) -> tuple[int, bool]:
    rest = leads_of(job).order_by("pk")
    if job.position is not None:
        rest = rest.filter(pk__gt=job.position)
    ids = list(rest.values_list("pk", flat=True)[:CHUNK])
    done, refused = _do(job, ids, now) if ids else (0, 0)
    job.done, job.refused = job.done + done, job.refused + refused
    if ids:
        job.position = ids[-1]
    if len(ids) < CHUNK:
        job.finished_at = now
    job.save(update_fields=["done", "refused", "position", "finished_at"])
    return done, job.finished_at is not None


def _do(job: SettingsJob, ids: Sequence[uuid.UUID], now: datetime) -> tuple[int, int]:
    by = Actor.member(job.asked_by, via=VIA)

    def decide(change: Change) -> None:
        if job.kind == Kind.TIMER:
            change.touched = True
        else:
            _move(change, job)

    results = run(ids, decide, by=by, now=now, lane=Lane.BULK)
    refused = sum(1 for one in results if one.refusal is not None)
    return len(results) - refused, refused


def _move(change: Change, job: SettingsJob) -> None:
    """To where the retired stage's leads go, unless somebody moved the lead meanwhile."""
    stages = {one.pk: one for one in change.batch.stages}
    if change.lead.stage_id == job.stage_id and job.to_stage_id is not None:
        moves.enter(change, stages[job.to_stage_id], change.now, note="Its stage was retired")
