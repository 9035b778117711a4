"""Settings: the user's own name, time zone, theme and password."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from leadcrm.workspaces import signed_in
from leadcrm.workspaces.forms import ChangePasswordForm, ProfileForm
from leadcrm.workspaces.pages import PageRequest, show


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: PageRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("profile", request.workspace.slug)
    status = 422 if form.errors else 200
    return show(request, "settings/profile.html", {"form": form}, status=status)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: PageRequest) -> HttpResponse:
    """Other sessions of the user end; this one goes on."""
    form = ChangePasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        known_as = request.session.session_key
        update_session_auth_hash(request, form.save())
        signed_in.keep_alone(request.user, known_as, request.session.session_key)
        messages.success(request, "Your password is changed.")
        return redirect("profile", request.workspace.slug)
    status = 422 if form.errors else 200
    return show(request, "settings/password.html", {"form": form}, status=status)
