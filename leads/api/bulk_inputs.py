"""What a bulk run takes: leads, a verb, and the verb's own fields, as its form understands them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from leadcrm.workspaces.api.fields import Link, Moment, ScalarMap, StrictSerializer, Text, Whole
from leadcrm.workspaces.models import Membership, Team
from leads.api.inputs import long_text
from leads.api.verb_inputs import ArchiveSerializer, NothingSerializer
from leads.bulk import MOST
from leads.bulk_forms import BULK_FORMS, POOL
from leads.bulk_verbs import BULK_VERBS
from leads.models import Campaign

MOST_IDS = 10_000


class FilterField(ScalarMap):
    """The parameters of the list of leads, by name; several values as a list."""

    def _check(self, name: str, value: Any) -> None:
        for one in value if isinstance(value, list) else [value]:
            super()._check(name, one)

    def to_internal_value(self, data: Any) -> Any:
        params = QueryDict(mutable=True)
        for name, value in super().to_internal_value(data).items():
            values = value if isinstance(value, list) else [value]
            params.setlist(name, [_text(one) for one in values if one is not None])
        return params


class RunCreateSerializer(StrictSerializer):
    """`params` is what the verb takes; `ids` or `filter` say with which leads."""

    verb = serializers.ChoiceField(
        [(verb.key, verb.label) for verb in BULK_VERBS.values() if verb.offered]
    )
    params = serializers.DictField(required=False)
    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, min_length=1, max_length=MOST_IDS
    )
    filter = FilterField(
        required=False,
        help_text='What the list of leads takes, such as `{"status": ["new", "contacted"]}`; '
        "`{}` is all of it.",
    )
    expected = Whole(
        required=False,
        min_value=1,
        max_value=MOST,
        help_text="How many leads you mean. Above 500 it has to be given; another number of leads "
        "is refused.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise ValidationError({"filter": ["Give either ids or a filter."]})
        return attrs


class RunAssignSerializer(StrictSerializer):
    """A member or a team, or null for the pool."""

    owner_id = Link(
        source="owner",
        queryset=Membership.objects.filter(is_active=True),
        required=False,
        allow_null=True,
    )
    team_id = Link(source="team", queryset=Team.objects.all(), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise ValidationError({"owner_id": ["Give a member, a team, or null for the pool."]})
        return attrs


class RunMoveSerializer(StrictSerializer):
    stage = Text(max_length=50, help_text="The key of an open stage.")


class RunTaskSerializer(StrictSerializer):
    title = Text(max_length=300)
    due_at = Moment()


class RunSnoozeSerializer(StrictSerializer):
    until = Moment()


class RunCloseSerializer(StrictSerializer):
    reason = Text(max_length=50, help_text="The code of a close reason.")
    note = long_text()
    follow_up_on = serializers.DateField(required=False)


class RunFieldSerializer(StrictSerializer):
    name = Text(max_length=100, help_text="A field of leads, or `cf_` and the id of an own one.")
    value = Text(max_length=1000, allow_blank=True, help_text="An empty text clears the field.")


class RunCampaignSerializer(StrictSerializer):
    campaign_id = Link(source="campaign", queryset=Campaign.objects.all(), allow_null=True)


PARAMS: dict[str, type[serializers.Serializer[Any]]] = {
    "assign": RunAssignSerializer,
    "move": RunMoveSerializer,
    "task": RunTaskSerializer,
    "snooze": RunSnoozeSerializer,
    "close": RunCloseSerializer,
    "field": RunFieldSerializer,
    "campaign": RunCampaignSerializer,
    "remove": ArchiveSerializer,
    "restore": NothingSerializer,
}


def read_params(
    verb: str, given: Mapping[str, Any], member: Membership, context: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """What the verb takes, and what is done in words. Raises ValidationError by the names in
    `params`."""
    body = PARAMS[verb](data=given, context=context)
    if not body.is_valid():
        raise ValidationError({"params": body.errors})
    values = body.validated_data
    with timezone.override(context["zone"]):
        form = BULK_FORMS[verb](_as_form(values), membership=member, number=0)
        if form.is_valid():
            return form.values(), form.said()
    told: dict[str, Any] = {_sent(name, values): list(texts) for name, texts in form.errors.items()}
    raise ValidationError({"params": told})


def _as_form(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values under the names of the form's fields, as a browser would send them."""
    if "owner" in values or "team" in values:
        ((name, row),) = values.items()
        return {"to": f"{name}:{row.pk}" if row else POOL}
    return {
        name: value.pk if hasattr(value, "pk") else _text(value)
        for name, value in values.items()
        if value is not None
    }


def _sent(name: str, values: Mapping[str, Any]) -> str:
    if name == "to":
        return f"{next(iter(values))}_id"
    return {"campaign": "campaign_id", "__all__": "body"}.get(name, name)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
