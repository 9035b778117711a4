"""The form that a source shows: its fields, made safe to render, and what comes after sending."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from integrations.web_form import own_fields, stamp
from integrations.web_form.names import field_named, readable
from leads.custom_fields import Definitions
from leads.models import Source
from leads.models.custom_field import is_custom
from leads.setup import DEFAULT_FORM_FIELDS

TYPES = ("text", "email", "tel", "number", "date", "url", "textarea", "select", "radio", "checkbox")
DEFAULT_TITLE = "Get in touch"
DEFAULT_THANKS = "Thank you. We have your message and will be in touch soon."

ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?=/|\?|#|\Z)")

# What browsers may fill in by themselves (WCAG 2.2, 1.3.5).
AUTOCOMPLETE = {
    "display_name": "name",
    "first_name": "given-name",
    "last_name": "family-name",
    "email": "email",
    "phone": "tel",
    "company_name": "organization",
    "job_title": "organization-title",
    "state": "address-level1",
    "country": "country-name",
}


def form_config(source: Source, now: datetime) -> dict[str, Any]:
    """What the embed needs to render the form and to send it."""
    return {
        "title": title_of(source),
        "fields": fields_of(source),
        "submit_label": "Send",
        "thanks_message": source.thanks_message or DEFAULT_THANKS,
        "thanks_url": thanks_url_of(source),
        "render_token": stamp.sign(source.public_key, now),
    }


def title_of(source: Source) -> str:
    return source.form_title or DEFAULT_TITLE


def thanks_url_of(source: Source) -> str:
    """The site's own thanks page, or nothing."""
    return source.thanks_url if _origin_of(source.thanks_url) else ""


def framing_policy(source: Source) -> dict[str, list[str]]:
    """CSP: the sites that embed the form may frame it, and it may lead to its thanks page."""
    origins = [origin for one in source.allowed_origins if (origin := _origin_of(one))]
    thanks = _origin_of(source.thanks_url)
    return {
        "frame-ancestors": ["'self'", *origins] if source.allowed_origins else ["*"],
        "form-action": ["'self'", *([thanks] if thanks else [])],
    }


def _origin_of(url: str) -> str:
    found = ORIGIN.match(url)
    return found[0] if found else ""


def fields_of(source: Source) -> list[dict[str, Any]]:
    """What visitors are asked, as it is entered; an own field that was archived is left out."""
    own = own_fields.definitions_for(source)
    found = (_entered(one, own) for one in stored_fields(source))
    return [one for one in found if one is not None]


def _entered(field: dict[str, Any], own: Definitions) -> dict[str, Any] | None:
    if is_custom(field["name"]):
        definition = own.find(field["name"])
        if definition is None or definition.archived_at is not None:
            return None
        field |= own_fields.control_of(definition)
    return {"step": "any" if field["type"] == "number" else "", "inputmode": "", **field}


def stored_fields(source: Source) -> list[dict[str, Any]]:
    """The source's fields as they were saved, those of a plain contact form where it has none."""
    return list(_fields(source.form_fields)) or list(_fields(DEFAULT_FORM_FIELDS))


def _fields(given: Any) -> Iterator[dict[str, Any]]:
    for one in given if isinstance(given, list) else []:
        if not isinstance(one, dict) or not one.get("name"):
            continue
        name = str(one["name"])[:100]
        kind = one.get("type")
        options = one.get("options") if isinstance(one.get("options"), list) else []
        yield {
            "name": name,
            "label": str(one.get("label") or readable(name))[:200],
            "type": kind if kind in TYPES else "text",
            "required": bool(one.get("required")),
            "options": [str(option)[:200] for option in options or []],
            "autocomplete": AUTOCOMPLETE.get(field_named(name) or "", ""),
        }
