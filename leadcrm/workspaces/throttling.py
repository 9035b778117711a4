"""How many requests a token or member may make."""

from __future__ import annotations

import math
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class MembershipThrottle(BaseThrottle):
    """Counts requests per token, or per member in the browser, in fixed windows.

    While the cache is down everything is let through: limits protect, they don't decide.
    """

    scope = "membership"
    waits: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        caller = request.auth or getattr(request, "membership", None)
        if caller is None:
            return True
        limit, seconds = rate_of(_rates()[self.scope])
        now = time.time()
        window = math.floor(now / seconds)
        self.waits = (window + 1) * seconds - now
        return _count(f"api-rate:{caller.pk}:{window}", seconds) <= limit

    def wait(self) -> float | None:
        return self.waits


def _rates() -> dict[str, str]:
    found: Any = settings.REST_FRAMEWORK
    rates: dict[str, str] = found["DEFAULT_THROTTLE_RATES"]
    return rates


def rate_of(text: str) -> tuple[int, int]:
    """Requests and seconds of a rate such as `1200/min`."""
    number, _, period = text.partition("/")
    return int(number), SECONDS[period[0]]


def _count(key: str, seconds: int) -> int:
    cache.add(key, 0, timeout=seconds)
    try:
        return int(cache.incr(key))
    except ValueError:  # it ran out, or was flushed, in between
        return 1
