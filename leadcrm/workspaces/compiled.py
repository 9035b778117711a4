"""Queries that are put into SQL once and run with other values ever after.

For those with many subqueries: the ORM takes ten times as long to put them together as PostgreSQL
takes to answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BooleanField, Expression, F, Field, Func, QuerySet, Subquery, UUIDField
from django.db.models.sql.compiler import SQLCompiler

from leadcrm.workspaces.scoping import current_workspace_id, workspace_scope

# Stands in the SQL's values for the workspace in scope when it runs.
_IN_SCOPE = uuid.UUID(int=0)


class Given(Expression):
    """A value that is given by this name when the query runs."""

    def __init__(self, name: str, output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field or UUIDField())
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


def among(column: str, name: str) -> Func:
    """Whether a column is one of the ids that are given by this name."""
    return is_among(column, Given(name, ArrayField(UUIDField())))


def is_among(column: str, array: Expression | Subquery) -> Func:
    """Whether a column is one of the values of an array."""
    return Func(
        *(F(column), array),
        arg_joiner=" = ANY(",
        template="%(expressions)s)",
        output_field=BooleanField(),
    )


class CompiledQuery:
    """The rows of a queryset, in the scope of whoever asks for them.

    `build` is called once per process: what changes from request to request, time among it, must
    be a `Given` in its queryset.
    """

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self.build = build

    @cached_property
    def compiled(self) -> tuple[str, tuple[Any, ...]]:
        with workspace_scope(_IN_SCOPE):
            return self.build().query.sql_with_params()

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        """The rows, as PostgreSQL has them. Raises ScopeRequired unless one workspace is in scope."""
        workspace_id = current_workspace_id()
        sql, params = self.compiled
        values = [given[one.name] if isinstance(one, Given) else one for one in params]
        values = [workspace_id if one is _IN_SCOPE else one for one in values]
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()
