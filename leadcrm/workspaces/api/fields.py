"""Serializers and fields that take what they say they take, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

LONG_TEXT = 20_000
MOST_NAMED = 50  # unknown fields that a refusal lists
LARGEST_INTEGER = 2**31 - 1
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class StrictSerializer(serializers.Serializer[Any]):
    """A body whose unknown fields are refused by name."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        if isinstance(data, Mapping):
            known = {name for name, one in self.fields.items() if not one.read_only}
            unknown = islice((name for name in data if name not in known), MOST_NAMED)
            errors = {str(name)[:100]: ["There is no such field."] for name in unknown}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError({**error.detail, **errors}) from None  # type: ignore[dict-item]
        if errors:
            raise ValidationError(errors)
        return value


class Text(serializers.CharField):
    """A string; numbers and booleans are no strings."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Email(Text, serializers.EmailField):
    """An e-mail address."""


class Address(Text, serializers.URLField):
    """A web address."""


class Pattern(Text, serializers.RegexField):
    """A text of a given form."""


class LongText(Text):
    """Free text, kept as typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": LONG_TEXT, "trim_whitespace": False, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        only_spaces = isinstance(data, str) and not data.strip()
        return super().run_validation("" if only_spaces else data)


class Whole(serializers.IntegerField):
    """An integer that fits its column."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": -LARGEST_INTEGER, "max_value": LARGEST_INTEGER, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """A date and time; without an offset it is in the workspace's time zone."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DDThh:mm[:ss][±hh:mm|Z]")
        moment = super().to_internal_value(value)
        if not EARLIEST <= moment < LATEST:
            raise ValidationError(f"Give a year from {EARLIEST.year} to {LATEST.year - 1}.")
        return moment

    def default_timezone(self) -> tzinfo | None:
        zone: tzinfo = self.context.get("zone", UTC)
        return zone


class Link(serializers.PrimaryKeyRelatedField[Any]):
    """The id of a row of the workspace."""

    default_error_messages = {"does_not_exist": "Not found."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"pk_field": serializers.UUIDField(), **kwargs})


class TextMap(serializers.DictField):
    """A few short texts by name."""

    def __init__(self, *, largest: int = 50, longest: int = 2000, **kwargs: Any) -> None:
        super().__init__(child=Text(max_length=longest, allow_blank=True), **kwargs)
        self.largest = largest

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping):
            _check_names(data, self.largest)
        return super().to_internal_value(data)


class ScalarMap(serializers.DictField):
    """Plain values by name: texts, numbers, true, false or null."""

    def __init__(self, *, largest: int = 100, longest: int = 5000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.largest, self.longest = largest, longest

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping):
            _check_names(data, self.largest)
            for name, value in data.items():
                self._check(str(name), value)
        return super().to_internal_value(data)

    def _check(self, name: str, value: Any) -> None:
        if not isinstance(value, (str, int, float, bool, type(None))):
            raise ValidationError({name: ["Give a text, a number, true, false or null."]})
        if isinstance(value, str) and len(value) > self.longest:
            raise ValidationError({name: [f"At most {self.longest} characters."]})


def _check_names(data: Mapping[Any, Any], largest: int) -> None:
    if len(data) > largest:
        raise ValidationError(f"At most {largest} entries.")
    if any(len(str(name)) > 100 for name in data):
        raise ValidationError("A name has at most 100 characters.")


def link_id(**kwargs: Any) -> serializers.UUIDField:
    """The id of a linked row, as it is shown."""
    return serializers.UUIDField(read_only=True, allow_null=True, **kwargs)
