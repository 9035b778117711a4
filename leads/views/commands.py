"""The commands of the palette (Ctrl-K): whoever adds a page or a verb adds its line here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from leadcrm.workspaces.access import may, memberships_of
from leadcrm.workspaces.models.user import THEMES
from leadcrm.workspaces.pages import PageRequest, show
from leadcrm.workspaces.scoping import all_workspaces
from leads.access import access_lead
from leads.models import Lead
from leads.tabs import tabs_of
from leads.views import sheet
from leads.views.verbs import VERBS


@dataclass(frozen=True)
class Page:
    """A page that one may go to: its route, and the permission that it takes (none: everybody's).

    `words` are others that people may type for it, `key` the key that does the same.
    """

    label: str
    route: str
    icon: str
    need: str = "see"
    words: str = ""
    key: str = ""


@dataclass(frozen=True)
class Action:
    """A verb about the lead in focus, by its name in `VERBS`; offered where the verb is."""

    verb: str
    icon: str
    label: str = ""
    words: str = ""
    key: str = ""


PAGES = (
    Page("My day", "my-day", "check", words="queue today"),
    Page("Leads", "lead-list", "leads", words="list"),
    Page("Board", "board", "columns", words="kanban cards stages"),
    Page("Contacts", "contacts", "users", words="people persons"),
    Page("Companies", "companies", "building", words="organisations accounts"),
    Page("Add a lead", "lead-add", "plus", "edit", words="new create"),
    Page("Import", "imports", "import", "import", words="csv excel xlsx file upload"),
    Page("Duplicates", "duplicates", "copy", words="merge same twice"),
    Page("Notifications", "notifications", "bell", words="alerts news"),
    Page("Bulk actions", "bulk-runs", "check", "bulk", words="mass runs progress undo export"),
    Page("General settings", "general", "settings", "settings", words="workspace hours visibility"),
    Page("Users", "members", "users", "users", words="members invite team settings"),
    Page("Teams and locations", "teams", "users", "users", words="settings"),
    Page("Pipelines", "pipelines", "flag", "settings", words="stages timers settings"),
    Page("Close reasons", "reasons", "flag", "settings", words="lost settings"),
    Page("Call outcomes", "call-outcomes", "phone", "settings", words="calls settings"),
    Page("Custom fields", "own-fields", "settings", "settings", words="own settings"),
    Page("Routing", "routing", "swap", "settings", words="round robin settings who gets"),
    Page("Rules for duplicates", "matching-rules", "copy", "settings", words="matching settings"),
    Page("Log of changes", "settings-log", "clock", "settings", words="audit settings"),
    Page("Sources", "sources", "inbox", "settings", words="forms website settings"),
    Page("API tokens", "tokens", "key", "users", words="keys settings"),
    Page("Profile", "profile", "user", words="name time zone theme keys account settings"),
    Page("Second factor", "second-factor", "lock", words="totp account settings"),
    Page("Signed in", "sessions", "lock", words="sessions devices account settings"),
    Page("What I am told", "notification-settings", "bell", words="notifications account settings"),
    Page("Absences", "absences", "calendar", "edit", words="holiday sick away account settings"),
    Page("Password", "change-password", "lock", words="account settings"),
)

ACTIONS = (
    Action("claim", "user", words="take mine"),
    Action("call", "phone", key="c"),
    Action("note", "note", "Write a note", key="n"),
    Action("task", "check", "Set the next step", "task reminder", key="t"),
    Action("book", "calendar", words="appointment meeting", key="b"),
    Action("move", "right", "Move to a stage", "stage status", key="s"),
    Action("assign", "user", words="owner hand over", key="a"),
    Action("snooze", "clock", words="later wait", key="z"),
    Action("wake", "clock"),
    Action("close", "x", "Close: lost or not a fit", "disqualify lose", key="l"),
    Action("reopen", "undo"),
    Action("contacted", "check"),
    Action("qualify", "check", words="qualified"),
    Action("complete", "check", words="met completed"),
    Action("convert", "flag", words="won deal"),
    Action("recycle", "clock", words="recycle nurture date"),
    Action("email", "mail", "Log an e-mail", "mail"),
    Action("text", "message", "Log a text", "sms message"),
    Action("read", "check"),
    Action("reviewed", "check"),
    Action("release", "users", words="unassign"),
    Action("do-not-contact", "ban"),
    Action("remove", "trash", words="archive delete"),
    Action("restore", "undo", words="unarchive"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """An entry of the palette: a page to go to, a form to open in the sheet, or something to post."""

    key: str
    label: str
    icon: str
    href: str = ""
    sheet: str = ""
    post: str = ""
    target: str = ""
    value: str = ""
    words: str = ""
    hint: str = ""
    press: str = ""


@require_safe
def command_list(request: PageRequest) -> HttpResponse:
    """The commands for a member, those about the lead that `lead` names first."""
    lead = _lead_in_focus(request)
    groups = [
        (lead.display_name, list(_about(request, lead))) if lead else ("", []),
        ("Go to", list(_pages(request))),
        ("Here", list(_here(request))),
    ]
    return show(request, "leads/_commands.html", {"groups": [one for one in groups if one[1]]})


def _lead_in_focus(request: PageRequest) -> Lead | None:
    try:
        return access_lead(request.membership, uuid.UUID(request.GET.get("lead", "")))
    except (ValueError, Http404):
        return None


def _about(request: PageRequest, lead: Lead) -> Iterator[Command]:
    now = timezone.now()
    slug = request.workspace.slug
    home = reverse("lead-detail", args=[slug, lead.pk])
    yield Command("open", "Open", "leads", href=home, words="lead page show", hint="Enter")
    target = "#sheet-body" if sheet.is_elsewhere(request, lead) else "#lead"
    for action in ACTIONS:
        verb = VERBS[action.verb]
        if not verb.offered(lead, request.membership, now):
            continue
        address = reverse(f"lead-{verb.key}", args=[slug, lead.pk])
        yield Command(
            f"verb-{verb.key}",
            action.label or verb.title,
            action.icon,
            href=home,
            sheet=address if verb.form else "",
            post="" if verb.form else address,
            target=target,
            words=action.words,
            hint=action.key,
        )


def _pages(request: PageRequest) -> Iterator[Command]:
    member = request.membership
    slug = request.workspace.slug
    for page in PAGES:
        if may(member, page.need):
            address = reverse(page.route, args=[slug])
            yield Command(
                page.route, page.label, page.icon, address, words=page.words, hint=page.key
            )
    for tab in tabs_of(member):
        query = urlencode({"view": tab.key})
        address = f"{reverse('lead-list', args=[slug])}?{query}"
        yield Command(f"tab-{tab.key}", f"Leads: {tab.label}", "leads", address, words="view tab")
    with all_workspaces():
        others = list(
            memberships_of(request.user.pk)
            .exclude(pk=member.pk)
            .values_list("workspace__slug", "workspace__name")
        )
    for other, name in others:
        address = reverse("lead-list", args=[other])
        yield Command(f"to-{other}", f"Switch to {name}", "swap", address, words="workspace")


def _here(request: PageRequest) -> Iterator[Command]:
    """What changes no page: the look, the last change, the keys."""
    post = reverse("theme", args=[request.workspace.slug])
    for theme, label in THEMES:
        words = "toggle dark light mode look"
        yield Command(
            f"theme-{theme}", f"Theme: {label.lower()}", "dot", post=post, value=theme, words=words
        )
    if request.user.shortcuts:
        last = "#toasts [data-undo]"
        yield Command("undo", "Undo what you just did", "undo", press=last, hint="u")
        yield Command("keys", "Show the keys", "keyboard", press="keys", hint="?")
