"""Saved views: who sees and changes them, and every change of one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from django.http import Http404

from leadcrm.workspaces.access import NOT_FOUND, NotAllowed, may
from leadcrm.workspaces.models import Membership
from leads.conditions import Condition, Conditions, grouped
from leads.models import DefaultView, SavedView, SavedViewColumn, SavedViewFilter

MOST = 200  # views of one member
IN_FILTER = ("group", "name", "operator", "value")


class TooManyViews(Exception):
    """A member has as many views as are allowed."""

    message = f"You have {MOST} views already. Delete some first."


def visible_views(member: Membership) -> QuerySet[SavedView]:
    """The member's own views and those that are shared."""
    found: QuerySet[SavedView] = SavedView.objects.filter(Q(is_shared=True) | Q(owner=member.pk))
    return found


def access_view(member: Membership, view_id: uuid.UUID, *, need: str = "see") -> SavedView:
    """A view that the member may see, with its filters and columns; to `change` it, one of their
    own or, for who may share, a shared one. Raises Http404, NotAllowed."""
    try:
        view = read_view(with_parts(visible_views(member)).get(pk=view_id))
    except SavedView.DoesNotExist:
        raise Http404(NOT_FOUND) from None
    if need == "change" and not may_change(member, view):
        raise NotAllowed("This view is shared. Save it as a new one of your own.")
    return view


def with_parts(views: QuerySet[SavedView]) -> QuerySet[Any]:
    """The views with their filters and columns, each of which `read_view` takes."""
    filters = SavedViewFilter.objects.filter(view=OuterRef("pk")).order_by("position")
    columns = SavedViewColumn.objects.filter(view=OuterRef("pk")).order_by("position")
    return views.annotate(
        found_filters=ArraySubquery(filters.values(row=JSONObject(**{n: n for n in IN_FILTER}))),
        found_columns=ArraySubquery(columns.values("key")),
    )


def read_view(row: Any) -> SavedView:
    """A view found with its parts."""
    view: SavedView = row
    view.filter_rows, view.column_keys = row.found_filters, row.found_columns
    return view


def may_change(member: Membership, view: SavedView) -> bool:
    return may(member, "shared_views") if view.is_shared else view.owner_id == member.pk


def conditions_of(view: SavedView) -> Conditions:
    """What leads must fit in a view that `access_view` found."""
    pairs = [
        (row["group"], Condition(row["name"], row["operator"], row["value"]))
        for row in view.filter_rows
    ]
    return grouped(pairs, view.match)


def default_view(member: Membership) -> SavedView | None:
    """The view that the list opens with: the member's own choice, else the workspace's."""
    seen = Q(view__is_shared=True) | Q(view__owner=member.pk)
    chosen = DefaultView.objects.filter(
        seen, Q(membership=member.pk) | Q(membership=None)
    ).select_related("view")
    found = sorted(chosen, key=lambda one: one.membership_id is None)
    return found[0].view if found else None


@transaction.atomic
def save_new(
    member: Membership,
    *,
    name: str,
    conditions: Conditions,
    columns: Sequence[str] = (),
    is_shared: bool = False,
    **values: Any,
) -> SavedView:
    """A new view of the member; `values` are its tab, sort, layout and whether it is pinned.

    Raises NotAllowed where it is to be shared by who may not, TooManyViews.
    """
    if is_shared:
        _require_sharing(member)
    if SavedView.objects.filter(owner=member.pk).count() >= MOST:
        raise TooManyViews
    view = SavedView(name=name, owner=member, is_shared=is_shared, match=conditions.match, **values)
    view.save()
    _write_filters(view, conditions)
    _write_columns(view, columns)
    return view


@transaction.atomic
def change(view: SavedView, by: Membership, **values: Any) -> None:
    """Rename, share or pin a view that the member may change. Raises NotAllowed."""
    if values.get("is_shared", view.is_shared) != view.is_shared:
        _require_sharing(by)
    if not values.get("is_shared", True):  # others can't open it any more
        DefaultView.objects.filter(view=view).exclude(membership=view.owner_id).delete()
    SavedView.objects.filter(pk=view.pk).update(**values)


@transaction.atomic
def save_again(view: SavedView, conditions: Conditions, **values: Any) -> None:
    """Put other conditions, sort or layout into a view."""
    SavedView.objects.filter(pk=view.pk).update(match=conditions.match, **values)
    SavedViewFilter.objects.filter(view=view).delete()
    _write_filters(view, conditions)


@transaction.atomic
def choose_columns(view: SavedView, keys: Sequence[str]) -> None:
    """The columns of a view; none means those that each viewer has chosen."""
    SavedView.objects.select_for_update().get(pk=view.pk)  # two choices don't mix
    SavedViewColumn.objects.filter(view=view).delete()
    _write_columns(view, keys)


@transaction.atomic
def make_default(view: SavedView, by: Membership, *, for_all: bool, on: bool = True) -> None:
    """Have the list open with a view, for the member or for everybody, or no longer."""
    if for_all:
        _require_sharing(by)
        if on and not view.is_shared:
            raise NotAllowed("Share the view first: others can't see it.")
    who = None if for_all else by
    if on:
        DefaultView.objects.update_or_create(membership=who, defaults={"view": view})
    else:
        DefaultView.objects.filter(membership=who).delete()


def delete(view: SavedView) -> None:
    """Delete a view. Its leads stay as they are."""
    view.delete()


def _require_sharing(member: Membership) -> None:
    if not may(member, "shared_views"):
        raise NotAllowed("Only owners, admins and managers share views.")


def _write_filters(view: SavedView, conditions: Conditions) -> None:
    SavedViewFilter.objects.bulk_create(
        SavedViewFilter(
            view=view,
            group=group,
            position=position,
            name=one.name,
            operator=one.operator,
            value=one.value,
        )
        for position, (group, one) in enumerate(conditions.numbered())
    )


def _write_columns(view: SavedView, keys: Sequence[str]) -> None:
    SavedViewColumn.objects.bulk_create(
        SavedViewColumn(view=view, key=key, position=position)
        for position, key in enumerate(dict.fromkeys(keys))
    )
