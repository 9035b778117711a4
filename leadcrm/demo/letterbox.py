"""What the website's forms brought in the last hours, through their own door.

Submissions are stored as the forms store them and then drained, so that the page of a form shows
what became of each: new leads, a repeat, a trial, spam, and one that can't be used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from integrations import inbox
from integrations.web_form import stamp
from integrations.web_form.intake import Received, receive
from integrations.web_form.parse import HONEYPOT, TEST_DOMAIN
from leadcrm.demo import words
from leadcrm.demo.cast import ROOF_CHECK, WEBSITE, channel_named
from leadcrm.demo.people import Person, Population
from leadcrm.demo.steps import World, answers
from leads.models import Source

FILLING_IN = timedelta(seconds=75)  # between showing a form and sending it


@dataclass(frozen=True, slots=True)
class Letter:
    """A submission: how long ago, of which form, and what was entered."""

    minutes: int
    form: str
    fields: dict[str, str]


def fill(world: World, population: Population, regular: Person) -> None:
    """Store the submissions, the oldest first, and let the sweep handle what waits.

    `regular` has an open lead and writes again.
    """
    for letter in sorted(_letters(world, population, regular), key=lambda one: -one.minutes):
        at = world.now - timedelta(minutes=letter.minutes)
        _send(world.cast.sources[letter.form], letter.fields, at)
    inbox.drain(world.now)


def _letters(world: World, population: Population, regular: Person) -> list[Letter]:
    late, fresh, check = (population.person() for _ in range(3))
    trial = {"name": "Max Weber", "email": f"max{TEST_DOMAIN}", "message": "Does the form work?"}
    robot = {
        "name": "Crypto Winner",
        "email": "winner@example.org",
        "message": "Earn $9,000 a day from home!",
        HONEYPOT: "https://example.org/",
    }
    return [
        Letter(22, WEBSITE, _entered(world, WEBSITE, late, words.MESSAGES[WEBSITE][1])),
        Letter(6, WEBSITE, _entered(world, WEBSITE, fresh, words.MESSAGES[WEBSITE][7])),
        Letter(3, ROOF_CHECK, _entered(world, ROOF_CHECK, check, "")),
        Letter(34, WEBSITE, _entered(world, WEBSITE, regular, words.AGAIN[1])),
        Letter(140, WEBSITE, trial),
        Letter(205, WEBSITE, robot),
        Letter(230, WEBSITE, {"message": "Call me!"}),
    ]


def _entered(world: World, form: str, person: Person, message: str) -> dict[str, str]:
    asked = dict(answers(channel_named(form), world.dice))
    return {
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "message": message,
        "page_url": "https://sunny-roofs.example/",
        **{_field_of(world.cast.sources[form], label): value for label, value in asked.items()},
    }


def _field_of(source: Source, label: str) -> str:
    return next(str(one["name"]) for one in source.form_fields if one["label"] == label)


def _send(source: Source, fields: dict[str, str], at: datetime) -> None:
    token = stamp.sign(source.public_key, at - FILLING_IN)
    body = urlencode({**fields, "render_token": token}).encode()
    form = "application/x-www-form-urlencoded"
    receive(source, Received(body, form, query="", headers={}), at)
