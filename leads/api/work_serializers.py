"""How appointments, tasks, suggestions and the log are shown."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from leadcrm.workspaces.api.fields import link_id
from leadcrm.workspaces.api.shown import ShownSerializer
from leads.api.serializers import LeadSerializer
from leads.models import Activity, Appointment, ExternalId, FieldSuggestion, Message, Task


class AppointmentSerializer(ShownSerializer[Appointment]):
    lead_id = serializers.UUIDField(read_only=True)
    host_id = link_id()

    class Meta:
        model = Appointment
        fields: ClassVar = (
            "id", "lead_id", "status", "scheduled_for", "minutes", "title", "place", "host_id",
            "matched_via", "external_ref", "outcome_at", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class TaskSerializer(ShownSerializer[Task]):
    lead_id = serializers.UUIDField(read_only=True)
    assignee_id = link_id()

    class Meta:
        model = Task
        fields: ClassVar = (
            "id", "lead_id", "kind", "title", "due_at", "remind_at", "assignee_id", "created_at",
            "done_at",
        )  # fmt: skip
        read_only_fields = fields


class SuggestionSerializer(ShownSerializer[FieldSuggestion]):
    value = serializers.JSONField(read_only=True)

    class Meta:
        model = FieldSuggestion
        fields: ClassVar = ("id", "field", "source", "value", "suggested_at")
        read_only_fields = fields


class ExternalIdSerializer(ShownSerializer[ExternalId]):
    class Meta:
        model = ExternalId
        fields: ClassVar = ("system", "external_id")
        read_only_fields = fields


class MessageSerializer(ShownSerializer[Message]):
    class Meta:
        model = Message
        fields: ClassVar = (
            "id", "channel", "direction", "subject", "body", "meta", "thread", "external_id",
            "occurred_at", "edited_at",
        )  # fmt: skip
        read_only_fields = fields


class ActorSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["user", "token", "system"])
    member_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    via = serializers.CharField(help_text="The door: web, api, form, timer …")


class ActivitySerializer(serializers.Serializer[Any]):
    """A row of the log, with the body it points at where that is still there."""

    id = serializers.IntegerField()
    event = serializers.CharField(help_text="`lead_created`, `lead_qualified`, `call_logged` …")
    kind = serializers.CharField()
    title = serializers.CharField()
    lead_id = serializers.UUIDField(allow_null=True)
    contact_id = serializers.UUIDField(allow_null=True)
    deal_id = serializers.UUIDField(allow_null=True)
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    lane = serializers.CharField()
    actor = ActorSerializer()
    from_stage = serializers.CharField(allow_null=True, help_text="The stage's key.")
    to_stage = serializers.CharField(allow_null=True)
    from_status = serializers.CharField()
    to_status = serializers.CharField()
    reason = serializers.CharField()
    subject_type = serializers.CharField(help_text="`message`, `task`, `appointment`, `deal` …")
    subject_id = serializers.UUIDField(allow_null=True)
    data = serializers.DictField()  # type: ignore[assignment]
    message = MessageSerializer(allow_null=True)

    def to_representation(self, row: Activity) -> dict[str, Any]:
        messages = self.context.get("messages", {})
        message = messages.get(row.subject_id) if row.subject_type == "message" else None
        return {
            "id": row.pk,
            "event": row.event_name,
            "kind": row.kind,
            "title": row.spec.label,
            "lead_id": row.lead_id,
            "contact_id": row.contact_id,
            "deal_id": row.deal_id,
            "occurred_at": row.occurred_at,
            "recorded_at": row.recorded_at,
            "lane": row.lane,
            "actor": {
                "kind": row.actor_kind,
                "member_id": row.actor_id,
                "name": _name_of_actor(row),
                "via": row.via,
            },
            "from_stage": row.from_stage.key if row.from_stage else None,
            "to_stage": row.to_stage.key if row.to_stage else None,
            "from_status": row.from_status,
            "to_status": row.to_status,
            "reason": row.reason,
            "subject_type": row.subject_type,
            "subject_id": row.subject_id,
            "data": row.data,
            "message": MessageSerializer(message).data if message else None,
        }


class LeadDetailSerializer(LeadSerializer):
    """A lead with what hangs on it; the timeline's further pages are at its own address."""

    external_ids = ExternalIdSerializer(many=True, read_only=True)
    appointments = AppointmentSerializer(many=True, read_only=True)
    tasks = TaskSerializer(many=True, read_only=True, help_text="The open ones.")
    suggestions = SuggestionSerializer(many=True, read_only=True)
    activities = ActivitySerializer(many=True, read_only=True, help_text="The newest 50.")

    class Meta(LeadSerializer.Meta):
        fields: ClassVar[Any] = (
            *LeadSerializer.Meta.fields,
            "external_ids", "appointments", "tasks", "suggestions", "activities",
        )  # fmt: skip
        read_only_fields: Any = fields


def _name_of_actor(row: Activity) -> str:
    if row.actor_kind == "token" and row.token:
        return str(row.token.name)
    return str(row.actor.name) if row.actor else ""
