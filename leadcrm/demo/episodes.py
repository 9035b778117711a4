"""Parts of a life that many fates share: the first answer, the visit, the offer."""

from __future__ import annotations

from leadcrm.demo import words
from leadcrm.demo.life import Pen
from leads.models import Message, Task

EMAIL = Message.Channel.EMAIL
SEND_OFFER, SEND_GUIDE, GO_THROUGH = "Send the offer", "Send the guide", "Go through the offer"
SEND_CONTRACT, CALL_AGAIN = "Send the contract", "Call about the next step"


def try_in_vain(pen: Pen, *, last: bool = False) -> None:
    """Nobody picks up; now and then a text is sent after it."""
    outcome = pen.pick(("no_answer", "no_answer", "voicemail", "voicemail", "busy"))
    note = pen.pick(words.VOICEMAILS) if outcome == "voicemail" else ""
    pen.call(outcome, note, last=last)
    if pen.chance(0.3):
        pen.soon(1, 4)
        pen.text(pen.pick(words.TEXT_TRIED))


def next_try(pen: Pen, tries: int) -> None:
    if tries == 1:
        pen.soon(125, 170)
        pen.at = pen.almanac.at_desk(pen.at)
    else:
        pen.wait(22)


def reach(pen: Pen, note: str | None = None) -> None:
    """Somebody of ours answers, and in the end talks with them."""
    pen.answer()
    (missed,) = pen.dice.choices((0, 1, 2), (62, 26, 12))
    for number in range(missed):
        try_in_vain(pen)
        next_try(pen, number + 1)
    pen.call("reached", pen.pick(words.REACHED) if note is None else note)


def inform(pen: Pen) -> None:
    """After the first talk: a mail with what to expect, and a call planned."""
    if pen.chance(0.5):
        pen.soon(5, 60)
        pen.mail(words.INFORMATION)
    pen.plan(CALL_AGAIN, pen.dice.choice((24, 48, 72)), Task.Kind.CALL)


def qualify(pen: Pen) -> None:
    reach(pen)
    if pen.chance(0.45):
        inform(pen)
        pen.call("reached")
    pen.soon(1, 12)
    pen.qualify(pen.pick(words.QUALIFIED))


def visit(pen: Pen) -> None:
    """From the first talk to the visit."""
    qualify(pen)
    if pen.chance(0.6):
        pen.soon(1, 8)
    else:
        pen.plan("Agree on a visit", 24, Task.Kind.CALL)
        pen.call("reached")
    pen.book(pen.dice.uniform(1.5, 8), remote=pen.chance(0.12))
    pen.remind()
    pen.after_visit()


def offer(pen: Pen) -> None:
    """After the visit: the offer is sent and talked about."""
    pen.soon(2, 20)
    pen.plan(SEND_OFFER, pen.dice.choice((20, 30, 45)))
    pen.mail(words.OFFER)
    pen.soon(1, 3)
    pen.done(SEND_OFFER)
    pen.soon(1, 3)
    pen.plan(GO_THROUGH, pen.dice.choice((72, 96, 120)), Task.Kind.CALL)
    if pen.chance(0.6):
        pen.write(EMAIL, pen.pick(words.QUESTIONS), "Re: Your offer from Sunny Roofs")
        pen.wait(3)
        pen.mail(words.ANSWER)
        pen.soon(20, 90)
    pen.call("reached")


def end(pen: Pen, value: int) -> None:
    """A coin decides."""
    if pen.chance(0.5):
        pen.convert(value)
    else:
        pen.close(*pen.pick(words.LOST_AFTER_OFFER))
