"""Custom fields in forms: the field and widget of each kind, checked by `custom_fields.parse`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leadcrm.workspaces.forms import style
from leads import custom_fields
from leads.models import CustomField

Kind = CustomField.Kind


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%Y-%m-%d", **kwargs)


class CustomValueField(forms.Field):
    """A value of a custom field; cleaned it is what a lead keeps."""

    def __init__(self, definition: CustomField, held: Any = None, *, required: bool) -> None:
        super().__init__(
            label=definition.label,
            help_text=definition.help,
            required=required,
            widget=widget_of(definition, held),
        )
        self.definition, self.held = definition, held

    def clean(self, value: Any) -> Any:
        # A choice that was taken away since stays where it is.
        if self.held and value in (self.held, custom_fields.text_of(self.definition, self.held)):
            return self.held
        try:
            found = custom_fields.parse(self.definition, value)
        except custom_fields.Unfit as error:
            raise ValidationError(error.message) from error
        if found is None and self.required:
            raise ValidationError(f"{self.definition.label} is required.")
        return found

    def prepare_value(self, value: Any) -> Any:
        return str(value).lower() if isinstance(value, bool) else value


def widget_of(definition: CustomField, held: Any = None) -> forms.Widget:
    """The widget of a field's kind. A choice that was taken away is offered where it is held."""
    kind = Kind(definition.kind)
    if definition.has_options:
        gone = [one for one in _listed(held) if one not in definition.options]
        choices = [(one, one) for one in (*definition.options, *gone)]
        if kind is Kind.CHOICES:
            return forms.CheckboxSelectMultiple(choices=choices)
        return forms.Select(choices=[("", "–"), *choices])
    if kind is Kind.BOOLEAN:
        return forms.Select(choices=[("", "–"), ("true", "Yes"), ("false", "No")])
    if kind is Kind.DATE:
        return DayInput()
    if kind is Kind.NUMBER:
        return forms.NumberInput(attrs={"step": "any"})
    if kind is Kind.URL:
        return forms.TextInput(attrs={"inputmode": "url", "maxlength": custom_fields.LONGEST_URL})
    return forms.TextInput(attrs={"maxlength": custom_fields.LONGEST_TEXT})


def add_custom_fields(
    form: forms.BaseForm,
    definitions: Iterable[CustomField],
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Add a field for each definition to a form, by its name (`cf_…`), holding what a lead holds."""
    for one in definitions:
        held = (attributes or {}).get(str(one.pk))
        field = CustomValueField(one, held, required=one.required)
        form.fields[one.name] = field
        form.initial.setdefault(one.name, held)
        style(field)


def _listed(held: Any) -> list[Any]:
    return held if isinstance(held, list) else [held] if held else []
