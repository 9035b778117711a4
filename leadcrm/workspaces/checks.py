"""System checks that keep the tenancy wall whole as models are added."""

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.db import models

from leadcrm.workspaces.scoping import WorkspaceManager, WorkspaceModel


@register()
def every_workspace_row_is_scoped(**kwargs: Any) -> list[CheckMessage]:
    """Each model with a `workspace` column must use the managers that fail closed."""
    errors: list[CheckMessage] = []
    for model in apps.get_models(include_auto_created=True):
        errors += _unscoped(model) if _has_workspace(model) else _unowned_links(model)
    return errors


def _has_workspace(model: type[models.Model]) -> bool:
    return any(field.attname == "workspace_id" for field in model._meta.concrete_fields)


def _unscoped(model: type[models.Model]) -> list[CheckMessage]:
    if not issubclass(model, WorkspaceModel):
        return [Error("has a workspace but is no WorkspaceModel", obj=model, id="workspaces.E001")]
    managers = {*model._meta.managers, model._base_manager, model._default_manager}
    if all(isinstance(manager, WorkspaceManager) for manager in managers):
        return []
    message = "inherit WorkspaceModel.Meta: its managers are not scoped"
    return [Error(message, obj=model, id="workspaces.E002")]


def _unowned_links(model: type[models.Model]) -> list[CheckMessage]:
    """A link to a tenant's row makes a tenant's row, many-to-many tables included."""
    return [
        Error(
            f"{field.name} links to a workspace's row, so it needs a workspace of its own",
            obj=model,
            id="workspaces.E003",
        )
        for field in model._meta.concrete_fields
        if field.related_model and issubclass(field.related_model, WorkspaceModel)
    ]
