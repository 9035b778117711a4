"""Takes a submission in: looks the form up, reads enough to refuse what can't be, stores the rest.

Two queries: which form is it, and one insert. The sender is answered when that has committed;
nothing here knows of brokers, caches or leads.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.db import connection
from django.db.models import JSONField

from integrations.models import InboundEvent
from integrations.web_form.reading import (
    LARGEST_BODY,
    UNSTORABLE,
    Fields,
    Unreadable,
    digest,
    read_fields,
    read_query,
)
from leadcrm.workspaces.inserting import insert_once
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Source, SourceKind

PROVIDER = "web_form"
LONGEST_HEADER = 4000
# In SQL: the ORM takes eight times as long to compile it, half of what a submission costs in all.
COLUMNS = {one.attname: str(one.column) for one in Source._meta.concrete_fields}
OF_JSON = {one.attname for one in Source._meta.fields if isinstance(one, JSONField)}
FIND = (
    f"SELECT {', '.join(COLUMNS.values())} FROM leads_source "  # noqa: S608 - our own column names
    "WHERE public_key = %s AND kind = %s AND is_active"
)
SAME_MINUTE = 60  # seconds in which equal content without an id of its own counts as a resend


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came: what is stored of it."""

    body: bytes
    content_type: str
    query: str
    headers: Mapping[str, str]
    idempotency_key: str = ""


def find_form(public_key: str) -> Source | None:
    """The active website form of this key, whichever workspace it belongs to."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, [public_key.lower(), SourceKind.WEBSITE_FORM])
        row = cursor.fetchone()
    if row is None:
        return None
    values = [
        json.loads(value) if name in OF_JSON else value
        for name, value in zip(COLUMNS, row, strict=True)
    ]
    return Source.from_db(connection.alias, list(COLUMNS), values)


def is_allowed_origin(source: Source, origin: str, own_host: str) -> bool:
    """Whether a page of this origin may use the form. No origin means no browser, or our own page."""
    if not source.allowed_origins or not origin:
        return True
    try:
        if urlsplit(origin).netloc.lower() == own_host.lower():
            return True
    except ValueError:
        return False
    return origin.lower() in {one.lower().rstrip("/") for one in source.allowed_origins}


def receive(source: Source, received: Received, now: datetime) -> str:
    """Store a submission once and return its id; raises Unreadable for what can't be read.

    The same submission sent again gets the same id and stores nothing. Submissions are the same
    when both their id and their content are, so a corrected resend is never dropped.
    """
    _refuse_unstorable(received)
    fields = read_fields(received.content_type, received.body)
    content = digest(fields)
    given = received.idempotency_key or _given_id(fields, received.query)
    submission_id = _submission_id(source, given, content, now)
    event = InboundEvent(
        workspace_id=source.workspace_id,
        source=source,
        provider=PROVIDER,
        dedupe_key=f"{submission_id}:{content}",
        content_type=received.content_type,
        body=received.body,
        headers={
            **_clean({**received.headers, "query": received.query}),
            "id_given": bool(given.strip()),
        },
        received_at=now,
        run_at=now,
    )
    with workspace_scope(source.workspace_id):
        insert_once(event)
    return submission_id


def _refuse_unstorable(received: Received) -> None:
    if len(received.body) > LARGEST_BODY:
        raise Unreadable(413, "too_large", f"A submission has at most {LARGEST_BODY // 1024} KB.")
    if len(received.content_type) > 255:
        raise Unreadable(415, "content_type", "The Content-Type header is too long.")
    if not received.body.strip():
        raise Unreadable(400, "empty", "The body is empty.")


def _given_id(fields: Fields, query: str) -> str:
    """The client's id of the submission, in the body or the address."""
    pairs = [*fields, *read_query(query)]
    return next((value for name, value in pairs if name == "submission_id" and value.strip()), "")


def _submission_id(source: Source, given: str, content: str, now: datetime) -> str:
    """The id in its canonical form; one made of content and minute where none was given."""
    try:
        return str(uuid.UUID(given.strip()))
    except ValueError:
        pass
    named = given.strip() or f"{content}:{int(now.timestamp()) // SAME_MINUTE}"
    return str(uuid.uuid5(source.pk, named))


def _clean(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: UNSTORABLE.sub("", value)[:LONGEST_HEADER] for name, value in headers.items() if value
    }
