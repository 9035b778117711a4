"""The demo workspace: a team of a solar installer and its leads of the last 90 days.

Everything is done through the verbs, at past times, in the backfill lane, as a migration from
another system would. Only the last hour's enquiries are live, so that their clocks run.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.utils.text import slugify
from faker import Faker

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.members import found_workspace
from leadcrm.workspaces.models import Membership, Role, Team, User, Workspace
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads import appointments, assignment, conversion, lifecycle, timeline
from leads.booking import Booking
from leads.capture import Effect, LeadDraft, capture_leads
from leads.models import Appointment, Campaign, Lead, Source, SourceKind
from leads.models.activity import Lane
from leads.setup import add_pipeline

SLUG = "sunny-roofs"
PASSWORD = "demo-leadcrm"  # noqa: S105 - printed for everybody who runs the demo
DAYS = 90


@dataclass(frozen=True)
class Login:
    email: str
    name: str
    role: Role
    team: str = ""
    staff: bool = False


LOGINS = (
    Login("ana@demo.test", "Ana Ortiz", Role.OWNER, staff=True),
    Login("max@demo.test", "Max Weber", Role.MANAGER, "North"),
    Login("ben@demo.test", "Ben Carter", Role.REP, "North"),
    Login("cleo@demo.test", "Cleo Dubois", Role.REP, "North"),
    Login("dev@demo.test", "Dev Patel", Role.REP, "South"),
    Login("vera@demo.test", "Vera Novak", Role.VIEWER),
)

SOURCES = (
    ("Spring campaign, Meta", SourceKind.FACEBOOK_LEAD_AD, 5),
    ("Search ads, Google", SourceKind.GOOGLE_LEAD_FORM, 4),
    ("Hotline", SourceKind.PHONE, 3),
    ("Home fair", SourceKind.EVENT, 1),
)
CAMPAIGNS = ("Roof check 2026", "Heat pump bundle", "Battery upgrade")
MESSAGES = (
    "We'd like a quote for about 30 panels. The roof faces south-west.",
    "How long does it take from order to installation?",
    "Our electricity bill doubled. What can you do for a family of four?",
    "Do you also install batteries? We have panels already.",
    "Please call me after 4 pm, I work during the day.",
    "I saw you at the home fair. Can somebody look at our barn roof?",
    "Is there still a subsidy this year?",
)
NOTES = (
    "Roof is 12 years old, no shading. Wants financing.",
    "Husband decides; she collects the offers.",
    "Comparing with two other companies, price matters.",
    "Flat roof, needs a structural check first.",
    "Very friendly. Wants to be done before summer.",
)
STATES = (("CA", "415"), ("CA", "213"), ("OR", "503"), ("WA", "206"), ("AZ", "602"), ("NV", "702"))
LOSSES = (
    "competitor",
    "price",
    "no_need",
    "no_contact",
    "no_authority",
    "fake",
    "outside_area",
    "too_small",
)


def exists() -> bool:
    return Workspace.objects.filter(slug=SLUG).exists()


def form_key() -> str:
    """The public key of the demo's website form."""
    with all_workspaces():
        form = Source.objects.filter(workspace__slug=SLUG, kind=SourceKind.WEBSITE_FORM).first()
    return form.public_key if form else ""


def remove() -> None:
    """Delete the demo workspace with everything in it, its log included."""
    workspace = Workspace.objects.filter(slug=SLUG).first()
    if workspace is None:
        return
    with transaction.atomic(), workspace_scope(workspace):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL leadcrm.erasing = 'on'")
        Lead.objects.update(deal=None, merged_into=None)
        _delete_rows(workspace.pk)
        workspace.delete()


def tell(*, now: datetime, leads: int, seed: int) -> Workspace:
    """Make the workspace, its people and `leads` leads; the same `seed` makes the same choices.

    One transaction: a run that is stopped leaves no half-told story.
    """
    with transaction.atomic():
        return _tell(now, leads, seed)


def _tell(now: datetime, leads: int, seed: int) -> Workspace:
    users = [_user(login) for login in LOGINS]
    workspace = found_workspace(
        owner=users[0],
        name="Sunny Roofs",
        slug=SLUG,
        time_zone="America/Los_Angeles",
        country="US",
        currency="USD",
    )
    with workspace_scope(workspace):
        members = _members(users)
        add_pipeline("appointments", label="Appointments")
        sources = _sources()
        _Story(workspace, members, sources, now, random.Random(seed)).tell(leads)  # noqa: S311
    return workspace


def _user(login: Login) -> User:
    user, _ = User.objects.get_or_create(email=login.email, defaults={"name": login.name})
    user.name, user.is_staff, user.is_superuser = login.name, login.staff, login.staff
    user.set_password(PASSWORD)
    user.save()
    return user


def _members(users: list[User]) -> list[Membership]:
    teams = {name: Team.objects.create(name=name) for name in ("North", "South")}
    for login, user in zip(LOGINS[1:], users[1:], strict=True):
        Membership.objects.create(
            user=user, name=login.name, role=login.role, team=teams.get(login.team)
        )
    return list(Membership.objects.select_related("workspace", "team").order_by("created_at"))


def _sources() -> list[Source]:
    campaigns = [Campaign.objects.create(name=name) for name in CAMPAIGNS]
    for number, (name, kind, _) in enumerate(SOURCES):
        campaign = campaigns[number % len(campaigns)] if number < 2 else None
        Source.objects.create(name=name, kind=kind, campaign=campaign)
    return list(Source.objects.select_related("campaign"))


def _delete_rows(workspace_id: uuid.UUID) -> None:
    """Delete a workspace's rows table by table. Foreign keys are checked at commit."""
    from django.apps import apps

    from leadcrm.workspaces.scoping import WorkspaceModel

    tables = [m._meta.db_table for m in apps.get_models() if issubclass(m, WorkspaceModel)]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'DELETE FROM "{table}" WHERE workspace_id = %s', [workspace_id])  # noqa: S608


Fate = Callable[["_Story", uuid.UUID, Membership, datetime], None]


class _Story:
    """Captures people and lets each meet a fate."""

    def __init__(
        self,
        workspace: Workspace,
        members: list[Membership],
        sources: list[Source],
        now: datetime,
        dice: random.Random,
    ) -> None:
        self.workspace, self.now, self.dice = workspace, now, dice
        self.reps = [member for member in members if member.role == Role.REP]
        self.manager = next(member for member in members if member.role == Role.MANAGER)
        self.sources = sources
        self.faker = Faker("en_US")
        self.faker.seed_instance(dice.randint(0, 2**32))
        self.people: list[dict[str, str]] = []

    def tell(self, count: int) -> None:
        for number in range(count):
            days = DAYS * (1 - number / count) ** 1.3
            self._one(self._past(self._working_time(self.now - timedelta(days=days))))
        for minutes in (52, 26, 11, 4):
            self._enquire(self.now - timedelta(minutes=minutes), Lane.LIVE, owner=None)

    def _one(self, at: datetime) -> None:
        owner = self.dice.choice(self.reps)
        lead_id, is_new = self._enquire(at, Lane.BACKFILL, owner)
        if not is_new:
            return
        fates = _FATES_RECENT if self.now - at < timedelta(days=12) else _FATES_OLD
        (fate,) = self.dice.choices([fate for fate, _ in fates], [weight for _, weight in fates])
        fate(self, lead_id, owner, at + timedelta(minutes=self.dice.randint(3, 90)))

    # --- what happens ---

    def waits(self, lead_id: uuid.UUID, owner: Membership, at: datetime) -> None:
        """Nobody has answered it yet."""

    def unanswered(self, lead_id: uuid.UUID, owner: Membership, at: datetime) -> None:
        for number in range(self.dice.randint(1, 3)):
            outcome = self.dice.choice(("no_answer", "voicemail", "busy"))
            self._call(lead_id, owner, self._later(at, hours=20 * number), outcome)

    def talks(self, lead_id: uuid.UUID, owner: Membership, at: datetime) -> None:
        if self.dice.random() < 0.4:
            self.unanswered(lead_id, owner, at)
            at = self._later(at, hours=70)
        self._call(lead_id, owner, at, "reached", self.dice.choice(NOTES))
        due = self._working_time(self.now + timedelta(days=self.dice.randint(-1, 4)))
        timeline.add_task(
            [lead_id],
            title="Send offer",
            due_at=due,
            by=self._by(owner),
            now=self._past(at),
            lane=Lane.BACKFILL,
        )

    def qualifies(self, lead_id: uuid.UUID, owner: Membership, at: datetime) -> None:
        self.talks(lead_id, owner, at)
        later = self._later(at, hours=96)
        lifecycle.qualify([lead_id], by=self._by(owner), now=later, lane=Lane.BACKFILL)

    def books(self, lead_id: uuid.UUID, owner: Membership, at: datetime) -> None:
        self.qualifies(lead_id, owner, at)
        ahead = self._working_time(self.now + timedelta(days=self.dice.randint(1, 9)))
        self._book(lead_id, owner, self._later(at, hours=120), ahead)

    def meets(self, lead_id: uuid.UUID, owner: Membership, at: datetime) -> None:
        self.qualifies(lead_id, owner, at)
        visit = self._later(at, hours=190)
        self._book(lead_id, owner, self._later(at, hours=120), visit)
        for appointment in Appointment.objects.filter(lead=lead_id, status="scheduled"):
            appointments.attend(
                appointment, by=self._by(owner), now=self._later(visit, hours=1), lane=Lane.BACKFILL
            )

    def converts(self, lead_id: uuid.UUID, owner: Membership, at: datetime) -> None:
        self.meets(lead_id, owner, at)
        value = Decimal(self.dice.randint(9, 42) * 1000)
        terms = conversion.DealTerms(value=value)
        conversion.convert(
            [lead_id],
            by=self._by(owner),
            now=self._later(at, hours=260),
            deal=terms,
            lane=Lane.BACKFILL,
        )

    def misses(self, lead_id: uuid.UUID, owner: Membership, at: datetime) -> None:
        self.qualifies(lead_id, owner, at)
        visit = self._later(at, hours=140)
        self._book(lead_id, owner, self._later(at, hours=120), visit)
        for appointment in Appointment.objects.filter(lead=lead_id, status="scheduled"):
            appointments.no_show(
                appointment, by=self._by(owner), now=self._later(visit, hours=1), lane=Lane.BACKFILL
            )

    def closes(self, lead_id: uuid.UUID, owner: Membership, at: datetime) -> None:
        self.dice.choice((_Story.unanswered, _Story.talks, _Story.qualifies))(
            self, lead_id, owner, at
        )
        lifecycle.close(
            [lead_id],
            reason=self.dice.choice(LOSSES),
            by=self._by(owner),
            now=self._later(at, hours=220),
            lane=Lane.BACKFILL,
        )

    def rests(self, lead_id: uuid.UUID, owner: Membership, at: datetime) -> None:
        self.talks(lead_id, owner, at)
        back = self._working_time(self.now + timedelta(days=self.dice.randint(10, 80)))
        lifecycle.recycle(
            [lead_id],
            by=self._by(owner),
            now=self._later(at, hours=100),
            returns_at=back,
            lane=Lane.BACKFILL,
        )

    # --- steps ---

    def _enquire(self, at: datetime, lane: str, owner: Membership | None) -> tuple[uuid.UUID, bool]:
        (source,) = self.dice.choices(
            self.sources, [6 if s.kind == SourceKind.WEBSITE_FORM else 3 for s in self.sources]
        )
        repeated = bool(self.people) and self.dice.random() < 0.06
        person = self.dice.choice(self.people) if repeated else self._person()
        draft = LeadDraft(
            source_kind=source.kind,
            source=source,
            occurred_at=at,
            owner=owner,
            key=f"demo:{at.isoformat()}",
            values={
                **person,
                "message": self.dice.choice(MESSAGES),
                "utm_source": source.name.split()[-1].lower(),
            },
            answers=[
                ("Roof type", self.dice.choice(("Pitched", "Flat", "Barn"))),
                ("Own the house?", "Yes"),
            ],
        )
        (captured,) = capture_leads([draft], by=Actor.system("form"), now=at, lane=lane)
        if repeated and owner and Lead.objects.filter(pk=captured.lead_id, owner=None).exists():
            assignment.assign(
                [captured.lead_id], by=self._by(self.manager), now=at, owner=owner, lane=lane
            )
        return captured.lead_id, captured.effect is Effect.CREATED

    def _person(self) -> dict[str, str]:
        first, last = self.faker.first_name(), self.faker.last_name()
        state, area = self.dice.choice(STATES)
        company = self.faker.company() if self.dice.random() < 0.3 else ""
        domain = f"{slugify(company)}.example" if company else "example.com"
        person = {
            "display_name": f"{first} {last}",
            "email": f"{first}.{last}{self.dice.randint(1, 999)}@{domain}".lower(),
            "phone": f"+1{area}55501{self.dice.randint(0, 99):02}",
            "state": state,
            "company_name": company,
            "job_title": self.faker.job()[:60] if company else "",
        }
        self.people.append(person)
        return person

    def _call(
        self, lead_id: uuid.UUID, owner: Membership, at: datetime, outcome: str, note: str = ""
    ) -> None:
        at = self._past(at)
        timeline.log_call(
            [lead_id], outcome=outcome, by=self._by(owner), now=at, note=note, lane=Lane.BACKFILL
        )

    def _book(self, lead_id: uuid.UUID, owner: Membership, at: datetime, visit: datetime) -> None:
        booking = Booking(
            visit, minutes=60, title="Site visit", place="At the customer's", host=owner
        )
        appointments.book(
            lead_id, booking, by=self._by(owner), now=self._past(at), lane=Lane.BACKFILL
        )

    def _by(self, member: Membership) -> Actor:
        return Actor.member(member)

    def _later(self, at: datetime, *, hours: float) -> datetime:
        return self._past(self._working_time(at + timedelta(hours=hours)))

    def _past(self, at: datetime) -> datetime:
        return min(at, self.now - timedelta(minutes=self.dice.randint(2, 59)))

    def _working_time(self, at: datetime) -> datetime:
        """The next time of a working day, at a plausible minute."""
        opening = self.workspace.hours().next_opening(at)
        return (
            opening if opening == at else opening + timedelta(minutes=self.dice.randint(0, 9) * 45)
        )


_FATES_RECENT: tuple[tuple[Fate, int], ...] = (
    (_Story.waits, 3),
    (_Story.unanswered, 5),
    (_Story.talks, 6),
    (_Story.qualifies, 3),
    (_Story.books, 4),
)
_FATES_OLD: tuple[tuple[Fate, int], ...] = (
    (_Story.talks, 1),
    (_Story.books, 2),
    (_Story.meets, 3),
    (_Story.converts, 5),
    (_Story.misses, 1),
    (_Story.closes, 9),
    (_Story.rests, 3),
)
