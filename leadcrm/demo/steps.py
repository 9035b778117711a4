"""What a life consists of: enquiries, and steps that are done to the lead they made."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leadcrm.demo import words
from leadcrm.demo.almanac import Almanac
from leadcrm.demo.cast import FORMS, Cast, Channel
from leadcrm.demo.people import Person
from leadcrm.workspaces.actors import Actor
from leads.capture import LeadDraft
from leads.models import Appointment, Task
from leads.models.activity import Lane


@dataclass(slots=True)
class Scene:
    """What a step finds when it is played: the lead, and its booked appointment and open tasks.

    `deed` is by whom, when and in which lane.
    """

    lead_id: uuid.UUID
    deed: dict[str, Any]
    appointment: Appointment | None = None
    tasks: Sequence[Task] = ()

    @property
    def ids(self) -> list[uuid.UUID]:
        return [self.lead_id]


Do = Callable[[Scene], object]


@dataclass(slots=True)
class Step:
    """Something that is done to the person's present lead."""

    at: datetime
    by: Actor
    do: Do
    lane: str = Lane.BACKFILL
    about_appointment: bool = False
    about_task: bool = False


@dataclass(slots=True)
class Enquiry:
    """The person enquires: a new lead, or news on the one that is open."""

    draft: LeadDraft
    by: Actor
    lane: str = Lane.BACKFILL


@dataclass(slots=True)
class Life:
    """One person's steps; `lead_id` is the lead that the latest enquiry went to."""

    person: Person
    steps: list[Step | Enquiry] = field(default_factory=list)
    lead_id: uuid.UUID | None = None


@dataclass
class World:
    """What all lives share."""

    cast: Cast
    almanac: Almanac
    dice: random.Random
    now: datetime
    numbered: int = 0

    def next_number(self) -> int:
        self.numbered += 1
        return self.numbered


def campaign(channel: Channel) -> dict[str, str]:
    """What the address of the landing page told."""
    if not channel.medium:
        return {}
    return {
        "utm_source": channel.name.split()[0].lower(),
        "utm_medium": channel.medium,
        "utm_campaign": channel.campaign.lower().replace(" ", "-"),
    }


def answers(channel: Channel, dice: random.Random) -> list[tuple[str, str]]:
    """What a form of the channel asks, answered."""
    asked: list[tuple[str, Sequence[str]]] = [
        *((field["label"], field["options"]) for field in _select_fields(channel)),
        *words.ANSWERS.get(channel.name, ()),
    ]
    return [(label, dice.choice(options)) for label, options in asked]


def _select_fields(channel: Channel) -> list[dict[str, Any]]:
    return [one for one in FORMS.get(channel.name, {}).get("form_fields", []) if "options" in one]
