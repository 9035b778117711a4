"""Making rows of a model by the thousand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from django.db import models
from django.db.models.base import ModelState

M = TypeVar("M", bound=models.Model)


def new_row(model: type[M], **values: Any) -> M:
    """What `model(**values)` makes, at a fifth of the cost where a model has many columns.

    Values are given by column (`stage_id`) or, for a row that is at hand, by relation (`stage`).
    """
    constants, made, relations = _defaults(model)
    row = model.__new__(model)
    held = row.__dict__
    held["_state"] = state = ModelState()
    held.update(constants)
    for name, make in made.items():
        if name not in values:
            held[name] = make()
    for name, value in values.items():
        if name in constants or name in made:
            held[name] = value
        elif name in relations:
            attname, key = relations[name]
            held[attname] = getattr(value, key) if value is not None else None
            state.fields_cache[name] = value
        else:
            raise TypeError(f"{model.__name__} has no column {name}")
    return row


@cache
def _defaults(
    model: type[models.Model],
) -> tuple[dict[str, Any], dict[str, Callable[[], Any]], dict[str, tuple[str, str]]]:
    """The defaults that never change, what makes one for each row, and of each relation its column
    and the one that it holds."""
    constants: dict[str, Any] = {}
    made: dict[str, Callable[[], Any]] = {}
    for column in model._meta.concrete_fields:
        if column.has_default() and callable(column.default):
            made[column.attname] = column.default
        else:
            constants[column.attname] = column.get_default()
    relations = {
        one.name: (one.attname, one.target_field.attname)
        for one in model._meta.concrete_fields
        if isinstance(one, models.ForeignKey)
    }
    return constants, made, relations
