"""Which leads a page is about: those ticked in the list, or all that its address holds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.http import QueryDict

from leadcrm.workspaces.pages import PageRequest
from leads.access import visible_leads
from leads.batch import Refused
from leads.models import Lead
from leads.views.list import listing

MOST_TICKED = 200  # a page of the list has fewer


class BadSelection(Refused):
    code = "bad_selection"


@dataclass(frozen=True, slots=True)
class Selection:
    """`ids` are ticked ones; without any it is all of the list at `address`, its query string."""

    leads: QuerySet[Lead]
    ids: tuple[uuid.UUID, ...]
    address: str

    @property
    def is_all(self) -> bool:
        return not self.ids


def selection_of(request: PageRequest, data: QueryDict, now: datetime) -> Selection:
    """Read `lead`, or `all` with `in`, from a form. Raises BadSelection for what is none."""
    address = data.get("in", "")
    if data.get("all"):
        found = listing(request, now, QueryDict(address))
        if not found.valid:
            raise BadSelection("A filter of this list isn't valid. Go back and clear it.")
        return Selection(found.leads, (), address)
    try:
        ids = tuple(dict.fromkeys(uuid.UUID(text) for text in data.getlist("lead")))
    except ValueError:
        raise BadSelection("These leads can't be read. Go back and select them again.") from None
    if not ids:
        raise BadSelection("Select leads first: tick them in the list.")
    if len(ids) > MOST_TICKED:
        raise BadSelection(f"Tick at most {MOST_TICKED} leads, or select all of the list.")
    visible = visible_leads(request.membership).filter(pk__in=ids, merged_into=None)
    return Selection(visible, ids, address)
