"""The people who enquire and the companies that they enquire for: made up, at reserved domains."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.utils.text import slugify

from leadcrm.demo.volume import words
from leadcrm.demo.volume.copying import NULL, Table, escaped, stamp
from leads.models import Company, Contact, ContactKey

COMPANIES = 0.06  # for each lead
RARE = 0.004  # people whose last name nobody else has
AREAS = [(state, area) for state, areas in words.STATES.items() for area in areas.split()]
LAST_NAMES = (
    *words.LAST_NAMES,
    *(start + end for end in words.LAST_ENDS for start in words.LAST_STARTS),
)
SLUGS = {name: slugify(name).replace("-", "") for name in (*words.FIRST_NAMES, *LAST_NAMES)}


# What each row gives, in this order.
CONTACT = (
    "id display_name first_name last_name email phone company company_name job_title state country"
    " stage created_at archived_at merged_into"
)
KEY = "id kind value contact shared do_not_contact_at do_not_contact_note created_at"
COMPANY = "id name domain state country enrollment created_at"
# How people write an address and a number, each with the share of those who do.
LOCAL_PARTS = (
    (0.45, "{given}.{family}"),
    (0.20, "{given}{family}"),
    (0.15, "{initial}.{family}"),
    (0.20, "{given}_{family}{number}"),
)
TYPED = (
    (0.35, "({area}) {middle}-{line}"),
    (0.25, "{area}-{middle}-{line}"),
    (0.20, "{area}{middle}{line}"),
    (0.10, "+1 {area} {middle} {line}"),
    (0.10, "1.{area}.{middle}.{line}"),
)


@dataclass(slots=True)
class Employer:
    id: str
    name: str
    domain: str


@dataclass(slots=True)
class Person:
    """What is known about somebody; the names of the fields are those of a lead."""

    id: str
    first_name: str
    last_name: str
    display_name: str
    email: str
    phone: str
    phone_raw: str
    state: str
    country: str
    employer: Employer | None
    company_name: str
    job_title: str
    created: float
    has_phone: bool  # the number names them, not somebody before them
    shared: bool = False
    stage: str = "lead"
    unwanted_at: float | None = None
    unwanted_note: str = ""


class Population:
    """Makes people one after the other; the same dice make the same ones."""

    def __init__(
        self, workspace_id: object, leads: int, dice: random.Random, new_id: Callable[[float], str]
    ) -> None:
        self.dice, self.new_id = dice, new_id
        self.addresses: set[str] = set()
        self.numbers = 0
        self.abroad = dict.fromkeys((block[0] for block in words.FICTION), 0)
        self.lines: list[str] = []  # numbers that several people use
        self.most_companies = max(5, int(leads * COMPANIES))
        self.employers: dict[int, Employer] = {}
        self.contacts = Table(Contact, CONTACT, workspace=workspace_id)
        self.keys = Table(ContactKey, KEY, workspace=workspace_id)
        self.companies = Table(Company, COMPANY, workspace=workspace_id)
        self.tables = (self.companies, self.contacts, self.keys)

    def person(self, at: float) -> Person:
        """Somebody new."""
        rand = self.dice.random
        first, last = self._names()
        chance = rand()
        country = "" if chance < 0.93 else "AU" if chance < 0.97 else "FR"
        employer = self._employer(at) if rand() < 0.30 else None
        email = "" if (way := rand()) < 0.05 else self._address(first, last, employer)
        state = phone = raw = ""
        has_phone, shared = False, False
        if not email or way < 0.90:
            state, phone, raw = self._number(country)
            has_phone = bool(phone)
        if email and phone and not country:
            if self.lines and rand() < 0.03:
                phone = self._line()
                raw, has_phone = phone[2:], False
            elif rand() < 0.01:
                self.lines.append(phone)
                shared = True
        name = f"{first} {last}"
        if email and rand() < 0.02:
            first = last = ""
            name = email
        return Person(
            self.new_id(at), first, last, name, email, phone, raw, state, country, employer,
            employer.name if employer else "",
            self.dice.choice(words.TITLES) if employer and rand() < 0.6 else "",
            at, has_phone, shared,
        )  # fmt: skip

    def same_again(self, person: Person, at: float) -> Person:
        """The person under another address, as somebody who isn't recognised."""
        email = self._address(person.first_name or "me", person.last_name or "again", None)
        return replace(
            person, id=self.new_id(at), email=email, created=at, has_phone=False, shared=False,
            stage="lead", unwanted_at=None, unwanted_note="",
        )  # fmt: skip

    def keep(self, person: Person, at: float, merged_into: Person | None = None) -> list[str]:
        """Write down what became of somebody, and the keys that name them; returns their ids."""
        employer = person.employer
        self.contacts.add(
            person.created,
            person.id,
            person.display_name,
            person.first_name,
            person.last_name,
            person.email,
            person.phone,
            employer.id if employer else NULL,
            person.company_name,
            person.job_title,
            person.state,
            person.country,
            person.stage,
            stamp(person.created),
            stamp(at) if merged_into else NULL,
            merged_into.id if merged_into else NULL,
        )
        owner, keys = merged_into or person, []
        if person.email:
            keys.append(self._key("email", person.email, person, owner, shared=False))
        if person.has_phone:
            keys.append(self._key("phone", person.phone, person, owner, shared=person.shared))
        return keys

    def _key(self, kind: str, value: str, person: Person, owner: Person, *, shared: bool) -> str:
        key = self.new_id(person.created)
        self.keys.add(
            person.created,
            key,
            kind,
            value,
            owner.id,
            "t" if shared else "f",
            stamp(person.unwanted_at),
            person.unwanted_note,
            stamp(person.created),
        )
        return key

    def _names(self) -> tuple[str, str]:
        """The earlier in the lists, the more common; some last names occur once."""
        rand = self.dice.random
        first = words.FIRST_NAMES[int(len(words.FIRST_NAMES) * rand() ** 1.8)]
        if rand() < RARE:
            last = "".join(self.dice.choices(words.SYLLABLES, k=5)).title()
        else:
            last = LAST_NAMES[int(len(LAST_NAMES) * rand() ** 1.7)]
        return first, last

    def _address(self, first: str, last: str, employer: Employer | None) -> str:
        rand = self.dice.random
        given = SLUGS.get(first) or slugify(first) or "user"
        family = SLUGS.get(last) or slugify(last) or "name"
        if employer and employer.domain and rand() < 0.8:
            domain = employer.domain
        else:
            domain = words.MAILBOXES[int(len(words.MAILBOXES) * rand() ** 2)]
        way = self._drawn(LOCAL_PARTS)
        number = int(rand() * 90) + 10
        local = way.format(given=given, family=family, initial=given[0], number=number)
        address = f"{local}@{domain}"
        while address in self.addresses:
            address = f"{local}{int(rand() * 10 ** (2 + len(self.addresses) // 200_000))}@{domain}"
        self.addresses.add(address)
        return address

    def _number(self, country: str) -> tuple[str, str, str]:
        """The next number that nobody has: state, E.164, and as it was typed."""
        if country:
            return self._number_abroad(country)
        place = self.numbers * 7_368_787 % (len(AREAS) * len(words.EXCHANGES) * 10_000)
        self.numbers += 1
        place, line = divmod(place, 10_000)
        which, exchange = divmod(place, len(words.EXCHANGES))
        state, area = AREAS[which]
        middle = words.EXCHANGES[exchange]
        raw = self._drawn(TYPED).format(area=area, middle=middle, line=f"{line:04}")
        return state, f"+1{area}{middle}{line:04}", raw

    def _drawn(self, ways: Sequence[tuple[float, str]]) -> str:
        """One of the ways, by their shares of 1."""
        chance = self.dice.random()
        for share, way in ways:
            chance -= share
            if chance < 0:
                return way
        return ways[-1][1]

    def _number_abroad(self, country: str) -> tuple[str, str, str]:
        blocks = [block for block in words.FICTION if block[0] == country]
        room = len(blocks) * 10_000
        if self.abroad[country] == room:
            return "", "", ""
        which, line = divmod(self.abroad[country] * 7_919 % room, 10_000)
        self.abroad[country] += 1
        _, code, area, start = blocks[which]
        digits = f"{start}{line:04}"
        pairs = " ".join(digits[n : n + 2] for n in range(0, 8, 2))
        raw = f"0{area} {pairs}" if self.dice.random() < 0.6 else f"+{code} {area} {pairs}"
        return "", f"+{code}{area}{digits}", raw

    def _line(self) -> str:
        """A number that somebody else has too: mostly a couple's, some a switchboard's."""
        which = int(self.dice.random() * len(self.lines))
        if self.dice.random() < 0.9:
            return self.lines.pop(which)
        return self.lines[which]

    def _employer(self, at: float) -> Employer:
        number = int(self.most_companies * self.dice.random() ** 2.2)
        known = self.employers.get(number)
        if known is None:
            known = self.employers[number] = self._new_employer(number, at)
        return known

    def _new_employer(self, number: int, at: float) -> Employer:
        rest, first = divmod(number * 7 + 3, len(words.COMPANY_FIRST))
        rest, second = divmod(rest, len(words.COMPANY_SECOND))
        rest, kind = divmod(rest, len(words.COMPANY_KIND))
        name = (
            f"{words.COMPANY_FIRST[first]} {words.COMPANY_SECOND[second]} "
            f"{words.COMPANY_KIND[kind]}{f' {rest + 1}' if rest else ''}"
        )
        domain = f"{slugify(name)}.example" if self.dice.random() < 0.8 else ""
        made = Employer(self.new_id(at), name, domain)
        staff = str(int(5 * 10 ** (self.dice.random() * 3))) if self.dice.random() < 0.5 else NULL
        state = AREAS[int(self.dice.random() * len(AREAS))][0]
        self.companies.add(at, made.id, escaped(name), domain, state, "US", staff, stamp(at))
        return made
