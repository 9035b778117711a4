"""The pipeline templates, as a spec: stages, transitions, guards and timers.

A template is copied once into a workspace's own Pipeline and Stage rows; from then on the
workspace's rows are the truth. A malformed template fails at import.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import TextChoices


class Status(TextChoices):
    """The union of the five systems' states. A status never changes its meaning."""

    NEW = "new", "New"
    ENGAGED = "engaged", "Engaged"
    CONTACTED = "contacted", "Contacted"
    MQL = "mql", "MQL"
    QUALIFIED = "qualified", "Qualified"
    SCHEDULED = "scheduled", "Booked"
    COMPLETED = "completed", "Met"
    CONVERTED = "converted", "Converted"
    DISQUALIFIED = "disqualified", "Not a fit"
    LOST = "lost", "Lost"
    RECYCLED = "recycled", "Follow up later"


class Outcome(TextChoices):
    OPEN = "open", "Open"
    WON = "won", "Won"
    LOST = "lost", "Lost"
    RESTING = "resting", "Resting"


# How far along an open lead is: `advance` goes up this ladder and never down.
LADDER = (
    Status.NEW,
    Status.ENGAGED,
    Status.CONTACTED,
    Status.MQL,
    Status.QUALIFIED,
    Status.SCHEDULED,
    Status.COMPLETED,
    Status.CONVERTED,
)
CLOSING = frozenset({Status.LOST, Status.DISQUALIFIED})
# What a stage of each status may be.
OUTCOMES: dict[Status, tuple[Outcome, ...]] = {
    **dict.fromkeys(LADDER, (Outcome.OPEN,)),
    Status.COMPLETED: (Outcome.OPEN, Outcome.WON),
    Status.CONVERTED: (Outcome.WON,),
    Status.LOST: (Outcome.LOST,),
    Status.DISQUALIFIED: (Outcome.LOST,),
    Status.RECYCLED: (Outcome.RESTING,),
}
ALIASES = {
    "sql": Status.QUALIFIED,
    "opportunity": Status.CONVERTED,
    "deal": Status.CONVERTED,
    "booked": Status.SCHEDULED,
}


class MalformedTemplate(ValueError):
    """A template breaks a rule of the graph; raised at import."""


@dataclass(frozen=True)
class StageSpec:
    """One stage: `next` names the stages a person may move to besides the closing ones.

    `no_contact_days` closes a lead that nobody reached, counted from the start of the attempt;
    `idle_days` one that went quiet. `required` names lead fields that must hold a value.
    """

    key: str
    status: Status
    next: tuple[str, ...] = ()
    outcome: Outcome = Outcome.OPEN
    label: str = ""
    required: tuple[str, ...] = ()
    no_contact_days: int | None = None
    idle_days: int | None = None


@dataclass(frozen=True)
class Template:
    key: str
    label: str
    stages: tuple[StageSpec, ...]
    creates_deal: bool = False
    by_key: dict[str, StageSpec] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_key", {stage.key: stage for stage in self.stages})
        self._check()

    def _check(self) -> None:
        if len(self.by_key) != len(self.stages):
            raise MalformedTemplate(f"{self.key}: a stage key stands twice")
        statuses = [stage.status for stage in self.stages]
        if len(set(statuses)) != len(statuses):
            raise MalformedTemplate(f"{self.key}: a status stands twice")
        if not self.stages or self.stages[0].status is not Status.NEW:
            raise MalformedTemplate(f"{self.key}: the first stage must be new")
        if not any(stage.outcome is Outcome.WON for stage in self.stages):
            raise MalformedTemplate(f"{self.key}: no stage is won")
        if not any(stage.status in CLOSING for stage in self.stages):
            raise MalformedTemplate(f"{self.key}: no stage closes a lead")
        for stage in self.stages:
            self._check_stage(stage)
        self._check_reachable()

    def _check_stage(self, stage: StageSpec) -> None:
        first = self.stages[0].key
        unknown = set(stage.next) - set(self.by_key)
        if unknown:
            raise MalformedTemplate(
                f"{self.key}.{stage.key}: unknown next stage {', '.join(sorted(unknown))}"
            )
        if stage.key in stage.next:
            raise MalformedTemplate(f"{self.key}.{stage.key}: leads to itself")
        if stage.outcome not in OUTCOMES[stage.status]:
            allowed = " or ".join(OUTCOMES[stage.status])
            raise MalformedTemplate(f"{self.key}.{stage.key}: {stage.status} must be {allowed}")
        if stage.outcome is Outcome.WON and stage.next:
            raise MalformedTemplate(f"{self.key}.{stage.key}: nothing follows a won stage")
        if stage.outcome in (Outcome.LOST, Outcome.RESTING) and stage.next != (first,):
            raise MalformedTemplate(f"{self.key}.{stage.key}: reopens to {first}, nowhere else")
        for days in (stage.no_contact_days, stage.idle_days):
            if days is not None and (stage.outcome is not Outcome.OPEN or days < 1):
                raise MalformedTemplate(
                    f"{self.key}.{stage.key}: a timer needs an open stage and a day at least"
                )

    def _check_reachable(self) -> None:
        seen, queue = {self.stages[0].key}, [self.stages[0]]
        while queue:
            for key in queue.pop().next:
                if key not in seen:
                    seen.add(key)
                    queue.append(self.by_key[key])
        # Closing and resting stages are reached from every open stage, by rule rather than by arrow.
        open_or_won = {
            stage.key for stage in self.stages if stage.outcome in (Outcome.OPEN, Outcome.WON)
        }
        if missing := open_or_won - seen:
            raise MalformedTemplate(f"{self.key}: nothing leads to {', '.join(sorted(missing))}")


LOST = StageSpec("lost", Status.LOST, next=("new",), outcome=Outcome.LOST)
DISQUALIFIED = StageSpec("disqualified", Status.DISQUALIFIED, next=("new",), outcome=Outcome.LOST)
RECYCLED = StageSpec("recycled", Status.RECYCLED, next=("new",), outcome=Outcome.RESTING)

TEMPLATES: dict[str, Template] = {
    template.key: template
    for template in (
        Template(
            "standard",
            "Standard",
            (
                StageSpec(
                    "new",
                    Status.NEW,
                    ("contacted", "qualified", "scheduled"),
                    no_contact_days=30,
                    idle_days=30,
                ),
                StageSpec("contacted", Status.CONTACTED, ("qualified", "scheduled"), idle_days=30),
                StageSpec(
                    "qualified",
                    Status.QUALIFIED,
                    ("contacted", "scheduled", "converted"),
                    idle_days=30,
                ),
                StageSpec("scheduled", Status.SCHEDULED, ("qualified", "completed")),
                StageSpec("completed", Status.COMPLETED, ("scheduled", "converted")),
                StageSpec("converted", Status.CONVERTED, outcome=Outcome.WON),
                LOST,
                DISQUALIFIED,
                RECYCLED,
            ),
        ),
        Template(
            "capture",
            "Capture",
            (
                StageSpec("new", Status.NEW, ("contacted",)),
                StageSpec("contacted", Status.CONTACTED, ("qualified",)),
                StageSpec("qualified", Status.QUALIFIED, ("contacted", "converted")),
                StageSpec("converted", Status.CONVERTED, outcome=Outcome.WON),
                DISQUALIFIED,
            ),
        ),
        Template(
            "appointments",
            "Appointments",
            (
                StageSpec(
                    "new", Status.NEW, ("qualified", "scheduled"), no_contact_days=30, idle_days=30
                ),
                StageSpec("qualified", Status.QUALIFIED, ("scheduled",), idle_days=30),
                StageSpec("scheduled", Status.SCHEDULED, ("qualified", "completed")),
                StageSpec("completed", Status.COMPLETED, outcome=Outcome.WON),
                LOST,
            ),
        ),
        Template(
            "mql",
            "MQL and SQL",
            (
                StageSpec("new", Status.NEW, ("engaged", "mql", "sql")),
                StageSpec("engaged", Status.ENGAGED, ("mql", "sql")),
                StageSpec("mql", Status.MQL, ("sql",)),
                StageSpec("sql", Status.QUALIFIED, ("mql", "opportunity"), label="SQL"),
                StageSpec(
                    "opportunity", Status.CONVERTED, outcome=Outcome.WON, label="Opportunity"
                ),
                DISQUALIFIED,
                RECYCLED,
            ),
            creates_deal=True,
        ),
        Template(
            "bant",
            "BANT",
            (
                StageSpec("new", Status.NEW, ("contacted",)),
                StageSpec("contacted", Status.CONTACTED, ("qualified",)),
                StageSpec("qualified", Status.QUALIFIED, ("contacted", "converted")),
                StageSpec("converted", Status.CONVERTED, outcome=Outcome.WON),
                LOST,
            ),
            creates_deal=True,
        ),
    )
}


def rung(status: str) -> int:
    """How far along the ladder a status is; -1 for closed and resting ones."""
    return LADDER.index(Status(status)) if status in LADDER else -1


def status_named(text: str) -> Status | None:
    """The status of a name in any case, or of a system's other name for it; None if unknown."""
    name = text.strip().lower()
    return ALIASES.get(name) or (Status(name) if name in Status.values else None)
