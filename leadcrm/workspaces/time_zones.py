"""The names of time zones."""

from __future__ import annotations

import zoneinfo
from functools import cache


@cache
def time_zone_names() -> frozenset[str]:
    """All that are known. The standard library reads them from disk at every call."""
    return frozenset(zoneinfo.available_timezones())
