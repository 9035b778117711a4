"""The forms of what is done to many leads: checked for shape, and given on as plain values."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.models import Membership, Role, Team
from leads import custom_fields, editing
from leads.batch import Refused
from leads.forms import CloseFields, MomentInput, morning, presets
from leads.models import Campaign, Lead, Stage
from leads.pipelines import Outcome

POOL = "pool"
# Those that many leads can have in common.
FIELDS = (
    "label",
    "company_name",
    "job_title",
    "state",
    "country",
    "time_zone",
    "source_detail",
    "budget",
    "budget_currency",
    "authority",
    "need",
    "timeline",
)


class BulkForm(Styled, forms.Form):
    """Base of the forms. `number` is how many leads there are; where `typed` is set, it has to be
    typed in. Where `preset` names a field, the form also offers the usual times."""

    preset = ""
    say: ClassVar[str] = ""

    def __init__(
        self, *args: Any, membership: Membership, number: int, typed: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **{"auto_id": "do_%s", **kwargs})
        self.membership, self.number = membership, number
        self.prepare()
        if typed:
            self.fields["typed"] = forms.CharField(
                label=f"Type {number} to go on",
                max_length=20,
                widget=forms.TextInput(
                    attrs={"class": "form-control", "inputmode": "numeric", "autocomplete": "off"}
                ),
            )

    def prepare(self) -> None:
        """Set the choices that hang on the workspace or the member."""

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if "".join(sign for sign in typed if sign not in " ,.") != str(self.number):
            raise ValidationError(f"There are {self.number} leads. Type that number to go on.")
        return typed

    @property
    def presets(self) -> list[tuple[str, str]]:
        return presets(timezone.now()) if self.preset else []

    def values(self) -> dict[str, Any]:
        """What the verb takes, as JSON holds it."""
        return {}

    def said(self) -> str:
        """What was done, as a toast says it after the number of leads."""
        return self.say


class BulkAssignForm(BulkForm):
    to = forms.ChoiceField(label="To", choices=())

    def prepare(self) -> None:
        people = Membership.objects.filter(is_active=True).exclude(role=Role.VIEWER)
        groups: list[Any] = [("", "Choose who")]
        groups.append(("People", [(f"owner:{one.pk}", one.name) for one in people]))
        teams = [(f"team:{one.pk}", one.name) for one in Team.objects.all()]
        if teams:
            groups.append(("Teams", teams))
        groups.append((POOL, "Nobody: back to the pool"))
        self.fields["to"].choices = groups  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        kind, _, key = str(self.cleaned_data["to"]).partition(":")
        return {} if kind == POOL else {kind: key}

    def said(self) -> str:
        if self.cleaned_data["to"] == POOL:
            return "given back to the pool"
        return f"assigned to {_label_of(self, 'to')}"


class BulkMoveForm(BulkForm):
    stage = forms.ChoiceField(choices=())

    def prepare(self) -> None:
        stages = Stage.objects.filter(retired_at=None, outcome=Outcome.OPEN)
        ordered = stages.order_by("position").values_list("key", "label")
        self.fields["stage"].choices = [("", "Choose a stage"), *dict(ordered).items()]  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        return {"stage": self.cleaned_data["stage"]}

    def said(self) -> str:
        return f"moved to {_label_of(self, 'stage')}"


class BulkTaskForm(BulkForm):
    preset = "due_at"
    title = forms.CharField(label="Next step", max_length=300)
    due_at = forms.DateTimeField(label="Due", widget=MomentInput)

    def values(self) -> dict[str, Any]:
        return {
            "title": self.cleaned_data["title"],
            "due_at": self.cleaned_data["due_at"].isoformat(),
        }

    def said(self) -> str:
        return f"given the task “{self.cleaned_data['title']}”"


class BulkSnoozeForm(BulkForm):
    preset = "until"
    until = forms.DateTimeField(widget=MomentInput)

    def clean_until(self) -> Any:
        until = self.cleaned_data["until"]
        if until <= timezone.now():
            raise ValidationError("The date must lie ahead.")
        return until

    def values(self) -> dict[str, Any]:
        return {"until": self.cleaned_data["until"].isoformat()}

    def said(self) -> str:
        return f"snoozed until {timezone.localtime(self.cleaned_data['until']):%-d %b, %H:%M}"


class BulkCloseForm(CloseFields, BulkForm):
    def prepare(self) -> None:
        self.offer_reasons()

    def values(self) -> dict[str, Any]:
        follow_up = morning(self.cleaned_data["follow_up_on"])
        return {
            "reason": self.cleaned_data["reason"],
            "note": self.cleaned_data["note"],
            "follow_up_at": follow_up.isoformat() if follow_up else None,
        }

    def said(self) -> str:
        return f"closed: {_label_of(self, 'reason')}"


class BulkFieldForm(BulkForm):
    name = forms.ChoiceField(label="Field", choices=())
    value = forms.CharField(
        required=False, max_length=1000, help_text="Leave it empty to clear the field."
    )

    def prepare(self) -> None:
        choices = [(name, _verbose(name)) for name in FIELDS]
        choices += [(one.name, one.label) for one in custom_fields.definitions().in_use]
        self.fields["name"].choices = [("", "Choose a field"), *choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("name"):
            try:
                editing.clean({values["name"]: values.get("value", "")})
            except Refused as refusal:
                self.add_error("value", refusal.message)
        return values

    def values(self) -> dict[str, Any]:
        return {self.cleaned_data["name"]: self.cleaned_data["value"]}

    def said(self) -> str:
        name, value = _label_of(self, "name"), self.cleaned_data["value"]
        return f"changed: {name} is “{value}”" if value else f"changed: {name} is empty"


class BulkCampaignForm(BulkForm):
    campaign = forms.ModelChoiceField(
        Campaign.objects.all(), required=False, empty_label="No campaign"
    )

    def values(self) -> dict[str, Any]:
        campaign = self.cleaned_data["campaign"]
        return {"campaign": str(campaign.pk) if campaign else None}

    def said(self) -> str:
        campaign = self.cleaned_data["campaign"]
        return f"put into the campaign {campaign}" if campaign else "taken out of their campaign"


class BulkRemoveForm(BulkForm):
    say = "removed"
    reason = forms.CharField(required=False, max_length=200)

    def values(self) -> dict[str, Any]:
        return {"reason": self.cleaned_data["reason"]}


class BulkRestoreForm(BulkForm):
    say = "restored"


BULK_FORMS: dict[str, type[BulkForm]] = {
    "assign": BulkAssignForm,
    "move": BulkMoveForm,
    "task": BulkTaskForm,
    "snooze": BulkSnoozeForm,
    "close": BulkCloseForm,
    "field": BulkFieldForm,
    "campaign": BulkCampaignForm,
    "remove": BulkRemoveForm,
    "restore": BulkRestoreForm,
}


def _label_of(form: BulkForm, name: str) -> str:
    """What the person chose, in words."""
    chosen = form.cleaned_data[name]
    for value, label in form.fields[name].choices:  # type: ignore[attr-defined]
        options = label if isinstance(label, list) else [(value, label)]
        for key, words in options:
            if key == chosen:
                return str(words)
    return str(chosen)


def _verbose(name: str) -> str:
    label = str(Lead._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    return label[:1].upper() + label[1:]
