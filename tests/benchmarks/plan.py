"""What is asked for: `python -m tests.benchmarks.plan` reads the database and prints it as JSON.

A scenario has a group, which a goal is set for, the floor that it is measured against, and the
requests that it sends in turn. `expects` is a text that each answer must hold.
"""

from __future__ import annotations

import json
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
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from leadcrm.demo.volume import LONG_LABEL, SHORT_LABEL  # noqa: E402
from leadcrm.workspaces.models import ApiToken, Membership, Role, Workspace  # noqa: E402
from leadcrm.workspaces.paging import cursor_of  # noqa: E402
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope  # noqa: E402
from leadcrm.workspaces.tokens import issue_token  # noqa: E402
from leads.models import Activity, Campaign, Contact, Lead, LeadSearch, Source  # noqa: E402
from leads.views.keyset import SORTS  # noqa: E402
from leads.views.list import PAGE  # noqa: E402

SLUG = "volume"
FAR = 1000  # the page that is compared with the first
LONG, SHORT = 5000, 10  # rows of the timelines
JSON = {"Content-Type": "application/json"}
AN_EMAIL = "@"
WRITES = 400  # requests of a scenario that writes, each with a key of its own


def main() -> None:
    workspace = Workspace.objects.get(slug=SLUG)
    with workspace_scope(workspace):
        print(json.dumps(_plan(workspace)))


def _plan(workspace: Workspace) -> dict[str, Any]:
    owner = Membership.objects.get(role=Role.OWNER)
    token = _token(owner)
    desk, floor = Desk(workspace, owner), Floor(workspace)
    return {
        "workspace": str(workspace.pk),
        "rows": _rows(),
        "floors": floor.requests(),
        "scenarios": [
            *desk.tabs(),
            *desk.filters(),
            *desk.sorts(),
            *desk.far_pages(),
            *desk.searches(floor),
            *desk.details(floor),
            *desk.people(),
            *_admin(workspace),
            *_api(workspace, token, floor),
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

    def __init__(self, workspace: Workspace) -> None:
        self.base = f"/floor/{workspace.pk}"

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
                for n, pk in enumerate(leads * (WRITES // len(leads)))
            ],
            "capture": self.captures(WRITES),
        }  # fmt: skip

    def captures(self, number: int) -> list[dict[str, Any]]:
        return [_enquiry(f"{self.base}/capture/") for _ in range(number)]

    def search(self, term: str) -> list[dict[str, Any]]:
        return [{"path": f"{self.base}/search/?{urlencode({'q': term})}"}]

    def detail(self, lead: Lead) -> list[dict[str, Any]]:
        return [{"path": f"/floor/detail/{lead.pk}/"}]


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
        manager = Membership.objects.filter(role=Role.MANAGER, is_active=True).first()
        self.of = {
            "owner": _signed_in(owner.user),
            "manager": _signed_in(manager.user),
            "rep": _signed_in(self.rep.user),
        }
        self.list = reverse("lead-list", args=[self.slug])

    def get(self, path: str, who: str = "owner", **params: Any) -> dict[str, Any]:
        query = f"?{urlencode(params)}" if params else ""
        return {"path": f"{path}{query}", "headers": self.of[who]}

    def page(self, group: str, name: str, who: str = "owner", **params: Any) -> dict[str, Any]:
        return scenario(group, name, "list", [self.get(self.list, who, **params)])

    def tabs(self) -> Iterable[dict[str, Any]]:
        managers = ("waiting", "overdue", "no-step", "unassigned", "open", "closed", "all")
        tabs = {
            "owner": managers,
            "manager": managers,
            "rep": ("waiting", "mine", "due", "unassigned", "all"),
        }
        for who, keys in tabs.items():
            for key in keys:
                yield self.page("List, first page", f"{key}, {who}", who, view=key)

    def filters(self) -> Iterable[dict[str, Any]]:
        now = timezone.now()
        source = Source.objects.order_by("pk").first()
        campaign = Campaign.objects.order_by("pk").first()
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
            "budget": {"view": "all", "budget__gte": 100000},
            "not touched for a year": {
                "view": "open", "last_activity_at__lte": (now - timedelta(days=365)).date()
            },
            "enquired in a week two years ago": {
                "view": "all",
                "from": (now - timedelta(days=730)).date(),
                "to": (now - timedelta(days=723)).date(),
            },
            "needs review": {"view": "all", "needs_review": "true"},
            "tests": {"view": "all", "is_test": "true"},
            "removed": {"view": "all", "archived": "true"},
            "stage and source": {"view": "all", "stage": "qualified", "source": source.pk},
        }  # fmt: skip
        for name, params in asked.items():
            yield self.page("List, filtered", name, **params)

    def sorts(self) -> Iterable[dict[str, Any]]:
        for view in ("open", "all"):
            for sort in SORTS:
                yield self.page("List, sorted", f"{view} by {sort}", view=view, sort=sort)

    def far_pages(self) -> Iterable[dict[str, Any]]:
        """A page far behind, beside the first of the same list: it must cost the same."""
        for sort in ("-created", "active", "due"):
            order = SORTS[sort]
            rows = Lead.objects.present()
            place = min(FAR, rows.filter(**{f"{order.column}__isnull": False}).count() // PAGE - 1)
            rows = rows.order_by(order.column, *order.ties)
            if order.descending:
                rows = rows.order_by(f"-{order.column}", *order.ties)
            last = rows[place * PAGE - 1]
            first = self.get(self.list, view="all", sort=sort)
            far = self.get(self.list, view="all", sort=sort, after=cursor_of(last, order))
            yield scenario("Page 1 of the same", f"by {sort}", "list", [first])
            yield scenario("Page 1,000", f"by {sort}", "list", [far], page=place)

    def searches(self, floor: Floor) -> Iterable[dict[str, Any]]:
        lead = Lead.objects.present().exclude(email="").exclude(phone="").order_by("-pk")[100]
        local, _, domain = lead.email.partition("@")
        national = lead.phone[2:]
        terms = {
            "rare name": (lead.display_name, lead.display_name.lower()),
            "common name": ("smith", "smith"),
            "two common words": ("maria garcia", "maria garcia"),
            "absent": ("zzqxwv", "zzqxwv"),
            "whole e-mail": (lead.email, lead.email),
            "part of an e-mail": (local[1:], local[1:]),
            "domain": (f"@{domain}", f"@{domain}"),
            "phone, international": (lead.phone, lead.phone),
            "phone with punctuation": (
                f"({national[:3]}) {national[3:6]}-{national[6:]}",
                national,
            ),
            "end of a phone": (lead.phone[-7:], lead.phone[-7:]),
            "three letters": ("son", "son"),
            "two letters": ("jo", "jo"),
            "a common word and two letters": ("company 77", "company 77"),
        }
        for name, (typed, plain) in terms.items():
            yield scenario(
                "Search", name, "", [self.get(self.list, view="all", q=typed)],
                floor_requests=floor.search(plain),
                expects=lead.display_name if name.startswith(("rare", "whole", "phone")) else "",
            )  # fmt: skip
        yield scenario(
            "Search", "rare name, rep", "", [self.get(self.list, "rep", view="all", q=lead.email)],
            floor_requests=floor.search(lead.email),
        )  # fmt: skip

    def details(self, floor: Floor) -> Iterable[dict[str, Any]]:
        for size in (SHORT, LONG):
            lead = _lead_with_log_of(size)
            path = reverse("lead-detail", args=[self.slug, lead.pk])
            yield scenario(
                "Lead detail", f"timeline of {size:,}", "", [self.get(path)],
                floor_requests=floor.detail(lead), expects=lead.display_name,
            )  # fmt: skip

    def people(self) -> Iterable[dict[str, Any]]:
        contact = Contact.objects.filter(archived_at=None, leads__isnull=False).order_by("pk")[50]
        for who in ("owner", "manager", "rep"):
            yield scenario(
                "People", f"contacts, {who}", "list",
                [self.get(reverse("contacts", args=[self.slug]), who)],
            )  # fmt: skip
        for name, params in {
            "contacts named smith": {"q": "smith"},
            "contacts by e-mail": {"q": "@"},
        }.items():
            path = reverse("contacts", args=[self.slug])
            yield scenario("People", name, "list", [self.get(path, **params)])
        path = reverse("contact", args=[self.slug, contact.pk])
        yield scenario("People", "a contact", "list", [self.get(path)])
        path = reverse("companies", args=[self.slug])
        yield scenario("People", "companies", "list", [self.get(path)])


def _lead_with_log_of(size: int) -> Lead:
    """The lead that `volume` gives this many log rows: it says so in its label."""
    return Lead.objects.get(label={SHORT: SHORT_LABEL, LONG: LONG_LABEL}[size])


def _admin(workspace: Workspace) -> Iterable[dict[str, Any]]:
    staff = get_user_model().objects.create_superuser(
        f"staff-{uuid.uuid4().hex[:8]}@bench.example", uuid.uuid4().hex, name="Staff"
    )
    signed_in = _signed_in(staff)
    asked = {
        "leads": ("leads_lead", {}),
        "leads of a workspace": ("leads_lead", {"workspace": workspace.pk}),
        "lost leads of a workspace": (
            "leads_lead", {"workspace": workspace.pk, "status__exact": "lost"}
        ),
        "leads named smith": ("leads_lead", {"q": "smith"}),
        "leads by e-mail": ("leads_lead", {"q": "smith@"}),
        "leads, absent": ("leads_lead", {"q": "zzqxwv"}),
        "leads, common and short": ("leads_lead", {"q": "company 77"}),
        "contacts": ("leads_contact", {}),
        "contacts named smith": ("leads_contact", {"q": "smith"}),
        "log": ("leads_activity", {}),
        "messages": ("leads_message", {}),
        "received items": ("integrations_inboundevent", {}),
    }  # fmt: skip
    for name, (model, params) in asked.items():
        query = f"?{urlencode(params)}" if params else ""
        path = reverse(f"admin:{model}_changelist")
        yield scenario("Admin", name, "", [{"path": f"{path}{query}", "headers": signed_in}])


def _api(workspace: Workspace, token: dict[str, str], floor: Floor) -> Iterable[dict[str, Any]]:
    leads = [str(pk) for pk in Lead.objects.present().values_list("pk", flat=True)[50:100]]
    base = reverse("api:leads")
    for name, query in {
        "first page": "?page_size=50",
        "by last activity": "?page_size=50&ordering=-last_activity_at",
        "by due": "?page_size=50&ordering=work_due_at",
        "lost, above a score": "?page_size=50&status=lost&score__gte=60",
    }.items():
        request = {"path": f"{base}{query}", "headers": token}
        yield scenario("API list", name, "API list", [request])
    yield scenario(
        "API retrieve", "a lead", "API retrieve",
        [{"path": f"{base}/{pk}", "headers": token} for pk in leads],
    )  # fmt: skip
    yield scenario("API create", "somebody new", "capture", [
        {**one, "headers": {**one["headers"], **token}, "body": _created(one["body"])}
        for one in (_enquiry(base) for _ in range(WRITES))
    ], status=201)  # fmt: skip
    yield scenario("API update", "one field", "API update", [
        {"method": "PATCH", "path": f"{base}/{pk}", "headers": {**JSON, **token},
         "body": json.dumps({"need": f"Need {uuid.uuid4().hex}"})}
        for pk in leads * (WRITES // len(leads))
    ])  # fmt: skip


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
    with all_workspaces():
        Workspace.objects.get(slug=SLUG)
    main()
