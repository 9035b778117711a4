"""The life of a person with us, as a pen writes it. The pen stops at the present."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from leadcrm.demo import words
from leadcrm.demo.almanac import VISIT
from leadcrm.demo.cast import HOTLINE, INSIDE, MANAGERS, PACE, REFERRALS, Channel
from leadcrm.demo.people import Person
from leadcrm.demo.steps import Do, Enquiry, Life, Scene, Step, World, answers, campaign
from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership
from leads import appointments, archiving, assignment, conversion, editing, lifecycle, timeline
from leads.booking import Booking
from leads.capture import LeadDraft
from leads.models import Message, Task
from leads.models.activity import Lane

TIMER = Actor.system("timer")
FORM = Actor.system("form")
BY_HAND = {HOTLINE, REFERRALS}  # a rep types these in
LAST = timedelta(seconds=30)  # nothing has happened since


class Pen:
    """Writes a life. What would happen after the present is left out, so that a young lead stands
    in the middle of the same life that an old one has behind it."""

    def __init__(self, world: World, person: Person, channel: Channel, *, rep: str = "") -> None:
        self.world, self.person, self.channel = world, person, channel
        self.dice, self.almanac = world.dice, world.almanac
        self.life = Life(person)
        self.lane: str = Lane.BACKFILL
        self.at = world.now
        self.visit_at = world.now
        self.over = False
        team = INSIDE if channel.pipeline == "appointments" else person.team
        self.rep = world.cast.members[rep] if rep else self.dice.choice(world.cast.reps(team))

    def live(self, ago: timedelta) -> None:
        """From here on it happens before everybody's eyes; what was still to come is forgotten."""
        self.at, self.lane, self.over = self.world.now - ago, Lane.LIVE, False
        last = self.life.steps[-1] if self.life.steps else None
        if isinstance(last, Step):
            self.at = max(self.at, last.at + timedelta(minutes=1))

    # --- time ---

    def wait(self, hours: float) -> None:
        """Some working time later, give or take a third."""
        later = self.at + timedelta(hours=hours * self.dice.uniform(0.67, 1.33))
        self.at = self.almanac.on_shift(later)

    def soon(self, low: int, high: int) -> None:
        """Minutes later, whatever the hour."""
        self.at += timedelta(minutes=self.dice.randint(low, high), seconds=self.dice.randrange(60))

    def pick(self, texts: Sequence[Any]) -> Any:
        return self.dice.choice(texts)

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    # --- what the person does ---

    def enquire(
        self,
        at: datetime,
        *,
        owner: Membership | None,
        message: str | None = None,
        channel: Channel | None = None,
        **changed: str,
    ) -> None:
        """They enquire; `changed` is what they say differently about themselves this time."""
        self.at, channel = at, channel or self.channel
        if self._is_over():
            return
        source = self.world.cast.sources[channel.name]
        if message is None:
            at_work = self.person.company and channel.name not in BY_HAND
            message = self.pick(
                words.AT_WORK if at_work else words.MESSAGES.get(channel.name, ("",))
            )
        draft = LeadDraft(
            source_kind=channel.kind,
            source=source,
            occurred_at=at,
            owner=owner,
            key=f"demo:{self.world.next_number()}",
            values={**self.person.values(), **changed, "message": message, **campaign(channel)},
            answers=answers(channel, self.dice),
        )
        by = Actor.member(self.rep) if channel.name in BY_HAND else FORM
        self.life.steps.append(Enquiry(draft, by, self.lane))
        if channel.name == HOTLINE and owner is not None:
            self.soon(3, 9)
            self._do(
                lambda s: _call(s, "reached", inbound=True, seconds=self.dice.randint(90, 600))
            )

    def write(self, channel: str, body: str, subject: str = "") -> None:
        """A mail or text of theirs comes in."""
        self._message(channel, Message.Direction.INBOUND, body, subject, by=FORM)

    # --- what we do ---

    def answer(self) -> None:
        """The time of the first answer: minutes where somebody is there, else the next morning."""
        pace = PACE.get(self.rep.name, 1.0)
        minutes = min(self.dice.lognormvariate(2.0, 1.0) * pace, 600)
        self.at = self.almanac.at_desk(self.at + timedelta(minutes=max(minutes, 1)))

    def call(self, outcome: str, note: str = "", *, last: bool = False) -> None:
        """Log a call; after the `last` one in vain no further try is planned."""
        seconds = self.dice.randint(60, 900) if outcome == "reached" else None
        self._do(lambda s: _call(s, outcome, note=note, seconds=seconds, plan_next=not last))

    def call_back(self, note: str, at: datetime) -> None:
        """They ask to be called another time."""
        self._do(lambda s: _call(s, "call_back", note=note, seconds=90, call_back_at=at))
        self.at = at + timedelta(minutes=self.dice.randint(-10, 40))

    def mail(self, letter: tuple[str, str]) -> None:
        subject, body = letter
        self._message(
            Message.Channel.EMAIL, Message.Direction.OUTBOUND, self._filled(body), subject
        )

    def text(self, body: str) -> None:
        self._message(Message.Channel.SMS, Message.Direction.OUTBOUND, self._filled(body))

    def note(self, body: str) -> None:
        self._do(lambda s: timeline.add_note(s.ids, body=body, **s.deed))

    def plan(self, title: str, hours: float, kind: str = Task.Kind.TODO) -> None:
        """Set a next step; the time goes on to when it gets done, mostly before it is due."""
        due = self.almanac.on_shift(self.at + timedelta(hours=hours))
        self._do(
            lambda s: timeline.add_task(s.ids, title=title, due_at=due, kind=kind, **s.deed),
        )
        (late,) = self.dice.choices(
            (self.dice.randint(-100, -5), self.dice.randint(5, 200), self.dice.randint(600, 2000)),
            (75, 20, 5),
        )
        started = self.at
        self.at = max(self.almanac.on_shift(due + timedelta(minutes=late)), started)
        if self.at == started:
            self.soon(5, 20)

    def done(self, title: str) -> None:
        self._do(lambda s: _finish(s, title), about_task=True)

    def qualify(self, note: str) -> None:
        self._do(lambda s: lifecycle.qualify(s.ids, note=note, **s.deed))

    def book(self, days: float, *, title: str = "Site visit", remote: bool = False) -> None:
        """Book a visit some days ahead with somebody of the person's region."""
        self.book_at(self.at + timedelta(days=days), title=title, remote=remote)

    def book_at(
        self, earliest: datetime, *, title: str = "Site visit", remote: bool = False
    ) -> None:
        """Book the first free time from a moment on."""
        if not self._is_over():
            host = self._host()
            self._book(self.almanac.visit(host.name, earliest), host, title, remote)

    def book_before(self, latest: datetime, *, title: str = "Site visit") -> None:
        """Book the last free time that is over by a moment."""
        if not self._is_over():
            host = self._host()
            self._book(self.almanac.visit_before(host.name, latest), host, title, remote=False)

    def remind(self) -> None:
        """A text on the day before the visit, mostly answered."""
        before = self.visit_at - timedelta(hours=self.dice.randint(18, 28))
        if before > self.at and self.chance(0.6):
            self.at = self.almanac.at_desk(before)
            self.text(self.pick(words.TEXT_REMINDER))
            if self.chance(0.6):
                self.soon(2, 90)
                self.write(Message.Channel.SMS, self.pick(words.TEXT_OK))

    def after_visit(self) -> None:
        """When the outcome is entered: soon after, now and then on the next day."""
        over = self.visit_at + timedelta(minutes=VISIT)
        if self.chance(0.12):
            self.at = self.almanac.on_shift(over + timedelta(hours=16))
        else:
            self.at = over + timedelta(minutes=self.dice.randint(4, 90))

    def meet(self, note: str) -> None:
        self._appointment(appointments.attend)
        self.soon(2, 15)
        self.note(note)

    def miss_visit(self) -> None:
        self._appointment(appointments.no_show)

    def cancel_visit(self) -> None:
        self._appointment(appointments.cancel)

    def snooze(self, until: datetime) -> None:
        self._do(lambda s: timeline.snooze(s.ids, until=until, **s.deed))

    def close(
        self, reason: str, note: str = "", *, by: Actor | None = None, back: datetime | None = None
    ) -> None:
        self._do(
            lambda s: lifecycle.close(s.ids, reason=reason, note=note, follow_up_at=back, **s.deed),
            by=by,
        )

    def rest(self, returns_at: datetime, note: str) -> None:
        """Follow up later; on its date it comes back by itself."""
        self._do(lambda s: lifecycle.recycle(s.ids, returns_at=returns_at, note=note, **s.deed))
        self.at = returns_at
        note = "Its follow-up date has come"
        self._do(lambda s: lifecycle.reopen(s.ids, note=note, **s.deed), by=TIMER)

    def convert(self, value: int) -> None:
        terms = conversion.DealTerms(value=Decimal(value))
        self._do(lambda s: conversion.convert(s.ids, deal=terms, **s.deed))

    def edit(self, **values: Any) -> None:
        self._do(lambda s: editing.edit(s.ids, values, **s.deed))

    def hand_over(self, to: Membership, reason: str) -> None:
        by = self.world.cast.actor(MANAGERS[self.rep.team.name if self.rep.team else INSIDE])
        self._do(lambda s: assignment.assign(s.ids, owner=to, reason=reason, **s.deed), by=by)
        self.rep = to

    def remove(self, reason: str) -> None:
        by = self.world.cast.actor(MANAGERS[self.rep.team.name if self.rep.team else INSIDE])
        self._do(lambda s: archiving.archive(s.ids, reason=reason, **s.deed), by=by)

    # --- parts ---

    def _host(self) -> Membership:
        """Inside sales books visits for the reps of the region."""
        if self.channel.pipeline == "appointments":
            host: Membership = self.pick(self.world.cast.reps(self.person.team))
            return host
        return self.rep

    def _book(self, at: datetime, host: Membership, title: str, remote: bool) -> None:
        self.visit_at = at
        place = "Video call" if remote else "At their home"
        booking = Booking(at, minutes=VISIT, title=title, place=place, host=host)
        self._do(lambda s: appointments.book(s.lead_id, booking, **s.deed))

    def _is_over(self) -> bool:
        self.over = self.over or self.at > self.world.now - LAST
        return self.over

    def _do(self, do: Do, *, by: Actor | None = None, **about: bool) -> None:
        if not self._is_over():
            by = by or Actor.member(self.rep)
            self.life.steps.append(Step(self.at, by, do, self.lane, **about))

    def _appointment(self, verb: Callable[..., object]) -> None:
        self._do(lambda s: verb(s.appointment, **s.deed), about_appointment=True)

    def _message(
        self, channel: str, direction: str, body: str, subject: str = "", by: Actor | None = None
    ) -> None:
        said: dict[str, Any] = {
            "channel": channel,
            "direction": direction,
            "body": body,
            "subject": subject,
        }
        self._do(lambda s: timeline.log_message(s.ids, **said, **s.deed), by=by)

    def _filled(self, text: str) -> str:
        day = self.visit_at.astimezone(self.almanac.zone)
        return text.format(
            first=self.person.name.split()[0],
            rep=self.rep.name.split()[0],
            day=f"{day:%A} at {day:%H:%M}",
        )


def _call(scene: Scene, outcome: str, *, inbound: bool = False, **facts: Any) -> object:
    direction = Message.Direction.INBOUND if inbound else Message.Direction.OUTBOUND
    return timeline.log_call(scene.ids, outcome=outcome, direction=direction, **facts, **scene.deed)


def _finish(scene: Scene, title: str) -> None:
    for task in scene.tasks:
        if task.title == title:
            timeline.complete_task(task, **scene.deed)
            return
