"""Merging side by side: leads or people, a choice for each field in which they differ."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.db.models import F, Func, IntegerField, Q, QuerySet, Subquery
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from leadcrm.workspaces.access import NOT_FOUND, NotAllowed, may, require
from leadcrm.workspaces.pages import PageRequest, show
from leads import duplicates, merging
from leads.access import access_contact, access_lead, may_with, require_merge_people, visible_leads
from leads.batch import Refused
from leads.merge_choices import Choice, choices_of_contacts, choices_of_leads
from leads.merge_journal import MOVED
from leads.models import Contact, ContactKey, DuplicatePair, Lead
from leads.pairs import LINKS, open_pairs
from leads.searching import search
from leads.views.history import clip, label_of
from leads.views.pair_rows import row_of

MOST_SIDES = 4  # that fit beside each other
FOUND = 10  # leads offered by a search
COUNTED = {
    "message": ("message", "messages"),
    "task": ("task", "tasks"),
    "appointment": ("appointment", "appointments"),
    "external_id": ("id of another system", "ids of other systems"),
    "key": ("e-mail address or number", "e-mail addresses and numbers"),
    "leads": ("other lead of the person", "other leads of the person"),
}


@dataclass(slots=True)
class Cell:
    """What one side has in a field."""

    side: uuid.UUID
    text: str
    why: str
    chosen: bool


@dataclass(slots=True)
class Line:
    """A field in which the sides differ."""

    name: str
    label: str
    cells: list[Cell] = field(default_factory=list)


@require_http_methods(["GET", "HEAD", "POST"])
def merge_leads(request: PageRequest, lead_id: uuid.UUID) -> HttpResponse:
    """Merge other leads into this one. Without others, the page helps to find them."""
    require(request.membership, "suggest_merge")
    root = access_lead(request.membership, lead_id)
    others = [access_lead(request.membership, pk) for pk in _asked(request)]
    if request.method != "POST":
        return _lead_page(request, root, others)
    try:
        if _wish(request) == "suggest":
            return _suggest(request, root, others)
        return _merge(request, root, others)
    except Refused as refusal:
        fresh = [access_lead(request.membership, lead.pk) for lead in (root, *others)]
        return _lead_page(request, fresh[0], fresh[1:], status=422, alert=refusal.message)


@require_http_methods(["GET", "HEAD", "POST"])
def merge_people(request: PageRequest, contact_id: uuid.UUID) -> HttpResponse:
    """Merge other people into this one, with their open leads."""
    require(request.membership, "merge")
    kept = access_contact(request.membership, contact_id, need="merge")
    others = [access_contact(request.membership, pk, need="merge") for pk in _asked(request)]
    if request.method != "POST":
        return _people_page(request, kept, others)
    try:
        return _merge_people(request, kept, others)
    except Refused as refusal:
        return _people_page(request, kept, others, status=422, alert=refusal.message)


def _wish(request: PageRequest) -> str:
    """To merge or to suggest it; what the button says, else what the member may."""
    usual = "merge" if may(request.membership, "merge") else "suggest"
    return request.POST.get("do", usual)


def _asked(request: PageRequest) -> list[uuid.UUID]:
    """The ids of the others in the address, without doubles."""
    given = (request.POST if request.method == "POST" else request.GET).getlist("with")
    try:
        ids = [uuid.UUID(text) for text in given[: MOST_SIDES - 1]]
    except ValueError:
        raise Http404(NOT_FOUND) from None
    return list(dict.fromkeys(ids))


def _decided(request: PageRequest) -> dict[str, Any]:
    """The choices and the versions that the page was made from."""
    choices, versions = {}, {}
    try:
        for name, value in request.POST.items():
            if name.startswith("keep-"):
                choices[name.removeprefix("keep-")] = uuid.UUID(str(value))
            elif name.startswith("version-"):
                versions[uuid.UUID(name.removeprefix("version-"))] = int(str(value))
    except ValueError:
        raise Http404(NOT_FOUND) from None
    return {"choices": choices, "versions": versions}


# --- leads -----------------------------------------------------------------------------------


def _merge(request: PageRequest, root: Lead, others: Sequence[Lead]) -> HttpResponse:
    for lead in (root, *others):
        if not may_with(request.membership, lead, "merge"):
            raise NotAllowed
    journal = merging.merge(
        root.pk,
        [lead.pk for lead in others],
        by=request.actor,
        now=timezone.now(),
        **_decided(request),
    )
    undo = reverse("merge-undo", args=[request.workspace.slug, journal.pk])
    messages.success(request, "Merged. It can be undone for 30 days.", extra_tags=undo)
    return redirect("lead-detail", request.workspace.slug, root.pk)


def _suggest(request: PageRequest, root: Lead, others: Sequence[Lead]) -> HttpResponse:
    if not any(may_with(request.membership, lead, "suggest_merge") for lead in (root, *others)):
        raise NotAllowed
    if not others:
        raise Refused("Choose another lead to merge.", field="with")
    for lead in others:
        duplicates.suggest(root, lead, by=request.actor, now=timezone.now())
    messages.success(request, "Suggested. A manager decides.")
    return redirect("lead-detail", request.workspace.slug, root.pk)


def _lead_page(
    request: PageRequest, root: Lead, others: Sequence[Lead], *, status: int = 200, alert: str = ""
) -> HttpResponse:
    is_itself = root.pk in {lead.pk for lead in others}
    if is_itself:
        status, alert = 422, "A lead can't be merged with itself. Choose another one."
        others = [lead for lead in others if lead.pk != root.pk]
    sides = [root, *others]
    gone = next((lead for lead in sides if lead.archived_at), None)
    if gone is not None and not alert:
        what = "merged" if gone.merged_into_id else "removed"
        alert = f"{gone.display_name} was {what} already."
    context = {
        "root": root,
        "sides": sides,
        "others": others,
        "lines": _lines(choices_of_leads(sides)) if others else [],
        "alert": alert,
        "may_merge": gone is None
        and all(may_with(request.membership, lead, "merge") for lead in sides),
        "is_possible": gone is None,
        "foreign": [lead for lead in sides if not may_with(request.membership, lead, "merge")],
    }
    if others:
        context["moves"] = _moves_of_leads(root, others)
    else:
        context |= _candidates(request, root)
    return show(request, "leads/merge.html", context, status=status)


def _candidates(request: PageRequest, root: Lead) -> dict[str, Any]:
    """Pairs that the finder knows of, the person's other leads, and what a search finds."""
    query = request.GET.get("q", "").strip()
    pairs = open_pairs(request.membership).filter(_about(root)).select_related(*LINKS)
    slug = request.workspace.slug
    leads = visible_leads(request.membership).filter(archived_at=None).exclude(pk=root.pk)
    leads = leads.select_related("stage", "owner", "source")
    if query:
        found = search(leads, query).order_by("-created_at")[:FOUND]
    elif root.contact_id:
        found = leads.filter(contact=root.contact_id).order_by("-created_at")[:FOUND]
    else:
        found = leads.none()
    rows = [row_of(pair, request.membership, slug) for pair in pairs.order_by("-score")[:FOUND]]
    return {"rows": rows, "found": list(found), "q": query}


def _about(lead: Lead) -> Q:
    ids = [pk for pk in (lead.pk, lead.contact_id) if pk]
    return Q(first__in=ids) | Q(second__in=ids)


def _moves_of_leads(root: Lead, others: Sequence[Lead]) -> list[str]:
    contacts = {lead.contact_id for lead in others if lead.contact_id}
    return _counts(others, contacts - {root.contact_id})


# --- people ----------------------------------------------------------------------------------


def _merge_people(request: PageRequest, kept: Contact, others: Sequence[Contact]) -> HttpResponse:
    people = [kept.pk, *(one.pk for one in others)]
    require_merge_people(request.membership, people)
    journal = merging.merge_contacts(
        kept.pk,
        [one.pk for one in others],
        by=request.actor,
        now=timezone.now(),
        root_id=_root_of(request),
        **_decided(request),
    )
    undo = reverse("merge-undo", args=[request.workspace.slug, journal.pk])
    messages.success(request, "Merged. It can be undone for 30 days.", extra_tags=undo)
    return redirect("contact", request.workspace.slug, kept.pk)


def _root_of(request: PageRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST["root"]) if request.POST.get("root") else None
    except ValueError:
        raise Http404(NOT_FOUND) from None


def _people_page(
    request: PageRequest,
    kept: Contact,
    others: Sequence[Contact],
    *,
    status: int = 200,
    alert: str = "",
) -> HttpResponse:
    if kept.pk in {one.pk for one in others}:
        status, alert = 422, "A person can't be merged with themselves. Choose another one."
        others = [one for one in others if one.pk != kept.pk]
    sides = [kept, *others]
    leads = visible_leads(request.membership).open().filter(contact__in=sides)  # type: ignore[attr-defined]
    open_leads = list(leads.select_related("stage", "owner", "source").order_by("created_at", "pk"))
    context = {
        "kept": kept,
        "sides": sides,
        "others": others,
        "open_leads": open_leads,
        "lines": _lines(choices_of_contacts(sides)) if others else [],
        "moves": _counts(open_leads[1:], {one.pk for one in others}) if others else [],
        "alert": alert,
    }
    if not others:
        context["pairs"] = _pairs_of(request, kept)
    return show(request, "leads/merge_people.html", context, status=status)


def _pairs_of(request: PageRequest, contact: Contact) -> list[Any]:
    pairs: QuerySet[DuplicatePair] = open_pairs(request.membership).select_related(*LINKS)
    pairs = pairs.filter(Q(first=contact.pk) | Q(second=contact.pk)).order_by("-score")
    return [row_of(pair, request.membership, request.workspace.slug) for pair in pairs[:FOUND]]


# --- what both show --------------------------------------------------------------------------


def _lines(choices: Sequence[Choice]) -> list[Line]:
    return [
        Line(
            choice.name,
            label_of(choice.name).capitalize(),
            [
                Cell(one.side, clip(_text(one.value))[0], one.why, one.side == choice.chosen)
                for one in choice.candidates
            ],
        )
        for choice in choices
    ]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _counts(leads: Sequence[Lead], contacts: set[uuid.UUID]) -> list[str]:
    """What moves over, in words, counted in one query."""
    ids = [lead.pk for lead in leads]
    rows: dict[str, QuerySet[Any]] = {
        name: model.objects.filter(lead__in=ids) for name, model in MOVED.items()
    }
    rows["key"] = ContactKey.objects.filter(contact__in=contacts)
    rows["leads"] = Lead.objects.filter(contact__in=contacts).exclude(pk__in=ids)
    counted = Lead.objects.order_by().values_list(*(_count(one) for one in rows.values()))[:1]
    found: Mapping[str, int] = dict(zip(rows, next(iter(counted), ()), strict=False))
    return [
        f"{count} {COUNTED[name][0 if count == 1 else 1]}" for name, count in found.items() if count
    ]


def _count(rows: QuerySet[Any]) -> Subquery:
    counted = rows.order_by().annotate(
        n=Func(F("pk"), function="COUNT", output_field=IntegerField())
    )
    return Subquery(counted.values("n"))
