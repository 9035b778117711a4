"""The fields that people filter leads by: their words, their operators, and what a condition says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leads.conditions import IS, IS_NOT, Condition, ids_of
from leads.filters import DAYS
from leads.models import CustomField, SourceKind
from leads.pipelines import Outcome, Status

if TYPE_CHECKING:
    from leads.directory import Directory

CHOICE, YES_NO, NUMBER, MOMENT, TEXT = "choice", "yes_no", "number", "moment", "text"
PLAIN = "plain"  # a value that a custom field holds
WORDS: dict[str, dict[str, str]] = {
    CHOICE: {IS: "is", IS_NOT: "is not"},
    YES_NO: {IS: "is"},
    NUMBER: {"gte": "at least", "lte": "at most", "gt": "above", "lt": "below"},
    MOMENT: {"gte": "from", "lt": "before", "lte": "until", "gt": "after"},
    TEXT: {IS: "holds", IS_NOT: "doesn't hold"},
    PLAIN: {IS: "is", IS_NOT: "is not"},
}
DAY_WORDS = {
    "0d": "today",
    "1d": "yesterday",
    "7d": "7 days ago",
    "14d": "14 days ago",
    "30d": "30 days ago",
    "90d": "90 days ago",
    "365d": "a year ago",
    "in1d": "tomorrow",
    "in7d": "in 7 days",
}
SPECIAL = {"me": "me", "none": "nobody"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field to filter by. `told` are its values and labels where they aren't in the directory."""

    name: str
    label: str
    kind: str
    told: tuple[tuple[str, str], ...] = ()
    is_offered: bool = True

    @property
    def operators(self) -> Mapping[str, str]:
        return WORDS[self.kind]

    def choices(self, directory: Directory) -> list[tuple[str, str]]:
        """What it can be, by value and label."""
        if self.kind == YES_NO:
            return [("true", "yes"), ("false", "no")]
        if self.name == "stage":
            return list(directory.choices()["stages"])
        listed = sorted(directory.options[self.name].items(), key=lambda one: one[1].lower())
        return [*self.told, *listed]


WHOSE = (("me", "Me"), ("none", "Nobody"))
KINDS = tuple((str(value), f"Any: {label}") for value, label in SourceKind.choices)
STATUSES = tuple((str(value), str(label)) for value, label in Status.choices)
OUTCOMES = tuple((str(value), str(label)) for value, label in Outcome.choices)
FIELDS = (
    Field("stage", "Stage", CHOICE),
    Field("owner", "Owner", CHOICE, WHOSE),
    Field("team", "Team", CHOICE, (("me", "Mine"), ("none", "None"))),
    Field("source", "Source", CHOICE, KINDS),
    Field("campaign", "Campaign", CHOICE),
    Field("pipeline", "Pipeline", CHOICE),
    Field("location", "Location", CHOICE),
    Field("status", "Status", CHOICE, STATUSES),
    Field("outcome", "Outcome", CHOICE, OUTCOMES),
    Field("created_at", "Created", MOMENT),
    Field("last_activity_at", "Last activity", MOMENT),
    Field("work_due_at", "Due", MOMENT),
    Field("budget", "Budget", NUMBER),
    Field("tries", "Tries", NUMBER),
    Field("has_phone", "Has a phone number", YES_NO),
    Field("has_email", "Has an e-mail address", YES_NO),
    Field("needs_review", "Two people may be meant", YES_NO),
    Field("is_test", "Test lead", YES_NO),
    # What an address or the bar may hold besides.
    Field("q", "Text", TEXT, is_offered=False),
    Field("from", "Created from", MOMENT, is_offered=False),
    Field("to", "Created until", MOMENT, is_offered=False),
    Field("archived", "Removed", YES_NO, is_offered=False),
    Field("source_kind", "Kind of source", CHOICE, KINDS, is_offered=False),
)
_BY_NAME = {field.name: field for field in FIELDS}


def field_named(name: str, custom: Iterable[CustomField] = ()) -> Field | None:
    """The field of this name, be it one of the workspace's own."""
    own = (_own_field(one) for one in custom if one.name == name)
    return _BY_NAME.get(name) or next(own, None)


def offered_fields(custom: Iterable[CustomField] = ()) -> list[Field]:
    return [*(field for field in FIELDS if field.is_offered), *map(_own_field, custom)]


def _own_field(one: CustomField) -> Field:
    told = tuple((option, option) for option in one.options)
    if one.kind == CustomField.Kind.BOOLEAN:
        return Field(one.name, one.label, YES_NO)
    return Field(one.name, one.label, CHOICE if one.has_options else PLAIN, told)


def say(condition: Condition, directory: Directory) -> str:
    """A condition in words: `Stage is New or Contacted`."""
    field = field_named(condition.name, directory.own_fields)
    label = field.label if field else condition.name.replace("_", " ").capitalize()
    if field is None:
        return f"{label} {condition.operator} {condition.value}"
    values = " or ".join(_value(field, value, directory) for value in _values(field, condition))
    if field.kind == YES_NO:
        return f"{label}: {values}"
    word = field.operators.get(condition.operator, "")
    return " ".join(part for part in (label, word, values) if part)


def gone_of(condition: Condition, directory: Directory) -> str:
    """Which values of a condition are retired or gone, in a sentence; mostly none."""
    field = field_named(condition.name)  # of one's own, a choice that is gone is still held
    if field is None or field.kind != CHOICE:
        return ""
    known = {value for value, _ in field.choices(directory)} | set(SPECIAL)
    pks = {str(pk) for pk in directory.names} - set(directory.gone[field.name])
    missing = [
        value for value in ids_of(condition.value) if value not in known and value not in pks
    ]
    if field.name in ("status", "outcome", "source_kind") or not missing:
        return ""  # fixed words, of which there are several spellings
    if field.name == "source":
        missing = [value for value in missing if "-" in value]
    names = [directory.gone[field.name].get(value, "") for value in missing]
    if not missing:
        return ""
    told = ", ".join(f"“{name}”" for name in names if name)
    return f"{field.label}: {told or 'what it names'} is no longer in use."


def gone_in(conditions: Iterable[Condition], directory: Directory) -> list[str]:
    """What conditions name that is retired or gone, in sentences."""
    return [told for one in conditions if (told := gone_of(one, directory))]


def _values(field: Field, condition: Condition) -> list[str]:
    return ids_of(condition.value) if field.kind == CHOICE else [condition.value]


def _value(field: Field, value: str, directory: Directory) -> str:
    if field.kind == MOMENT:
        days = DAYS.match(value)
        plain = (
            f"in {days[2]} days" if days and days[1] else f"{days[2]} days ago" if days else value
        )
        return DAY_WORDS.get(value, plain)
    if field.kind == YES_NO:
        return {"true": "yes", "false": "no"}.get(value, value)
    if field.kind != CHOICE:
        return value
    told = SPECIAL.get(value) or dict(field.told).get(value)
    options, gone = directory.options[field.name], directory.gone[field.name]
    return told or options.get(value) or gone.get(value) or _by_id(value, directory)


def _by_id(value: str, directory: Directory) -> str:
    return next((name for pk, name in directory.names.items() if str(pk) == value), "(gone)")
