from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "leadcrm.workspaces"
    label = "workspaces"

    def ready(self) -> None:
        from leadcrm.workspaces import checks  # noqa: F401
        from leadcrm.workspaces.timestamps import read_times_quickly

        read_times_quickly()
