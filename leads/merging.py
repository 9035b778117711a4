"""Merging leads of the same person, and people with their leads. `unmerging` takes it back.

Log rows stay where they are: the timeline of the root reads those of absorbed leads too. What
moves or changes is written to a journal, from which the merge can be undone for 30 days.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from leadcrm.workspaces.actors import Actor
from leads import duplicates, kinds
from leads.batch import Change, LeadBatch, latest, least
from leads.merge_choices import CHOICES, OF_PERSON, entry_of, values_of
from leads.merge_journal import MOVED, OF_CONTACT, MergeRefused, entry, lock_leads
from leads.models import Contact, ContactKey, Lead, MergeJournal
from leads.pipelines import Outcome
from leads.provenance import PERSON_FIELDS, is_blank

__all__ = ["MOST", "MergeRefused", "merge", "merge_contacts"]

MOST = 20  # leads or people in one merge

FILLED = sorted(PERSON_FIELDS - {"is_test", "needs_review", "display_name", "source_kind"})
EARLIEST = (
    "first_touch_at", "first_response_at", "contacted_at", "engaged_at", "mql_at", "qualified_at",
    "scheduled_at", "completed_at", "unread_since",
)  # fmt: skip
LATEST = ("last_activity_at",)
SUMMED = ("attempt_count", "website_visits", "content_downloads", "email_opens", "email_clicks")
CONTACT_FILLED = (
    "first_name", "last_name", "email", "phone", "company", "company_name", "job_title",
    "state", "country", "time_zone",
)  # fmt: skip

Choices = Mapping[str, uuid.UUID]
Versions = Mapping[uuid.UUID, int]


def merge(
    root_id: uuid.UUID,
    absorbed_ids: Sequence[uuid.UUID],
    *,
    by: Actor,
    now: datetime,
    choices: Choices | None = None,
    versions: Versions | None = None,
) -> MergeJournal:
    """Merge leads into a root, with their people.

    The root keeps its values and gets those it lacks; milestones keep the earliest. Tasks,
    appointments, messages and outside ids move over. If the leads name different contacts,
    those are merged too.

    Args:
        root_id: The lead that goes on, with its stage and owner.
        absorbed_ids: Those that end in it.
        by: Who does it.
        now: When.
        choices: Of fields named in `merge_choices.CHOICES`, the lead whose value is kept.
        versions: Of leads, the version that the caller decided by.

    Raises:
        MergeRefused: for what can't be merged, or has changed meanwhile.
        Missing: for a lead that isn't there.
    """
    others = [lead_id for lead_id in dict.fromkeys(absorbed_ids) if lead_id != root_id]
    if not others:
        raise MergeRefused("Choose another lead to merge.", field="absorbed")
    _require_few(others, "leads")
    with transaction.atomic():
        batch = LeadBatch(by=by, now=now)
        leads = lock_leads(batch, [root_id, *others])
        root, absorbed = leads[root_id], [leads[lead_id] for lead_id in others]
        _check(root, absorbed)
        _require_unchanged(leads.values(), versions)
        _require_sides(choices, leads)
        contacts = [lead.contact_id for lead in absorbed if lead.contact_id]
        return _merge(batch, root, absorbed, contacts, choices or {}, leads)


def merge_contacts(
    kept_id: uuid.UUID,
    other_ids: Sequence[uuid.UUID],
    *,
    by: Actor,
    now: datetime,
    root_id: uuid.UUID | None = None,
    choices: Choices | None = None,
    versions: Versions | None = None,
) -> MergeJournal:
    """Merge people into one who is kept, with their open leads; closed ones become earlier leads.

    All addresses, numbers, leads and deals of the others become those of the one who is kept.
    Where there are several open leads, they become one: `root_id`, by default the oldest. `choices`
    name, of fields in `merge_choices.OF_PERSON`, the person whose value is kept; `versions` are
    those of people. Raises what `merge` raises.
    """
    others = [pk for pk in dict.fromkeys(other_ids) if pk != kept_id]
    if not others:
        raise MergeRefused("Choose another person to merge.", field="absorbed")
    _require_few(others, "people")
    with transaction.atomic():
        batch = LeadBatch(by=by, now=now)
        leads = lock_leads(batch, _leads_of_people([kept_id, *others]), [kept_id, *others])
        people = _lock_people([kept_id, *others])
        _check_people(people.values())
        _require_unchanged(people.values(), versions)
        _require_sides(choices, people)
        root, absorbed = _open_leads(leads, root_id, kept_id)
        return _merge(batch, root, absorbed, others, choices or {}, people, kept_id)


def _merge(
    batch: LeadBatch,
    root: Lead,
    absorbed: Sequence[Lead],
    contacts: Sequence[uuid.UUID],
    choices: Choices,
    sides: Mapping[uuid.UUID, Any],
    kept_id: uuid.UUID | None = None,
) -> MergeJournal:
    """Everything under the locks. `sides` are the leads or people that `choices` name."""
    journal = MergeJournal(
        root=root,
        absorbed=[lead.pk for lead in absorbed],
        made_by=batch.by.membership,
        made_at=batch.now,
    )
    of_leads = {name: sides[pk] for name, pk in choices.items() if pk in sides}
    of_leads = {name: lead for name, lead in of_leads.items() if isinstance(lead, Lead)}
    changes = [_enrich_root(batch, root, absorbed, journal, of_leads)]
    _move_rows(root, absorbed, journal)
    journal.contact_id = kept_id or root.contact_id
    gone = {pk for pk in contacts if pk != journal.contact_id}
    _merge_people((root, *absorbed), gone, journal, {k: sides[v] for k, v in choices.items()})
    for activity in changes[0].activities:
        activity.contact_id = root.contact_id
    changes += [_absorb(batch, lead, root, journal) for lead in absorbed]
    journal.save()
    people = {*contacts, *([journal.contact_id] if journal.contact_id else [])}
    duplicates.settle_merged(journal, people, gone, by=batch.by, now=batch.now)
    batch.write(changes)
    return journal


# --- what can be merged ------------------------------------------------------------------------


def _require_few(others: Sequence[uuid.UUID], what: str) -> None:
    if len(others) > MOST:
        raise MergeRefused(f"At most {MOST} {what} can be merged at once.", field="absorbed")


def _check(root: Lead, absorbed: Sequence[Lead]) -> None:
    for lead in (root, *absorbed):
        if lead.merged_into_id:
            raise MergeRefused(f"{lead.display_name} was merged already.", field="absorbed")
        if lead.archived_at:
            raise MergeRefused(
                f"{lead.display_name} was removed. Restore it first.", field="absorbed"
            )
    if sum(lead.deal_id is not None for lead in (root, *absorbed)) > 1:
        raise MergeRefused("Both leads were converted. Keep the deals apart.", field="absorbed")


def _check_people(people: Any) -> None:
    for contact in people:
        if contact.merged_into_id or contact.archived_at:
            raise MergeRefused(f"{contact.display_name} was merged already.", field="absorbed")


def _require_unchanged(rows: Any, versions: Versions | None) -> None:
    for row in rows:
        if versions and versions.get(row.pk, row.version) != row.version:
            raise MergeRefused(
                f"{row.display_name} has changed meanwhile. Look at it again.",
                field="versions",
                code="changed_meanwhile",
            )


def _require_sides(choices: Choices | None, sides: Mapping[uuid.UUID, Any]) -> None:
    """The names and owners of choices are known ones."""
    of_people = any(isinstance(side, Contact) for side in sides.values())
    known = OF_PERSON if of_people else tuple(CHOICES)
    for name, side in (choices or {}).items():
        if name not in known:
            raise MergeRefused(f"“{name}” is nothing to choose.", field="choices", code="invalid")
        if side not in sides:
            raise MergeRefused(
                f"The value of “{name}” must be that of one who is merged.",
                field="choices",
                code="invalid",
            )


def _leads_of_people(contacts: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Their open leads; where they have none, the newest one, on which the merge is noted."""
    leads = Lead.objects.present().filter(contact__in=contacts)
    found = list(leads.filter(outcome=Outcome.OPEN).values_list("pk", flat=True)[: MOST + 1])
    found = found or list(leads.order_by("-created_at").values_list("pk", flat=True)[:1])
    if not found:
        raise MergeRefused("None of them has a lead. There is nothing to merge.", field="absorbed")
    _require_few(found[1:], "open leads")
    return found


def _lock_people(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Contact]:
    locked = Contact.objects.select_for_update(no_key=True).order_by("pk").in_bulk(list(ids))
    people: dict[uuid.UUID, Contact] = {pk: locked[pk] for pk in ids if pk in locked}
    if len(people) < len(ids):
        raise MergeRefused("One of these people was not found.", field="absorbed", code="not_found")
    return people


def _open_leads(
    leads: Mapping[uuid.UUID, Lead], root_id: uuid.UUID | None, kept_id: uuid.UUID
) -> tuple[Lead, list[Lead]]:
    """The lead that goes on, and the others, which end in it."""
    oldest = sorted(leads.values(), key=lambda lead: (lead.created_at, lead.pk))
    if root_id is not None and root_id not in leads:
        raise MergeRefused("The lead that goes on must be an open one of theirs.", field="root")
    root = leads[root_id] if root_id else oldest[0]
    absorbed = [lead for lead in oldest if lead is not root]
    _check(root, absorbed)
    return root, absorbed


# --- merging ---------------------------------------------------------------------------------


def _enrich_root(
    batch: LeadBatch,
    root: Lead,
    absorbed: Sequence[Lead],
    journal: MergeJournal,
    choices: Mapping[str, Lead],
) -> Change:
    change = Change(batch, root)
    values, givers = _filled(root, absorbed)
    for name, lead in choices.items():
        values |= values_of(lead, name)
        givers |= dict.fromkeys((one for one in CHOICES[name] if one in PERSON_FIELDS), lead)
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
    setters = dict(root.provenance)
    for name, value in values.items():
        if getattr(root, name) == value:
            continue
        noted = entry("lead", root, name, value)
        if name in givers and givers[name] is not root:
            noted["set_by"] = root.provenance.get(name)
            setters[name] = entry_of(givers[name], name)
        journal.fields.append(noted)
    change.set(**values, provenance=setters)
    change.record(kinds.MERGED, subject_type="merge", subject_id=journal.pk, data=_said(absorbed))
    return change


def _filled(root: Lead, absorbed: Sequence[Lead]) -> tuple[dict[str, Any], dict[str, Lead]]:
    """The values that the root lacks, and whose they are."""
    values: dict[str, Any] = {}
    givers: dict[str, Lead] = {}
    for name in FILLED:
        giver = next((lead for lead in absorbed if not is_blank(getattr(lead, name))), None)
        if giver is not None and is_blank(getattr(root, name)):
            values[name], givers[name] = getattr(giver, name), giver
    return values, givers


def _said(absorbed: Sequence[Lead]) -> dict[str, Any]:
    names = [lead.display_name for lead in absorbed]
    return {"absorbed": [str(lead.pk) for lead in absorbed], "names": names}


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


def _merge_people(
    leads: Sequence[Lead],
    gone: set[uuid.UUID],
    journal: MergeJournal,
    chosen: Mapping[str, Lead | Contact],
) -> None:
    """Those who are gone become the one who is kept, with all their keys and leads."""
    if journal.contact_id is None:
        return
    people = _lock_people([journal.contact_id, *sorted(gone)])
    kept = people.pop(journal.contact_id)
    for name, model in OF_CONTACT.items():
        rows = model.objects.filter(contact__in=gone)
        journal.moves += [
            {"model": name, "id": str(pk), "from": str(contact)}
            for pk, contact in rows.values_list("pk", "contact")
        ]
        rows.update(contact=kept)
    for lead in leads:
        if lead.contact_id in gone:
            lead.contact = kept
    _fill_contact(kept, list(people.values()), journal, chosen)
    for contact in people.values():
        journal.moves.append({"model": "contact", "id": str(contact.pk), "from": ""})
    Contact.objects.filter(pk__in=gone).update(merged_into=kept, archived_at=journal.made_at)


def _fill_contact(
    kept: Contact,
    others: Sequence[Contact],
    journal: MergeJournal,
    chosen: Mapping[str, Lead | Contact],
) -> None:
    values: dict[str, Any] = {}
    for name in CONTACT_FILLED:
        found = (getattr(one, name) for one in others if not is_blank(getattr(one, name)))
        if is_blank(getattr(kept, name)):
            values[name] = next(found, getattr(kept, name))
    for name, side in chosen.items():
        if name in OF_PERSON and _is_theirs(kept, name, getattr(side, name)):
            columns = [one for one in CHOICES[name] if one != "phone_raw"]
            values |= {one: getattr(side, one) for one in columns}
    changed = {name: value for name, value in values.items() if getattr(kept, name) != value}
    journal.fields += [entry("contact", kept, name, value) for name, value in changed.items()]
    for name, value in changed.items():
        setattr(kept, name, value)
    if changed:
        kept.version += 1
        kept.save(update_fields=[*changed, "version"])


def _is_theirs(kept: Contact, name: str, value: Any) -> bool:
    """Whether an address may stand as the person's main one: it must name them."""
    if name != "email" or not value:
        return True
    return bool(ContactKey.objects.filter(kind=name, value=value, contact=kept).exists())


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
