"""What happens to leads, as the verbs would have written it: the lead's columns and its log.

Left out on purpose, as none of it changes how pages read:
- A warning before a timer closes a lead is in the log only as long as there are too few rows for
  three on each lead.
- Calls in vain plan no next try, repeated enquiries and old replies are read already.
- A merge fills no blank fields of the root: its row is written before the other lead comes in.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from leadcrm.demo.volume import words
from leadcrm.demo.volume.copying import DAY, NULL, Table, as_json, escaped, stamp
from leadcrm.demo.volume.life import Life, moment
from leadcrm.demo.volume.office import Member, Office, Place
from leads import kinds
from leads.appointments import REBOOK_WITHIN
from leads.call_outcome_settings import default_outcomes
from leads.calls import facts_of
from leads.models import Activity, Appointment, Deal, MergeJournal, Message, Task
from leads.models.activity import Lane
from leads.pipelines import Status, rung

# Below every transaction that will ever run: whoever reads the log has long been past these rows.
XID = "1"
# What each row gives, in this order.
LOG = (
    "lead contact kind occurred_at recorded_at actor_kind actor token via from_stage to_stage"
    " from_status to_status reason subject_type subject_id deal data"
)
MESSAGE = "id lead channel direction subject body meta author occurred_at created_at"
TASK = "id lead kind title due_at assignee created_by created_at done_at"
APPOINTMENT = "id lead status scheduled_for title host outcome_at created_by created_at"
DEAL = "id lead name contact company owner campaign source_kind value created_at"
MERGE = "id root absorbed moves made_by made_at"
CONTACTED = rung(Status.CONTACTED)
ACTIVE = frozenset(kind.name for kind in kinds.KINDS.values() if kind.activity)
KINDS_OF_STEPS = {"Call back": Task.Kind.CALL, "Rebook": Task.Kind.REBOOK}
NOTES = [escaped(text) for text in words.NOTES]
REPLIES = [escaped(text) for text in words.REPLIES]
MAILS = [(escaped(subject), escaped(body)) for subject, body in words.MAILS]
NOTE_DATA = as_json({"channel": "note", "direction": "internal"})
MAIL_OUT = as_json({"channel": "email", "direction": "outbound"})
MAIL_IN = as_json({"channel": "email", "direction": "inbound"})
CALLS = {
    outcome.code: (
        as_json({"channel": "call", "direction": "outbound", **facts_of(outcome), "seconds": None}),
        as_json({**facts_of(outcome), "seconds": None}),
    )
    for outcome in default_outcomes()
}
# From here on somebody is more than a lead.
QUALIFIES = (Status.QUALIFIED, Status.SCHEDULED, Status.COMPLETED, Status.CONVERTED)


class Journal:
    """Writes the log of a workspace's leads, with the messages, tasks and meetings behind it."""

    def __init__(self, office: Office, dice: random.Random, new_id: Callable[[float], str]) -> None:
        self.office, self.dice, self.new_id = office, dice, new_id
        self.hours = office.workspace.hours()
        self.rows = 0
        self.kinds: dict[str, int] = {}
        home = office.workspace.pk
        self.log = Table(Activity, LOG, workspace=home, xid=XID, lane=Lane.BACKFILL)
        self.messages = Table(Message, MESSAGE, workspace=home)
        self.tasks = Table(Task, TASK, workspace=home)
        self.appointments = Table(Appointment, APPOINTMENT, workspace=home)
        self.deals = Table(Deal, DEAL, workspace=home, currency=office.workspace.currency)
        self.merges = Table(MergeJournal, MERGE, workspace=home)
        self.tables = (
            self.log, self.messages, self.tasks, self.appointments, self.deals, self.merges
        )  # fmt: skip

    def record(
        self,
        life: Life,
        kind: str,
        data: str = "{}",
        *,
        at: float | None = None,
        by: str = "user",
        via: str = "web",
        actor: str = "",
        token: str = NULL,
        moved: tuple[str, str, str, str] = (NULL, NULL, "", ""),
        reason: str = "",
        subject: tuple[str, str] = ("", NULL),
        deal: str = NULL,
    ) -> None:
        """A row of the log; by the lead's rep unless said otherwise."""
        at = life.at if at is None else at
        when = stamp(at)
        self.rows += 1
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.log.add(
            at,
            life.id,
            life.who.id,
            kind,
            when,
            when,
            by,
            actor or (life.worker.id if by == "user" else NULL),
            token,
            via,
            *moved,
            reason,
            *subject,
            deal,
            data,
        )
        if kind in ACTIVE and life.last_activity_at < life.at:
            life.last_activity_at = life.at

    # --- said and written ---

    def call(self, life: Life, outcome: str) -> None:
        data, meta = CALLS[outcome]
        body = self._pick(NOTES) if self.dice.random() < 0.3 else ""
        self._say(life, kinds.CALL_LOGGED, "call", "outbound", data, body, meta=meta)
        self._try(life)
        if outcome == "reached":
            self._engage(life)
            if life.contacted_at is None:
                life.contacted_at = life.at
            if life.place.rung < CONTACTED:
                self.move(life, Status.CONTACTED)

    def write(self, life: Life) -> None:
        subject, body = self._pick(MAILS)
        self._say(life, kinds.MESSAGE_SENT, "email", "outbound", MAIL_OUT, body, subject)
        self._try(life)

    def hear(self, life: Life) -> None:
        """A mail from somebody whom we have reached before."""
        self._say(
            life, kinds.MESSAGE_RECEIVED, "email", "inbound", MAIL_IN, self._pick(REPLIES),
            "Re: Your request", by="system", via="email",
        )  # fmt: skip
        self._engage(life)

    def ask_again(self, life: Life) -> None:
        body = self._pick(REPLIES)
        self._say(
            life, kinds.ENQUIRY_REPEATED, "form", "inbound", life.way.facts_json, body,
            meta='{"answers":[]}', by="system", via="form",
        )  # fmt: skip

    def note(self, life: Life) -> None:
        body = self._pick(NOTES)
        self._say(life, kinds.NOTE_ADDED, "note", "internal", NOTE_DATA, body)

    def _say(
        self,
        life: Life,
        kind: str,
        channel: str,
        direction: str,
        data: str,
        body: str,
        subject: str = "",
        *,
        meta: str = "{}",
        by: str = "user",
        via: str = "web",
    ) -> None:
        message, at = self.new_id(life.at), stamp(life.at)
        author = life.worker.id if by == "user" else NULL
        self.messages.add(
            life.at, message, life.id, channel, direction, subject, body, meta, author, at, at
        )
        self.record(life, kind, data, by=by, via=via, subject=("message", message))

    def _engage(self, life: Life) -> None:
        if life.engaged_at is None:
            life.engaged_at = life.at

    def _try(self, life: Life) -> None:
        life.attempt_count += 1
        if life.first_response_at is None:
            life.first_response_at = life.at

    # --- stages ---

    def move(
        self,
        life: Life,
        status: str,
        *,
        reason: str = "",
        by: str = "user",
        via: str = "web",
        deal: str = NULL,
        **data: Any,
    ) -> None:
        """Into the stage of this status, where the pipeline has one."""
        place = self.office.places[life.way.pipeline].get(status)
        if place is None or place is life.place:
            return
        before, life.place = life.place, place
        life.stage_entered_at = life.at
        milestone = place.milestone
        if milestone and getattr(life, milestone) is None:
            setattr(life, milestone, life.at)
        if status in (Status.CONTACTED, Status.COMPLETED) and life.last_activity_at < life.at:
            life.last_activity_at = life.at
        if by == "user" and milestone and life.first_response_at is None:
            life.first_response_at = life.at
        life.version += 1
        facts = {
            "source": life.way.kind,
            "seconds_since_created": int(life.at - life.created_at),
            "cycle_days": int((life.at - life.created_at) // DAY),
            "budget": None if life.budget == NULL else life.budget,
            **{name: value for name, value in data.items() if value not in ("", None)},
        }
        self.record(
            life,
            kinds.STAGE_CHANGED,
            as_json(facts),
            by=by,
            via=via,
            moved=(before.id, place.id, before.status, place.status),
            reason=reason,
            subject=("deal", deal) if deal != NULL else ("", NULL),
            deal=deal,
        )
        self._advance_person(life, place)

    def close(
        self,
        life: Life,
        code: str,
        note: str = "",
        *,
        returns_at: float | None = None,
        by: str = "user",
        via: str = "web",
    ) -> None:
        reason = self.office.reasons[code]
        places = self.office.places[life.way.pipeline]
        status = reason.outcome if reason.outcome in places else Status.LOST
        unqualified = ""
        if life.qualified_at is None:
            unfit = status == Status.LOST and reason.outcome == Status.DISQUALIFIED
            unqualified = code if unfit else reason.unqualified_code
        if len(note) < reason.note_length:
            note = "Said so on the phone."
        back = stamp(returns_at) if returns_at else None
        self.move(
            life, status, reason=code, by=by, via=via, note=note,
            unqualified_reason=unqualified, returns_at=back,
        )  # fmt: skip
        life.reason_note, life.returns_at = note, returns_at
        life.unqualified_reason = unqualified
        if status == Status.LOST:
            life.lost_at, life.loss_reason = life.at, code
        else:
            life.disqualified_at, life.disqualification_reason = life.at, code
        if reason.forbids_contact and life.who.unwanted_at is None:
            life.who.unwanted_at, life.who.unwanted_note = life.at, reason.label
            self.record(life, kinds.DO_NOT_CONTACT, as_json({"note": reason.label}))

    def recycle(self, life: Life, returns_at: float) -> None:
        self.move(life, Status.RECYCLED, returns_at=stamp(returns_at))
        life.returns_at = returns_at

    def convert(self, life: Life, *, with_deal: bool) -> None:
        if with_deal:
            life.deal = self.new_id(life.at)
            self.deals.add(
                life.at,
                life.deal,
                life.id,
                escaped(life.who.display_name),
                life.who.id,
                life.who.employer.id if life.who.employer else NULL,
                life.owner.id if life.owner else NULL,
                life.campaign,
                life.way.kind,
                "0" if life.budget == NULL else life.budget,
                stamp(life.at),
            )
        self.move(life, Status.CONVERTED, deal=life.deal)

    def _advance_person(self, life: Life, place: Place) -> None:
        if place.stage.outcome == "won":
            life.who.stage = "customer"
        elif life.who.stage == "lead" and place.status in QUALIFIES:
            life.who.stage = "qualified"

    # --- next steps and meetings ---

    def plan(
        self, life: Life, due_at: float, done_at: float | None = None, title: str = ""
    ) -> None:
        """A next step; an open one is the lead's, a done one was done at `done_at`."""
        task, title = self.new_id(life.at), title or self._pick(words.STEPS)
        kind, rep = KINDS_OF_STEPS.get(title, Task.Kind.TODO), life.worker.id
        self.tasks.add(
            life.at, task, life.id, kind, title, stamp(due_at), rep, rep, stamp(life.at),
            stamp(done_at),
        )  # fmt: skip
        data = as_json({"title": title, "due_at": stamp(due_at)})
        self.record(life, kinds.TASK_ADDED, data, subject=("task", task))
        if done_at is None:
            life.next_task = life.held_until = due_at
        else:
            done = as_json({"title": title})
            self.record(life, kinds.TASK_DONE, done, at=done_at, subject=("task", task))

    def book(self, life: Life, starts: float, outcome: str = "", over: float = 0.0) -> None:
        """An appointment, with how it ended and when; the lead is booked from here on."""
        one, rep = self.new_id(life.at), life.worker.id
        self.appointments.add(
            life.at, one, life.id, outcome or "scheduled", stamp(starts), "Visit", rep,
            stamp(over) if outcome else NULL, rep, stamp(life.at),
        )  # fmt: skip
        data = as_json({"scheduled_for": stamp(starts), "title": "Visit"})
        self.record(life, kinds.APPOINTMENT_BOOKED, data, subject=("appointment", one))
        if life.first_response_at is None:
            life.first_response_at = life.at
        self.move(life, Status.SCHEDULED)
        if outcome:
            life.at = over
            self.record(life, f"appointment_{outcome}", data, subject=("appointment", one))
            if outcome == "attended":
                self.move(life, Status.COMPLETED)
            else:
                self._rebook(life)
        else:
            life.outcome_due, life.held_until = starts + 30 * 60, starts

    def _rebook(self, life: Life) -> None:
        """Nobody came: back to qualified, and a call for another time, which led to nothing."""
        self.move(life, Status.QUALIFIED)
        due = self.hours.add_minutes(moment(life.at), REBOOK_WITHIN).timestamp()
        self.plan(life, due, life.at, "Rebook")

    # --- the rest ---

    def snooze(self, life: Life, until: float) -> None:
        life.snoozed_until = until
        self.record(life, kinds.SNOOZED, as_json({"until": stamp(until)}))

    def hand_over(self, life: Life, to: Member) -> None:
        before, life.worker = life.worker, to
        names = {"from": before.name, "to": to.name, "to_id": to.id, "team": to.team}
        self.record(life, kinds.OWNER_CHANGED, as_json(names), actor=before.id)
        life.version += 1

    def correct(self, life: Life) -> None:
        """Somebody changed the label."""
        old, life.label = life.label, self._pick(words.LABELS)
        self.record(life, kinds.FIELDS_CHANGED, as_json({"changes": {"label": [old, life.label]}}))
        life.version += 1

    def archive(self, life: Life, reason: str) -> None:
        life.archived_at, life.archive_reason = life.at, reason
        self.record(life, kinds.ARCHIVED, as_json({"reason": reason}))
        life.version += 1

    def merge(self, life: Life, root: Life, keys: Iterable[str]) -> None:
        """The lead was the root's person under another address; `keys` are the root's now."""
        merge = self.new_id(life.at)
        moves = [
            *({"model": "key", "id": _dashed(key), "from": _dashed(life.who.id)} for key in keys),
            {"model": "lead_contact", "id": _dashed(life.id), "from": _dashed(life.who.id)},
            {"model": "contact", "id": _dashed(life.who.id), "from": ""},
        ]
        rep = life.worker.id
        self.merges.add(
            life.at, merge, root.id, "{" + life.id + "}", as_json(moves), rep, stamp(life.at)
        )
        about = {"into": _dashed(root.id), "name": root.who.display_name}
        self.record(life, kinds.MERGED, as_json(about), subject=("merge", merge))
        absorbed = {"absorbed": [_dashed(life.id)], "names": [life.who.display_name]}
        self.record(root, kinds.MERGED, as_json(absorbed), at=life.at, subject=("merge", merge))
        life.archived_at, life.archive_reason, life.merged_into = life.at, "Merged", root.id
        life.version += 1

    def _pick(self, items: Any) -> Any:
        return items[int(len(items) * self.dice.random())]


def _dashed(hex_id: str) -> str:
    return str(uuid.UUID(hex=hex_id))
