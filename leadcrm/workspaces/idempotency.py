"""Writes that can be repeated: the same Idempotency-Key gives the same answer, once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, OperationalError, connection, transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.errors import ApiError
from leadcrm.workspaces.models import IdempotencyKey, Membership

T = TypeVar("T")

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST = 255
KEPT_HEADERS = ("ETag", "Location")
# Answers that the next try may turn out otherwise, without anything being changed.
PASSING = frozenset({401, 403, 429})
ATTEMPTS = 3
RACES = ("40001", "40P01", "23505")  # serialization failure, deadlock, unique violation


def key_of(request: Request) -> str:
    """The request's key, or an empty text."""
    key = request.headers.get(HEADER, "")
    if len(key) > LONGEST or not key.isascii() or not key.isprintable():
        raise ApiError(400, "invalid", f"Use 1 to {LONGEST} plain characters.", HEADER)
    return key


def answer_once(
    request: Request,
    membership: Membership,
    key: str,
    handle: Callable[[], Response],
    refuse: Callable[[Exception], Response],
    fingerprint: str = "",
) -> Response:
    """The saved answer of this key, or that of `handle`, saved in the transaction of its change.

    A refusal (`refuse` makes the answer of an exception) undoes the change and is saved too,
    unless it may pass by itself. Another body under the same key answers 422, one that is
    still being worked on 409. A `fingerprint` is given where the body itself isn't kept.
    """
    fingerprint = fingerprint or fingerprint_of(request, request._request.body)
    with transaction.atomic():
        if not _lock(membership, key):
            raise ApiError(409, "in_flight", "A request with this key is being worked on.", HEADER)
        saved = saved_answer(membership, key, fingerprint)
        if saved is not None:
            return saved
        try:
            response = settle_race(handle)
        except Exception as error:  # noqa: BLE001 – `refuse` answers every kind
            response = refuse(error)
        if response.status_code < 500 and response.status_code not in PASSING:
            _save(response, membership, key, fingerprint)
        return response


def saved_answer(membership: Membership, key: str, fingerprint: str) -> Response | None:
    """The answer that this key had before. Raises ApiError where it was that of another request."""
    saved = IdempotencyKey.objects.filter(membership=membership, key=key).first()
    return _replay(saved, fingerprint) if saved else None


def fingerprint_of(request: Any, content: bytes) -> str:
    """What tells a request from others, `content` being its body or standing for it."""
    plain = request._request
    version = plain.headers.get("If-Match", "").encode()
    parts = [plain.method.encode(), plain.get_full_path().encode(), version, content]
    return hashlib.sha256(b"\x00".join(parts)).hexdigest()


def settle_race(work: Callable[[], T]) -> T:
    """Do work in a transaction, and again where another writer won a race against it."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return work()
        except (OperationalError, IntegrityError) as error:
            state = getattr(error.__cause__, "sqlstate", "")
            if state not in RACES or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _lock(membership: Membership, key: str) -> bool:
    # Not the unique row itself: a second writer would wait for it instead of being told.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 1))", [f"{membership.pk}:{key}"]
        )
        return bool(cursor.fetchone()[0])


def _replay(saved: IdempotencyKey, fingerprint: str) -> Response:
    if saved.fingerprint != fingerprint:
        raise ApiError(422, "key_reused", "This key was used for another request.", HEADER)
    answer = saved.response or {}
    headers = {**answer.get("headers", {}), REPLAYED: "true"}
    return Response(answer.get("body"), status=saved.status, headers=headers)


def _save(response: Response, membership: Membership, key: str, fingerprint: str) -> None:
    body = json.loads(JSONRenderer().render(response.data)) if response.data is not None else None
    headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    IdempotencyKey.objects.create(
        membership=membership,
        key=key,
        fingerprint=fingerprint,
        status=response.status_code,
        response={"body": body, "headers": headers},
    )
