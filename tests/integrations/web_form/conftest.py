from __future__ import annotations

from typing import Any

import pytest

from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.models import Source, SourceKind


def form_of(workspace: Workspace) -> Source:
    """The website form that a new workspace has."""
    with workspace_scope(workspace):
        found: Source = Source.objects.get(kind=SourceKind.WEBSITE_FORM)
        return found


def change(source: Source, **values: Any) -> Source:
    with workspace_scope(source.workspace_id):
        Source.objects.filter(pk=source.pk).update(**values)
        source.refresh_from_db()
    return source


@pytest.fixture
def form(workspace: Workspace) -> Source:
    return form_of(workspace)
