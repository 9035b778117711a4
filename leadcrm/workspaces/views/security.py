"""Account settings: the second factor, and where one is signed in."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadcrm.workspaces import confirming, second_factor, signed_in
from leadcrm.workspaces.access import NOT_FOUND, NotAllowed, require
from leadcrm.workspaces.detours import way_on
from leadcrm.workspaces.forms import CodeForm, PasswordForm
from leadcrm.workspaces.models import Membership, RecoveryCode
from leadcrm.workspaces.pages import PageRequest, show
from leadcrm.workspaces.sign_in_guard import GIVEN, lacks_code

NONCE = "second_factor_nonce"  # in the session, until a code shows that the app has it


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor, once the password was right."""
    if not request.user.is_authenticated:
        return redirect("sign-in")
    back = way_on(request)
    if not lacks_code(request):
        return redirect(back)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            second_factor.check(request.user, form.cleaned_data["code"], timezone.now())
        except second_factor.CodeRefused as refusal:
            form.add_error("code", refusal.message)
        else:
            request.session[GIVEN] = True
            return redirect(back)
    status = 422 if form.is_bound else 200
    context = {"form": form, "next": back}
    return render(request, "registration/sign_in_code.html", context, status=status)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for the password once more; wrong ones count like those of a sign-in."""
    if not request.user.is_authenticated:
        return redirect("sign-in")
    back = way_on(request)
    form = PasswordForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        confirming.confirm(request, timezone.now())
        return redirect(back)
    status = 422 if form.is_bound else 200
    context = {"form": form, "next": back}
    return render(request, "registration/confirm.html", context, status=status)


@require_safe
def second_factor_page(request: PageRequest) -> HttpResponse:
    return _page(request)


@sensitive_post_parameters("code")
@require_POST
def switch_on(request: PageRequest) -> HttpResponse:
    """Switch the second factor on, and show the recovery codes, this once."""
    form = CodeForm(request.POST)
    nonce = request.session.get(NONCE)
    if request.user.second_factor_at is not None or nonce is None:
        return redirect("second-factor", request.workspace.slug)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        codes = second_factor.enable(request.user, nonce, form.cleaned_data["code"], timezone.now())
    except second_factor.CodeRefused as refusal:
        form.add_error("code", refusal.message)
        return _page(request, form, status=422)
    del request.session[NONCE]
    request.session[GIVEN] = True
    return _page(request, codes=codes)


@sensitive_post_parameters("password")
@require_POST
def switch_off(request: PageRequest) -> HttpResponse:
    form = PasswordForm(request.POST, request=request)
    if not form.is_valid():
        return _page(request, password=form, status=422)
    if request.workspace.requires_second_factor:
        messages.error(request, "This workspace asks everybody for a second factor.")
    else:
        second_factor.disable(request.user)
        messages.success(request, "Your second factor is switched off.")
    return redirect("second-factor", request.workspace.slug)


@sensitive_post_parameters("password")
@require_POST
def renew_codes(request: PageRequest) -> HttpResponse:
    """New recovery codes in place of the earlier ones."""
    form = PasswordForm(request.POST, request=request)
    if request.user.second_factor_at is None or not form.is_valid():
        return _page(request, password=form, status=422)
    return _page(request, codes=second_factor.new_recovery_codes(request.user))


@require_POST
def reset_member(request: PageRequest, member_id: uuid.UUID) -> HttpResponse:
    """Switch a member's second factor off, who has lost the phone."""
    require(request.membership, "users")
    member = Membership.objects.select_related("user").filter(pk=member_id).first()
    if member is None:
        raise Http404(NOT_FOUND)
    try:
        second_factor.reset(member, by=request.membership)
    except NotAllowed as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"{member.name} signs in without a second factor now.")
    return redirect("members", request.workspace.slug)


@require_safe
def sessions(request: PageRequest) -> HttpResponse:
    rows = signed_in.sessions_of(request.user, timezone.now())
    context = {"rows": rows, "here": request.session.session_key}
    return show(request, "settings/sessions.html", context)


@require_POST
def end_session(request: PageRequest) -> HttpResponse:
    ended = signed_in.sign_out(request.user, request.POST.get("session", ""))
    messages.success(request, "Signed out there." if ended else "That session is over already.")
    return redirect("sessions", request.workspace.slug)


@require_POST
def end_other_sessions(request: PageRequest) -> HttpResponse:
    count = signed_in.sign_out_others(request.user, request.session.session_key)
    messages.success(request, f"Signed out in {count} other places.")
    return redirect("sessions", request.workspace.slug)


def _page(
    request: PageRequest,
    form: CodeForm | None = None,
    *,
    password: PasswordForm | None = None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    user = request.user
    context |= {
        "form": form or CodeForm(),
        "password_form": password or PasswordForm(request=request),
    }
    if user.second_factor_at is None:
        nonce = request.session.setdefault(NONCE, second_factor.new_nonce())
        context["picture"] = second_factor.picture_of(user, nonce)
        context["secret"] = second_factor.as_text(second_factor.secret_of(user, nonce))
    else:
        context["left"] = RecoveryCode.objects.filter(user=user, used_at=None).count()
    response = show(request, "settings/second_factor.html", context, status=status)
    response["Cache-Control"] = "private, no-store"
    return response
