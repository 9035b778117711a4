"""An import from file to leads, as the worker does it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from leadcrm.workspaces.models import Membership, Workspace
from leads.importing import running, storing, sweep
from leads.models import Import

Load = Callable[..., Import]


@pytest.fixture
def load(acme: Workspace, ana: Membership, now: datetime) -> Load:
    """Upload a file and let the worker read it."""

    def load(
        data: bytes | str, name: str = "leads.csv", kind: str = "leads", by: Any = None
    ) -> Import:
        raw = data.encode() if isinstance(data, str) else data
        batch = storing.store(name, [raw], kind=kind, by=by or ana, now=now)
        return worked(batch, now)

    return load


def fresh(batch: Import) -> Import:
    found: Import = Import.objects.select_related("made_by").get(pk=batch.pk)
    return found


def worked(batch: Import, now: datetime) -> Import:
    """The import once the worker has nothing to do about it any more, however slow the machine is."""
    while fresh(batch).is_working:
        sweep.advance_due(now)
    return fresh(batch)


def check(batch: Import, now: datetime, mapping: Any = None, **options: Any) -> Import:
    """Choose columns, as proposed unless a mapping by header is given, and let the worker check."""
    chosen = list(batch.mapping)
    for header, target in (mapping or {}).items():
        chosen[batch.headers.index(header)] = target
    running.choose(batch, chosen, {**batch.options, **options}, now)
    return worked(batch, now)


def apply(batch: Import, now: datetime) -> Import:
    running.apply(batch, now)
    return worked(batch, now)


def undo(batch: Import, now: datetime) -> Import:
    running.undo(batch, now)
    return worked(batch, now)
