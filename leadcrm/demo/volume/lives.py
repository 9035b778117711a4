"""What becomes of leads: most are lost, some are won, those that came lately are open."""

from __future__ import annotations

import random
from typing import Any

from leadcrm.demo.volume.copying import DAY, as_json, stamp
from leadcrm.demo.volume.journal import Journal
from leadcrm.demo.volume.life import ARRIVES_AFTER, HOUR, Life, moment
from leads import kinds, timers
from leads.pipelines import Status

LONG_LABEL = "Volume: 5,000 rows"
SHORT_LABEL = "Volume: 10 rows"
LONG, SHORT = 5000, 10
ROWS = 3  # of the log for each lead, on average
CROWDED = 0.0003  # leads with 50 to 300 rows
REMOVED = 0.006
VAIN = ("no_answer", "no_answer", "voicemail", "busy")
LOST = ("price", "competitor", "no_need", "no_authority", "not_now", "other")
UNFIT = (
    "outside_area", "wrong_contact", "fake", "not_offered", "too_small", "not_a_buyer",
    "existing_customer", "do_not_contact",
)  # fmt: skip
# How many are still open after so many days, and at which status those are.
STILL_OPEN = ((2, 0.95), (7, 0.85), (30, 0.64), (60, 0.36), (180, 0.14), (730, 0.024), (9999, 0.0))
OPEN_AT = (
    (29, ((0.50, Status.NEW), (0.72, Status.CONTACTED), (0.88, Status.QUALIFIED),
          (0.95, Status.SCHEDULED), (1.0, Status.COMPLETED))),
    (60, ((0.40, Status.CONTACTED), (0.75, Status.QUALIFIED), (0.87, Status.SCHEDULED),
          (1.0, Status.COMPLETED))),
    (9999, ((0.30, Status.CONTACTED), (0.60, Status.QUALIFIED), (0.75, Status.SCHEDULED),
            (1.0, Status.COMPLETED))),
)  # fmt: skip
CLOSES_AFTER = 30 * DAY  # the timers of both pipelines


class Fates:
    """Tells the lives of a workspace's leads, so that there are about three log rows for each."""

    def __init__(self, journal: Journal, dice: random.Random, now: float) -> None:
        self.journal, self.dice, self.now = journal, dice, now
        self.hours = journal.hours
        self.told = self.extra = 0

    @property
    def short_of(self) -> int:
        """How many more rows there should be by now."""
        return ROWS * self.told + self.extra - self.journal.rows

    def tell(self, life: Life, number: str = "") -> None:
        """The whole life of a lead; `number` says that it is one of the two with a known length."""
        age = (self.now - life.created_at) / DAY
        self.told += 1
        if number:
            self._measured(life, number)
        elif self.dice.random() < _first(STILL_OPEN, age):
            self._open(life, age)
        else:
            self._closed(life, age)

    # --- closed ---

    def _closed(self, life: Life, age: float) -> None:
        rand, journal = self.dice.random, self.journal
        if rand() < REMOVED:
            life.at = self._end(life, 2)
            journal.archive(
                life, ("Entered twice", "Spam", "", "Asked to be removed")[int(rand() * 4)]
            )
            return
        chance = rand()
        if age > 31 and chance < 0.45:
            self._unreached(life)
        elif age > 45 and chance < 0.51:
            self._goes_quiet(life)
        elif chance < 0.72:
            end = self._end(life, 9)
            if rand() < 0.3:
                life.at = self._at(life.at, end, 0.4)
                journal.call(life, "reached")
            self._chatter(life, end)
            life.at = end
            journal.close(life, LOST[int(len(LOST) * rand() ** 1.5)])
        elif chance < 0.915:
            end = self._end(life, 4)
            self._chatter(life, end)
            life.at = end
            journal.close(life, UNFIT[int(len(UNFIT) * rand() ** 1.6)])
        elif age < 300 and chance < 0.95:
            life.at = end = self._end(life, 10)
            journal.call(life, "reached")
            if Status.RECYCLED in journal.office.places[life.way.pipeline]:
                journal.recycle(life, self.now + rand() * 250 * DAY + HOUR)
            else:
                journal.close(life, "not_now", returns_at=self.now + rand() * 250 * DAY + HOUR)
        else:
            self._goes_far(life)

    def _unreached(self, life: Life) -> None:
        """Nobody answers until the timer closes the lead."""
        due = life.created_at + ARRIVES_AFTER + CLOSES_AFTER
        self._chatter(life, life.created_at + 20 * DAY, reached=False)
        self._time_out(life, due, "no_contact")

    def _goes_quiet(self, life: Life) -> None:
        """Reached once, then silence until the timer closes the lead."""
        end = life.created_at + 12 * DAY
        life.at = self._at(life.at, end, 0.3)
        self.journal.call(life, "reached")
        self._chatter(life, end)
        idle = max(life.last_activity_at, life.stage_entered_at)
        self._time_out(life, idle + CLOSES_AFTER, "lost_contact")

    def _time_out(self, life: Life, due: float, code: str) -> None:
        if self.short_of > 0:
            life.at = due - timers.WARN_BUSINESS_DAYS * DAY
            self._warn(life, due)
        life.at = due
        self.journal.close(life, code, by="system", via="timer")

    def _goes_far(self, life: Life) -> None:
        """Qualified, and then won or lost."""
        rand, journal = self.dice.random, self.journal
        end = self._end(life, 25)
        life.at = self._at(life.at, end, 0.15)
        if rand() < 0.5:
            journal.call(life, "reached")
            life.at = self._at(life.at, end, 0.1)
        journal.move(life, Status.QUALIFIED)
        appointments, missed = life.way.pipeline == "appointments", False
        if appointments or rand() < 0.25:
            life.at = self._at(life.at, end, 0.2)
            starts = self._at(life.at, end, 0.7)
            missed = rand() > 0.85
            over = min(starts + HOUR, self.now - 60)
            journal.book(life, starts, "no_show" if missed else "attended", over)
        self._chatter(life, end)
        if life.place.stage.outcome != "open":
            return
        life.at = max(life.at + 60, end)
        if appointments or missed or rand() < 0.25:
            journal.close(life, LOST[int(len(LOST) * rand() ** 1.5)])
        else:
            journal.convert(life, with_deal=rand() < 0.6)

    # --- open ---

    def _open(self, life: Life, age: float) -> None:
        rand, journal = self.dice.random, self.journal
        if age < 1 and rand() < 0.35:
            life.owned = rand() < 0.5
            self._project(life)
            return
        status = _first(_first(OPEN_AT, age), rand())
        lately = max(life.created_at + 60, self.now - 300 - 26 * DAY * rand())
        if status == Status.NEW:
            for _ in range(1 + int(rand() * 2.2)):
                life.at = self._at(life.at, self.now - 60, 0.4)
                journal.call(life, VAIN[int(rand() * len(VAIN))])
        else:
            self._get_to(life, status, lately)
        self._next_step(life, status)
        self._project(life)

    def _get_to(self, life: Life, status: str, lately: float) -> None:
        rand, journal = self.dice.random, self.journal
        life.at = self._at(life.at, lately, 0.5)
        if status in (Status.CONTACTED, Status.QUALIFIED):
            journal.call(life, "reached")
            if status == Status.QUALIFIED:
                life.at = self._at(life.at, lately, 0.8)
                journal.move(life, Status.QUALIFIED)
            life.at = max(life.at + 60, lately)
            if life.last_activity_at < self.now - 27 * DAY or rand() < 0.2:
                journal.write(life)
            return
        if rand() < 0.5:
            journal.move(life, Status.QUALIFIED)
        life.at = max(life.at + 60, lately)
        if status == Status.SCHEDULED or life.way.pipeline == "appointments":
            ahead = rand() < 0.75 or life.at > self.now - 4 * DAY
            starts = self.now + (HOUR + rand() * 14 * DAY if ahead else -rand() * 3 * DAY)
            journal.book(life, _half_hour(starts))
        else:
            journal.book(life, life.at + HOUR, "attended", min(life.at + 2 * HOUR, self.now - 30))

    def _next_step(self, life: Life, status: str) -> None:
        rand, journal = self.dice.random, self.journal
        life.at = min(life.at + 60, self.now - 1)
        if life.contacted_at is not None and rand() < 0.03:
            life.at = min(life.at + HOUR, self.now - 1)
            journal.hear(life)
            life.unread_since = life.at
        chance = rand()
        if status == Status.SCHEDULED or chance < 0.16:
            return
        if chance < 0.21:
            journal.snooze(life, self.now + HOUR + rand() * 30 * DAY)
        elif chance < 0.41:
            overdue = max(life.at + 60, self.now - rand() * 9 * DAY)
            journal.plan(life, min(overdue, self.now - 60))
        else:
            journal.plan(life, _half_hour(self.now + HOUR + rand() ** 2 * 21 * DAY))

    def _project(self, life: Life) -> None:
        """What is due when, by the rules themselves."""
        if life.archived_at is not None:
            life.work_due_at = life.auto_close_at = None
            return
        lead, facts = life.as_lead(), life.facts()
        work = timers.work_due_at(lead, facts)
        closes = timers.auto_close_at(lead, life.place.stage, facts)
        life.work_due_at = work.timestamp() if work else None
        if closes is None:
            return
        life.auto_close_at = closes.timestamp()
        if life.auto_close_at < self.now + 7 * DAY:
            warned = self._warned_at(life.auto_close_at)
            if warned <= self.now:
                life.auto_close_warned_at = warned
                life.at = warned
                self._warn(life, life.auto_close_at)

    def _warned_at(self, closes: float) -> float:
        return self.hours.add_days(moment(closes), -timers.WARN_BUSINESS_DAYS).timestamp()

    def _warn(self, life: Life, closes: float) -> None:
        data = as_json({"closes_at": stamp(closes)})
        self.journal.record(life, kinds.CLOSE_WARNED, data, by="system", via="timer")

    # --- more rows ---

    def _chatter(self, life: Life, end: float, *, reached: bool = True) -> None:
        """Calls, notes and mails, few on most leads and very many on some."""
        chance = self.dice.random()
        if chance < CROWDED:
            count = int(50 * 6 ** self.dice.random())
        elif self.short_of <= 0 or chance > 0.6:
            return
        else:
            count = 1 + int(self.dice.expovariate(1.6))
        for number in range(count):
            life.at = self._at(life.at, end, 1 / (count + 1 - number))
            self._something(life, reached and life.contacted_at is not None)

    def _something(self, life: Life, reached: bool) -> None:
        journal, chance = self.journal, self.dice.random()
        if chance < 0.40:
            journal.call(life, "reached" if reached else VAIN[int(self.dice.random() * 4)])
        elif chance < 0.62:
            journal.note(life)
        elif chance < 0.82:
            journal.write(life)
        elif chance < 0.86:
            journal.correct(life)
        elif chance < 0.89 and life.owned:
            to = journal.office.on_duty(life.at, self.dice.random())
            if to is not life.worker:
                journal.hand_over(life, to)
        elif chance < 0.94:
            journal.plan(life, life.at + DAY, life.at + 600)
        elif reached:
            journal.hear(life)
        else:
            journal.ask_again(life)

    def _measured(self, life: Life, label: str) -> None:
        """An open lead with exactly so many rows, found by its label."""
        journal, before = self.journal, self.journal.rows - 1  # its first row is written already
        wanted = LONG if label == LONG_LABEL else SHORT
        end = self.now - 2 * DAY
        life.at = self._at(life.at, end, 0.01)
        journal.call(life, "reached")
        journal.move(life, Status.QUALIFIED)
        while (left := wanted - (journal.rows - before)) > 1:
            life.at = self._at(life.at, end, 1 / left)
            if left % 4:
                (journal.note, journal.write, journal.hear)[left % 3](life)
            else:
                journal.call(life, "reached")
        life.at = end
        journal.write(life)
        life.label, life.owned = label, True
        self.extra += wanted - ROWS
        self._project(life)

    # --- when ---

    def _end(self, life: Life, days: float) -> float:
        """When a life of about so many days is over, before now."""
        span = self.dice.expovariate(1 / (days * DAY)) + 600
        return life.created_at + min(span, (self.now - life.created_at) * 0.95)

    def _at(self, start: float, end: float, share: float) -> float:
        """A moment about so far on the way from one to the other."""
        if end <= start:
            return start + 1
        at = start + (end - start) * min(1.0, share * (0.5 + self.dice.random()))
        return min(max(_at_work(at), start + 1), end)


def _first(table: Any, value: float) -> Any:
    """The entry of the first limit that the value is below."""
    return next(entry for limit, entry in table if value < limit)


def _at_work(at: float) -> float:
    """The same day between eight and six in Chicago; later moments stay later."""
    day, second = divmod(at, DAY)
    return day * DAY + 14 * HOUR + second * 10 / 24


def _half_hour(at: float) -> float:
    return at - at % 1800 + 1800
