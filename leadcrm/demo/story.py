"""The demo workspace: a solar installer and its enquiries of the last 90 days.

Everything is done through the verbs, at past times, in the backfill lane, as a migration from
another system would. Only what came in during the last hours is live, so that its clocks run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from leadcrm.demo import letterbox, office
from leadcrm.demo.almanac import Almanac
from leadcrm.demo.cast import CHANNELS, LOGINS, PASSWORD, SLUG, Channel, gather
from leadcrm.demo.fates import APPOINTMENTS, STANDARD, Fate, fate_of
from leadcrm.demo.life import Pen
from leadcrm.demo.people import Population
from leadcrm.demo.play import play
from leadcrm.demo.present import Present
from leadcrm.demo.steps import Life, World
from leadcrm.demo.views import share_views
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import WorkspaceModel, all_workspaces, workspace_scope
from leads.models import Contact, Lead, Source, SourceKind

__all__ = [
    "LOGINS",
    "PASSWORD",
    "SLUG",
    "Told",
    "exists",
    "form_key",
    "remove",
    "reset",
    "website_form",
]

AT_WORK = 0.11  # how many enquire for a company
SURE_DAYS = 84  # how long ago the first of the fates is met that must not be missing

Say = Callable[[str], object]


@dataclass(frozen=True)
class Told:
    """What a telling made."""

    leads: int
    people: int
    events: int

    def __str__(self) -> str:
        return f"{self.leads} leads of {self.people} people, {self.events} events in 90 days"


def exists() -> bool:
    return Workspace.objects.filter(slug=SLUG).exists()


def website_form() -> Source | None:
    """The demo's first website form that is switched on."""
    with all_workspaces():
        forms = Source.objects.filter(
            workspace__slug=SLUG, kind=SourceKind.WEBSITE_FORM, is_active=True
        )
        found: Source | None = forms.order_by("created_at", "id").first()
    return found


def form_key() -> str:
    """The public key of the demo's website form."""
    form = website_form()
    return form.public_key if form else ""


def reset(*, now: datetime, leads: int, seed: int, say: Say = lambda words: None) -> Told:
    """Tell the story anew in place of the one that there is; other workspaces stay as they are.

    About `leads` leads; the same `seed` makes the same choices. One transaction: a run that is
    stopped leaves what was there before. Progress goes to `say`.
    """
    with transaction.atomic():
        keys = _form_keys()
        remove()
        return _tell(now, leads, seed, keys, say)


def remove() -> None:
    """Delete the demo workspace with everything in it, its log included."""
    workspace = Workspace.objects.filter(slug=SLUG).first()
    if workspace is None:
        return
    with transaction.atomic(), workspace_scope(workspace):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL leadcrm.erasing = 'on'")
        Lead.objects.update(deal=None, merged_into=None)
        _delete_rows(workspace)
        workspace.delete()


def _delete_rows(workspace: Workspace) -> None:
    """Delete a workspace's rows table by table. Foreign keys are checked at commit."""
    from django.apps import apps

    tables = [m._meta.db_table for m in apps.get_models() if issubclass(m, WorkspaceModel)]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'DELETE FROM "{table}" WHERE workspace_id = %s', [workspace.pk])  # noqa: S608


def _form_keys() -> dict[str, str]:
    with all_workspaces():
        forms = Source.objects.filter(workspace__slug=SLUG, kind=SourceKind.WEBSITE_FORM)
        return dict(forms.values_list("name", "public_key"))


def _tell(now: datetime, leads: int, seed: int, keys: dict[str, str], say: Say) -> Told:
    dice = random.Random(seed)  # noqa: S311
    cast = gather(now, keys)
    world = World(cast, Almanac(now, dice), dice, now)
    population = Population(dice)
    with workspace_scope(cast.workspace):
        office.open_office(cast, now)
        present = Present(world, population)
        lives = [*present.lives(), *_sure_lives(world, population)]
        while len(lives) < leads:
            channel = _channel(dice)
            lives.append(_life(world, population, channel, fate_of(channel, dice)))
        events = play(lives, now, say)
        office.tell_news(now)
        present.suggest()
        letterbox.fill(world, population, present.regular)
        share_views(cast)
        return Told(Lead.objects.count(), Contact.objects.count(), events)


def _sure_lives(world: World, population: Population) -> Iterator[Life]:
    """Each fate once, long enough ago to have come to its end, whatever the dice say."""
    for fates, pipeline in ((STANDARD, "standard"), (APPOINTMENTS, "appointments")):
        channels = [one for one in CHANNELS if one.pipeline == pipeline]
        for number, (fate, _) in enumerate(fates):
            at = world.now - timedelta(days=SURE_DAYS - 1.5 * number, hours=5)
            yield _life(world, population, channels[number % len(channels)], fate, at)


def _channel(dice: random.Random) -> Channel:
    return dice.choices(CHANNELS, [one.share for one in CHANNELS])[0]


def _life(
    world: World, population: Population, channel: Channel, fate: Fate, at: datetime | None = None
) -> Life:
    person = population.person(at_work=world.dice.random() < AT_WORK)
    pen = Pen(world, person, channel)
    pen.enquire(at or world.almanac.arrival(channel), owner=pen.rep)
    fate(pen)
    return pen.life
