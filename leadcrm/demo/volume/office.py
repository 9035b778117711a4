"""A workspace as it is before the first lead: members, sources, campaigns, stages, a token."""

from __future__ import annotations

import random
import uuid
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from django.utils.text import slugify

from leadcrm.demo.cast import PASSWORD, Login
from leadcrm.demo.volume import words
from leadcrm.demo.volume.copying import NULL, as_json
from leadcrm.workspaces.members import found_workspace
from leadcrm.workspaces.models import ApiToken, Membership, Role, Team, User, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leadcrm.workspaces.tokens import issue_token
from leads.models import Campaign, CloseReason, Pipeline, Source, SourceKind, Stage
from leads.moves import MILESTONES
from leads.pipelines import Status, rung
from leads.setup import add_pipeline

SLUG = "volume"
TIME_ZONE = "America/Chicago"
YEARS = 4
# Per workspace: the big one, and each of the others.
BIG = {"reps": 52, "teams": 6, "campaigns": 300}
SMALL = {"reps": 8, "teams": 2, "campaigns": 12}


class Channel(NamedTuple):
    """A source, and the door by which its leads come in."""

    name: str
    kind: SourceKind
    via: str = "api"
    paid: bool = False
    pipeline: str = "standard"


# From the most to the least common.
CHANNELS = (
    Channel("Website", SourceKind.WEBSITE_FORM, "form"),
    Channel("Meta lead ads", SourceKind.FACEBOOK_LEAD_AD, paid=True),
    Channel("Search ads", SourceKind.GOOGLE_LEAD_FORM, paid=True),
    Channel("Landing page", SourceKind.WEBSITE_FORM, "form", paid=True, pipeline="appointments"),
    Channel("Hotline", SourceKind.PHONE),
    Channel("Partner portal", SourceKind.API),
    Channel("Bought list", SourceKind.IMPORT, "import"),
    Channel("Referrals", SourceKind.REFERRAL, "web"),
    Channel("Sales mailbox", SourceKind.EMAIL),
    Channel("Home fair", SourceKind.EVENT, "web"),
    Channel("Brochure page", SourceKind.WEBSITE_FORM, "form", paid=True),
    Channel("Messenger", SourceKind.FB_MSG, pipeline="appointments"),
)
ACTORS = {"form": "system", "api": "token"}  # by the door; a member by any other


@dataclass(slots=True)
class Member:
    """A member as the rows name them; on duty from `since` to `until`, in seconds since 1970."""

    id: str
    name: str
    team_id: str
    team: str
    weight: float
    since: float
    until: float


@dataclass(slots=True)
class Place:
    """A stage as the rows of leads and of the log name it."""

    id: str
    status: str
    rung: int
    milestone: str
    columns: tuple[str, ...]
    stage: Stage


@dataclass(slots=True)
class Way:
    """A source as the rows name it."""

    id: str
    kind: str
    minutes: int | None
    pipeline: str
    campaigns: list[str]
    paid: bool
    page: str
    facts: dict[str, str]
    facts_json: str
    # Who brings a lead in by it; an empty actor is the rep.
    by: str
    actor: str
    token: str
    via: str


@dataclass(slots=True)
class Office:
    """The workspace, and what its leads point at."""

    workspace: Workspace
    token: ApiToken
    key: str
    logins: tuple[Login, ...]
    members: list[Member]
    places: dict[str, dict[str, Place]]
    ways: list[Way]
    reasons: dict[str, CloseReason]
    _duty: dict[int, tuple[list[Member], list[float]]] = field(default_factory=dict)

    def on_duty(self, at: float, chance: float) -> Member:
        """The rep who gets what comes in at this moment, the busy ones oftener."""
        month = int(at) // (30 * 86_400)
        if month not in self._duty:
            found = [one for one in self.members if one.since <= at < one.until]
            found = found or self.members[:1]
            self._duty[month] = found, list(accumulate(one.weight for one in found))
        members, sums = self._duty[month]
        return members[bisect(sums, chance * sums[-1])]


def slugs(workspaces: int) -> list[str]:
    return [SLUG, *(f"{SLUG}-{number}" for number in range(2, workspaces + 1))]


def logins_of(slug: str) -> tuple[Login, ...]:
    """Those of the first workspace sign in, and every owner; all others are there in name only."""
    people = (
        ("owner", "Olivia Owner", Role.OWNER, ""),
        ("manager", "Mara Manager", Role.MANAGER, "Team 1"),
        ("rep", "Remy Rep", Role.REP, "Team 1"),
        ("viewer", "Vic Viewer", Role.VIEWER, ""),
    )
    return tuple(Login(f"{who}@{slug}.test", name, role, team) for who, name, role, team in people)


def open_office(slug: str, now: datetime, dice: random.Random, *, big: bool) -> Office:
    """Found the workspace with everything that a lead may point at."""
    size = BIG if big else SMALL
    founded = now - timedelta(days=365 * YEARS + 30)
    logins = logins_of(slug)
    users = {one.email: _user(one, slug) for one in logins}
    workspace = found_workspace(
        owner=users[logins[0].email],
        name=slug.replace("-", " ").title(),
        slug=slug,
        time_zone=TIME_ZONE,
        created_at=founded,
    )
    with workspace_scope(workspace):
        add_pipeline("appointments")
        # No timer was changed since: otherwise none could have run out.
        Stage.objects.update(timer_changed_at=founded)
        Pipeline.objects.update(created_at=founded)
        members = _join(slug, users, size, founded, now, dice)
        owner = Membership.objects.get(role=Role.OWNER)
        token, key = issue_token(membership=owner, name="Partners", scopes=ApiToken.Scope.values)
        return Office(
            workspace=workspace,
            token=token,
            key=key,
            logins=logins,
            members=members,
            places=_places(),
            ways=_ways(size["campaigns"], founded, token, dice),
            reasons={one.code: one for one in CloseReason.objects.all()},
        )


def _user(login: Login, slug: str) -> User:
    user = User.objects.filter(email=login.email).first() or User(email=login.email)
    user.name, user.is_active = login.name, True
    if not (slug == SLUG or login.role == Role.OWNER):
        user.set_unusable_password()
    elif not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
    user.save()
    return user


def _join(
    slug: str,
    users: dict[str, User],
    size: dict[str, int],
    founded: datetime,
    now: datetime,
    dice: random.Random,
) -> list[Member]:
    """Reps in teams with a manager each, an admin; some reps have left, some came lately."""
    teams = [Team.objects.create(name=f"Team {n}") for n in range(1, size["teams"] + 1)]
    by_name = {team.name: team for team in teams}
    rows = [
        Membership(user=users[one.email], name=one.name, role=one.role, team=by_name.get(one.team))
        for one in logins_of(slug)[1:]
    ]
    rows.append(_colleague(slug, "Adam Admin", Role.ADMIN, None, dice))
    for number, team in enumerate(teams[1:]):
        rows.append(_colleague(slug, _name(number * 7 + 3), Role.MANAGER, team, dice))
    for number in range(size["reps"]):
        team = teams[number % len(teams)]
        rows.append(_colleague(slug, _name(number * 11 + 5), Role.REP, team, dice))
    reps = [row for row in rows if row.role == Role.REP]
    on_duty = []
    for rank, row in enumerate(reps):
        since, until = _term(rank, founded, now, dice)
        row.is_active, row.created_at = until > now.timestamp(), datetime.fromtimestamp(since, UTC)
        weight = 1.0 / (1 + rank * 0.35) + dice.random() * 0.05
        on_duty.append(_member(row, weight, since, until))
    Membership.objects.bulk_create(rows)
    return on_duty


def _term(rank: int, founded: datetime, now: datetime, dice: random.Random) -> tuple[float, float]:
    """From when until when a rep works here: the first one signs in, every sixth has left."""
    start, end = founded.timestamp(), now.timestamp()
    if rank == 0:
        return start, end + 1
    since = start + (end - start) * max(0.0, dice.uniform(-0.5, 0.9))
    if rank % 6 == 5:
        return start, start + (end - start) * dice.uniform(0.4, 0.95)
    return since, end + 1


def _member(row: Membership, weight: float, since: float, until: float) -> Member:
    team = row.team
    team_id, named = (str(team.pk), team.name) if team else (NULL, "")
    return Member(str(row.pk), row.name, team_id, named, weight, since, until)


def _colleague(
    slug: str, name: str, role: Role, team: Team | None, dice: random.Random
) -> Membership:
    address = f"{uuid.UUID(int=dice.getrandbits(128)).hex[:10]}@{slug}.test"
    user = User.objects.filter(email=address).first() or User(email=address, name=name)
    user.set_unusable_password()
    user.save()
    return Membership(user=user, name=name, role=role, team=team)


def _name(number: int) -> str:
    first, last = words.FIRST_NAMES, words.LAST_NAMES
    return f"{first[number % len(first)]} {last[(number * 5 + 2) % len(last)]}"


def _places() -> dict[str, dict[str, Place]]:
    found: dict[str, dict[str, Place]] = {}
    for stage in Stage.objects.select_related("pipeline"):
        columns = (str(stage.pipeline_id), str(stage.pk), stage.status, stage.outcome)
        milestone = MILESTONES.get(Status(stage.status), "")
        place = Place(str(stage.pk), stage.status, rung(stage.status), milestone, columns, stage)
        found.setdefault(stage.pipeline.key, {})[stage.status] = place
    return found


def _ways(campaigns: int, founded: datetime, token: ApiToken, dice: random.Random) -> list[Way]:
    pipelines = {one.key: one for one in Pipeline.objects.all()}
    ids = _campaigns(campaigns, founded)
    paid = [channel for channel in CHANNELS if channel.paid]
    ways = []
    for channel in CHANNELS:
        source = Source.objects.filter(name=channel.name).first() or Source(name=channel.name)
        source.kind, source.created_at = channel.kind, founded
        source.pipeline = pipelines[channel.pipeline]
        source.save()
        share = ids[paid.index(channel) :: len(paid)] if channel.paid else []
        dice.shuffle(share)
        ways.append(_way(channel, source, share, token))
    return ways


def _campaigns(count: int, founded: datetime) -> list[str]:
    """The ids of new campaigns."""
    themes = words.CAMPAIGN_THEMES
    made = [
        Campaign(
            name=f"{theme} {founded.year + number // len(themes) % (YEARS + 1)}-{number + 1}",
            channel="ads",
            created_at=founded,
        )
        for number, theme in enumerate(_cycle(themes, count))
    ]
    Campaign.objects.bulk_create(made)
    return [str(one.pk) for one in made]


def _way(channel: Channel, source: Source, campaigns: list[str], token: ApiToken) -> Way:
    page = ""
    facts = {"source_kind": str(channel.kind), "source_id": str(source.pk)}
    if channel.kind == SourceKind.WEBSITE_FORM:
        page = facts["landing_page"] = f"https://www.volume.example/{slugify(channel.name)}"
    by_token = channel.via == "api"
    return Way(
        id=str(source.pk),
        kind=str(channel.kind),
        minutes=source.answer_within(),
        pipeline=channel.pipeline,
        campaigns=campaigns,
        paid=channel.paid,
        page=page,
        facts=facts,
        facts_json=as_json(facts),
        by=ACTORS.get(channel.via, "user"),
        actor=str(token.membership_id) if by_token else "",
        token=str(token.pk) if by_token else NULL,
        via=channel.via,
    )


def _cycle(items: Sequence[str], count: int) -> list[str]:
    return [items[number % len(items)] for number in range(count)]
