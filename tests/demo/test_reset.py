"""`make demo`: the story anew, other workspaces untouched, counters right once workers have read."""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from leadcrm.demo import cast, story
from leadcrm.workspaces.models import User, Workspace
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads import events, lag
from leads.models import Activity, Cursor, Lead, SourceDay
from leads.models.activity import Lane
from tests.factories import make_lead

NOW = datetime(2026, 3, 4, 18, 30, tzinfo=UTC)  # a Wednesday morning at the demo's
FEW = 60
SETTLES_WITHIN = 20.0  # seconds; another test's transaction may hold the log's horizon for a while


def _dispatch_and_count_waiting() -> int:
    """How many rows of the log wait after the readers of all lanes had their turn."""
    for lane in Lane.values:
        events.dispatch_for(lane, NOW, seconds=60)
    with all_workspaces():
        return sum(one.rows for one in lag.lags(list(Cursor.objects.all()), NOW))


@pytest.mark.django_db(transaction=True)
def test_after_a_reset_workers_bring_the_counters_up_to_date(workspace: Workspace) -> None:
    with workspace_scope(workspace):
        lead = make_lead()
    story.reset(now=NOW, leads=FEW, seed=1)
    story.reset(now=NOW, leads=FEW, seed=2)
    deadline = time.monotonic() + SETTLES_WITHIN
    while _dispatch_and_count_waiting() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _dispatch_and_count_waiting() == 0
    with workspace_scope(Workspace.objects.get(slug=cast.SLUG)):
        total = SourceDay.objects.aggregate(new=Sum("created"), again=Sum("repeated"))
        assert total["new"] == Lead.objects.filter(is_test=False).count()
        assert total["again"] == Activity.objects.filter(kind="enquiry_repeated").count()
    with workspace_scope(workspace):
        assert Lead.objects.get() == lead
        assert Activity.objects.filter(lead=lead).count() == 1
        assert SourceDay.objects.get().created == 1


@pytest.mark.django_db
def test_the_command_keeps_form_addresses_and_passwords(settings: Any) -> None:
    settings.DEV = True
    said = _command(leads=FEW)
    key, before = story.form_key(), Workspace.objects.get(slug=cast.SLUG).pk
    assert f"/f/{key}/" in said
    assert all(f"{login.email}  {cast.PASSWORD}" in said for login in cast.LOGINS)
    hashed = User.objects.get(email="ben@demo.test").password
    _command(leads=FEW, if_empty=True)
    assert Workspace.objects.get(slug=cast.SLUG).pk == before
    _command(leads=FEW)
    assert Workspace.objects.get(slug=cast.SLUG).pk != before
    assert story.form_key() == key
    assert User.objects.get(email="ben@demo.test").password == hashed


@pytest.mark.django_db
def test_it_is_refused_where_others_could_sign_in(settings: Any) -> None:
    settings.DEV = False
    with pytest.raises(CommandError, match="passwords are public"):
        call_command("demo")
    assert not story.exists()


def _command(**options: Any) -> str:
    said = io.StringIO()
    call_command("demo", stdout=said, stderr=io.StringIO(), **options)
    return said.getvalue()
