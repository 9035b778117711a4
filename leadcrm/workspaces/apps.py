from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "leadcrm.workspaces"
    label = "workspaces"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from leadcrm.workspaces import checks, signed_in  # noqa: F401
        from leadcrm.workspaces.many import write_many_as_array
        from leadcrm.workspaces.timestamps import read_times_quickly

        read_times_quickly()
        write_many_as_array()
        user_logged_in.connect(signed_in.remember, dispatch_uid="remember_signed_in")
