"""Global search: its page, and for HTMX the options below a field while somebody types."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from leadcrm.workspaces.pages import PageRequest, show, wants_fragment
from leads.global_search import search_everything
from leads.searching import LONGEST

ON_PAGE, BELOW_FIELD = 20, 5  # rows of each kind


@require_safe
def search_page(request: PageRequest) -> HttpResponse:
    """Leads, people and companies that a text finds.

    For HTMX the options alone, with ids that begin with the id of the list they are put in.
    """
    query = request.GET.get("q", "").strip()[:LONGEST]
    as_options = wants_fragment(request) and (request.htmx.target or "").endswith("-list")
    each = BELOW_FIELD if as_options else ON_PAGE
    found = search_everything(request.membership, query, request.workspace.country, each)
    context = {"q": query, "found": found, "list": request.htmx.target}
    template = "leads/_found_options.html" if as_options else "leads/search.html"
    return show(request, template, context)
