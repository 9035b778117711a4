"""Appointments, tasks, notes and suggestions: what hangs on leads and has an id of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

import django_filters as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.api.base import ApiView
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.paging import Order, both_ways, orders
from leads import access, appointments, editing, timeline
from leads.api.verb_inputs import (
    MoveAppointmentSerializer,
    NoteEditSerializer,
    NothingSerializer,
    TaskEditSerializer,
)
from leads.api.verb_views import DoneSerializer, answer_done
from leads.api.work_serializers import AppointmentSerializer
from leads.batch import Result
from leads.filters import ValuesFilter, id_value
from leads.models import Appointment, Message

APPOINTMENT_ORDERS = orders(
    Order("-created_at", "created_at", descending=True),
    *both_ways("scheduled_for", nullable=True),
)


class AppointmentFilterSet(filters.FilterSet):  # type: ignore[misc]
    status = filters.MultipleChoiceFilter(
        choices=Appointment.Status.choices, help_text="scheduled, attended, no_show or canceled."
    )
    lead = ValuesFilter(
        parse=id_value, lookup_expr="in", field_name="lead", help_text="Leads, by id."
    )
    host = ValuesFilter(
        parse=id_value, lookup_expr="in", field_name="host", help_text="Members, by id."
    )


class AppointmentListView(ApiView):
    tag = "Appointments"

    @extend_schema(
        operation_id="appointments_list",
        summary="List appointments",
        parameters=[
            *(
                OpenApiParameter(name, str, description=str(one.extra["help_text"]))
                for name, one in AppointmentFilterSet.base_filters.items()
            ),
            *paging_parameters(APPOINTMENT_ORDERS),
        ],
        responses=page_of_schema(AppointmentSerializer),
    )
    def get(self, request: Request) -> Response:
        rows = access.visible_appointments(self.membership)
        filtered = AppointmentFilterSet(request.query_params, rows)
        if not filtered.is_valid():
            raise ValidationError({name: list(texts) for name, texts in filtered.errors.items()})
        return self.page(
            filtered.qs,
            APPOINTMENT_ORDERS,
            lambda rows: list(AppointmentSerializer(rows, many=True).data),
            known=tuple(AppointmentFilterSet.base_filters),
        )


class AppointmentView(ApiView):
    tag = "Appointments"

    @extend_schema(
        operation_id="appointments_retrieve",
        summary="Read an appointment",
        responses=AppointmentSerializer,
    )
    def get(self, request: Request, appointment_id: uuid.UUID) -> Response:
        self.refuse_unknown(set())
        found = access.access_appointment(self.membership, appointment_id)
        return Response(AppointmentSerializer(found).data)


class MoveAppointmentView(ApiView):
    tag = "Appointments"

    @extend_schema(
        operation_id="appointments_move",
        summary="Give an appointment another time",
        request=MoveAppointmentSerializer,
        responses=DoneSerializer,
    )
    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        found = access.access_appointment(self.membership, appointment_id, need="edit")
        data = self.read(MoveAppointmentSerializer)
        to = data.pop("scheduled_for")
        return answer_done(appointments.move(found, to=to, by=self.actor, now=self.now, **data))


class OutcomeView(ApiView):
    """Gives a booked appointment its outcome."""

    tag = "Appointments"
    settle: ClassVar[Callable[..., Result]]

    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        found = access.access_appointment(self.membership, appointment_id, need="edit")
        self.read(NothingSerializer)
        return answer_done(type(self).settle(found, by=self.actor, now=self.now))


def outcome_view(name: str, summary: str, settle: Callable[..., Result]) -> Any:
    """The view function of one outcome."""
    view: Any = type(f"{name.title()}View", (OutcomeView,), {"settle": staticmethod(settle)})
    post = extend_schema(
        operation_id=f"appointments_{name}",
        summary=summary,
        request=NothingSerializer,
        responses=DoneSerializer,
    )
    return extend_schema_view(post=post)(view).as_view()


class TaskView(ApiView):
    tag = "Verbs"

    @extend_schema(
        operation_id="tasks_edit",
        summary="Change an open task",
        request=TaskEditSerializer,
        responses=DoneSerializer,
    )
    def patch(self, request: Request, task_id: uuid.UUID) -> Response:
        task = access.access_task(self.membership, task_id, need="edit")
        changes = self.read(TaskEditSerializer)
        return answer_done(timeline.change_task(task, by=self.actor, now=self.now, **changes))


class TaskDoneView(ApiView):
    tag = "Verbs"

    @extend_schema(
        operation_id="tasks_done",
        summary="Mark a task done",
        request=NothingSerializer,
        responses=DoneSerializer,
    )
    def post(self, request: Request, task_id: uuid.UUID) -> Response:
        task = access.access_task(self.membership, task_id, need="edit")
        self.read(NothingSerializer)
        return answer_done(timeline.complete_task(task, by=self.actor, now=self.now))


class NoteView(ApiView):
    tag = "Verbs"

    @extend_schema(
        operation_id="notes_edit",
        summary="Change the text of a note",
        request=NoteEditSerializer,
        responses=DoneSerializer,
    )
    def patch(self, request: Request, message_id: uuid.UUID) -> Response:
        note = access.access_message(self.membership, message_id, need="edit")
        if note.channel != Message.Channel.NOTE:
            raise ValidationError({"body": ["Only notes can be changed."]})
        body = self.read(NoteEditSerializer)["body"]
        return answer_done(timeline.edit_note(note, body=body, by=self.actor, now=self.now))


class SuggestionView(ApiView):
    """Decides about a value that a lower rank would have written."""

    tag = "Verbs"
    accept: ClassVar[bool]

    def post(self, request: Request, suggestion_id: uuid.UUID) -> Response:
        found = access.access_suggestion(self.membership, suggestion_id, need="edit")
        self.read(NothingSerializer)
        now: datetime = self.now
        return answer_done(
            editing.decide_suggestion(found, accept=self.accept, by=self.actor, now=now)
        )


def suggestion_view(name: str, summary: str, *, accept: bool) -> Any:
    """The view function of one decision."""
    view: Any = type(f"{name.title()}View", (SuggestionView,), {"accept": accept})
    post = extend_schema(
        operation_id=f"suggestions_{name}",
        summary=summary,
        request=NothingSerializer,
        responses=DoneSerializer,
    )
    return extend_schema_view(post=post)(view).as_view()
