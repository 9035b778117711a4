"""What a merge writes down, so that it can be taken back: which rows move, and values as JSON."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models.functions import Collate

from leads.batch import LeadBatch, Missing, Refused
from leads.models import Appointment, ContactKey, Deal, ExternalId, Lead, Message, Task

UNDO_WITHIN = timedelta(days=30)

MOVED: dict[str, Any] = {
    "task": Task,
    "appointment": Appointment,
    "message": Message,
    "external_id": ExternalId,
}
OF_CONTACT: dict[str, Any] = {"key": ContactKey, "lead_contact": Lead, "deal_contact": Deal}


class MergeRefused(Refused):
    code = "merge_refused"


def lock_leads(
    batch: LeadBatch, ids: list[uuid.UUID], contacts: list[uuid.UUID] | None = None
) -> dict[uuid.UUID, Lead]:
    """Lock the people's keys, then the leads: the order in which capture locks them."""
    of_leads = Lead.objects.filter(pk__in=ids, contact__isnull=False).values_list("contact")
    people = {*of_leads.values_list("contact", flat=True), *(contacts or ())}
    keys = ContactKey.objects.filter(contact__in=people)
    list(keys.order_by("kind", Collate("value", "C")).select_for_update(no_key=True))
    leads = batch.lock(ids)
    if len(leads) < len(set(ids)):
        raise Missing
    return leads


def entry(model: str, row: models.Model, name: str, value: Any) -> dict[str, Any]:
    """A changed value: of which model and field, from what to what."""
    one: Any = row._meta.get_field(name)
    after = getattr(value, "pk", value)
    return {
        "model": model,
        "field": name,
        "from": plain(getattr(row, one.attname)),
        "to": plain(after),
    }


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if value is None or isinstance(value, (bool, int, str, dict, list)):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def from_plain(one: Any, value: Any) -> Any:
    """The value of a field, from JSON."""
    if one.is_relation:
        return uuid.UUID(value) if value else None
    return one.to_python(value)
