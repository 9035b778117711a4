"""The sites that may use a form, as browsers name them: scheme, host and port. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

MOST_SITES = 50
LONGEST_SITE = 253
STANDARD_PORTS = {"http": 80, "https": 443}
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


class NotASite(ValueError):
    """What was given names no site; the message quotes it."""


def read_sites(lines: Iterable[str]) -> list[str]:
    """Each line's origin, once each, in the order given; empty lines are left out.

    Raises:
        NotASite: naming the first line that is none.
    """
    sites = list(dict.fromkeys(read_site(line) for line in lines if line.strip()))
    if len(sites) > MOST_SITES:
        raise NotASite(f"At most {MOST_SITES} sites.")
    return sites


def read_site(text: str) -> str:
    """The origin of a site's address: `www.Example.com/contact` is `https://www.example.com`.

    Raises:
        NotASite: saying what is wrong with it.
    """
    given = text.strip()
    address = given if "://" in given else f"https://{given}"
    if "*" in given:
        raise NotASite(f"“{given:.80}”: name each site by itself, without *.")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise _no_site(given) from None
    if parts.scheme not in STANDARD_PORTS or any(one.isspace() for one in given):
        raise _no_site(given)
    if parts.username is not None or parts.password is not None:
        raise NotASite(f"“{given:.80}”: leave out the user name and password.")
    shown = "" if port in (None, STANDARD_PORTS[parts.scheme]) else f":{port}"
    origin = f"{parts.scheme}://{_host(parts, given)}{shown}"
    if len(origin) > LONGEST_SITE:
        raise _no_site(given)
    return origin


def _host(parts: SplitResult, given: str) -> str:
    """The host in the form that browsers send: ASCII, in lower case."""
    host = (parts.hostname or "").rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return f"[{address}]" if address.version == 6 else str(address)
    try:
        ascii_host = host.encode("idna").decode("ascii")
    except UnicodeError:
        raise _no_site(given) from None
    labels = ascii_host.split(".")
    if not all(LABEL.fullmatch(one) for one in labels) or (
        len(labels) == 1 and ascii_host != "localhost"
    ):
        raise _no_site(given)
    return ascii_host


def _no_site(given: str) -> NotASite:
    return NotASite(f"“{given:.80}” is not the address of a site, such as https://www.example.com.")
