"""JSON as the API takes it: strict, bounded, and without text that the database can't keep."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser

from leadcrm.workspaces.errors import too_large

LARGEST = 1024 * 1024
DEEPEST = 32


class StrictJSONParser(BaseParser):
    """Takes one JSON object of at most 1 MiB and 32 levels, in UTF-8.

    Refuses duplicate keys, NaN and infinite numbers, NUL and lone surrogates, and names the
    field in which they stand.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        return parse_object(stream.read(LARGEST + 1))


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`. Raises an API exception that says what is wrong with it."""
    if len(raw) > LARGEST:
        raise too_large()
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise ParseError("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise ParseError(
            f"The body is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError as error:
        raise ParseError(f"The body is not JSON we take: {error}") from None
    if not isinstance(value, dict):
        raise ParseError("The body must be a JSON object.")
    for name, item in value.items():
        _check(name, item)
    return value


def unfit(text: str) -> bool:
    """Whether a text holds what PostgreSQL can't keep: NUL or half of a surrogate pair."""
    return "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text)


def _check(name: str, value: Any) -> None:
    """Look through a field without recursion, however deep it is."""
    if unfit(name):
        raise ParseError("A field's name has characters that can't be kept.")
    waiting = [(value, 2)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, str) and unfit(item):
            raise ValidationError({name: ["It has characters that can't be kept."]})
        if isinstance(item, (dict, list)):
            if depth > DEEPEST:
                raise _too_deep()
            parts = [*item, *item.values()] if isinstance(item, dict) else item
            waiting.extend((part, depth + 1) for part in parts)


def _too_deep() -> ParseError:
    return ParseError(f"The body is nested deeper than {DEEPEST} levels.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"“{ascii(twice)[1:-1][:50]}” stands in it twice.")
    return made


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large.")
    return value
