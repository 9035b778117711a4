"""The website of the demo's company, with its form embedded by the one line that anybody pastes.

It is there to try leadcrm out: only on a machine of one's own, and only beside a demo workspace.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from integrations.web_form import embed
from leadcrm.demo import story
from leadcrm.workspaces.models import Role
from leadcrm.workspaces.scoping import all_workspaces
from leads.models import Source, SourceKind


@require_safe
def demo_site(request: HttpRequest) -> HttpResponse:
    """The page of a foreign site: it knows nothing of who is signed in here."""
    form = find_website_form()
    if form is None:
        raise Http404("There is no demo workspace. `make demo` makes one.")
    page = render_to_string(
        "demo/site.html",
        {
            "snippet": embed.snippet(form, request.build_absolute_uri("/")),
            "workspace": story.SLUG,
            "rep": next(login for login in story.LOGINS if login.role == Role.REP),
            "password": story.PASSWORD,
        },
    )
    response = HttpResponse(page)
    response["Cache-Control"] = "no-store"
    return response


def find_website_form() -> Source | None:
    """The demo's first website form that is switched on."""
    with all_workspaces():
        found: Source | None = (
            Source.objects.filter(
                workspace__slug=story.SLUG, kind=SourceKind.WEBSITE_FORM, is_active=True
            )
            .order_by("created_at", "id")
            .first()
        )
    return found
