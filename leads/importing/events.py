"""Rows of a file of history: what each tells, and of which lead."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from leadcrm.workspaces.access import Reach, reach
from leadcrm.workspaces.models import Membership
from leads import identity
from leads.access import within
from leads.batch import short_key
from leads.draft_values import storable
from leads.importing import values
from leads.importing.comparing import find_leads
from leads.importing.drafting import Drafter
from leads.importing.headers import normal
from leads.importing.reading import Row
from leads.models import CallBehaviour, Import, Lead, Message, Stage

NOTE, CALL, EMAIL, SMS, TASK, STAGE = KINDS = ("note", "call", "email", "sms", "task", "stage")
# The words of other products, by how they begin.
WORDS = (
    ("call", CALL), ("phone", CALL), ("anruf", CALL), ("note", NOTE), ("comment", NOTE),
    ("notiz", NOTE), ("email", EMAIL), ("e mail", EMAIL), ("mail", EMAIL), ("incoming email", EMAIL),
    ("sms", SMS), ("text", SMS), ("whatsapp", SMS), ("task", TASK), ("to do", TASK), ("todo", TASK),
    ("deadline", TASK), ("aufgabe", TASK), ("stage", STAGE), ("status", STAGE), ("field history", STAGE),
)  # fmt: skip
OUTCOMES = (
    *((word, CallBehaviour.REACHED) for word in (
        "connected", "reached", "answered", "completed", "held", "interested", "spoke",
    )),
    *((word, CallBehaviour.VOICEMAIL) for word in (
        "left voicemail", "left live message", "left message", "voicemail",
    )),
    ("busy", CallBehaviour.BUSY), ("no answer", CallBehaviour.NO_ANSWER),
    ("not answered", CallBehaviour.NO_ANSWER), ("missed", CallBehaviour.NO_ANSWER),
    ("wrong number", CallBehaviour.WRONG_NUMBER),
)  # fmt: skip
INBOUND = ("in", "incoming", "inbound", "received", "eingehend", "missed")
LONGEST_TEXT = 100_000
FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Event:
    """One entry of history; `error` is (field, sentence) where it can't be brought in."""

    number: int
    kind: str = NOTE
    at: datetime = FIRST
    text: str = ""
    title: str = ""
    outcome: str = CallBehaviour.REACHED
    seconds: int | None = None
    direction: str = Message.Direction.OUTBOUND
    stage: Stage | None = None
    due_at: datetime | None = None
    done: bool = False
    author: Membership | None = None
    external: str = ""
    email: str = ""
    phone: str = ""
    key: str = ""
    lead_id: uuid.UUID | None = None
    error: tuple[str, str] | None = None

    @property
    def body(self) -> str:
        parts = [self.title, self.text] if self.kind in (NOTE, CALL) else [self.text]
        return "\n".join(dict.fromkeys(part for part in parts if part))[:LONGEST_TEXT]


class EventReader(Drafter):
    """Reads the rows of one file of history and finds their leads."""

    def __init__(self, batch: Import, member: Membership) -> None:
        super().__init__(batch, member.workspace)
        self.member = member
        self.system = batch.option("system", "file")

    def read(self, rows: Sequence[Row]) -> list[Event]:
        """An entry for each row, each with its lead or the reason why there is none."""
        events = [self._event(row) for row in rows]
        leads = find_leads([(one.external, one.email, one.phone) for one in events], self.system)
        for event, lead in zip(events, leads, strict=True):
            if event.error is None and lead is None:
                event.error = ("lead", "No lead is known by this id, e-mail or phone.")
            event.lead_id = lead.pk if lead else None
        self._keep_to_reach(events)
        return events

    def _keep_to_reach(self, events: Sequence[Event]) -> None:
        if reach(self.member, "edit") is Reach.ALL:
            return
        ids = {event.lead_id for event in events}
        mine = set(
            Lead.objects.filter(within(self.member, "edit"), pk__in=ids).values_list(
                "pk", flat=True
            )
        )
        for event in events:
            if event.error is None and event.lead_id not in mine:
                event.error = ("lead", "This lead is another team's.")

    def _event(self, row: Row) -> Event:
        number, cells = row
        event = Event(number)
        try:
            given = {
                target.key: storable(target.read(cells[place]))
                for place, target, _ in self.columns
                if place < len(cells) and cells[place]
            }
            self._fill(event, given)
        except ValueError as problem:
            event.error = event.error or ("at", f"{problem}.")
        return event

    def _fill(self, event: Event, given: dict[str, str]) -> None:
        event.external = given.get("external_id", "")
        event.email = identity.canonical_email(given.get("email")) or ""
        event.phone = identity.canonical_phone(given.get("phone"), self.workspace.country) or ""
        event.text, event.title = given.get("text", ""), given.get("title", "")
        event.kind = self._kind(given)
        event.author = self.members.get(given.get("author", "").strip().casefold())
        event.done = bool(given.get("done")) and values.is_yes(given["done"])
        event.at = self._moment(given.get("at", ""))
        if given.get("due_at"):
            event.due_at = self._moment(given["due_at"])
        if given.get("event_id"):
            event.key = short_key(f"history:{self.system}:{event.kind}:{given['event_id']}")
        if event.kind == CALL:
            self._fill_call(event, given)
        elif event.kind in (EMAIL, SMS):
            event.direction = _direction(given)
        elif event.kind == STAGE:
            event.stage = self._stage(event, given.get("stage", ""))
        if event.kind != STAGE and not event.body and event.kind in (NOTE, EMAIL, SMS):
            event.error = ("text", "There is no text in it.")
        if event.kind == TASK and not (event.title or event.text):
            event.error = ("text", "The task has no subject.")

    def _fill_call(self, event: Event, given: dict[str, str]) -> None:
        event.direction = _direction(given)
        event.seconds = int(given["seconds"]) if given.get("seconds") else None
        said = normal(given.get("outcome", ""))
        default = CallBehaviour.REACHED if (event.seconds or 0) >= 30 else CallBehaviour.NO_ANSWER
        event.outcome = next((one for word, one in OUTCOMES if said.startswith(word)), default)

    def _moment(self, text: str) -> datetime:
        if not text:
            raise ValueError("It doesn't say when it happened")
        return values.moment(text, self.zone, day_first=self.day_first)

    def _stage(self, event: Event, text: str) -> Stage | None:
        found = self.stage_named(text)
        if found is None:
            event.error = ("stage", f"There is no stage “{text[:60]}”.")
        return found

    def _kind(self, given: dict[str, str]) -> str:
        said = normal(given.get("event", ""))
        for word, kind in WORDS:
            if said.startswith(word):
                return kind
        if given.get("stage") and "text" not in self.mapped:
            return STAGE
        if given.get("due_at"):
            return TASK
        return self._usual

    @cached_property
    def _usual(self) -> str:
        """What the rows are where none says: by which columns the file has."""
        if {"outcome", "seconds"} & self.mapped:
            return CALL
        if "due_at" in self.mapped:
            return TASK
        return STAGE if "stage" in self.mapped and "text" not in self.mapped else NOTE


def _direction(given: dict[str, str]) -> str:
    said = normal(given.get("direction", ""))
    inbound = any(said.startswith(word) for word in INBOUND)
    return Message.Direction.INBOUND if inbound else Message.Direction.OUTBOUND
