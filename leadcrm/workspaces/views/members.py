"""Settings: who works here, and who is invited."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from leadcrm.workspaces.access import NOT_FOUND, NotAllowed, require
from leadcrm.workspaces.confirming import password_again
from leadcrm.workspaces.forms import InviteForm, MemberForm, member_form
from leadcrm.workspaces.members import change_member, invite, withdraw_invitation
from leadcrm.workspaces.models import Invitation, Membership, Role
from leadcrm.workspaces.pages import PageRequest, show


@require_safe
def members(request: PageRequest) -> HttpResponse:
    require(request.membership, "users")
    return _page(request, InviteForm())


@password_again()
@require_POST
def invite_member(request: PageRequest) -> HttpResponse:
    """Create an invitation and show its link, this once."""
    require(request.membership, "users")
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        invitation, secret = invite(by=request.membership, now=timezone.now(), **form.cleaned_data)
    except NotAllowed as refusal:
        form.add_error("role", refusal.message)
        return _page(request, form, status=422)
    link = request.build_absolute_uri(reverse("join", args=[secret]))
    return _page(request, InviteForm(), link=link, invited=invitation.email)


@require_POST
def withdraw(request: PageRequest, invitation_id: uuid.UUID) -> HttpResponse:
    require(request.membership, "users")
    invitation = Invitation.objects.filter(pk=invitation_id, accepted_at=None).first()
    if invitation is None:
        raise Http404(NOT_FOUND)
    withdraw_invitation(invitation, by=request.membership, now=timezone.now())
    messages.success(request, f"The invitation of {invitation.email} is withdrawn.")
    return redirect("members", request.workspace.slug)


@password_again()
@require_POST
def edit_member(request: PageRequest, member_id: uuid.UUID) -> HttpResponse:
    """Change role, team and location."""
    require(request.membership, "users")
    member = _access_member(member_id)
    form = member_form(member, request.POST)
    if form.is_valid():
        return _change(request, member, form, dict(form.cleaned_data), f"{member.name} is changed.")
    return _page(request, InviteForm(), status=422, broken=(member, form))


@require_POST
def deactivate_member(request: PageRequest, member_id: uuid.UUID) -> HttpResponse:
    require(request.membership, "users")
    member = _access_member(member_id)
    form = member_form(member)
    said = f"{member.name} is deactivated. Hand over what they have."
    response = _change(request, member, form, {"is_active": False}, said)
    member.refresh_from_db(fields=["is_active"])
    return response if member.is_active else redirect("hand-overs", request.workspace.slug)


@require_POST
def activate_member(request: PageRequest, member_id: uuid.UUID) -> HttpResponse:
    require(request.membership, "users")
    member = _access_member(member_id)
    return _change(
        request, member, member_form(member), {"is_active": True}, f"{member.name} is active again."
    )


def _change(
    request: PageRequest, member: Membership, form: MemberForm, changes: dict[str, Any], said: str
) -> HttpResponse:
    try:
        change_member(member, by=request.membership, **changes)
    except NotAllowed as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, said)
    return redirect("members", request.workspace.slug)


def _access_member(member_id: uuid.UUID) -> Membership:
    member: Membership | None = Membership.objects.filter(pk=member_id).first()
    if member is None:
        raise Http404(NOT_FOUND)
    return member


def _page(
    request: PageRequest,
    form: InviteForm,
    *,
    status: int = 200,
    broken: tuple[Membership, MemberForm] | None = None,
    **context: Any,
) -> HttpResponse:
    rows = Membership.objects.select_related("user", "team").order_by("-is_active", "name")
    forms = {broken[0].pk: broken[1]} if broken else {}
    found = [(row, forms.get(row.pk) or member_form(row)) for row in rows]
    _share_choices([member_form for _, member_form in found] + [form])
    if request.membership.role != Role.OWNER:
        form.fields["role"].choices = [c for c in Role.choices if c[0] != Role.OWNER]  # type: ignore[attr-defined]
    invitations = Invitation.objects.filter(
        accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
    ).select_related("team")
    return show(
        request,
        "settings/members.html",
        {"rows": found, "invitations": invitations, "form": form, **context},
        status=status,
    )


def _share_choices(forms: list[Any]) -> None:
    """Read teams and locations once for all rows of the page."""
    for name in ("team", "location"):
        fields = [form.fields[name] for form in forms if name in form.fields]
        choices = list(fields[0].choices) if fields else []
        for field in fields:
            field.widget.choices = choices
