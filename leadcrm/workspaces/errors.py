"""The one shape in which the API says no: {"error": {"code", "message", "fields"}}."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import ValidationError as ModelError
from django.core.signals import got_request_exception
from django.db import DataError, IntegrityError, InternalError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from leadcrm.workspaces.access import NOT_FOUND, NotAllowed
from leadcrm.workspaces.paging import BadCursor

log = structlog.get_logger(__name__)

RETRY_AFTER = 2  # seconds, after a lock or statement timeout
TIMEOUT_STATES = ("25P03", "25P04")  # idle in transaction too long, transaction too long


@dataclass(frozen=True)
class Problem:
    """What an error answers."""

    status: int
    code: str
    message: str
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        body = {"error": {"code": self.code, "message": self.message, "fields": dict(self.fields)}}
        return Response(body, status=self.status, headers=dict(self.headers))


class ApiError(Exception):
    """A problem that a view states itself."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(status, code, message, {field: [message]} if field else {})


def too_large(largest: int = 1024**2) -> ApiError:
    """The refusal of a body of more than `largest` bytes."""
    return ApiError(413, "too_large", f"The body may have at most {largest // 1024**2} MiB.")


Explain = Callable[[Any], Problem]
_explained: list[tuple[type[Exception], Explain]] = []


def explains(*kinds: type[Exception]) -> Callable[[Explain], Explain]:
    """Register how the API answers to exceptions of these kinds; the latest registered decides."""

    def register(explain: Explain) -> Explain:
        _explained.extend((kind, explain) for kind in kinds)
        return explain

    return register


def api_exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """Answer any exception of an API view; one that nothing explains is logged and answers 500."""
    for kind, explain in reversed(_explained):
        if isinstance(error, kind):
            return explain(error).response()
    request = context.get("request")
    log.error("api_error", error=type(error).__name__, exc_info=error)
    got_request_exception.send(sender=None, request=getattr(request, "_request", None))
    return Problem(500, "server_error", "Something went wrong here. It has been noted.").response()


def field_errors(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """Nested validation errors by dotted name; those of a whole body stand under `body`."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for name, value in detail.items():
            here = prefix if name == "non_field_errors" else f"{prefix}.{name}" if prefix else name
            found |= field_errors(value, str(here))
        return found
    if isinstance(detail, list) and any(isinstance(item, (Mapping, list)) for item in detail):
        found = {}
        for number, item in enumerate(detail):
            found |= field_errors(item, f"{prefix}.{number}" if prefix else str(number))
        return found
    messages = detail if isinstance(detail, list) else [detail]
    return {prefix or "body": [str(message) for message in messages]} if messages else {}


def invalid(fields: Mapping[str, list[str]], code: str = "invalid") -> Problem:
    """Bad input; the message names the first field at fault."""
    name, messages = next(iter(fields.items()), ("body", ["Invalid."]))
    message = messages[0] if name == "body" else f"{name}: {messages[0]}"
    return Problem(400, code, message, fields)


# --- what answers what -----------------------------------------------------------------------


@explains(ApiError)
def _own(error: ApiError) -> Problem:
    return error.problem


@explains(exceptions.APIException)
def _framework(error: exceptions.APIException) -> Problem:
    codes = {401: "not_authenticated", 403: "forbidden", 404: "not_found", 406: "not_acceptable"}
    code = codes.get(error.status_code, error.default_code)
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    return Problem(error.status_code, code, str(error.detail), headers=headers)


@explains(exceptions.ValidationError)
def _invalid(error: exceptions.ValidationError) -> Problem:
    return invalid(field_errors(error.detail))


@explains(exceptions.Throttled)
def _throttled(error: exceptions.Throttled) -> Problem:
    wait = max(1, math.ceil(getattr(error, "wait", None) or 1))
    message = f"Too many requests. Try again in {wait} s."
    return Problem(429, "throttled", message, headers={"Retry-After": str(wait)})


@explains(ModelError)
def _model_invalid(error: ModelError) -> Problem:
    if hasattr(error, "error_dict"):
        return invalid({name: list(texts) for name, texts in error.message_dict.items()})
    return invalid({"body": list(error.messages)})


@explains(Http404)
def _not_found(error: Http404) -> Problem:
    return Problem(404, "not_found", NOT_FOUND)


@explains(NotAllowed, PermissionDenied)
def _not_allowed(error: Exception) -> Problem:
    return Problem(403, "forbidden", getattr(error, "message", "") or "You may not do this.")


@explains(BadCursor)
def _bad_cursor(error: BadCursor) -> Problem:
    return invalid({"cursor": [str(error)]})


@explains(SuspiciousOperation, BadRequest)
def _suspicious(error: Exception) -> Problem:
    return Problem(400, "bad_request", "This request can't be read.")


@explains(RequestDataTooBig)
def _too_big(error: RequestDataTooBig) -> Problem:
    return too_large().problem


@explains(DataError, OverflowError, UnicodeError, RecursionError)
def _does_not_fit(error: Exception) -> Problem:
    log.warning("api_value_does_not_fit", error=type(error).__name__)
    return invalid({"body": ["A value is too large, too deep or has characters we can't keep."]})


@explains(IntegrityError)
def _conflict(error: IntegrityError) -> Problem:
    log.warning("api_conflict", state=_state(error))
    return Problem(409, "conflict", "This clashes with something that exists already.")


@explains(OperationalError)
def _busy(error: Exception) -> Problem:
    log.warning("api_busy", state=_state(error))
    message = "The database is busy. Try again."
    return Problem(503, "busy", message, headers={"Retry-After": str(RETRY_AFTER)})


@explains(InternalError)
def _transaction_timeout(error: InternalError) -> Problem:
    if _state(error) in TIMEOUT_STATES:
        return _busy(error)
    raise error


def _state(error: Exception) -> str:
    return str(getattr(error.__cause__, "sqlstate", "") or "")
