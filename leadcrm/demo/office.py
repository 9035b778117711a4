"""Who is there in the demo, to whom new leads would go, and what its people are told."""

from __future__ import annotations

from datetime import datetime, timedelta

from leadcrm.demo.cast import INSIDE, LOGINS, NORTH, SOUTH, Cast
from leadcrm.workspaces.availability import add_absence, set_duty, today_of
from leads.models import Activity
from leads.models.activity import Lane
from leads.notifying import announce
from leads.routing import change_rule

OFF_DUTY, AWAY = "Amara Okafor", "Priya Raman"
AWAY_DAYS = 4


def open_office(cast: Cast, now: datetime) -> None:
    """One is off duty, one away; the rotation is prepared, and off: so the pool is there to claim from."""
    owner = cast.members[LOGINS[0].name]
    set_duty(cast.members[OFF_DUTY], on_duty=False)
    today = today_of(cast.workspace, now)
    until = today + timedelta(days=AWAY_DAYS)
    add_absence(cast.members[AWAY], starts_on=today, ends_on=until, by=owner)
    reps = [member for team in (NORTH, SOUTH, INSIDE) for member in cast.reps(team)]
    change_rule(by=owner, now=now, is_active=False, open_cap=20, day_cap=None, members=reps)


def tell_news(now: datetime) -> None:
    """Announce what came in during the last hours, as the log's subscriber would."""
    announce(list(Activity.objects.filter(lane=Lane.LIVE).order_by("pk")), now)
