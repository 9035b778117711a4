"""The filters of the list of leads: of a request's parameters, or of a bulk run's body."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import QuerySet
from django.http import Http404, QueryDict
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

from leadcrm.workspaces.models import Membership
from leads import access
from leads.conditions import is_id
from leads.filters import LeadFilterSet
from leads.listing import Listing, read_listing
from leads.models import Lead
from leads.models.custom_field import is_custom
from leads.tabs import TABS

VIEW = OpenApiParameter(
    "view",
    str,
    description="A saved view by its id, or a tab of the list: its leads in its order, narrowed "
    f"by the other filters. Tabs: {', '.join(TABS)}.",
)


def filter_parameters() -> list[OpenApiParameter]:
    """The filters of leads as the OpenAPI document shows them."""
    return [
        OpenApiParameter(name, str, description=str(one.extra.get("help_text", "")))
        for name, one in LeadFilterSet.base_filters.items()
    ]


def filter_names(params: Collection[str]) -> tuple[str, ...]:
    """The names of all filters, and those by the workspace's own fields that the parameters name."""
    return (*LeadFilterSet.base_filters, "view", *(name for name in params if is_custom(name)))


def filtered_leads(
    membership: Membership, params: QueryDict, now: datetime
) -> tuple[QuerySet[Lead], Listing | None]:
    """The leads that a member sees and that fit the filters among the parameters; and with a
    `view` among them what it holds.

    Raises ValidationError by the name of the filter at fault.
    """
    if params.get("view"):
        view = _view(membership, params, now)
        return view.leads, view
    found = LeadFilterSet(params, access.visible_leads(membership), membership=membership)
    if not found.is_valid():
        raise ValidationError({name: list(errors) for name, errors in found.errors.items()})
    return found.qs, None


def _view(membership: Membership, params: QueryDict, now: datetime) -> Listing:
    key = str(params["view"])
    if key not in TABS and not is_id(key):
        raise ValidationError({"view": [f"Give a view's id, or one of {', '.join(TABS)}."]})
    try:
        with timezone.override(membership.workspace.time_zone):
            found = read_listing(membership, params, now)
    except Http404:
        raise ValidationError({"view": ["Not found."]}) from None
    if found.faults:
        raise ValidationError({"view": [fault.message for fault in found.faults]})
    if not found.filters.is_valid():
        errors = found.filters.errors
        raise ValidationError({name: list(told) for name, told in errors.items()})
    return found
