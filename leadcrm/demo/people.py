"""The people who enquire: made up, at example domains and at numbers kept for fiction."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.utils.text import slugify

from leadcrm.demo.cast import NORTH, SOUTH

FIRST_NAMES = """
Aaliyah Adaeze Aiko Alejandra Amir Andrei Anika Arjun Astrid Beatriz Bilal Bridget Caleb Camila
Carmen Chidi Chloe Daniela Darius Deepa Dominic Elena Elias Emeka Esther Farah Felix Fiona Gabriela
Gideon Grace Hana Harold Hassan Hugo Imani Ines Isaac Ivy Jamal Jasmine Joaquin Julia Kaito Keisha
Kwame Laila Leon Lin Lourdes Lucia Malik Marcus Margaret Marisol Mateo Mei Miriam Naomi Nasser Nia
Niko Noor Olga Omar Oscar Paloma Patrick Pilar Quentin Rafael Rashida Ren Rosa Ruth Samir Sana
Selma Simone Soren Stefan Tamara Tariq Teresa Thandi Tomas Uma Valeria Victor Wanda Wei Yara
Yusuf Zainab Zoe
""".split()  # noqa: SIM905
LAST_NAMES = """
Abara Abbott Adeyemi Aguilar Ahmadi Alvarado Andersen Arroyo Bakshi Banerjee Barlow Becerra Bergstrom
Bianchi Boateng Brandt Calderon Castellanos Chaudhry Choi Cisneros Cohen Dang Delacroix Desai Diallo
Donnelly Doyle Eriksen Espinoza Farouk Fischer Fontaine Fujita Galvan Ghosh Guerrero Haddad Hakimi
Halvorsen Hernandez Hoang Holloway Horvat Ibarra Ito Iyer Jablonski Jimenez Kaplan Kaur Keller
Kimura Kovacs Kowalski Larsen Le Lombardi Lozano Mahmoud Marchetti Mbeki Medina Mendoza Mensah
Mitchell Morales Nakamura Navarro Nguyen Nwosu Obi Ochoa Oduya Olsen Osei Park Petrov Pham Quintero
Rahman Ramos Rossi Saito Salazar Sandoval Schneider Serrano Sharma Silva Sokolov Solano Suzuki
Tanaka Thapa Torres Tran Ueda Valdez Vargas Villanueva Wójcik Xu Yamada Yilmaz Zamora Zhou
""".split()  # noqa: SIM905
COMPANIES = (
    ("Harbor Street Bakery", "Owner"),
    ("Cedar Hollow Orchard", "Farm manager"),
    ("Redwood Lane Dental", "Office manager"),
    ("Tall Pines Storage", "Operations manager"),
    ("Mesa Verde Laundry", "Owner"),
    ("Blue Heron Brewing", "Head of facilities"),
    ("Copper Canyon Motors", "General manager"),
    ("Little Acorns Nursery School", "Principal"),
    ("Ocotillo Garden Center", "Owner"),
    ("Fog Hill Winery", "Estate manager"),
    ("Three Rivers Veterinary", "Practice manager"),
    ("Sagebrush Packaging", "Plant manager"),
    ("Marigold Housing Association", "Property manager"),
    ("Larkspur Yoga House", "Owner"),
)
COLLEAGUE_TITLES = ("Assistant to the manager", "Bookkeeper", "Facility coordinator")
# State and area codes of each team's territory.
TERRITORIES = {
    NORTH: (
        ("WA", "206 253 360"),
        ("OR", "503 541"),
        ("CA", "415 510 916 530 707"),
    ),
    SOUTH: (
        ("CA", "213 619 760 951 805"),
        ("AZ", "602 520"),
        ("NV", "702 775"),
    ),
}
FREE_DOMAINS = ("example.com", "example.com", "example.net", "example.org")
FICTIONAL = range(100, 200)  # the last digits of 555-0100 to 555-0199


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    phone: str
    state: str
    team: str
    company: str = ""
    title: str = ""

    def values(self) -> dict[str, str]:
        """What a draft says about them."""
        return {
            "display_name": self.name,
            "email": self.email,
            "phone": self.phone,
            "state": self.state,
            "company_name": self.company,
            "job_title": self.title,
        }


class Population:
    """An endless line of different people; the same dice give the same ones."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.addresses: set[str] = set()
        self.numbers = {team: self._numbers(team) for team in TERRITORIES}
        names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
        dice.shuffle(names)
        self.names = iter(names)
        self.companies: list[tuple[str, str, str, str]] = []

    def person(self, *, at_work: bool = False, team: str = "") -> Person:
        """The next one, of a team's territory; `at_work` enquires for a company."""
        name = next(self.names)
        if at_work:
            company, title, team, state = self._company()
            return Person(
                name, self._address(name, _domain(company)), self._number(team)[1], state, team,
                company, title,
            )  # fmt: skip
        team = team or (NORTH if self.dice.random() < 0.55 else SOUTH)
        state, number = self._number(team)
        return Person(
            name, self._address(name, self.dice.choice(FREE_DOMAINS)), number, state, team
        )

    def partner_of(self, person: Person) -> Person:
        """Somebody else of the same household, at the same phone number."""
        first = next(self.names).split()[0]
        name = f"{first} {person.name.split(maxsplit=1)[1]}"
        return Person(
            name, self._address(name, "example.com"), person.phone, person.state, person.team
        )

    def again(self, person: Person) -> Person:
        """The same person as they give themselves another time: by a private address, or with a tag
        in it, and with their company's name in full."""
        if person.company:
            address = self._address(f"{person.name} private", "example.net")
            return replace(person, email=address, phone="", company=f"{person.company} LLC")
        local, _, domain = person.email.partition("@")
        return replace(person, email=f"{local}+solar@{domain}", phone="")

    def _company(self) -> tuple[str, str, str, str]:
        """A new company while there are any, else a colleague at one that enquired before."""
        number = len(self.companies)
        if number < len(COMPANIES) and (number < 3 or self.dice.random() < 0.6):
            name, title = COMPANIES[number]
            team = self.dice.choice((NORTH, SOUTH))
            state, _ = self.dice.choice(TERRITORIES[team])
            self.companies.append((name, title, team, state))
            return self.companies[-1]
        name, _, team, state = self.dice.choice(self.companies)
        return name, self.dice.choice(COLLEAGUE_TITLES), team, state

    def _address(self, name: str, domain: str) -> str:
        first, _, last = slugify(name).partition("-")
        for local in (f"{first}.{last}", f"{first[0]}.{last}", f"{last}.{first}", f"{first}{last}"):
            address = f"{local}@{domain}"
            if address not in self.addresses:
                break
        else:
            address = f"{first}.{last}{len(self.addresses)}@{domain}"
        self.addresses.add(address)
        return address

    def _number(self, team: str) -> tuple[str, str]:
        """The state and number of the next phone; none is left for the people after 900 or so."""
        return next(self.numbers[team], (self.dice.choice(TERRITORIES[team])[0], ""))

    def _numbers(self, team: str) -> Iterator[tuple[str, str]]:
        found = [
            (state, f"+1{area}5550{line}")
            for state, areas in TERRITORIES[team]
            for area in areas.split()
            for line in FICTIONAL
        ]
        self.dice.shuffle(found)
        return iter(found)


def _domain(company: str) -> str:
    return f"{slugify(company)}.example"
