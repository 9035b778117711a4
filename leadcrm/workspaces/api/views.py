"""The workspace, who you are in it, and its members, teams and locations."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models.functions import Lower
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.access import PERMISSIONS, reach
from leadcrm.workspaces.api.base import ApiView
from leadcrm.workspaces.api.fields import link_id
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.api.shown import ShownSerializer
from leadcrm.workspaces.models import Location, Membership, Team, Workspace
from leadcrm.workspaces.paging import both_ways, orders

BY_NAME = orders(*both_ways("name", "sort_name"))


class WorkspaceSerializer(ShownSerializer[Workspace]):
    class Meta:
        model = Workspace
        fields: ClassVar = ("id", "name", "slug", "time_zone", "country", "currency", "visibility")
        read_only_fields = fields


class TeamSerializer(ShownSerializer[Team]):
    class Meta:
        model = Team
        fields: ClassVar = ("id", "name")
        read_only_fields = fields


class LocationSerializer(ShownSerializer[Location]):
    class Meta:
        model = Location
        fields: ClassVar = ("id", "name", "address", "time_zone")
        read_only_fields = fields


class MemberSerializer(ShownSerializer[Membership]):
    team_id = link_id()
    location_id = link_id()

    class Meta:
        model = Membership
        fields: ClassVar = ("id", "name", "kind", "role", "team_id", "location_id", "is_active")
        read_only_fields = fields


class MeSerializer(serializers.Serializer[Any]):
    member = MemberSerializer()
    workspace = WorkspaceSerializer()
    token = serializers.CharField(allow_null=True, help_text="The token's name.")
    scopes = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="Null for a session."
    )
    permissions = serializers.DictField(
        child=serializers.CharField(), help_text="How far each goes: none, own, team or all."
    )


class WorkspaceView(ApiView):
    area = ""
    tag = "Workspace"

    @extend_schema(
        operation_id="workspace", summary="Read the workspace", responses=WorkspaceSerializer
    )
    def get(self, request: Request) -> Response:
        self.refuse_unknown(set())
        return Response(WorkspaceSerializer(self.membership.workspace).data)


class MeView(ApiView):
    area = ""
    tag = "Workspace"

    @extend_schema(
        operation_id="me", summary="Who you are, and what you may", responses=MeSerializer
    )
    def get(self, request: Request) -> Response:
        self.refuse_unknown(set())
        token = self.actor.token
        return Response(
            {
                "member": MemberSerializer(self.membership).data,
                "workspace": WorkspaceSerializer(self.membership.workspace).data,
                "token": token.name if token else None,
                "scopes": list(token.scopes) if token else None,
                "permissions": {one: reach(self.membership, one).value for one in PERMISSIONS},
            }
        )


class MemberListView(ApiView):
    tag = "Workspace"

    @extend_schema(
        operation_id="members_list",
        summary="List members",
        parameters=paging_parameters(BY_NAME),
        responses=page_of_schema(MemberSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = Membership.objects.annotate(sort_name=Lower("name"))
        return self.page(rows, BY_NAME, lambda rows: list(MemberSerializer(rows, many=True).data))


class TeamListView(ApiView):
    tag = "Workspace"

    @extend_schema(
        operation_id="teams_list",
        summary="List teams",
        parameters=paging_parameters(BY_NAME),
        responses=page_of_schema(TeamSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = Team.objects.annotate(sort_name=Lower("name"))
        return self.page(rows, BY_NAME, lambda rows: list(TeamSerializer(rows, many=True).data))


class LocationListView(ApiView):
    tag = "Workspace"

    @extend_schema(
        operation_id="locations_list",
        summary="List locations",
        parameters=paging_parameters(BY_NAME),
        responses=page_of_schema(LocationSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = Location.objects.annotate(sort_name=Lower("name"))
        return self.page(rows, BY_NAME, lambda rows: list(LocationSerializer(rows, many=True).data))
