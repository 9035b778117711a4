from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"

    def ready(self) -> None:
        from leadcrm.workspaces.members import on_workspace_founded
        from leads import duplicate_scan, events, notifying, routing, sources
        from leads.importing.own_fields import own_targets
        from leads.importing.targets import register_source
        from leads.models.activity import Lane
        from leads.setup import set_up_leads

        on_workspace_founded(set_up_leads)
        register_source(own_targets)
        events.subscribe("sources", sources.count_enquiries)
        events.subscribe(routing.NAME, routing.route_new_leads, [Lane.LIVE])
        # Behind routing: what it gives away in the same breath isn't announced as in the pool.
        events.subscribe(notifying.NAME, notifying.announce, [Lane.LIVE, Lane.BULK])
        events.subscribe("duplicates", duplicate_scan.follow_log)
