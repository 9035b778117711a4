"""Where a visitor came from: first and last touch, campaign parameters, click ids. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from integrations.web_form.reading import read_query
from leads.models.lead import CLICK_IDS

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
TOUCH_FIELDS = ("at", "landing_page", "referrer", *UTM, *CLICK_IDS)
LONGEST = {**dict.fromkeys(UTM, 255), **dict.fromkeys(CLICK_IDS, 500), "at": 40}
LONGEST_URL = 2000

# What a lead keeps of the visit, and in which field.
VISIT = {**dict(zip(UTM, UTM, strict=True)), "landing_page": "source_url", "referrer": "referrer"}

# The names of Meta's own cookies.
COOKIES = {"_fbc": "fbc", "_fbp": "fbp"}


def _spellings(name: str) -> tuple[str, ...]:
    if name in ("landing_page", "referrer"):
        return (name,)
    cookies = [cookie for cookie, meant in COOKIES.items() if meant == name]
    return (name, f"fields.{name}", *cookies)


# How a form may call each, and all that describes the visit rather than answers the form.
SPELLINGS = {name: _spellings(name) for name in TOUCH_FIELDS[1:]}
DESCRIBED = frozenset(spelling for name in (*UTM, *CLICK_IDS) for spelling in SPELLINGS[name])


@dataclass(slots=True)
class Touches:
    """What is known of the visit: lead fields, platform ids, touches, and the field names used."""

    first: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    used: frozenset[str] = frozenset()


def read_touches(fields: Mapping[str, str], headers: Mapping[str, str]) -> Touches:
    """Collect attribution from a submission's fields, its touches, the page's address and Referer.

    What the form itself says wins over the last touch, that over the page's address, and that
    over the first touch.
    """
    first, last = _touch(fields, "first_touch."), _touch(fields, "last_touch.")
    page_url = _cut("landing_page", fields.get("page_url") or headers.get("referer", ""))
    page = {**_from_url(page_url), **({"landing_page": page_url} if page_url else {})}
    layers = (_own(fields), last, page)
    known = {name: text for name in TOUCH_FIELDS if (text := _first_of(name, layers))}
    ids = {name: text for name in CLICK_IDS if (text := _first_of(name, (*layers, first)))}
    last = last or {name: known[name] for name in VISIT if name in known}
    values = {column: known[name] for name, column in VISIT.items() if name in known}
    return Touches(first=first or dict(last), last=last, ids=ids, values=values, used=_used(fields))


def _touch(fields: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name: _cut(name, text)
        for name in TOUCH_FIELDS
        if (text := fields.get(prefix + name, "").strip())
    }


def _own(fields: Mapping[str, str]) -> dict[str, str]:
    """What the form says itself, in fields of its own or hidden ones of the page's form."""
    found = {}
    for name, spellings in SPELLINGS.items():
        for spelling in spellings:
            if text := fields.get(spelling, "").strip():
                found[name] = _cut(name, text)
                break
    return found


def _from_url(url: str) -> dict[str, str]:
    """Campaign parameters and click ids of an address."""
    try:
        query = urlsplit(url).query
    except ValueError:
        return {}
    given = dict(reversed(read_query(query)))
    return {name: _cut(name, given[name]) for name in (*UTM, *CLICK_IDS) if given.get(name)}


def _first_of(name: str, layers: tuple[Mapping[str, str], ...]) -> str:
    return next((layer[name] for layer in layers if layer.get(name)), "")


def _cut(name: str, text: str) -> str:
    return text.strip()[: LONGEST.get(name, LONGEST_URL)]


def _used(fields: Mapping[str, str]) -> frozenset[str]:
    """The names that describe the visit rather than answer the form."""
    return frozenset(
        name
        for name in fields
        if name in DESCRIBED or name.startswith(("first_touch.", "last_touch."))
    )
