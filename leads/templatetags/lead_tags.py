"""How leads look: stages as badges, due times as chips, names of who is behind a row."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import phonenumbers
from django import template
from django.template import Context
from django.utils.safestring import SafeString

from leadcrm.workspaces.markup import fill
from leadcrm.workspaces.templatetags.page_tags import span, time_element
from leads import response
from leads.models import Appointment, Lead, Stage
from leads.pipelines import Status
from leads.views.pair_rows import count_for

register = template.Library()

COLOURS = {
    Status.NEW: "blue",
    Status.ENGAGED: "azure",
    Status.CONTACTED: "cyan",
    Status.MQL: "indigo",
    Status.QUALIFIED: "purple",
    Status.SCHEDULED: "orange",
    Status.COMPLETED: "teal",
    Status.CONVERTED: "green",
    Status.DISQUALIFIED: "secondary",
    Status.LOST: "red",
    Status.RECYCLED: "yellow",
}
SOON = timedelta(minutes=15)


@register.filter
def stage_badge(stage: Stage) -> SafeString:
    return status_badge(stage.status, stage.label)


@register.simple_tag
def status_badge(status: str, label: str) -> SafeString:
    colour = COLOURS.get(Status(status), "secondary")
    return fill('<span class="badge bg-{}-lt">{}</span>', colour, label)


@register.simple_tag
def due_chip(at: datetime | None, now: datetime, done: str = "") -> SafeString | str:
    """When it is due, in words and colour: `Overdue 12 min`, `4 min left`, `in 2 d`.

    The browser counts on (static/js/clock.js says the same words).
    """
    if at is None:
        return done
    left = at - now
    if left < timedelta():
        return _chip("bg-red-lt", "", at, f"Overdue {span(left)}")
    if left < SOON:
        return _chip("bg-yellow-lt", "", at, f"{span(left)} left")
    return _chip("due-later", "", at, f"in {span(left)}")


@register.simple_tag(takes_context=True)
def response_clock(context: Context, lead: Lead, now: datetime) -> SafeString | str:
    """How fast the lead was answered, in business hours, or how long there is left to answer it."""
    state = response.state_of(lead, now)
    if state is response.State.NONE:
        return ""
    if lead.first_response_at is not None:
        took = response.took(lead, context["workspace"].hours())
        said = f"Answered in {span(took)}" + (", late" if state is response.State.MISSED else "")
        return fill(
            '<span class="text-secondary">{}</span>', time_element(lead.first_response_at, said)
        )
    at: datetime = lead.answer_due_at  # type: ignore[assignment]  # as its state says
    left = at - now
    if state is response.State.LATE:
        return _chip("bg-red-lt", "answer", at, f"Answer late by {span(left)}")
    css = "bg-yellow-lt" if left < SOON else "due-later"
    return _chip(css, "answer", at, f"Answer within {span(left)}")


def _chip(css: str, words: str, at: datetime, text: str) -> SafeString:
    return fill(
        '<span class="badge {}" data-due="{}">{}</span>', css, words, time_element(at, text)
    )


@register.simple_tag(takes_context=True)
def duplicates_count(context: Any) -> str:
    """How many possible duplicates wait for the viewer, to 99."""
    membership = context.get("membership")
    return count_for(membership) if membership is not None else ""


@register.filter
def get(mapping: dict[str, object], key: str) -> object:
    return mapping.get(key, "")


@register.filter
def parts(text: str, length: int) -> tuple[str, str]:
    """A text cut in two at a space, the first part of about `length` characters."""
    if len(text) <= length * 1.2:
        return text, ""
    cut = text.rfind(" ", 0, length)
    return (text[:cut], text[cut:]) if cut > 0 else (text[:length], text[length:])


@register.filter
def page_address(url: str) -> str:
    """The address of a page without its query, which holds ad ids, and without its scheme."""
    address = url.split("?", 1)[0].split("#", 1)[0]
    return address.removeprefix("https://").removeprefix("http://").rstrip("/")


@register.filter
def appointment_word(status: str) -> str:
    return str(Appointment.Status(status).label)


@register.filter
@lru_cache(maxsize=2000)
def phone_text(number: str) -> str:
    """A number as people read it; what can't be parsed stays as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
