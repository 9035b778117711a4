"""What goes on at the moment at which somebody opens the demo, person by person.

Everything before today is history. What came in or happened in the last hours is live, so that
its clocks run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from leadcrm.demo import episodes, words
from leadcrm.demo.cast import (
    FAIR,
    HOTLINE,
    MAILBOX,
    META,
    NORTH,
    REFERRALS,
    ROOF_CHECK,
    SEARCH,
    SOUTH,
    WEBSITE,
    channel_named,
)
from leadcrm.demo.life import Pen
from leadcrm.demo.people import Person, Population
from leadcrm.demo.steps import Life, World
from leads import duplicates
from leads.models import Lead, Message

EMAIL, SMS = Message.Channel.EMAIL, Message.Channel.SMS
BEN, CLEO, DEV, AMARA = "Ben Carter", "Cleo Dubois", "Dev Patel", "Amara Okafor"
PRIYA, LUCA = "Priya Raman", "Luca Moretti"
REGION = {BEN: NORTH, CLEO: NORTH, DEV: SOUTH, AMARA: SOUTH, PRIYA: NORTH, LUCA: SOUTH}


class Present:
    """Writes the lives that must not be left to the dice."""

    def __init__(self, world: World, population: Population) -> None:
        self.world, self.population, self.now = world, population, world.now
        self.pairs: list[tuple[Life, Life]] = []  # one person each, by two addresses
        self.regular = population.person(team=NORTH)  # has a lead of Ben's, and writes again

    def lives(self) -> Iterator[Life]:
        yield from self.waiting()
        yield from self.replies()
        yield from self.visits()
        yield from self.put_off()
        yield from self.couple()
        yield from self.unclear()
        yield from self.look_alikes()
        yield from self.known_better()
        yield self.customer_again()

    # --- new ones, nobody has answered yet ---

    def waiting(self) -> Iterator[Life]:
        """One late, one with few minutes left, some with more, one just answered."""
        yield self.newcomer(META, BEN, minutes=2)
        yield self.newcomer(SEARCH, DEV, minutes=17)
        yield self.newcomer(MAILBOX, BEN, minutes=20, owned=False)
        yield self.newcomer(REFERRALS, CLEO, minutes=70)
        answered = self.pen(SEARCH, AMARA)
        answered.live(timedelta(minutes=95))
        answered.enquire(answered.at, owner=answered.rep)
        answered.soon(2, 4)
        answered.call("reached", words.REACHED[0])
        answered.soon(1, 3)
        answered.qualify(words.QUALIFIED[1])
        answered.plan(episodes.SEND_GUIDE, 4)
        yield answered.life

    def newcomer(self, channel: str, rep: str, *, minutes: int, owned: bool = True) -> Life:
        pen = self.pen(channel, rep)
        pen.live(timedelta(minutes=minutes))
        pen.enquire(pen.at, owner=pen.rep if owned else None)
        return pen.life

    # --- replies that nobody has read ---

    def replies(self) -> Iterator[Life]:
        pen = self.begun(META, BEN, days=0.3)
        episodes.try_in_vain(pen)
        pen.at = self.now - timedelta(hours=3)
        pen.call("voicemail", words.VOICEMAILS[1])
        pen.soon(1, 3)
        pen.text(words.TEXT_TRIED[0])
        pen.live(timedelta(minutes=12))
        pen.write(SMS, words.TEXT_CALL_ME[0])
        yield pen.life
        for rep, minutes, question in ((CLEO, 48, 0), (DEV, 130, 3)):
            pen = self.begun(WEBSITE, rep, days=24)
            self.met(pen)
            episodes.offer(pen)
            pen.live(timedelta(minutes=minutes))
            pen.write(EMAIL, words.QUESTIONS[question], "Re: Your offer from Sunny Roofs")
            yield pen.life

    # --- visits of today ---

    def visits(self) -> Iterator[Life]:
        """Coming ones, one that was held, two without outcome, a no-show with a new date."""
        for channel, rep, minutes in (
            (WEBSITE, BEN, 45), (REFERRALS, DEV, 100), (SEARCH, CLEO, 160), (ROOF_CHECK, LUCA, 200),
        ):  # fmt: skip
            pen = self.agreed(channel, rep)
            pen.book_at(self.now + timedelta(minutes=minutes))
            yield pen.life
        pen = self.agreed(FAIR, BEN, self.regular)
        pen.book_at(self.now + timedelta(hours=25))
        yield pen.life
        for channel, rep in ((SEARCH, BEN), (ROOF_CHECK, PRIYA)):
            pen = self.agreed(channel, rep)
            pen.book_before(self.now - timedelta(minutes=35))
            yield pen.life
        yield self.undecided()
        yield self.held_today()
        yield self.missed_and_rebooked()

    def undecided(self) -> Life:
        """Wants a roof check, but no date yet."""
        pen = self.begun(ROOF_CHECK, PRIYA, days=3)
        pen.call("reached", "Has to look at the calendar of the family.")
        pen.soon(1, 5)
        pen.qualify(words.QUALIFIED[2])
        pen.plan("Agree on a date", 24 * 5, "call")
        return pen.life

    def held_today(self) -> Life:
        pen = self.agreed(REFERRALS, CLEO)
        pen.book_before(self.now - timedelta(minutes=50))
        pen.at = pen.visit_at + timedelta(minutes=75)
        pen.meet(words.MET[0])
        pen.soon(2, 6)
        pen.plan(episodes.SEND_OFFER, 24)
        return pen.life

    def missed_and_rebooked(self) -> Life:
        pen = self.agreed(META, BEN)
        pen.book_before(self.now - timedelta(hours=4))
        pen.at = pen.visit_at + timedelta(minutes=66)
        pen.miss_visit()
        pen.soon(2, 5)
        pen.note(words.NO_SHOW_NOTE[0])
        pen.soon(20, 40)
        pen.call("reached", "Forgot about it, apologized. Tomorrow is fine.")
        pen.soon(1, 3)
        pen.book_at(self.now + timedelta(hours=20))
        pen.soon(1, 2)
        pen.done("Rebook")
        return pen.life

    # --- put off ---

    def put_off(self) -> Iterator[Life]:
        """Snoozed, to be called back, and put aside until tomorrow and the day after."""
        for channel, rep, days in ((META, BEN, 3), (WEBSITE, DEV, 6)):
            pen = self.begun(channel, rep, days=9)
            pen.call("reached", "Is on a trip. Asked me to call when they are back.")
            pen.at = max(pen.at, self.now - timedelta(hours=20))
            pen.snooze(pen.almanac.on_shift(self.now + timedelta(days=days)))
            yield pen.life
        pen = self.begun(HOTLINE, CLEO, days=1.5)
        pen.call_back("In a meeting.", pen.almanac.on_shift(self.now + timedelta(hours=3)))
        yield pen.life
        for rep, days in ((BEN, 1), (CLEO, 2), (AMARA, 4)):
            pen = self.begun(WEBSITE, rep, days=40)
            pen.call("reached", words.BACK_LATER[1])
            pen.soon(1, 5)
            returns_at = pen.almanac.on_shift(self.now + timedelta(days=days))
            pen.rest(returns_at, words.BACK_LATER[1])
            yield pen.life

    # --- people who are hard to tell apart ---

    def couple(self) -> Iterator[Life]:
        """Two people at one number, each with a lead."""
        person = self.population.person(team=NORTH)
        for one, days in ((person, 33), (self.population.partner_of(person), 4)):
            pen = Pen(self.world, one, channel_named(WEBSITE), rep=BEN)
            pen.enquire(self.earlier(days), owner=pen.rep)
            if days > 20:
                episodes.reach(pen, "Her husband looks after this.")
                pen.soon(1, 5)
                pen.close("no_authority", "Her husband enquires himself.")
            else:
                self.met(pen)
                pen.plan(episodes.SEND_OFFER, 24 * 5)
            yield pen.life

    def unclear(self) -> Iterator[Life]:
        """An enquiry with the address of one person and the number of another."""
        other = self.begun(FAIR, CLEO, days=52)
        other.call("reached", "Only wanted the prize.")
        other.soon(1, 5)
        other.close("no_need", "Only took part in the draw.")
        yield other.life
        pen = self.begun(WEBSITE, CLEO, days=30)
        pen.call("reached", words.REACHED[4])
        pen.soon(1, 5)
        pen.close("price", "Expected it to be half of that.")
        pen.at = self.earlier(1)
        message = "I am asking for my mother, this is her number."
        pen.enquire(pen.at, owner=pen.rep, message=message, phone=other.person.phone)
        yield pen.life

    def look_alikes(self) -> Iterator[Life]:
        """People who enquire a second time under another address: the finder's to find."""
        for rep, other_rep, days, at_work in (
            (BEN, BEN, 12, False),
            (CLEO, BEN, 6, True),
            (DEV, AMARA, 4, False),
        ):
            person = self.population.person(team=REGION[rep], at_work=at_work)
            first = self.begun(WEBSITE, rep, days=days, person=person)
            first.call("reached", words.REACHED[2])
            first.soon(1, 5)
            first.plan(episodes.SEND_GUIDE, 24 * 3)
            again = self.pen(META, other_rep, self.population.again(person))
            again.enquire(self.earlier(days / 3), owner=again.rep)
            again.answer()
            again.plan(episodes.CALL_AGAIN, 24 * 2, "call")
            self.pairs.append((first.life, again.life))
            yield from self.pairs[-1]

    def suggest(self) -> None:
        """Ben has seen that two are one person, and asks a manager to merge them."""
        ids = [life.lead_id for life in self.pairs[0]]
        leads = {lead.pk: lead for lead in Lead.objects.filter(pk__in=ids)}
        first, second = (leads[pk] for pk in ids if pk is not None)
        at = self.now - timedelta(hours=2)
        duplicates.suggest(first, second, by=self.world.cast.actor(BEN), now=at)

    def known_better(self) -> Iterator[Life]:
        """Somebody gives another number than the one that the rep put right: a suggestion."""
        pen = self.begun(META, BEN, days=6)
        pen.call("reached", "Gave me the number of the office, better in the daytime.")
        pen.soon(1, 4)
        office = self.population.person(team=NORTH).phone
        pen.edit(phone=office, job_title="Architect")
        pen.plan(episodes.CALL_AGAIN, 24 * 7, "call")
        pen.at = self.now - timedelta(hours=19)
        pen.enquire(pen.at, owner=None, message=words.AGAIN[0], channel=channel_named(WEBSITE))
        yield pen.life

    def customer_again(self) -> Life:
        """Bought panels in the first weeks and now asks for a battery."""
        pen = self.begun(REFERRALS, BEN, days=76)
        self.met(pen)
        episodes.offer(pen)
        pen.soon(20, 90)
        pen.convert(31_500)
        pen.enquire(
            self.earlier(4),
            owner=pen.rep,
            message=words.NEXT_PROJECT[0],
            channel=channel_named(WEBSITE),
        )
        pen.answer()
        pen.call("reached", "Wants to be independent of outages.")
        pen.soon(1, 6)
        pen.qualify("Customer of ours, knows what to expect.")
        pen.plan("Agree on a date", 24 * 6, "call")
        return pen.life

    # --- parts ---

    def pen(self, channel: str, rep: str, person: Person | None = None) -> Pen:
        person = person or self.population.person(team=REGION[rep])
        return Pen(self.world, person, channel_named(channel), rep=rep)

    def begun(self, channel: str, rep: str, *, days: float, person: Person | None = None) -> Pen:
        """A life with an enquiry some days ago, at the moment of the first answer."""
        pen = self.pen(channel, rep, person)
        pen.enquire(self.earlier(days), owner=pen.rep)
        pen.answer()
        return pen

    def earlier(self, days: float) -> datetime:
        at = self.world.almanac.at_desk(self.now - timedelta(days=days, hours=1))
        return min(at, self.now - timedelta(hours=7))

    def agreed(self, channel: str, rep: str, person: Person | None = None) -> Pen:
        """Five days on: talked and qualified, ready to book."""
        pen = self.begun(channel, rep, days=5, person=person)
        pen.call("reached", pen.pick(words.REACHED))
        pen.soon(2, 8)
        pen.qualify(pen.pick(words.QUALIFIED))
        pen.soon(1, 5)
        return pen

    def met(self, pen: Pen) -> None:
        """Talked, qualified, visited."""
        pen.call("reached", pen.pick(words.REACHED))
        pen.soon(2, 8)
        pen.qualify(pen.pick(words.QUALIFIED))
        pen.soon(1, 5)
        pen.book(1.5)
        pen.at = pen.visit_at + timedelta(minutes=80)
        pen.meet(pen.pick(words.MET))
