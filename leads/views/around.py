"""What stands around a lead on its page, read in one query."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_datetime

from leadcrm.workspaces.access import Reach, reach
from leadcrm.workspaces.compiled import CompiledQuery, Given, among
from leadcrm.workspaces.models import Membership
from leads import kinds
from leads.access import within_reach
from leads.models import (
    Activity,
    Appointment,
    CloseReason,
    Company,
    Contact,
    ContactKey,
    CustomField,
    DuplicatePair,
    FieldSuggestion,
    Lead,
    MergeJournal,
    Message,
    Stage,
    Task,
)
from leads.models.custom_field import attribute_of, is_custom
from leads.pairs import reason_labels
from leads.views.fields import setters
from leads.views.history import clip, label_of

CUSTOM = ("id", "label", "kind", "options", "required", "help", "position")
MOST = 20  # of the person's other leads
MOST_PAIRS = 3  # possible duplicates; the queue has them all
# What is told of a side of a pair.
SIDE = {
    "id": "id",
    "contact": "contact",
    "name": "display_name",
    "owner": "owner__name",
    "stage": "stage__label",
    "status": "stage__status",
}

Rows = list[dict[str, Any]]


@dataclass(slots=True)
class Around:
    """Open tasks, suggestions, keys, the person's other leads, close reasons and so on.

    `doubles` are leads of another person who has the e-mail address or number of this one, `pairs`
    what the duplicate finder found, `merges` those that ended in this lead or took it in,
    `setters` the names of who set fields by id, `given` the log row that last gave it away,
    `person` and `company` those of the lead.
    """

    tasks: Rows
    suggestions: Rows
    keys: Rows
    others: Rows
    doubles: Rows
    pairs: Rows
    merges: Rows
    reasons: dict[str, str]
    appointments: Rows
    stages: Rows
    setters: dict[str, str]
    custom: list[CustomField]
    person: dict[str, Any] | None = None
    company: dict[str, Any] | None = None
    pinned: dict[str, Any] | None = None
    given: dict[str, Any] | None = None

    @property
    def is_marked(self) -> bool:
        """Whether some address or number of the person must not be used."""
        return self.phone_marked or self.email_marked

    @property
    def phone_marked(self) -> bool:
        return self._marked(ContactKey.Kind.PHONE)

    @property
    def email_marked(self) -> bool:
        return self._marked(ContactKey.Kind.EMAIL)

    def _marked(self, kind: str) -> bool:
        return any(key["kind"] == kind and key["marked_at"] for key in self.keys)


def read_around(lead: Lead, membership: Membership) -> Around:
    """All of it in one query."""
    far, team = reach(membership, "see"), membership.team_id
    people = [uuid.UUID(one) for one in setters(lead)]
    names, query = _query(far, team is not None, lead.needs_review)
    (found,) = query.rows(lead=lead.pk, member=membership.pk, team=team, people=people)
    # What can't be found at all comes as null.
    parts: dict[str, Rows] = {
        name: [json.loads(row) for row in rows or ()]
        for name, rows in zip(names, found, strict=True)
    }
    for one in parts["suggestions"]:
        custom = {field["id"]: field["label"] for field in parts["custom"]}
        is_own = not is_custom(one["field"])
        one["label"] = label_of(one["field"]) if is_own else custom.get(attribute_of(one["field"]))
    for one in parts["person"]:
        one["stage"] = Contact.Stage(one["stage"]).label
    for one in parts["pinned"]:
        one["body"], one["is_cut"] = clip(one["body"])
    reasons = {reason["code"]: reason["label"] for reason in parts["reasons"]}
    return Around(
        tasks=_moments(parts["tasks"], "due_at"),
        suggestions=parts["suggestions"],
        keys=parts["keys"],
        others=[_with_result(one, reasons) for one in _moments(parts["others"], "created_at")],
        doubles=_moments(parts.get("doubles", []), "created_at"),
        pairs=[_seen_from(lead, pair) for pair in parts["pairs"]],
        merges=_moments(parts["merges"], "made_at"),
        reasons=reasons,
        appointments=_moments(parts["appointments"], "scheduled_for"),
        stages=parts["stages"],
        setters={member["id"]: member["name"] for member in parts["setters"]},
        custom=[custom_field(one) for one in parts["custom"]],
        person=_first(parts["person"]),
        company=_first(parts["company"]),
        pinned=_first(_moments(parts["pinned"], "occurred_at")),
        given=_first(_moments(parts["given"], "occurred_at")),
    )


@cache
def _query(far: Reach, has_team: bool, in_review: bool) -> tuple[list[str], CompiledQuery]:
    """The parts for a member who sees so far, by name, and their query. Few leads are in review."""
    seen = within_reach(far, Given("member"), Given("team") if has_team else None)

    def parts() -> dict[str, ArraySubquery]:
        visible = Lead.objects.filter(seen, merged_into=None).order_by("-created_at")
        reviewed = {"doubles": _doubles(visible)} if in_review else {}
        about = {**_about_lead(), **_about_person(visible), **_about_workspace()}
        return {**about, **_about_doubles(visible), **reviewed}

    def build() -> QuerySet[Any, Any]:
        return Lead.objects.filter(pk=Given("lead")).values_list(*parts().values())

    return list(parts()), CompiledQuery(build)


def _about_lead() -> dict[str, ArraySubquery]:
    mine = {"lead": OuterRef("pk")}
    given = Activity.objects.filter(**mine, kind__in=(kinds.OWNER_CHANGED, kinds.LEFT_IN_POOL))
    given = given.order_by("-occurred_at", "-id")
    pinned = Message.objects.filter(**mine, pinned_at__isnull=False).order_by("-pinned_at")
    appointments = Appointment.objects.filter(**mine).order_by("-scheduled_for")
    return {
        "tasks": _rows(
            Task.objects.filter(**mine, done_at=None).order_by("due_at"),
            *("id", "title", "due_at", "kind"),
            who="assignee__name",
        ),
        "suggestions": _rows(
            FieldSuggestion.objects.filter(**mine, decided_at=None),
            *("id", "field", "value", "source"),
        ),
        "appointments": _rows(
            appointments,
            *("id", "status", "scheduled_for", "minutes", "title", "place"),
            who="host__name",
        ),
        "pinned": _rows(pinned[:1], "id", "body", "occurred_at", who="author__name"),
        "given": _rows(
            given[:1], "occurred_at", "kind", "reason", "via", "data", who="actor__name"
        ),
    }


def _about_person(visible: QuerySet[Lead]) -> dict[str, ArraySubquery]:
    others = visible.filter(contact=OuterRef("contact")).exclude(pk=OuterRef("pk"))
    return {
        "person": _rows(Contact.objects.filter(pk=OuterRef("contact")), "display_name", "stage"),
        "company": _rows(Company.objects.filter(pk=OuterRef("company")), "name"),
        "keys": _rows(
            ContactKey.objects.filter(contact=OuterRef("contact")),
            *("kind", "value", "shared"),
            marked_at="do_not_contact_at",
        ),
        "others": _leads(others),
    }


def _doubles(visible: QuerySet[Lead]) -> ArraySubquery:
    """Leads of another person who has the e-mail address or number of this one."""
    email, phone, contact = (OuterRef(OuterRef(name)) for name in ("email", "phone", "contact"))
    named = ContactKey.objects.filter(Q(value=email) | Q(value=phone), shared=False)
    elsewhere = named.exclude(value="").exclude(contact=contact)
    return _leads(visible.filter(contact__in=elsewhere.values("contact")))


def _about_doubles(visible: QuerySet[Lead]) -> dict[str, ArraySubquery]:
    """Open pairs of the lead or its person, with both sides; and merges that stand."""
    lead, person = OuterRef("pk"), OuterRef("contact")
    named = Q(first=lead) | Q(second=lead) | Q(first=person) | Q(second=person)
    present = Q(first_lead__archived_at=None, second_lead__archived_at=None)
    pairs = DuplicatePair.objects.filter(named, present, state=DuplicatePair.State.OPEN)
    pairs = pairs.annotate(
        sees_first=Exists(visible.filter(pk=OuterRef("first_lead"))),
        sees_second=Exists(visible.filter(pk=OuterRef("second_lead"))),
    )
    sides = {
        f"{side}_{name}": f"{side}_lead__{path}"
        for side in ("first", "second")
        for name, path in SIDE.items()
    }
    merges = MergeJournal.objects.filter(
        Q(root=lead) | Q(root=OuterRef("merged_into")), undone_at=None
    )
    return {
        "pairs": _rows(
            pairs.order_by("-score")[:MOST_PAIRS],
            *("id", "score", "reasons", "suggested_at", "sees_first", "sees_second"),
            **sides,
        ),
        "merges": _rows(merges.order_by("-made_at")[:MOST_PAIRS], "id", "made_at"),
    }


def _seen_from(lead: Lead, pair: dict[str, Any]) -> dict[str, Any]:
    """A pair with the `other` side of it."""
    mine = "first" if pair["first_id"] == str(lead.pk) else "second"
    if pair["second_id"] != str(lead.pk) and pair["first_contact"] == str(lead.contact_id):
        mine = "first"
    side = "second" if mine == "first" else "first"
    other = {name: pair[f"{side}_{name}"] for name in SIDE} | {"is_seen": pair[f"sees_{side}"]}
    return pair | {"other": other, "reasons": reason_labels(pair["reasons"])}


def _leads(leads: QuerySet[Lead]) -> ArraySubquery:
    columns: dict[str, str] = {
        "stage_label": "stage__label",
        "stage_status": "stage__status",
        "who": "owner__name",
    }
    names = ("id", "display_name", "created_at", "loss_reason", "disqualification_reason")
    return _rows(leads[:MOST], *names, **columns)


def _about_workspace() -> dict[str, ArraySubquery]:
    stages = Stage.objects.filter(pipeline=OuterRef("pipeline"), retired_at=None)
    custom = CustomField.objects.filter(archived_at=None)
    return {
        "reasons": _rows(CloseReason.objects.order_by("position"), "code", "label"),
        "stages": _rows(stages.order_by("position"), "id", "key", "label", "status", "outcome"),
        "custom": _rows(custom.order_by("position", "label"), *CUSTOM),
        "setters": _rows(Membership.objects.filter(among("pk", "people")), "id", "name"),
    }


def _rows(rows: QuerySet[Any], *names: str, **renamed: str) -> ArraySubquery:
    columns = {name: F(name) for name in names} | {name: F(path) for name, path in renamed.items()}
    return ArraySubquery(rows.values(row=JSONObject(**columns)))


def custom_field(row: Mapping[str, Any]) -> CustomField:
    """A custom field from its columns as JSON holds them."""
    return CustomField(**{**row, "id": uuid.UUID(row["id"])})


def _moments(rows: Rows, name: str) -> Rows:
    """The rows with a moment that JSON holds as text."""
    return [{**row, name: parse_datetime(row[name]) if row[name] else None} for row in rows]


def _with_result(row: dict[str, Any], reasons: Mapping[str, str]) -> dict[str, Any]:
    """A lead with the reason for which it was closed, in words."""
    code = row["loss_reason"] or row["disqualification_reason"]
    return {**row, "result": reasons.get(code, code)}


def _first(rows: Rows) -> dict[str, Any] | None:
    return rows[0] if rows else None


def why(lead: Lead, given: Mapping[str, Any] | None) -> tuple[str, datetime | None]:
    """Why the lead is whose it is: a sentence, and when it became so."""
    if given is None:
        return _why_from_the_start(lead), lead.created_at if lead.owner_id else None
    who, data = given["who"] or "", given["data"] or {}
    owner, team = data.get("to"), data.get("team")
    routed = data.get("routing")
    if given["kind"] == kinds.LEFT_IN_POOL:
        return f"Nobody could take it by round robin.{_skipped(routed)}", given["occurred_at"]
    if given["reason"] == "claimed":
        sentence = f"{owner} claimed it."
    elif routed:
        return f"Round robin: it was {owner}'s turn.{_skipped(routed)}", given["occurred_at"]
    elif owner:
        sentence = f"{who} gave it to {owner}." if who else f"It went to {owner} by itself."
    else:
        place = f"to the team {team}" if team else "back to the pool"
        sentence = f"{who} gave it {place}." if who else f"It went {place} by itself."
    if owner and data.get("from"):
        sentence += f" It was {data['from']}'s before."
    if given["reason"] and given["reason"] != "claimed":
        sentence += f" Reason: {given['reason']}."
    return sentence, given["occurred_at"]


def _skipped(trace: Mapping[str, Any] | None) -> str:
    """Whom a rule passed over, and why."""
    passed = [f"{name} ({why})" for name, why in (trace or {}).get("skipped", ())]
    if more := (trace or {}).get("more"):
        passed.append(f"{more} more")
    return f" Passed over: {', '.join(passed)}." if passed else ""


def _why_from_the_start(lead: Lead) -> str:
    if lead.owner is None:
        place = f"the team {lead.team}" if lead.team else "the pool"
        return f"Nobody has it yet. It waits in {place}."
    if lead.source is not None and lead.source.owner_id == lead.owner_id:
        return f"Leads of “{lead.source}” go to {lead.owner}."
    return f"{lead.owner} has had it since it came in."
