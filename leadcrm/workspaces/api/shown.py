"""Rows as the API shows them: by their attributes, which the renderer turns into text.

DRF's own way makes the fields anew for each answer and takes each value through one. That costs
more than the rest of a request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from django.db.models import DecimalField, Model
from rest_framework import serializers

M = TypeVar("M", bound=Model)


# A docstring would stand in the OpenAPI document for each of those below that have none.
class ShownSerializer(serializers.ModelSerializer[M]):
    left_out: Collection[str] = ()

    def to_representation(self, instance: M) -> dict[str, Any]:
        names, values, parts = _shape(type(self), frozenset(self.left_out))
        shown = dict(zip(names, values(instance), strict=True))
        for name, part in parts:
            if shown[name] is not None:
                shown[name] = part.to_representation(shown[name])
        return shown


@cache
def _shape(
    kind: type[ShownSerializer[Any]], left_out: frozenset[str]
) -> tuple[list[str], Callable[[Any], tuple[Any, ...]], list[tuple[str, Any]]]:
    """The names of what is shown, how to read it, and what shows those that aren't plain."""
    names = [name for name in kind.Meta.fields if name not in left_out]
    declared: dict[str, Any] = kind._declared_fields
    parts: dict[str, Any] = {
        name: one for name, one in declared.items() if isinstance(one, serializers.BaseSerializer)
    }
    model: Any = kind.Meta.model
    for field in model._meta.fields:
        if isinstance(field, DecimalField):
            parts[field.name] = serializers.DecimalField(field.max_digits, field.decimal_places)
    return names, attrgetter(*names), [(name, parts[name]) for name in names if name in parts]
