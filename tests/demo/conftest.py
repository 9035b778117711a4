"""One telling of the story for all who only read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from leadcrm.demo import cast, story
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import workspace_scope

# A Sunday night at half past three, an hour after the clocks went forward there.
SUNDAY_NIGHT = datetime(2026, 3, 8, 10, 30, tzinfo=UTC)


@dataclass
class Telling:
    now: datetime
    told: story.Told
    queries: int
    workspace: Workspace


@pytest.fixture(scope="module")
def telling(django_db_setup: None, django_db_blocker: Any) -> Iterator[Telling]:
    """The story at an hour at which nobody works; taken back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            told = story.reset(now=SUNDAY_NIGHT, leads=130, seed=7)
        workspace = Workspace.objects.get(slug=cast.SLUG)
        yield Telling(SUNDAY_NIGHT, told, len(queries), workspace)
        transaction.set_rollback(True)


@pytest.fixture
def demo(telling: Telling) -> Iterator[Telling]:
    """The story, with its workspace in scope."""
    with workspace_scope(telling.workspace):
        yield telling
