"""Saved views: their conditions and columns, and changing them."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.api.base import ApiView
from leadcrm.workspaces.api.fields import StrictSerializer, Text, Whole, link_id
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.api.shown import ShownSerializer
from leadcrm.workspaces.errors import ApiError
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.paging import Order, orders
from leads import columns, custom_fields, saved_views
from leads.conditions import LONGEST, MOST, OPERATORS, Condition, Conditions, grouped, resolve
from leads.directory import read_directory
from leads.filter_fields import gone_in
from leads.models import SavedView
from leads.saved_views import access_view, conditions_of, may_change
from leads.sorts import SORTS
from leads.tabs import TABS

BY_NAME = orders(Order("name", "name"))
FILTERED = ("conditions", "match", "sort", "layout")


class ConditionSerializer(StrictSerializer):
    """A filter of the list of leads. Those of a group are joined by the word that doesn't join
    the groups."""

    group = Whole(min_value=1, max_value=999, required=False, default=1)
    name = Text(max_length=90, help_text="A filter of the list of leads, or `cf_` and a key.")
    operator = serializers.ChoiceField(OPERATORS, required=False, default=OPERATORS[0])
    value = Text(max_length=LONGEST, help_text="Several with commas between them.")


class ViewEditSerializer(StrictSerializer):
    name = Text(required=False, max_length=80)
    is_shared = serializers.BooleanField(required=False)
    is_pinned = serializers.BooleanField(required=False, help_text="It stands among the tabs.")
    match = serializers.ChoiceField(
        SavedView.Match.choices, required=False, help_text="Fit all groups, or any."
    )
    conditions = serializers.ListField(child=ConditionSerializer(), required=False, max_length=MOST)
    columns = serializers.ListField(
        child=Text(max_length=100),
        required=False,
        max_length=200,
        help_text="None: those that each viewer has chosen.",
    )
    sort = serializers.ChoiceField(
        list(SORTS), required=False, allow_blank=True, help_text="Empty: that of its tab."
    )
    layout = serializers.ChoiceField(SavedView.Layout.choices, required=False)


class ViewCreateSerializer(ViewEditSerializer):
    name = Text(max_length=80)
    tab = serializers.ChoiceField(
        list(TABS), required=False, default="all", help_text="Whose leads it narrows."
    )


class ConditionShownSerializer(serializers.Serializer[Any]):
    group = serializers.IntegerField()
    name = serializers.CharField()
    operator = serializers.ChoiceField(OPERATORS)
    value = serializers.CharField()


class SavedViewSerializer(ShownSerializer[SavedView]):
    owner_id = link_id()

    class Meta:
        model = SavedView
        fields: ClassVar = (
            "id", "name", "owner_id", "is_shared", "is_pinned", "tab", "sort", "layout", "match",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields


class SavedViewDetailSerializer(SavedViewSerializer):
    """A view with what it holds."""

    conditions = ConditionShownSerializer(many=True)
    columns = serializers.ListField(child=serializers.CharField())
    may_change = serializers.BooleanField()

    class Meta(SavedViewSerializer.Meta):
        fields: ClassVar[Any] = (
            *SavedViewSerializer.Meta.fields, "conditions", "columns", "may_change",
        )  # fmt: skip
        read_only_fields: Any = fields


class CheckedViewSerializer(SavedViewDetailSerializer):
    problems = serializers.ListField(
        child=serializers.CharField(),
        help_text="What it names that is retired or gone. With a field that is gone it holds no "
        "leads until that is changed.",
    )

    class Meta(SavedViewDetailSerializer.Meta):
        fields: ClassVar[Any] = (*SavedViewDetailSerializer.Meta.fields, "problems")
        read_only_fields: Any = fields


class ViewListView(ApiView):
    tag = "Saved views"

    @extend_schema(
        operation_id="views_list",
        summary="List your views and those that are shared",
        parameters=paging_parameters(BY_NAME),
        responses=page_of_schema(SavedViewDetailSerializer),
    )
    def get(self, request: Request) -> Response:
        return self.page(
            saved_views.with_parts(saved_views.visible_views(self.membership)),
            BY_NAME,
            lambda rows: [_shown(saved_views.read_view(row), self.membership) for row in rows],
        )

    @extend_schema(
        operation_id="views_create",
        summary="Save a view",
        request=ViewCreateSerializer,
        responses={201: CheckedViewSerializer},
    )
    def post(self, request: Request) -> Response:
        data = self.read(ViewCreateSerializer)
        conditions = _conditions(data.pop("conditions", []), data.pop("match", ""), self.membership)
        keys = _columns(data.pop("columns", []))
        try:
            view = saved_views.save_new(
                self.membership, conditions=conditions, columns=keys, **data
            )
        except saved_views.TooManyViews as error:
            raise ApiError(409, "too_many", error.message) from None
        return Response(_checked(access_view(self.membership, view.pk), self), status=201)


class SavedViewView(ApiView):
    tag = "Saved views"

    @extend_schema(
        operation_id="views_retrieve",
        summary="Read a view",
        responses=CheckedViewSerializer,
    )
    def get(self, request: Request, view_id: uuid.UUID) -> Response:
        self.refuse_unknown(set())
        return Response(_checked(access_view(self.membership, view_id), self))

    @extend_schema(
        operation_id="views_edit",
        summary="Rename, share, pin a view, or put something else into it",
        description="Only what is sent changes; `conditions` replace those that it had.",
        request=ViewEditSerializer,
        responses=CheckedViewSerializer,
    )
    def patch(self, request: Request, view_id: uuid.UUID) -> Response:
        view = access_view(self.membership, view_id, need="change")
        data = self.read(ViewEditSerializer)
        with transaction.atomic():
            if set(data) & set(FILTERED):
                self._save_again(view, data)
            if "columns" in data:
                saved_views.choose_columns(view, _columns(data.pop("columns")))
            if data:
                saved_views.change(view, self.membership, **data)
        # Whoever makes another's view private sees it now and no more.
        changed = saved_views.with_parts(SavedView.objects.all()).get(pk=view_id)
        return Response(_checked(saved_views.read_view(changed), self))

    def _save_again(self, view: SavedView, data: dict[str, Any]) -> None:
        match = data.pop("match", view.match)
        given = data.pop("conditions", None)
        kept = {name: data.pop(name) for name in ("sort", "layout") if name in data}
        if given is None:
            conditions = Conditions(conditions_of(view).groups, match)
        else:
            conditions = _conditions(given, match, self.membership)
        saved_views.save_again(view, conditions, **kept)

    @extend_schema(
        operation_id="views_delete",
        summary="Delete a view; its leads stay",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, view_id: uuid.UUID) -> Response:
        saved_views.delete(access_view(self.membership, view_id, need="change"))
        return Response(status=204)


def _conditions(given: list[dict[str, Any]], match: str, member: Membership) -> Conditions:
    """The conditions of a body. Raises ValidationError for those that make no sense."""
    ordered = sorted(range(len(given)), key=lambda place: given[place]["group"])
    pairs = [(one["group"], Condition(one["name"], one["operator"], one["value"])) for one in given]
    found = grouped(pairs, match)
    faults = _faults(found, member)
    if faults:
        told = {
            f"conditions.{ordered[fault.place]}" if fault.place is not None else "conditions": [
                fault.message
            ]
            for fault in faults
        }
        raise ValidationError(told)
    return found


def _faults(conditions: Conditions, member: Membership) -> list[Any]:
    with timezone.override(member.workspace.time_zone):
        return resolve(conditions, member)[1]


def _columns(keys: list[str]) -> list[str]:
    """The keys of a body. Raises ValidationError for a column that there isn't."""
    known = {one.key for one in columns.offered(custom_fields.definitions().in_use)}
    for place, key in enumerate(keys):
        if key not in known:
            raise ValidationError({f"columns.{place}": [f"There is no column “{key}”."]})
    return keys


def _shown(view: SavedView, member: Membership) -> dict[str, Any]:
    return {
        **SavedViewSerializer(view).data,
        "conditions": view.filter_rows,
        "columns": view.column_keys,
        "may_change": may_change(member, view),
    }


def _checked(view: SavedView, api: ApiView) -> dict[str, Any]:
    conditions, directory = conditions_of(view), read_directory(api.membership)
    faults = [fault.message for fault in _faults(conditions, api.membership)]
    problems = [*faults, *gone_in(conditions, directory)]
    return {**_shown(view, api.membership), "problems": problems}
