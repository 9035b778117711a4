"""The tests of the domain live in March 2026: the timers of their pipelines were set long before."""

from datetime import timedelta

import pytest

from leads.models import Stage
from tests.factories import NOW


@pytest.fixture(autouse=True)
def _timers_were_set_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    field = Stage._meta.get_field("timer_changed_at")
    monkeypatch.setattr(field, "_get_default", lambda: NOW - timedelta(days=365))
