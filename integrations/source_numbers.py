"""What sources brought lately, as numbers and as the bars of a small chart."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Max, OuterRef, QuerySet, Subquery

from integrations.models import InboundEvent
from leadcrm.workspaces.models import Workspace
from leads.models import Source, SourceDay
from leads.sources import days_of

DAYS = 30
HEIGHT = 24  # of the chart; a bar and its gap are BAR wide
BAR, GAP = 4, 1


@dataclass(frozen=True)
class Bar:
    """A day of the chart."""

    x: int
    y: int
    height: int


@dataclass(frozen=True)
class Numbers:
    """The last 30 days of a source, today included."""

    created: int
    repeated: int
    bars: Sequence[Bar]
    since: date

    @property
    def text(self) -> str:
        """The chart in words."""
        repeats = f", {self.repeated} repeat" if self.repeated else ""
        return f"{self.created} new{repeats} in {DAYS} days"


def with_last_received(sources: QuerySet[Source]) -> QuerySet[Source]:
    """Sources with `last_received` (a moment, of channels) and `last_day` (of all)."""
    received = InboundEvent.objects.filter(source=OuterRef("pk")).order_by("-received_at")
    return sources.annotate(
        last_received=Subquery(received.values("received_at")[:1]), last_day=Max("days__day")
    )


def numbers_of(
    sources: Sequence[Source], workspace: Workspace, now: datetime
) -> dict[uuid.UUID, Numbers]:
    """The numbers of each source, by its id, in one query."""
    today = now.astimezone(ZoneInfo(workspace.time_zone)).date()
    since = today - timedelta(days=DAYS - 1)
    days = days_of([source.pk for source in sources], since)
    return {source.pk: _numbers(days.get(source.pk, {}), since) for source in sources}


def _numbers(days: Mapping[date, SourceDay], since: date) -> Numbers:
    dates = [since + timedelta(days=number) for number in range(DAYS)]
    counts = [days[day].created if day in days else 0 for day in dates]
    repeated = sum(one.repeated for one in days.values())
    return Numbers(sum(counts), repeated, _bars(counts), since)


def _bars(counts: Sequence[int]) -> list[Bar]:
    """A bar for each day that brought something; the best day is as high as the chart."""
    most = max([*counts, 1])
    heights = [max(2, round(HEIGHT * count / most)) if count else 0 for count in counts]
    return [
        Bar(x=number * (BAR + GAP), y=HEIGHT - height, height=height)
        for number, height in enumerate(heights)
        if height
    ]
