"""When things happen: enquiries at people's leisure, work in working hours, visits without overlap."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from leadcrm.demo.cast import FAIR, TIME_ZONE, Channel

DAYS = 90
FAIR_DAYS_AGO = 45
QUIET = timedelta(hours=6)  # before the present; who enquired in it is told one by one
WEEKDAYS = (1.2, 1.15, 1.1, 1.0, 0.9, 0.5, 0.45)
GROWTH = 1.5  # how much more comes in at the end of the story than at its start
# How many enquire in each hour of the day: in the evening on the sofa, or while offices are open.
AT_LEISURE = (1, 1, 0, 0, 0, 1, 2, 4, 6, 6, 6, 6, 7, 6, 5, 5, 6, 7, 9, 11, 11, 9, 6, 3)
IN_DAYTIME = (0, 0, 0, 0, 0, 0, 0, 0, 5, 9, 10, 9, 6, 7, 8, 8, 7, 4, 1, 0, 0, 0, 0, 0)
# Local opening and closing hours of those who work in the field, by weekday.
SHIFT = {**dict.fromkeys(range(5), (8, 19)), 5: (9, 14)}
DESK = dict.fromkeys(range(7), (7, 22))  # somebody answers new leads every day
VISIT_HOURS = range(9, 18)
VISIT = 60  # minutes
ON_THE_WAY = timedelta(minutes=30)


class Almanac:
    """Tells times around `now`, the present of the story."""

    def __init__(self, now: datetime, dice: random.Random) -> None:
        self.now, self.dice = now, dice
        self.zone = ZoneInfo(TIME_ZONE)
        self.visits: dict[str, list[tuple[datetime, datetime]]] = {}

    def arrival(self, channel: Channel) -> datetime:
        """When somebody enquires by a channel in the last 90 days, up to a few hours ago."""
        hours = IN_DAYTIME if channel.daytime else AT_LEISURE
        day = self._fair_day() if channel.name == FAIR else self._day()
        (hour,) = self.dice.choices(range(24), hours)
        at = self._on(day, hour, self.dice.randrange(60)) + timedelta(
            seconds=self.dice.randrange(60)
        )
        while at > self.now - QUIET:
            at -= timedelta(days=1)
        return at

    def at_desk(self, at: datetime) -> datetime:
        """This moment, or a little after somebody is there to answer new leads."""
        return self._open(at, DESK)

    def on_shift(self, at: datetime) -> datetime:
        """This moment, or a little after the next working day has begun."""
        return self._open(at, SHIFT)

    def visit(self, host: str, after: datetime) -> datetime:
        """The host's next free hour for a visit, which is theirs from now on."""
        at = self._half_hour(after)
        while not self._is_free(host, at):
            at += timedelta(minutes=30)
        self.visits.setdefault(host, []).append((at, at + timedelta(minutes=VISIT)))
        return at

    def visit_before(self, host: str, latest: datetime) -> datetime:
        """The host's last free hour for a visit that is over by a moment; theirs too."""
        at = self._half_hour(latest - timedelta(minutes=VISIT + 30))
        while not self._is_free(host, at):
            at -= timedelta(minutes=30)
        self.visits.setdefault(host, []).append((at, at + timedelta(minutes=VISIT)))
        return at

    def _day(self) -> int:
        """How many days ago: steady growth, fewer on weekends."""
        weights = [
            (1 + GROWTH * (1 - ago / DAYS)) * WEEKDAYS[self._local_day(ago).weekday()]
            for ago in range(DAYS)
        ]
        return self.dice.choices(range(DAYS), weights)[0]

    def _fair_day(self) -> int:
        """The Saturday or the Sunday of the fair."""
        ago = FAIR_DAYS_AGO
        while self._local_day(ago).weekday() != 5:
            ago += 1
        return ago - self.dice.choice((0, 0, 1))

    def _local_day(self, ago: int) -> datetime:
        return self.now.astimezone(self.zone) - timedelta(days=ago)

    def _on(self, ago: int, hour: int, minute: int) -> datetime:
        day = self._local_day(ago).date()
        return datetime.combine(day, time(hour, minute), self.zone).astimezone(self.now.tzinfo)

    def _open(self, at: datetime, hours: dict[int, tuple[int, int]]) -> datetime:
        local = at.astimezone(self.zone)
        opening, closing = hours.get(local.weekday(), (0, 0))
        if opening <= local.hour < closing:
            return at
        if local.hour >= opening:  # closed already, or the whole day
            local = datetime.combine(local.date() + timedelta(days=1), time(0), self.zone)
            return self._open(local.astimezone(self.now.tzinfo), hours)
        opened = datetime.combine(local.date(), time(opening), self.zone)
        return opened.astimezone(self.now.tzinfo) + timedelta(minutes=self.dice.randint(2, 75))

    def _half_hour(self, at: datetime) -> datetime:
        full = at.replace(minute=0, second=0, microsecond=0)
        return full + timedelta(minutes=30 if at.minute < 30 else 60)

    def _is_free(self, host: str, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        if local.hour not in VISIT_HOURS or local.weekday() == 6:
            return False
        end = at + timedelta(minutes=VISIT)
        return all(
            end + ON_THE_WAY <= start or at >= over + ON_THE_WAY
            for start, over in self.visits.get(host, ())
        )
