"""Who is there: a member's duty, and the absences of members."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.access import NOT_FOUND, require
from leadcrm.workspaces.api.base import ApiView
from leadcrm.workspaces.api.fields import StrictSerializer
from leadcrm.workspaces.api.shown import ShownSerializer
from leadcrm.workspaces.availability import (
    absences_to_come,
    add_absence,
    away_until,
    remove_absence,
    set_duty,
    today_of,
)
from leadcrm.workspaces.models import Absence, Membership

YEARS = range(2000, 2200)


class DutySerializer(StrictSerializer):
    on_duty = serializers.BooleanField(help_text="Who is off duty gets no leads by rotation.")


class DutyShownSerializer(serializers.Serializer[Any]):
    on_duty = serializers.BooleanField()
    away_until = serializers.DateField(
        allow_null=True, help_text="The last day of an absence that is under way."
    )


class AbsenceSerializer(ShownSerializer[Absence]):
    class Meta:
        model = Absence
        fields: ClassVar = ("id", "starts_on", "ends_on")
        read_only_fields = fields


class AbsencesSerializer(serializers.Serializer[Any]):
    results = AbsenceSerializer(many=True)


class AbsenceCreateSerializer(StrictSerializer):
    starts_on = serializers.DateField(help_text="The first day away.")
    ends_on = serializers.DateField(help_text="The last one.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name, day in attrs.items():
            if day.year not in YEARS:
                said = f"Give a year from {YEARS[0]} to {YEARS[-1]}."
                raise ValidationError({name: [said]})
        return attrs


class DutyView(ApiView):
    tag = "Workspace"

    @extend_schema(
        operation_id="duty", summary="Whether you are on duty", responses=DutyShownSerializer
    )
    def get(self, request: Request) -> Response:
        self.refuse_unknown(set())
        return self._answer()

    @extend_schema(
        operation_id="duty_set",
        summary="Go on or off duty",
        request=DutySerializer,
        responses=DutyShownSerializer,
    )
    def put(self, request: Request) -> Response:
        require(self.membership, "edit")
        set_duty(self.membership, self.read(DutySerializer)["on_duty"])
        return self._answer()

    def _answer(self) -> Response:
        member = self.membership
        away = away_until([member.pk], today_of(member.workspace, self.now))
        return Response({"on_duty": member.on_duty, "away_until": away.get(member.pk)})


class AbsenceListView(ApiView):
    """Your own absences; below, those of others."""

    tag = "Workspace"

    @extend_schema(
        operation_id="absences_list",
        summary="List your absences that are not over",
        responses=AbsencesSerializer,
    )
    def get(self, request: Request) -> Response:
        require(self.membership, "edit")
        return self._list(self.membership)

    @extend_schema(
        operation_id="absences_add",
        summary="Note that you are away",
        request=AbsenceCreateSerializer,
        responses={201: AbsenceSerializer},
    )
    def post(self, request: Request) -> Response:
        require(self.membership, "edit")
        return self._add(self.membership)

    def _list(self, member: Membership) -> Response:
        self.refuse_unknown(set())
        rows: list[Absence] = list(absences_to_come(member, self._today()))
        return Response({"results": AbsenceSerializer(rows, many=True).data})

    def _add(self, member: Membership) -> Response:
        days = self.read(AbsenceCreateSerializer)
        absence = add_absence(member, by=self.membership, **days)
        return Response(AbsenceSerializer(absence).data, status=201)

    def _today(self) -> date:
        return today_of(self.membership.workspace, self.now)


class MemberAbsenceListView(AbsenceListView):
    @extend_schema(
        operation_id="member_absences_list",
        summary="List a member's absences that are not over",
        responses=AbsencesSerializer,
    )
    def get(self, request: Request, member_id: uuid.UUID) -> Response:  # type: ignore[override]
        return self._list(self._member(member_id))

    @extend_schema(
        operation_id="member_absences_add",
        summary="Note that a member is away",
        request=AbsenceCreateSerializer,
        responses={201: AbsenceSerializer},
    )
    def post(self, request: Request, member_id: uuid.UUID) -> Response:  # type: ignore[override]
        return self._add(self._member(member_id))

    def _member(self, member_id: uuid.UUID) -> Membership:
        require(self.membership, "users")
        member: Membership | None = Membership.objects.filter(pk=member_id).first()
        if member is None:
            raise Http404(NOT_FOUND)
        return member


class AbsenceView(ApiView):
    tag = "Workspace"

    @extend_schema(
        operation_id="absences_remove",
        summary="Remove an absence: you, or for admins the member, are there after all",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, absence_id: uuid.UUID) -> Response:
        absence = Absence.objects.select_related("membership").filter(pk=absence_id).first()
        if absence is None:
            raise Http404(NOT_FOUND)
        remove_absence(absence, by=self.membership)
        return Response(status=204)
