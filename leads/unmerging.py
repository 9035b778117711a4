"""Taking a merge back, for 30 days: what is still as merged is restored, the rest is listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from leadcrm.workspaces.actors import Actor
from leads import duplicates, kinds
from leads.batch import Change, LeadBatch
from leads.merge_journal import (
    MOVED,
    OF_CONTACT,
    UNDO_WITHIN,
    MergeRefused,
    from_plain,
    lock_leads,
    plain,
)
from leads.models import Contact, Lead, MergeJournal

# One, and several.
WORDS = {
    "task": ("task", "tasks"),
    "appointment": ("appointment", "appointments"),
    "message": ("message", "messages"),
    "external_id": ("id of another system", "ids of other systems"),
    "key": ("e-mail address or number", "e-mail addresses and numbers"),
    "lead_contact": ("lead of the person", "leads of the person"),
    "deal_contact": ("deal", "deals"),
    "contact": ("person", "people"),
    "absorbed": ("lead merged earlier", "leads merged earlier"),
}


@dataclass(slots=True)
class Undone:
    """What a taken-back merge left as it is, because it was changed since: in words."""

    kept: list[str] = field(default_factory=list)


def require_undoable(journal: MergeJournal, now: datetime) -> None:
    """Raise MergeRefused where a merge was taken back already, or is too old for it."""
    if journal.undone_at is not None:
        raise MergeRefused("This merge was undone already.", field="merge")
    if now - journal.made_at > UNDO_WITHIN:
        raise MergeRefused(f"A merge can be undone for {UNDO_WITHIN.days} days.", field="merge")


def undo(journal: MergeJournal, *, by: Actor, now: datetime) -> Undone:
    """Take a merge back: restores what is still as merged and lists the rest.

    Raises MergeRefused where it is too late, was done already, or the lead was merged further.
    """
    with transaction.atomic():
        batch = LeadBatch(by=by, now=now)
        leads = lock_leads(batch, [journal.root_id, *journal.absorbed])
        current = MergeJournal.objects.select_for_update().get(pk=journal.pk)
        require_undoable(current, now)
        root = leads[journal.root_id]
        if root.merged_into_id:
            raise MergeRefused(
                "The lead was merged further since. Undo that merge first.", field="merge"
            )
        undone = Undone()
        kept = _kept_contact(current, root)
        changes = [_restore_root(batch, root, kept, current, undone)]
        _move_back(current, kept, undone)
        changes += [_release(batch, leads[lead_id]) for lead_id in current.absorbed]
        _tell_of_new_leads(current, kept, undone)
        MergeJournal.objects.filter(pk=current.pk).update(undone_at=now)
        duplicates.reopen_merged(current, now)
        batch.write(changes)
    return undone


def _kept_contact(journal: MergeJournal, root: Lead) -> Contact | None:
    contact_id = journal.contact_id or root.contact_id
    locked = Contact.objects.select_for_update(no_key=True)
    contact: Contact | None = locked.filter(pk=contact_id).first()
    if contact is not None and contact.merged_into_id:
        raise MergeRefused(
            "The person was merged further since. Undo that merge first.", field="merge"
        )
    return contact


def _restore_root(
    batch: LeadBatch, root: Lead, kept: Contact | None, journal: MergeJournal, undone: Undone
) -> Change:
    change = Change(batch, root)
    for entry in journal.fields:
        row = root if entry["model"] == "lead" else kept
        if row is None:
            continue
        one: Any = row._meta.get_field(entry["field"])
        if plain(getattr(row, one.attname)) != entry["to"]:
            whose = "" if entry["model"] == "lead" else "the person's "
            undone.kept.append(f"{whose}{one.verbose_name}: changed since")
            continue
        before = from_plain(one, entry["from"])
        if entry["model"] == "lead":
            setattr(root, one.attname, before)
            change.dirty.add(entry["field"])
            _restore_setter(change, entry)
        else:
            Contact.objects.filter(pk=row.pk).update(**{one.attname: before})
    change.record(
        kinds.UNMERGED, subject_type="merge", subject_id=journal.pk, data={"kept": undone.kept}
    )
    return change


def _restore_setter(change: Change, entry: dict[str, Any]) -> None:
    """The field is again set by whoever had set it before the merge."""
    if "set_by" not in entry:
        return
    held = {name: one for name, one in change.lead.provenance.items() if name != entry["field"]}
    if entry["set_by"] is not None:
        held[entry["field"]] = entry["set_by"]
    change.set(provenance=held)


def _move_back(journal: MergeJournal, kept: Contact | None, undone: Undone) -> None:
    groups: dict[tuple[str, str], list[str]] = {}
    for move in journal.moves:
        groups.setdefault((move["model"], move["from"]), []).append(move["id"])
    for (name, origin), ids in groups.items():
        moved = _hand_back(name, origin, ids, journal, kept)
        if moved < len(ids):
            undone.kept.append(f"{len(ids) - moved} of {counted(name, len(ids))}: moved on since")


def counted(name: str, count: int) -> str:
    """How many rows of a kind that a merge moves, in words."""
    return f"{count} {WORDS[name][0 if count == 1 else 1]}"


def _hand_back(
    name: str, origin: str, ids: Sequence[str], journal: MergeJournal, kept: Contact | None
) -> int:
    if name in MOVED:
        rows = MOVED[name].objects.filter(pk__in=ids, lead=journal.root_id)
        return int(rows.update(lead=origin))
    if name == "absorbed":
        leads = Lead.objects.filter(pk__in=ids, merged_into=journal.root_id)
        return int(leads.update(merged_into=origin))
    if name == "contact":
        people = Contact.objects.filter(pk__in=ids, merged_into=kept)
        return int(people.update(merged_into=None, archived_at=None))
    return int(
        OF_CONTACT[name].objects.filter(pk__in=ids, contact=kept).update(contact=origin or None)
    )


def _release(batch: LeadBatch, lead: Lead) -> Change:
    change = Change(batch, lead)
    change.set(archived_at=None, archive_reason="", merged_into=None)
    change.record(kinds.UNMERGED)
    return change


def _tell_of_new_leads(journal: MergeJournal, kept: Contact | None, undone: Undone) -> None:
    """Nobody can tell whose enquiries these were that came in meanwhile."""
    merged_people = any(move["model"] == "contact" for move in journal.moves)
    if kept is None or not merged_people:
        return
    since = Lead.objects.filter(contact=kept, inserted_at__gt=journal.made_at).count()
    if since:
        what = (
            "1 lead that came in since stays"
            if since == 1
            else f"{since} leads that came in since stay"
        )
        undone.kept.append(f"{what} with {kept.display_name}")
