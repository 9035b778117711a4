"""The forms of the verbs: what a person fills in, checked for shape only. The verbs decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.models import Membership, Role
from leadcrm.workspaces.time_zones import time_zone_names
from leads.call_outcome_settings import outcomes_in_use
from leads.custom_field_forms import DayInput, add_custom_fields
from leads.models import CloseReason, CustomField, Lead, Message, SourceKind

BY_HAND = (
    SourceKind.MANUAL,
    SourceKind.PHONE,
    SourceKind.EMAIL,
    SourceKind.REFERRAL,
    SourceKind.EVENT,
    SourceKind.OTHER,
)


class MomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M", **kwargs)


def long_text(rows: int = 3, **attrs: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, **attrs})


def morning(day: date | None) -> datetime | None:
    """Nine o'clock of a day in the viewer's time zone."""
    if day is None:
        return None
    return datetime.combine(day, time(9), tzinfo=timezone.get_current_timezone())


def presets(now: datetime) -> list[tuple[str, str]]:
    """The times that people put things off to, as labels and values of a MomentInput."""
    today = timezone.localtime(now).date()
    days = (
        ("Tomorrow", 1),
        ("Monday", 7 - today.weekday()),
        ("In a week", 7),
        ("In a month", 30),
    )
    soon = timezone.localtime(now + timedelta(hours=2)).replace(second=0, microsecond=0)
    times = [morning(today + timedelta(days=count)) for _, count in days]
    labelled = [("In 2 hours", soon), *zip((label for label, _ in days), times, strict=True)]
    return [(label, f"{at:%Y-%m-%dT%H:%M}") for label, at in labelled if at is not None]


class VerbForm(Styled, forms.Form):
    """Base of the verbs' forms. `lead` and `subject` (an appointment, a task …) give defaults.

    Where `preset` names a field, the form also offers the usual times, each a button that sends it.
    """

    preset = ""

    def __init__(
        self, *args: Any, lead: Lead, membership: Membership, subject: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **{"auto_id": "do_%s", **kwargs})
        self.lead, self.membership, self.subject = lead, membership, subject
        self.prepare()

    def prepare(self) -> None:
        """Set defaults that hang on the lead or the subject."""

    @property
    def presets(self) -> list[tuple[str, str]]:
        return presets(timezone.now()) if self.preset else []


class NoteForm(VerbForm):
    body = forms.CharField(label="Note", max_length=20_000, widget=long_text(3))

    def prepare(self) -> None:
        if self.subject is not None:
            self.initial["body"] = self.subject.body


class CallForm(VerbForm):
    field_order = ("outcome", "note", "next_step", "next_due_at", "call_back_at", "direction")
    outcome = forms.ChoiceField(widget=forms.RadioSelect)
    note = forms.CharField(required=False, max_length=20_000, widget=long_text(2))
    call_back_at = forms.DateTimeField(label="Call back at", required=False, widget=MomentInput)
    next_step = forms.CharField(
        label="Next step",
        required=False,
        max_length=300,
    )
    next_due_at = forms.DateTimeField(label="Due", required=False, widget=MomentInput)
    direction = forms.ChoiceField(
        label="Who called",
        choices=[(Message.Direction.OUTBOUND, "We did"), (Message.Direction.INBOUND, "They did")],
        initial=Message.Direction.OUTBOUND,
        required=False,
    )

    def prepare(self) -> None:
        choices = [(one.code, one.label) for one in outcomes_in_use()]
        self.fields["outcome"].choices = choices  # type: ignore[attr-defined]

    def clean_direction(self) -> str:
        return self.cleaned_data["direction"] or Message.Direction.OUTBOUND

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("next_step") and not values.get("next_due_at"):
            self.add_error("next_due_at", "Say when it is due.")
        if values.get("next_due_at") and not values.get("next_step"):
            self.add_error("next_step", "Say what is to be done.")
        return values


class MessageForm(VerbForm):
    direction = forms.ChoiceField(
        label="Which way",
        choices=[
            (Message.Direction.OUTBOUND, "We sent it"),
            (Message.Direction.INBOUND, "They sent it"),
        ],
    )
    body = forms.CharField(label="Text", max_length=100_000, widget=long_text(4))
    at = forms.DateTimeField(
        label="When", required=False, widget=MomentInput, help_text="Empty means now."
    )


class EmailForm(MessageForm):
    subject = forms.CharField(required=False, max_length=500)
    field_order = ("direction", "subject", "body", "at")


REMINDERS = {
    "0": "When it is due",
    "15": "15 minutes before",
    "60": "1 hour before",
    "1440": "1 day before",
    "never": "Never",
}


class TaskForm(VerbForm):
    """A next step. A short form may leave out who does it and when it reminds: both then stay."""

    preset = "due_at"
    title = forms.CharField(label="Next step", max_length=300)
    due_at = forms.DateTimeField(label="Due", widget=MomentInput)
    remind = forms.ChoiceField(choices=list(REMINDERS.items()), required=False, initial="0")
    assignee = forms.ModelChoiceField(
        Membership.objects.filter(is_active=True).exclude(role=Role.VIEWER),
        label="Who does it",
        required=False,
        empty_label="The owner",
    )

    def prepare(self) -> None:
        task = self.subject
        if task is None:
            return
        self.initial.update(title=task.title, due_at=task.due_at, assignee=task.assignee_id)
        before = (task.due_at - task.remind_at).total_seconds() // 60 if task.remind_at else None
        kept = "never" if before is None else f"{before:.0f}"
        self.initial["remind"] = kept
        if kept not in REMINDERS:  # set through the API
            at = timezone.localtime(task.remind_at)
            extra = [("", f"{at:%a} {at.day} {at:%b}, {at:%H:%M}")]
            self.fields["remind"].choices = [*extra, *REMINDERS.items()]  # type: ignore[attr-defined]
            self.initial["remind"] = ""

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        before = values.pop("remind", "")
        if before and "due_at" in values:
            wait = None if before == "never" else timedelta(minutes=int(before))
            values["remind_at"] = None if wait is None else values["due_at"] - wait
        if "assignee" not in self.data:
            values.pop("assignee", None)
        return values


class BookForm(VerbForm):
    scheduled_for = forms.DateTimeField(label="Date and time", widget=MomentInput)
    minutes = forms.IntegerField(initial=30, min_value=1, max_value=24 * 60)
    title = forms.CharField(required=False, max_length=200)
    place = forms.CharField(required=False, max_length=300)
    host = forms.ModelChoiceField(
        Membership.objects.filter(is_active=True),
        label="With",
        required=False,
        empty_label="The owner",
    )
    sure = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def prepare(self) -> None:
        self.initial["host"] = self.lead.owner_id or self.membership.pk


class MoveAppointmentForm(VerbForm):
    to = forms.DateTimeField(label="New date and time", widget=MomentInput)
    minutes = forms.IntegerField(min_value=1, max_value=24 * 60)
    place = forms.CharField(required=False, max_length=300)
    sure = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def prepare(self) -> None:
        self.initial.update(
            to=self.subject.scheduled_for, minutes=self.subject.minutes, place=self.subject.place
        )


class CloseFields(forms.Form):
    """Why leads are closed, and when to follow up: of one lead or of many."""

    reason = forms.ChoiceField(choices=())
    note = forms.CharField(required=False, max_length=5000, widget=long_text(2))
    follow_up_on = forms.DateField(
        label="Follow up on",
        required=False,
        widget=DayInput,
        help_text="Optional. It comes back to New on this day.",
    )

    def offer_reasons(self) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for reason in CloseReason.objects.filter(retired_at=None):
            groups.setdefault(reason.get_outcome_display(), []).append((reason.code, reason.label))
        self.fields["reason"].choices = [("", "Choose a reason"), *groups.items()]  # type: ignore[attr-defined]


class CloseForm(CloseFields, VerbForm):
    def prepare(self) -> None:
        self.offer_reasons()


class ConvertForm(VerbForm):
    with_deal = forms.BooleanField(label="Create a deal", required=False)
    name = forms.CharField(label="Deal name", required=False, max_length=200)
    value = forms.DecimalField(required=False, min_value=0, max_digits=14, decimal_places=2)
    currency = forms.RegexField(
        r"^[A-Z]{3}$",
        required=False,
        error_messages={"invalid": "Use the three-letter code, such as USD."},
    )
    note = forms.CharField(required=False, max_length=5000, widget=long_text(2))

    def prepare(self) -> None:
        lead, home = self.lead, self.membership.workspace
        self.initial.update(
            with_deal=lead.pipeline.creates_deal or lead.budget is not None,
            name=lead.display_name,
            value=lead.budget,
            currency=lead.budget_currency or home.currency,
        )


class RecycleForm(VerbForm):
    returns_on = forms.DateField(label="Comes back on", widget=DayInput)
    note = forms.CharField(required=False, max_length=5000, widget=long_text(2))


class ReopenForm(VerbForm):
    note = forms.CharField(required=False, max_length=5000, widget=long_text(2))


class AssignForm(VerbForm):
    owner = forms.ModelChoiceField(
        Membership.objects.filter(is_active=True), empty_label="Choose a person"
    )


class SnoozeForm(VerbForm):
    preset = "until"
    until = forms.DateTimeField(widget=MomentInput)


class ReasonForm(VerbForm):
    """A note for do-not-contact and removal."""

    reason = forms.CharField(required=False, max_length=200)


class MoveForm(VerbForm):
    stage = forms.SlugField(max_length=50, widget=forms.HiddenInput)


class AddLeadForm(Styled, forms.Form):
    """A lead by hand. `key` makes a form that is sent twice count once."""

    display_name = forms.CharField(label="Name", required=False, max_length=200)
    email = forms.EmailField(label="E-mail", required=False, max_length=254)
    phone = forms.CharField(required=False, max_length=64)
    company_name = forms.CharField(label="Company", required=False, max_length=300)
    source_kind = forms.ChoiceField(
        label="Came by", choices=[(kind.value, kind.label) for kind in BY_HAND]
    )
    owner = forms.ModelChoiceField(
        Membership.objects.filter(is_active=True), required=False, empty_label="Nobody yet"
    )
    message = forms.CharField(
        label="What they want", required=False, max_length=20_000, widget=long_text(3)
    )
    key = forms.UUIDField(widget=forms.HiddenInput)
    sure = forms.CharField(required=False, max_length=10, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        membership: Membership,
        custom: Sequence[CustomField] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        add_custom_fields(self, [one for one in custom if one.required])
        if membership.role == Role.REP:  # who may only hand over what is theirs
            self.fields["owner"].queryset = Membership.objects.filter(pk=membership.pk)  # type: ignore[attr-defined]


class Place(forms.BaseForm):
    """Checks where somebody is."""

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"]).strip()
        if zone and zone not in time_zone_names():
            raise ValidationError("Use the name of a time zone, such as Europe/Berlin.")
        return zone

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).strip().upper()
        if country and not (len(country) == 2 and country.isalpha() and country.isascii()):
            raise ValidationError("Use the two-letter country code, such as US.")
        return country


class EditForm(Styled, Place, forms.ModelForm):  # type: ignore[type-arg]
    """Fields of a lead, custom ones among them. Only those named in `names` are there, and in the
    log if they change."""

    email = forms.EmailField(label="E-mail", required=False, max_length=254)
    phone = forms.CharField(required=False, max_length=64)

    class Meta:
        model = Lead
        fields = (
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
            "label",
            "source",
            "source_detail",
            "campaign",
            "budget",
            "budget_currency",
            "enrollment",
            "authority",
            "need",
            "timeline",
            "notes",
        )
        widgets = {"notes": long_text(4), "need": long_text(2)}

    def __init__(
        self,
        *args: Any,
        names: list[str],
        custom: Sequence[CustomField] = (),
        attributes: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **{"auto_id": "edit_%s", **kwargs})
        add_custom_fields(self, custom, attributes)
        for name in set(self.fields) - set(names):
            del self.fields[name]

    def clean_budget_currency(self) -> str:
        currency = str(self.cleaned_data["budget_currency"]).strip().upper()
        if currency and not (len(currency) == 3 and currency.isalpha() and currency.isascii()):
            raise ValidationError("Use the three-letter currency code, such as USD.")
        return currency
