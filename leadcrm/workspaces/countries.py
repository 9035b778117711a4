"""The names of countries by their two-letter codes."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

# Country calling codes exist for these, ISO 3166 has no code of its own for them.
BESIDE_ISO = {"XK": "Kosovo"}


@cache
def country_names() -> dict[str, str]:
    """Code to name, by name. Source: the table that the time zone data brings along."""
    table = (files("tzdata.zoneinfo") / "iso3166.tab").read_text("utf-8")
    found = dict(BESIDE_ISO)
    for line in table.splitlines():
        if not line.startswith("#"):
            code, name = line.split("\t")
            found[code] = name
    return dict(sorted(found.items(), key=lambda pair: pair[1]))
