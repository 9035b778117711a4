"""From a checked body to a LeadDraft."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rest_framework.exceptions import ValidationError

from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.models import Membership, Role
from leads import identity
from leads.capture import LeadDraft
from leads.draft_values import DETAIL_FIELDS, IDENTITY_FIELDS
from leads.models import SourceKind

AHEAD = timedelta(minutes=5)  # a clock a little ahead of ours
LINKS = ("source", "campaign", "pipeline", "owner", "team", "location")
FACTS = ("answers", "first_touch", "last_touch", "platform_ref", "attributes", "is_test")


def draft_of(
    data: Mapping[str, Any],
    membership: Membership,
    now: datetime,
    external: tuple[str, str] | None = None,
) -> LeadDraft:
    """The draft of a body. Raises ValidationError for what capture would quietly leave out."""
    check_phone(data, membership)
    at = data.get("created_at") or now
    if at > now + AHEAD:
        raise ValidationError({"created_at": ["This lies in the future."]})
    _check_owner(data, membership)
    values = {
        name: data[name]
        for name in (*IDENTITY_FIELDS, *DETAIL_FIELDS)
        if data.get(name) is not None
    }
    source = data.get("source")
    kind = data.get("source_kind") or (source.kind if source else SourceKind.API)
    known = {name: data[name] for name in (*LINKS, *FACTS) if name in data}
    return LeadDraft(
        source_kind=kind, occurred_at=min(at, now), values=values, external=external, **known
    )


def external_of(data: Mapping[str, Any]) -> tuple[str, str] | None:
    """The external id in a body, if it has one."""
    if not data.get("external_system"):
        return None
    return data["external_system"], data["external_id"]


def check_phone(data: Mapping[str, Any], membership: Membership) -> None:
    """Refuse a phone number that isn't one."""
    country = data.get("country") or membership.workspace.country
    if data.get("phone") and identity.canonical_phone(data["phone"], country) is None:
        raise ValidationError({"phone": ["This is no valid phone number."]})


def _check_owner(data: Mapping[str, Any], membership: Membership) -> None:
    owner = data.get("owner")
    if owner is not None and owner.pk != membership.pk and membership.role == Role.REP:
        raise NotAllowed("You may create leads for yourself or for nobody. Ask a manager.")
