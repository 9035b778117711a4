"""What a member was told."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.api.base import ApiView
from leadcrm.workspaces.api.fields import StrictSerializer, link_id
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.api.shown import ShownSerializer
from leadcrm.workspaces.paging import Order, orders
from leads.models import Notification
from leads.notifying import mark_read, notifications_of, title_of

NEWEST = orders(Order("-at", "at", descending=True))
MOST_READ = 500


class NotificationSerializer(ShownSerializer[Notification]):
    lead_id = link_id()

    class Meta:
        model = Notification
        fields: ClassVar = ("id", "kind", "lead_id", "detail", "at", "read_at")
        read_only_fields = fields


class TitledSerializer(NotificationSerializer):
    """A notification with what it says."""

    title = serializers.CharField()

    class Meta(NotificationSerializer.Meta):
        fields: ClassVar[Any] = (*NotificationSerializer.Meta.fields, "title")
        read_only_fields: Any = fields


class ReadSerializer(StrictSerializer):
    ids = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=MOST_READ,
        help_text="When left out, all up to now.",
    )


class ReadCountSerializer(serializers.Serializer[Any]):
    read = serializers.IntegerField(help_text="How many were unread.")


class NotificationListView(ApiView):
    tag = "Notifications"

    @extend_schema(
        operation_id="notifications_list",
        summary="List your notifications, newest first",
        parameters=[
            OpenApiParameter("unread", bool, description="Only those that you have not read."),
            *paging_parameters(NEWEST),
        ],
        responses=page_of_schema(TitledSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = notifications_of(self.membership)
        unread = request.query_params.get("unread", "")
        if unread not in ("", "true", "false"):
            raise ValidationError({"unread": ["Give true or false."]})
        if unread:
            rows = rows.filter(read_at__isnull=unread == "true")
        return self.page(
            rows,
            NEWEST,
            lambda rows: [
                {**NotificationSerializer(row).data, "title": title_of(row)} for row in rows
            ],
            known=("unread",),
        )


class ReadView(ApiView):
    tag = "Notifications"

    @extend_schema(
        operation_id="notifications_read",
        summary="Mark notifications as read",
        request=ReadSerializer,
        responses=ReadCountSerializer,
    )
    def post(self, request: Request) -> Response:
        ids = self.read(ReadSerializer).get("ids")
        return Response({"read": mark_read(self.membership, self.now, ids)})
