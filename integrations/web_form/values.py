"""Reads one answer as a lead field, where it can be one. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import phonenumbers

from leadcrm.workspaces.time_zones import time_zone_names
from leads import identity

# The columns that are shorter than what people write into forms.
LONGEST = {"display_name": 200, "first_name": 100, "last_name": 100, "phone": 64, "job_title": 200,
           "company_name": 300, "state": 100, "timeline": 500, "message": 50_000}  # fmt: skip
MOST_MONEY = Decimal(10) ** 11
AMOUNT = re.compile(
    r"([$€£]|[A-Z]{3})?\s?(\d{1,3}(?:[, ]\d{3})+|\d{1,11})(\.\d{1,2})?\s?([$€£]|[A-Z]{3})?"
)
SYMBOLS = {"$": "", "€": "EUR", "£": "GBP"}  # a dollar may be anybody's
CURRENCIES = frozenset(
    """
    USD EUR GBP CHF CAD AUD NZD SEK NOK DKK PLN CZK JPY INR BRL MXN ZAR
    """.split()  # noqa: SIM905
)

COUNTRIES = {
    "united states": "US", "united states of america": "US", "usa": "US", "america": "US",
    "united kingdom": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "uk": "GB",
    "canada": "CA", "australia": "AU", "new zealand": "NZ", "ireland": "IE", "germany": "DE",
    "deutschland": "DE", "austria": "AT", "österreich": "AT", "switzerland": "CH", "schweiz": "CH",
    "france": "FR", "spain": "ES", "españa": "ES", "italy": "IT", "italia": "IT", "portugal": "PT",
    "netherlands": "NL", "belgium": "BE", "luxembourg": "LU", "denmark": "DK", "sweden": "SE",
    "norway": "NO", "finland": "FI", "poland": "PL", "czech republic": "CZ", "czechia": "CZ",
    "mexico": "MX", "méxico": "MX", "brazil": "BR", "brasil": "BR", "argentina": "AR", "india": "IN",
    "south africa": "ZA", "japan": "JP", "china": "CN", "singapore": "SG",
    "united arab emirates": "AE", "uae": "AE", "israel": "IL", "türkiye": "TR", "turkey": "TR",
}  # fmt: skip


def understood(field: str, text: str) -> tuple[dict[str, Any], bool]:
    """The lead's values that a text gives as this field, and whether they say all that it says.

    Where they don't, the text is to be kept as an answer too.
    """
    reader = READERS.get(field)
    values = reader(text.strip()) if reader else {field: text.strip()}
    return values, bool(values) and _is_whole(field, text.strip())


def _is_whole(field: str, text: str) -> bool:
    if field == "email":
        return identity.canonical_email(text) is not None
    return len(text) <= LONGEST.get(field, len(text))


def _country(text: str) -> dict[str, Any]:
    code = COUNTRIES.get(text.lower(), text.upper())
    return {"country": code} if code in phonenumbers.SUPPORTED_REGIONS else {}


def _budget(text: str) -> dict[str, Any]:
    """A plain amount; a range or a sentence stays an answer."""
    found = AMOUNT.fullmatch(text)
    if not found:
        return {}
    before, whole, cents, after = found.groups()
    named = before or after or ""
    currency = SYMBOLS.get(named, named)
    amount = Decimal(re.sub(r"\D", "", whole) + (cents or ""))
    if amount >= MOST_MONEY or (currency and currency not in CURRENCIES):
        return {}
    return {"budget": amount, **({"budget_currency": currency} if currency else {})}


def _time_zone(text: str) -> dict[str, Any]:
    return {"time_zone": text} if text in time_zone_names() else {}


READERS = {
    "country": _country,
    "budget": _budget,
    "time_zone": _time_zone,
}
