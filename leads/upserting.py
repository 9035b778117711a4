"""Keeping a lead in step with its record in another system: created once, edited from then on."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from leadcrm.workspaces.actors import Actor
from leads import editing
from leads.capture import Captured, Effect, LeadDraft, capture_leads
from leads.models import ExternalId
from leads.provenance import PERSON_FIELDS


def find_by_external(system: str, external_id: str) -> uuid.UUID | None:
    """The id of the lead that another system knows by this id, or None."""
    found: uuid.UUID | None = (
        ExternalId.objects.filter(system=system, external_id=external_id)
        .values_list("lead", flat=True)
        .first()
    )
    return found


def upsert_lead(
    draft: LeadDraft,
    *,
    by: Actor,
    now: datetime,
    version: int | None = None,
    capture_by: Actor | None = None,
    permit: Callable[[uuid.UUID], object] = bool,
) -> Captured:
    """Create the lead of the draft's external id, or edit the one that has it.

    Of a known lead only what a person may edit is written; where it came from stays as it was.
    `permit` is asked before, and raises where the caller may not edit that lead. With `version`
    the edit is refused where the lead is at another one. `capture_by` is the actor of a new
    enquiry where it is another one. Raises CaptureRefused and Refused.
    """
    if draft.external is None:
        raise ValueError("a draft without an external id can't be upserted")
    with transaction.atomic():
        known = find_by_external(*draft.external)
        if known is None:
            (captured,) = capture_leads([draft], by=capture_by or by, now=now)
            if captured.effect is not Effect.KNOWN:
                return captured
            known = captured.lead_id
        permit(known)
        (result,) = editing.edit([known], edits_of(draft), by=by, now=now, version=version)
        if result.refusal is not None:
            raise result.refusal
        return Captured(Effect.KNOWN, known)


def edits_of(draft: LeadDraft) -> Mapping[str, Any]:
    """The fields of a draft that may be written into a lead that is there already."""
    values = {name: value for name, value in draft.values.items() if name in PERSON_FIELDS}
    for name in ("campaign", "location"):
        if (linked := getattr(draft, name)) is not None:
            values[name] = linked
    if draft.attributes:
        values["attributes"] = dict(draft.attributes)
    return values
