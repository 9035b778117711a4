"""What the cells of other products' files mean. Pure; raises ValueError with a sentence for a person."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from leadcrm.workspaces.countries import country_names
from leadcrm.workspaces.time_zones import time_zone_names
from leads.importing.headers import normal

# Meta's exports write `p:+49…`, `l:1234`, `ag:1`, so that spreadsheets leave the digits alone.
PREFIXED = re.compile(r"^(?:p|l|ag|as|c|f|ad|z):(?=\S)")
FORMULA_TEXT = re.compile(r'^="(.*)"$')  # how some exports keep Excel from reading a number
COUNTRIES = {
    "usa": "US", "u s a": "US", "united states of america": "US", "america": "US", "uk": "GB",
    "england": "GB", "scotland": "GB", "wales": "GB", "great britain": "GB", "britain": "GB",
    "uae": "AE", "deutschland": "DE", "osterreich": "AT", "schweiz": "CH", "suisse": "CH",
    "espana": "ES", "italia": "IT", "nederland": "NL", "holland": "NL", "belgique": "BE",
    "brasil": "BR", "mexico": "MX", "south korea": "KR", "korea": "KR", "russia": "RU",
    "czech republic": "CZ", "turkey": "TR", "vietnam": "VN", "viet nam": "VN", "polska": "PL",
    "ivory coast": "CI", "taiwan": "TW", "hong kong": "HK", "iran": "IR", "syria": "SY",
}  # fmt: skip
SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "us$": "USD", "chf": "CHF"}
TIMES_MORE = {"k": 1_000, "m": 1_000_000}
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier enero gennaio", "feb february februar fevrier febrero febbraio",
            "mar march marz mars marzo mrz", "apr april avril abril aprile", "may mai mayo maggio mei",
            "jun june juni juin junio giugno", "jul july juli juillet julio luglio",
            "aug august aout agosto augustus", "sep sept september septembre septiembre settembre",
            "oct october oktober octobre octubre ottobre okt", "nov november novembre noviembre",
            "dec december dezember decembre diciembre dicembre dez",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
CLOCK = re.compile(
    r"[\sT,]*(?:at |um )?(\d{1,2})[:.h](\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([ap])?\.?m?\.?"
    r"\s*(z|utc|gmt|[+-]\d{2}:?\d{2})?\s*(?:[a-z]{2,5})?",
    re.IGNORECASE,
)
NUMERIC = re.compile(r"(\d{1,4})\s*[./-]\s*(\d{1,2})\s*[./-]\s*(\d{2,4})\.?")
WORDY = re.compile(
    r"(?:[a-zäéû]+,?\s+)?(\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+([^\W\d]+)\.?,?[\s-]+(\d{4}),?",
    re.IGNORECASE,
)
AMERICAN = re.compile(
    r"(?:[a-z]+,?\s+)?([^\W\d]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4}),?", re.IGNORECASE
)
EPOCH = re.compile(r"\d{10}(?:\d{3})?")
SERIAL = re.compile(r"[1-5]\d{4}(?:\.\d+)?")  # Excel's days: 1927 to 2064
YES = frozenset(
    [
        "yes",
        "true",
        "1",
        "x",
        "y",
        "done",
        "completed",
        "complete",
        "closed",
        "ja",
        "oui",
        "si",
        "held",
        "finished",
    ]
)


def text(raw: str) -> str:
    """A cell as it is, without what keeps spreadsheets from reading it as a number."""
    wrapped = FORMULA_TEXT.match(raw)
    return wrapped[1] if wrapped else raw


def platform_text(raw: str) -> str:
    return PREFIXED.sub("", text(raw))


def phone(raw: str) -> str:
    found = platform_text(raw).lstrip("'")
    # Of several numbers in a cell the first is taken.
    return re.split(r"\s*(?:;|,|/| or | \| |:::)\s*", found)[0]


def record_id(raw: str) -> str:
    found = platform_text(raw)
    return found[:-2] if re.fullmatch(r"\d+\.0", found) else found[:255]


@lru_cache(maxsize=2000)
def country(raw: str) -> str:
    """The two-letter code of a country given as code or by its name."""
    code = raw.strip().upper()
    if code in country_names():
        return code
    name = normal(raw)
    found = COUNTRIES.get(name) or _countries().get(name)
    if found is None:
        raise ValueError(f"“{raw[:60]}” is no country we know")
    return found


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    return {normal(name): code for code, name in country_names().items()}


def time_zone(raw: str) -> str:
    found = raw.strip().replace(" ", "_")
    if found not in time_zone_names():
        raise ValueError(f"“{raw[:60]}” is no name of a time zone")
    return found


def currency(raw: str) -> str:
    code = SYMBOLS.get(raw.strip().lower(), raw.strip().upper())
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise ValueError(f"“{raw[:60]}” is no currency of three letters")
    return code


def amount(raw: str) -> str:
    """An amount of money as digits and a point: `1.234,50 €`, `$1,234.50`, `12k`."""
    found = re.fullmatch(
        r"\D{0,5}?(-?[\d.,'’\s]*\d)\s*([km])?\b\D{0,8}", raw.strip(), re.IGNORECASE
    )
    if found is None:
        raise ValueError(f"“{raw[:60]}” is no amount")
    digits = re.sub(r"[\s'’]", "", found[1])
    if "," in digits and "." in digits:
        decimal = max(digits.rfind(","), digits.rfind("."))
        digits = re.sub("[.,]", "", digits[:decimal]) + "." + digits[decimal + 1 :]
    elif digits.count(",") + digits.count(".") == 1 and not re.search(r"[.,]\d{3}$", digits):
        digits = digits.replace(",", ".")
    else:
        digits = re.sub("[.,]", "", digits)
    try:
        value = Decimal(digits) * TIMES_MORE.get((found[2] or "").lower(), 1)
    except InvalidOperation:
        raise ValueError(f"“{raw[:60]}” is no amount") from None
    if not 0 <= value < 10**12:
        raise ValueError(f"“{raw[:60]}” is no amount that can be kept")
    return str(round(value, 2))


def whole(raw: str) -> str:
    found = re.sub(r"[\s,'’]", "", raw.strip()).removesuffix(".0")
    if not re.fullmatch(r"-?\d{1,9}", found):
        raise ValueError(f"“{raw[:60]}” is no whole number")
    return found


def whole_positive(raw: str) -> str:
    found = whole(raw)
    if found.startswith("-"):
        raise ValueError(f"“{raw[:60]}” is below zero")
    return found


def is_yes(raw: str) -> bool:
    """Whether a cell says yes; a date in it counts as one."""
    return normal(raw) in YES or bool(re.match(r"\d{1,4}[./-]\d", raw))


def moment(raw: str, zone: tzinfo, *, day_first: bool) -> datetime:
    """A date or time as other products write it, in the workspace's zone where it names none.

    Args:
        raw: ISO, with dots, slashes or the names of months, a Unix time, an Excel day.
        zone: Of a time that names none; a date alone is its noon there.
        day_first: Whether 3/4/2024 is in April.
    """
    found = text(raw).strip()
    try:
        at = _iso(found) or _epoch(found) or _written(found, day_first)
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise ValueError(f"“{raw[:60]}” is no date we can read")
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    if not 1970 <= at.year <= 2100:
        raise ValueError(f"“{raw[:60]}” is no date we can keep")
    return at.astimezone(UTC)


def days_come_first(samples: list[str], country_code: str) -> bool:
    """Whether the days stand before the months, by values that tell, else by the country's habit."""
    for one in samples:
        if (match := NUMERIC.match(one.strip())) and len(match[1]) <= 2:
            first, second = int(match[1]), int(match[2])
            if first > 12 >= second or second > 12 >= first:
                return first > 12
    if any("." in one.split(" ")[0] for one in samples):
        return True
    return country_code not in ("US", "PH", "CA")


def _iso(found: str) -> datetime | None:
    if not re.match(r"\d{4}-\d\d-\d\d", found):
        return None
    if len(found) == 10:
        return _noon(date.fromisoformat(found))
    return datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d|Z)", "", found.replace(" UTC", "Z")))


def _epoch(found: str) -> datetime | None:
    if EPOCH.fullmatch(found):
        return datetime.fromtimestamp(int(found[:10]), UTC)
    if SERIAL.fullmatch(found):
        day = datetime(1899, 12, 30) + timedelta(days=float(found))  # noqa: DTZ001 - no zone in it
        return day if "." in found else _noon(day.date())
    return None


def _written(found: str, day_first: bool) -> datetime | None:
    if match := NUMERIC.match(found):
        parts = (int(match[1]), int(match[2]), int(match[3]))
        if len(match[1]) == 4:
            year, month, day = parts
        elif day_first:
            day, month, year = parts
        else:
            month, day, year = parts
    elif match := WORDY.match(found):
        day, month, year = int(match[1]), _month(match[2]), int(match[3])
    elif match := AMERICAN.match(found):
        month, day, year = _month(match[1]), int(match[2]), int(match[3])
    else:
        return None
    year += 2000 if year < 70 else 1900 if year < 100 else 0
    return _with_clock(date(year, month, day), found[match.end() :])


def _month(word: str) -> int:
    number = MONTHS.get(normal(word))
    if number is None:
        raise ValueError(word)
    return number


def _with_clock(day: date, rest: str) -> datetime | None:
    if not rest.strip():
        return _noon(day)
    match = CLOCK.fullmatch(rest)
    if match is None:
        return None
    hour = int(match[1])
    if match[4]:
        hour = hour % 12 + (12 if match[4].lower() == "p" else 0)
    at = datetime(day.year, day.month, day.day, hour, int(match[2]), int(match[3] or 0))  # noqa: DTZ001
    if not match[5]:
        return at
    shift = match[5].upper()
    offset = (
        "+00:00" if shift[0] not in "+-" else shift if ":" in shift else f"{shift[:3]}:{shift[3:]}"
    )
    return datetime.fromisoformat(at.isoformat() + offset)


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001 - its zone is set by the caller
