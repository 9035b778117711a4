"""The wall in the database: a row links only to rows of its own workspace, and never moves.

The scoped managers keep a query inside its workspace; this keeps the foreign keys inside it,
also where an id comes in as text, by raw SQL or by ON CONFLICT. It is a trigger rather than
composite foreign keys, which would need a further index on every table that is linked to.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.migrations.operations.base import Operation

GUARD = """
CREATE OR REPLACE FUNCTION {table}_wall() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    theirs uuid;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.workspace_id <> OLD.workspace_id THEN
        RAISE EXCEPTION 'a row never changes its workspace' USING ERRCODE = 'restrict_violation';
    END IF;
    {checks}RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS {table}_wall ON {table};
CREATE TRIGGER {table}_wall BEFORE INSERT OR UPDATE OF {columns} ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_wall();
"""
# One statement per link that is set or changed (a new row's OLD is null): a single statement for all
# of them costs ten times as much.
CHECK = """IF NEW.{column} IS NOT NULL AND NEW.{column} IS DISTINCT FROM OLD.{column} THEN
        SELECT workspace_id INTO theirs FROM {target} WHERE {key} = NEW.{column};
        IF theirs <> NEW.workspace_id THEN
            RAISE EXCEPTION '{column} is of another workspace'
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;
    """
UNGUARD = """
DROP TRIGGER IF EXISTS {table}_wall ON {table};
DROP FUNCTION IF EXISTS {table}_wall();
"""


class GuardLinks(Operation):
    """Put up the wall of a model. Repeat it in the migration that adds a link to the model."""

    reversible = True

    def __init__(self, model: str, app: str = "") -> None:
        self.model = model
        self.app = app

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models stay as they are."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(self.app or app_label, self.model)
        schema_editor.execute(guard_of(model), params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(self.app or app_label, self.model)
        schema_editor.execute(UNGUARD.format(table=model._meta.db_table), params=None)

    def describe(self) -> str:
        return f"Keep the links of {self.model} inside its workspace"


def links_of(model: type[models.Model]) -> list[models.ForeignKey[Any, Any]]:
    """The foreign keys of a model that lead to rows of a workspace."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and _has_workspace(field.related_model)
    ]


def guard_of(model: type[models.Model]) -> str:
    """The SQL that puts up the wall of a model."""
    table = model._meta.db_table
    links = links_of(model)
    checks = [
        CHECK.format(
            target=link.related_model._meta.db_table,
            key=link.target_field.column,
            column=link.column,
        )
        for link in links
    ]
    return GUARD.format(
        table=table,
        columns=", ".join(["workspace_id", *(str(link.column) for link in links)]),
        checks="".join(checks),
    )


def _has_workspace(model: Any) -> bool:
    return any(field.attname == "workspace_id" for field in model._meta.concrete_fields)
