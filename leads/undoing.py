"""Undo: takes back what a person has just done to a lead.

It restores what the verb changed, as long as nobody has changed it since; the log keeps what
happened and gains a row that says it was undone. Guards and hooks are not asked: the state was
a good one before.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.http import Http404

from leadcrm.workspaces.access import NOT_FOUND, require
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.scoping import all_workspaces
from leads import kinds, matching, remembering
from leads.access import may_with
from leads.batch import UNREAD, Change, Load, Refused, Result, run, run_one
from leads.models import Contact, ContactKey, Lead, Stage, UndoStep
from leads.models.activity import Lane
from leads.remembering import AROUND, MODELS

UNDO_WITHIN = timedelta(minutes=10)
KEPT = timedelta(days=1)
# Moves on with whatever comes later; it is put back only where nothing came.
MOVES_ON = frozenset({"last_activity_at", "unread_since"})
Rows = dict[uuid.UUID, dict[str, Any]]
Changed = Mapping[str, Any]


class UndoRefused(Refused):
    """It can't be taken back any more. The message is for a person."""

    code = "undo_refused"


class Undoable:
    """Holds the step that a piece of work left behind, once it is done."""

    step: UndoStep | None = None


@contextmanager
def undoable(lead_id: uuid.UUID, *, said: str, by: Actor, now: datetime) -> Iterator[Undoable]:
    """Do verbs to one lead inside, and they can be taken back as one step.

    `said` names what is done, as in a toast. What a machine does leaves no step.
    """
    outcome = Undoable()
    with transaction.atomic(), remembering.remembered() as memory:
        yield outcome
        changes = memory.changes()
        if changes and by.membership is not None and not _is_conversion(changes):
            outcome.step = UndoStep.objects.create(
                lead_id=lead_id,
                made_by=by.membership,
                made_at=now,
                said=said.rstrip("."),
                changes=changes,
                activities=[activity.pk for activity in memory.activities],
            )


def _is_conversion(changes: Sequence[Mapping[str, Any]]) -> bool:
    """A conversion made a deal, which others may build on: it has a verb of its own to go back."""
    return any(row["model"] == "lead" and row["after"].get("deal_id") for row in changes)


def access_step(membership: Membership, step_id: uuid.UUID) -> UndoStep:
    """A step of the member's own: nobody takes back what somebody else did."""
    require(membership, "edit")
    step: UndoStep | None = UndoStep.objects.filter(pk=step_id, made_by=membership).first()
    if step is None:
        raise Http404(NOT_FOUND)
    return step


def undo(step: UndoStep, *, by: Actor, now: datetime) -> Result:
    """Take a step back.

    Raises UndoRefused where it is too late, was done already, or something changed since.
    """
    read = _reader(step.changes)

    def decide(change: Change) -> None:
        _require_fresh(step, now)
        moved = _take_back(change, step.changes, read)
        UndoStep.objects.filter(pk=step.pk).update(undone_at=now)
        data = {"said": step.said, "activities": step.activities}
        change.record(kinds.UNDONE, subject_type="undo", subject_id=step.pk, data=data, **moved)

    with transaction.atomic():
        _lock_keys(step.changes)
        return run_one(step.lead_id, decide, by=by, now=now)


def undo_many(
    changes: Mapping[uuid.UUID, Sequence[Changed]],
    *,
    said: str,
    subject_id: uuid.UUID,
    by: Actor,
    now: datetime,
) -> list[Result]:
    """Take back what a bulk run changed around leads: `changes` by lead, as a memory gave them.

    A lead that changed since is left alone, and its result says why.
    """
    together = [row for rows in changes.values() for row in rows]
    of_leads = [row for row in together if row["model"] == "lead"]
    read = _reader(together)

    def decide(change: Change) -> None:
        moved = _take_back(change, changes[change.lead.pk], read)
        change.record(
            kinds.UNDONE, subject_type="bulk", subject_id=subject_id, data={"said": said}, **moved
        )

    with transaction.atomic():
        _lock_keys(together)
        unread = [name for name in UNREAD if not any(name in row["after"] for row in of_leads)]
        return run(list(changes), decide, by=by, now=now, lane=Lane.BULK, unread=unread)


def forget(now: datetime) -> int:
    """Delete the steps that nobody can take back any more."""
    with all_workspaces():
        deleted, _ = UndoStep.objects.filter(made_at__lt=now - KEPT).delete()
    return int(deleted)


def _lock_keys(changes: Sequence[Changed]) -> None:
    """Before the leads, as capture does."""
    keys = [row["id"] for row in changes if row["model"] == "contactkey"]
    if keys:
        values = ContactKey.objects.filter(pk__in=keys).values_list("value", flat=True)
        matching.lock_keys(*values)


def _take_back(change: Change, changes: Sequence[Changed], read: Load) -> dict[str, Any]:
    """Restore the lead of a change and what is around it; returns the move between stages."""
    of_lead: Changed = {"before": {}, "after": {}}
    around: dict[str, list[Changed]] = {}
    for row in changes:
        if row["model"] == "lead":
            of_lead = row
        else:
            around.setdefault(row["model"], []).append(row)
    before = change.lead.stage
    _require_reach(change, of_lead["after"])
    _require_alone(change.lead, around.get("contact", []))
    values = remembering.values_of(change.lead, of_lead["after"])
    require_same(Lead, values, of_lead["after"])
    # Compared before the first is written: what is refused leaves nothing half undone.
    _require_same_around(around, change.fact(read))
    restore_lead(change, of_lead, values)
    change.together(_write_around, (around, change.now))
    return _moved(before, change.lead.stage)


def _require_fresh(step: UndoStep, now: datetime) -> None:
    """Under the lead's lock, so that two clicks don't undo twice."""
    step.refresh_from_db(fields=["undone_at"])
    if step.undone_at is not None:
        raise UndoRefused("This was undone already.")
    if now - step.made_at > UNDO_WITHIN:
        raise UndoRefused("It is too late to undo this: 10 minutes have passed.")


def _require_reach(change: Change, after: Mapping[str, Any]) -> None:
    """Whoever lost the lead since leaves it alone; a hand-over of one's own can be taken back."""
    lead, member = change.lead, change.by.membership
    if lead.merged_into_id is not None:
        raise UndoRefused("This can't be undone: the lead was merged since.")
    handed_over = {"owner_id", "team_id"} & after.keys()
    if member is not None and not handed_over and not may_with(member, lead, "edit"):
        raise UndoRefused("This can't be undone: the lead isn't yours any more.")


def _require_alone(lead: Lead, contacts: Sequence[Mapping[str, Any]]) -> None:
    """A person whom the verb made stays where another lead is theirs by now."""
    made = [row["id"] for row in contacts if row["before"] is None]
    if made and Lead.objects.filter(contact__in=made).exclude(pk=lead.pk).exists():
        raise UndoRefused("This can't be undone: the person has another lead by now.")


def require_same(
    model: type[models.Model], values: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Raise UndoRefused where a field that a verb set holds something else by now."""
    for name, value in after.items():
        if name not in MOVES_ON and values[name] != value:
            label = model._meta.get_field(name).verbose_name  # type: ignore[union-attr]
            raise UndoRefused(f"This can't be undone: the {label} was changed since.")


def restore_lead(change: Change, row: Changed, values: Mapping[str, Any]) -> None:
    """Put back what a verb changed about a lead; `values` are what it holds now, as JSON."""
    for name, value in row["before"].items():
        if values[name] != row["after"][name]:
            continue
        one = Lead._meta.get_field(name)
        setattr(change.lead, one.attname, one.to_python(value))  # type: ignore[union-attr]
        change.dirty.add(one.name)
    stages = {stage.pk: stage for stage in change.batch.stages}
    change.lead.stage = stages[change.lead.stage_id]
    change.lead.pipeline = change.lead.stage.pipeline


def _reader(changes: Sequence[Changed]) -> Load:
    """What reads the rows around leads as they are now, and locks them: once for all leads."""
    groups: dict[str, list[Changed]] = defaultdict(list)
    for row in changes:
        if row["model"] != "lead":
            groups[row["model"]].append(row)

    def read(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, Rows]]:
        found = {name: _read(MODELS[name], rows) for name, rows in groups.items()}
        return dict.fromkeys(ids, found)

    return read


def _read(model: type[models.Model], rows: Sequence[Changed]) -> Rows:
    found = model._default_manager.filter(pk__in=[uuid.UUID(row["id"]) for row in rows])
    locked = found.order_by("pk").select_for_update(no_key=True)
    return {row.pk: remembering.values_of(row) for row in locked}


def _require_same_around(around: Mapping[str, list[Changed]], found: Mapping[str, Rows]) -> None:
    for name, rows in around.items():
        for row in rows:
            current = found[name].get(uuid.UUID(row["id"]))
            if current is None:
                raise UndoRefused("This can't be undone: part of it is gone.")
            require_same(MODELS[name], current, row["after"])


def _write_around(leads: Sequence[tuple[Mapping[str, list[Changed]], datetime]]) -> None:
    for model in AROUND:
        name = str(model._meta.model_name)
        rows = [row for around, _ in leads for row in around.get(name, ())]
        write_rows(model, rows, leads[0][1])


def write_rows(model: type[models.Model], rows: Sequence[Changed], now: datetime) -> None:
    """Put back rows around a lead, and remove those that a verb made."""
    alike: dict[str, list[Changed]] = defaultdict(list)
    for row in rows:
        if row["before"] is not None:
            alike[json.dumps(row["before"], sort_keys=True)].append(row)
    for group in alike.values():
        values = {
            name: model._meta.get_field(name).to_python(value)  # type: ignore[union-attr]
            for name, value in group[0]["before"].items()
        }
        ids = [uuid.UUID(row["id"]) for row in group]
        model._default_manager.filter(pk__in=ids).update(**values)
    made = [row["id"] for row in rows if row["before"] is None]
    if made:
        _remove(model, made, now)


def _remove(model: type[models.Model], made: list[str], now: datetime) -> None:
    """Delete rows that the verb made; a contact stays for the log, out of sight."""
    if model is Contact:
        Contact.objects.filter(pk__in=made).update(archived_at=now)
        return
    model._default_manager.filter(pk__in=made).delete()


def _moved(before: Stage, after: Stage) -> dict[str, Any]:
    if before.pk == after.pk:
        return {}
    return {
        "from_stage": before,
        "to_stage": after,
        "from_status": before.status,
        "to_status": after.status,
    }
