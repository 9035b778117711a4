"""The fields of a form as its editor shows and saves them. Pure.

What a field asks for is its meaning: a lead field, one that the workspace added (then its name is
the meaning), or a question of the form's own. A field's name carries it (see `names`); people choose
the meaning and never see the name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.text import slugify

from integrations.web_form.form import stored_fields
from integrations.web_form.names import field_named
from leads.custom_fields import Definitions
from leads.models import CustomField, Source
from leads.models.custom_field import is_custom

MOST_FIELDS = 20
MOST_OPTIONS = 50
LONGEST_OPTION = 200

OWN = ""  # the meaning of a question of the form's own


@dataclass(frozen=True)
class Meaning:
    """A lead field that a form can ask for: what people call it, and what its field is called."""

    label: str
    name: str
    type: str = "text"


MEANINGS: dict[str, Meaning] = {
    "display_name": Meaning("Name", "name"),
    "first_name": Meaning("First name", "first_name"),
    "last_name": Meaning("Last name", "last_name"),
    "email": Meaning("E-mail", "email", "email"),
    "phone": Meaning("Phone", "phone", "tel"),
    "company_name": Meaning("Company", "company"),
    "job_title": Meaning("Job title", "job_title"),
    "message": Meaning("Message", "message", "textarea"),
    "state": Meaning("State or region", "state"),
    "country": Meaning("Country", "country"),
}
NAMES_SOMEBODY = {"display_name", "first_name", "last_name", "email", "phone"}

TYPE_LABELS = {
    "text": "Short text",
    "textarea": "Long text",
    "email": "E-mail address",
    "tel": "Phone number",
    "number": "Number",
    "date": "Date",
    "url": "Web address",
    "select": "Choice from a list",
    "radio": "One of several",
    "checkbox": "Tick boxes",
}
NEED_OPTIONS = {"select", "radio"}
TAKE_OPTIONS = NEED_OPTIONS | {"checkbox"}


def meaning_of(name: str) -> str:
    """Which lead field a form field of this name fills; OWN for none that people can choose."""
    if is_custom(name):
        return name
    found = field_named(name)
    return found if found in MEANINGS else OWN


def meanings(source: Source, own: Definitions) -> list[tuple[str, Any]]:
    """What a field can ask for, as the choices of a select.

    An archived field is among them only where the form has it: it comes back when it is restored.
    """
    kept = {one["name"] for one in stored_fields(source)}
    shown = [one for one in own.rows if one.archived_at is None or one.name in kept]
    added = [(one.name, f"{one.label} ({_said_of(one)})") for one in shown]
    return [
        *((key, one.label) for key, one in MEANINGS.items()),
        *([("Custom fields", added)] if added else []),
        (OWN, "Something else"),
    ]


def _said_of(field: CustomField) -> str:
    return "archived" if field.archived_at else str(field.get_kind_display()).lower()


def label_of(meaning: str, own: Definitions) -> str:
    """What people call what a field asks for; nothing for a question of the form's own."""
    if is_custom(meaning):
        found = own.find(meaning)
        return found.label if found else ""
    return MEANINGS[meaning].label if meaning else ""


def is_archived(meaning: str, own: Definitions) -> bool:
    """Whether this asks for a field of the workspace that was taken out of use."""
    found = own.find(meaning) if is_custom(meaning) else None
    return found is not None and found.archived_at is not None


def rows_of(source: Source, own: Definitions) -> list[dict[str, Any]]:
    """The source's fields as rows of the editor."""
    known = [one for one in stored_fields(source) if _is_known(one["name"], own)]
    return [
        {
            "order": number,
            "name": one["name"],
            "meaning": meaning_of(one["name"]),
            "label": one["label"],
            "type": one["type"],
            "required": one["required"],
            "options": "\n".join(one["options"]),
        }
        for number, one in enumerate(known, start=1)
    ]


def _is_known(name: str, own: Definitions) -> bool:
    return not is_custom(name) or own.find(name) is not None


def new_row(order: int) -> dict[str, Any]:
    """An empty row at the end."""
    return {"order": order, "name": "", "meaning": OWN, "label": "", "type": "text"}


def definition(rows: Sequence[Mapping[str, Any]], source: Source) -> list[dict[str, Any]]:
    """What to store for rows of the editor, in their order; the names of known fields stay.

    Answers of earlier leads are labelled by what they said then, so a new name harms nothing.
    """
    known, taken = {one["name"] for one in stored_fields(source)}, set[str]()
    fields = []
    for row in sorted(rows, key=lambda row: row["order"]):
        name = _name(row, known, taken)
        taken.add(name)
        field = {"name": name, "label": row["label"], "required": bool(row.get("required"))}
        fields.append(field)
        if is_custom(name):
            continue
        field["type"] = row["type"]
        if row["type"] in TAKE_OPTIONS and row.get("options"):
            field["options"] = options_in(row["options"])
    return fields


def options_in(text: str) -> list[str]:
    """The choices of a field, one a line, once each."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _name(row: Mapping[str, Any], known: Collection[str], taken: Collection[str]) -> str:
    given, meaning = str(row.get("name") or ""), str(row["meaning"])
    if is_custom(meaning):
        return meaning
    if given in known and given not in taken and meaning_of(given) == meaning:
        return given
    if meaning != OWN:
        return MEANINGS[meaning].name
    # The prefix keeps a question such as “Company car?” from being taken for the company.
    start = name = f"q-{slugify(row['label'])[:60] or 'question'}"
    number = 1
    while name in taken or name in known or field_named(name):
        number += 1
        name = f"{start}-{number}"
    return name
