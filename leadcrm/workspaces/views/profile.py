"""Settings: the user's own name, time zone, theme and password."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.workspaces import signed_in
from leadcrm.workspaces.forms import ChangePasswordForm, ProfileForm
from leadcrm.workspaces.models import User
from leadcrm.workspaces.models.user import THEMES
from leadcrm.workspaces.pages import PageRequest, show, wants_fragment, with_events


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: PageRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("profile", request.workspace.slug)
    status = 422 if form.errors else 200
    return show(request, "settings/profile.html", {"form": form}, status=status)


@require_POST
def choose_theme(request: PageRequest) -> HttpResponse:
    """Keep light, dark or the system's choice, without leaving the page that asks."""
    theme = request.POST.get("theme", "")
    if theme not in dict(THEMES):
        return HttpResponseBadRequest("No such theme.", content_type="text/plain")
    User.objects.filter(pk=request.user.pk).update(theme=theme)
    if wants_fragment(request):
        return with_events(HttpResponse(status=204), theme={"theme": theme})
    return redirect("profile", request.workspace.slug)


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
