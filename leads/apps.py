from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"

    def ready(self) -> None:
        from leadcrm.workspaces.members import on_workspace_founded
        from leads import duplicate_scan, events, sources
        from leads.setup import set_up_leads

        on_workspace_founded(set_up_leads)
        events.subscribe("sources", sources.count_enquiries)
        events.subscribe("duplicates", duplicate_scan.follow_log)
