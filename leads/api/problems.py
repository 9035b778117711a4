"""What the refusals of verbs answer.

400: the input itself is at fault (`invalid`). 409: the input is fine, but the lead's state or
the workspace's rules don't allow it. 412: the version in If-Match is no longer the current one.
"""

from __future__ import annotations

from typing import Any

from leadcrm.workspaces.access import NOT_FOUND
from leadcrm.workspaces.errors import Problem, explains, invalid
from leads.batch import Missing, Refused
from leads.draft_values import CaptureRefused

STATUS = {"invalid": 400, "stale_version": 412}

# Verbs name a lead's column, the API the id that is sent.
SENT_AS = {
    name: f"{name}_id"
    for name in ("owner", "team", "source", "campaign", "location", "pipeline", "host", "assignee")
}


@explains(Refused)
def refused(error: Refused) -> Problem:
    if isinstance(error, Missing):
        return Problem(404, "not_found", NOT_FOUND)
    name = SENT_AS.get(error.field, error.field)
    if error.code == "stale_version":
        name = "If-Match"
    fields = {name: [error.message]} if name else {}
    return Problem(STATUS.get(error.code, 409), error.code, error.message, fields)


@explains(CaptureRefused)
def not_captured(error: CaptureRefused) -> Problem:
    return invalid({SENT_AS.get(error.field, error.field): [error.message]})


def told(problem: Problem) -> dict[str, Any]:
    """A problem as one of the results of a mass verb."""
    return {"code": problem.code, "message": problem.message, "fields": dict(problem.fields)}
