"""A lead and a browser to look at it with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from leadcrm.workspaces.models import Membership, Workspace
from leads.models import Lead
from tests.factories import make_lead


@pytest.fixture
def lead(acme: Workspace, now: datetime) -> Lead:
    return make_lead(now=now - timedelta(hours=1), display_name="Maria Lopez", phone="+14155552671")


@pytest.fixture
def web(sign_in: Callable[[Membership], Client], ana: Membership) -> Client:
    client = sign_in(ana)
    client.get("/leads/", follow=True)
    return client
