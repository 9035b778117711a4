"""Who works at Sunny Roofs, and what its enquiries come in by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.members import found_workspace
from leadcrm.workspaces.models import Membership, Role, Team, User, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Campaign, Source, SourceKind
from leads.setup import add_pipeline

SLUG = "sunny-roofs"
NAME = "Sunny Roofs"
PASSWORD = "demo-leadcrm"  # noqa: S105 - printed for everybody who runs the demo
TIME_ZONE = "America/Los_Angeles"
NORTH, SOUTH, INSIDE = "North", "South", "Inside sales"
# Clocks run whenever somebody looks at the demo, at night and on Sundays too.
ALWAYS_OPEN = {str(day): [["00:00", "24:00"]] for day in range(7)}


@dataclass(frozen=True)
class Login:
    email: str
    name: str
    role: Role
    team: str = ""
    staff: bool = False


LOGINS = (
    Login("ana@demo.test", "Ana Ortiz", Role.OWNER, staff=True),
    Login("max@demo.test", "Max Weber", Role.MANAGER, NORTH),
    Login("ben@demo.test", "Ben Carter", Role.REP, NORTH),
    Login("cleo@demo.test", "Cleo Dubois", Role.REP, NORTH),
    Login("dev@demo.test", "Dev Patel", Role.REP, SOUTH),
    Login("vera@demo.test", "Vera Novak", Role.VIEWER),
)
# Colleagues whom nobody signs in as.
COLLEAGUES = (
    Login("sofia@demo.test", "Sofia Reyes", Role.MANAGER, SOUTH),
    Login("jonas@demo.test", "Jonas Lind", Role.MANAGER, INSIDE),
    Login("amara@demo.test", "Amara Okafor", Role.REP, SOUTH),
    Login("priya@demo.test", "Priya Raman", Role.REP, INSIDE),
    Login("luca@demo.test", "Luca Moretti", Role.REP, INSIDE),
)
# How long each lets a new lead wait, in relation to the others.
PACE = {"Priya Raman": 0.5, "Ben Carter": 0.7, "Luca Moretti": 0.8, "Dev Patel": 1.4}
MANAGERS = {NORTH: "Max Weber", SOUTH: "Sofia Reyes", INSIDE: "Jonas Lind"}

OWNERSHIP = {
    "name": "owns_house",
    "label": "Do you own the house?",
    "type": "select",
    "options": ["Yes", "No, we rent", "We are buying it"],
}
WEBSITE_FIELDS = [
    {"name": "name", "label": "Name", "type": "text", "required": True},
    {"name": "email", "label": "E-mail", "type": "email", "required": True},
    {"name": "phone", "label": "Phone", "type": "tel"},
    OWNERSHIP,
    {
        "name": "start",
        "label": "When would you like to start?",
        "type": "select",
        "options": ["As soon as possible", "In 1 to 3 months", "Later this year", "Just looking"],
    },
    {"name": "message", "label": "How can we help?", "type": "textarea"},
]
ROOF_CHECK_FIELDS = [
    {"name": "name", "label": "Name", "type": "text", "required": True},
    {"name": "phone", "label": "Phone", "type": "tel", "required": True},
    {"name": "email", "label": "E-mail", "type": "email", "required": True},
    {
        "name": "roof",
        "label": "Roof type",
        "type": "select",
        "options": ["Pitched, tile", "Pitched, metal", "Flat", "I don't know"],
    },
    {
        "name": "bill",
        "label": "Monthly electricity bill",
        "type": "select",
        "options": ["Under $100", "$100 to $200", "$200 to $350", "Over $350"],
    },
    {
        "name": "time",
        "label": "Best time to call",
        "type": "select",
        "options": ["Morning", "Afternoon", "Evening"],
    },
]


@dataclass(frozen=True)
class Channel:
    """A source, what share of the enquiries it brings, and how good they are.

    `wins` shifts the fates of its leads towards the happy ones. `daytime` sources bring nothing
    at night.
    """

    name: str
    kind: SourceKind
    share: float
    wins: float = 1.0
    pipeline: str = "standard"
    campaign: str = ""
    medium: str = ""
    daytime: bool = False


WEBSITE, ROOF_CHECK = "Website", "Roof check landing page"
META, SEARCH, HOTLINE = "Meta lead ads", "Search ads", "Hotline"
REFERRALS, FAIR, LIST, MAILBOX = "Referrals", "Home fair", "Bought list", "Sales mailbox"
FORMS: dict[str, dict[str, Any]] = {
    WEBSITE: {"form_title": "Get a quote", "form_fields": WEBSITE_FIELDS},
    ROOF_CHECK: {"form_title": "Your free roof check", "form_fields": ROOF_CHECK_FIELDS},
}
CHANNELS = (
    Channel(WEBSITE, SourceKind.WEBSITE_FORM, 26, 1.2, medium="organic"),
    Channel(
        ROOF_CHECK,
        SourceKind.WEBSITE_FORM,
        18,
        1.3,
        "appointments",
        campaign="Free roof check",
        medium="cpc",
    ),
    Channel(META, SourceKind.FACEBOOK_LEAD_AD, 18, 0.6, campaign="Cut your bill", medium="paid"),
    Channel(SEARCH, SourceKind.GOOGLE_LEAD_FORM, 13, 1.1, campaign="Battery upgrade", medium="cpc"),
    Channel(HOTLINE, SourceKind.PHONE, 8, 1.5, daytime=True),
    Channel(REFERRALS, SourceKind.REFERRAL, 6, 2.6, daytime=True),
    Channel(FAIR, SourceKind.EVENT, 5, 0.9, daytime=True),
    Channel(LIST, SourceKind.API, 6, 0.3, "appointments", daytime=True),
    Channel(MAILBOX, SourceKind.EMAIL, 4, 1.2),
)


def channel_named(name: str) -> Channel:
    return next(one for one in CHANNELS if one.name == name)


@dataclass
class Cast:
    """The workspace with its members by name and its sources by name."""

    workspace: Workspace
    members: dict[str, Membership]
    sources: dict[str, Source]

    def actor(self, name: str) -> Actor:
        return Actor.member(self.members[name])

    def reps(self, team: str) -> list[Membership]:
        """The reps of a team, in the order in which they stand above."""
        return [
            self.members[one.name]
            for one in (*LOGINS, *COLLEAGUES)
            if one.role == Role.REP and one.team == team
        ]


def gather(now: datetime, form_keys: dict[str, str]) -> Cast:
    """Found the workspace with its people and sources.

    `form_keys` are the public keys that its forms had before, by name, so that the page on which
    somebody put one goes on working.
    """
    users = {one.name: _user(one) for one in (*LOGINS, *COLLEAGUES)}
    workspace = found_workspace(
        owner=users[LOGINS[0].name],
        name=NAME,
        slug=SLUG,
        time_zone=TIME_ZONE,
        country="US",
        currency="USD",
        business_hours=ALWAYS_OPEN,
        created_at=now - timedelta(days=200),
    )
    with workspace_scope(workspace):
        pipelines = {"appointments": add_pipeline("appointments")}
        _join(users)
        _open_channels(pipelines, form_keys, now)
        members = Membership.objects.select_related("workspace", "team")
        sources = Source.objects.select_related("campaign", "pipeline", "team")
        return Cast(
            workspace,
            {member.name: member for member in members},
            {source.name: source for source in sources},
        )


def _user(login: Login) -> User:
    """The account, made where there is none; one that works already keeps its sessions."""
    user = User.objects.filter(email=login.email).first() or User(email=login.email)
    user.name, user.is_staff, user.is_superuser = login.name, login.staff, login.staff
    user.is_active = True
    if login in COLLEAGUES:
        user.set_unusable_password()
    elif not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
    user.save()
    return user


def _join(users: dict[str, User]) -> None:
    teams = {name: Team.objects.create(name=name) for name in (NORTH, SOUTH, INSIDE)}
    for one in (*LOGINS[1:], *COLLEAGUES):
        Membership.objects.create(
            user=users[one.name], name=one.name, role=one.role, team=teams.get(one.team)
        )


def _open_channels(pipelines: dict[str, Any], form_keys: dict[str, str], now: datetime) -> None:
    for number, channel in enumerate(CHANNELS):
        source = Source.objects.filter(name=channel.name).first() or Source(name=channel.name)
        source.kind, source.pipeline = channel.kind, pipelines.get(channel.pipeline)
        if channel.campaign:
            source.campaign = Campaign.objects.create(
                name=channel.campaign, channel=channel.name.split()[0].lower()
            )
        for name, value in FORMS.get(channel.name, {}).items():
            setattr(source, name, value)
        source.public_key = form_keys.get(channel.name) or source.public_key
        source.created_at = now - timedelta(days=200 - number)
        source.save()
