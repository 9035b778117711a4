"""Conditions on leads with one and/or level, as addresses, saved views and the filter page have them.

In an address each condition is a `where` of the form `1.stage.is.new,contacted`: the number of its
group, a filter of `leads.filters`, an operator and a value. `match=any` joins the groups by "or"
and the conditions of a group by "and"; without it, it is the other way round. `where=none` stands
for none at all, where a saved view has some.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.http import QueryDict

from leadcrm.workspaces.models import Membership
from leads.custom_fields import Definitions
from leads.filters import LeadFilterSet
from leads.models import Lead, SavedView
from leads.models.custom_field import is_custom

WHERE, MATCH, NONE = "where", "match", "none"
ALL, ANY = SavedView.Match.ALL.value, SavedView.Match.ANY.value
IS, IS_NOT = "is", "not"
OPERATORS = (IS, IS_NOT, "gte", "gt", "lte", "lt")
MOST = 40  # conditions
LONGEST = 4000  # characters of a value
WRITTEN = re.compile(r"^(\d{1,3})\.([^.]{1,100})\.(is|not|gte|gt|lte|lt)\.(.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter, how it is compared, and with what; `name` is without a comparison's suffix."""

    name: str
    operator: str
    value: str

    @property
    def key(self) -> str:
        """The name of the filter that it is, with its suffix."""
        return self.name if self.operator in (IS, IS_NOT) else f"{self.name}__{self.operator}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Groups of conditions, and whether leads must fit all of the groups or any."""

    groups: tuple[tuple[Condition, ...], ...] = ()
    match: str = ALL

    def __iter__(self) -> Iterator[Condition]:
        return (one for group in self.groups for one in group)

    def __bool__(self) -> bool:
        return bool(self.groups)

    def numbered(self) -> Iterator[tuple[int, Condition]]:
        """Each condition with the number of its group, from 1 on."""
        for number, group in enumerate(self.groups, 1):
            for one in group:
                yield number, one

    def names(self, name: str) -> bool:
        return any(one.name == name for one in self)

    def without(self, place: int) -> Conditions:
        """These but one; `place` counts them from 0."""
        kept = [pair for at, pair in enumerate(self.numbered()) if at != place]
        return grouped(kept, self.match)

    def with_all(self, more: Iterable[Condition]) -> Conditions:
        """These, and besides each of some others, which every lead must fit."""
        added = tuple(more)
        if self.match == ALL or not self.groups:
            return Conditions((*self.groups, *((one,) for one in added)), ALL)
        return Conditions(tuple((*group, *added) for group in self.groups), ANY)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a condition; `place` counts the conditions from 0, None is the address."""

    message: str
    place: int | None = None


def grouped(numbered: Iterable[tuple[int, Condition]], match: str) -> Conditions:
    """Conditions by the numbers of their groups."""
    ordered = sorted(numbered, key=lambda pair: pair[0])
    groups = groupby(ordered, key=lambda pair: pair[0])
    parts = tuple(tuple(one for _, one in group) for _, group in groups)
    return Conditions(parts, ANY if match == ANY else ALL)


def are_given(params: QueryDict) -> bool:
    """Whether an address says something of conditions, be it that there are none."""
    return WHERE in params


def read_conditions(params: QueryDict) -> tuple[Conditions, list[Fault]]:
    """The conditions of an address, and what of it can't be read."""
    texts = [text for text in params.getlist(WHERE) if text and text != NONE]
    if len(texts) > MOST:
        return Conditions(), [Fault(f"Give at most {MOST} conditions.")]
    found, faults = [], []
    for text in texts:
        parts = WRITTEN.match(text) if len(text) < LONGEST else None
        if parts is None:
            faults.append(Fault(f"“{text[:60]}” is no filter. Choose it anew."))
            continue
        group, name, operator, value = parts.groups()
        found.append((int(group), Condition(name, operator, value)))
    return grouped(found, params.get(MATCH, ALL)), faults


def write_conditions(params: QueryDict, conditions: Conditions) -> None:
    """Put conditions into the parameters of an address, in place of those that are there."""
    texts = [
        f"{group}.{one.name}.{one.operator}.{one.value}" for group, one in conditions.numbered()
    ]
    params.setlist(WHERE, texts or [NONE])
    params.pop(MATCH, None)
    if conditions.match == ANY and conditions:
        params[MATCH] = ANY


def from_filters(params: QueryDict) -> list[Condition]:
    """What an address filters by outside of its conditions, as conditions."""
    found = []
    for key in params:
        values = [value for value in params.getlist(key) if value]
        if is_custom(key):
            found += [Condition(key, IS, value) for value in values]
        elif key in LeadFilterSet.base_filters and values:
            name, _, operator = key.partition("__")
            found.append(Condition(name, operator or IS, ",".join(values)))
    return found


def fault_of(condition: Condition, member: Membership, custom: Definitions) -> str:
    """Why a condition can't be used, or nothing. `custom` are the workspace's own fields."""
    return _resolved(condition, member, custom)[1]


def resolve(
    conditions: Conditions, member: Membership, custom: Definitions | None = None
) -> tuple[Q, list[Fault]]:
    """The condition on leads, for a member, and which parts of it make no sense.

    `custom` are the workspace's own fields where the caller has read them. Where there are such
    parts, don't use the others: they may let through what these would not.
    """
    faults, parts, place = [], [], 0
    for group in conditions.groups:
        found = []
        for one in group:
            part, message = _resolved(one, member, custom)
            found.append(part)
            if message:
                faults.append(Fault(message, place))
            place += 1
        parts.append(_joined(found, by_or=conditions.match == ALL))
    return _joined(parts, by_or=conditions.match == ANY), faults


def _joined(parts: Sequence[Q], *, by_or: bool) -> Q:
    return Q(*parts, _connector=Q.OR if by_or else Q.AND)


class _Collector:
    """Stands in for a queryset: keeps what a filter asks of it."""

    def __init__(self, asked: Q | None = None) -> None:
        self.asked = asked or Q()

    def filter(self, *parts: Any, **lookups: Any) -> _Collector:
        return _Collector(self.asked & Q(*parts, **lookups))


def _resolved(
    condition: Condition, member: Membership, custom: Definitions | None
) -> tuple[Q, str]:
    key = condition.key
    if key not in LeadFilterSet.base_filters and not is_custom(key):
        return Q(), f"There is no field “{condition.name}” any more."
    given = {key: condition.value}
    filters = LeadFilterSet(given, Lead.objects.all(), membership=member, custom=custom)
    if not filters.is_valid():
        return Q(), " ".join(filters.form.errors[key])
    value = filters.form.cleaned_data[key]
    if value in (None, "", []):
        return Q(), f"The filter by “{condition.name}” has no value."
    found: Q = filters.filters[key].filter(_Collector(), value).asked
    return (~found if condition.operator == IS_NOT else found), ""


def ids_of(value: str) -> list[str]:
    """The values of a condition that takes several."""
    return [part for part in value.split(",") if part]


def is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
