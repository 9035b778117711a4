"""The log under eight writers, kills and rollbacks: no row is missed, none is handled twice."""

from __future__ import annotations

import random
import time

import pytest
from django.db import connection

from leadcrm.workspaces.models import Location
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads import lag
from leads.models import Activity, Cursor, Parking
from tests.concurrency import jobs
from tests.concurrency.conftest import finish
from tests.factories import NOW, make_leads, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 8
SECONDS = 4.0


def handled() -> list[int]:
    """The numbers of the log rows of which the subscriber left an effect, as often as it did."""
    with all_workspaces():
        return sorted(
            int(name.split()[0]) for name in Location.objects.values_list("name", flat=True)
        )


def settle() -> None:
    deadline = time.monotonic() + 60
    with all_workspaces():
        while lag.lag_of(Cursor.objects.get(subscriber="noting", lane="live"), NOW).rows:
            assert time.monotonic() < deadline, "the readers do not catch up"
            time.sleep(0.05)


def test_no_row_is_missed_or_handled_twice(start):
    workspace, chance = make_workspace("Acme"), random.Random(7)
    with workspace_scope(workspace):
        leads = [lead.pk for lead in make_leads(20)]
    database = connection.settings_dict["NAME"]
    readers = [start(jobs.read_log, database) for _ in range(3)]
    writers = [
        start(jobs.write_log, database, workspace.pk, leads, number, SECONDS)
        for number in range(WRITERS)
    ]
    killed = 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        time.sleep(0.3 + chance.random() * 0.3)
        doomed = readers.pop(0)
        doomed.kill()
        doomed.join()
        readers.append(start(jobs.read_log, database))
        killed += 1
        if killed % 3 == 0:
            writers.pop().kill()
    finish(writers)
    settle()
    with all_workspaces():
        written = sorted(Activity.objects.values_list("id", flat=True))
        assert not Parking.objects.exists()
    assert killed >= 4
    assert len(written) > 100
    assert handled() == written
