"""What importing rows would do: each compared with the lead of its person, in few queries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from django.db.models import Q

from leadcrm.workspaces.access import Reach, reach
from leadcrm.workspaces.actors import Rank
from leadcrm.workspaces.models import Membership
from leads import provenance
from leads.access import within
from leads.custom_fields import held
from leads.importing.drafting import Drafted
from leads.models import ContactKey, ExternalId, Import, Lead
from leads.pipelines import Outcome

NEW, CHANGED, UNCHANGED, CONFLICT, ERROR = RESULTS = (
    "new", "changed", "unchanged", "conflict", "error",
)  # fmt: skip
FILL, OVERWRITE, SKIP = "fill", "overwrite", "skip"
DERIVED = frozenset({"display_name", "first_name", "last_name"})
NEVER = frozenset({"phone_raw"})
EMAIL, PHONE = ContactKey.Kind.EMAIL, ContactKey.Kind.PHONE
CURRENT = (Outcome.OPEN, Outcome.RESTING)
Cell = tuple[str, Any, Any, bool]  # field, what is there, what the file says, whether it stays


@dataclass(slots=True)
class Finding:
    """What importing one row would do. `cells` are its differences from the lead."""

    row: Drafted
    result: str = NEW
    lead: Lead | None = None
    cells: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def writes(self) -> dict[str, Any]:
        """The values that an existing lead takes."""
        return {name: new for name, _, new, kept in self.cells if not kept}

    def stored(self) -> dict[str, Any]:
        """As a chunk keeps it, without what is blank."""
        found: dict[str, Any] = {"n": self.row.number, "r": self.result}
        if self.lead is not None:
            found["l"] = str(self.lead.pk)
        if self.cells:
            found["c"] = [
                [name, _shown(old), _shown(new), kept] for name, old, new, kept in self.cells
            ]
        if notes := [*self.row.notes, *self.notes]:
            found["t"] = notes
        if self.row.error:
            found["e"] = list(self.row.error)
        return found


class Comparer:
    """Compares rows with what is in the workspace, within the reach of who imports."""

    def __init__(self, batch: Import, member: Membership) -> None:
        self.existing = batch.option("existing", FILL)
        self.closed = batch.option("closed", "leave")
        self.system = batch.option("system", "file")
        self.member = member
        self.sees_all = reach(member, "edit") is Reach.ALL

    @property
    def rank(self) -> Rank:
        """By what right an existing value is written: to fill blanks takes none."""
        return Rank.IMPORT if self.existing == OVERWRITE else Rank.PROSPECT

    def compare(self, rows: Sequence[Drafted]) -> list[Finding]:
        """A finding for each row, in order. Reads as many queries for a thousand as for one."""
        good = [row for row in rows if row.error is None and not row.repeats]
        people = _People(good, self.system)
        within_reach = self._within_reach(people.leads.values())
        return [self._find(row, people, within_reach) for row in rows]

    def _within_reach(self, leads: Iterable[Lead]) -> set[uuid.UUID]:
        ids = [lead.pk for lead in leads]
        if self.sees_all:
            return set(ids)
        mine = Lead.objects.filter(within(self.member, "edit"), pk__in=ids)
        return set(mine.values_list("pk", flat=True))

    def _find(self, row: Drafted, people: _People, within_reach: set[uuid.UUID]) -> Finding:
        if row.error is not None:
            return Finding(row, ERROR)
        if row.repeats:
            return Finding(row, UNCHANGED, notes=[repeats_note(row.repeats)])
        lead, doubt = people.lead_of(row)
        if doubt:
            return Finding(row, CONFLICT, notes=[doubt])
        if lead is None or (lead.outcome not in CURRENT and self.closed == "new"):
            return Finding(row, NEW)
        if lead.pk not in within_reach:
            return Finding(row, CONFLICT, notes=["This person's lead is another team's."])
        if self.existing == SKIP:
            return Finding(row, UNCHANGED, lead)
        cells = list(self._cells(lead, row))
        if lead.outcome not in CURRENT and cells:
            cells = [(name, old, new, True) for name, old, new, _ in cells]
            return Finding(row, CONFLICT, lead, cells, ["This person's lead is closed."])
        kept = any(cell[3] for cell in cells)
        result = CONFLICT if kept else CHANGED if cells else UNCHANGED
        return Finding(row, result, lead, cells)

    def _cells(self, lead: Lead, row: Drafted) -> Iterable[Cell]:
        for name, new in row.values.items():
            old = getattr(lead, name)
            if name in NEVER or provenance.is_blank(new) or _same(old, new):
                continue
            if name in DERIVED and name not in row.mapped and not provenance.is_blank(old):
                continue
            yield name, old, new, not self._may_write(lead, name, new)
        for name, new in row.attributes.items():
            old = held(lead, name)
            if new is not None and old != new:
                yield name, old, new, not self._may_write(lead, name, new)
        if row.owner is not None and lead.owner_id != row.owner.pk:
            kept = lead.owner_id is not None and self.existing != OVERWRITE
            yield "owner", str(lead.owner or ""), str(row.owner), kept

    def _may_write(self, lead: Lead, name: str, new: Any) -> bool:
        return name in provenance.weigh(lead, {name: new}, self.rank).values


class _People:
    """Who the rows are about: contacts by their keys, and the lead that stands for each."""

    def __init__(self, rows: Sequence[Drafted], system: str) -> None:
        self.system = system
        emails = {row.values["email"] for row in rows if row.values["email"]}
        phones = {row.values["phone"] for row in rows if row.values["phone"]}
        self.keys: dict[tuple[str, str], tuple[uuid.UUID, bool]] = {}
        named = Q(kind=EMAIL, value__in=emails) | Q(kind=PHONE, value__in=phones)
        if emails or phones:
            found = ContactKey.objects.filter(named)
            for kind, value, contact, shared in found.values_list(
                "kind", "value", "contact", "shared"
            ):
                self.keys[kind, value] = (contact, shared)
        by_phone = {contact for (kind, _), (contact, _) in self.keys.items() if kind == PHONE}
        with_email = ContactKey.objects.filter(kind=EMAIL, contact__in=by_phone)
        self.has_email = set(with_email.values_list("contact", flat=True)) if by_phone else set()
        self.external = self._externals({row.external for row in rows if row.external})
        self.leads = self._leads()
        self.by_id = {lead.pk: lead for lead in self.leads.values()}

    def lead_of(self, row: Drafted) -> tuple[Lead | None, str]:
        """The lead of the row's person, and why it can't be told whose it is, if so."""
        known = self.external.get(row.external) if row.external else None
        if known is not None:
            lead = self.by_id.get(known)
            return lead, "" if lead else "The lead with this id was removed."
        contact, two_people = self._contact_of(row.values["email"], row.values["phone"])
        doubt = "Its e-mail and its phone belong to two people." if two_people else ""
        return (self.leads.get(contact) if contact else None), doubt

    def _contact_of(self, email: str, phone: str) -> tuple[uuid.UUID | None, bool]:
        """As `matching.KeyLedger` decides: e-mail first, a phone where it disagrees with nothing."""
        by_email, _ = self.keys.get((EMAIL, email), (None, False))
        by_phone, shared = self.keys.get((PHONE, phone), (None, False))
        if by_email is not None:
            return by_email, bool(by_phone and by_phone != by_email and not shared)
        if by_phone is None or shared or (email and by_phone in self.has_email):
            return None, False
        return by_phone, False

    def _externals(self, ids: set[str]) -> dict[str, uuid.UUID]:
        if not ids:
            return {}
        rows = ExternalId.objects.filter(system=self.system, external_id__in=ids)
        return dict(rows.values_list("external_id", "lead"))

    def _leads(self) -> dict[uuid.UUID, Lead]:
        """The lead of each contact: an open one before one that rests, before a closed one."""
        contacts = {contact for contact, _ in self.keys.values()}
        if not contacts and not self.external:
            return {}
        theirs = Q(contact__in=contacts) | Q(pk__in=set(self.external.values()))
        rows = Lead.objects.present().filter(theirs).select_related("owner").order_by("created_at")
        order = {Outcome.OPEN: 2, Outcome.RESTING: 1}
        found: dict[uuid.UUID, Lead] = {}
        for lead in sorted(rows, key=lambda one: order.get(one.outcome, 0)):
            found[lead.contact_id or lead.pk] = lead
        return found | self._named(rows, found)

    def _named(
        self, rows: Iterable[Lead], found: Mapping[uuid.UUID, Lead]
    ) -> dict[uuid.UUID, Lead]:
        """Leads that an id of the file names are there in any case, also beside another of the person."""
        named = set(self.external.values())
        chosen = {lead.pk for lead in found.values()}
        return {lead.pk: lead for lead in rows if lead.pk in named - chosen}


def find_leads(named: Sequence[tuple[str, str, str]], system: str) -> list[Lead | None]:
    """The leads that stand for (id elsewhere, e-mail, phone), in order; None where there is none."""
    rows = [
        Drafted(0, external=external, values={"email": email, "phone": phone})
        for external, email, phone in named
    ]
    people = _People(rows, system)
    return [people.lead_of(row)[0] for row in rows]


def key_hash(identity: str) -> int:
    """A number for what names a person, of 64 bits with a sign."""
    return int.from_bytes(blake2b(identity.encode(), digest_size=8).digest(), signed=True)


def repeats_note(number: int) -> str:
    return f"Same person as row {number:,}."


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, str) and isinstance(new, str):
        return " ".join(old.split()).casefold() == " ".join(new.split()).casefold()
    return bool(old == new)


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, bool, list, dict)):
        return value
    return str(value)
