"""The public addresses of a website form. Anybody may call them; they only ever take in.

No cookie is read or set: a visitor of a customer's site has no session here. The answer to a
submission is the same for a new person, a known one and suspected spam.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import structlog
from django.db import Error as DatabaseUnavailable
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt

from integrations.web_form import embed, form, stamp
from integrations.web_form.intake import Received, find_form, is_allowed_origin, receive
from integrations.web_form.parse import HONEYPOT
from integrations.web_form.reading import JSON_TYPES, LARGEST_BODY, Unreadable
from leads.models import Source

log = structlog.get_logger(__name__)

View = Callable[..., HttpResponse]
ALLOWED_METHODS = "GET, HEAD, POST, OPTIONS"
PREFLIGHT_SECONDS = "600"
SCRIPT_SECONDS = 300


def public_form(view: View, *, any_origin: bool = False) -> View:
    """Look the form up, keep to its allowed origins, and answer every failure in one shape."""

    def called(request: HttpRequest, key: str) -> HttpResponse:
        try:
            source = find_form(key)
            if source is None:
                response = _refusal(request, 404, "not_found", "There is no such form.")
                response["Access-Control-Allow-Origin"] = "*"
                return response
            origin = request.headers.get("Origin", "")
            if not any_origin and not is_allowed_origin(source, origin, request.get_host()):
                return _refuse_origin(request, origin)
            response = _answer(view, request, source)
        except DatabaseUnavailable as error:
            log.error("form_not_stored", error=type(error).__name__)
            response = _refusal(request, 503, "unavailable", "Try again in a few seconds.")
            response["Retry-After"] = "2"
            return response
        _allow_origin(response, source, origin)
        return response

    return csrf_exempt(called)


def form_view(request: HttpRequest, source: Source) -> HttpResponse:
    """GET shows the hosted page, POST takes a submission in."""
    if request.method == "POST":
        return _submit(request, source)
    if request.method in ("GET", "HEAD"):
        return _hosted_page(request, source)
    return _method_not_allowed(request)


def config_view(request: HttpRequest, source: Source) -> HttpResponse:
    """The fields of the form and a fresh time stamp, for the embed."""
    if request.method not in ("GET", "HEAD"):
        return _method_not_allowed(request)
    response = JsonResponse(form.form_config(source, timezone.now()))
    response["Cache-Control"] = "no-store"
    return response


def script_view(request: HttpRequest, source: Source) -> HttpResponse:
    """The embed script."""
    if request.method not in ("GET", "HEAD"):
        return _method_not_allowed(request)
    response = HttpResponse(embed.script(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={SCRIPT_SECONDS}"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def thanks_view(request: HttpRequest, source: Source) -> HttpResponse:
    """Where the hosted page leads after sending."""
    if request.method not in ("GET", "HEAD"):
        return _method_not_allowed(request)
    message = source.thanks_message or form.DEFAULT_THANKS
    again = embed.preview_path(source, _preview(request, source))
    return _framed(_page("hosted_thanks", message=message, again=again), source)


web_form = xframe_options_exempt(public_form(form_view))
web_form_config = public_form(config_view)
web_form_script = public_form(script_view, any_origin=True)
web_form_thanks = xframe_options_exempt(public_form(thanks_view, any_origin=True))


# --- answers ---------------------------------------------------------------------------------


def _answer(view: View, request: HttpRequest, source: Source) -> HttpResponse:
    if request.method == "OPTIONS":
        return _preflight()
    try:
        return view(request, source)
    except Unreadable as error:
        return _refusal(request, error.status, error.code, error.message, error.field)


def _submit(request: HttpRequest, source: Source) -> HttpResponse:
    submission_id = receive(source, _received(request), timezone.now())
    if _is_page_visit(request):
        return HttpResponseRedirect(_thanks_address(request, source), status=303)
    return JsonResponse({"status": "received", "id": submission_id}, status=202)


def _thanks_address(request: HttpRequest, source: Source) -> str:
    """The site's own thanks page or ours. A trial stays in the preview, which may frame only us."""
    ours = reverse("web-form-thanks", args=[source.public_key])
    if preview := _preview(request, source):
        return f"{ours}?{urlencode({'preview': preview})}"
    return form.thanks_url_of(source) or ours


def _received(request: HttpRequest) -> Received:
    return Received(
        body=_body(request),
        content_type=request.META.get("CONTENT_TYPE", ""),
        query=request.META.get("QUERY_STRING", ""),
        idempotency_key=request.headers.get("Idempotency-Key", ""),
        headers={
            "origin": request.headers.get("Origin", ""),
            "referer": request.headers.get("Referer", ""),
            "user_agent": request.headers.get("User-Agent", ""),
            "ip": request.META.get("REMOTE_ADDR", ""),
            "forwarded_for": request.headers.get("X-Forwarded-For", ""),
        },
    )


def _body(request: HttpRequest) -> bytes:
    """The body as sent; one that is too large is refused before it is read."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unreadable(415, "content_encoding", "Send the body uncompressed.")
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and request.headers.get("Transfer-Encoding"):
        raise Unreadable(411, "length_required", "Send a Content-Length header.")
    if length.isdecimal() and int(length) > LARGEST_BODY:
        raise Unreadable(413, "too_large", f"A submission has at most {LARGEST_BODY // 1024} KB.")
    try:
        return request.body
    except (UnreadablePostError, RawPostDataException):
        raise Unreadable(400, "incomplete", "The body ended early.") from None


def _is_page_visit(request: HttpRequest) -> bool:
    """Whether a browser itself sent the form and shows what we answer."""
    return _wants_page(request) and not request.META.get("CONTENT_TYPE", "").startswith(JSON_TYPES)


def _wants_page(request: HttpRequest) -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _hosted_page(request: HttpRequest, source: Source) -> HttpResponse:
    now, preview = timezone.now(), _preview(request, source)
    own = request.path if preview else request.get_full_path()
    return _framed(
        _page(
            "hosted_form",
            title=form.title_of(source),
            fields=form.fields_of(source),
            action=embed.preview_path(source, preview)
            or reverse("web-form", args=[source.public_key]),
            script=reverse("web-form-script", args=[source.public_key]),
            honeypot=HONEYPOT,
            is_test=bool(preview),
            render_token=stamp.sign(source.public_key, now, is_test=bool(preview)),
            submission_id=uuid.uuid4(),
            page_url=request.build_absolute_uri(own)[:2000],
            referrer="" if preview else request.headers.get("Referer", "")[:2000],
        ),
        source,
    )


def _preview(request: HttpRequest, source: Source) -> str:
    """The token of somebody who tries the form out from the settings; nothing for a visitor."""
    given = request.GET.get("preview", "")
    shown = stamp.read(given, source.public_key) if given else None
    is_trial = shown and shown.is_test and timezone.now() - shown.shown_at < stamp.STALE
    return given if is_trial else ""


def _page(name: str, *, status: int = 200, **facts: Any) -> HttpResponse:
    """A page without a request's context: no session, no user, no messages."""
    response = HttpResponse(render_to_string(f"integrations/{name}.html", facts), status=status)
    response["Cache-Control"] = "no-store"
    return response


def _framed(response: HttpResponse, source: Source) -> HttpResponse:
    response._csp_replace = form.framing_policy(source)  # type: ignore[attr-defined]
    return response


def _preflight() -> HttpResponse:
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = ALLOWED_METHODS
    response["Access-Control-Allow-Headers"] = "Content-Type, Idempotency-Key"
    response["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    return response


def _allow_origin(response: HttpResponse, source: Source, origin: str) -> None:
    """Without credentials, so that no cookie of ours is ever of use to another site."""
    if not source.allowed_origins:
        response["Access-Control-Allow-Origin"] = "*"
        return
    response["Vary"] = "Origin"
    if origin:
        response["Access-Control-Allow-Origin"] = origin


def _refuse_origin(request: HttpRequest, origin: str) -> HttpResponse:
    message = f"The site {origin[:253]} may not use this form. Add it to the form's allowed sites."
    response = _refusal(request, 403, "origin", message)
    response["Vary"] = "Origin"
    return response


def _method_not_allowed(request: HttpRequest) -> HttpResponse:
    response = _refusal(request, 405, "method_not_allowed", "This address doesn't take that.")
    response["Allow"] = ALLOWED_METHODS
    return response


def _refusal(
    request: HttpRequest, status: int, code: str, message: str, field: str = ""
) -> HttpResponse:
    """A page for a browser that shows what we answer, else the shape of the API's errors."""
    if _wants_page(request) and request.method in ("GET", "HEAD", "POST"):
        return _page("form_refused", status=status, message=message)
    fields = {field: [message]} if field else {}
    error = {"code": code, "message": message, "fields": fields}
    return JsonResponse({"error": error}, status=status)
