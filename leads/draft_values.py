"""What a draft may say, brought to the form in which a lead keeps it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from leadcrm.workspaces.time_zones import time_zone_names
from leads import identity
from leads.models import Lead
from leads.provenance import is_blank

IDENTITY_FIELDS = (
    "display_name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "company_name",
    "job_title",
    "state",
    "country",
    "time_zone",
)
# What a draft's `values` may hold, besides the identity.
DETAIL_FIELDS = (
    "phone_raw", "message", "notes", "label", "enrollment", "source_detail", "source_url", "referrer",
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
    "budget", "budget_currency", "authority", "need", "timeline", "external_score",
)  # fmt: skip
NAMING = ("display_name", "first_name", "last_name", "email", "phone", "company_name")
TEXTS = ("message", "notes", "need")  # lines of their own
CODES = {"country": 2, "budget_currency": 3}
# PostgreSQL stores neither NUL nor half of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


_NUMBERS: dict[str, Any] = {
    name: Lead._meta.get_field(name)
    for name in (*IDENTITY_FIELDS, *DETAIL_FIELDS)
    if not isinstance(Lead._meta.get_field(name), models.CharField | models.TextField)
}


class CaptureRefused(ValueError):
    """A draft can't become a lead; `field` names what is at fault."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class CleanValues(dict[str, Any]):
    """Values that `clean` has brought to their form already."""


def clean(given: Mapping[str, Any], country: str, *, strict: bool) -> dict[str, Any]:
    """Canonical keys, names, and texts cut to their columns.

    `country` is where phone numbers without + are read. A value that isn't what its field holds,
    such as a budget in words, is refused where `strict`, else left out: the stored payload has it.
    """
    if isinstance(given, CleanValues):
        return dict(given)
    given = {name: storable(value) for name, value in given.items()}
    given = {name: value for name, value in given.items() if not is_blank(value)}
    unknown = set(given) - set(IDENTITY_FIELDS) - set(DETAIL_FIELDS)
    if unknown:
        raise CaptureRefused("is no field of a draft", field=min(unknown))
    if not any(str(given.get(name, "")).strip() for name in NAMING):
        raise CaptureRefused(
            "Give a name, an e-mail address or a phone number.", field="display_name"
        )
    values = {}
    for name, value in given.items():
        try:
            values[name] = _fit(name, value)
        except ValidationError as error:
            if strict:
                raise CaptureRefused(" ".join(error.messages), field=name) from error
    _add_keys(values, given, country)
    _add_names(values, given)
    return values


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Clean values as JSON holds them."""
    return {name: value if isinstance(value, str) else str(value) for name, value in values.items()}


def restored(found: Mapping[str, Any]) -> CleanValues:
    """What `plain` was given."""
    return CleanValues({
        name: _NUMBERS[name].to_python(value) if name in _NUMBERS else value
        for name, value in found.items()
    })  # fmt: skip


def storable(value: Any) -> Any:
    """The same value without the characters that can't be stored."""
    if isinstance(value, str):
        return value if value.isascii() and "\x00" not in value else UNSTORABLE.sub("", value)
    if isinstance(value, (dict, Mapping)):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value


def _add_keys(values: dict[str, Any], given: Mapping[str, Any], country: str) -> None:
    raw_phone = str(given.get("phone", ""))
    values["email"] = identity.canonical_email(str(given.get("email", ""))) or ""
    values["phone"] = identity.canonical_phone(raw_phone, values.get("country") or country) or ""
    if raw_phone:
        values.setdefault("phone_raw", raw_phone[:64])


def _add_names(values: dict[str, Any], given: Mapping[str, Any]) -> None:
    first, last = values.get("first_name", ""), values.get("last_name", "")
    if not (first or last) and values.get("display_name"):
        first, last = identity.split_name(values["display_name"])
        values["first_name"], values["last_name"] = first[:100], last[:100]
    if not values.get("display_name"):
        email = values["email"] or str(given.get("email", ""))
        phone = values["phone"] or str(given.get("phone", ""))
        company = values.get("company_name", "")
        values["display_name"] = identity.display_name(first, last, company, email, phone)[:200]


def _fit(name: str, value: Any) -> Any:
    """The value as its field holds it: a text is cut, anything else must fit."""
    column: Any = Lead._meta.get_field(name)
    if not isinstance(column, models.CharField | models.TextField):
        return column.clean(value, None)
    text = str(value).strip() if name in TEXTS else " ".join(str(value).split())
    if name in CODES:
        return _code(text, CODES[name])
    if name == "time_zone" and text not in time_zone_names():
        raise ValidationError("Use the name of a time zone, such as Europe/Berlin.")
    return text[: column.max_length] if column.max_length else text


def _code(text: str, length: int) -> str:
    if len(text) != length or not text.isascii() or not text.isalpha():
        raise ValidationError(f"Use the code of {length} letters.")
    return text.upper()
