"""The fields that a workspace adds to its leads: what they hold, and how it is read and shown.

`definitions()` lists them; `parse` brings a value of any channel to the form in which a lead keeps
it, `text_of` to what people read (and `parse` understands again). Import and export need no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from leads.models import CustomField
from leads.models.custom_field import PREFIX, attribute_of, is_custom

LONGEST_TEXT = 2000
LONGEST_URL = 1000
MOST_DIGITS = 15  # what JSON's numbers keep exactly
YES = frozenset({"yes", "y", "true", "1", "on", "x", "ja", "oui", "si", "sí"})
NO = frozenset({"no", "n", "false", "0", "off", "nein", "non"})

Kind = CustomField.Kind


class Unfit(ValueError):
    """A custom field that there isn't, or a value that it can't hold. The message is for a person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnknownField(Unfit):
    """There is no such custom field, or it was archived."""


class NoSuchValue(Unfit):
    """A value that the field can't hold; the message names the field."""

    def __init__(self, definition: CustomField, message: str) -> None:
        super().__init__(f"{definition.label}: {message}")


@dataclass(frozen=True)
class Definitions:
    """The custom fields of a workspace, archived ones too, by name, id and key."""

    rows: tuple[CustomField, ...]

    @property
    def in_use(self) -> list[CustomField]:
        """Those that are not archived, in the workspace's order."""
        return [one for one in self.rows if one.archived_at is None]

    def find(self, name: str) -> CustomField | None:
        """The field of this name (`cf_…`), id or key, with or without the prefix; None if unknown."""
        bare = name.removeprefix(PREFIX)
        return next((one for one in self.rows if bare in (one.pk.hex, str(one.pk), one.key)), None)

    def get(self, name: str) -> CustomField:
        """The field of this name, id or key, which is in use. Raises UnknownField."""
        found = self.find(name)
        if found is None:
            raise UnknownField(f"There is no custom field “{name[:100]}”.")
        if found.archived_at is not None:
            raise UnknownField(f"The field “{found.label}” was archived.")
        return found

    def labels(self, names: Iterable[str]) -> dict[str, str]:
        """What people call those of the names that are custom fields."""
        found = {name: self.find(name) for name in names if is_custom(name)}
        return {name: one.label for name, one in found.items() if one is not None}


def definitions() -> Definitions:
    """The custom fields of the workspace in scope, in one query."""
    return Definitions(tuple(CustomField.objects.order_by("position", "label", "pk")))


def parse(definition: CustomField, value: Any) -> Any:
    """The value as a lead keeps it; None for a blank one. Raises NoSuchValue.

    Takes what a form, a file or JSON brings: texts, numbers, true, false, and lists for fields
    that hold several (a text counts as a list with commas or semicolons between).
    """
    if isinstance(value, str):
        value = value.strip()
    if value is None or value in ("", [], ()):
        return None
    return _PARSERS[Kind(definition.kind)](definition, value)


def text_of(definition: CustomField, value: Any) -> str:
    """The kept value as people read it, and as `parse` takes it again; "" for none."""
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value)


def clean(given: Mapping[str, Any], known: Definitions | None = None) -> dict[str, Any]:
    """Values by the fields' names (`cf_…`), from values by name, id or key. Raises Unfit."""
    known = known or definitions()
    found = {name: known.get(name) for name in given}
    return {one.name: parse(one, given[name]) for name, one in found.items()}


def keep_what_fits(
    given: Mapping[str, Any], known: Definitions
) -> tuple[dict[str, Any], list[str]]:
    """Like `clean`, for a channel that can't be asked again: the names of what doesn't fit, too."""
    kept: dict[str, Any] = {}
    unfit: list[str] = []
    for name, value in given.items():
        try:
            kept |= clean({name: value}, known)
        except Unfit:
            unfit.append(name)
    return kept, unfit


def held(row: Any, name: str) -> Any:
    """What a lead (or contact) holds in a field of its own or in a custom one."""
    return row.attributes.get(attribute_of(name)) if is_custom(name) else getattr(row, name)


def as_attributes(
    values: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """`Lead.attributes` with values by field name put in; a blank one is taken out."""
    merged = {**(known or {}), **{attribute_of(name): value for name, value in values.items()}}
    return {key: value for key, value in merged.items() if value is not None}


def as_columns(row: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by field name as the columns to set: the custom ones go into `attributes`."""
    own = {name: value for name, value in values.items() if not is_custom(name)}
    custom = {name: value for name, value in values.items() if is_custom(name)}
    if custom:
        own["attributes"] = as_attributes(custom, row.attributes)
    return own


# --- parsing ---------------------------------------------------------------------------------


def _text(definition: CustomField, value: Any) -> str:
    if isinstance(value, (list, dict)):
        raise NoSuchValue(definition, "give a text.")
    text = " ".join(str(value).replace("\x00", "").split())
    if len(text) > LONGEST_TEXT:
        raise NoSuchValue(definition, f"use at most {LONGEST_TEXT} characters.")
    return text


def _number(definition: CustomField, value: Any) -> int | float:
    if isinstance(value, (bool, list, dict)):
        raise NoSuchValue(definition, "give a number, such as 12.5.")
    try:
        number = Decimal(str(value).replace(" ", "").replace("\u00a0", ""))
    except InvalidOperation:
        raise NoSuchValue(definition, "give a number, such as 12.5.") from None
    if not number.is_finite() or len(number.as_tuple().digits) > MOST_DIGITS:
        raise NoSuchValue(definition, f"give a number of at most {MOST_DIGITS} digits.")
    if abs(number.adjusted()) > MOST_DIGITS:
        raise NoSuchValue(definition, f"give a number of at most {MOST_DIGITS} digits.")
    return int(number) if number == number.to_integral_value() else float(number)


def _date(definition: CustomField, value: Any) -> str:
    text = value.isoformat() if isinstance(value, date) else str(value)
    try:
        return date.fromisoformat(text[:10] if "T" in text else text).isoformat()
    except ValueError:
        raise NoSuchValue(definition, "give a date, such as 2026-03-31.") from None


def _choice(definition: CustomField, value: Any) -> str:
    wanted = str(value).strip().casefold()
    for option in definition.options:
        if option.casefold() == wanted:
            return str(option)
    some = ", ".join(definition.options[:10]) + (" …" if len(definition.options) > 10 else "")
    raise NoSuchValue(definition, f"“{str(value)[:100]}” is none of {some}.")


def _choices(definition: CustomField, value: Any) -> list[str] | None:
    given = value if isinstance(value, (list, tuple)) else [value]
    parts = [part for one in given for part in options_in(definition, str(one))]
    found = {_choice(definition, one) for one in parts if str(one).strip()}
    return [option for option in definition.options if option in found] or None


def options_in(definition: CustomField, text: str) -> list[str]:
    """The choices that a text names, with semicolons or commas between; an option may hold some."""
    if text.strip().casefold() in {option.casefold() for option in definition.options}:
        return [text]
    return text.split(";") if ";" in text else text.split(",")


def _boolean(definition: CustomField, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    if text in YES or text in NO:
        return text in YES
    raise NoSuchValue(definition, "say yes or no.")


def _url(definition: CustomField, value: Any) -> str:
    text = str(value).strip()
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        is_site = parts.scheme in ("http", "https") and "." in (parts.hostname or "")
    except ValueError:
        is_site = False
    if not is_site or len(text) > LONGEST_URL or any(one.isspace() for one in text):
        raise NoSuchValue(definition, "give a web address, such as https://example.com.")
    return text


_PARSERS: dict[Kind, Callable[[CustomField, Any], Any]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.BOOLEAN: _boolean,
    Kind.URL: _url,
}
