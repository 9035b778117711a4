import contextlib
import json
import pickle
import time as clock
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from leadcrm.workspaces.business_hours import BusinessHours

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
MINUTE = timedelta(minutes=1)
OFFICE = BusinessHours("Europe/Berlin")
LUNCH = BusinessHours(
    "Europe/Berlin",
    {day: ((time(9), time(12)), (time(13), time(18))) for day in range(5)},
    frozenset({date(2026, 12, 25), date(2027, 1, 1)}),
)
NIGHTS = BusinessHours(
    "Europe/Berlin", {day: ((time(0), time(6)), (time(22), time(0))) for day in range(7)}
)
ALWAYS = BusinessHours("Europe/Berlin", {})
MORNINGS = BusinessHours("Europe/Berlin", {day: ((time(8), time(12)),) for day in range(5)})


def berlin(day: int, hour: int = 0, minute: int = 0, *, month: int = 11, fold: int = 0) -> datetime:
    """In November 2026 the 16th is a Monday, the 20th a Friday."""
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN, fold=fold).astimezone(UTC)


# --- reading and writing


@pytest.mark.parametrize("data", [{}, None, {"holidays": []}])
def test_an_empty_setting_is_monday_to_friday_nine_to_six(data):
    hours = BusinessHours.from_json(data, time_zone="Europe/Berlin")
    assert hours == OFFICE
    assert hours.days == dict.fromkeys(range(5), ((time(9), time(18)),))
    assert hours.holidays == frozenset()


def test_reading_keeps_what_was_given_and_sorts_it():
    hours = BusinessHours.from_json(
        {"0": [["13:00", "18:00"], ["09:00", "12:00"]], "6": [["20:00", "24:00"]]}
        | {"holidays": ["2026-12-25"]},
        time_zone="UTC",
    )
    assert hours.days == {
        0: ((time(9), time(12)), (time(13), time(18))),
        6: ((time(20), time(0)),),
    }
    assert hours.holidays == {date(2026, 12, 25)}


def test_writing_names_all_weekdays():
    assert NIGHTS.to_json()["0"] == [["00:00", "06:00"], ["22:00", "24:00"]]
    assert OFFICE.to_json() == {
        **{str(day): [["09:00", "18:00"]] for day in range(5)},
        "5": [],
        "6": [],
        "holidays": [],
    }


@pytest.mark.parametrize("hours", [OFFICE, LUNCH, NIGHTS, ALWAYS, MORNINGS])
def test_what_is_written_reads_the_same(hours):
    stored = json.loads(json.dumps(hours.to_json()))
    again = BusinessHours.from_json(stored, time_zone=hours.time_zone)
    assert again.to_json() == stored
    assert again.is_open(berlin(16, 10)) == hours.is_open(berlin(16, 10))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "business_hours: must be an object"),
        ("09:00", "business_hours: must be an object"),
        ({"7": []}, "7: expected a weekday"),
        ({"monday": []}, "monday: expected a weekday"),
        ({"00": []}, "00: expected a weekday"),
        ({"1": "09:00-18:00"}, "1: must be a list"),
        ({"1": None}, "1: must be a list"),
        ({"1": ["09:00", "18:00"]}, r"1: expected \[opening, closing\]"),
        ({"1": [["09:00"]]}, r"1: expected \[opening, closing\]"),
        ({"1": [["9:00", "18:00"]]}, "1: '9:00' is not a time"),
        ({"1": [["09:00", "25:00"]]}, "1: '25:00' is not a time"),
        ({"1": [["09:00", "24:01"]]}, "1: '24:01' is not a time"),
        ({"1": [["09:00", "18:00\n"]]}, "1: .* is not a time"),
        ({"1": [["09:00", "18:00+01:00"]]}, "1: .* is not a time"),
        ({"1": [[9, 18]]}, "1: 9 is not a time"),
        ({"1": [["24:00", "24:00"]]}, "1: a day can't open at 24:00"),
        ({"1": [["18:00", "09:00"]]}, r"1 \(Tuesday\): 09:00 must come after 18:00"),
        ({"1": [["09:00", "09:00"]]}, r"1 \(Tuesday\): 09:00 must come after 09:00"),
        ({"2": [["09:00", "13:00"], ["12:00", "18:00"]]}, r"2 \(Wednesday\): hours overlap at 12:"),
        ({"2": [["09:00", "24:00"], ["12:00", "18:00"]]}, r"2 \(Wednesday\): hours overlap at 12:"),
        ({"holidays": "2026-12-25"}, "holidays: must be a list"),
        ({"holidays": ["25.12.2026"]}, "holidays: '25.12.2026' is not a date"),
        ({"holidays": ["2026-02-30"]}, "holidays: '2026-02-30' is not a date"),
        ({"holidays": [20261225]}, "holidays: 20261225 is not a date"),
        ({"holidays": ["\ud800" * 1000]}, "holidays: .{20,60} is not a date"),
    ],
)
def test_a_wrong_setting_names_its_field(data, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        BusinessHours.from_json(data, time_zone="UTC")


@pytest.mark.parametrize(
    "name", ["Mars/Base", "", "../etc/passwd", "/etc/hosts", "America", "a\0b"]
)
def test_an_unknown_time_zone_is_named(name):
    with pytest.raises(ValueError, match=r"^time_zone:"):
        BusinessHours.from_json({}, time_zone=name)


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ({7: ()}, "7: weekdays run"),
        ({-1: ()}, "-1: weekdays run"),
        ({0: ((time(9, 0, 30), time(18)),)}, "whole minutes"),
        ({0: ((time(9, tzinfo=UTC), time(18, tzinfo=UTC)),)}, "without a time zone"),
    ],
)
def test_hours_made_in_code_are_checked_too(days, message):
    with pytest.raises(ValueError, match=message):
        BusinessHours("UTC", days)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
weekday_keys = st.sampled_from([*map(str, range(8)), "holidays"]) | st.text(max_size=3)
time_texts = st.text(max_size=5) | st.sampled_from(["00:00", "09:00", "18:00", "24:00"])
nearly_hours = st.dictionaries(
    weekday_keys, st.lists(st.lists(time_texts, max_size=3), max_size=3) | json_values, max_size=4
)


@given(json_values | nearly_hours)
def test_reading_any_json_gives_hours_or_a_value_error(data):
    with contextlib.suppress(ValueError):
        hours = BusinessHours.from_json(data, time_zone="Europe/Berlin")
        assert BusinessHours.from_json(hours.to_json(), time_zone="Europe/Berlin").to_json() == (
            hours.to_json()
        )


def test_hours_are_values():
    twin = BusinessHours.from_json(LUNCH.to_json(), time_zone=LUNCH.time_zone)
    assert {LUNCH: "lunch"}[LUNCH] == "lunch"
    assert pickle.loads(pickle.dumps(LUNCH)) == LUNCH
    assert twin != OFFICE
    given_days = {0: ((time(9), time(18)),)}
    hours = BusinessHours("UTC", given_days)
    given_days.clear()
    assert hours.days == {0: ((time(9), time(18)),)}


# --- open or closed


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (berlin(16, 8, 59), False),
        (berlin(16, 9), True),
        (berlin(16, 17, 59), True),
        (berlin(16, 18), False),
        (berlin(21, 10), False),
        (berlin(22, 10), False),
    ],
)
def test_open_from_opening_until_closing_on_weekdays(at, expected):
    assert OFFICE.is_open(at) is expected


def test_closed_in_a_break_and_on_a_holiday():
    assert not LUNCH.is_open(berlin(16, 12))
    assert LUNCH.is_open(berlin(16, 13))
    assert not LUNCH.is_open(berlin(25, 10, month=12))
    assert OFFICE.is_open(berlin(25, 10, month=12))


def test_the_instant_counts_and_not_the_zone_it_is_written_in():
    at = datetime(2026, 11, 16, 4, 0, tzinfo=NEW_YORK)
    assert OFFICE.is_open(at)
    assert OFFICE.next_opening(at) == at
    assert OFFICE.next_opening(at).tzinfo is UTC


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        (berlin(16, 7), berlin(16, 9)),
        (berlin(16, 9), berlin(16, 9)),
        (berlin(16, 11, 30), berlin(16, 11, 30)),
        (berlin(16, 12, 30), berlin(16, 13)),
        (berlin(16, 18), berlin(17, 9)),
        (berlin(20, 18), berlin(23, 9)),
        (berlin(24, 18, month=12), berlin(28, 9, month=12)),
    ],
)
def test_next_opening(at, opens):
    assert LUNCH.next_opening(at) == opens


def test_hours_can_run_through_midnight():
    assert NIGHTS.is_open(berlin(17))
    assert NIGHTS.add_minutes(berlin(16, 23), 120) == berlin(17, 1)
    assert NIGHTS.minutes_between(berlin(16, 23), berlin(17, 1)) == 120
    assert not NIGHTS.is_open(berlin(17, 6))


@pytest.mark.parametrize("days", [{}, {0: ()}, dict.fromkeys(range(7), ())])
def test_no_hours_at_all_means_always_open(days):
    hours = BusinessHours("Europe/Berlin", days, frozenset({date(2026, 11, 21)}))
    saturday = berlin(21, 3, 7)
    assert hours.is_open(saturday)
    assert hours.next_opening(saturday) == saturday
    assert hours.add_minutes(saturday, 10_000_000) == saturday + 10_000_000 * MINUTE
    assert hours.minutes_between(saturday, saturday + timedelta(days=400)) == 400 * 24 * 60
    assert hours.add_days(saturday, 1) == berlin(22, 3, 7)
    assert hours.subtract_days(saturday, 1) == berlin(20, 3, 7)
    assert hours.answer_due(saturday, 5) == saturday + 5 * MINUTE


# --- minutes


@pytest.mark.parametrize(
    ("at", "minutes", "expected"),
    [
        (berlin(16, 10), 5, berlin(16, 10, 5)),
        (berlin(16, 10), 0, berlin(16, 10)),
        (berlin(16, 7), 0, berlin(16, 9)),
        (berlin(16, 18), 0, berlin(17, 9)),
        (berlin(16, 17, 50), 10, berlin(16, 18)),
        (berlin(16, 17, 50), 11, berlin(17, 9, 1)),
        (berlin(20, 17, 50), 20, berlin(23, 9, 10)),
        (berlin(21, 12), 60, berlin(23, 10)),
        (berlin(16, 10), 0.5, berlin(16, 10) + timedelta(seconds=30)),
        (berlin(16, 9), 9 * 60 * 5, berlin(20, 18)),
        (berlin(16, 9), 9 * 60 * 5 + 1, berlin(23, 9, 1)),
        (berlin(16, 9), 9 * 60 * 5 * 3, berlin(4, 18, month=12)),
    ],
)
def test_add_minutes(at, minutes, expected):
    assert OFFICE.add_minutes(at, minutes) == expected


def test_minutes_pass_neither_in_breaks_nor_on_holidays():
    assert LUNCH.add_minutes(berlin(16, 11, 50), 20) == berlin(16, 13, 10)
    assert LUNCH.minutes_between(berlin(16, 11, 50), berlin(16, 13, 10)) == 20
    assert LUNCH.add_minutes(berlin(24, 17, 30, month=12), 60) == berlin(28, 9, 30, month=12)
    assert LUNCH.minutes_between(berlin(25, month=12), berlin(26, month=12)) == 0


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        (berlin(16, 10), berlin(16, 10), 0),
        (berlin(16, 10), berlin(16, 10) + timedelta(seconds=90), 1.5),
        (berlin(16, 8), berlin(16, 9, 5), 5),
        (berlin(20, 17), berlin(23, 10), 120),
        (berlin(21), berlin(22, 23), 0),
        (berlin(16), berlin(23), 5 * 540),
        (berlin(23), berlin(16), -5 * 540),
        (berlin(1, month=1), berlin(31, 23, month=12), 261 * 540),
    ],
)
def test_minutes_between(start, end, minutes):
    assert OFFICE.minutes_between(start, end) == minutes


def test_naive_instants_and_negative_minutes_are_refused():
    naive = datetime(2026, 11, 16, 10)  # noqa: DTZ001
    aware = berlin(16, 10)
    for call in (
        lambda: OFFICE.is_open(naive),
        lambda: OFFICE.next_opening(naive),
        lambda: OFFICE.add_minutes(naive, 1),
        lambda: OFFICE.minutes_between(naive, aware),
        lambda: OFFICE.minutes_between(aware, naive),
        lambda: OFFICE.add_days(naive, 1),
        lambda: OFFICE.subtract_days(naive, 1),
        lambda: OFFICE.answer_due(naive, 5),
        lambda: OFFICE.next_try(naive, 1),
        lambda: OFFICE.add_minutes(aware, -1),
        lambda: OFFICE.answer_due(aware, -1),
        lambda: OFFICE.next_try(aware, 0),
    ):
        with pytest.raises(ValueError, match=r"needs a time zone|must"):
            call()


def test_beyond_the_calendar_is_an_overflow():
    with pytest.raises(OverflowError):
        OFFICE.add_minutes(datetime(9999, 12, 30, tzinfo=UTC), 10_000)


# --- changes of clocks: Europe on 29 March and 25 October 2026, both Sundays, at 01:00 UTC


def test_the_night_of_spring_has_five_hours_and_that_of_autumn_seven():
    nights = BusinessHours("Europe/Berlin", {6: ((time(0), time(6)),)})
    spring, autumn = berlin(29, month=3), berlin(25, month=10)
    assert nights.minutes_between(spring, spring + timedelta(days=1)) == 5 * 60
    assert nights.minutes_between(autumn, autumn + timedelta(days=1)) == 7 * 60
    assert nights.add_minutes(spring, 5 * 60) == berlin(29, 6, month=3)
    assert nights.add_minutes(autumn, 7 * 60) == berlin(25, 6, month=10)


def test_office_hours_keep_local_time_over_a_change():
    assert OFFICE.add_minutes(berlin(27, 17, month=3), 120) == berlin(30, 10, month=3)
    assert OFFICE.add_days(berlin(27, 10, month=3), 1) == berlin(30, 10, month=3)
    assert berlin(30, 10, month=3) - berlin(27, 10, month=3) == timedelta(hours=71)
    assert OFFICE.subtract_days(berlin(26, 10, month=10), 1) == berlin(23, 10, month=10)


def test_a_skipped_opening_time_is_the_moment_of_the_change():
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    hours = BusinessHours("Europe/Berlin", {6: ((time(2, 30), time(4)),)})
    assert hours.next_opening(berlin(28, month=3)) == change
    assert hours.add_minutes(berlin(28, month=3), 60) == berlin(29, 4, month=3)
    gone = BusinessHours("Europe/Berlin", {6: ((time(2, 15), time(2, 45)),)})
    assert gone.next_opening(berlin(28, month=3)) == berlin(5, 2, 15, month=4)
    assert gone.subtract_days(berlin(30, 12, month=3), 1) == berlin(22, 2, 15, month=3)


def test_of_a_repeated_time_the_first_counts():
    hours = BusinessHours("Europe/Berlin", {6: ((time(1), time(2, 30)), (time(2, 40), time(4)))})
    first, second = berlin(25, 2, 35, month=10), berlin(25, 2, 35, month=10, fold=1)
    assert second - first == timedelta(hours=1)
    assert not hours.is_open(first)
    assert hours.is_open(second)
    assert ALWAYS.add_days(berlin(24, 2, 35, month=10), 1) == first
    assert ALWAYS.add_days(second, 1) == berlin(26, 2, 35, month=10)


def test_instants_of_one_zone_are_not_compared_by_the_wall_clock():
    early = datetime(2026, 10, 25, 2, 50, tzinfo=BERLIN)
    late = datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN, fold=1)
    assert ALWAYS.minutes_between(early, late) == 20
    assert ALWAYS.minutes_between(late, early) == -20
    before = datetime(2026, 3, 29, 1, 0, tzinfo=BERLIN)
    assert ALWAYS.next_try(before, 1) == berlin(29, 4, month=3)


def test_a_date_that_a_zone_skipped_has_no_hours():
    samoa = BusinessHours("Pacific/Apia")
    zone = ZoneInfo("Pacific/Apia")
    thursday, saturday = (datetime(2011, 12, day, 12, tzinfo=zone) for day in (29, 31))
    assert samoa.minutes_between(thursday, saturday) == 6 * 60
    assert samoa.add_days(thursday, 1) == datetime(2012, 1, 2, 12, tzinfo=zone)
    assert samoa.subtract_days(saturday, 1) == thursday


def test_clocks_that_go_back_over_midnight():
    zone = ZoneInfo("America/St_Johns")
    hours = BusinessHours("America/St_Johns", {6: ((time(0), time(2)),)})
    midnight = datetime(2010, 11, 7, 0, 0, tzinfo=zone)
    saturday_again = datetime(2010, 11, 6, 23, 30, tzinfo=zone, fold=1)
    assert hours.is_open(midnight)
    assert hours.is_open(saturday_again)
    assert hours.minutes_between(midnight, saturday_again) == 30
    assert hours.minutes_between(midnight, midnight + timedelta(days=1)) == 180


# --- days


@pytest.mark.parametrize(
    ("at", "n", "expected"),
    [
        (berlin(16, 10, 17), 1, berlin(17, 10, 17)),
        (berlin(20, 10), 1, berlin(23, 10)),
        (berlin(20, 10), 5, berlin(27, 10)),
        (berlin(21, 10), 1, berlin(23, 10)),
        (berlin(16, 7), 1, berlin(17, 9)),
        (berlin(16, 20), 1, berlin(18, 9)),
        (berlin(16, 12, 30), 1, berlin(17, 13)),
        (berlin(24, 10, month=12), 1, berlin(28, 10, month=12)),
        (berlin(21, 10), 0, berlin(23, 9)),
        (berlin(16, 10), 0, berlin(16, 10)),
        (berlin(23, 10), -1, berlin(20, 10)),
        (berlin(23, 10), -3, berlin(18, 10)),
        (berlin(22, 10), -1, berlin(20, 10)),
        (berlin(17, 7), -1, berlin(16, 9)),
        (berlin(17, 12, 30), -1, berlin(16, 13)),
        (berlin(17, 20), -1, berlin(16, 9)),
        (berlin(22, 23), -1, berlin(20, 9)),
        (berlin(28, 10, month=12), -1, berlin(24, 10, month=12)),
    ],
)
def test_business_days_keep_the_local_time_within_hours(at, n, expected):
    assert LUNCH.add_days(at, n) == expected
    assert LUNCH.subtract_days(at, -n) == expected


# --- rules


@pytest.mark.parametrize(
    ("received", "minutes", "due"),
    [
        (berlin(16, 10), 5, berlin(16, 10, 5)),
        (berlin(16, 17, 58), 5, berlin(17, 9, 3)),
        (berlin(16, 8), 5, berlin(16, 9, 30)),
        (berlin(16, 18), 10, berlin(17, 9, 30)),
        (berlin(20, 22), 60, berlin(23, 10)),
        (berlin(21, 12), 240, berlin(23, 13)),
        (berlin(21, 12), 0, berlin(23, 9, 30)),
    ],
)
def test_answer_due(received, minutes, due):
    assert OFFICE.answer_due(received, minutes) == due


@pytest.mark.parametrize(
    ("now", "tries", "expected"),
    [
        (berlin(16, 10), 1, berlin(16, 12)),
        (berlin(16, 16), 1, berlin(17, 9)),
        (berlin(16, 17), 1, berlin(17, 9)),
        (berlin(20, 17), 1, berlin(23, 9)),
        (berlin(16, 6), 1, berlin(16, 9)),
        (berlin(16, 9), 2, berlin(17, 15)),
        (berlin(16, 11, 59), 2, berlin(17, 15)),
        (berlin(16, 12), 2, berlin(17, 10)),
        (berlin(16, 17), 3, berlin(17, 10)),
        (berlin(20, 11), 2, berlin(23, 15)),
        (berlin(21, 15), 6, berlin(23, 10)),
    ],
)
def test_next_try(now, tries, expected):
    assert OFFICE.next_try(now, tries) == expected


def test_next_try_stays_within_the_hours_of_that_day():
    assert MORNINGS.next_try(berlin(16, 9), 2) == berlin(17, 8)
    assert LUNCH.next_try(berlin(24, 14, month=12), 2) == berlin(28, 10, month=12)
    evenings = BusinessHours("Europe/Berlin", {day: ((time(16), time(20)),) for day in range(5)})
    assert evenings.next_try(berlin(16, 17), 2) == berlin(17, 16)


# --- properties

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Recife",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
minute_marks = st.lists(st.integers(0, 24 * 60), unique=True, max_size=6).map(sorted)


def pairs(marks: list[int]) -> tuple[tuple[time, time], ...]:
    times = [time(mark // 60 % 24, mark % 60) for mark in marks]
    return tuple(zip(times[::2], times[1::2], strict=False))


instants = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001
    max_value=datetime(2032, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([ZoneInfo(name) for name in ZONES]),
)
hours_of_any_kind = st.builds(
    BusinessHours,
    st.sampled_from(ZONES),
    st.dictionaries(st.integers(0, 6), minute_marks.map(pairs), max_size=7),
    st.frozensets(st.dates(date(2000, 1, 1), date(2032, 1, 1)), max_size=5),
)


def open_minutes_one_by_one(hours: BusinessHours, start: datetime, minutes: int) -> int:
    return sum(hours.is_open(start + n * MINUTE) for n in range(minutes))


@given(hours_of_any_kind, instants, st.integers(0, 2_000))
def test_adding_minutes_and_counting_them_agree(hours, at, minutes):
    later = hours.add_minutes(at, minutes)
    assert later >= at.astimezone(UTC)
    assert hours.minutes_between(at, later) == minutes
    assert hours.minutes_between(later, at) == -minutes
    # Still open, or at closing time.
    assert hours.is_open(later) or hours.is_open(later - timedelta.resolution)


@given(
    hours_of_any_kind, instants, st.timedeltas(timedelta(0), timedelta(days=900)), st.floats(0, 1)
)
def test_minutes_add_up(hours, start, length, share):
    start = start.astimezone(UTC)
    middle, end = start + length * share, start + length
    total = hours.minutes_between(start, middle) + hours.minutes_between(middle, end)
    assert hours.minutes_between(start, end) == pytest.approx(total)
    assert 0 <= hours.minutes_between(start, end) <= length / MINUTE


@given(hours_of_any_kind, instants)
@settings(max_examples=15, deadline=None)
def test_counting_agrees_with_looking_at_every_minute(hours, at):
    start = at.astimezone(UTC).replace(second=0, microsecond=0)
    assume(at.utcoffset() is not None and at.utcoffset().total_seconds() % 60 == 0)
    counted = open_minutes_one_by_one(hours, start, 24 * 60)
    assert hours.minutes_between(start, start + timedelta(days=1)) == counted


CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/St_Johns", datetime(2010, 3, 14, 3, 31, tzinfo=UTC)),
    ("America/St_Johns", datetime(2010, 11, 7, 2, 31, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("America/Recife", datetime(2000, 10, 8, 3, tzinfo=UTC)),
    ("America/Recife", datetime(2000, 10, 15, 2, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
]
any_week = st.dictionaries(st.integers(0, 6), minute_marks.map(pairs), min_size=4, max_size=7)


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@given(any_week)
@settings(max_examples=15, deadline=None)
def test_counting_over_a_change_agrees_with_looking_at_every_minute(zone, change, days):
    hours = BusinessHours(zone, days)
    start = change - timedelta(hours=4)
    counted = open_minutes_one_by_one(hours, start, 8 * 60)
    assert hours.minutes_between(start, start + timedelta(hours=8)) == counted


def due_minute_by_minute(hours: BusinessHours, received: datetime, target: int) -> datetime:
    """The promise in words: count open minutes until the target, or 30 if it came while closed."""
    left = target if hours.is_open(received) else max(target, 30)
    at = received
    while left:
        left -= hours.is_open(at)
        at += MINUTE
    return at


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@given(any_week, st.integers(-600, 240), st.integers(1, 240))
@settings(max_examples=10, deadline=None)
def test_an_answer_is_due_when_the_minutes_say_so(zone, change, days, before, target):
    """Around a change of the clocks, in every zone that changes them in a way of its own."""
    hours = BusinessHours(zone, days)
    assume(hours.minutes_between(change, change + timedelta(days=7)) > 300)
    received = change + before * MINUTE
    assert hours.answer_due(received, target) == due_minute_by_minute(hours, received, target)


@given(hours_of_any_kind, instants, st.integers(1, 40))
def test_days_go_the_right_way_and_end_in_opening_hours(hours, at, n):
    later, earlier = hours.add_days(at, n), hours.subtract_days(at, n)
    assert earlier < at.astimezone(UTC) < later
    assert hours.is_open(later)
    assert hours.is_open(earlier)


@given(hours_of_any_kind, instants, st.integers(1, 10))
def test_the_next_try_is_later_and_in_opening_hours(hours, now, tries):
    again = hours.next_try(now, tries)
    assert again > now.astimezone(UTC)
    assert hours.is_open(again)


@given(hours_of_any_kind, instants, st.integers(0, 480))
def test_an_answer_is_never_due_before_its_target(hours, received, minutes):
    due = hours.answer_due(received, minutes)
    assert due >= hours.add_minutes(received, minutes)
    assert hours.minutes_between(received, due) >= minutes


@given(hours_of_any_kind, instants, st.timedeltas(timedelta(0), timedelta(days=90)))
@settings(max_examples=30, deadline=None)
def test_whole_weeks_count_like_their_days(hours, start, length):
    start = start.astimezone(UTC)
    end = start + length
    marks = [min(start + n * timedelta(days=3), end) for n in range(32)]
    pieces = [hours.minutes_between(*pair) for pair in pairwise(marks)]
    assert hours.minutes_between(start, end) == pytest.approx(sum(pieces))


@given(instants, st.integers(0, 1_500_000))
@example(datetime(2000, 9, 25, tzinfo=ZoneInfo("America/Recife")), 30 * 24 * 60)
def test_weeks_without_closing_count_every_minute(at, minutes):
    hours = BusinessHours("America/Recife", {day: ((time(0), time(0)),) for day in range(7)})
    start = at.astimezone(UTC)
    assert hours.minutes_between(start, start + minutes * MINUTE) == minutes
    assert hours.add_minutes(start, minutes) == start + minutes * MINUTE


def test_five_years_take_milliseconds():
    holidays = frozenset(
        date(year, month, 1) for year in range(2021, 2027) for month in range(1, 13)
    )
    hours = BusinessHours("Europe/Berlin", LUNCH.days, holidays)
    start, end = datetime(2021, 11, 16, 10, tzinfo=UTC), datetime(2026, 11, 16, 10, tzinfo=UTC)
    times = []
    for _ in range(5):
        begun = clock.perf_counter()
        hours.minutes_between(start, end)
        times.append(clock.perf_counter() - begun)
    assert min(times) < 0.01
