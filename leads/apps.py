from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"

    def ready(self) -> None:
        from leadcrm.workspaces.members import on_workspace_founded
        from leads import events, routing, sources
        from leads.models.activity import Lane
        from leads.setup import set_up_leads

        on_workspace_founded(set_up_leads)
        events.subscribe("sources", sources.count_enquiries)
        events.subscribe(routing.NAME, routing.route_new_leads, [Lane.LIVE])
