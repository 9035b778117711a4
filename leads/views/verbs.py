"""The verbs of the lead page as a table: form, what each calls, and when it is offered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadcrm.workspaces.models import Membership
from leads import access, appointments, archiving, consent, editing, forms, lifecycle, timeline
from leads.models import Lead, Message
from leads.pipelines import Status
from leads.views import offers, work
from leads.views.offers import When
from leads.views.work import Do


@dataclass(frozen=True)
class Verb:
    """A verb as the lead page offers it.

    `need` is the permission on the lead. `when` says whether it is offered; the verb itself
    decides again. One without a form is a button. `find` loads the subject of a verb that is
    about an appointment, a task, a note or a suggestion, whose URL is `path`.
    """

    key: str
    title: str
    said: str
    do: Do
    form: type[forms.VerbForm] | None = None
    need: str = "edit"
    when: When = offers.always
    find: Callable[..., Any] | None = None
    path: str = ""

    def offered(self, lead: Lead, member: Membership, now: datetime) -> bool:
        return access.may_with(member, lead, self.need) and self.when(lead, member, now)


VERBS: dict[str, Verb] = {
    verb.key: verb
    for verb in (
        # The composer
        Verb(
            "note",
            "Note",
            "Note added.",
            work.about_lead(timeline.add_note),
            forms.NoteForm,
            when=offers.is_present,
        ),
        Verb("call", "Log call", "Call logged.", work.call, forms.CallForm, when=offers.is_present),
        Verb(
            "email",
            "E-mail",
            "E-mail logged.",
            work.message(Message.Channel.EMAIL),
            forms.EmailForm,
            when=offers.is_present,
        ),
        Verb(
            "text",
            "Text",
            "Text logged.",
            work.message(Message.Channel.SMS),
            forms.MessageForm,
            when=offers.is_present,
        ),
        Verb(
            "task",
            "Task",
            "Next step set.",
            work.about_lead(timeline.add_task),
            forms.TaskForm,
            when=offers.is_open,
        ),
        # Through the stages
        Verb("book", "Book", "Booked.", work.book, forms.BookForm, when=offers.is_open),
        Verb("close", "Close", "Closed.", work.close, forms.CloseForm, when=offers.is_open),
        Verb(
            "convert",
            "Convert",
            "Converted.",
            work.convert,
            forms.ConvertForm,
            when=offers.leads_to(Status.CONVERTED),
        ),
        Verb(
            "contacted",
            "Mark contacted",
            "Marked as contacted.",
            work.about_lead(lifecycle.contact),
            when=offers.not_contacted,
        ),
        Verb(
            "qualify",
            "Qualify",
            "Qualified.",
            work.about_lead(lifecycle.qualify),
            when=offers.leads_to(Status.QUALIFIED),
        ),
        Verb(
            "complete",
            "Mark as met",
            "Met.",
            work.about_lead(lifecycle.complete),
            when=offers.leads_to(Status.COMPLETED),
        ),
        Verb("move", "Move", "Moved.", work.move, forms.MoveForm, when=offers.is_open),
        Verb(
            "recycle",
            "Follow up later",
            "Put aside until then.",
            work.recycle,
            forms.RecycleForm,
            when=offers.can_rest,
        ),
        Verb(
            "reopen",
            "Reopen",
            "Open again.",
            work.reopen,
            forms.ReopenForm,
            need="reopen",
            when=offers.may_reopen,
        ),
        # Whose it is, and when
        Verb("claim", "Claim", "It is yours.", work.claim, need="claim", when=offers.may_claim),
        Verb(
            "assign",
            "Assign",
            "Assigned.",
            work.assign,
            forms.AssignForm,
            need="assign",
            when=offers.may_assign,
        ),
        Verb(
            "release",
            "Back to the pool",
            "Back to the pool.",
            work.assign,
            need="assign",
            when=offers.may_release,
        ),
        Verb(
            "snooze",
            "Snooze",
            "Snoozed.",
            work.about_lead(timeline.snooze),
            forms.SnoozeForm,
            when=offers.is_open,
        ),
        Verb(
            "wake",
            "End snooze",
            "Back from snooze.",
            work.about_lead(timeline.wake),
            when=offers.is_snoozed,
        ),
        # About the row
        Verb(
            "read",
            "Needs no reply",
            "Marked as read.",
            work.about_lead(timeline.mark_read),
            when=offers.is_unread,
        ),
        Verb(
            "reviewed",
            "Looks right",
            "Reviewed.",
            work.about_lead(archiving.confirm_review),
            when=offers.waits_for_review,
        ),
        Verb(
            "do-not-contact",
            "Do not contact",
            "Marked as do-not-contact.",
            work.about_lead(consent.forbid),
            forms.ReasonForm,
            when=offers.has_person,
        ),
        Verb(
            "may-contact",
            "May be contacted again",
            "The do-not-contact mark is off.",
            work.about_lead(consent.allow),
            when=offers.has_person,
        ),
        Verb(
            "remove",
            "Remove",
            "Removed. You can restore it.",
            work.about_lead(archiving.archive),
            forms.ReasonForm,
            need="archive",
            when=offers.is_present,
        ),
        Verb(
            "restore",
            "Restore",
            "Restored.",
            work.about_lead(archiving.restore),
            need="archive",
            when=offers.is_removed,
        ),
        # About a subject of the lead
        Verb(
            "appointment-move",
            "Move appointment",
            "Appointment moved.",
            work.move_appointment,
            forms.MoveAppointmentForm,
            find=access.access_appointment,
            path="appointments/<uuid:subject_id>/move/",
        ),
        Verb(
            "appointment-attend",
            "Met",
            "Met.",
            work.about_subject(appointments.attend),
            find=access.access_appointment,
            path="appointments/<uuid:subject_id>/attend/",
        ),
        Verb(
            "appointment-no-show",
            "No-show",
            "No-show. A task to rebook is set.",
            work.about_subject(appointments.no_show),
            find=access.access_appointment,
            path="appointments/<uuid:subject_id>/no-show/",
        ),
        Verb(
            "appointment-cancel",
            "Cancel appointment",
            "Appointment canceled.",
            work.about_subject(appointments.cancel),
            find=access.access_appointment,
            path="appointments/<uuid:subject_id>/cancel/",
        ),
        Verb(
            "task-done",
            "Done",
            "Done.",
            work.about_subject(timeline.complete_task),
            find=access.access_task,
            path="tasks/<uuid:subject_id>/done/",
        ),
        Verb(
            "task-change",
            "Change next step",
            "Next step changed.",
            work.about_subject(timeline.change_task),
            forms.TaskForm,
            find=access.access_task,
            path="tasks/<uuid:subject_id>/change/",
        ),
        Verb(
            "note-edit",
            "Edit note",
            "Note changed.",
            work.about_subject(timeline.edit_note),
            forms.NoteForm,
            find=work.access_note,
            path="notes/<uuid:subject_id>/edit/",
        ),
        Verb(
            "note-pin",
            "Pin note",
            "Note pinned.",
            work.about_subject(timeline.pin_note),
            find=work.access_note,
            path="notes/<uuid:subject_id>/pin/",
        ),
        Verb(
            "note-unpin",
            "Unpin note",
            "Note unpinned.",
            work.about_subject(timeline.unpin_note),
            find=work.access_note,
            path="notes/<uuid:subject_id>/unpin/",
        ),
        Verb(
            "suggestion-accept",
            "Use it",
            "Taken over.",
            work.about_subject(editing.decide_suggestion, accept=True),
            find=access.access_suggestion,
            path="suggestions/<uuid:subject_id>/accept/",
        ),
        Verb(
            "suggestion-dismiss",
            "Dismiss",
            "Dismissed.",
            work.about_subject(editing.decide_suggestion, accept=False),
            find=access.access_suggestion,
            path="suggestions/<uuid:subject_id>/dismiss/",
        ),
    )
}

COMPOSER = ("note", "call", "email", "text", "task")
