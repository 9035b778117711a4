"""The log: a page of it, and polling it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.access import Reach, reach
from leadcrm.workspaces.api.base import ApiView, whole
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.paging import BadCursor, pack, unpack
from leads import access, timeline
from leads.api.work_serializers import ActivitySerializer
from leads.models import Activity
from leads.models.activity import SnapshotHorizon

LARGEST = 500
START = (0, 0)
BEYOND = 2**63 - 1


def present(rows: Sequence[Activity]) -> list[Any]:
    """Log rows with their messages, in one further query."""
    context = {"messages": timeline.messages_of(rows)}
    shown: Any = ActivitySerializer(rows, many=True, context=context)
    return list(shown.data)


def rows_after(membership: Membership, after: tuple[int, int]) -> QuerySet[Activity]:
    """The log rows that the member may see, in the order of the log, that are settled for good.

    Ids are not in the order of commits: only below the oldest running transaction can nothing
    appear behind the cursor any more.
    """
    xid, row_id = after
    beyond = Q(xid__gte=xid) & (Q(xid__gt=xid) | Q(id__gt=row_id))
    rows: QuerySet[Activity] = Activity.objects.filter(beyond, xid__lt=SnapshotHorizon())
    if reach(membership, "see") is not Reach.ALL:
        rows = rows.filter(lead__in=access.visible_leads(membership))
    return timeline.with_names(rows).order_by("xid", "id")


def read_position(cursor: str) -> tuple[int, int]:
    """The position in the log that a cursor names. Raises BadCursor."""
    if not cursor:
        return START
    xid, row_id = unpack(cursor, 2)
    if not all(type(part) is int and 0 <= part <= BEYOND for part in (xid, row_id)):
        raise BadCursor
    return xid, row_id


class ActivityListView(ApiView):
    tag = "Activities"

    @extend_schema(
        operation_id="activities_list",
        summary="Poll the log",
        description="Each row comes exactly once and in order: pass the answer's `next_cursor` as "
        "`after`. It stays the same while there is nothing new.",
        parameters=[
            OpenApiParameter("after", str, description="The cursor of the last answer."),
            OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST}),
        ],
        responses=inline_serializer(
            "ActivityPoll",
            {"results": ActivitySerializer(many=True), "next_cursor": serializers.CharField()},
        ),
    )
    def get(self, request: Request) -> Response:
        self.refuse_unknown({"after", "limit"})
        limit = whole(request.query_params.get("limit"), "limit", 100, LARGEST)
        position = read_position(request.query_params.get("after", ""))
        rows = list(rows_after(self.membership, position)[:limit])
        if rows:
            position = (rows[-1].xid, rows[-1].pk)
        return Response({"results": present(rows), "next_cursor": pack(list(position))})
