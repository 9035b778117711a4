"""The verbs of pipelines: add one, and add, change, order and retire stages.

A pipeline always keeps a first stage, a won one and one that closes, and each open or won stage
can be reached. Changes that leave it otherwise are refused, and nothing is done.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Greatest
from django.utils.text import slugify

from leadcrm.workspaces import settings_log
from leadcrm.workspaces.access import require
from leadcrm.workspaces.models import Membership, Workspace
from leads import settings_jobs
from leads.models import Appointment, Lead, Pipeline, SettingsJob, Stage, Task
from leads.models.lead import IS_OPEN
from leads.pipelines import CLOSING, OUTCOMES, TEMPLATES, Outcome, Status
from leads.setup import add_pipeline

CHANGEABLE = frozenset({"label", "next_keys", "required_fields", "no_contact_days", "idle_days"})
TIMERS = ("no_contact_days", "idle_days")
LONGEST_TIMER = 730  # days
MOST_STAGES = 30
# Several stages may have one of these; what books, converts or closes must know its one stage.
REPEATABLE = (Status.ENGAGED, Status.CONTACTED, Status.QUALIFIED)
# Fields of a lead that a stage may require.
REQUIRABLE = (
    "email", "phone", "company_name", "job_title", "state", "country", "budget", "authority",
    "need", "timeline", "source_detail", "campaign", "location", "enrollment",
)  # fmt: skip


def new_pipeline(template: str, *, label: str, by: Membership, now: datetime) -> Pipeline:
    """Add a pipeline, copied from a template. Raises NotAllowed, and ValidationError by field."""
    require(by, "settings")
    label = _name(label)
    if template not in TEMPLATES:
        raise ValidationError({"template": ["Choose a template."]})
    with transaction.atomic():
        _hold(by)
        known = list(Pipeline.objects.all())
        if any(one.label.casefold() == label.casefold() for one in known):
            raise ValidationError({"label": ["There is a pipeline of this name already."]})
        key = _free_key(label, {one.key for one in known})
        pipeline = add_pipeline(template, key=key, label=label)
        settings_log.record("pipeline", label, "added", by=by, now=now)
    return pipeline


def change_pipeline(
    pipeline: Pipeline,
    *,
    by: Membership,
    now: datetime,
    label: str | None = None,
    is_default: bool = False,
) -> None:
    """Rename a pipeline, or make it the one in which leads start unless their source says otherwise."""
    require(by, "settings")
    with transaction.atomic():
        _hold(by)
        held = Pipeline.objects.get(pk=pipeline.pk)
        before = settings_log.values_of(held, ("label", "is_default"))
        held.label = _name(label) if label is not None else held.label
        if is_default and not held.is_default:
            if held.retired_at:
                raise ValidationError("A retired pipeline can't be the standard one.")
            Pipeline.objects.filter(is_default=True).update(is_default=False)
            held.is_default = True
        held.save(update_fields=["label", "is_default"])
        if changes := settings_log.differences(held, before):
            settings_log.record("pipeline", held.label, "changed", by=by, changes=changes, now=now)


def add_stage(
    pipeline: Pipeline, *, label: str, status: str, by: Membership, now: datetime
) -> Stage:
    """Add a stage after the others of its status, or before those further along.

    The stages before it lead to it and it leads on to where they do. Raises ValidationError.
    """
    require(by, "settings")
    label = _name(label)
    with transaction.atomic():
        _hold(by)
        stages = stages_of(pipeline)
        in_use = [one for one in stages if one.retired_at is None]
        if status not in statuses_for(in_use):
            raise ValidationError({"status": ["A pipeline has one stage of this kind."]})
        if len(in_use) >= MOST_STAGES:
            raise ValidationError(f"A pipeline has at most {MOST_STAGES} stages.")
        _refuse_taken(label, in_use)
        stage = Stage(
            workspace_id=by.workspace_id,
            pipeline=pipeline,
            key=_free_key(label, {one.key for one in stages}),
            label=label,
            status=status,
            outcome=OUTCOMES[Status(status)][0],
            timer_changed_at=now,
        )
        _link_in(stage, in_use)
        _place(stage, stages)
        _check([*in_use, stage])
        settings_log.record("stage", f"{pipeline.label}: {label}", "added", by=by, now=now)
    return stage


def change_stage(
    stage: Stage, *, by: Membership, now: datetime, **values: Any
) -> tuple[Stage, SettingsJob | None]:
    """Change label, next stages, required fields or timers; returns the job that a timer asks for.

    A changed timer counts from now: no lead closes sooner than its days after the change.
    """
    require(by, "settings")
    unknown = set(values) - CHANGEABLE
    if unknown:
        raise ValueError(f"{min(unknown)}: can't be changed")
    with transaction.atomic():
        _hold(by)
        held = Stage.objects.select_related("pipeline").get(pk=stage.pk)
        before = settings_log.values_of(held, CHANGEABLE)
        in_use = [one for one in stages_of(held.pipeline) if one.retired_at is None]
        _set(held, values, [one for one in in_use if one.pk != held.pk])
        timer_changed = any(getattr(held, name) != before[name] for name in TIMERS)
        if timer_changed:
            held.timer_changed_at = now
        held.save(update_fields=[*values, "timer_changed_at"])
        _check([held if one.pk == held.pk else one for one in in_use])
        job = None
        if timer_changed:
            job = settings_jobs.start(SettingsJob.Kind.TIMER, by=by, now=now, stage=held)
        if changes := settings_log.differences(held, before):
            subject = f"{held.pipeline.label}: {held.label}"
            settings_log.record("stage", subject, "changed", by=by, changes=changes, now=now)
    return held, job


def order_stages(
    pipeline: Pipeline, ids: Sequence[uuid.UUID], *, by: Membership, now: datetime
) -> None:
    """Put the stages into this order; the first one stays first."""
    require(by, "settings")
    with transaction.atomic():
        _hold(by)
        stages = stages_of(pipeline)
        places = {pk: place for place, pk in enumerate(ids)}
        ordered = sorted(
            stages,
            key=lambda one: (one.status != Status.NEW, places.get(one.pk, len(places))),
        )
        if ordered == stages:
            return
        _write_places(ordered)
        settings_log.record("pipeline", pipeline.label, "put into another order", by=by, now=now)


def retire_stage(
    stage: Stage, *, to: Stage | None, by: Membership, now: datetime
) -> SettingsJob | None:
    """Take a stage out of use; its leads move to `to` in the background, each with its log row.

    Stages that led to it lead to `to` instead. Returns the job, or None where no lead was in it.
    """
    require(by, "settings")
    with transaction.atomic():
        _hold(by)
        held = Stage.objects.select_related("pipeline").get(pk=stage.pk)
        in_use = [one for one in stages_of(held.pipeline) if one.retired_at is None]
        if held.retired_at is not None:
            raise ValidationError("This stage was retired already.")
        if held.status == Status.NEW:
            raise ValidationError("Leads start in this stage: it can't be retired.")
        rest = [one for one in in_use if one.pk != held.pk]
        has_leads = settings_jobs.leads_of(SettingsJob(kind="stage", stage=held)).exists()
        if has_leads and to is None:
            raise ValidationError({"to": ["Say where its leads go."]})
        if to is not None and to.pk not in {one.pk for one in destinations(held, rest)}:
            raise ValidationError({"to": ["Its leads can't go there."]})
        _lead_past(held, to, rest)
        _check(rest)
        held.retired_at = now
        held.save(update_fields=["retired_at"])
        Stage.objects.bulk_update(rest, ["next_keys"])
        subject = f"{held.pipeline.label}: {held.label}"
        changes = {"its leads go to": ["", to.label]} if to else {}
        settings_log.record("stage", subject, "retired", by=by, changes=changes, now=now)
        if to is None:
            return None
        return settings_jobs.start(SettingsJob.Kind.STAGE, by=by, now=now, stage=held, to_stage=to)


# --- what can be asked before ------------------------------------------------------------------


def stages_of(pipeline: Pipeline) -> list[Stage]:
    """All stages of a pipeline in order, retired ones too."""
    return list(Stage.objects.filter(pipeline=pipeline).order_by("position", "pk"))


def statuses_for(in_use: Sequence[Stage]) -> list[Status]:
    """What kinds of stage can be added to these."""
    taken = {one.status for one in in_use}
    return [one for one in Status if one in REPEATABLE or one not in taken]


def destinations(stage: Stage, rest: Sequence[Stage]) -> list[Stage]:
    """Where the leads of a stage may go when it is retired: what says the same of a lead.

    To a stage that needs an appointment only leads go that have been in one.
    """
    if stage.outcome != Outcome.OPEN:
        return [one for one in rest if one.status == stage.status]
    return [one for one in rest if one.outcome == Outcome.OPEN and one.status != Status.SCHEDULED]


def would_close(
    stage: Stage, *, no_contact_days: int | None, idle_days: int | None, now: datetime
) -> int:
    """How many leads of a stage have waited for longer than these days already, with nothing planned.

    They close when the days are over again, counted from the change, unless somebody works them.
    """
    never_reached = Q(status__in=(Status.NEW, Status.ENGAGED), contacted_at=None)
    due = Q(pk__in=[])
    if no_contact_days is not None:
        since = now - timedelta(days=no_contact_days)
        due |= never_reached & Q(attempt_started_at__lte=since)
    if idle_days is not None:
        due |= ~never_reached & Q(idle_since__lte=now - timedelta(days=idle_days))
    booked = Appointment.objects.filter(
        lead=OuterRef("pk"), status=Appointment.Status.SCHEDULED, scheduled_for__gt=now
    )
    tasks = Task.objects.filter(lead=OuterRef("pk"), done_at=None, due_at__gt=now)
    leads = Lead.objects.filter(IS_OPEN, stage=stage, status=stage.status)
    leads = leads.annotate(idle_since=Greatest(F("last_activity_at"), F("stage_entered_at")))
    held = Exists(booked) | Exists(tasks) | Q(snoozed_until__gt=now)
    return int(leads.filter(due).exclude(held).count())


# --- parts -----------------------------------------------------------------------------------


def _hold(by: Membership) -> None:
    """Two admins at once: the later one sees what the earlier one did."""
    Workspace.objects.select_for_update(no_key=True).get(pk=by.workspace_id)


def _set(stage: Stage, values: Mapping[str, Any], others: Sequence[Stage]) -> None:
    for name, value in values.items():
        setattr(stage, name, value)
    stage.label = _name(stage.label)
    _refuse_taken(stage.label, others)
    keys = {one.key for one in others}
    if stage.outcome == Outcome.OPEN:
        stage.next_keys = [key for key in dict.fromkeys(stage.next_keys) if key in keys]
    elif "next_keys" in values:
        raise ValidationError({"next_keys": ["A closed lead reopens to the first stage."]})
    for name in TIMERS:
        days = getattr(stage, name)
        if days is not None and stage.outcome != Outcome.OPEN:
            raise ValidationError({name: ["Only an open stage has a timer."]})
        if days is not None and not 1 <= days <= LONGEST_TIMER:
            raise ValidationError({name: [f"Give 1 to {LONGEST_TIMER} days."]})


def _check(in_use: Sequence[Stage]) -> None:
    """Raise ValidationError for stages that are no path for a lead."""
    by_key = {one.key: one for one in in_use}
    starts = [one for one in in_use if one.status == Status.NEW]
    if len(starts) != 1:
        raise ValidationError("A pipeline has one first stage.")
    if not any(one.outcome == Outcome.WON for one in in_use):
        raise ValidationError("A pipeline needs a stage that is won.")
    if not any(one.status in CLOSING for one in in_use):
        raise ValidationError("A pipeline needs a stage that closes a lead.")
    seen, queue = {starts[0].key}, [starts[0]]
    while queue:
        for key in queue.pop().next_keys:
            if key in by_key and key not in seen:
                seen.add(key)
                queue.append(by_key[key])
    for one in in_use:
        if one.outcome in (Outcome.OPEN, Outcome.WON) and one.key not in seen:
            raise ValidationError(f"Nothing leads to {one.label}. Let another stage lead to it.")


def _link_in(stage: Stage, in_use: Sequence[Stage]) -> None:
    """Let the stage be reached from the one before it, and go on to where that one goes."""
    start = next(one for one in in_use if one.status == Status.NEW)
    if stage.outcome in (Outcome.LOST, Outcome.RESTING):
        stage.next_keys = [start.key]
        return
    ladder = list(Status)
    earlier = [
        one
        for one in in_use
        if one.outcome == Outcome.OPEN
        and ladder.index(Status(one.status)) <= ladder.index(Status(stage.status))
    ]
    before = earlier[-1] if earlier else start
    if stage.outcome == Outcome.OPEN:
        stage.next_keys = list(before.next_keys)
    before.next_keys = [*before.next_keys, stage.key]
    before.save(update_fields=["next_keys"])


def _place(stage: Stage, stages: Sequence[Stage]) -> None:
    """After the stages that come no later than its kind."""
    ladder = list(Status)
    rank = ladder.index(Status(stage.status))
    place = sum(1 for one in stages if ladder.index(Status(one.status)) <= rank)
    ordered = [*stages[:place], stage, *stages[place:]]
    stage.position = place
    stage.save(force_insert=True)
    _write_places(ordered)


def _write_places(ordered: Sequence[Stage]) -> None:
    for place, one in enumerate(ordered):
        one.position = place
    Stage.objects.bulk_update(ordered, ["position"])


def _lead_past(stage: Stage, to: Stage | None, rest: Sequence[Stage]) -> None:
    """Let the stages that led to one that goes lead to where its leads go and where it led."""
    onward = [*([to.key] if to else []), *stage.next_keys]
    for one in rest:
        if stage.key in one.next_keys:
            kept = [key for key in one.next_keys if key != stage.key]
            one.next_keys = [key for key in dict.fromkeys([*kept, *onward]) if key != one.key]


def _name(label: str) -> str:
    name = " ".join(str(label).split())
    if not name:
        raise ValidationError({"label": ["Give it a name."]})
    if len(name) > 100:
        raise ValidationError({"label": ["Use at most 100 characters."]})
    return name


def _refuse_taken(label: str, others: Sequence[Stage]) -> None:
    if any(one.label.casefold() == label.casefold() for one in others):
        raise ValidationError({"label": ["There is a stage of this name already."]})


def _free_key(label: str, taken: set[str]) -> str:
    start = slugify(label)[:40].strip("-") or "stage"
    number, key = 1, start
    while key in taken:
        number += 1
        key = f"{start}-{number}"
    return key
