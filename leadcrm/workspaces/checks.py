"""System checks that keep the tenancy wall whole as models are added."""

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register

from leadcrm.workspaces.scoping import WorkspaceManager, WorkspaceModel


@register()
def every_workspace_row_is_scoped(**kwargs: Any) -> list[CheckMessage]:
    """Each model with a `workspace` column must use the managers that fail closed."""
    errors: list[CheckMessage] = []
    for model in apps.get_models(include_auto_created=True):
        columns = {field.attname for field in model._meta.concrete_fields}
        if "workspace_id" not in columns:
            continue
        if not issubclass(model, WorkspaceModel):
            errors.append(
                Error("has a workspace but is no WorkspaceModel", obj=model, id="workspaces.E001")
            )
            continue
        managers = (model._base_manager, model._default_manager)
        if not all(isinstance(manager, WorkspaceManager) for manager in managers):
            errors.append(
                Error(
                    "inherit WorkspaceModel.Meta: its managers are not scoped",
                    obj=model,
                    id="workspaces.E002",
                )
            )
    return errors
