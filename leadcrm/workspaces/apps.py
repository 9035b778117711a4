from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "leadcrm.workspaces"
    label = "workspaces"

    def ready(self) -> None:
        from leadcrm.workspaces import checks  # noqa: F401
