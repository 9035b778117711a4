"""What the templates of all pages use: icons and times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from leadcrm.workspaces.markup import fill

register = template.Library()

SELECTED = SafeString(" selected")
MINUTE, HOUR, DAY = 60, 3600, 86_400


@register.simple_tag
@cache
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite; what it stands for is said by the text beside it."""
    return fill(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        css,
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def options(choices: Iterable[tuple[str, str]], chosen: str | None) -> SafeString:
    """The options of a select; in Python because there may be hundreds of campaigns."""
    return SafeString(
        "".join(
            fill(
                '<option value="{}"{}>{}</option>',
                value,
                SELECTED if value == chosen else "",
                label,
            )
            for value, label in choices
        )
    )


BROWSERS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


@register.filter
def browser(agent: str) -> str:
    """A browser and its system, as people call them, from what the browser says of itself."""
    name = next((label for mark, label in BROWSERS if mark in agent), "A browser")
    system = next((label for mark, label in SYSTEMS if mark in agent), "")
    return f"{name} on {system}" if system else name


@register.filter
def ago(at: datetime | None) -> SafeString | str:
    """A moment in relation to now, with the exact one in the viewer's zone on hover."""
    return time_element(at, relative(at, timezone.now())) if at else ""


@register.filter
def ago_or_time(at: datetime) -> SafeString:
    """A moment under the heading of its day: in relation to now, from two days on its time."""
    now = timezone.now()
    local = timezone.localtime(at)
    return time_element(at, relative(at, now) if now - at < timedelta(days=2) else f"{local:%H:%M}")


@register.filter
def exact(at: datetime | None) -> SafeString | str:
    """A moment in the viewer's zone."""
    return time_element(at, short_text(at, timezone.now())) if at else ""


@register.filter
def clock(at: datetime | None) -> SafeString | str:
    """The time of a moment of today in the viewer's zone."""
    return time_element(at, f"{timezone.localtime(at):%H:%M}") if at else ""


@register.filter
def day(at: datetime | None) -> SafeString | str:
    """The date of a moment in the viewer's zone, with its year where that isn't this one."""
    return time_element(at, _short_day(timezone.localtime(at), timezone.now())) if at else ""


@register.filter
def span(seconds: float | timedelta) -> str:
    """A length of time in its largest unit: 4 min, 2 h, 3 d."""
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    seconds = abs(seconds)
    if seconds < HOUR:
        return f"{max(1, int(seconds // MINUTE))} min"
    if seconds < 2 * DAY:
        return f"{int(seconds // HOUR)} h"
    return f"{int(seconds // DAY)} d"


def relative(at: datetime, now: datetime) -> str:
    """`5 min ago`, `in 2 h`, and a date from a month on."""
    distance = (at - now).total_seconds()
    if abs(distance) < MINUTE:
        return "just now" if distance <= 0 else "in a moment"
    if abs(distance) >= 30 * DAY:
        return _short_day(timezone.localtime(at), now)
    return f"in {span(distance)}" if distance > 0 else f"{span(distance)} ago"


def moment_text(at: datetime) -> str:
    return _moment(timezone.localtime(at))


def short_text(at: datetime, now: datetime) -> str:
    """The moment without its year where that is this one."""
    local = timezone.localtime(at)
    this_year = local.year == timezone.localtime(now).year
    return local.strftime(f"%a {local.day} %b, %H:%M") if this_year else _moment(local)


def day_text(day: date, now: datetime) -> str:
    """A day as a heading: Today, Yesterday, Tuesday 3 March."""
    today = timezone.localtime(now).date()
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return date_format(day, "l j F" if day.year == today.year else "l j F Y")


def _moment(local: datetime) -> str:
    return local.strftime(f"%a {local.day} %b %Y, %H:%M")


def _short_day(local: datetime, now: datetime) -> str:
    this_year = local.year == timezone.localtime(now).year
    return local.strftime(f"{local.day} %b" if this_year else f"{local.day} %b %Y")


def time_element(at: datetime, text: str) -> SafeString:
    """`text` as a time, with the exact one in the viewer's zone on hover."""
    local = timezone.localtime(at)
    return fill(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        _moment(local),
        text,
    )
