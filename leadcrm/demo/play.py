"""Plays lives through the verbs: the next step of every life at once, round by round.

A step is one verb at its own time. Doing the steps of a round as one batch makes a story of some
thousand events a matter of seconds.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby

from leadcrm.demo.steps import Enquiry, Life, Scene, Step
from leads.batch import gathered
from leads.capture import capture_leads
from leads.models import Appointment, Task

Turn = tuple[Life, Step]
Say = Callable[[str], object]


def play(lives: Sequence[Life], now: datetime, say: Say = lambda words: None) -> int:
    """Play all lives to their ends; returns how many steps there were."""
    total, done = sum(len(life.steps) for life in lives), 0
    position = 0
    while turns := [(life, life.steps[position]) for life in lives if position < len(life.steps)]:
        _capture([(life, one) for life, one in turns if isinstance(one, Enquiry)], now)
        _perform([(life, one) for life, one in turns if isinstance(one, Step)])
        position, done = position + 1, done + len(turns)
        say(f"{done} of {total} events")
    return total


def _capture(turns: Sequence[tuple[Life, Enquiry]], now: datetime) -> None:
    """New people in few batches; whoever comes again is captured at that very time."""

    def together(turn: tuple[Life, Enquiry]) -> tuple[str, str, str]:
        life, one = turn
        again = one.draft.key if life.lead_id else ""
        return one.lane, str(one.by.membership.name if one.by.membership else ""), again

    for (_, _, again), group in groupby(sorted(turns, key=together), key=together):
        batch = list(group)
        first = batch[0][1]
        captured = capture_leads(
            [one.draft for _, one in batch],
            by=first.by,
            now=first.draft.occurred_at if again else now,
            lane=first.lane,
        )
        for (life, _), outcome in zip(batch, captured, strict=True):
            life.lead_id = outcome.lead_id


def _perform(turns: Sequence[Turn]) -> None:
    booked = _booked([_lead(life) for life, step in turns if step.about_appointment])
    tasks = _open_tasks([_lead(life) for life, step in turns if step.about_task])
    with gathered():
        for life, step in turns:
            lead_id = _lead(life)
            deed = {"by": step.by, "now": step.at, "lane": step.lane}
            step.do(Scene(lead_id, deed, booked.get(lead_id), tasks.get(lead_id, ())))


def _lead(life: Life) -> uuid.UUID:
    if life.lead_id is None:
        raise ValueError(f"the life of {life.person.name} doesn't begin with an enquiry")
    return life.lead_id


def _booked(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Appointment]:
    if not ids:
        return {}
    rows = Appointment.objects.filter(lead__in=ids, status=Appointment.Status.SCHEDULED)
    return {row.lead_id: row for row in rows}


def _open_tasks(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Task]]:
    found: dict[uuid.UUID, list[Task]] = defaultdict(list)
    for task in Task.objects.filter(lead__in=ids, done_at=None) if ids else ():
        found[task.lead_id].append(task)
    return found
