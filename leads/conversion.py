"""Converting a lead: the won stage, and the deal that it becomes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from leadcrm.workspaces.actors import Actor
from leads import lifecycle
from leads.batch import Change, Result, require_length, run
from leads.lifecycle import StageRefused
from leads.models import Deal, Stage
from leads.models.activity import Lane
from leads.pipelines import Status

MOST_VALUE = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class DealTerms:
    """The deal to create. `value` and `name` default to the lead's budget and name."""

    name: str = ""
    value: Decimal | None = None
    currency: str = ""


def convert(
    ids: Sequence[uuid.UUID],
    *,
    by: Actor,
    now: datetime,
    deal: DealTerms | None = None,
    note: str = "",
    lane: str = Lane.LIVE,
) -> list[Result]:
    """Convert leads; each at most once. A deal is made where `deal` or the pipeline asks for it.

    Refused for a lost lead, for one without a contact, and where the graph doesn't lead there.
    """
    _check_terms(deal or DealTerms())

    def decide(change: Change) -> None:
        stage = _ready(change)
        check = lifecycle.Move(stage, change.now, change.by, note=note)
        lifecycle.check_hooks(change.lead, check)
        lifecycle.respond(change, change.now)
        wanted = deal is not None or stage.pipeline.creates_deal
        # A lead that was reopened after a conversion has its deal already.
        first = change.lead.deal_id is None
        made = _add_deal(change, deal or DealTerms()) if wanted and first else None
        activity = lifecycle.enter(change, stage, change.now, note=note)
        if made is not None:
            activity.subject_type, activity.subject_id = "deal", made.pk
            activity.deal_id = made.pk

    return run(ids, decide, by=by, now=now, lane=lane)


def _check_terms(terms: DealTerms) -> None:
    require_length(terms.name, 200, field="name")
    value = terms.value
    if value is not None and not (value.is_finite() and 0 <= value < MOST_VALUE):
        raise StageRefused("The value must be a positive amount.", field="value")
    if terms.currency and not (terms.currency.isalpha() and len(terms.currency) == 3):
        raise StageRefused("Use the three-letter currency code, such as USD.", field="currency")


def _ready(change: Change) -> Stage:
    lead = change.lead
    stage = change.batch.stage(lead, status=Status.CONVERTED)
    if stage is None:
        raise StageRefused(f"This pipeline has no stage “{Status.CONVERTED.label}”.", field="stage")
    if lead.status == Status.LOST:
        raise StageRefused("A lost lead can't be converted. Reopen it first.", field="stage")
    if lead.status == Status.CONVERTED:
        raise StageRefused("This lead is converted already.", field="stage")
    lifecycle.require_open(lead)
    if lead.contact_id is None:
        raise StageRefused(
            "Give an e-mail address or phone number first: a conversion needs a person.",
            field="contact",
        )
    lifecycle.check_graph(change, stage)
    lifecycle.check_required(lead, stage)
    return stage


def _add_deal(change: Change, terms: DealTerms) -> Deal:
    lead = change.lead
    value = terms.value if terms.value is not None else lead.budget
    made = Deal(
        workspace_id=lead.workspace_id,
        lead=lead,
        name=terms.name or lead.display_name,
        contact_id=lead.contact_id,
        company_id=lead.company_id,
        owner=lead.owner,
        campaign_id=lead.campaign_id,
        source_kind=lead.source_kind,
        value=value or Decimal(0),
        currency=terms.currency or lead.budget_currency or change.batch.workspace.currency,
        created_at=change.now,
    )
    change.add(made)
    change.set(deal=made)
    return made
