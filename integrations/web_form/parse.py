"""Turns a stored submission into a draft of a lead. Pure: nothing is read but the row given.

What is understood goes into the lead's fields, everything else verbatim into its answers. No
field of a form can set workspace, owner, stage or score: only what is named here is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.models import InboundEvent
from integrations.provider import Reading
from integrations.web_form import names, own_fields, stamp
from integrations.web_form.reading import (
    UNSTORABLE,
    VOLATILE,
    Fields,
    Unreadable,
    read_fields,
    read_query,
)
from integrations.web_form.touches import Touches, read_touches
from integrations.web_form.values import understood
from leads import identity
from leads.capture import LeadDraft
from leads.models import Source, SourceKind
from leads.models.custom_field import is_custom

HONEYPOT = "website_confirm"
TEST_DOMAIN = "@test.invalid"  # RFC 2606: nobody's address, so it can mark a trial

FIELDS = "fields."  # the embed puts the page's own fields below it
LABELS = "labels."
PAGE = ("page_url", "page_title", "landing_page", "referrer")
META = frozenset({HONEYPOT, "time_zone", *PAGE, *VOLATILE})

LONGEST_MESSAGE = 50_000
LONGEST_ANSWER = 5_000
MOST_ANSWERS = 200

Result = InboundEvent.Result


@dataclass(slots=True)
class Submission:
    """The fields of one submission, sorted by what they are for."""

    meta: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    form: Fields = field(default_factory=list)
    touches: Touches = field(default_factory=Touches)
    consent: dict[str, str] = field(default_factory=dict)

    @property
    def is_spam(self) -> bool:
        return bool(self.meta.get(HONEYPOT))


def parse(event: InboundEvent) -> Reading:
    """Understand one submission; a body that can't be read is rejected with the reason."""
    headers = {name: str(value) for name, value in event.headers.items()}
    try:
        fields = read_fields(event.content_type, bytes(event.body))
    except Unreadable as error:
        return Reading(result=Result.REJECTED, notes=[error.message])
    return read_submission(fields, headers, event.source, event.received_at, key=str(event.pk))


def read_submission(
    fields: Fields, headers: Mapping[str, str], source: Source, received_at: datetime, key: str
) -> Reading:
    """What became of the fields of a form, judged at the time they were received."""
    submission = sort_fields(fields, headers)
    labels = {**submission.labels, **labels_of(source)}
    values, answers = _values_and_answers(submission, labels)
    attributes = own_fields.answers_in(submission.form)
    person = _person(values)
    shown = stamp.read(submission.meta.get("render_token", ""), source.public_key)
    suspicion = _suspicion(submission, shown, received_at)
    if suspicion:
        return Reading(result=Result.SPAM, person=person, notes=[suspicion])
    if not person:
        note = "Neither an e-mail address nor a phone number nor a name was given."
        return Reading(result=Result.REJECTED, notes=[note])
    draft = LeadDraft(
        source_kind=SourceKind.WEBSITE_FORM,
        source=source,
        occurred_at=received_at,
        key=f"inbound:{key}",
        values=values,
        answers=answers,
        attributes=attributes,
        asked=own_fields.asked_in(attributes, labels),
        first_touch=submission.touches.first,
        last_touch={**submission.touches.last, **_consent(submission)},
        platform_ref=submission.touches.ids,
        is_test=_is_test(values, shown),
    )
    return Reading(drafts=[draft], person=person, notes=_notes(submission, shown, received_at))


def sort_fields(fields: Fields, headers: Mapping[str, str]) -> Submission:
    """Tell the form's own fields from what describes the visit."""
    clean = [(_text(name), _text(value)) for name, value in fields]
    submission = Submission()
    flat = dict(reversed([*clean, *read_query(headers.get("query", ""))]))
    submission.touches = read_touches(flat, headers)
    for name, value in clean:
        if name in submission.touches.used or not value.strip():
            continue
        if name.startswith(LABELS):
            submission.labels[name.removeprefix(LABELS)] = value.strip()[:200]
        elif name.startswith("consent."):
            submission.consent[name.removeprefix("consent.")[:50]] = value[:200]
        elif name in META:
            submission.meta.setdefault(name, value)
        else:
            submission.form.append((name.removeprefix(FIELDS), value))
    return submission


def _text(text: str) -> str:
    """Browsers send CRLF for every line break of a form."""
    return UNSTORABLE.sub("", text).replace("\r\n", "\n")


def _values_and_answers(
    submission: Submission, labels: Mapping[str, str]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Lead fields, and whatever stays as answers: unknown fields, and what a field can't hold."""
    form = [(name, text) for name, text in submission.form if not is_custom(name)]
    meanings = names.meanings([name for name, _ in form])
    values: dict[str, Any] = dict(submission.touches.values)
    values.update(understood("time_zone", submission.meta.get("time_zone", ""))[0])
    answers: dict[str, list[str]] = {}
    for name, text in form:
        target = meanings.pop(name, None)
        taken, is_whole = understood(target, text) if target else ({}, False)
        values.update(taken)
        if not is_whole:
            answers.setdefault(labels.get(name) or names.readable(name), []).append(text)
    if "message" in values:
        values["message"] = values["message"][:LONGEST_MESSAGE]
    pairs = [(label, ", ".join(texts)[:LONGEST_ANSWER]) for label, texts in answers.items()]
    return values, pairs[:MOST_ANSWERS]


def labels_of(source: Source) -> dict[str, str]:
    """The labels that the source's own form shows, by field name."""
    fields = source.form_fields if isinstance(source.form_fields, list) else []
    return {
        str(one["name"]): str(one["label"])[:200]
        for one in fields
        if isinstance(one, dict) and one.get("name") and one.get("label")
    }


def _person(values: Mapping[str, Any]) -> str:
    """A name for the list; empty where the submission names nobody."""
    known = [values.get(name) for name in ("display_name", "first_name", "last_name", "email")]
    if not any(known) and not values.get("phone"):
        return ""
    if values.get("display_name"):
        return str(values["display_name"])[:200]
    return identity.display_name(
        values.get("first_name", ""),
        values.get("last_name", ""),
        "",
        values.get("email", ""),
        values.get("phone", ""),
    )


def _suspicion(submission: Submission, shown: stamp.Stamp | None, at: datetime) -> str:
    """Why this looks like a machine's doing, or nothing."""
    if submission.is_spam:
        return "A field that people can't see was filled in."
    if shown and not shown.is_test and at - shown.shown_at < stamp.TOO_FAST:
        seconds = max(0.0, (at - shown.shown_at).total_seconds())
        return f"Sent {seconds:.1f} seconds after the form was shown."
    return ""


def _notes(submission: Submission, shown: stamp.Stamp | None, at: datetime) -> list[str]:
    if shown is None:
        given = "render_token" in submission.meta
        return ["The form's time stamp isn't ours."] if given else ["Sent without a time stamp."]
    if at - shown.shown_at > stamp.STALE:
        hours = int((at - shown.shown_at).total_seconds() // 3600)
        return [f"The form had been open for {hours} hours."]
    return []


def _is_test(values: Mapping[str, Any], shown: stamp.Stamp | None) -> bool:
    """A trial: sent from the signed preview, or with an address at test.invalid."""
    address = str(values.get("email", "")).strip().lower()
    return bool(shown and shown.is_test) or address.endswith(TEST_DOMAIN)


def _consent(submission: Submission) -> dict[str, Any]:
    """What the person agreed to: the page's consent state, and boxes that ask for it."""
    boxes = {name[:50]: text[:200] for name, text in submission.form if names.is_consent(name)}
    given = {**boxes, **submission.consent}
    return {"consent": given} if given else {}
