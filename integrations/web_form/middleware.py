"""Keeps the public forms free of cookies."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

PUBLIC_FORMS = "/f/"


class WithoutCookies:
    """Takes the cookies off requests for public forms, before anything looks at them.

    A visitor who happens to be signed in here is a visitor there: no session is read, and the
    page is the same for everybody.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PUBLIC_FORMS):
            request.META.pop("HTTP_COOKIE", None)
        return self.get_response(request)
