"""What is asked for: `python -m tests.benchmarks.plan` reads the database and prints it as JSON.

A scenario has a group, which a goal is set for, the floor that it is measured against, and the
requests that it sends in turn; where it gives `floor_requests`, its floor is asked for the same.
`expects` is a text that each answer must hold. The number of requests for each scenario that
writes is given: each of those has a key or a value of its own and is sent once.
"""

from __future__ import annotations

import html
import json
import sys
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Count, QuerySet  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from leadcrm.demo.volume import LONG, LONG_LABEL, SHORT, SHORT_LABEL, SLUG  # noqa: E402
from leadcrm.workspaces.models import ApiToken, Membership, Role, Workspace  # noqa: E402
from leadcrm.workspaces.paging import cursor_of  # noqa: E402
from leadcrm.workspaces.scoping import workspace_scope  # noqa: E402
from leadcrm.workspaces.tokens import issue_token  # noqa: E402
from leads.access import visible_leads  # noqa: E402
from leads.models import (  # noqa: E402
    Activity,
    Campaign,
    Contact,
    Lead,
    LeadSearch,
    Pipeline,
    Source,
)
from leads.sorts import SORTS  # noqa: E402
from leads.views.list import PAGE  # noqa: E402

FAR = 1000  # the page that is compared with the first
JSON = {"Content-Type": "application/json"}
# What each row holds of a list of leads, of people, in the API and in the admin.
ROW, CARD, PERSON, RECORD, ADMIN_ROW = (
    "data-lead=",
    "lead-card",
    "row-link",
    '"id"',
    'class="field-',
)
# By the hour nobody waits at a small size, and nothing is due.
MAY_BE_EMPTY = ("waiting", "due", "closed")
COMMON_AND_SHORT = "dental jo"  # the commonest kind of companies; John, José, Jones…
NEWEST = 1000  # among which the rarest name is looked for


def main(writes: int) -> None:
    workspace = Workspace.objects.get(slug=SLUG)
    with workspace_scope(workspace):
        print(json.dumps(_plan(workspace, writes)))


def _plan(workspace: Workspace, writes: int) -> dict[str, Any]:
    owner = Membership.objects.get(role=Role.OWNER)
    token = _token(owner)
    desk, floor = Desk(workspace, owner), Floor(workspace, writes)
    return {
        "workspace": str(workspace.pk),
        "rows": _rows(),
        "floors": floor.requests(),
        "scenarios": [
            *desk.tabs(),
            *desk.filters(),
            *desk.boards(),
            *desk.sorts(),
            *desk.far_pages(),
            *desk.searches(floor),
            *desk.details(floor),
            *desk.people(floor),
            *_admin(workspace),
            *_api(token, writes),
        ],
        "form": _form(workspace),
    }


def _rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        counts = {}
        for model in (Lead, Contact, LeadSearch, Activity):
            table = model._meta.db_table
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts[str(model._meta.verbose_name_plural)] = cursor.fetchone()[0]
    return counts


def _busiest_rep() -> Membership:
    reps = list(Membership.objects.filter(role=Role.REP, is_active=True))
    return max(reps, key=lambda one: Lead.objects.filter(owner=one, outcome="open").count())


def _token(member: Membership) -> dict[str, str]:
    _, key = issue_token(
        membership=member, name="Benchmark", scopes=ApiToken.Scope.values, ranks_as="person"
    )
    return {"Authorization": f"Bearer {key}"}


def _signed_in(user: Any) -> dict[str, str]:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"}


def scenario(
    group: str, name: str, floor: str, requests: Iterable[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    return {"group": group, "name": name, "floor": floor, "requests": list(requests), **more}


class Floor:
    """The addresses of the bare views on this workspace's data."""

    def __init__(self, workspace: Workspace, writes: int) -> None:
        self.base, self.writes = f"/floor/{workspace.pk}", writes

    def requests(self) -> dict[str, list[dict[str, Any]]]:
        leads = [str(pk) for pk in Lead.objects.values_list("pk", flat=True)[:50]]
        statuses = ("new", "contacted", "qualified", "lost")
        return {
            "empty": [{"path": "/floor/empty/"}],
            "list": [{"path": f"{self.base}/list/?status={status}"} for status in statuses],
            "API list": [{"path": f"{self.base}/api/"}],
            "API retrieve": [{"path": f"/floor/api/{pk}/"} for pk in leads],
            "API update": [
                {"method": "POST", "path": f"{self.base}/api/{pk}/", "headers": JSON,
                 "body": json.dumps({"need": f"Need {n}"})}
                for n, pk in _over_and_over(leads, self.writes)
            ],
            "capture": [_enquiry(f"{self.base}/capture/") for _ in range(self.writes)],
        }  # fmt: skip

    def search(self, term: str) -> list[dict[str, Any]]:
        return [{"path": f"{self.base}/search/?{urlencode({'q': term})}"}]

    def detail(self, lead: Lead) -> list[dict[str, Any]]:
        return [{"path": f"/floor/detail/{lead.pk}/"}]

    def contact(self, contact: Contact) -> list[dict[str, Any]]:
        return [{"path": f"/floor/contact/{contact.pk}/"}]


def _over_and_over(items: list[str], times: int) -> Iterable[tuple[int, str]]:
    return ((number, items[number % len(items)]) for number in range(times))


def _enquiry(path: str) -> dict[str, Any]:
    """Somebody new writes; every request has a key of its own."""
    mark = uuid.uuid4().hex
    person = {"name": f"Bench {mark[:8]}", "email": f"{mark}@bench.example", "message": "Call me"}
    return {
        "method": "POST",
        "path": path,
        "headers": {**JSON, "Idempotency-Key": mark},
        "body": json.dumps(person),
    }


class Desk:
    """The pages of those who work with leads."""

    def __init__(self, workspace: Workspace, owner: Membership) -> None:
        self.slug = workspace.slug
        self.rep = _busiest_rep()
        manager = Membership.objects.filter(role=Role.MANAGER, is_active=True).order_by("name")[0]
        self.of = {
            "owner": _signed_in(owner.user),
            "manager": _signed_in(manager.user),
            "rep": _signed_in(self.rep.user),
        }
        self.list = reverse("lead-list", args=[self.slug])

    def get(self, path: str, who: str = "owner", **params: Any) -> dict[str, Any]:
        query = f"?{urlencode(params)}" if params else ""
        return {"path": f"{path}{query}", "headers": self.of[who]}

    def page(
        self, group: str, name: str, who: str = "owner", expects: str = ROW, **params: Any
    ) -> dict[str, Any]:
        request = self.get(self.list, who, **params)
        return scenario(group, name, "list", [request], expects=expects)

    def tabs(self) -> Iterable[dict[str, Any]]:
        managers = ("waiting", "overdue", "no-step", "unassigned", "open", "closed", "all")
        tabs = {
            "owner": managers,
            "manager": managers,
            "rep": ("waiting", "mine", "due", "unassigned", "all"),
        }
        for who, keys in tabs.items():
            for key in keys:
                expects = "" if key in MAY_BE_EMPTY else ROW
                yield self.page("List, first page", f"{key}, {who}", who, expects, view=key)

    def filters(self) -> Iterable[dict[str, Any]]:
        now = timezone.now()
        source = Source.objects.get(name="Website")
        campaign = Campaign.objects.annotate(count=Count("leads")).order_by("-count", "name")[0]
        asked = {
            "stage": {"view": "all", "stage": "contacted"},
            "stage, of the open": {"view": "open", "stage": "contacted"},
            "lost": {"view": "all", "status": "lost"},
            "kind of source": {"view": "all", "source": "website_form"},
            "source": {"view": "all", "source": source.pk},
            "campaign": {"view": "all", "campaign": campaign.pk},
            "owner": {"view": "all", "owner": self.rep.pk},
            "owner, of the open": {"view": "open", "owner": self.rep.pk},
            "no owner": {"view": "all", "owner": "none"},
            "pipeline": {"view": "all", "pipeline": Pipeline.objects.get(key="appointments").pk},
            "budget": {"view": "all", "budget__gte": 50000},
            "not touched for a year": {
                "view": "all", "last_activity_at__lte": (now - timedelta(days=365)).date()
            },
            "enquired in a week two years ago": {
                "view": "all",
                "from": (now - timedelta(days=730)).date(),
                "to": (now - timedelta(days=723)).date(),
            },
            "needs review": {"view": "all", "needs_review": "true"},
            "tests": {"view": "all", "is_test": "true"},
            "without tests": {"view": "all", "is_test": "false"},
            "removed": {"view": "all", "archived": "true"},
            "stage and source": {"view": "all", "stage": "qualified", "source": source.pk},
        }  # fmt: skip
        for name, params in asked.items():
            # Of a hundred leads in a million two people may be meant: of a few thousand, in none.
            yield self.page(
                "List, filtered", name, expects="" if name == "needs review" else ROW, **params
            )

    def boards(self) -> Iterable[dict[str, Any]]:
        """The board beside the floor of the list."""
        path = reverse("board", args=[self.slug])
        asked: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("all open, owner", "owner", {}),
            ("all open, manager", "manager", {}),
            ("all open, rep", "rep", {}),
            ("my open, rep", "rep", {"view": "mine"}),
            ("of a source", "owner", {"source": "website_form"}),
        )
        for name, who, params in asked:
            request = self.get(path, who, **params)
            yield scenario("Board", name, "list", [request], expects=CARD)

    def sorts(self) -> Iterable[dict[str, Any]]:
        for view in ("open", "all"):
            for sort in SORTS:
                yield self.page("List, sorted", f"{view} by {sort}", view=view, sort=sort)

    def far_pages(self) -> Iterable[dict[str, Any]]:
        """A page far behind, beside the first of the same list: it must cost the same.

        Small sizes have fewer pages, so its name says which one it is.
        """
        for sort in ("-created", "active", "due"):
            order = SORTS[sort]
            rows = Lead.objects.present()
            count = rows.filter(**{f"{order.column}__isnull": False}).count()
            place = max(1, min(FAR, count // PAGE - 1))
            rows = rows.order_by(order.column, *order.ties)
            if order.descending:
                rows = rows.order_by(f"-{order.column}", *order.ties)
            last = rows[place * PAGE - 1]
            first = self.get(self.list, view="all", sort=sort)
            far = self.get(self.list, view="all", sort=sort, after=cursor_of(last, order))
            name = f"by {sort}"
            yield scenario("Page 1 of the same", name, "list", [first], expects=ROW)
            yield scenario(
                "Page 1,000", f"{name}, page {place + 1:,}", "list", [far], beside=name, expects=ROW
            )

    def searches(self, floor: Floor) -> Iterable[dict[str, Any]]:
        lead, of_rep = _rarest(Lead.objects.present()), _rarest(visible_leads(self.rep))
        local, _, domain = lead.email.partition("@")
        national = lead.phone[2:]
        mine = html.escape(lead.display_name)
        terms = {
            "rare name": (lead.display_name, lead.display_name.lower(), mine),
            "common name": ("smith", "smith", ROW),
            "two common words": ("maria garcia", "maria garcia", ROW),
            "absent": ("zzqxwv", "zzqxwv", ""),
            "whole e-mail": (lead.email, lead.email, mine),
            "part of an e-mail": (local[1:], local[1:], ROW),
            "domain": (f"@{domain}", f"@{domain}", ROW),
            "phone, international": (lead.phone, lead.phone, mine),
            "phone with punctuation": (
                f"({national[:3]}) {national[3:6]}-{national[6:]}", national, mine
            ),
            "end of a phone": (lead.phone[-7:], lead.phone[-7:], ROW),
            "three letters": ("son", "son", ROW),
            "two letters": ("jo", "jo", ROW),
            "a common word and two letters": (COMMON_AND_SHORT, COMMON_AND_SHORT, ROW),
        }  # fmt: skip
        for name, (typed, plain, expects) in terms.items():
            yield scenario(
                "Search", name, "search", [self.get(self.list, view="all", q=typed)],
                floor_requests=floor.search(plain), expects=expects,
            )  # fmt: skip
            everything = reverse("search", args=[self.slug])
            yield scenario(
                "Global search", name, "search", [self.get(everything, q=typed)],
                floor_requests=floor.search(plain), expects=expects,
            )  # fmt: skip
        name = of_rep.display_name
        yield scenario(
            "Search", "rare name, rep", "search", [self.get(self.list, "rep", view="all", q=name)],
            floor_requests=floor.search(name.lower()), expects=html.escape(name),
        )  # fmt: skip

    def details(self, floor: Floor) -> Iterable[dict[str, Any]]:
        for size, label in ((SHORT, SHORT_LABEL), (LONG, LONG_LABEL)):
            lead = Lead.objects.get(label=label)
            path = reverse("lead-detail", args=[self.slug, lead.pk])
            yield scenario(
                "Lead detail", f"timeline of {size:,}", "detail", [self.get(path)],
                floor_requests=floor.detail(lead), expects=html.escape(lead.display_name),
            )  # fmt: skip

    def people(self, floor: Floor) -> Iterable[dict[str, Any]]:
        people = Contact.objects.filter(archived_at=None, leads__isnull=False)
        contact = people.exclude(email="").order_by("pk")[50]
        path = reverse("contacts", args=[self.slug])
        asked = {
            **{f"contacts, {who}": self.get(path, who) for who in ("owner", "manager", "rep")},
            "contacts named smith": self.get(path, q="smith"),
            "contacts by e-mail": self.get(path, q=contact.email),
            "companies": self.get(reverse("companies", args=[self.slug])),
        }
        for name, request in asked.items():
            yield scenario("People", name, "list", [request], expects=PERSON)
        yield scenario(
            "People", "a contact", "contact",
            [self.get(reverse("contact", args=[self.slug, contact.pk]))],
            floor_requests=floor.contact(contact), expects=html.escape(contact.display_name),
        )  # fmt: skip


def _rarest(leads: QuerySet[Lead]) -> Lead:
    """Of the newest of these that can be written to and called, the one with the rarest name."""
    found = list(leads.present().exclude(last_name="").exclude(email="").exclude(phone="")
                 .filter(phone__startswith="+1").order_by("-pk")[:NEWEST])  # fmt: skip
    alike = Lead.objects.filter(last_name__in={lead.last_name for lead in found})
    counts = dict(alike.values_list("last_name").annotate(count=Count("pk")).order_by())
    return min(found, key=lambda lead: counts[lead.last_name])


def _admin(workspace: Workspace) -> Iterable[dict[str, Any]]:
    staff = get_user_model().objects.create_superuser(
        f"staff-{uuid.uuid4().hex[:8]}@bench.example", uuid.uuid4().hex, name="Staff"
    )
    signed_in = _signed_in(staff)
    contact = Contact.objects.filter(archived_at=None).exclude(email="").order_by("pk")[50]
    asked = {
        "leads": ("leads_lead", {}),
        "leads of a workspace": ("leads_lead", {"workspace": workspace.pk}),
        "lost leads of a workspace": (
            "leads_lead", {"workspace": workspace.pk, "status__exact": "lost"}
        ),
        "leads named smith": ("leads_lead", {"q": "smith"}),
        "leads by e-mail": ("leads_lead", {"q": "smith@"}),
        "leads, absent": ("leads_lead", {"q": "zzqxwv"}),
        "leads, common and short": ("leads_lead", {"q": COMMON_AND_SHORT}),
        "contacts": ("leads_contact", {}),
        "contacts of a workspace named maria": (
            "leads_contact", {"workspace": workspace.pk, "q": "maria"}
        ),
        "contact by e-mail": ("leads_contact", {"q": contact.email}),
        "log": ("leads_activity", {}),
        "messages": ("leads_message", {}),
        "received items": ("integrations_inboundevent", {}),
    }  # fmt: skip
    for name, (model, params) in asked.items():
        query = f"?{urlencode(params)}" if params else ""
        path = reverse(f"admin:{model}_changelist")
        request = {"path": f"{path}{query}", "headers": signed_in}
        expects = "" if name.endswith("absent") else ADMIN_ROW
        yield scenario("Admin", name, "", [request], expects=expects)


def _api(token: dict[str, str], writes: int) -> Iterable[dict[str, Any]]:
    leads = [str(pk) for pk in Lead.objects.present().values_list("pk", flat=True)[50:100]]
    base = reverse("api:leads")
    for name, query in {
        "first page": "?page_size=50",
        "by last activity": "?page_size=50&ordering=-last_activity_at",
        "by due": "?page_size=50&ordering=work_due_at",
        "lost, above a budget": "?page_size=50&status=lost&budget__gte=50000",
    }.items():
        request = {"path": f"{base}{query}", "headers": token}
        yield scenario("API list", name, "API list", [request], expects=RECORD)
    yield scenario(
        "API retrieve", "a lead", "API retrieve",
        [{"path": f"{base}/{pk}", "headers": token} for pk in leads], expects=RECORD,
    )  # fmt: skip
    yield scenario("API create", "somebody new", "capture", [
        {**one, "headers": {**one["headers"], **token}, "body": _created(one["body"])}
        for one in (_enquiry(base) for _ in range(writes))
    ], status=201, expects=RECORD)  # fmt: skip
    yield scenario("API update", "one field", "API update", [
        {"method": "PATCH", "path": f"{base}/{pk}", "headers": {**JSON, **token},
         "body": json.dumps({"need": f"Need {uuid.uuid4().hex}"})}
        for _, pk in _over_and_over(leads, writes)
    ], expects=RECORD)  # fmt: skip


def _created(body: str) -> str:
    person = json.loads(body)
    return json.dumps(
        {"display_name": person["name"], "email": person["email"], "message": person["message"]}
    )


def _form(workspace: Workspace) -> dict[str, Any]:
    """The website form that takes submissions in, and the floors of doing so."""
    source = Source.objects.filter(kind="website_form").exclude(public_key="").first()
    return {
        "product": reverse("web-form", args=[source.public_key]),
        "capture": f"/floor/{workspace.pk}/capture/",
        "store": f"/floor/{workspace.pk}/store/",
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
