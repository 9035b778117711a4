"""Merging leads of the same person, and taking it back.

Log rows stay where they are: the timeline of the root reads those of absorbed leads too. What
moves or changes is written to a journal, from which the merge can be undone for 30 days.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction

from leadcrm.workspaces.actors import Actor
from leads import kinds
from leads.batch import Change, LeadBatch, Missing, Refused, latest, least
from leads.models import (
    Appointment,
    Contact,
    ContactKey,
    Deal,
    ExternalId,
    Lead,
    MergeJournal,
    Message,
    Task,
)
from leads.provenance import PERSON_FIELDS, is_blank

UNDO_WITHIN = timedelta(days=30)
MOST = 20  # leads in one merge

FILLED = sorted(PERSON_FIELDS - {"is_test", "needs_review", "display_name", "source_kind"})
EARLIEST = (
    "first_touch_at", "first_response_at", "contacted_at", "engaged_at", "mql_at", "qualified_at",
    "scheduled_at", "completed_at", "unread_since",
)  # fmt: skip
LATEST = ("last_activity_at",)
SUMMED = ("attempt_count", "website_visits", "content_downloads", "email_opens", "email_clicks")
MOVED: dict[str, Any] = {
    "task": Task,
    "appointment": Appointment,
    "message": Message,
    "external_id": ExternalId,
}
OF_CONTACT: dict[str, Any] = {"key": ContactKey, "lead_contact": Lead, "deal_contact": Deal}
CONTACT_FILLED = (
    "first_name", "last_name", "email", "phone", "company", "company_name", "job_title",
    "state", "country", "time_zone",
)  # fmt: skip


class MergeRefused(Refused):
    code = "merge_refused"


@dataclass(slots=True)
class Undone:
    """What a taken-back merge left as it is, because it was changed since: in words."""

    kept: list[str] = field(default_factory=list)


def merge(
    root_id: uuid.UUID, absorbed_ids: Sequence[uuid.UUID], *, by: Actor, now: datetime
) -> MergeJournal:
    """Merge leads into a root, with their people.

    The root keeps its values and gets those it lacks; milestones keep the earliest. Tasks,
    appointments, messages and outside ids move over. If the leads name different contacts,
    those are merged too. Raises MergeRefused, and Missing for a lead that isn't there.
    """
    others = [lead_id for lead_id in dict.fromkeys(absorbed_ids) if lead_id != root_id]
    if not others:
        raise MergeRefused("Choose another lead to merge.", field="absorbed")
    if len(others) > MOST:
        raise MergeRefused(f"At most {MOST} leads can be merged at once.", field="absorbed")
    with transaction.atomic():
        batch = LeadBatch(by=by, now=now)
        leads = _lock(batch, [root_id, *others])
        root, absorbed = leads[root_id], [leads[lead_id] for lead_id in others]
        _check(root, absorbed)
        journal = MergeJournal(root=root, absorbed=others, made_by=by.membership, made_at=now)
        changes = [_enrich_root(batch, root, absorbed, journal)]
        _move_rows(root, absorbed, journal)
        _merge_contacts(root, absorbed, journal)
        changes += [_absorb(batch, lead, root, journal) for lead in absorbed]
        journal.save()
        batch.write(changes)
    return journal


def undo(journal: MergeJournal, *, by: Actor, now: datetime) -> Undone:
    """Take a merge back: restores what is still as merged and lists the rest."""
    with transaction.atomic():
        batch = LeadBatch(by=by, now=now)
        leads = _lock(batch, [journal.root_id, *journal.absorbed])
        current = MergeJournal.objects.select_for_update().get(pk=journal.pk)
        if current.undone_at is not None:
            raise MergeRefused("This merge was undone already.", field="merge")
        if now - current.made_at > UNDO_WITHIN:
            raise MergeRefused(f"A merge can be undone for {UNDO_WITHIN.days} days.", field="merge")
        undone = Undone()
        root = leads[journal.root_id]
        if root.merged_into_id:
            raise MergeRefused(
                "The lead was merged further since. Undo that merge first.", field="merge"
            )
        changes = [_restore_root(batch, root, current, undone)]
        _move_back(current, undone)
        changes += [_release(batch, leads[lead_id]) for lead_id in current.absorbed]
        MergeJournal.objects.filter(pk=current.pk).update(undone_at=now)
        batch.write(changes)
    return undone


# --- merging ---------------------------------------------------------------------------------


def _lock(batch: LeadBatch, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Lead]:
    """Lock the people's keys, then the leads: the order in which capture locks them."""
    contacts = Lead.objects.filter(pk__in=ids, contact__isnull=False).values("contact")
    keys = ContactKey.objects.filter(contact__in=contacts).order_by("kind", "value")
    list(keys.select_for_update(no_key=True))
    leads = batch.lock(ids)
    if len(leads) < len(set(ids)):
        raise Missing
    return leads


def _check(root: Lead, absorbed: Sequence[Lead]) -> None:
    for lead in (root, *absorbed):
        if lead.merged_into_id:
            raise MergeRefused(f"{lead.display_name} was merged already.", field="absorbed")
        if lead.archived_at:
            raise MergeRefused(
                f"{lead.display_name} was removed. Restore it first.", field="absorbed"
            )
    if any(lead.deal_id and root.deal_id for lead in absorbed):
        raise MergeRefused("Both leads were converted. Keep the deals apart.", field="absorbed")


def _enrich_root(
    batch: LeadBatch, root: Lead, absorbed: Sequence[Lead], journal: MergeJournal
) -> Change:
    change = Change(batch, root)
    values: dict[str, Any] = {}
    for lead in absorbed:
        for name in FILLED:
            if (
                is_blank(getattr(root, name))
                and name not in values
                and not is_blank(getattr(lead, name))
            ):
                values[name] = getattr(lead, name)
    leads = (root, *absorbed)
    values |= {name: least(*(getattr(lead, name) for lead in leads)) for name in EARLIEST}
    values |= {name: latest(*(getattr(lead, name) for lead in leads)) for name in LATEST}
    values |= {name: sum(getattr(lead, name) for lead in leads) for name in SUMMED}
    values["attributes"] = {
        key: value for lead in reversed(leads) for key, value in lead.attributes.items()
    }
    values["platform_ref"] = {
        key: value for lead in reversed(leads) for key, value in lead.platform_ref.items()
    }
    if root.contact_id is None:
        values["contact"] = next((lead.contact for lead in absorbed if lead.contact_id), None)
    values["demo_requested"] = any(lead.demo_requested for lead in leads)
    for name, value in values.items():
        if getattr(root, name) != value:
            journal.fields.append(_entry("lead", root, name, value))
    change.set(**values)
    names = [lead.display_name for lead in absorbed]
    ids = [str(lead.pk) for lead in absorbed]
    change.record(
        kinds.MERGED,
        subject_type="merge",
        subject_id=journal.pk,
        data={"absorbed": ids, "names": names},
    )
    return change


def _move_rows(root: Lead, absorbed: Sequence[Lead], journal: MergeJournal) -> None:
    for name, model in MOVED.items():
        rows = model.objects.filter(lead__in=absorbed)
        journal.moves += [
            {"model": name, "id": str(pk), "from": str(lead_id)}
            for pk, lead_id in rows.values_list("pk", "lead")
        ]
        rows.update(lead=root)
    earlier = Lead.objects.filter(merged_into__in=absorbed)
    journal.moves += [
        {"model": "absorbed", "id": str(pk), "from": str(into)}
        for pk, into in earlier.values_list("pk", "merged_into")
    ]
    earlier.update(merged_into=root)


def _merge_contacts(root: Lead, absorbed: Sequence[Lead], journal: MergeJournal) -> None:
    """The people of the absorbed leads become the root's, with all their keys and leads."""
    if root.contact_id is None:
        return
    ids = {
        lead.contact_id
        for lead in absorbed
        if lead.contact_id and lead.contact_id != root.contact_id
    }
    if not ids:
        return
    contacts = (
        Contact.objects.select_for_update(no_key=True)
        .order_by("pk")
        .in_bulk([root.contact_id, *ids])
    )
    kept = contacts.pop(root.contact_id)
    for name, model in OF_CONTACT.items():
        rows = model.objects.filter(contact__in=ids)
        journal.moves += [
            {"model": name, "id": str(pk), "from": str(contact)}
            for pk, contact in rows.values_list("pk", "contact")
        ]
        rows.update(contact=kept)
    for lead in absorbed:
        if lead.contact_id in ids:
            lead.contact = kept
    _fill_contact(kept, list(contacts.values()), journal)
    for contact in contacts.values():
        journal.moves.append({"model": "contact", "id": str(contact.pk), "from": ""})
    Contact.objects.filter(pk__in=ids).update(merged_into=kept, archived_at=journal.made_at)


def _fill_contact(kept: Contact, others: Sequence[Contact], journal: MergeJournal) -> None:
    changed = []
    for name in CONTACT_FILLED:
        value = next(
            (getattr(one, name) for one in others if not is_blank(getattr(one, name))), None
        )
        if value is not None and is_blank(getattr(kept, name)):
            journal.fields.append(_entry("contact", kept, name, value))
            setattr(kept, name, value)
            changed.append(name)
    if changed:
        kept.version += 1
        kept.save(update_fields=[*changed, "version"])


def _absorb(batch: LeadBatch, lead: Lead, root: Lead, journal: MergeJournal) -> Change:
    change = Change(batch, lead)
    if lead.contact_id is None and root.contact_id is not None:
        journal.moves.append({"model": "lead_contact", "id": str(lead.pk), "from": ""})
        change.set(contact=root.contact)
    change.set(archived_at=batch.now, archive_reason="Merged", merged_into=root)
    change.record(
        kinds.MERGED,
        subject_type="merge",
        subject_id=journal.pk,
        data={"into": str(root.pk), "name": root.display_name},
    )
    return change


# --- taking back -----------------------------------------------------------------------------


def _restore_root(batch: LeadBatch, root: Lead, journal: MergeJournal, undone: Undone) -> Change:
    change = Change(batch, root)
    contact = Contact.objects.select_for_update(no_key=True).filter(pk=root.contact_id).first()
    for entry in journal.fields:
        row = root if entry["model"] == "lead" else contact
        if row is None:
            continue
        one: Any = row._meta.get_field(entry["field"])
        if _plain(getattr(row, one.attname)) != entry["to"]:
            whose = "" if entry["model"] == "lead" else "the person's "
            undone.kept.append(f"{whose}{one.verbose_name}: changed since")
            continue
        before = _from_plain(one, entry["from"])
        if entry["model"] == "lead":
            setattr(root, one.attname, before)
            change.dirty.add(entry["field"])
        else:
            Contact.objects.filter(pk=row.pk).update(**{one.attname: before})
    change.record(
        kinds.UNMERGED, subject_type="merge", subject_id=journal.pk, data={"kept": undone.kept}
    )
    return change


def _move_back(journal: MergeJournal, undone: Undone) -> None:
    groups: dict[tuple[str, str], list[str]] = {}
    for move in journal.moves:
        groups.setdefault((move["model"], move["from"]), []).append(move["id"])
    root = Lead.objects.only("pk", "contact").get(pk=journal.root_id)
    for (name, origin), ids in groups.items():
        moved = _hand_back(name, origin, ids, root)
        if moved < len(ids):
            undone.kept.append(
                f"{len(ids) - moved} of {len(ids)} {name.replace('_', ' ')}s: moved on since"
            )


def _hand_back(name: str, origin: str, ids: Sequence[str], root: Lead) -> int:
    if name in MOVED:
        return int(MOVED[name].objects.filter(pk__in=ids, lead=root).update(lead=origin))
    if name == "absorbed":
        return int(Lead.objects.filter(pk__in=ids, merged_into=root).update(merged_into=origin))
    if name == "contact":
        return int(
            Contact.objects.filter(pk__in=ids, merged_into=root.contact_id).update(
                merged_into=None, archived_at=None
            )
        )
    return int(
        OF_CONTACT[name]
        .objects.filter(pk__in=ids, contact=root.contact_id)
        .update(contact=origin or None)
    )


def _release(batch: LeadBatch, lead: Lead) -> Change:
    change = Change(batch, lead)
    change.set(archived_at=None, archive_reason="", merged_into=None)
    change.record(kinds.UNMERGED)
    return change


# --- values in the journal -------------------------------------------------------------------


def _entry(model: str, row: models.Model, name: str, value: Any) -> dict[str, Any]:
    one: Any = row._meta.get_field(name)
    after = getattr(value, "pk", value)
    return {
        "model": model,
        "field": name,
        "from": _plain(getattr(row, one.attname)),
        "to": _plain(after),
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str, dict, list)):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _from_plain(one: Any, value: Any) -> Any:
    if one.is_relation:
        return uuid.UUID(value) if value else None
    return one.to_python(value)
