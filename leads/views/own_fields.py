"""Settings: the fields that the workspace adds to its leads."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadcrm.workspaces.access import NOT_FOUND, require
from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.pages import PageRequest, show
from leads import custom_fields
from leads.custom_field_settings import add_field, archive_field, change_field, order_fields
from leads.models import CustomField
from leads.setting_lists import moved


class FieldForm(Styled, forms.Form):
    """A field's name and what it offers; the verbs check whether it fits."""

    label = forms.CharField(label="Name", max_length=60)
    help = forms.CharField(label="Help below it", required=False, max_length=200)
    options = forms.CharField(
        label="Choices, one per line",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="A choice that is taken away stays on the leads that have it.",
    )
    required = forms.BooleanField(
        label="Required when somebody adds a lead by hand", required=False
    )

    def clean_options(self) -> list[str]:
        return [line for line in self.cleaned_data["options"].splitlines() if line.strip()]


class NewFieldForm(FieldForm):
    kind = forms.ChoiceField(label="It holds", choices=CustomField.Kind.choices)
    field_order = ("label", "kind", "options", "help", "required")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["options"].help_text = "Only for one or several of a list."


@require_safe
def own_fields(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    return _page(request, NewFieldForm())


@require_POST
def add_own_field(request: PageRequest) -> HttpResponse:
    require(request.membership, "settings")
    form = NewFieldForm(request.POST)
    if form.is_valid():
        try:
            field = add_field(by=request.membership, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"“{field.label}” is added.")
            return redirect("own-fields", request.workspace.slug)
    return _page(request, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def own_field(request: PageRequest, field_id: uuid.UUID) -> HttpResponse:
    """Change a field's name, help, choices and whether it is required."""
    require(request.membership, "settings")
    field = _access_field(field_id)
    initial = {"label": field.label, "help": field.help, "required": field.required}
    form = FieldForm(request.POST or None, initial=initial | {"options": "\n".join(field.options)})
    if not field.has_options:
        del form.fields["options"]
    if request.method == "POST" and form.is_valid():
        try:
            now = timezone.now()
            change_field(field.pk, by=request.membership, now=now, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Saved.")
            return redirect("own-fields", request.workspace.slug)
    status = 422 if form.is_bound else 200
    context = {"field": field, "form": form}
    return show(request, "settings/own_field.html", context, status=status)


@require_POST
def archive_own_field(request: PageRequest, field_id: uuid.UUID, restore: bool) -> HttpResponse:
    require(request.membership, "settings")
    field = _access_field(field_id)
    try:
        archive_field(field.pk, by=request.membership, now=timezone.now(), restore=restore)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        said = "is back" if restore else "is archived. Its values stay on the leads"
        messages.success(request, f"“{field.label}” {said}.")
    return redirect("own-fields", request.workspace.slug)


@require_POST
def move_own_field(request: PageRequest, field_id: uuid.UUID) -> HttpResponse:
    """One place up or down among the fields in use."""
    require(request.membership, "settings")
    field = _access_field(field_id)
    ids = [one.pk for one in custom_fields.definitions().in_use]
    if field.pk in ids:
        ids = moved(ids, field.pk, -1 if request.POST.get("to") == "up" else 1)
        order_fields(ids, by=request.membership, now=timezone.now())
    return redirect("own-fields", request.workspace.slug)


def _access_field(field_id: uuid.UUID) -> CustomField:
    field: CustomField | None = CustomField.objects.filter(pk=field_id).first()
    if field is None:
        raise Http404(NOT_FOUND)
    return field


def _page(request: PageRequest, form: NewFieldForm, *, status: int = 200) -> HttpResponse:
    known = custom_fields.definitions()
    archived = [one for one in known.rows if one.archived_at]
    context = {"fields": known.in_use, "archived": archived, "form": form}
    return show(request, "settings/own_fields.html", context, status=status)
