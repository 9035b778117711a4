"""The fields of a form as its editor shows and saves them. Pure.

What a field asks for is its meaning: a lead field, or a question of the form's own. A field's name
carries it (see `names`); people choose the meaning and never see the name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.text import slugify

from integrations.web_form.form import fields_of
from integrations.web_form.names import field_named
from leads.models import Source

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
    found = field_named(name)
    return found if found in MEANINGS else OWN


def rows_of(source: Source) -> list[dict[str, Any]]:
    """The source's fields as rows of the editor."""
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
        for number, one in enumerate(fields_of(source), start=1)
    ]


def new_row(order: int) -> dict[str, Any]:
    """An empty row at the end."""
    return {"order": order, "name": "", "meaning": OWN, "label": "", "type": "text"}


def definition(rows: Sequence[Mapping[str, Any]], source: Source) -> list[dict[str, Any]]:
    """What to store for rows of the editor, in their order; the names of known fields stay.

    Answers of earlier leads are labelled by what they said then, so a new name harms nothing.
    """
    known, taken = {one["name"] for one in fields_of(source)}, set[str]()
    fields = []
    for row in sorted(rows, key=lambda row: row["order"]):
        name = _name(row, known, taken)
        taken.add(name)
        field = {
            "name": name,
            "label": row["label"],
            "type": row["type"],
            "required": bool(row.get("required")),
        }
        if row["type"] in TAKE_OPTIONS and row.get("options"):
            field["options"] = options_in(row["options"])
        fields.append(field)
    return fields


def options_in(text: str) -> list[str]:
    """The choices of a field, one a line, once each."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _name(row: Mapping[str, Any], known: Collection[str], taken: Collection[str]) -> str:
    given, meaning = str(row.get("name") or ""), str(row["meaning"])
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
