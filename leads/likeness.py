"""What people have in common who may be the same: plain names, and keys that are worth comparing by.

Pure. Two people are compared only where they share a blocking key; how alike they are is then
measured by the trigrams of their plain names (`leads.finding`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from leads import identity

# Forms of companies and words that some write and others leave out.
LEGAL = frozenset(
    """
    inc incorporated llc llp lp ltd limited corp corporation co company plc gmbh ag kg ohg ug mbh se
    sa sas sarl srl spa bv nv oy oyj ab as asa aps sl sro zoo pty pte the and und group holding
    """.split()  # noqa: SIM905
)
ROLE_MAILBOXES = frozenset(
    """
    info office mail contact kontakt sales hello admin support service team post enquiries inquiries
    noreply reception accounts billing marketing hr jobs buero anfrage
    """.split()  # noqa: SIM905
)
SHORTEST_MAILBOX = 5  # of a mailbox that says something without its domain
LAST_DIGITS = 8  # which one number has in all its spellings
FIRST_OF_COMPANY = 4
SPECIAL = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})
WORD = re.compile(r"[^\W_]+")

EMAIL, MAILBOX, DOMAIN = "email", "mailbox", "domain"
PHONE, NUMBER, NAME, FIRM = "phone", "number", "name", "firm"


@dataclass(frozen=True, slots=True)
class Likeness:
    """A person as others are compared with them; `keys` are pairs of a kind and a hash."""

    name: str
    company: str
    keys: frozenset[tuple[str, int]]


def likeness_of(
    name: str, company: str = "", emails: Iterable[str] = (), phones: Iterable[str] = ()
) -> Likeness:
    """How a person is compared.

    Args:
        name: The person's whole name.
        company: Their company.
        emails: Canonical addresses.
        phones: Numbers in E.164.
    """
    plain, firm = plain_name(name), plain_company(company)
    words = plain.split()
    same = " ".join(sorted(words)) if len(words) > 1 else ""
    found: set[tuple[str, str]] = set()
    for email in emails:
        found |= _email_keys(email, words)
    for phone in phones:
        found |= {(PHONE, phone), (NUMBER, phone[-LAST_DIGITS:])}
    if firm and same:
        initials = "".join(sorted((words[0][0], words[-1][0])))
        found |= {(NAME, f"{same}|{firm[:FIRST_OF_COMPANY]}"), (FIRM, f"{firm}|{initials}")}
    return Likeness(plain[:200], firm[:300], frozenset((kind, _hash(kind, k)) for kind, k in found))


def plain_name(name: str) -> str:
    """A name in lower case without accents, titles, suffixes and punctuation."""
    words = _words(name[: identity.NAME_INPUT])
    kept = [word for word in words if word not in identity.TITLES | identity.SUFFIXES]
    return " ".join(kept or words)


def plain_company(company: str) -> str:
    """A company's name likewise, without its legal form."""
    words = _words(company[: identity.NAME_INPUT])
    return " ".join([word for word in words if word not in LEGAL] or words)


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text).casefold().translate(SPECIAL)
    plain = "".join(one for one in folded if not unicodedata.combining(one))
    return WORD.findall(plain.replace("'", "").replace("\u2019", ""))


def _email_keys(email: str, words: list[str]) -> set[tuple[str, str]]:
    local, _, domain = email.rpartition("@")
    base = local.partition("+")[0] or local
    mailbox = base.replace(".", "").replace("_", "").replace("-", "")
    if domain in identity.GMAIL_DOMAINS:
        base, domain = base.replace(".", ""), "gmail.com"
    keys = {(EMAIL, f"{base}@{domain}")}
    if _is_own(domain):
        keys.add((DOMAIN, domain))
    if len(mailbox) < SHORTEST_MAILBOX or mailbox in ROLE_MAILBOXES:
        return keys
    keys.add((MAILBOX, f"{mailbox}@{_skeleton(domain)}"))
    if not _spells(mailbox, words):
        keys.add((MAILBOX, mailbox))
    return keys


def _spells(mailbox: str, words: list[str]) -> bool:
    """Whether a mailbox is nothing but the name: many of that name have one, at some provider."""
    rest = mailbox
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "", 1) if word in rest else rest.replace(word[0], "", 1)
    return len(rest) < 2


@lru_cache(maxsize=4096)
def _skeleton(domain: str) -> str:
    """What is left of a domain by slips: gmail.com, gmial.com and gmal.con have the same."""
    name = domain.split(".", maxsplit=1)[0]
    return name[:1] + "".join(sorted(set(name[1:]) - set("aeiouy")))


@lru_cache(maxsize=4096)
def _is_own(domain: str) -> bool:
    """Whether a domain isn't one of those at which anybody has a mailbox."""
    return identity.canonical_domain(domain, business_only=True) is not None


def _hash(kind: str, text: str) -> int:
    digest = blake2b(f"{kind}:{text}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
