"""What every view of the API has in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Model, QuerySet
from django.http import Http404, UnreadablePostError
from django.http.request import RawPostDataException
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadcrm.workspaces.access import NOT_FOUND, require_scope
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.api.schema import ApiSchema
from leadcrm.workspaces.errors import ApiError, too_large
from leadcrm.workspaces.idempotency import answer_once, key_of
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.paging import Order, page_of
from leadcrm.workspaces.parsing import LARGEST, unfit

T = TypeVar("T", bound=Model)

SAFE = ("GET", "HEAD", "OPTIONS")
REPEATABLE = ("POST", "PUT", "PATCH")
PAGE_SIZE, LARGEST_PAGE = 50, 100
PAGING = ("cursor", "page_size", "ordering")
ETAG = re.compile(r'^(?:W/)?"?(\d{1,9})"?$')


class ApiView(APIView):
    """A view of one workspace: authenticated, in scope, with the token's scopes checked.

    `area` is the first half of the token scopes it asks for; an empty one asks for none.
    """

    area: ClassVar[str] = "leads"
    tag: ClassVar[str] = ""
    versioned: ClassVar[bool] = False
    schema = ApiSchema()
    metadata_class = None

    @property
    def membership(self) -> Membership:
        found: Membership = self.request._request.membership  # type: ignore[attr-defined]
        return found

    @property
    def actor(self) -> Actor:
        found: Actor = self.request._request.actor  # type: ignore[attr-defined]
        return found

    @property
    def now(self) -> datetime:
        return timezone.now()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.area:
            verb = "read" if request.method in SAFE else "write"
            require_scope(self.actor, f"{self.area}:{verb}")
        if any(unfit(value) for value in kwargs.values() if isinstance(value, str)):
            raise Http404(NOT_FOUND)
        if request.method not in SAFE:
            self.read_body(request)
        if request.method in REPEATABLE and (key := key_of(request)):
            self.answer_by_key(request, key)

    def read_body(self, request: Request) -> None:
        """Parse the body before the view runs, so that a bad one is refused whatever it does."""
        require_length(request, LARGEST)
        with unreadable_bodies(request):
            _ = request._request.body  # kept for the fingerprint of an Idempotency-Key
        _ = request.data

    def answer_by_key(self, request: Request, key: str) -> None:
        """Put the idempotent answer in the place of this request's handler."""
        name = str(request.method).lower()
        handler: Callable[..., Response] | None = getattr(self, name, None)
        if handler is None:
            return

        def once(request: Request, *args: Any, **kwargs: Any) -> Response:
            handle = partial(handler, request, *args, **kwargs)
            return answer_once(request, self.membership, key, handle, self.handle_exception)

        setattr(self, name, once)

    def read(self, kind: type[serializers.Serializer[Any]], **kwargs: Any) -> dict[str, Any]:
        """The request's body, checked by a serializer."""
        body = kind(data=self.request.data, context=self.context(), **kwargs)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def context(self) -> dict[str, Any]:
        return {"view": self, "zone": ZoneInfo(self.membership.workspace.time_zone)}

    def page(
        self,
        rows: QuerySet[T],
        orders: Mapping[str, Order],
        present: Callable[[list[T]], list[Any]],
        *,
        known: tuple[str, ...] = (),
    ) -> Response:
        """Answer a page of rows in an allowed order; `known` names the list's other parameters."""
        params = self.request.query_params
        self.refuse_unknown({*known, *PAGING})
        name = params.get("ordering") or next(iter(orders))
        if name not in orders:
            raise ValidationError({"ordering": [f"Choose one of {', '.join(orders)}."]})
        size = whole(params.get("page_size"), "page_size", PAGE_SIZE, LARGEST_PAGE)
        found = page_of(rows, orders[name], params.get("cursor", ""), size)
        return Response({"results": present(found.rows), "next_cursor": found.next_cursor})

    def refuse_unknown(self, known: set[str]) -> None:
        """Refuse parameters that would silently do nothing."""
        unknown = sorted(set(self.request.query_params) - known)
        if unknown:
            raise ValidationError({name: ["There is no such parameter."] for name in unknown})

    def expected_version(self) -> int | None:
        """The version in If-Match, if any."""
        text = self.request.headers.get("If-Match", "").strip()
        if text in ("", "*"):
            return None
        match = ETAG.match(text)
        if match is None:
            raise ApiError(400, "invalid", "Give the version you read, such as “3”.", "If-Match")
        return int(match[1])


def versioned(body: Any, version: int, status: int = 200) -> Response:
    """An answer that carries the version of what it shows."""
    return Response(body, status=status, headers={"ETag": f'"{version}"'})


class NotFoundView(APIView):
    """Every address under /api/ that leads nowhere."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404(NOT_FOUND)


def require_length(request: Request, largest: int) -> None:
    """Refuse a body whose length is none, or above `largest` bytes, before it is read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not str(length).isdigit():
        raise ApiError(400, "bad_request", "Content-Length must be a number.")
    if int(length) > largest:
        raise too_large(largest)


@contextmanager
def unreadable_bodies(request: Request) -> Iterator[None]:
    """Say what is wrong with a body that can't be read."""
    try:
        yield
    except RawPostDataException:  # a form, read in search of a CSRF token
        raise UnsupportedMediaType(str(request.content_type)) from None
    except UnreadablePostError:
        raise ApiError(400, "bad_request", "The body ended too early.") from None


def whole(text: str | None, name: str, default: int, largest: int) -> int:
    """A whole number among the parameters, within its limit."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= largest):
        raise ValidationError({name: [f"Give a number from 1 to {largest}."]})
    return int(text)
