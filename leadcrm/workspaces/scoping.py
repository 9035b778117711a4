"""The wall between workspaces: every query is scoped to one, or raises.

The scope is read when SQL is compiled, not when a queryset is built, so a queryset made at
import time (a form field, a filter, an admin class) is scoped by whoever runs it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models.base import ModelState
from django.db.models.sql.compiler import SQLCompiler

from leadcrm.workspaces.ids import uuid7

EVERYWHERE = "everywhere"

_scope: ContextVar[uuid.UUID | str | None] = ContextVar("workspace_scope", default=None)

M = TypeVar("M", bound="WorkspaceModel")


class ScopeRequired(RuntimeError):
    """A tenant's rows were touched while no workspace was in scope."""


class ScopeMismatch(RuntimeError):
    """A row of one workspace was about to be written in the scope of another."""


def current_scope() -> uuid.UUID | str | None:
    """The id of the workspace in scope, `EVERYWHERE`, or None."""
    return _scope.get()


def current_workspace_id() -> uuid.UUID:
    """The id of the one workspace in scope; raises ScopeRequired where there is none or all."""
    scope = _scope.get()
    if not isinstance(scope, uuid.UUID):
        raise ScopeRequired("one workspace must be in scope")
    return scope


@contextmanager
def workspace_scope(workspace: Any) -> Iterator[None]:
    """Run the block inside one workspace, given as a Workspace or its id."""
    token = _scope.set(_id_of(workspace))
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def all_workspaces() -> Iterator[None]:
    """Run the block across workspaces: for sweeps that claim, for staff, and for sign-in."""
    token = _scope.set(EVERYWHERE)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def no_scope() -> Iterator[None]:
    """Close the scope for the block: what each request starts with and is reset to."""
    token = _scope.set(None)
    try:
        yield
    finally:
        _scope.reset(token)


def enter_scope(workspace: Any) -> Token[uuid.UUID | str | None]:
    """Set the scope for the rest of a request; the middleware's `no_scope` takes it back."""
    return _scope.set(_id_of(workspace))


def scoped_stream(workspace: Any, parts: Iterable[bytes]) -> Iterator[bytes]:
    """Iterate a streamed body in its workspace's scope: it is produced after the view returned."""
    iterator = iter(parts)
    while True:
        with workspace_scope(workspace):
            try:
                part = next(iterator)
            except StopIteration:
                return
        yield part


def _id_of(workspace: Any) -> uuid.UUID:
    value = getattr(workspace, "pk", workspace)
    if not isinstance(value, uuid.UUID):
        raise TypeError(f"a workspace or its id is needed, not {workspace!r}")
    return value


class InScope(models.Func):
    """SQL condition `workspace_id = <the workspace in scope>`, decided at compile time."""

    output_field = models.BooleanField()
    conditional = True

    def __init__(self) -> None:
        super().__init__(models.F("workspace_id"))

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **kwargs: Any
    ) -> tuple[str, list[Any]]:
        scope = _scope.get()
        if scope is None:
            raise ScopeRequired("no workspace in scope")
        if scope == EVERYWHERE:
            return "TRUE", []
        column, params = compiler.compile(self.source_expressions[0])
        return f"{column} = %s", [*params, scope]


class WorkspaceQuerySet(models.QuerySet[M]):
    """A queryset whose writes stay in the workspace too."""

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        rows = list(objs)
        for row in rows:
            row.claim_for_scope()
        return super().bulk_create(rows, *args, **kwargs)

    def bulk_update(
        self, objs: Iterable[M], fields: Iterable[str], *args: Any, **kwargs: Any
    ) -> int:
        rows = list(objs)
        for row in rows:
            row.claim_for_scope()
        return super().bulk_update(rows, fields, *args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        if {"workspace", "workspace_id"} & set(kwargs):
            raise ScopeMismatch("a row never changes its workspace")
        return super().update(**kwargs)

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        raise ScopeRequired("raw SQL escapes the scope; write it with the ORM")


class WorkspaceManager(models.Manager[M]):
    """Default and base manager of every tenant's model."""

    def get_queryset(self) -> WorkspaceQuerySet[M]:
        return WorkspaceQuerySet(self.model, using=self._db).filter(InScope())

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        return self.get_queryset().raw(*args, **kwargs)


def scoped_manager(queryset_class: type[WorkspaceQuerySet[Any]]) -> WorkspaceManager[Any]:
    """A scoped manager that offers the methods of a queryset class of our own."""

    class ScopedManager(WorkspaceManager.from_queryset(queryset_class)):  # type: ignore[misc]
        def get_queryset(self) -> WorkspaceQuerySet[Any]:
            return queryset_class(self.model, using=self._db).filter(InScope())

    return ScopedManager()


def workspace_link(*, db_index: bool = True) -> Any:
    """The link of a row to its workspace. A table with indexes that begin with it needs no other."""
    return models.ForeignKey(
        "workspaces.Workspace",
        models.CASCADE,
        related_name="+",
        editable=False,
        db_index=db_index,
    )


class WorkspaceModel(models.Model):
    """Base of every row that belongs to a workspace. A subclass's Meta must inherit this Meta."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = workspace_link()

    objects: Any = WorkspaceManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
        default_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.claim_for_scope()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        # Django deletes a single row by its key alone, past the manager.
        self.claim_for_scope()
        return super().delete(*args, **kwargs)

    @classmethod
    def from_db(  # type: ignore[override]  # the stubs are of Django 6
        cls, db: str | None, field_names: Collection[str], values: Collection[Any]
    ) -> Self:
        # The ORM's constructor would set each column by itself, most of what reading a row costs.
        row = cls.__new__(cls)
        state = ModelState()
        state.adding, state.db = False, db
        row.__dict__.update(zip(field_names, values, strict=True), _state=state)
        return row

    def claim_for_scope(self) -> None:
        """Fill the workspace from the scope; refuse a row, or a link to a row, of another one."""
        scope = _scope.get()
        if scope is None:
            raise ScopeRequired(f"no workspace in scope to write {type(self).__name__}")
        named: uuid.UUID | None = self.workspace_id
        if named is None and isinstance(scope, uuid.UUID):
            self.workspace_id = named = scope
        if named is None:
            raise ScopeRequired(f"{type(self).__name__} names no workspace")
        if scope not in (EVERYWHERE, named):
            raise ScopeMismatch(f"{type(self).__name__} belongs to another workspace")
        self._refuse_foreign_links()

    def _refuse_foreign_links(self) -> None:
        for linked in self._state.fields_cache.values():
            if isinstance(linked, WorkspaceModel) and linked.workspace_id != self.workspace_id:
                raise ScopeMismatch(f"{type(self).__name__} links to a row of another workspace")


def group_by_workspace(rows: Sequence[M]) -> dict[uuid.UUID, list[M]]:
    """Rows by workspace id, in the order given, for sweeps that claim across workspaces."""
    groups: dict[uuid.UUID, list[M]] = {}
    for row in rows:
        groups.setdefault(row.workspace_id, []).append(row)
    return groups
