"""What the verbs of the API take: fields and their limits."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from leadcrm.workspaces.api.fields import (
    Link,
    LongText,
    Moment,
    Pattern,
    StrictSerializer,
    Text,
    Whole,
)
from leadcrm.workspaces.models import Membership, Team
from leads.api.inputs import long_text, text
from leads.models import Appointment, Message, Task

MOST_IN_BULK = 500
DIRECTIONS = ("inbound", "outbound")


class NothingSerializer(StrictSerializer):
    """No fields."""


class NoteOnlySerializer(StrictSerializer):
    note = long_text()


class BookingSerializer(StrictSerializer):
    scheduled_for = Moment()
    minutes = Whole(required=False, min_value=1, max_value=1440)
    title = text("title", Appointment)
    place = text("place", Appointment)
    host_id = Link(
        source="host",
        queryset=Membership.objects.filter(is_active=True),
        required=False,
        allow_null=True,
    )
    external_ref = text("external_ref", Appointment)


class ScheduleSerializer(BookingSerializer):
    """A booking; without a time the lead needs an appointment already."""

    scheduled_for = Moment(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs and "scheduled_for" not in attrs:
            raise ValidationError({"scheduled_for": ["Give the date and time."]})
        return attrs


class CloseSerializer(StrictSerializer):
    reason = Text(max_length=50, help_text="The code of a close reason.")
    note = long_text()
    unqualified_reason = Text(required=False, allow_blank=True, max_length=50)
    follow_up_at = Moment(required=False, allow_null=True)


class LostSerializer(StrictSerializer):
    loss_reason = Text(max_length=50, help_text="The code of a close reason.")
    note = long_text()
    unqualified_reason = Text(required=False, allow_blank=True, max_length=50)
    follow_up_at = Moment(required=False, allow_null=True)


class DisqualifySerializer(StrictSerializer):
    reason = Text(max_length=50, help_text="The code of a close reason.")
    note = long_text()
    follow_up_at = Moment(required=False, allow_null=True)


class DealTermsSerializer(StrictSerializer):
    name = Text(required=False, max_length=200)
    value = serializers.DecimalField(14, 2, required=False, allow_null=True, min_value=0)
    currency = Pattern(r"^[A-Z]{3}$", required=False)


class ConvertSerializer(StrictSerializer):
    note = long_text()
    deal = DealTermsSerializer(required=False, allow_null=True)


class RecycleSerializer(StrictSerializer):
    returns_at = Moment()
    note = long_text()


class AssignSerializer(StrictSerializer):
    """A member, a team, or null for the pool."""

    owner_id = Link(
        source="owner",
        queryset=Membership.objects.select_related("team"),
        required=False,
        allow_null=True,
    )
    team_id = Link(source="team", queryset=Team.objects.all(), required=False, allow_null=True)
    reason = Text(required=False, allow_blank=True, max_length=50)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"owner", "team"} & set(attrs):
            raise ValidationError({"owner_id": ["Give a member, a team, or null for the pool."]})
        return attrs


class SnoozeSerializer(StrictSerializer):
    until = Moment()


class ArchiveSerializer(StrictSerializer):
    reason = Text(required=False, allow_blank=True, max_length=200)


class MoveSerializer(StrictSerializer):
    stage = Text(max_length=50, help_text="The key or status of a stage of the lead's pipeline.")
    note = long_text()


class CallSerializer(StrictSerializer):
    outcome = Text(max_length=50, help_text="The code of one of `call-outcomes`.")
    at = Moment(required=False)
    direction = serializers.ChoiceField(DIRECTIONS, required=False)
    note = long_text()
    seconds = Whole(required=False, allow_null=True, min_value=0, max_value=86400)
    call_back_at = Moment(required=False, allow_null=True)
    plan_next = serializers.BooleanField(required=False)
    external_id = text("external_id", Message)


class MessageSentSerializer(StrictSerializer):
    channel = serializers.ChoiceField(["email", "sms", "fb_msg"])
    direction = serializers.ChoiceField(DIRECTIONS)
    body = LongText()
    subject = text("subject", Message)
    at = Moment(required=False)
    external_id = text("external_id", Message)
    thread = text("thread", Message)


class NoteSerializer(StrictSerializer):
    body = LongText()
    at = Moment(required=False)


class NoteEditSerializer(StrictSerializer):
    body = LongText()


class TaskCreateSerializer(StrictSerializer):
    title = Text(max_length=300)
    due_at = Moment()
    kind = serializers.ChoiceField(Task.Kind.choices, required=False)
    assignee_id = Link(
        source="assignee",
        queryset=Membership.objects.filter(is_active=True),
        required=False,
        allow_null=True,
    )
    remind_at = Moment(required=False, allow_null=True, help_text="When left out, `due_at`.")


class TaskEditSerializer(StrictSerializer):
    title = Text(required=False, max_length=300)
    due_at = Moment(required=False)
    assignee_id = Link(
        source="assignee",
        queryset=Membership.objects.filter(is_active=True),
        required=False,
        allow_null=True,
        help_text="Null makes it the owner's.",
    )
    remind_at = Moment(
        required=False, allow_null=True, help_text="When left out, it moves with `due_at`."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise ValidationError({"title": ["Say what to change."]})
        return attrs


class MoveAppointmentSerializer(StrictSerializer):
    scheduled_for = Moment()
    minutes = Whole(required=False, min_value=1, max_value=1440)
    place = text("place", Appointment)


class BulkSerializer(StrictSerializer):
    """`params` is the body that the verb takes for one lead."""

    verb = Text(max_length=30)
    ids = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=MOST_IN_BULK
    )
    params = serializers.DictField(required=False)
