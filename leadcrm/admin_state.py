"""How the installation is, at a glance: lag, parked leads, what came in and failed, locked sign-ins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from integrations.models import InboundEvent
from leadcrm.workspaces.admin_base import may_view
from leadcrm.workspaces.admin_parts import list_of
from leads import lag
from leads.models import Cursor, Parking

COUNTED_TO = 1000
LATE = 60  # seconds from which a reader of the log counts as late


@dataclass(frozen=True)
class Fact:
    """A line of the state: what it is about, its value in words, whether it needs somebody."""

    title: str
    value: str
    url: str
    is_bad: bool = False


def state_of(request: HttpRequest) -> list[Fact]:
    """The facts that this staff user may see, each counted to a limit."""
    makers = {Cursor: _lag, Parking: _parked, InboundEvent: _received, AccessAttempt: _locked}
    return [fact for model, make in makers.items() if may_view(request, model) for fact in make()]


def _lag() -> list[Fact]:
    now, url = timezone.now(), list_of(Cursor)
    behind = [one for one in lag.with_lag(Cursor.objects.all()) if one.rows_waiting]
    if not behind:
        return [Fact("Readers of the log", "up to date", url)]
    worst = max(behind, key=lambda one: lag.seconds_since(one.oldest_waiting, now))
    seconds = lag.seconds_since(worst.oldest_waiting, now)
    rows = _counted(worst.rows_waiting, lag.COUNTED_TO)
    value = f"{worst} is {_lasting(seconds)} behind, {rows} to read"
    return [Fact("Readers of the log", value, url, seconds >= LATE)]


def _parked() -> list[Fact]:
    count = _up_to(Parking.objects.all())
    return [Fact("Parked leads", _counted(count), list_of(Parking), count > 0)]


def _received() -> list[Fact]:
    url, states = list_of(InboundEvent), InboundEvent.State
    failed = _up_to(InboundEvent.objects.filter(state=states.FAILED))
    waiting = _up_to(InboundEvent.objects.filter(state=states.WAITING))
    return [
        Fact("Received and failed", _counted(failed), f"{url}?state=failed", failed > 0),
        Fact("Received and waiting", _counted(waiting), f"{url}?state=waiting"),
    ]


def _locked() -> list[Fact]:
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    locked = AccessAttempt.objects.filter(
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gte=since
    )
    return [Fact("Locked sign-ins", _counted(_up_to(locked)), list_of(AccessAttempt))]


def _lasting(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def _up_to(rows: QuerySet[Any]) -> int:
    return int(rows.order_by()[:COUNTED_TO].count())


def _counted(count: int, limit: int = COUNTED_TO) -> str:
    return f"{limit:,} or more" if count >= limit else f"{count:,}"
