"""Queries that are compiled once: their values and their scope are those of whoever runs them."""

from __future__ import annotations

import pytest

from leadcrm.workspaces.compiled import CompiledQuery, Given
from leadcrm.workspaces.models import Workspace
from leadcrm.workspaces.scoping import (
    ScopeRequired,
    all_workspaces,
    current_scope,
    no_scope,
    workspace_scope,
)
from leads.models import Lead
from tests.factories import make_lead


@pytest.fixture
def by_name() -> CompiledQuery:
    return CompiledQuery(
        lambda: Lead.objects.filter(display_name=Given("name")).values_list("pk", "email")
    )


def test_each_run_has_values_of_its_own(acme: Workspace, by_name: CompiledQuery) -> None:
    bo, cy = make_lead(display_name="Bo"), make_lead(display_name="Cy")
    assert by_name.rows(name="Bo") == [(bo.pk, bo.email)]
    assert by_name.rows(name="Cy") == [(cy.pk, cy.email)]
    assert by_name.rows(name=None) == []


def test_each_run_is_in_the_scope_of_its_own(
    workspace: Workspace, rival: Workspace, by_name: CompiledQuery
) -> None:
    found = []
    for one in (workspace, rival):
        with workspace_scope(one):
            mine = make_lead(display_name="Bo")
            found.append(by_name.rows(name="Bo") == [(mine.pk, mine.email)])
    assert found == [True, True]


def test_without_one_workspace_in_scope_it_raises(acme: Workspace, by_name: CompiledQuery) -> None:
    by_name.rows(name="Bo")
    for closed in (no_scope(), all_workspaces()):
        with closed, pytest.raises(ScopeRequired):
            by_name.rows(name="Bo")
    assert current_scope() == acme.pk


def test_a_value_that_nobody_gave_is_an_error(acme: Workspace, by_name: CompiledQuery) -> None:
    with pytest.raises(KeyError):
        by_name.rows()
