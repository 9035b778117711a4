"""The kinds of log row: what each is called, and whether it counts as human and as activity."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A registered kind of log row.

    `human` is done by a person rather than by a machine. `activity` moves `last_activity_at`
    and so holds off auto-close: a person's inbound, a rep's outbound, meetings. `group` is the
    timeline filter it shows under; `automatic` rows are folded there.
    """

    name: str
    label: str
    group: str = "change"
    human: bool = False
    activity: bool = False
    automatic: bool = False


LEAD_CREATED = "lead_created"
ENQUIRY_REPEATED = "enquiry_repeated"
STAGE_CHANGED = "stage_changed"
EVIDENCE_NOTED = "evidence_noted"
CALL_LOGGED = "call_logged"
CALL_RECEIVED = "call_received"
NOTE_ADDED = "note_added"
NOTE_EDITED = "note_edited"
NOTE_PINNED = "note_pinned"
NOTE_UNPINNED = "note_unpinned"
MESSAGE_RECEIVED = "message_received"
MESSAGE_SENT = "message_sent"
TASK_ADDED = "task_added"
TASK_DONE = "task_done"
TASK_CHANGED = "task_changed"
APPOINTMENT_BOOKED = "appointment_booked"
APPOINTMENT_MOVED = "appointment_moved"
APPOINTMENT_ATTENDED = "appointment_attended"
APPOINTMENT_NO_SHOW = "appointment_no_show"
APPOINTMENT_CANCELED = "appointment_canceled"
OWNER_CHANGED = "owner_changed"
LEFT_IN_POOL = "left_in_pool"
ANSWER_LATE = "answer_late"
FIELDS_CHANGED = "fields_changed"
SUGGESTION_DECIDED = "suggestion_decided"
SNOOZED = "snoozed"
WOKEN = "woken"
ARCHIVED = "archived"
RESTORED = "restored"
CLOSE_WARNED = "auto_close_warned"
DO_NOT_CONTACT = "do_not_contact"
LEAD_READ = "reply_read"
MERGED = "lead_merged"
UNMERGED = "lead_unmerged"
REVIEWED = "reviewed"
UNDONE = "undone"
KEY_ADDED = "contact_key_added"
KEY_REMOVED = "contact_key_removed"
EXPORTED = "leads_exported"
MERGE_SUGGESTED = "merge_suggested"
NOT_DUPLICATE = "not_duplicate"
DUPLICATE_AGAIN = "duplicate_reopened"
ASKED_FOR = "lead_asked_for"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(LEAD_CREATED, "New enquiry", group="conversation", human=True, activity=True),
        Kind(ENQUIRY_REPEATED, "Repeat enquiry", group="conversation", human=True, activity=True),
        Kind(STAGE_CHANGED, "Stage changed"),
        Kind(EVIDENCE_NOTED, "Noted from a connected system", automatic=True),
        Kind(CALL_LOGGED, "Call", group="conversation", human=True, activity=True),
        Kind(CALL_RECEIVED, "Incoming call", group="conversation", human=True, activity=True),
        Kind(NOTE_ADDED, "Note", group="conversation", human=True),
        Kind(NOTE_EDITED, "Note edited"),
        Kind(NOTE_PINNED, "Note pinned"),
        Kind(NOTE_UNPINNED, "Note unpinned"),
        Kind(MESSAGE_RECEIVED, "Message received", group="conversation", human=True, activity=True),
        Kind(MESSAGE_SENT, "Message sent", group="conversation", human=True, activity=True),
        Kind(TASK_ADDED, "Next step set"),
        Kind(TASK_DONE, "Task done", human=True),
        Kind(TASK_CHANGED, "Next step changed"),
        Kind(
            APPOINTMENT_BOOKED,
            "Appointment booked",
            group="conversation",
            human=True,
            activity=True,
        ),
        Kind(
            APPOINTMENT_MOVED, "Appointment moved", group="conversation", human=True, activity=True
        ),
        Kind(APPOINTMENT_ATTENDED, "Met", group="conversation", human=True, activity=True),
        Kind(APPOINTMENT_NO_SHOW, "No-show", group="conversation", human=True, activity=True),
        Kind(
            APPOINTMENT_CANCELED,
            "Appointment canceled",
            group="conversation",
            human=True,
            activity=True,
        ),
        Kind(OWNER_CHANGED, "Owner changed"),
        Kind(LEFT_IN_POOL, "Nobody could take it", automatic=True),
        Kind(ANSWER_LATE, "Answer is late", automatic=True),
        Kind(FIELDS_CHANGED, "Details changed"),
        Kind(SUGGESTION_DECIDED, "Suggestion decided"),
        Kind(SNOOZED, "Snoozed"),
        Kind(WOKEN, "Back from snooze", automatic=True),
        Kind(ARCHIVED, "Removed"),
        Kind(RESTORED, "Restored"),
        Kind(CLOSE_WARNED, "Closes soon", automatic=True),
        Kind(DO_NOT_CONTACT, "Do-not-contact mark"),
        Kind(LEAD_READ, "Reply read", automatic=True),
        Kind(MERGED, "Merged"),
        Kind(UNMERGED, "Merge undone"),
        Kind(REVIEWED, "Reviewed"),
        Kind(UNDONE, "Undone"),
        Kind(KEY_ADDED, "E-mail or phone added"),
        Kind(KEY_REMOVED, "E-mail or phone removed"),
        Kind(EXPORTED, "Leads exported", human=True),
        Kind(MERGE_SUGGESTED, "Merging suggested"),
        Kind(NOT_DUPLICATE, "Not the same"),
        Kind(DUPLICATE_AGAIN, "Possible duplicate again"),
        Kind(ASKED_FOR, "Asked for"),
    )
}


def register(kind: Kind) -> None:
    """Add a kind from an app above; called from its `AppConfig.ready`."""
    if kind.name in KINDS:
        raise ValueError(f"the kind {kind.name} is registered already")
    KINDS[kind.name] = kind
