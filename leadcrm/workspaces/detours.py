"""Pages that are shown first and lead back: for a code, for the password once more."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode


def send_to(request: HttpRequest, page: str) -> HttpResponse:
    """Show a page first, that leads back to where the request came from."""
    fragment = request.headers.get("HX-Request") == "true"
    if fragment:
        back = request.headers.get("HX-Current-URL", "/")
    else:  # what was sent can't be sent again by a link
        is_read = request.method in ("GET", "HEAD")
        back = request.get_full_path() if is_read else request.headers.get("Referer", "/")
    address = f"{reverse(page)}?{urlencode({'next': back})}"
    if fragment:  # a fragment can't show the page in its place: tell HTMX to load it whole
        response = HttpResponse(status=204)
        response["HX-Redirect"] = address
        return response
    return redirect(address)


def way_on(request: HttpRequest) -> str:
    """Where such a page leads to: an address of ours that it was given, or home."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else resolve_url("home")
