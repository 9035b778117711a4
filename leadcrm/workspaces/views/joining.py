"""The page of an invitation link."""

from __future__ import annotations

from django.contrib.auth import login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from leadcrm.workspaces.forms import JoinForm
from leadcrm.workspaces.members import InvitationUnusable, find_invitation, join
from leadcrm.workspaces.models import Invitation, Membership, User

BACKEND = "django.contrib.auth.backends.ModelBackend"


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join_workspace(request: HttpRequest, secret: str) -> HttpResponse:
    """Join as the signed-in user, or with a new account."""
    invitation = find_invitation(secret, timezone.now())
    if invitation is None:
        return _unusable(request)
    try:
        return _join(request, secret, invitation)
    except InvitationUnusable:  # somebody used it meanwhile
        return _unusable(request)


def _join(request: HttpRequest, secret: str, invitation: Invitation) -> HttpResponse:
    if request.method != "POST":
        form = JoinForm(initial={"email": invitation.email})
        return _page(request, invitation, form)
    if request.user.is_authenticated:
        membership = join(secret=secret, user=request.user, now=timezone.now())
        return _welcome(membership, invitation)
    form = JoinForm(request.POST)
    if not form.is_valid():
        return _page(request, invitation, form, status=422)
    user, membership = _sign_up(form, secret)
    login(request, user, backend=BACKEND)
    return _welcome(membership, invitation)


def _sign_up(form: JoinForm, secret: str) -> tuple[User, Membership]:
    values = form.cleaned_data
    with transaction.atomic():
        user = User.objects.create_user(values["email"], values["password"], name=values["name"])
        return user, join(secret=secret, user=user, now=timezone.now())


def _welcome(membership: Membership, invitation: Invitation) -> HttpResponse:
    return redirect("lead-list", invitation.workspace.slug)


def _page(
    request: HttpRequest, invitation: Invitation, form: JoinForm, status: int = 200
) -> HttpResponse:
    context = {"invitation": invitation, "form": form}
    return render(request, "registration/join.html", context, status=status)


def _unusable(request: HttpRequest) -> HttpResponse:
    return render(request, "registration/invitation_unusable.html", status=410)
