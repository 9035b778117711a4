"""Pages by position: a cursor holds the sort values of the last row, so that no page is counted off."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Q
from django.db.models.expressions import OrderBy
from django.http import Http404, QueryDict
from django.utils.dateparse import parse_datetime

from leads.models import Lead


class BadCursor(Http404):
    """The cursor of a link was cut or made up."""

    def __init__(self) -> None:
        super().__init__("This page of the list does not exist. Start at its first page.")


LIST, AT = "list", "at"  # what a link to a lead says of the list that it stands in


def encode(*values: Any) -> str:
    """Values as a word for a URL."""
    text = json.dumps([v.isoformat() if isinstance(v, datetime) else v for v in values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, length: int) -> list[Any]:
    """The values of a cursor; raises BadCursor where it isn't one of this length."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error, RecursionError):
        raise BadCursor from None
    if not isinstance(values, list) or len(values) != length or "\x00" in cursor:
        raise BadCursor
    return values


@dataclass(frozen=True)
class Sort:
    """An order of leads: by one moment, then newest first, then by id so that it is total.

    With `oldest_first`, those of the same moment come in the order in which they arrived.
    """

    key: str
    field: str
    descending: bool = False
    oldest_first: bool = False

    def order(self) -> list[OrderBy]:
        first = F(self.field)
        main = first.desc(nulls_last=True) if self.descending else first.asc(nulls_last=True)
        if self.field == "created_at":
            return [main, F("id").desc()]
        if self.oldest_first:
            return [main, F("created_at").asc(), F("id").asc()]
        return [main, F("created_at").desc(), F("id").desc()]

    def order_back(self) -> list[OrderBy]:
        """The same order from its end."""
        first = F(self.field)
        main = first.asc(nulls_first=True) if self.descending else first.desc(nulls_first=True)
        if self.field == "created_at":
            return [main, F("id").asc()]
        if self.oldest_first:
            return [main, F("created_at").desc(), F("id").desc()]
        return [main, F("created_at").asc(), F("id").asc()]

    def cursor(self, lead: Lead) -> str:
        return encode(getattr(lead, self.field), lead.created_at, str(lead.pk))

    def after(self, cursor: str) -> Q:
        """The condition on rows that come after the cursor's."""
        value, created, row_id = self._read(cursor)
        tie = self._tie("gt" if self.oldest_first else "lt", created, row_id)
        if self.field == "created_at":
            ahead = "lt" if self.descending else "gt"
            return self._from(ahead, created) & (
                Q(**{f"created_at__{ahead}": created}) | Q(created_at=created, id__lt=row_id)
            )
        if value is None:
            return Q(**{self.field: None}) & tie
        further = "lt" if self.descending else "gt"
        return (
            Q(**{f"{self.field}__{further}": value})
            | Q(**{f"{self.field}__isnull": True})
            | (Q(**{self.field: value}) & tie)
        )

    def before(self, cursor: str) -> Q:
        """The condition on rows that come before the cursor's."""
        value, created, row_id = self._read(cursor)
        tie = self._tie("lt" if self.oldest_first else "gt", created, row_id)
        if self.field == "created_at":
            ahead = "gt" if self.descending else "lt"
            return self._from(ahead, created) & (
                Q(**{f"created_at__{ahead}": created}) | Q(created_at=created, id__gt=row_id)
            )
        if value is None:
            return Q(**{f"{self.field}__isnull": False}) | (Q(**{self.field: None}) & tie)
        nearer = "gt" if self.descending else "lt"
        return self._from(nearer, value) & (
            Q(**{f"{self.field}__{nearer}": value}) | (Q(**{self.field: value}) & tie)
        )

    def _tie(self, side: str, created: datetime, row_id: uuid.UUID) -> Q:
        """On one side of a row among those of the same moment."""
        return Q(**{f"created_at__{side}": created}) | Q(
            created_at=created, **{f"id__{side}": row_id}
        )

    def _from(self, side: str, value: datetime) -> Q:
        """The range that the alternatives lie in, so that the index is entered there."""
        return Q(**{f"{self.field}__{side}e": value})

    def _read(self, cursor: str) -> tuple[datetime | None, datetime, uuid.UUID]:
        value, created, row_id = decode(cursor, 3)
        try:
            when = parse_datetime(value) if value else None
            born, key = parse_datetime(created), uuid.UUID(row_id)
        except (TypeError, ValueError, AttributeError):
            raise BadCursor from None
        if born is None or born.tzinfo is None or (value and (when is None or not when.tzinfo)):
            raise BadCursor
        return when, born, key


SORTS = {
    sort.key: sort
    for sort in (
        Sort("due", "work_due_at"),
        Sort("waiting", "work_due_at", oldest_first=True),
        Sort("-due", "work_due_at", descending=True),
        Sort("-created", "created_at", descending=True),
        Sort("created", "created_at"),
        Sort("-active", "last_activity_at", descending=True),
        Sort("active", "last_activity_at"),
    )
}


def place_in_list(params: QueryDict, sort: Sort, lead: Lead) -> str:
    """The query that a list's link to a lead carries. `params` are those of the list."""
    kept = params.copy()
    for name in ("after", *(name for name in params if not params[name])):
        kept.pop(name, None)
    return urlencode({LIST: kept.urlencode(), AT: sort.cursor(lead)})
