"""When a workspace is open, and arithmetic in its business minutes and days.

Pure: no database and no clock. Instants are aware datetimes, results are in UTC, and what lies
between two instants is real time, also where the clocks change. Opening hours belong to local
dates: of a local time that happens twice the first counts, one that is skipped is the moment of
the change. A week without any hours would never open, so it counts as always open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

# A closing time of 00:00 is the end of the day; JSON writes it as 24:00.
Hours = tuple[tuple[time, time], ...]
Window = tuple[datetime, datetime]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OFFICE: Hours = ((time(9), time(18)),)
ROUND_THE_CLOCK: Hours = ((time.min, time.min),)
CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
# America/Recife changed its clocks for six days in 2000, the shortest time since 1970:
# three looks a week see every change.
LOOKS = (timedelta(0), timedelta(days=4), WEEK)

MINUTES_AFTER_OPENING = 30
FIRST_RETRY = timedelta(hours=2)
NOON = time(12)
MORNING_TRY = time(10)
AFTERNOON_TRY = time(15)


def office_week() -> dict[int, Hours]:
    """Monday to Friday, 09:00 to 18:00. Source: product.md, Hours."""
    return dict.fromkeys(range(5), OFFICE)


@dataclass(frozen=True)
class BusinessHours:
    """The opening hours of a workspace.

    Args:
        time_zone: IANA name, such as Europe/Berlin.
        days: Weekday (0 is Monday) to its (opening, closing) local times; a missing day is closed.
            Hours past midnight are split there; a closing time of 00:00 ends the day.
        holidays: Local dates on which it stays closed.

    Raises:
        ValueError: naming the field that is wrong.

    Source: product.md, Hours.
    """

    time_zone: str
    days: Mapping[int, Hours] = field(default_factory=office_week, hash=False)
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"time_zone: {self.time_zone!r} is not a known time zone") from error
        days = {day: tuple(sorted(hours)) for day, hours in sorted(self.days.items())}
        for day, hours in days.items():
            _check_hours(day, hours)
        object.__setattr__(self, "days", days)

    @classmethod
    def from_json(cls, data: object, *, time_zone: str) -> Self:
        """Read the hours that a workspace stores.

        Args:
            data: `{"0": [["09:00", "18:00"]], …, "holidays": ["2026-12-25"]}`. Without any weekday
                it is Monday to Friday, 09:00 to 18:00; None is like an empty object.
            time_zone: IANA name.

        Raises:
            ValueError: naming the field that is wrong.
        """
        if data is None:
            data = {}
        if not isinstance(data, dict):
            raise ValueError("business_hours: must be an object of weekdays")
        fields = dict(data)
        holidays = _read_holidays(fields.pop("holidays", []))
        days = {_read_weekday(key): _read_hours(key, value) for key, value in fields.items()}
        return cls(time_zone, days or office_week(), holidays)

    def to_json(self) -> dict[str, list[list[str]] | list[str]]:
        """What `from_json` reads, with all seven weekdays and without the time zone."""
        days: dict[str, list[list[str]] | list[str]] = {
            str(day): [
                [f"{opening:%H:%M}", f"{closing:%H:%M}" if closing != time.min else "24:00"]
                for opening, closing in self.days.get(day, ())
            ]
            for day in range(7)
        }
        return {**days, "holidays": [holiday.isoformat() for holiday in sorted(self.holidays)]}

    def is_open(self, at: datetime) -> bool:
        """Whether it is open at an aware instant; at closing time it no longer is.

        Raises:
            ValueError: `at` is naive.
        """
        at = _utc(at)
        opening, _ = next(self._windows(at))
        return opening <= at

    def next_opening(self, at: datetime) -> datetime:
        """The first open instant at or after `at`: `at` itself while open.

        Raises:
            ValueError: `at` is naive.
        """
        at = _utc(at)
        opening, _ = next(self._windows(at))
        return max(opening, at)

    def add_minutes(self, at: datetime, minutes: float) -> datetime:
        """The instant by which so many business minutes have passed.

        Args:
            at: Aware instant; while closed the count starts at the next opening.
            minutes: Business minutes, 0 or more.

        Returns:
            A UTC instant; a count that ends with the day ends at closing time.

        Raises:
            ValueError: `at` is naive, or `minutes` negative.
            OverflowError: The answer lies beyond the year 9999.
        """
        if minutes < 0:
            raise ValueError("minutes: must not be negative")
        at = _utc(at)
        left = timedelta(minutes=minutes)
        day = self._local(at).date()
        weeks_from = day + 2 * DAY
        while True:
            # Strictly more than the week: what ends with its last day ends at that closing time.
            if day >= weeks_from and left > self._longest_week:
                week = self._open_in_week(day)
                if week is not None:
                    left -= week
                    day += WEEK
                    continue
            for opening, closing in self._windows_on(day):
                if closing <= at:
                    continue
                start = max(opening, at)
                if closing - start >= left:
                    return start + left
                left -= closing - start
            day += DAY

    def minutes_between(self, start: datetime, end: datetime) -> float:
        """Business minutes from one aware instant to another, seconds as fractions.

        Returns:
            Minutes; negative where `end` comes first.

        Raises:
            ValueError: An instant is naive.
        """
        start, end = _utc(start), _utc(end)
        if end < start:
            return -self.minutes_between(end, start)
        first, last = self._local(start).date(), self._local(end).date()
        total, day = timedelta(), first
        # Where clocks go back over midnight, an instant can belong to the hours of the next date.
        while day <= last + DAY:
            if first + 2 * DAY <= day <= last - WEEK:
                week = self._open_in_week(day)
                if week is not None:
                    total += week
                    day += WEEK
                    continue
            for opening, closing in self._windows_on(day):
                total += max(min(closing, end) - max(opening, start), timedelta())
            day += DAY
        return total / timedelta(minutes=1)

    def add_days(self, at: datetime, n: int) -> datetime:
        """The same local time so many business days later or earlier, moved into opening hours.

        Before opening and in a break it moves on to the next opening. After closing, a later day
        runs into the following one and an earlier day goes back to its first opening, so that at
        least `n` business days always lie between.

        Args:
            at: Aware instant.
            n: Business days; negative for earlier, 0 for the next open instant.

        Raises:
            ValueError: `at` is naive.
            OverflowError: The answer lies outside the years 1 to 9999.
        """
        if n == 0:
            return self.next_opening(at)
        local = self._local(_utc(at))
        day = self._business_day(local.date(), n)
        if n > 0:
            return self.next_opening(self._instant(day, local.time()))
        return self._open_on(day, local.time())

    def subtract_days(self, at: datetime, n: int) -> datetime:
        """`add_days` the other way: `n` business days earlier."""
        return self.add_days(at, -n)

    def answer_due(self, received_at: datetime, minutes: int) -> datetime:
        """When an enquiry has to be answered.

        Args:
            received_at: Aware instant at which it arrived.
            minutes: The source's target in business minutes.

        Returns:
            The target later; for what arrives outside hours 30 minutes after the next opening, or
            the target where that is longer.

        Raises:
            ValueError: `received_at` is naive, or `minutes` negative.

        Source: product.md, Hours, Sources and answer targets.
        """
        if minutes < 0:
            raise ValueError("minutes: must not be negative")
        if not self.is_open(received_at):
            minutes = max(minutes, MINUTES_AFTER_OPENING)
        return self.add_minutes(received_at, minutes)

    def next_try(self, now: datetime, attempt_count: int) -> datetime:
        """When to call again after voicemail, no answer or busy.

        Args:
            now: Aware instant of the try that went unanswered.
            attempt_count: Unanswered tries so far, that one included.

        Returns:
            After the first try two hours later, or at the next opening; after later ones on the
            next business day in the other half-day: 15:00 after a morning, 10:00 after an
            afternoon, within that day's hours.

        Raises:
            ValueError: `now` is naive, or `attempt_count` less than 1.

        Source: product.md, Call outcomes.
        """
        if attempt_count < 1:
            raise ValueError("attempt_count: must be at least 1")
        now = _utc(now)
        if attempt_count == 1:
            return self.next_opening(now + FIRST_RETRY)
        local = self._local(now)
        wanted = AFTERNOON_TRY if local.time() < NOON else MORNING_TRY
        return self._open_on(self._business_day(local.date(), 1), wanted)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @cached_property
    def _never_opens(self) -> bool:
        return not any(self.days.values())

    @cached_property
    def _lengths(self) -> tuple[timedelta, ...]:
        """How long each weekday is open where the clocks don't change."""
        if self._never_opens:
            return (DAY,) * 7
        return tuple(
            sum((_length(*hours) for hours in self.days.get(day, ())), start=timedelta())
            for day in range(7)
        )

    @cached_property
    def _longest_week(self) -> timedelta:
        return sum(self._lengths, start=timedelta())

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self._zone)

    def _instant(self, day: date, at: time) -> datetime:
        local = datetime.combine(day, at.replace(fold=0), self._zone)
        instant = local.astimezone(UTC)
        there = instant.astimezone(self._zone)
        if there.replace(tzinfo=None) == local.replace(tzinfo=None):
            return instant
        # The clocks skip this time: search for the moment at which they change.
        before = local.replace(fold=1).astimezone(UTC)
        while instant - before > timedelta.resolution:
            middle = before + (instant - before) // 2
            if middle.astimezone(self._zone).utcoffset() == there.utcoffset():
                instant = middle
            else:
                before = middle
        return instant

    def _hours_on(self, day: date) -> Hours:
        if self._never_opens:
            return ROUND_THE_CLOCK
        if day in self.holidays:
            return ()
        return self.days.get(day.weekday(), ())

    @cached_property
    def _known_days(self) -> dict[date, list[Window]]:
        """The windows of days that were asked for: many leads fall on the same ones."""
        return {}

    def _windows_on(self, day: date) -> list[Window]:
        if day not in self._known_days:
            windows = [
                (
                    self._instant(day, start),
                    self._instant(day + DAY if end == time.min else day, end),
                )
                for start, end in self._hours_on(day)
            ]
            self._known_days[day] = [
                (opening, closing) for opening, closing in windows if opening < closing
            ]
        return self._known_days[day]

    def _windows(self, at: datetime) -> Iterator[Window]:
        day = self._local(at).date()
        while True:
            yield from (window for window in self._windows_on(day) if window[1] > at)
            day += DAY

    def _open_on(self, day: date, wanted: time) -> datetime:
        """The first open instant from a local time on, or the day's first if it closes earlier."""
        at = self._instant(day, wanted)
        windows = self._windows_on(day)
        later = (max(opening, at) for opening, closing in windows if closing > at)
        return next(later, windows[0][0])

    def _business_day(self, day: date, n: int) -> date:
        step = DAY if n > 0 else -DAY
        left = abs(n)
        while left:
            day += step
            left -= bool(self._windows_on(day))
        return day

    def _open_in_week(self, day: date) -> timedelta | None:
        """How long it is open in the seven days from `day`; None if clocks change in them."""
        midnight = datetime.combine(day, time.min, self._zone)
        if len({(midnight + look).utcoffset() for look in LOOKS}) > 1:
            return None
        if not self.holidays or self._never_opens:
            return self._longest_week
        days = (day + n * DAY for n in range(7))
        closed = (self._lengths[day.weekday()] for day in days if day in self.holidays)
        return self._longest_week - sum(closed, start=timedelta())


def _utc(at: datetime) -> datetime:
    # Python compares and adds within one zone by the wall clock, so nothing is computed in it.
    if at.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(UTC)


def _length(opening: time, closing: time) -> timedelta:
    minutes = (closing.hour - opening.hour) * 60 + closing.minute - opening.minute
    return timedelta(minutes=minutes) + (DAY if closing == time.min else timedelta())


def _check_hours(day: int, hours: Hours) -> None:
    if day not in range(7):
        raise ValueError(f"{day}: weekdays run from 0 (Monday) to 6 (Sunday)")
    name = f"{day} ({WEEKDAYS[day]})"
    closed = time.min
    for n, (opening, closing) in enumerate(hours):
        if any(at.second or at.microsecond or at.tzinfo for at in (opening, closing)):
            raise ValueError(f"{name}: times are whole minutes without a time zone")
        if closing <= opening and closing != time.min:
            raise ValueError(f"{name}: {closing:%H:%M} must come after {opening:%H:%M}")
        if n and (opening < closed or closed == time.min):
            raise ValueError(f"{name}: hours overlap at {opening:%H:%M}")
        closed = closing


def _read_weekday(key: object) -> int:
    if key in {"0", "1", "2", "3", "4", "5", "6"}:
        return int(str(key))
    raise ValueError(f"{key!s:.40}: expected a weekday from 0 (Monday) to 6 (Sunday), or holidays")


def _read_hours(key: object, value: object) -> Hours:
    if not isinstance(value, list):
        raise ValueError(f"{key}: must be a list of [opening, closing] times")
    return tuple(_read_pair(key, pair) for pair in value)


def _read_pair(key: object, pair: object) -> tuple[time, time]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError(f"{key}: expected [opening, closing], such as ['09:00', '18:00']")
    opening, closing = pair
    if opening == "24:00":
        raise ValueError(f"{key}: a day can't open at 24:00")
    return _read_time(key, opening), _read_time(key, closing)


def _read_time(key: object, value: object) -> time:
    if not isinstance(value, str) or not CLOCK.fullmatch(value):
        raise ValueError(f"{key}: {value!r:.40} is not a time such as 09:00")
    return time.min if value == "24:00" else time.fromisoformat(value)


def _read_holidays(value: object) -> frozenset[date]:
    if not isinstance(value, list):
        raise ValueError("holidays: must be a list of dates")
    return frozenset(_read_holiday(day) for day in value)


def _read_holiday(value: object) -> date:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError(f"holidays: {value!r:.40} is not a date such as 2026-12-25") from error
