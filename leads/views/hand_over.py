"""Settings: whose work is handed over to whom."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from leadcrm.workspaces.access import NOT_FOUND
from leadcrm.workspaces.forms import Styled
from leadcrm.workspaces.models import Membership, Role, Team
from leadcrm.workspaces.pages import PageRequest, show
from leads import handing_over
from leads.batch import Refused
from leads.views.bulk import sentence

SHOWN_RUNS = 10


class HandOverForm(Styled, forms.Form):
    to = forms.ModelChoiceField(
        Membership.objects.none(), label="To a person", required=False, empty_label="–"
    )
    team = forms.ModelChoiceField(
        Team.objects.all(),
        label="Or to a team",
        required=False,
        empty_label="–",
        help_text="They wait in the team's pool for somebody to claim them.",
    )

    def __init__(self, *args: object, member: Membership, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        others = Membership.objects.filter(is_active=True).exclude(role=Role.VIEWER)
        self.fields["to"].queryset = others.exclude(pk=member.pk)  # type: ignore[attr-defined]


@require_safe
def hand_overs(request: PageRequest) -> HttpResponse:
    """The members in reach with how many open leads each has, and what was handed over lately."""
    counts = handing_over.open_leads()
    members = handing_over.members_in_reach(request.membership).order_by("-is_active", "name")
    runs = handing_over.runs_of(request.membership)[:SHOWN_RUNS]
    context = {
        "rows": [(one, counts.get(one.pk, 0)) for one in members],
        "runs": [(run, sentence(run)) for run in runs],
    }
    return show(request, "settings/hand_overs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: PageRequest, member_id: uuid.UUID) -> HttpResponse:
    """Confirm once, and all that a member has open goes to somebody else."""
    member = handing_over.members_in_reach(request.membership).filter(pk=member_id).first()
    if member is None:
        raise Http404(NOT_FOUND)
    form = HandOverForm(request.POST or None, member=member)
    if request.method == "POST" and form.is_valid():
        try:
            run = handing_over.hand_over(
                member, by=request.membership, now=timezone.now(), **form.cleaned_data
            )
        except Refused as refusal:
            form.add_error("to", refusal.message)
        else:
            if run.is_at_work:
                return redirect("bulk-run", request.workspace.slug, run.pk)
            messages.success(request, sentence(run))
            return redirect("hand-overs", request.workspace.slug)
    context = {"member": member, "form": form, "load": handing_over.load_of(member)}
    status = 422 if form.is_bound or request.method == "POST" else 200
    return show(request, "settings/hand_over.html", context, status=status)
