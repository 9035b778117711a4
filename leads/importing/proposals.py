"""Which target each column probably has, by its name and by what stands in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC

from leads import identity
from leads.importing import values
from leads.importing.headers import normal
from leads.importing.targets import Target
from leads.pipelines import status_named

SURE, LIKELY, MAYBE = 95, 75, 50  # percent
LOOKED_AT = 200  # values of a column
PHONE = re.compile(r"^\+?[\d\s().\-/]{7,20}$")
NOISE = re.compile(
    r"^(?:person|contact|lead|deal|organization|customer|associated|primary|mailing) "
)

Proposal = tuple[str, int]  # a target's key, "" for none, and how sure it is, in percent


def propose(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    targets: Mapping[str, Target],
    country: str,
) -> list[Proposal]:
    """A proposal for each column; no target twice, unless it gathers."""
    columns = [_values(rows, place) for place in range(len(headers))]
    found = [
        _best(header, column, targets, country)
        for header, column in zip(headers, columns, strict=True)
    ]
    order = sorted(range(len(found)), key=lambda place: -found[place][1])
    taken: set[str] = set()
    for place in order:
        key, _ = found[place]
        if key and not targets[key].gathers:
            if key in taken:
                found[place] = _second(key, columns[place], targets)
            taken.add(key)
    return found


def _values(rows: Sequence[Sequence[str]], place: int) -> list[str]:
    column = (row[place] for row in rows if place < len(row) and row[place])
    return list(column)[:LOOKED_AT]


def _best(header: str, column: list[str], targets: Mapping[str, Target], country: str) -> Proposal:
    name = re.sub(r" \d+$", "", normal(header))
    for words, sure in ((name, SURE), (NOISE.sub("", name), LIKELY)):
        for key, target in targets.items():
            if words in target.known_as:
                return _confirmed(key, sure, column, targets, country)
    return _by_content(column, targets, country)


def _confirmed(
    key: str, sure: int, column: list[str], targets: Mapping[str, Target], country: str
) -> Proposal:
    """A name that the values don't bear out gives way to what they look like."""
    fits = _fits(key, column, targets, country)
    if not column or fits >= 0.5:
        return key, sure
    other, how_sure = _by_content(column, targets, country)
    if other and other != key:
        return other, how_sure
    if key == "stage" and "label" in targets:
        return "label", MAYBE
    return (key, MAYBE) if fits > 0 else (("answer", MAYBE) if "answer" in targets else ("", 0))


def _by_content(column: list[str], targets: Mapping[str, Target], country: str) -> Proposal:
    if not column:
        return "", 0
    for key in ("email", "phone"):
        if key in targets and _fits(key, column, targets, country) >= 0.6:
            return key, LIKELY if key == "email" else MAYBE
    return ("answer", MAYBE) if "answer" in targets and _says_something(column) else ("", 0)


def _says_something(column: list[str]) -> bool:
    return len(set(column)) > 1 and any(re.search(r"[^\W\d]{2}", one) for one in column)


def _fits(key: str, column: list[str], targets: Mapping[str, Target], country: str) -> float:
    """The share of values that the target can hold."""
    if not column:
        return 0.0
    hits = sum(1 for one in column if _holds(key, one, targets[key], country))
    return hits / len(column)


def _holds(key: str, value: str, target: Target, country: str) -> bool:
    if key == "email":
        return "@" in value and identity.canonical_email(value) is not None
    if key == "phone":
        return bool(PHONE.match(values.phone(value))) and not re.match(r"\d{4}-\d\d-\d\d", value)
    if key == "stage":
        return stage_name(value) is not None
    try:
        if key in ("created_at", "at", "due_at"):
            # Either order will do here: which one it is is looked at with all values.
            return any(_is_moment(value, day_first) for day_first in (True, False))
        target.read(value)
    except ValueError:
        return False
    return True


def _is_moment(value: str, day_first: bool) -> bool:
    try:
        values.moment(value, UTC, day_first=day_first)
    except ValueError:
        return False
    return True


def _second(key: str, column: list[str], targets: Mapping[str, Target]) -> Proposal:
    """A further column of the same meaning: a second address or number is kept beside the first."""
    return ("answer", MAYBE) if "answer" in targets and column else ("", 0)


# The words of other products for where a lead stands.
_PHRASES = {
    phrase: status
    for status, phrases in {
        "new": ("new", "open", "not contacted", "open not contacted", "fresh", "subscriber", "lead",
                "raw", "created", "nouveau", "neu", "nuevo", "unworked", "unread"),
        "contacted": ("contacted", "working", "in progress", "attempted to contact", "connected",
                      "working contacted", "attempting contact", "kontaktiert", "contacte",
                      "contactado", "contact in future", "attempted", "engaged"),
        "qualified": ("qualified", "sql", "sales qualified lead", "salesqualifiedlead", "open deal",
                      "pre qualified", "qualifie", "qualifiziert", "calificado"),
        "mql": ("mql", "marketing qualified lead", "marketingqualifiedlead"),
        "scheduled": ("scheduled", "meeting scheduled", "appointment scheduled", "booked"),
        "completed": ("completed", "met", "meeting held", "demo done"),
        "converted": ("converted", "closed converted", "customer", "won", "closed won",
                      "opportunity", "client"),
        "disqualified": ("disqualified", "unqualified", "junk lead", "not qualified", "junk",
                         "spam", "not a fit", "bad data"),
        "lost": ("lost", "lost lead", "closed lost", "dead", "closed not converted",
                 "not interested", "bad timing"),
        "recycled": ("recycled", "nurture", "nurturing"),
    }.items()
    for phrase in phrases
}  # fmt: skip


def stage_name(value: str) -> str | None:
    """The status that another product's word stands for; None where it isn't known."""
    known = status_named(value)
    return str(known) if known else _PHRASES.get(normal(value))


def system_of(headers: Sequence[str], name: str) -> str:
    """Which product wrote the file, for the ids in it; `file` where that can't be told."""
    names = {normal(one) for one in headers}
    for system, marks in SYSTEMS.items():
        if any(all(mark in names for mark in group) for group in marks) or system in normal(name):
            return system
    return "file"


SYSTEMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "hubspot": (("record id", "create date"), ("record id", "lead status"), ("hs object id",),
                ("record id", "lifecycle stage"), ("record id contact",)),
    "pipedrive": (("person name",), ("deal value",), ("person email",), ("lead labels",)),
    "salesforce": (("lead id", "owner alias"), ("case safe id",), ("lead source", "owner alias"),
                   ("lead owner", "created date"), ("company account",), ("who id",), ("whoid",)),
    "zoho": (("lead owner id",), ("zoho id",), ("lead name", "lead owner"),
             ("record id", "lead owner"), ("record id", "created time")),
    "meta": (("ad id", "adset id"), ("id", "created time", "platform"), ("form id", "is organic")),
    "google": (("google lead id",), ("lead submit time",), ("gcl id",), ("user column id",)),
}  # fmt: skip
