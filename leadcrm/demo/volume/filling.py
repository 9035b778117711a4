"""Fills one workspace: people enquire day after day, and each enquiry is a lead with its life."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Any, cast
from urllib.parse import urlencode

from integrations.models import InboundEvent
from integrations.web_form.intake import PROVIDER
from leadcrm.demo.volume import arrivals, words
from leadcrm.demo.volume.copying import DAY, NULL, Table, Writer, as_json, stamp
from leadcrm.demo.volume.journal import Journal
from leadcrm.demo.volume.life import ARRIVES_AFTER, Life, moment
from leadcrm.demo.volume.lives import LONG_LABEL, SHORT_LABEL, Fates
from leadcrm.demo.volume.office import Office, Way
from leadcrm.demo.volume.people import Person, Population
from leads import kinds, searching
from leads.models import Lead, LeadSearch, SourceKind

COMES_AGAIN = 0.16  # people who enquire again after their lead was closed
MERGED, TRIALS, REVIEWED = 0.003, 0.001, 0.0005
INBOX_DAYS = 30  # how long back the payloads of the forms are kept
TIMES = (
    "stage_entered_at", "first_response_at", "answer_due_at", "engaged_at", "contacted_at",
    "qualified_at", "scheduled_at", "completed_at", "converted_at", "lost_at", "disqualified_at",
    "returns_at", "work_due_at", "unread_since", "auto_close_at", "auto_close_warned_at",
    "snoozed_until", "last_activity_at", "archived_at",
)  # fmt: skip
LEAD = (
    "id display_name first_name last_name email phone phone_raw company_name job_title state "
    "country message answers label source_kind source campaign source_url utm_source utm_medium "
    "utm_campaign first_touch last_touch platform_ref budget budget_currency authority need "
    "timeline contact company owner team pipeline stage status outcome attempt_started_at "
    "first_touch_at first_response_self_reported attempt_count loss_reason unqualified_reason "
    "disqualification_reason reason_note deal is_test needs_review created_by created_at "
    "inserted_at version archive_reason merged_into "
)
INBOUND = "id source dedupe_key body person lead received_at run_at handled_at"

moments_of = attrgetter(*TIMES)


class Filling:
    """One workspace on its way from nothing to `leads` leads."""

    def __init__(self, office: Office, leads: int, seed: str, now: float) -> None:
        self.office, self.leads, self.now = office, leads, now
        self.dice = random.Random(seed)  # noqa: S311
        home = office.workspace.pk
        self.people = Population(home, leads, self.dice, self.new_id)
        self.journal = Journal(office, self.dice, self.new_id)
        self.fates = Fates(self.journal, self.dice, now)
        self.rows = Table(Lead, LEAD + " ".join(TIMES), workspace=home)
        self.search = Table(LeadSearch, "lead created_at text", workspace=home)
        self.inbox = Table(
            InboundEvent, INBOUND,
            workspace=home, provider=PROVIDER, state="done", result="new_lead", attempts=1,
            content_type="application/x-www-form-urlencoded",
            headers={"query": "", "id_given": True},
        )  # fmt: skip
        self.tables = (
            *self.people.tables, self.rows, self.search, *self.journal.tables, self.inbox
        )  # fmt: skip
        self.again: dict[int, list[Person]] = {}  # by the day of their return
        self.last: Life | None = None  # whom another lead may turn out to be
        self.done = 0

    def new_id(self, at: float) -> str:
        """A UUID of version 7 for a row of that moment."""
        bits = self.dice.getrandbits(84)
        time = int(at) * 1000 + (bits >> 74) % 1000
        return f"{time:012x}7{bits & 0xFFF:03x}{1 << 63 | bits >> 12 & (1 << 62) - 1:016x}"

    def fill(self, *, every: int, say: Callable[[int], object]) -> None:
        """Write all leads, about `every` at a time; `say` is told how many these were."""
        with Writer() as writer:
            self._fill(writer, every, say)
            writer.wait()

    def _fill(self, writer: Writer, every: int, say: Callable[[int], object]) -> None:
        written = 0
        for moments in arrivals.days(self.leads, self.now, self.dice):
            if not moments:
                continue
            returning = self._returning(moments[-1], len(moments))
            for at in moments:
                self._lead(at, next(returning, None))
            if self.done - written >= every:
                self._hand_over(writer, moments[-1])
                say(self.done - written)
                written = self.done
        for people in self.again.values():
            for person in people:
                self.people.keep(person, self.now)
        self._hand_over(writer, self.now + 3650 * DAY)
        say(self.done - written)

    def counts(self) -> Counter[str]:
        return Counter({table.model._meta.label: table.rows for table in self.tables})

    def _hand_over(self, writer: Writer, until: float) -> None:
        for table in self.tables:
            table.settle(until)
        writer.write(self.tables)

    def _returning(self, at: float, room: int) -> Iterator[Person]:
        """Those whose day of return has come, a part of all who come that day."""
        due = [
            person
            for day in sorted(self.again)
            if day <= at // DAY
            for person in self.again.pop(day)
        ]
        now, later = due[: room // 3], due[room // 3 :]
        if later:
            self.again[int(at // DAY) + 1] = later + self.again.get(int(at // DAY) + 1, [])
        return iter(now)

    # --- a lead ---

    def _lead(self, at: float, known: Person | None) -> None:
        self.done += 1
        number = {self.leads // 2: LONG_LABEL, self.leads // 2 + 1: SHORT_LABEL}.get(self.done, "")
        root = self._root() if known is None and not number else None
        people = self.people
        person = known or (people.same_again(root.who, at) if root else people.person(at))
        life = self._begin(at, person, known is not None)
        message = self._message()
        self._created(life)
        if root is not None:
            self.fates.told += 1
            life.at = at + 600
            keys = people.keep(person, life.at, merged_into=root.who)
            self.journal.merge(life, root, keys)
        else:
            self.fates.tell(life, number)
            self._keep_or_await(life)
            self.last = life
        self._write(life, message, root.who.id if root is not None else person.id)

    def _root(self) -> Life | None:
        """The lead before, where the next one turns out to be of the same person."""
        twin = self.dice.random() < MERGED
        return self.last if twin and self.last and self.last.archived_at is None else None

    def _begin(self, at: float, person: Person, known: bool) -> Life:
        rand, office = self.dice.random, self.office
        way = office.ways[int(len(office.ways) * rand() ** 1.7)]
        life = Life(
            id=self.new_id(at),
            who=person,
            way=way,
            place=office.places[way.pipeline]["new"],
            worker=office.on_duty(at, rand()),
            created_at=at,
            at=at,
            owned=rand() > 0.07,
            stage_entered_at=at,
            last_activity_at=at,
        )
        life.is_test = rand() < TRIALS
        if way.minutes is not None and not life.is_test:
            due = self.journal.hours.answer_due(moment(at), way.minutes)
            life.answer_due_at = due.timestamp()
        if way.paid:
            life.rank = int(len(way.campaigns) * rand() ** 2)
        if rand() < 0.25:
            life.budget = f"{round(500 * 10 ** (rand() * 2.3), -2):.2f}"
        if rand() < 0.08:
            life.label = words.LABELS[int(len(words.LABELS) * rand() ** 2)]
        other = self.last.who if self.last else None
        if known and other and rand() < REVIEWED / COMES_AGAIN:
            life.mistaken_for = other if other.has_phone and person.email else None
        return life

    def _created(self, life: Life) -> None:
        """The first row of its log, as capture writes it."""
        way, place = life.way, life.place
        data = as_json({**way.facts, "is_test": True}) if life.is_test else way.facts_json
        self.journal.record(
            life, kinds.LEAD_CREATED, data, by=way.by, actor=way.actor, token=way.token,
            via=way.via, moved=(NULL, place.id, "", place.status),
        )  # fmt: skip

    def _keep_or_await(self, life: Life) -> None:
        """Somebody whose lead is closed may enquire again."""
        person, rand = life.who, self.dice.random
        back = life.at + DAY + 200 * DAY * rand() ** 2
        closed = life.place.stage.outcome in ("lost", "won") and life.archived_at is None
        if closed and back < self.now and rand() < COMES_AGAIN:
            self.again.setdefault(int(back // DAY) + 1, []).append(person)
        else:
            self.people.keep(person, life.at)

    # --- its rows ---

    def _write(self, life: Life, message: str, contact: str) -> None:
        who, way, other = life.who, life.way, life.mistaken_for
        rand, at = self.dice.random, life.created_at
        if other is not None:
            who = replace(who, phone=other.phone, phone_raw=other.phone_raw)
        page, touch, utm, clicks = self._origin(life)
        bant = ("", "", "")
        if rand() < 0.1:
            bant = (
                self._pick(words.AUTHORITIES),
                self._pick(words.NEEDS),
                self._pick(words.TIMELINES),
            )
        owner = life.owner
        member = way.actor or (life.worker.id if way.by == "user" else NULL)
        created = stamp(at)
        self.rows.add(
            at, life.id, who.display_name, who.first_name, who.last_name, who.email, who.phone,
            who.phone_raw, who.company_name, who.job_title, who.state, who.country, message,
            self._answers(way), life.label, way.kind, way.id, life.campaign, page, *utm, touch, touch,
            clicks, life.budget, "" if life.budget == NULL else "USD", *bant, contact,
            who.employer.id if who.employer else NULL, owner.id if owner else NULL,
            owner.team_id if owner else NULL, *life.place.columns, created, created,
            "t" if life.first_response_at else "f", str(life.attempt_count), life.loss_reason,
            life.unqualified_reason, life.disqualification_reason, life.reason_note, life.deal,
            "t" if life.is_test else "f", "t" if other else "f", member,
            created, stamp(at + ARRIVES_AFTER), str(life.version), life.archive_reason,
            life.merged_into, *map(stamp, moments_of(life)),
        )  # fmt: skip
        self.search.add(at, life.id, created, searching.text_of(cast(Lead, who)))
        if way.kind == SourceKind.WEBSITE_FORM and self.now - at < INBOX_DAYS * DAY:
            self._received(life, who, message)

    def _received(self, life: Life, who: Person, message: str) -> None:
        """What the form sent."""
        body = urlencode(
            {
                "name": who.display_name,
                "email": who.email,
                "phone": who.phone_raw,
                "message": message,
            }
        )
        mine = self.new_id(life.created_at)
        handled = stamp(life.created_at + ARRIVES_AFTER)
        received = stamp(life.created_at)
        self.inbox.add(
            life.created_at, mine, life.way.id, f"{mine}:{life.id}", rf"\\x{body.encode().hex()}",
            who.display_name, life.id, received, received, handled,
        )  # fmt: skip

    def _message(self) -> str:
        if self.dice.random() < 0.45:
            return ""
        parts = (self._pick(words.OPENINGS), self._pick(words.MIDDLES), self._pick(words.ENDINGS))
        return " ".join(part for part in parts if part)

    def _answers(self, way: Way) -> str:
        if way.kind not in (SourceKind.WEBSITE_FORM, SourceKind.FACEBOOK_LEAD_AD):
            return "[]"
        question, answers = self._pick(words.QUESTIONS)
        return f'[["{question}","{self._pick(answers)}"]]'

    def _origin(self, life: Life) -> tuple[str, str, tuple[str, str, str], str]:
        """Page, touch, UTM values and click ids."""
        way, page, rank = life.way, life.way.page, life.rank
        if rank is None:
            return page, "{}", ("", "organic" if page else "", ""), "{}"
        site = "facebook" if way.kind == SourceKind.FACEBOOK_LEAD_AD else "google"
        utm = (site, "cpc", f"campaign-{rank}")
        touch = f'{{"utm_source":"{site}","utm_medium":"cpc","utm_campaign":"campaign-{rank}"}}'
        click = "fbclid" if site == "facebook" else "gclid"
        clicks = f'{{"{click}":"{self.dice.getrandbits(96):024x}"}}'
        return page, touch, utm, clicks

    def _pick(self, items: Any) -> Any:
        return items[int(len(items) * self.dice.random())]
