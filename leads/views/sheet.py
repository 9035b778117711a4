"""The sheet: a dialog over any page, in which a verb's form, the stages or a preview opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from leadcrm.workspaces.pages import PageRequest, show, shown_url, wants_fragment
from leads import forms
from leads.models import Lead, Stage
from leads.pipelines import Outcome
from leads.views.lead_page import page_of, verb_to
from leads.views.verbs import VERBS, Verb

BODY, FORM = "sheet-body", "sheet-form"


@dataclass(frozen=True, slots=True)
class Choice:
    """A stage that the lead may go to, by a form of its verb or at once."""

    stage: Stage
    verb: str


def is_asked_for(request: PageRequest) -> bool:
    """Whether HTMX fills the sheet, or sends the form in it."""
    if not wants_fragment(request):
        return False
    return request.htmx.target == BODY or request.htmx.trigger == FORM


def is_elsewhere(request: PageRequest, lead: Lead) -> bool:
    """Whether the browser shows something else than the lead's own page, such as the list."""
    path = shown_url(request).path
    own = reverse("lead-detail", args=[request.workspace.slug, lead.pk])
    return wants_fragment(request) and bool(path) and not path.startswith(own)


def with_form(
    request: PageRequest,
    lead: Lead,
    verb: Verb,
    form: forms.VerbForm | None,
    address: str,
    status: int,
    **extra: Any,
) -> HttpResponse:
    """The form of a verb. On the lead's page it swaps the lead, elsewhere only the sheet."""
    context = {
        "lead": lead,
        "verb": verb,
        "form": form,
        "action": address,
        "target": _target(request, lead),
        **extra,
    }
    return _sheet(request, "leads/_sheet_form.html", context, status)


def stages(request: PageRequest, lead: Lead) -> HttpResponse:
    """The stages that the lead may go to."""
    now = timezone.now()
    offered = {key: verb.offered(lead, request.membership, now) for key, verb in VERBS.items()}
    ahead = Stage.objects.filter(
        pipeline=lead.pipeline_id,
        retired_at=None,
        key__in=lead.stage.next_keys,
        outcome__in=(Outcome.OPEN, Outcome.WON),  # closing and resting are offered beside them
    )
    choices = [Choice(stage, verb_to(stage.status)) for stage in ahead]
    context = {
        "lead": lead,
        "choices": [one for one in choices if offered[one.verb]],
        "may_rest": offered["recycle"],
        "may_close": offered["close"],
        "may_reopen": offered["reopen"],
        "target": _target(request, lead),
    }
    return _sheet(request, "leads/_sheet_stages.html", context)


def preview(request: PageRequest, lead: Lead) -> HttpResponse:
    """What a glance at the lead tells, without leaving the list."""
    return _sheet(
        request, "leads/_sheet_preview.html", page_of(lead, request.membership, timezone.now())
    )


def _target(request: PageRequest, lead: Lead) -> str:
    """What a form in the sheet swaps."""
    return f"#{BODY}" if is_elsewhere(request, lead) else "#lead"


def _sheet(
    request: PageRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    response = show(request, template, context, status=status)
    response["HX-Retarget"], response["HX-Reswap"] = f"#{BODY}", "innerHTML"
    return response
