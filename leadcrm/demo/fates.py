"""What becomes of people who enquire, told from the enquiry to the end."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from leadcrm.demo import words
from leadcrm.demo.cast import LIST, WEBSITE, Channel, channel_named
from leadcrm.demo.episodes import (
    CALL_AGAIN,
    EMAIL,
    SEND_CONTRACT,
    end,
    inform,
    next_try,
    offer,
    qualify,
    reach,
    try_in_vain,
    visit,
)
from leadcrm.demo.life import TIMER, Pen
from leads.models import Task

Fate = Callable[[Pen], None]


# --- fates of the standard pipeline ----------------------------------------------------------


def wins(pen: Pen) -> None:
    visit(pen)
    pen.meet(pen.pick(words.MET))
    offer(pen)
    if pen.chance(0.5):
        pen.plan(CALL_AGAIN, 72, Task.Kind.CALL)
        pen.call("reached", "Signs this week.")
    pen.soon(1, 4)
    pen.plan(SEND_CONTRACT, 24)
    pen.done(SEND_CONTRACT)
    pen.soon(1, 90)
    low, high = (36, 128) if pen.person.company else (24, 76)
    pen.convert(pen.dice.randint(low, high) * 500)


def wins_fast(pen: Pen) -> None:
    """Knew us before: one visit, signed."""
    visit(pen)
    pen.meet("Signed on the spot.")
    pen.soon(20, 90)
    pen.convert(pen.dice.randint(20, 60) * 500)


def loses_after_offer(pen: Pen) -> None:
    visit(pen)
    pen.meet(pen.pick(words.MET))
    offer(pen)
    pen.plan(CALL_AGAIN, 96, Task.Kind.CALL)
    if pen.chance(0.4):
        try_in_vain(pen)
        next_try(pen, 2)
        pen.mail(words.CHECKING_IN)
        pen.wait(70)
    pen.call("reached")
    pen.soon(1, 10)
    pen.close(*pen.pick(words.LOST_AFTER_OFFER))


def loses_early(pen: Pen) -> None:
    reach(pen, "")
    if pen.chance(0.4):
        inform(pen)
        pen.call("reached")
    pen.soon(1, 6)
    pen.close(*pen.pick(words.LOST_EARLY))


def loses_touch(pen: Pen) -> None:
    """Qualified, then silent until its time runs out."""
    qualify(pen)
    if pen.chance(0.7):
        pen.plan(CALL_AGAIN, 72, Task.Kind.CALL)
        pen.call("reached", "Needs more time to think.")
    pen.at += timedelta(days=31)
    pen.close("lost_contact", by=TIMER)


def never_answers(pen: Pen) -> None:
    pen.answer()
    tries, gives_up = pen.dice.randint(3, 7), pen.chance(0.7)
    for number in range(1, tries + 1):
        try_in_vain(pen, last=number == tries and not gives_up)
        next_try(pen, number)
    if gives_up:
        pen.close("no_contact")
    else:
        pen.at += timedelta(days=21)
        pen.close("no_contact", by=TIMER)


def is_no_fit(pen: Pen) -> None:
    reason, note = pen.pick(words.UNFIT)
    reach(pen, note)
    pen.soon(1, 5)
    pen.close(reason, note)


def has_wrong_number(pen: Pen) -> None:
    pen.answer()
    pen.call("wrong_number")
    pen.soon(1, 6)
    pen.mail(words.CHECKING_IN)
    pen.wait(40)
    pen.close("wrong_contact", "Number belongs to somebody else, mail bounced.")


def wants_no_contact(pen: Pen) -> None:
    reach(pen, "Wants no calls from anybody.")
    pen.soon(1, 4)
    pen.close("do_not_contact", "Asked us to delete the number.")


def waits_for_better_times(pen: Pen) -> None:
    """Followed up later, and then it goes on."""
    note = pen.pick(words.BACK_LATER)
    reach(pen, note)
    pen.soon(1, 10)
    pen.rest(pen.almanac.on_shift(pen.at + timedelta(days=pen.dice.randint(24, 110))), note)
    pen.soon(30, 200)
    pen.call("reached", "Picked it up where we left it.")
    pen.soon(2, 10)
    pen.qualify("Ready now.")
    pen.book(4)
    pen.after_visit()
    pen.meet(pen.pick(words.MET))
    offer(pen)


def says_not_now(pen: Pen) -> None:
    qualify(pen)
    pen.plan(CALL_AGAIN, 72, Task.Kind.CALL)
    note = pen.pick(words.NOT_NOW)
    pen.call("reached", note)
    pen.soon(1, 8)
    pen.close("not_now", note, back=pen.almanac.on_shift(pen.at + timedelta(days=120)))


def misses_the_visit(pen: Pen) -> None:
    """A no-show; rebooked, and mostly met then."""
    visit(pen)
    pen.miss_visit()
    pen.soon(1, 5)
    pen.note(pen.pick(words.NO_SHOW_NOTE))
    pen.soon(20, 50)
    if pen.chance(0.3):
        try_in_vain(pen)
        pen.wait(20)
    pen.call("reached", "Forgot about it, apologized.")
    pen.soon(1, 6)
    pen.book(pen.dice.uniform(1, 4))
    pen.soon(1, 3)
    pen.done("Rebook")
    pen.remind()
    pen.after_visit()
    if pen.chance(0.3):
        pen.miss_visit()
        pen.wait(5)
        pen.close("no_shows")
        return
    pen.meet(pen.pick(words.MET))
    offer(pen)
    end(pen, pen.dice.randint(24, 60) * 500)


def calls_off(pen: Pen) -> None:
    """Cancels the visit before it takes place."""
    qualify(pen)
    pen.soon(1, 8)
    pen.book(pen.dice.uniform(5, 9))
    pen.wait(48)
    pen.write(EMAIL, "Something came up, I have to cancel. I'll be in touch.", "Our appointment")
    pen.soon(10, 120)
    pen.cancel_visit()
    pen.soon(2, 10)
    pen.plan(CALL_AGAIN, 72, Task.Kind.CALL)
    try_in_vain(pen)
    pen.wait(72)
    pen.call("reached", "Doesn't want to go on.")
    pen.soon(1, 5)
    pen.close("no_need", "Doesn't want to go on.")


def enquires_twice(pen: Pen) -> None:
    """Asks again while the first enquiry is being worked."""
    pen.answer()
    try_in_vain(pen)
    next_try(pen, 1)
    try_in_vain(pen)
    pen.at += timedelta(hours=pen.dice.randint(15, 60))
    pen.enquire(pen.at, owner=None, message=pen.pick(words.AGAIN))
    pen.answer()
    pen.call("reached", pen.pick(words.REACHED))
    pen.soon(2, 10)
    pen.qualify(pen.pick(words.QUALIFIED))
    pen.soon(1, 5)
    pen.book(3)
    pen.after_visit()
    pen.meet(pen.pick(words.MET))
    offer(pen)
    end(pen, 18_500)


def becomes_a_regular(pen: Pen) -> None:
    """Buys, and weeks later enquires about the next project: another lead of the same person."""
    wins_fast(pen)
    pen.at += timedelta(days=pen.dice.randint(18, 40))
    pen.enquire(
        pen.at, owner=pen.rep, message=pen.pick(words.NEXT_PROJECT), channel=channel_named(WEBSITE)
    )
    reach(pen, "Wants a battery to the panels that we installed.")
    inform(pen)
    pen.call("reached")
    pen.soon(1, 9)
    pen.qualify("Customer of ours, knows what to expect.")
    pen.soon(1, 5)
    pen.book(3, title="Battery consultation", remote=True)
    pen.after_visit()
    pen.meet("Chose the bigger battery.")
    offer(pen)
    pen.convert(11_500)


def is_handed_over(pen: Pen) -> None:
    """Another rep of the team takes over before the visit."""
    qualify(pen)
    team = pen.world.cast.reps(pen.person.team)
    pen.wait(20)
    pen.hand_over(pen.pick([rep for rep in team if rep != pen.rep]), "vacation")
    pen.plan(CALL_AGAIN, 24, Task.Kind.CALL)
    pen.call("reached", "Introduced myself.")
    pen.soon(1, 6)
    pen.book(4)
    pen.after_visit()
    pen.meet(pen.pick(words.MET))
    offer(pen)
    end(pen, 21_000)


def is_entered_twice(pen: Pen) -> None:
    pen.soon(30, 300)
    pen.note("Colleague typed this in although the customer is in already.")
    pen.soon(10, 100)
    pen.remove("Entered twice")


# --- fates of the appointments pipeline ------------------------------------------------------


def _roof_check(pen: Pen) -> None:
    reach(pen)
    pen.soon(1, 5)
    if pen.chance(0.7):
        pen.qualify(pen.pick(words.QUALIFIED))
        pen.soon(1, 3)
    pen.book(pen.dice.uniform(1.5, 6), title="Roof check")
    pen.remind()
    pen.after_visit()


def gets_checked(pen: Pen) -> None:
    _roof_check(pen)
    pen.meet(pen.pick(words.MET))


def misses_the_check(pen: Pen) -> None:
    _roof_check(pen)
    pen.miss_visit()
    pen.soon(15, 55)
    pen.call("reached", "Was stuck in traffic, wants another date.")
    pen.soon(1, 5)
    pen.book(pen.dice.uniform(1, 4), title="Roof check")
    pen.soon(1, 3)
    pen.done("Rebook")
    pen.after_visit()
    if pen.chance(0.65):
        pen.meet(pen.pick(words.MET))
    else:
        pen.miss_visit()
        pen.wait(4)
        pen.close("no_shows")


def thinks_about_it(pen: Pen) -> None:
    """Qualified without a date, then lost."""
    reach(pen)
    pen.soon(1, 5)
    pen.qualify(pen.pick(words.QUALIFIED))
    pen.plan("Agree on a date", 48, Task.Kind.CALL)
    try_in_vain(pen)
    next_try(pen, 2)
    pen.plan("Agree on a date", 72, Task.Kind.CALL)
    pen.call("reached")
    pen.soon(1, 6)
    pen.close(*pen.pick(words.LOST_EARLY))


def is_a_bad_lead(pen: Pen) -> None:
    reason, note = pen.pick(words.UNFIT_FROM_LIST)
    pen.answer()
    if reason == "wrong_contact":
        pen.call("wrong_number", note)
    else:
        pen.call("reached", note)
    pen.soon(1, 5)
    pen.close(reason, note)


# --- the choice ------------------------------------------------------------------------------

HAPPY = {wins, wins_fast, becomes_a_regular, gets_checked}
STANDARD: tuple[tuple[Fate, float], ...] = (
    (wins, 11),
    (wins_fast, 3),
    (becomes_a_regular, 2),
    (loses_after_offer, 14),
    (loses_early, 11),
    (loses_touch, 7),
    (never_answers, 17),
    (is_no_fit, 10),
    (has_wrong_number, 3),
    (wants_no_contact, 1.5),
    (waits_for_better_times, 8),
    (says_not_now, 5),
    (misses_the_visit, 6),
    (calls_off, 4),
    (enquires_twice, 4),
    (is_handed_over, 3),
    (is_entered_twice, 1),
)
APPOINTMENTS: tuple[tuple[Fate, float], ...] = (
    (gets_checked, 36),
    (misses_the_check, 13),
    (thinks_about_it, 13),
    (never_answers, 19),
    (loses_early, 9),
    (is_no_fit, 6),
    (is_a_bad_lead, 4),
)


def fate_of(channel: Channel, dice: random.Random) -> Fate:
    """Good sources win more, and a bought list holds the addresses of others."""
    fates = APPOINTMENTS if channel.pipeline == "appointments" else STANDARD
    weights = [weight * _factor(fate, channel) for fate, weight in fates]
    return dice.choices([fate for fate, _ in fates], weights)[0]


def _factor(fate: Fate, channel: Channel) -> float:
    if channel.name == LIST and fate is is_a_bad_lead:
        return 9
    return channel.wins if fate in HAPPY else 1
