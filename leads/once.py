"""Each enquiry counts once: drafts and external ids that were captured before are found again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from hashlib import sha256

from django.db import connection

from leadcrm.workspaces.scoping import current_workspace_id
from leads.drafts import Prepared, log_key
from leads.models import Activity, ExternalId


def split_known(
    items: Sequence[Prepared],
) -> tuple[list[Prepared], list[tuple[Prepared, Prepared]]]:
    """Drafts not captured before, and those that repeat an earlier one of the batch.

    Those captured in earlier calls are in neither list; they get their lead's id here. Read under
    the lock of their people.
    """
    known = _known(items)
    first: dict[str, Prepared] = {}
    fresh, repeated = [], []
    for item in items:
        before = next((known[name] for name in item.names if name in known), None)
        earlier = next((first[name] for name in item.names if name in first), None)
        if before is not None:
            item.lead_id = before
        elif earlier is not None:
            repeated.append((item, earlier))
        else:
            fresh.append(item)
        first |= dict.fromkeys((name for name in item.names if name not in first), item)
    return fresh, repeated


def _known(items: Sequence[Prepared]) -> dict[str, uuid.UUID]:
    """Leads of draft keys that are in the log already, and of external ids, by name."""
    keys = {log_key(item.draft) for item in items if item.draft.key}
    external = {item.draft.external for item in items if item.draft.external}
    known: dict[str, uuid.UUID] = {}
    if keys:
        rows = Activity.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", "lead_id")
        known |= dict(rows)
    if external:
        linked = ExternalId.objects.filter(
            system__in={system for system, _ in external},
            external_id__in={value for _, value in external},
        ).values_list("system", "external_id", "lead_id")
        known |= {f"{system}\x1f{value}": lead_id for system, value, lead_id in linked}
    return known


def lock_names(items: Sequence[Prepared]) -> None:
    """Serialise what no person's key serialises: the same draft, or the same external id, twice at once.

    Names share a limited number of locks: PostgreSQL has room for a few thousand in all.
    """
    names = {"\x1f".join(item.draft.external) for item in items if item.draft.external}
    names |= {item.draft.key for item in items if item.draft.key and not item.person.named()}
    if not names:
        return
    buckets = {sha256(name.encode("utf-8", "surrogatepass")).digest()[0] for name in names}
    locks = sorted(
        int.from_bytes(
            sha256(f"{current_workspace_id()}:{bucket}".encode()).digest()[:8], signed=True
        )
        for bucket in buckets
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(n) FROM unnest(%s::bigint[]) AS n", [locks])
