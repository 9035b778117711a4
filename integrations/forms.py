"""Forms of the source pages: what a person fills in. `leads.sources.save_source` decides."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from integrations.web_form import editor
from integrations.web_form.form import DEFAULT_THANKS, DEFAULT_TITLE
from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.models import Location, Membership, Role, Team
from leads.custom_fields import Definitions
from leads.models import Campaign, Pipeline, Source, SourceKind
from leads.models.custom_field import is_custom
from leads.models.source import ANSWER_WITHIN
from leads.origins import NotASite, read_sites

# Kinds that bring leads today; the others are offered once their connection can be made.
OFFERED = (
    SourceKind.WEBSITE_FORM,
    SourceKind.PHONE,
    SourceKind.REFERRAL,
    SourceKind.EVENT,
    SourceKind.API,
    SourceKind.OTHER,
)
LONGEST_TARGET = 10_080  # a week of minutes


class SourceForm(Styled, forms.ModelForm):  # type: ignore[type-arg]
    """What every source has. Links that the workspace has nothing for are left out."""

    name = forms.CharField(max_length=100)
    answer_minutes = forms.IntegerField(
        label="Answer within (business minutes)",
        required=False,
        min_value=1,
        max_value=LONGEST_TARGET,
    )

    class Meta:
        model = Source
        fields = ("name", "answer_minutes", "owner", "team", "pipeline", "campaign", "location")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("owner", Membership.objects.exclude(role=Role.VIEWER), "Nobody yet")
        self._offer("team", Team.objects.all(), "No team")
        self._offer("pipeline", Pipeline.objects.filter(retired_at=None), "The standard one")
        self._offer("campaign", Campaign.objects.all(), "No campaign")
        self._offer("location", Location.objects.all(), "No location")
        self.fields["answer_minutes"].help_text = usual_target(self.instance.kind)

    def _offer(self, name: str, rows: Any, empty: str) -> None:
        """Read the choices once, for the check of what is chosen too."""
        field = self.fields[name]
        field.empty_label = empty  # type: ignore[attr-defined]
        chosen = getattr(self.instance, f"{name}_id")
        if name == "owner":
            rows = rows.filter(is_active=True) | rows.filter(pk=chosen)
        found = list(rows)
        if not found or (name == "pipeline" and len(found) == 1 and not chosen):
            del self.fields[name]
            return
        field.queryset = rows  # type: ignore[attr-defined]
        field.widget.choices = [("", empty), *((row.pk, str(row)) for row in found)]

    def _post_clean(self) -> None:
        """The verb checks the source itself."""


class NewSourceForm(SourceForm):
    kind = forms.ChoiceField(
        label="How do leads come in?",
        choices=[(kind.value, kind.label) for kind in OFFERED],
        initial=SourceKind.WEBSITE_FORM,
        widget=forms.RadioSelect,
    )
    field_order = ("kind", "name", "answer_minutes")


class SitesForm(Styled, forms.Form):
    """The sites that may use the form, a line each."""

    sites = forms.CharField(
        label="Sites that may show the form",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "inputmode": "url"}),
        help_text=(
            "One per line, such as https://www.example.com. With and without www. are two sites."
            " Empty means any site."
        ),
    )

    def clean_sites(self) -> list[str]:
        try:
            return read_sites(self.cleaned_data["sites"].splitlines())
        except NotASite as error:
            raise ValidationError(str(error)) from error


class TextsForm(Styled, forms.Form):
    """What the form says above and after its fields."""

    form_title = forms.CharField(
        label="Title",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": DEFAULT_TITLE}),
    )
    thanks_message = forms.CharField(
        label="Thanks, shown after sending",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": DEFAULT_THANKS}),
    )
    thanks_url = forms.URLField(
        label="Or lead to this page after sending",
        required=False,
        max_length=1000,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"placeholder": "https://www.example.com/thanks"}),
    )

    def clean_thanks_url(self) -> str:
        url = str(self.cleaned_data["thanks_url"])
        if url and not url.lower().startswith(("https://", "http://")):
            raise ValidationError("Give the address of a web page, such as https://example.com/.")
        return url


class FieldForm(Styled, forms.Form):
    """A field of a website form: one row of the editor."""

    order = forms.IntegerField(min_value=0, max_value=999)
    name = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    label = forms.CharField(max_length=200, required=False)
    meaning = forms.ChoiceField(label="Asks for", required=False)
    type = forms.ChoiceField(label="Entered as", choices=list(editor.TYPE_LABELS.items()))
    required = forms.BooleanField(label="Required", required=False)
    options = forms.CharField(
        label="Choices, one per line",
        required=False,
        max_length=editor.MOST_OPTIONS * editor.LONGEST_OPTION,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, source: Source, own: Definitions, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own = own
        self.fields["meaning"].choices = editor.meanings(source, own)  # type: ignore[attr-defined]

    @property
    def is_archived(self) -> bool:
        """Whether it asks for a field that visitors aren't asked for any more."""
        return editor.is_archived(str(self["meaning"].value()), self.own)

    def clean_options(self) -> str:
        options = editor.options_in(self.cleaned_data["options"])
        if len(options) > editor.MOST_OPTIONS:
            raise ValidationError(f"At most {editor.MOST_OPTIONS} choices.")
        if any(len(one) > editor.LONGEST_OPTION for one in options):
            raise ValidationError(f"A choice has at most {editor.LONGEST_OPTION} characters.")
        return "\n".join(options)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        meaning = values.get("meaning")
        if meaning is None:
            return values
        if is_custom(meaning):
            values["label"] = values.get("label") or editor.label_of(meaning, self.own)
            return values
        if values.get("label") == "":
            self.add_error("label", "Say what visitors read above it.")
        if values.get("type") in editor.NEED_OPTIONS and values.get("options") == "":
            self.add_error("options", "Give at least one choice.")
        return values


class Fields(forms.BaseFormSet):  # type: ignore[type-arg]
    """All fields of a website form."""

    def clean(self) -> None:
        rows = [form.cleaned_data for form in self.forms if form.is_valid()]
        if any(self.errors):
            return
        meanings = [row["meaning"] for row in rows if row["meaning"] != editor.OWN]
        for meaning in dict.fromkeys(meanings):
            if meanings.count(meaning) > 1:
                label = editor.label_of(meaning, self.form_kwargs["own"])
                raise ValidationError(f"Two fields ask for “{label}”. One can ask something else.")
        if not editor.NAMES_SOMEBODY & set(meanings):
            raise ValidationError(
                "Ask for a name, an e-mail address or a phone number: without one of them nobody"
                " could be answered, and what is sent would be rejected."
            )


FieldSet = forms.formset_factory(
    FieldForm,
    formset=Fields,
    extra=0,
    max_num=editor.MOST_FIELDS,
    absolute_max=editor.MOST_FIELDS,
    validate_max=True,
    min_num=1,
    validate_min=True,
)


def usual_target(kind: str) -> str:
    """What an empty answer target means for a kind of source, or while none is chosen."""
    if not kind:
        return "Empty means the usual of its kind."
    minutes = ANSWER_WITHIN[kind]
    return f"Empty means {minutes}, the usual of its kind." if minutes else "Empty means no clock."
