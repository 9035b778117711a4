"""Reads the body of a submission into fields: names and texts, nothing judged yet. Pure.

The endpoint uses it to refuse what can't be read, the sweep to parse what was stored.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

LARGEST_BODY = 256 * 1024
DEEPEST = 32
MOST_FIELDS = 1000

JSON_TYPES = ("application/json", "text/json", "text/plain")  # text/plain: sent by sendBeacon
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
UTF8 = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})

# Differ from one resend to the next, or name the submission itself.
VOLATILE = frozenset({"submission_id", "render_token"})

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Fields = list[tuple[str, str]]


class Unreadable(Exception):
    """The body can't be read; the message tells its sender what is wrong."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field


def read_fields(content_type: str, body: bytes) -> Fields:
    """The fields of a body in the order given, nested JSON as dotted names; raises Unreadable."""
    kind, charset = _kind_of(content_type)
    if charset not in UTF8:
        _refuse(415, "charset", f"The charset “{charset[:40]}” isn't supported. Send UTF-8.")
    if kind in JSON_TYPES or kind.endswith("+json"):
        fields = list(_flatten("", _read_json(body)))
    elif kind == URLENCODED:
        fields = _read_urlencoded(body)
    elif kind == MULTIPART:
        fields = _read_multipart(content_type, body)
    else:
        named = f"“{kind[:80]}” isn't supported" if kind else "The Content-Type header is missing"
        _refuse(
            415, "content_type", f"{named}. Send application/json, {URLENCODED} or {MULTIPART}."
        )
    return _checked(fields)


def read_query(query: str) -> Fields:
    """The fields of a query string; what can't be read is left out."""
    try:
        pairs = parse_qsl(query, max_num_fields=MOST_FIELDS)
    except ValueError:
        return []
    return [(name, value) for name, value in pairs if not UNSTORABLE.search(name + value)]


def digest(fields: Sequence[tuple[str, str]]) -> str:
    """Tells whether two bodies say the same, whatever their boundaries, spaces and tokens."""
    content = [pair for pair in fields if pair[0] not in VOLATILE]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _kind_of(content_type: str) -> tuple[str, str]:
    kind, *parameters = content_type.split(";")
    charset = ""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    return kind.strip().lower(), charset


def _read_json(body: bytes) -> dict[str, Any]:
    text = _decode(body)
    try:
        # Numbers stay as they were typed: 1.10 is not 1.1.
        data = json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except RecursionError:
        _refuse(400, "too_deep", f"The JSON is nested deeper than {DEEPEST} levels.")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        _refuse(400, "invalid_json", f"The body isn't valid JSON ({where}).")
    except ValueError:
        _refuse(400, "invalid_json", "The body isn't valid JSON: it holds no such numbers.")
    if not isinstance(data, dict):
        _refuse(400, "invalid_json", 'Send a JSON object, such as {"email": "ann@example.com"}.')
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _read_urlencoded(body: bytes) -> Fields:
    try:
        return parse_qsl(
            _decode(body), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except UnicodeDecodeError:
        _refuse(400, "invalid_utf8", "The form isn't encoded in UTF-8.")
    except ValueError:
        _too_many()


def _read_multipart(content_type: str, body: bytes) -> Fields:
    _decode(body)  # without files all of it is text
    meta = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
    try:
        data, files = MultiPartParser(meta, BytesIO(body), [MemoryFileUploadHandler()]).parse()
    except MultiPartParserError:
        _refuse(400, "invalid_multipart", "The multipart body can't be read.")
    except SuspiciousOperation:
        _too_many()
    if files:
        name = str(next(iter(files)))[:80]
        _refuse(415, "file", f"Files can't be sent with this form. Leave out “{name}”.", name)
    if not data:
        _refuse(400, "invalid_multipart", "The multipart body holds no fields.")
    return [(str(name), str(value)) for name in data for value in data.getlist(name)]


def _flatten(path: str, value: Any, depth: int = 1) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        _refuse(400, "too_deep", f"The JSON is nested deeper than {DEEPEST} levels.")
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _flatten(f"{path}.{name}" if path else name, part, depth + 1)
    elif isinstance(value, list):
        yield from _flatten_list(path, value, depth)
    elif isinstance(value, bool):
        yield path, "yes" if value else "no"
    elif value is not None:
        yield path, value


def _flatten_list(path: str, values: list[Any], depth: int) -> Iterator[tuple[str, str]]:
    """Each value under the same name; a list of {"name": …, "value": …} is a form's fields."""
    for position, value in enumerate(values, 1):
        if isinstance(value, dict) and isinstance(value.get("name"), str) and "value" in value:
            yield from _flatten(f"{path}.{value['name']}", value["value"], depth + 2)
        elif isinstance(value, dict | list):
            yield from _flatten(f"{path}.{position}", value, depth + 1)
        else:
            yield from _flatten(path, value, depth + 1)


def _checked(fields: Fields) -> Fields:
    if len(fields) > MOST_FIELDS:
        _too_many()
    for name, value in fields:
        if UNSTORABLE.search(name) or UNSTORABLE.search(value):
            shown = UNSTORABLE.sub("?", name)[:80]
            _refuse(400, "invalid_text", f"“{shown}” holds a NUL or half a character.", shown)
    return fields


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse(400, "invalid_utf8", "The body isn't encoded in UTF-8.")


def _too_many() -> NoReturn:
    _refuse(400, "too_many_fields", "The form has too many fields.")


def _refuse(status: int, code: str, message: str, field: str = "") -> NoReturn:
    raise Unreadable(status, code, message, field) from None
