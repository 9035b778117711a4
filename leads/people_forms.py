"""The forms of people and companies: shape only. The verbs decide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from leadcrm.workspaces.forms import Styled
from leads.forms import Place, long_text


def text(longest: int, label: str | None = None) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=longest)


class InPlaceForm(Styled, Place, forms.Form):
    """Fields that are edited in place. Only those named in `names` are there."""

    def __init__(self, *args: Any, names: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "edit_%s", **kwargs})
        for name in set(self.fields) - set(names):
            del self.fields[name]


class ContactForm(InPlaceForm):
    display_name = forms.CharField(label="Name", max_length=200)
    first_name = text(100)
    last_name = text(100)
    company_name = text(300, "Company")
    job_title = text(200)
    state = text(100)
    country = text(2)
    time_zone = text(64)


class CompanyForm(InPlaceForm):
    name = forms.CharField(max_length=300)
    domain = text(2000)
    phone = text(64)
    state = text(100)
    country = text(2)
    notes = forms.CharField(required=False, max_length=20_000, widget=long_text(4))


class KeyForm(Styled, forms.Form):
    """An e-mail address or phone number to add."""

    value = forms.CharField(
        label="E-mail or phone",
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class MarkForm(Styled, forms.Form):
    reason = forms.CharField(label="Why (optional)", required=False, max_length=200)
