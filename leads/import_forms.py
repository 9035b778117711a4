"""The forms of an import."""

from __future__ import annotations

from typing import Any

from django import forms

from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.models import Membership
from leads.importing.sniffing import CSV, ENCODINGS
from leads.models import Import, Pipeline, Source

DELIMITERS = {
    ",": "Comma ,", ";": "Semicolon ;", "\t": "Tab", "|": "Bar |", "^": "^", "~": "~", ":": "Colon :",
}  # fmt: skip

NO_FILE: dict[str, Any] = {
    "required": "Choose a file first.",
    "empty": "The file is empty.",
    "missing": "Choose a file first.",
}


class UploadForm(Styled, forms.Form):
    kind = forms.ChoiceField(
        label="What is in the file",
        choices=[("leads", "Leads"), ("history", "History: notes, calls, tasks, stages")],
        initial="leads",
        widget=forms.RadioSelect,
    )
    file = forms.FileField(
        label="File",
        help_text="CSV in any encoding, or Excel (.xlsx). Up to 300 MB and 1,000,000 rows.",
        error_messages=NO_FILE,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
    )


class HistoryOptionsForm(Styled, forms.Form):
    """What to do with the rows of any file."""

    day_first = forms.TypedChoiceField(
        label="A date such as 03/04/2025 is",
        choices=[("1", "3 April (day first)"), ("0", "4 March (month first)")],
        coerce=lambda value: value == "1",
    )
    system = forms.SlugField(
        max_length=50,
        label="Name of the other system",
        help_text="Ids in the file are kept under this name.",
    )
    pipeline = forms.ModelChoiceField(
        Pipeline.objects.filter(retired_at=None), required=False, empty_label="The usual pipeline"
    )

    def options(self) -> dict[str, Any]:
        """The options as an import keeps them."""
        return {
            name: str(value.pk) if hasattr(value, "pk") else value
            for name, value in self.cleaned_data.items()
        }


class OptionsForm(HistoryOptionsForm):
    """What to do with the rows of leads."""

    existing = forms.ChoiceField(
        label="People who have a lead already",
        choices=[
            ("fill", "Fill blanks"),
            ("overwrite", "Overwrite"),
            ("skip", "Leave alone"),
        ],
        widget=forms.RadioSelect,
        help_text="What somebody here typed is never overwritten: it shows as a conflict.",
    )
    closed = forms.ChoiceField(
        label="People whose lead is closed",
        choices=[("leave", "Leave alone"), ("new", "New lead")],
        widget=forms.RadioSelect,
    )
    original_dates = forms.BooleanField(label="Keep the original created date", required=False)
    silent = forms.BooleanField(
        label="Silent: no notifications, routing, answer clocks or ad events", required=False
    )
    owner = forms.ModelChoiceField(
        Membership.objects.filter(is_active=True).order_by("name"),
        label="Owner of new leads without one",
        required=False,
        empty_label="Nobody",
    )
    source = forms.ModelChoiceField(
        Source.objects.filter(is_active=True),
        required=False,
        empty_label="None",
        help_text="Its campaign, team and location go with new leads.",
    )
    field_order = (
        "existing", "closed", "day_first", "system", "owner", "source", "pipeline", "original_dates",
        "silent",
    )  # fmt: skip


class ReadingForm(Styled, forms.Form):
    """How the file is read, where what was found is wrong."""

    encoding = forms.ChoiceField(choices=list(ENCODINGS.items()))
    delimiter = forms.ChoiceField(label="Between cells", choices=list(DELIMITERS.items()))
    header_row = forms.IntegerField(
        label="Row with the names",
        min_value=0,
        max_value=1000,
        help_text="0 if the file has none.",
    )

    def __init__(self, *args: Any, batch: Import, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if batch.form != CSV:
            del self.fields["encoding"], self.fields["delimiter"]
        elif batch.delimiter not in DELIMITERS:
            self.fields["delimiter"].choices = [  # type: ignore[attr-defined]
                *DELIMITERS.items(), (batch.delimiter, repr(batch.delimiter)),
            ]  # fmt: skip


def options_form(batch: Import, data: Any = None) -> HistoryOptionsForm:
    """The options of an import as they stand."""
    kind = OptionsForm if batch.kind == Import.Kind.LEADS else HistoryOptionsForm
    initial = {**batch.options, "day_first": "1" if batch.option("day_first", True) else "0"}
    return kind(data, initial=initial)


def reading_form(batch: Import, data: Any = None) -> ReadingForm:
    """How the import's file is read."""
    initial = {
        "encoding": batch.encoding, "delimiter": batch.delimiter,
        "header_row": max(batch.header_row, 0),
    }  # fmt: skip
    return ReadingForm(data, initial=initial, batch=batch, auto_id="reading-%s")
