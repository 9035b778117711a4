"""The timeline of a lead, person or company: rows of the log in words, folded and in pages."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from leadcrm.workspaces.models import Location
from leadcrm.workspaces.paging import BadCursor, pack, unpack
from leadcrm.workspaces.templatetags.page_tags import day_text
from leads import kinds, timeline
from leads.calls import label_in
from leads.models import Activity, Campaign, ContactKey, Lead, Message, Source
from leads.templatetags.lead_tags import phone_text

PAGE = 30
SHOWN_LENGTH, SHOWN_LINES = 600, 10  # of a body; the rest is fetched by "Show all"
VALUE_LENGTH = 200  # of an old or new value
SHOWS = ("all", "conversation", "changes")

ICONS = {
    kinds.LEAD_CREATED: "inbox",
    kinds.ENQUIRY_REPEATED: "inbox",
    kinds.STAGE_CHANGED: "flag",
    kinds.CALL_LOGGED: "phone",
    kinds.CALL_RECEIVED: "phone",
    kinds.NOTE_ADDED: "note",
    kinds.NOTE_EDITED: "note",
    kinds.NOTE_PINNED: "pin",
    kinds.NOTE_UNPINNED: "pin",
    kinds.MESSAGE_RECEIVED: "mail",
    kinds.MESSAGE_SENT: "mail",
    kinds.TASK_ADDED: "check",
    kinds.TASK_DONE: "check",
    kinds.TASK_CHANGED: "check",
    kinds.OWNER_CHANGED: "user",
    kinds.FIELDS_CHANGED: "edit",
    kinds.SNOOZED: "clock",
    kinds.WOKEN: "clock",
    kinds.ARCHIVED: "trash",
    kinds.DO_NOT_CONTACT: "ban",
    kinds.UNDONE: "undo",
    kinds.KEY_ADDED: "key",
    kinds.KEY_REMOVED: "key",
}
LABELS = {field.name: str(field.verbose_name) for field in Lead._meta.fields}
LINKS: dict[str, Any] = {"source": Source, "campaign": Campaign, "location": Location}
CHANNELS = {Message.Channel.EMAIL: "E-mail", Message.Channel.SMS: "Text"}

# What stands for a change that no member made, by the door it came through.
DOORS = {"form": "", "web": "", "timer": "by itself", "import": "Import", "email": "E-mail"}


@dataclass(slots=True)
class Row:
    """One row of the log as a person reads it. `heading` names its day where that is a new one."""

    activity: Activity
    title: str
    icon: str
    details: list[str] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    due_at: Any = None
    message: Message | None = None
    undone: bool = False
    body: str = ""
    is_cut: bool = False
    heading: str = ""
    lead: Lead | None = None  # where the timeline is that of several
    rows: ClassVar[tuple[Row, ...]] = ()  # a fold has some

    @property
    def is_note(self) -> bool:
        return self.message is not None and self.message.channel == Message.Channel.NOTE

    @property
    def is_edited(self) -> bool:
        return self.message is not None and self.message.edited_at is not None

    @property
    def who(self) -> str:
        activity = self.activity
        if activity.token is not None:
            return f"{activity.token.name} (API)"
        if activity.actor is not None:
            return str(activity.actor)
        return DOORS.get(activity.via, activity.via)

    @property
    def day(self) -> date:
        """The day on which it happened where the viewer is."""
        return timezone.localtime(self.activity.occurred_at).date()


@dataclass(slots=True)
class Fold:
    """Automatic rows that stand together and are shown as one line."""

    rows: list[Row]
    heading: str = ""

    @property
    def day(self) -> date:
        return self.rows[0].day

    @property
    def key(self) -> int:
        return self.rows[0].activity.pk


@dataclass(slots=True)
class History:
    """A page of the timeline, newest first, and the cursor of the next one."""

    blocks: list[Row | Fold]
    show: str
    older: str = ""


def read(
    rows: QuerySet[Activity],
    reasons: Mapping[str, str],
    now: datetime,
    *,
    show: str = "all",
    before: str = "",
    leads: Mapping[uuid.UUID, Lead] | None = None,
) -> History:
    """The newest of the log rows, or those before a cursor, in two queries.

    Of several leads, `leads` tells which one a row names, by the id of its lead.
    """
    show = show if show in SHOWS else "all"
    if show != "all":
        group = "conversation" if show == "conversation" else "change"
        rows = rows.filter(kind__in=[k.name for k in kinds.KINDS.values() if k.group == group])
    above = None
    if before:
        at, row_id = _position(before)
        above = timezone.localtime(at).date()
        rows = rows.filter(Q(occurred_at__lt=at) | Q(occurred_at=at, pk__lt=row_id))
    found = list(rows[: PAGE + 1])
    page, more = found[:PAGE], len(found) > PAGE
    messages = timeline.messages_of(page)
    shown = [_row(activity, messages, reasons) for activity in page]
    _mark_undone(shown)
    _name_links(shown)
    for row in shown:
        lead_id = row.activity.lead_id
        row.lead = leads.get(lead_id) if leads and lead_id else None
    last = page[-1] if page else None
    older = pack([last.occurred_at.isoformat(), last.pk]) if last and more else ""
    return History(_with_headings(_fold(shown), above, now), show, older)


def _mark_undone(rows: Sequence[Row]) -> None:
    """An undo comes minutes after what it undoes, so both stand on one page."""
    undone: set[int] = set()
    for row in rows:
        if row.activity.kind == kinds.UNDONE:
            undone.update(row.activity.data.get("activities", ()))
    for row in rows:
        row.undone = row.activity.pk in undone


def clip(text: str) -> tuple[str, bool]:
    """The start of a text, and whether there is more of it."""
    start = "\n".join(text[:SHOWN_LENGTH].split("\n")[:SHOWN_LINES])
    if len(start) == len(text):
        return text, False
    if len(start) == SHOWN_LENGTH:
        start = start.rsplit(" ", 1)[0]
    return start + "…", True


def _position(cursor: str) -> tuple[datetime, int]:
    when, row_id = unpack(cursor, 2)
    at = _moment(when) if isinstance(when, str) else None
    if at is None or at.tzinfo is None or not isinstance(row_id, int):
        raise BadCursor
    try:
        timezone.localtime(at)
    except OverflowError:
        raise BadCursor from None
    return at, row_id


def _fold(rows: Sequence[Row]) -> list[Row | Fold]:
    """Put neighbouring automatic rows together, from two on."""
    blocks: list[Row | Fold] = []
    for row in rows:
        last = blocks[-1] if blocks else None
        if not row.activity.spec.automatic:
            blocks.append(row)
        elif isinstance(last, Fold):
            last.rows.append(row)
        else:
            blocks.append(Fold([row]))
    return [
        block.rows[0] if isinstance(block, Fold) and len(block.rows) == 1 else block
        for block in blocks
    ]


def _with_headings(blocks: list[Row | Fold], above: date | None, now: datetime) -> list[Row | Fold]:
    """Name each day over the first block of it; `above` is the day that the last page ended in."""
    for block in blocks:
        if block.day != above:
            block.heading = day_text(block.day, now)
        above = block.day
    return blocks


def _row(
    activity: Activity, messages: Mapping[uuid.UUID, Message], reasons: Mapping[str, str]
) -> Row:
    row = Row(activity, activity.spec.label, _icon(activity))
    if activity.subject_type == "message" and activity.subject_id:
        row.message = messages.get(activity.subject_id)
        row.body, row.is_cut = clip(row.message.body) if row.message else ("", False)
    describe = _DESCRIBE.get(activity.kind)
    if describe is not None:
        describe(row, activity.data, reasons)
    if note := activity.data.get("note"):
        row.details.append(clip(str(note))[0])
    return row


def _name_links(rows: Sequence[Row]) -> None:
    """The log holds the ids of sources and campaigns; a person reads their names."""
    ids = {
        value
        for row in rows
        for name in LINKS
        for value in row.activity.data.get("changes", {}).get(name, ())
        if value and row.activity.kind == kinds.FIELDS_CHANGED
    }
    if not ids:
        return
    found = [model.objects.filter(pk__in=ids).values_list("pk", "name") for model in LINKS.values()]
    names = {str(pk): name for pk, name in found[0].union(*found[1:], all=True)}
    for row in rows:
        row.changes = [
            (label, names.get(old, old), names.get(new, new)) for label, old, new in row.changes
        ]


def _icon(activity: Activity) -> str:
    if activity.kind.startswith("appointment_"):
        return "calendar"
    return ICONS.get(activity.kind, "dot")


def _stage_changed(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    activity = row.activity
    before = (
        activity.from_stage.label if activity.from_stage else activity.get_from_status_display()
    )
    after = activity.to_stage.label if activity.to_stage else activity.get_to_status_display()
    row.title = f"{before} → {after}"
    if activity.reason:
        row.title += f": {reasons.get(activity.reason, activity.reason)}"


def _called(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    label = label_in(data)
    way = "Incoming call" if row.activity.kind == kinds.CALL_RECEIVED else "Call"
    row.title = f"{way}: {label}" if label else way


def _messaged(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    channel = CHANNELS.get(data.get("channel", ""), "Message")
    way = "received" if row.activity.kind == kinds.MESSAGE_RECEIVED else "sent"
    subject = f": {row.message.subject}" if row.message and row.message.subject else ""
    row.title = f"{channel} {way}{subject}"


def _task(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    if data.get("title"):
        row.title += f": {data['title']}"
    row.due_at = _moment(data.get("due_at"))


def _appointment(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    if data.get("title"):
        row.title += f": {data['title']}"
    row.due_at = _moment(data.get("scheduled_for"))


def _owner(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    before, after = data.get("from") or "Nobody", data.get("to") or data.get("team") or "the pool"
    row.title = f"Owner: {before} → {after}"


def _fields(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    changes = data.get("changes", {})
    labels = data.get("labels", {})
    row.changes = [
        (labels.get(name) or label_of(name), _text(old), _text(new))
        for name, (old, new) in changes.items()
    ]
    row.title = f"Changed {', '.join(label for label, _, _ in row.changes)}"[:120]


def _about_note(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    """The note itself stands further down: here its first words are enough."""
    if row.message is not None:
        row.details.append(f"“{_short(' '.join(row.message.body.split()), 60)}”")
    row.message, row.body, row.is_cut = None, "", False


def _snoozed(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    row.due_at = _moment(data.get("until"))


def _suggestion(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    verb = "Took over" if data.get("accepted") else "Dismissed"
    row.title = f"{verb} {label_of(data.get('field', ''))} from {data.get('source', '')}"


def _removed(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    if data.get("reason"):
        row.details.append(str(data["reason"]))


def _consent(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    row.title = "May be contacted again" if data.get("cleared") else "Do not contact"
    if data.get("value"):
        row.title += f": {phone_text(data['value'])}"


def _key(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    what = "E-mail" if data.get("key") == ContactKey.Kind.EMAIL else "Phone"
    done = "added" if row.activity.kind == kinds.KEY_ADDED else "removed"
    row.title = f"{what} {done}: {phone_text(data.get('value', ''))}"


def _undone(row: Row, data: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    row.title = f"Undone: {data.get('said', '')}"


_DESCRIBE = {
    kinds.UNDONE: _undone,
    kinds.STAGE_CHANGED: _stage_changed,
    kinds.CALL_LOGGED: _called,
    kinds.CALL_RECEIVED: _called,
    kinds.MESSAGE_SENT: _messaged,
    kinds.MESSAGE_RECEIVED: _messaged,
    kinds.TASK_ADDED: _task,
    kinds.TASK_DONE: _task,
    kinds.TASK_CHANGED: _task,
    kinds.APPOINTMENT_BOOKED: _appointment,
    kinds.APPOINTMENT_MOVED: _appointment,
    kinds.APPOINTMENT_ATTENDED: _appointment,
    kinds.APPOINTMENT_NO_SHOW: _appointment,
    kinds.APPOINTMENT_CANCELED: _appointment,
    kinds.OWNER_CHANGED: _owner,
    kinds.FIELDS_CHANGED: _fields,
    kinds.NOTE_EDITED: _about_note,
    kinds.NOTE_PINNED: _about_note,
    kinds.NOTE_UNPINNED: _about_note,
    kinds.SNOOZED: _snoozed,
    kinds.SUGGESTION_DECIDED: _suggestion,
    kinds.ARCHIVED: _removed,
    kinds.DO_NOT_CONTACT: _consent,
    kinds.KEY_ADDED: _key,
    kinds.KEY_REMOVED: _key,
}


def _moment(text: Any) -> Any:
    try:
        return parse_datetime(str(text)) if text else None
    except ValueError:
        return None


def label_of(name: str) -> str:
    """What people call a field of a lead."""
    return LABELS.get(name, name.replace("_", " "))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    return "–" if value in (None, "", {}) else _short(str(value), VALUE_LENGTH)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
