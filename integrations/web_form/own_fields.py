"""The workspace's own fields in a form: how each kind is entered, and what an answer brings.

A form keeps such a field's name (`cf_…`), label and whether it is required; its kind and choices
are those of the field, whatever they are when a visitor opens the form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.web_form.reading import Fields
from leadcrm.workspaces.scoping import workspace_scope
from leads import custom_fields
from leads.custom_fields import Definitions
from leads.models import CustomField, Source
from leads.models.custom_field import is_custom

MOST = 200  # answers of one submission

Kind = CustomField.Kind

# A browser refuses example.com in a field of type url; we take it.
CONTROLS: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "text"},
    Kind.NUMBER: {"type": "number"},
    Kind.DATE: {"type": "date"},
    Kind.CHOICE: {"type": "select"},
    Kind.CHOICES: {"type": "checkbox"},
    Kind.BOOLEAN: {"type": "radio", "options": ["Yes", "No"]},
    Kind.URL: {"type": "text", "inputmode": "url"},
}
NONE = Definitions(())


def definitions_for(source: Source) -> Definitions:
    """The fields that the source's form may name; nothing is read where it names none."""
    stored = source.form_fields if isinstance(source.form_fields, list) else []
    if not any(isinstance(one, dict) and is_custom(str(one.get("name"))) for one in stored):
        return NONE
    with workspace_scope(source.workspace_id):
        return custom_fields.definitions()


def control_of(definition: CustomField) -> dict[str, Any]:
    """How a field is entered: type, choices, and what the browser is told beside them."""
    return {"options": list(definition.options), **CONTROLS[Kind(definition.kind)]}


def answers_in(form: Fields) -> dict[str, Any]:
    """What was answered to own fields, by name: a text, or several where the name came again."""
    found: dict[str, list[str]] = {}
    for name, text in form:
        if is_custom(name) and (name in found or len(found) < MOST):
            found.setdefault(name, []).append(text)
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in found.items()}


def asked_in(answers: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, str]:
    """What the form called those of the own fields that it labelled."""
    return {name: labels[name] for name in answers if labels.get(name)}
