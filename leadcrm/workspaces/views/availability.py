"""Who is there: the duty toggle of the top bar, and the absences of a member."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.workspaces.access import NOT_FOUND, require
from leadcrm.workspaces.availability import (
    absences_to_come,
    add_absence,
    remove_absence,
    require_own,
    set_duty,
    today_of,
)
from leadcrm.workspaces.forms import AbsenceForm
from leadcrm.workspaces.models import Absence, Membership
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_toast


@require_POST
def duty(request: PageRequest) -> HttpResponse:
    """Go on or off duty, and stay where one is."""
    require(request.membership, "edit")
    on_duty = request.POST.get("on") == "1"
    set_duty(request.membership, on_duty)
    said = "You are on duty." if on_duty else "You are off duty: no leads come to you by rotation."
    if wants_fragment(request):
        return with_toast(show(request, "components/duty.html", {}), said)
    messages.success(request, said)
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/"):
        return redirect(back)
    return redirect("lead-list", request.workspace.slug)


@require_http_methods(["GET", "HEAD", "POST"])
def absences(request: PageRequest, member_id: uuid.UUID | None = None) -> HttpResponse:
    """The absences of a member to come, one's own where no other is named; and a new one."""
    require(request.membership, "edit" if member_id is None else "users")
    member = _access_member(member_id) if member_id else request.membership
    form = AbsenceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            add_absence(member, by=request.membership, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Saved.")
            return redirect(request.path)
    today = today_of(request.workspace, timezone.now())
    rows = absences_to_come(member, today)
    context = {"member": member, "rows": rows, "form": form, "today": today}
    return show(request, "settings/absences.html", context, status=422 if form.errors else 200)


@require_POST
def end_absence(request: PageRequest, absence_id: uuid.UUID) -> HttpResponse:
    absence = Absence.objects.select_related("membership").filter(pk=absence_id).first()
    if absence is None:
        raise Http404(NOT_FOUND)
    member = absence.membership
    require_own(member, request.membership)
    remove_absence(absence, by=request.membership)
    messages.success(request, "The absence is removed.")
    if member.pk == request.membership.pk:
        return redirect("absences", request.workspace.slug)
    return redirect("member-absences", request.workspace.slug, member.pk)


def _access_member(member_id: uuid.UUID) -> Membership:
    member: Membership | None = Membership.objects.filter(pk=member_id).first()
    if member is None:
        raise Http404(NOT_FOUND)
    return member
