"""The addresses of leads and what belongs to them."""

from django.urls import path

from leads import appointments, bulk
from leads import duplicates as verbs_of_pairs
from leads.api import (
    bulk_runs,
    contact_keys,
    duplicates,
    imports,
    leads,
    log,
    merges,
    notifications,
    people,
    problems,
    saved_views,
    settings,
    work,
)
from leads.api.verb_views import BulkView, verb_view
from leads.api.verbs import VERBS
from leads.importing import running

__all__ = ["problems", "urlpatterns"]  # importing problems registers what refusals answer

LEAD = "leads/<uuid:lead_id>"
APPOINTMENT = "appointments/<uuid:appointment_id>"
RUN = "bulk-runs/<uuid:run_id>"
PAIR = "duplicates/<uuid:pair_id>"
IMPORT = "imports/<uuid:import_id>"
SUGGESTION = "suggestions/<uuid:suggestion_id>"

urlpatterns = [
    path("leads", leads.LeadListView.as_view(), name="leads"),
    path("leads/bulk", BulkView.as_view(), name="bulk"),
    path(
        "leads/by-external/<str:system>/<path:external_id>",
        leads.ExternalLeadView.as_view(),
        name="lead-by-external",
    ),
    path(LEAD, leads.LeadView.as_view(), name="lead"),
    path(f"{LEAD}/timeline", leads.TimelineView.as_view(), name="timeline"),
    *(path(f"{LEAD}/{name}", verb_view(verb), name=name) for name, verb in VERBS.items()),
    path(f"{LEAD}/merge", merges.MergeView.as_view(), name="merge"),
    path("merges/<uuid:merge_id>/undo", merges.UndoMergeView.as_view(), name="merge-undo"),
    path("appointments", work.AppointmentListView.as_view(), name="all-appointments"),
    path(APPOINTMENT, work.AppointmentView.as_view(), name="appointment"),
    path(f"{APPOINTMENT}/move", work.MoveAppointmentView.as_view(), name="appointment-move"),
    path(
        f"{APPOINTMENT}/attend",
        work.outcome_view("attend", "The meeting took place", appointments.attend),
        name="appointment-attend",
    ),
    path(
        f"{APPOINTMENT}/no-show",
        work.outcome_view("no_show", "The person didn't come", appointments.no_show),
        name="appointment-no-show",
    ),
    path(
        f"{APPOINTMENT}/cancel",
        work.outcome_view("cancel", "Cancel an appointment", appointments.cancel),
        name="appointment-cancel",
    ),
    path("tasks/<uuid:task_id>", work.TaskView.as_view(), name="task"),
    path("tasks/<uuid:task_id>/done", work.TaskDoneView.as_view(), name="task-done"),
    path("notes/<uuid:message_id>", work.NoteView.as_view(), name="note"),
    path(
        f"{SUGGESTION}/accept",
        work.suggestion_view("accept", "Accept a suggested value", accept=True),
        name="suggestion-accept",
    ),
    path(
        f"{SUGGESTION}/dismiss",
        work.suggestion_view("dismiss", "Dismiss a suggested value", accept=False),
        name="suggestion-dismiss",
    ),
    path("activities", log.ActivityListView.as_view(), name="activities"),
    path("contacts", people.ContactListView.as_view(), name="contacts"),
    path("contacts/<uuid:contact_id>", people.ContactView.as_view(), name="contact"),
    path(
        "contacts/<uuid:contact_id>/keys",
        contact_keys.ContactKeyListView.as_view(),
        name="contact-keys",
    ),
    path(
        "contacts/<uuid:contact_id>/keys/<uuid:key_id>",
        contact_keys.ContactKeyView.as_view(),
        name="contact-key",
    ),
    path("companies", people.CompanyListView.as_view(), name="companies"),
    path("companies/<uuid:company_id>", people.CompanyView.as_view(), name="company"),
    path("sources", settings.SourceListView.as_view(), name="sources"),
    path("sources/<uuid:source_id>", settings.SourceView.as_view(), name="source"),
    path("pipelines", settings.PipelineListView.as_view(), name="pipelines"),
    path("pipelines/<uuid:pipeline_id>", settings.PipelineView.as_view(), name="pipeline"),
    path("call-outcomes", settings.CallOutcomeListView.as_view(), name="call-outcomes"),
    path("close-reasons", settings.CloseReasonListView.as_view(), name="close-reasons"),
    path("custom-fields", settings.CustomFieldListView.as_view(), name="custom-fields"),
    path("notifications", notifications.NotificationListView.as_view(), name="notifications"),
    path("notifications/read", notifications.ReadView.as_view(), name="notifications-read"),
    path("views", saved_views.ViewListView.as_view(), name="views"),
    path("views/<uuid:view_id>", saved_views.SavedViewView.as_view(), name="view"),
    path("duplicates", duplicates.PairListView.as_view(), name="duplicates"),
    path(PAIR, duplicates.PairView.as_view(), name="duplicate"),
    path(f"{PAIR}/merge", duplicates.MergePairView.as_view(), name="duplicate-merge"),
    path(
        f"{PAIR}/not-same",
        duplicates.decision_view(
            "not_same", "Decide that two are not the same", verbs_of_pairs.dismiss
        ),
        name="duplicate-not-same",
    ),
    path(
        f"{PAIR}/reconsider",
        duplicates.decision_view(
            "reconsider", "Put two that are not the same back to decide", verbs_of_pairs.reconsider
        ),
        name="duplicate-reconsider",
    ),
    path(f"{PAIR}/suggest", duplicates.SuggestView.as_view(), name="duplicate-suggest"),
    path("bulk-runs", bulk_runs.BulkRunListView.as_view(), name="bulk-runs"),
    path(RUN, bulk_runs.BulkRunView.as_view(), name="bulk-run"),
    path(f"{RUN}/results", bulk_runs.BulkResultsView.as_view(), name="bulk-results"),
    path(
        f"{RUN}/cancel",
        bulk_runs.run_view("cancel", "Stop a run; what is done stays", bulk.cancel),
        name="bulk-cancel",
    ),
    path(
        f"{RUN}/undo",
        bulk_runs.run_view("undo", "Take a run back, within a day", bulk.undo),
        name="bulk-undo",
    ),
    path("imports", imports.ImportListView.as_view(), name="imports"),
    path("imports/targets", imports.TargetsView.as_view(), name="import-targets"),
    path(IMPORT, imports.ImportView.as_view(), name="import"),
    path(f"{IMPORT}/columns", imports.ColumnsView.as_view(), name="import-columns"),
    path(f"{IMPORT}/reading", imports.ReadingView.as_view(), name="import-reading"),
    path(f"{IMPORT}/findings", imports.FindingsView.as_view(), name="import-findings"),
    path(f"{IMPORT}/errors", imports.ErrorsView.as_view(), name="import-errors"),
    path(
        f"{IMPORT}/apply",
        imports.step_view("apply", "Start writing what the check found", running.apply),
        name="import-apply",
    ),
    path(
        f"{IMPORT}/cancel",
        imports.step_view("cancel", "Stop an import; what is applied stays", running.cancel),
        name="import-cancel",
    ),
    path(
        f"{IMPORT}/undo",
        imports.step_view("undo", "Take an import back, within 30 days", running.undo),
        name="import-undo",
    ),
    path("campaigns", settings.CampaignListView.as_view(), name="campaigns"),
]
