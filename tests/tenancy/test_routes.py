"""Who may use which route with which method. A route that isn't in the table fails the build.

Every route of the URLconf is tried with every method by every role, by the owner of another
workspace and by a visitor, with ids of this workspace, of another one and of nothing at all.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.members import invite
from leadcrm.workspaces.models import Absence, ApiToken, Location, Membership, Role, Team, Workspace
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leadcrm.workspaces.tokens import issue_token
from leads import appointments, duplicates, merging, timeline
from leads.booking import Booking
from leads.custom_field_settings import add_field
from leads.models import (
    Activity,
    Appointment,
    BulkRun,
    CallOutcome,
    Campaign,
    CloseReason,
    Company,
    ContactKey,
    FieldSuggestion,
    Import,
    Lead,
    Message,
    Notification,
    Pipeline,
    SavedView,
    Source,
    Stage,
    Task,
    UndoStep,
)
from tests.factories import make_lead, make_member, make_workspace

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROLES = tuple(Role.values)
EVERY = frozenset(ROLES)
WORKERS = EVERY - {Role.VIEWER}
MANAGERS = frozenset({Role.OWNER, Role.ADMIN, Role.MANAGER})
ADMINS = frozenset({Role.OWNER, Role.ADMIN})
DENIED = {401, 403, 404}


def page(**methods: frozenset[str]) -> dict[str, frozenset[str]]:
    return methods


READ = page(GET=EVERY)
WORK = page(GET=WORKERS, POST=WORKERS)
MANAGE = page(GET=MANAGERS, POST=MANAGERS)
ADMIN = page(GET=ADMINS, POST=ADMINS)
POST_WORK = page(POST=WORKERS)
POST_MANAGE = page(POST=MANAGERS)

# Pages and endpoints of a workspace: who may use which method.
TABLE: dict[str, dict[str, frozenset[str]]] = {
    "settings": READ,
    "general": page(GET=ADMINS),
    "general-workspace": page(POST=ADMINS),
    "general-visibility": page(POST=ADMINS),
    "general-hours": page(POST=ADMINS),
    "sources": page(GET=ADMINS),
    "source-add": ADMIN,
    "source": page(GET=ADMINS),
    "source-details": ADMIN,
    "source-off": page(POST=ADMINS),
    "source-on": page(POST=ADMINS),
    "source-sites": page(POST=ADMINS),
    "source-form": page(POST=ADMINS),
    "source-submissions": page(GET=ADMINS),
    "own-fields": page(GET=ADMINS),
    "own-field-add": page(POST=ADMINS),
    "own-field": ADMIN,
    "own-field-move": page(POST=ADMINS),
    "own-field-archive": page(POST=ADMINS),
    "own-field-restore": page(POST=ADMINS),
    "pipelines": page(GET=ADMINS),
    "pipeline-add": page(POST=ADMINS),
    "pipeline": page(GET=ADMINS),
    "pipeline-save": page(POST=ADMINS),
    "stage-add": page(POST=ADMINS),
    "stage": ADMIN,
    "stage-retire": page(POST=ADMINS),
    "reasons": page(GET=ADMINS),
    "reason-add": page(POST=ADMINS),
    "reason": ADMIN,
    "reason-place": page(POST=ADMINS),
    "call-outcomes": page(GET=ADMINS),
    "call-outcome-add": page(POST=ADMINS),
    "call-outcome": ADMIN,
    "call-outcome-place": page(POST=ADMINS),
    "hand-overs": page(GET=MANAGERS),
    "hand-over": MANAGE,
    "general-billing": page(POST=ADMINS),
    "general-security": page(POST=ADMINS),
    "settings-log": page(GET=ADMINS),
    "teams": page(GET=ADMINS),
    "team-save": page(POST=ADMINS),
    "location-save": page(POST=ADMINS),
    "member-second-factor": page(POST=ADMINS),
    "second-factor": READ,
    "second-factor-on": page(POST=EVERY),
    "second-factor-off": page(POST=EVERY),
    "recovery-codes": page(POST=EVERY),
    "sessions": READ,
    "session-end": page(POST=EVERY),
    "sessions-end-others": page(POST=EVERY),
    "profile": page(GET=EVERY, POST=EVERY),
    "theme": page(POST=EVERY),
    "change-password": page(GET=EVERY, POST=EVERY),
    "members": page(GET=ADMINS),
    "invite": page(POST=ADMINS),
    "member-edit": page(POST=ADMINS),
    "member-off": page(POST=ADMINS),
    "member-on": page(POST=ADMINS),
    "invitation-withdraw": page(POST=ADMINS),
    "tokens": page(GET=ADMINS, POST=ADMINS),
    "token-revoke": page(POST=ADMINS),
    "my-day": READ,
    "imports": page(GET=MANAGERS, POST=MANAGERS),
    "import": page(GET=MANAGERS),
    "import-errors": page(GET=MANAGERS),
    **dict.fromkeys(
        (
            "import-columns",
            "import-reading",
            "import-again",
            "import-apply",
            "import-cancel",
            "import-undo",
        ),
        POST_MANAGE,
    ),
    "duty": page(POST=WORKERS),
    "absences": WORK,
    "member-absences": ADMIN,
    "absence-remove": page(POST=ADMINS | {Role.REP}),  # whose absence it is
    "routing": ADMIN,
    "notifications": READ,
    "bell": READ,
    "notifications-read": page(POST=EVERY),
    "notification-read": page(POST=frozenset({Role.REP})),  # nobody reads another's
    "notification-settings": page(GET=EVERY, POST=EVERY),
    "lead-list": READ,
    "lead-new": READ,
    "lead-add": WORK,
    "lead-detail": READ,
    "lead-row": READ,
    "lead-columns": page(POST=EVERY),
    "lead-export": MANAGE,
    "bulk-runs": page(GET=WORKERS),
    "bulk-new": WORK,
    "bulk-run": page(
        GET=frozenset({Role.OWNER, Role.ADMIN, Role.REP})
    ),  # own runs, or for admins all
    "bulk-cancel": page(POST=frozenset({Role.OWNER, Role.ADMIN, Role.REP})),
    "bulk-undo": page(POST=frozenset({Role.OWNER, Role.ADMIN, Role.REP})),
    "lead-filter": READ,
    "board": READ,
    "board-more": READ,
    "board-card": READ,
    "view-new": page(GET=EVERY, POST=EVERY),
    "view-edit": MANAGE,  # a shared view; a private one is its owner's, in test_saved_views
    **dict.fromkeys(
        (
            "view-save",
            "view-pin",
            "view-unpin",
            "view-share",
            "view-unshare",
            "view-default-for-all",
            "view-delete",
        ),
        POST_MANAGE,
    ),
    "view-default": page(POST=EVERY),
    "view-no-default": page(POST=EVERY),
    "undo": page(POST=frozenset({Role.REP})),  # whose step it is; nobody undoes another's
    "lead-edit": WORK,
    "lead-cell": WORK,
    "search": READ,
    "commands": READ,
    "message": READ,
    **dict.fromkeys(
        (
            "lead-note",
            "lead-call",
            "lead-email",
            "lead-text",
            "lead-task",
            "lead-book",
            "lead-close",
            "lead-convert",
            "lead-contacted",
            "lead-qualify",
            "lead-complete",
            "lead-move",
            "lead-recycle",
            "lead-reopen",
            "lead-claim",
            "lead-assign",
            "lead-release",
            "lead-snooze",
            "lead-wake",
            "lead-read",
            "lead-reviewed",
            "lead-do-not-contact",
            "lead-may-contact",
            "appointment-move",
            "appointment-attend",
            "appointment-no-show",
            "appointment-cancel",
            "task-done",
            "task-change",
            "note-edit",
            "note-pin",
            "note-unpin",
            "suggestion-accept",
            "suggestion-dismiss",
        ),
        WORK,
    ),
    "lead-remove": MANAGE,
    "lead-restore": MANAGE,
    "lead-merge": WORK,
    "lead-ask": POST_WORK,
    "contact-merge": MANAGE,
    "merge": READ,
    "merge-undo": POST_MANAGE,
    "duplicates": READ,
    "matching-rules": ADMIN,
    "duplicate-not-same": POST_MANAGE,
    "duplicate-reconsider": POST_MANAGE,
    "duplicate-suggest": POST_WORK,
    "contacts": READ,
    "contact": READ,
    "companies": READ,
    "company": READ,
    **dict.fromkeys(
        (
            "contact-edit",
            "contact-key-add",
            "contact-key-main",
            "contact-key-remove",
            "contact-key-forbid",
            "contact-key-allow",
            "company-edit",
        ),
        WORK,
    ),
    "api:workspace": READ,
    "api:me": READ,
    "api:members": READ,
    "api:teams": READ,
    "api:locations": READ,
    "api:leads": page(GET=EVERY, POST=WORKERS),
    "api:bulk": POST_WORK,
    "api:lead-by-external": page(PUT=WORKERS),
    "api:lead": page(GET=EVERY, PATCH=WORKERS, DELETE=MANAGERS),
    "api:timeline": READ,
    **dict.fromkeys(
        (
            "api:contacted",
            "api:qualify",
            "api:schedule",
            "api:complete",
            "api:lost",
            "api:disqualify",
            "api:close",
            "api:convert",
            "api:recycle",
            "api:reopen",
            "api:move",
            "api:assign",
            "api:claim",
            "api:log-call",
            "api:messages",
            "api:notes",
            "api:tasks",
            "api:appointments",
            "api:snooze",
            "api:wake",
            "api:read",
            "api:review",
            "api:appointment-move",
            "api:appointment-attend",
            "api:appointment-no-show",
            "api:appointment-cancel",
            "api:task-done",
            "api:suggestion-accept",
            "api:suggestion-dismiss",
        ),
        POST_WORK,
    ),
    "api:merge": POST_MANAGE,
    "api:merge-undo": POST_MANAGE,
    "api:archive": POST_MANAGE,
    "api:restore": POST_MANAGE,
    "api:all-appointments": READ,
    "api:appointment": READ,
    "api:task": page(PATCH=WORKERS),
    "api:note": page(PATCH=WORKERS),
    "api:activities": READ,
    "api:contacts": READ,
    "api:contact": page(GET=EVERY, PATCH=WORKERS),
    "api:contact-keys": page(GET=EVERY, POST=WORKERS),
    "api:contact-key": page(PATCH=WORKERS, DELETE=WORKERS),
    "api:companies": page(GET=EVERY, POST=WORKERS),
    "api:company": page(GET=EVERY, PATCH=WORKERS),
    "api:sources": page(GET=EVERY, POST=ADMINS),
    "api:source": page(GET=EVERY, PATCH=ADMINS),
    "api:pipelines": READ,
    "api:pipeline": READ,
    "api:call-outcomes": READ,
    "api:close-reasons": READ,
    "api:custom-fields": READ,
    "api:duty": page(GET=EVERY, PUT=WORKERS),
    "api:absences": WORK,
    "api:member-absences": ADMIN,
    "api:absence": page(DELETE=ADMINS | {Role.REP}),  # whose absence it is
    "api:notifications": READ,
    "api:notifications-read": page(POST=EVERY),
    "api:views": page(GET=EVERY, POST=EVERY),
    # A shared view; a private one is its owner's, in test_saved_views.
    "api:view": page(GET=EVERY, PATCH=MANAGERS, DELETE=MANAGERS),
    "api:duplicates": READ,
    "api:duplicate": READ,
    "api:duplicate-merge": POST_MANAGE,
    "api:duplicate-not-same": POST_MANAGE,
    "api:duplicate-reconsider": POST_MANAGE,
    "api:duplicate-suggest": POST_WORK,
    "api:bulk-runs": WORK,
    **dict.fromkeys(
        ("api:bulk-run", "api:bulk-results"),
        page(GET=frozenset({Role.OWNER, Role.ADMIN, Role.REP})),
    ),
    **dict.fromkeys(
        ("api:bulk-cancel", "api:bulk-undo"),
        page(POST=frozenset({Role.OWNER, Role.ADMIN, Role.REP})),
    ),
    "api:imports": page(GET=MANAGERS, POST=MANAGERS),
    "api:import-targets": page(GET=MANAGERS),
    "api:import": page(GET=MANAGERS),
    "api:import-columns": page(PUT=MANAGERS),
    "api:import-reading": page(PUT=MANAGERS),
    "api:import-findings": page(GET=MANAGERS),
    "api:import-errors": page(GET=MANAGERS),
    "api:import-apply": POST_MANAGE,
    "api:import-cancel": POST_MANAGE,
    "api:import-undo": POST_MANAGE,
    "api:campaigns": page(GET=EVERY, POST=WORKERS),
}
# Routes outside of any workspace, and whether they answer a visitor.
PUBLIC = {
    "sign-in", "sign-out", "reset", "reset-sent", "set-password", "reset-done", "join",
    "web-form", "web-form-unslashed", "web-form-config", "web-form-script", "web-form-thanks",
    "api:schema", "api:docs", "demo-site",
}  # fmt: skip
SIGNED_IN = {"sign-in-code", "confirm", "home", "last-leads", "last-settings", "workspaces"}
NOWHERE = {"api:nowhere"}  # everything else below /api/: 404 in the API's own shape
ELSEWHERE = ("admin/",)  # staff's own site, tested in test_admin

# --- the routes of the product -----------------------------------------------------------------


@dataclass(frozen=True)
class Route:
    name: str
    pattern: str
    arguments: tuple[str, ...]


def routes(patterns: Any = None, prefix: str = "", space: str = "") -> Iterator[Route]:
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        text = prefix + str(entry.pattern)
        if text.startswith(ELSEWHERE):
            continue
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from routes(entry.url_patterns, text, inner)
        elif isinstance(entry, URLPattern):
            yield Route(f"{space}{entry.name}", text, tuple(re.findall(r"<(?:\w+:)?(\w+)>", text)))


def test_every_route_is_in_the_table():
    known = set(TABLE) | PUBLIC | SIGNED_IN | NOWHERE
    found = {route.name for route in routes()}
    assert found - known == set(), "routes without a line in the role table"
    assert known - found == set(), "lines of the role table without a route"


# --- the world ---------------------------------------------------------------------------------


@dataclass
class World:
    """A workspace with a member of each role and one of everything that a route can name."""

    workspace: Workspace
    members: dict[str, Membership]
    ids: dict[str, Any]
    bodies: dict[str, Any]


def make_world(name: str) -> World:
    now = timezone.now()
    workspace = make_workspace(name)
    with workspace_scope(workspace):
        owner = Membership.objects.select_related("user", "workspace").get(role=Role.OWNER)
        members = {Role.OWNER: owner}
        for role in set(ROLES) - {Role.OWNER}:
            members[role] = make_member(workspace, role, f"{name}{role}")
        rep = members[Role.REP]
        by = Actor.member(rep)
        lead = make_lead(
            now=now - timedelta(hours=1),
            owner=rep,
            company_name=f"{name} Corp",
            phone="+14155552671",
            external=("erp", "42"),
        )
        timeline.add_note([lead.pk], body="hello", by=by, now=now)
        timeline.add_task([lead.pk], title="Call", due_at=now + timedelta(days=1), by=by, now=now)
        booking = Booking(now + timedelta(days=2))
        appointments.book(lead.pk, booking, by=by, now=now)
        suggestion = FieldSuggestion.objects.create(
            lead=lead, field="state", source="Form", value="CA"
        )
        batch = Import.objects.create(
            name="leads.csv", state="columns", form="csv", delimiter=",", encoding="utf-8", rows=3,
            made_by=owner, headers=["Name", "E-mail"], mapping=["display_name", "email"],
            samples=[["Ann"], ["ann@x.com"]], confidence=[95, 95], options={"system": "file"},
        )  # fmt: skip
        note = Notification.objects.create(member=rep, kind="reply", lead=lead, cause="1", at=now)
        absence = Absence.objects.create(membership=rep, starts_on=now.date(), ends_on=now.date())
        step = UndoStep.objects.create(lead=lead, made_by=rep, made_at=now, said="Moved")
        run = BulkRun.objects.create(
            verb="snooze", said="snoozed", leads=[lead.pk], total=1, started_by=rep, started_at=now
        )
        merge = merging.merge(lead.pk, [make_lead(now=now).pk], by=by, now=now)
        lookalike = make_lead(now=now, owner=rep)
        pair = duplicates.suggest(lead, lookalike, by=by, now=now)
        invitation, secret = invite(by=owner, email="new@example.com", now=now)
        token, _ = issue_token(membership=rep, name="Key", scopes=["leads:read"])
        field = add_field(by=owner, now=now, kind="text", label="Roof")
        appointment = Appointment.objects.get()
        source = Source.objects.get()
        ids = {
            "workspace": workspace.slug, "lead_id": lead.pk, "column": "label", "contact_id": lead.contact_id,
            "key_id": ContactKey.objects.get(contact=lead.contact_id, kind="phone").pk,
            "company_id": Company.objects.get().pk, "appointment_id": appointment.pk,
            "task_id": Task.objects.get().pk, "message_id": Message.objects.get().pk,
            "suggestion_id": suggestion.pk, "source_id": source.pk,
            "pipeline_id": Pipeline.objects.get().pk, "member_id": members[Role.VIEWER].pk,
            "merge_id": merge.pk, "import_id": batch.pk, "invitation_id": invitation.pk,
            "token_id": token.pk, "secret": secret,
            "view_id": SavedView.objects.create(
                name="All", owner=owner, tab="all", is_shared=True
            ).pk,
            "stage_id": Stage.objects.get(key="new").pk,
            "step_id": step.pk, "run_id": run.pk, "verb": "assign",
            "notification_id": note.pk, "absence_id": absence.pk,
            "pair_id": pair.pk, "key": source.public_key, "system": "erp", "external_id": "42",
            "uidb64": "x", "token": "y",
            "field_id": field.pk, "reason_id": CloseReason.objects.get(code="price").pk,
            "outcome_id": CallOutcome.objects.get(code="busy").pk,
        }  # fmt: skip
        bodies = {
            "owner": str(rep.pk), "team": str(Team.objects.create(name="Team").pk),
            "location": str(Location.objects.create(name="Site").pk), "source": str(source.pk),
            "campaign": str(Campaign.objects.create(name="Spring").pk),
            "pipeline": str(ids["pipeline_id"]), "host": str(rep.pk), "assignee": str(rep.pk),
            "company": str(ids["company_id"]),
        }  # fmt: skip
        Team.objects.all().delete()  # "no teams: a manager's reach is all"
        bodies["team"] = str(uuid.uuid4())
    return World(workspace, members, ids, bodies)


SUBJECTS = {
    "appointment": "appointment_id",
    "task": "task_id",
    "note": "message_id",
    "suggestion": "suggestion_id",
}


def address(route: Route, ids: dict[str, Any]) -> str:
    kwargs = {}
    for name in route.arguments:
        key = SUBJECTS[route.name.split("-")[0]] if name == "subject_id" else name
        kwargs[name] = ids[key]
    return reverse(route.name, kwargs=kwargs)


@pytest.fixture
def acme_world(db) -> World:
    return make_world("Acme")


@pytest.fixture
def rival_world(db) -> World:
    return make_world("Rival")


def browser(member: Membership | None) -> Client:
    client = Client()
    if member is not None:
        client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def ask(client: Client, method: str, url: str, body: Any = None, **headers: str) -> Any:
    """One request whose changes are taken back."""
    is_api = url.startswith("/api/")
    with transaction.atomic():
        if is_api:
            answer = client.generic(
                method, url, _json(body or {}), "application/json", headers=headers
            )
        elif method == "POST":
            answer = client.post(url, body or {}, headers=headers)
        else:
            answer = client.generic(method, url, headers=headers)
        answer.rows_after = state()
        transaction.set_rollback(True)
    return answer


def _json(body: Any) -> str:
    import json

    return json.dumps(body)


COUNTED = (
    (Activity, ""), (Lead, ""), (Source, ""), (Membership, " WHERE is_active"), (Campaign, ""),
    (Company, ""), (ApiToken, " WHERE revoked_at IS NULL"), (SavedView, ""),
)  # fmt: skip


def state() -> tuple[int, ...]:
    """How many rows there are of all workspaces; one plain query, as it is asked a thousand times."""
    counts = (f"(SELECT count(*) FROM {model._meta.db_table}{rows})" for model, rows in COUNTED)
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(counts))
        return tuple(cursor.fetchone())


def is_denied(answer: Any) -> bool:
    to_sign_in = answer.status_code == 302 and answer["Location"].startswith("/sign-in/")
    return answer.status_code in DENIED or to_sign_in


def headers_for(route: Route, world: World) -> dict[str, str]:
    return {"X-Workspace": world.workspace.slug} if route.name.startswith("api:") else {}


def in_table() -> list[Route]:
    return [route for route in routes() if route.name in TABLE]


# --- the tests ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says_and_nothing_else(acme_world, role):
    client = browser(acme_world.members[role])
    before, wrong = state(), []
    for route in in_table():
        url, headers = address(route, acme_world.ids), headers_for(route, acme_world)
        for method in METHODS:
            allowed = TABLE[route.name].get(method)
            if allowed is None and role != Role.OWNER:
                continue  # the owner, a visitor and a stranger try what no role may
            answer = ask(client, method, url, **headers)
            if allowed is None:
                fine = answer.status_code == 405 or is_denied(answer)
            elif role in allowed:
                fine = (
                    answer.status_code < 500 and not is_denied(answer) and answer.status_code != 405
                )
            else:
                fine = is_denied(answer) and answer.rows_after == before
            if not fine:
                wrong.append(f"{role} {method} {url}: {answer.status_code}")
    assert wrong == []


def test_a_visitor_is_asked_to_sign_in_everywhere(acme_world):
    wrong, before = [], state()
    for route in in_table():
        for method in METHODS:
            answer = ask(
                Client(), method, address(route, acme_world.ids), **headers_for(route, acme_world)
            )
            expected = {401} if route.name.startswith("api:") else {302}
            if (
                answer.status_code not in expected
                or not is_denied(answer)
                or answer.rows_after != before
            ):
                wrong.append(f"{method} {route.name}: {answer.status_code}")
    assert wrong == []


def test_another_workspaces_owner_finds_nothing(acme_world, rival_world):
    client = browser(rival_world.members[Role.OWNER])
    wrong, before = [], state()
    for route in in_table():
        for method in METHODS:
            url, headers = address(route, acme_world.ids), headers_for(route, acme_world)
            answer = ask(client, method, url, **headers)
            if answer.status_code != 404 or answer.rows_after != before:
                wrong.append(f"{method} {route.name}: {answer.status_code}")
    assert wrong == []


@pytest.mark.parametrize("role", [Role.OWNER, Role.REP])
def test_foreign_ids_in_the_path_answer_like_missing_ones(acme_world, rival_world, role):
    """In the member's own workspace, with the ids of another one."""
    client = browser(acme_world.members[role])
    own = {"workspace", "system", "external_id", "secret", "key", "verb"}
    wrong = []
    for route in in_table():
        if not set(route.arguments) - own:
            continue
        missing = {
            name: value if name in own else uuid.uuid4() for name, value in acme_world.ids.items()
        }
        foreign = {
            name: acme_world.ids[name] if name in own else value
            for name, value in rival_world.ids.items()
        }
        headers = headers_for(route, acme_world)
        for method, allowed in TABLE[route.name].items():
            if role not in allowed:
                continue
            answers = [
                ask(client, method, address(route, ids), **headers) for ids in (foreign, missing)
            ]
            statuses = {answer.status_code for answer in answers}
            if statuses != {404} or _body(answers[0]) != _body(answers[1]):
                wrong.append(f"{method} {route.name}: {statuses}")
    assert wrong == []


def _body(answer: Any) -> str:
    """The body without what differs between any two answers: ids of the path and tokens."""
    text = answer.content.decode()
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    return re.sub(r'(nonce|csrfmiddlewaretoken|value|X-CSRFToken)[=":\s\\]+[^"\s>]+', "", text)


FOREIGN_BODIES: tuple[tuple[str, str, dict[str, Any], tuple[str, ...]], ...] = (
    ("api:leads", "POST", {"display_name": "Eve", "email": "eve@example.com"},
     ("owner_id", "source_id", "campaign_id", "pipeline_id", "location_id", "team_id")),
    ("api:lead", "PATCH", {}, ("campaign_id", "source_id", "location_id")),
    ("api:assign", "POST", {}, ("owner_id", "team_id")),
    ("api:appointments", "POST", {"scheduled_for": "2030-01-01T10:00:00Z"}, ("host_id",)),
    ("api:tasks", "POST", {"title": "x", "due_at": "2030-01-01T10:00:00Z"}, ("assignee_id",)),
    ("api:sources", "POST", {"name": "New", "kind": "website_form"},
     ("owner_id", "pipeline_id", "campaign_id", "team_id", "location_id")),
    ("api:source", "PATCH", {}, ("owner_id", "pipeline_id", "campaign_id", "team_id", "location_id")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "method", "body", "fields"),
    FOREIGN_BODIES,
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_foreign_ids_in_a_body_are_refused_and_named(
    acme_world, rival_world, name, method, body, fields
):
    client = browser(acme_world.members[Role.OWNER])
    route = next(route for route in routes() if route.name == name)
    url, headers, before = address(route, acme_world.ids), headers_for(route, acme_world), state()
    for field in fields:
        answer = ask(
            client,
            method,
            url,
            {**body, field: rival_world.bodies[field.removesuffix("_id")]},
            **headers,
        )
        assert answer.status_code == 400, (field, answer.content)
        assert field in answer.json()["error"]["fields"], (field, answer.content)
        assert answer.rows_after == before


def test_a_foreign_lead_in_a_bulk_body_is_not_found(acme_world, rival_world):
    client = browser(acme_world.members[Role.OWNER])
    ids = [str(rival_world.ids["lead_id"]), str(acme_world.ids["lead_id"])]
    answer = ask(client, "POST", reverse("api:bulk"), {"verb": "qualify", "ids": ids})
    results = {entry["lead_id"]: entry for entry in answer.json()["results"]}
    assert results[ids[0]]["error"]["code"] == "not_found"
    with all_workspaces():
        assert Lead.objects.get(pk=ids[0]).status == "scheduled"


class TestTokens:
    """A token acts as its membership, narrowed by its scopes."""

    def call(self, world: World, scopes: list[str]) -> Callable[..., Any]:
        with workspace_scope(world.workspace):
            _, key = issue_token(membership=world.members[Role.OWNER], name="t", scopes=scopes)
        client = Client()
        return lambda method, url: ask(client, method, url, Authorization=f"Bearer {key}")

    @pytest.mark.parametrize("scopes", [["leads:read"], ["settings:read"], []])
    def test_a_reading_token_writes_nothing(self, acme_world, scopes):
        call, before, wrong = self.call(acme_world, scopes), state(), []
        for route in in_table():
            if route.name.startswith("api:"):
                for method in set(TABLE[route.name]) - {"GET"}:
                    answer = call(method, address(route, acme_world.ids))
                    if answer.status_code != 403 or answer.rows_after != before:
                        wrong.append(f"{method} {route.name}: {answer.status_code}")
        assert wrong == []

    def test_a_token_of_another_workspace_finds_nothing(self, acme_world, rival_world):
        call, wrong = self.call(rival_world, list(ApiToken.Scope.values)), []
        for route in in_table():
            if route.name.startswith("api:") and set(route.arguments) - {"system", "external_id"}:
                for method in TABLE[route.name]:
                    answer = call(method, address(route, acme_world.ids))
                    if answer.status_code != 404:
                        wrong.append(f"{method} {route.name}: {answer.status_code}")
        assert wrong == []


@pytest.mark.parametrize("method", [*METHODS, "OPTIONS", "HEAD"])
def test_public_routes_never_fail(acme_world, method):
    wrong = []
    for route in routes():
        if route.name in PUBLIC | SIGNED_IN | NOWHERE:
            url = (
                address(route, acme_world.ids) if route.name not in NOWHERE else "/api/nothing/here"
            )
            answer = ask(Client(), method, url)
            if answer.status_code >= 500 or (route.name in SIGNED_IN and answer.status_code < 300):
                wrong.append(f"{method} {url}: {answer.status_code}")
    assert wrong == []
