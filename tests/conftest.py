"""The cast: Ana owns Acme, Adam administers it, Max manages, Ben sells, Vera views.

Rita sells in Rival, another workspace. Tests of the domain run in Acme's scope (`acme`).
"""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from leadcrm.workspaces.actors import Actor
from leadcrm.workspaces.models import Membership, Role, Workspace
from leadcrm.workspaces.scoping import no_scope, workspace_scope
from tests.factories import NOW, make_member, make_workspace

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
LONGEST = (
    *("tests/browser/", "tests/chaos/", "tests/tenancy/", "tests/integrations/web_form/"),
    *("tests/pages/test_plans.py", "tests/leads/test_batch.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first, so that no worker is left with one at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there by now stays to the end: looking it over for garbage again and again costs a
    tenth of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True)
def _quick_and_closed(settings: Any) -> Iterator[None]:
    """Cheap password hashes, no lock-out between tests, an empty cache, and no scope left open."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.AXES_ENABLED = False
    cache.clear()
    with no_scope():
        yield


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this machine can be reached."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
            raise OSError(f"the network is closed in tests: {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """At the end, cut the sessions that threads of test servers left: they'd keep the database."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def workspace(db: None) -> Workspace:
    return make_workspace("Acme")


@pytest.fixture
def acme(workspace: Workspace) -> Iterator[Workspace]:
    """Acme, with its scope open for the test."""
    with workspace_scope(workspace):
        yield workspace


@pytest.fixture
def ana(workspace: Workspace) -> Membership:
    with workspace_scope(workspace):
        return Membership.objects.select_related("workspace", "user").get(role=Role.OWNER)


@pytest.fixture
def adam(workspace: Workspace) -> Membership:
    return make_member(workspace, Role.ADMIN, "Adam")


@pytest.fixture
def max_(workspace: Workspace) -> Membership:
    return make_member(workspace, Role.MANAGER, "Max")


@pytest.fixture
def ben(workspace: Workspace) -> Membership:
    return make_member(workspace, Role.REP, "Ben")


@pytest.fixture
def vera(workspace: Workspace) -> Membership:
    return make_member(workspace, Role.VIEWER, "Vera")


@pytest.fixture
def rival(db: None) -> Workspace:
    return make_workspace("Rival")


@pytest.fixture
def rita(rival: Workspace) -> Membership:
    return make_member(rival, Role.REP, "Rita")


@pytest.fixture
def me(ana: Membership) -> Actor:
    """Ana at work in the browser."""
    return Actor.member(ana)


@pytest.fixture
def sign_in() -> Callable[[Membership], Client]:
    """A browser in which this member is signed in."""

    def browser(member: Membership) -> Client:
        client = Client()
        client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return browser
