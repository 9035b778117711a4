"""`__in` of many values as one array: the ORM prepares, quotes and places each of them by itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models
from django.db.models.fields.related import ForeignObject
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import In

from leadcrm.workspaces.arrays import array_of

MANY = 50  # below, PostgreSQL plans by the values that it sees
TYPES: dict[type, str] = {UUID: "uuid", str: "text"}


class _Many:
    """Of ids or texts alone; anything else goes the ORM's way."""

    lhs: Any
    rhs: Any

    def get_prep_lookup(self) -> Any:
        self.array_type = _array_type(self.lhs.output_field, self.rhs)
        return self.rhs if self.array_type else super().get_prep_lookup()  # type: ignore[misc]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if not self.array_type:
            return super().as_sql(compiler, connection)  # type: ignore[misc]
        sql, params = self.process_lhs(compiler, connection)  # type: ignore[attr-defined]
        return f"{sql} = ANY(%s::{self.array_type}[])", [*params, array_of(self.rhs)]


class ManyIn(_Many, In):
    """`__in` of a column of ids or texts."""


class ManyRelatedIn(_Many, RelatedIn):
    """`__in` of a link, by ids."""


def _array_type(column: Any, values: Any) -> str:
    """The type in whose array these values are given; empty where they aren't."""
    if not isinstance(values, (list, tuple, set, frozenset)) or len(values) < MANY:
        return ""
    kinds = {type(value) for value in values}
    kind = kinds.pop()
    wanted = UUID if _holds_ids(column) else str
    return TYPES[kind] if kind is wanted and not kinds else ""


def _holds_ids(column: Any) -> bool:
    while isinstance(column, ForeignObject):
        column = column.target_field
    return isinstance(column, models.UUIDField)


def write_many_as_array() -> None:
    """Called once, when Django has started."""
    for column in (models.UUIDField, models.CharField, models.TextField):
        column.register_lookup(ManyIn)
    ForeignObject.register_lookup(ManyRelatedIn)
