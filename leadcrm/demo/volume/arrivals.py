"""When enquiries come in: more every year, few at night and on Sundays."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from leadcrm.demo.volume.copying import DAY

DAYS = 4 * 365
MIDNIGHT = 6 * 3600  # in Chicago, in seconds of the day in UTC
GROWTH = 1.4  # e to this power: how much more comes in at the end than at the start
WEEKDAYS = (1.2, 1.15, 1.1, 1.05, 0.95, 0.5, 0.45)
HOURS = (1, 1, 0, 0, 0, 1, 2, 4, 7, 8, 8, 8, 8, 8, 8, 8, 8, 7, 7, 8, 8, 6, 4, 2)
LAST = 600  # nobody has come in so many seconds before now


def days(leads: int, now: float, dice: random.Random) -> Iterator[list[float]]:
    """The moments of `leads` enquiries, day by day, in order."""
    first = (int(now) - MIDNIGHT) // DAY - DAYS
    weights = [_weight(first + n, n, dice) for n in range(DAYS + 1)]
    weights[-1] *= max(0.02, (now - LAST - (first + DAYS) * DAY - MIDNIGHT) / DAY)
    total, sum_, done = sum(weights), 0.0, 0
    for number, weight in enumerate(weights):
        sum_ += weight
        upto = leads if number == DAYS else round(leads * sum_ / total)
        start = (first + number) * DAY + MIDNIGHT
        yield sorted(_moment(start, now, dice) for _ in range(upto - done))
        done = upto


def _weight(day: int, number: int, dice: random.Random) -> float:
    weekday = (day + 3) % 7  # 1 January 1970 was a Thursday
    season = 1 + 0.15 * math.sin(2 * math.pi * number / 365)
    return math.exp(GROWTH * number / DAYS) * WEEKDAYS[weekday] * season * dice.uniform(0.85, 1.15)


def _moment(start: float, now: float, dice: random.Random) -> float:
    (hour,) = dice.choices(range(24), HOURS)
    at = start + hour * 3600 + int(dice.random() * 3600)
    return at if at < now - LAST else start + int((now - LAST - start) * dice.random())
