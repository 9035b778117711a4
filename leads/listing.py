"""Which leads an address of the list holds: a tab or saved view, conditions and filters."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet
from django.http import QueryDict

from leadcrm.workspaces.access import Reach, reach
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.paging import Order
from leads import custom_fields
from leads.access import visible_leads
from leads.conditions import (
    Conditions,
    Fault,
    are_given,
    is_id,
    read_conditions,
    resolve,
)
from leads.filters import LeadFilterSet
from leads.models import Lead, SavedView
from leads.saved_views import access_view, conditions_of
from leads.sorts import SORTS
from leads.tabs import ALL, Tab, tab_named


@dataclass(slots=True)
class Listing:
    """The leads of one address of the list, as a query: filtered, not yet cut or sorted."""

    leads: QuerySet[Lead]
    tab: Tab
    filters: LeadFilterSet
    conditions: Conditions = field(default_factory=Conditions)
    faults: list[Fault] = field(default_factory=list)
    saved: SavedView | None = None
    sort: Order = SORTS["due"]

    @property
    def label(self) -> str:
        return self.saved.name if self.saved else self.tab.label

    @property
    def key(self) -> str:
        """What the address calls the tab or saved view."""
        return str(self.saved.pk) if self.saved else self.tab.key

    @property
    def is_search(self) -> bool:
        typed = self.valid and self.filters.form.cleaned_data.get("q")
        return bool(typed) or (self.valid and self.conditions.names("q"))

    @property
    def is_of_team(self) -> bool:
        """Whether it is all that a team has."""
        member = self.filters.membership
        return self.tab is ALL and member is not None and reach(member, "see") is Reach.TEAM

    @property
    def valid(self) -> bool:
        return bool(self.filters.is_valid()) and not self.faults


def read_listing(
    member: Membership,
    params: QueryDict,
    now: datetime,
    custom: custom_fields.Definitions | None = None,
) -> Listing:
    """Read tab or saved view, conditions and filters from the parameters of an address. Raises
    Http404 for a view that isn't the member's and not shared.

    `custom` are the workspace's own fields where the caller has read them.
    """
    saved = saved_view(member, params)
    tab = tab_named(member, saved.tab if saved else params.get("view", ""))
    conditions, faults = read_conditions(params)
    if saved and not are_given(params):
        conditions = conditions_of(saved)
    condition, wrong = resolve(conditions, member, custom)
    leads = visible_leads(member).filter(tab.condition(member, now))
    if conditions.names("archived"):
        params = params.copy()
        params["archived"] = "any"
    if params.get("archived"):  # what was merged away is archived
        leads = leads.filter(merged_into=None)
    filters = LeadFilterSet(params, leads, membership=member, custom=custom)
    faults += wrong
    found = filters.qs.filter(condition) if filters.is_valid() and not faults else leads.none()
    asked_sort = params.get("sort", "") or (saved.sort if saved else "")
    sort = SORTS.get(asked_sort) or SORTS[tab.sort]
    return Listing(found, tab, filters, conditions, faults, saved, sort)


def saved_view(member: Membership, params: QueryDict) -> SavedView | None:
    """The saved view that an address names, or None where it names a tab."""
    key = params.get("view", "")
    return access_view(member, uuid.UUID(key)) if is_id(key) else None
