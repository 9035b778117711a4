from django.urls import URLPattern, include, path

from leads.views import (
    add,
    board,
    bulk,
    call_outcomes,
    cells,
    commands,
    company,
    day,
    detail,
    doing,
    duplicates,
    edit,
    export,
    filter_page,
    hand_over,
    imports,
    matching_rules,
    merge,
    own_fields,
    people,
    person,
    pipelines,
    reasons,
    saved,
    search,
    unmerge,
)
from leads.views import list as lists
from leads.views import notifications as told
from leads.views import routing as rules
from leads.views.verbs import VERBS


def verb_paths() -> list[URLPattern]:
    """A route for each verb: of the lead, or of an appointment, task, note or suggestion."""
    return [
        path(
            verb.path or f"leads/<uuid:lead_id>/{verb.key}/",
            doing.do_verb_about if verb.path else doing.do_verb,
            {"verb": verb.key},
            name=f"lead-{verb.key}" if not verb.path else verb.key,
        )
        for verb in VERBS.values()
    ]


def key_paths() -> list[URLPattern]:
    """A route for each change of an address or number of a person."""
    return [
        path(
            f"contacts/<uuid:contact_id>/keys/<uuid:key_id>/{change}/",
            person.change_key,
            {"change": change},
            name=f"contact-key-{change}",
        )
        for change in person.SAID
    ]


IMPORT = "import/<uuid:import_id>"


def view_paths() -> list[URLPattern]:
    """A route for each thing that is done with a saved view by one press."""
    return [
        path(f"views/<uuid:view_id>/{do}/", saved.do_with_view, {"do": do}, name=f"view-{do}")
        for do in saved.SAID
    ]


pages = [
    path("day/", day.my_day, name="my-day"),
    path("leads/", lists.lead_list, name="lead-list"),
    path("leads/new/", lists.new_leads, name="lead-new"),
    path("leads/add/", add.add_lead, name="lead-add"),
    path("leads/<uuid:lead_id>/", detail.lead_detail, name="lead-detail"),
    path("leads/<uuid:lead_id>/edit/", edit.edit_lead, name="lead-edit"),
    path("leads/<uuid:lead_id>/row/", lists.lead_row, name="lead-row"),
    path("leads/<uuid:lead_id>/cell/<slug:column>/", cells.edit_cell, name="lead-cell"),
    path("leads/filter/", filter_page.filter_leads, name="lead-filter"),
    path("board/", board.lead_board, name="board"),
    path("board/<uuid:stage_id>/more/", board.more_cards, name="board-more"),
    path("board/cards/<uuid:lead_id>/", board.lead_card, name="board-card"),
    path("views/new/", saved.new_view, name="view-new"),
    path("views/<uuid:view_id>/edit/", saved.edit_view, name="view-edit"),
    path("views/<uuid:view_id>/save/", saved.save_view, name="view-save"),
    *view_paths(),
    path("leads/columns/", lists.choose_columns, name="lead-columns"),
    path("leads/export/", export.export_leads, name="lead-export"),
    *verb_paths(),
    path("bulk/", bulk.bulk_runs, name="bulk-runs"),
    path("bulk/new/<slug:verb>/", bulk.bulk_new, name="bulk-new"),
    path("bulk/<uuid:run_id>/", bulk.bulk_run, name="bulk-run"),
    path("bulk/<uuid:run_id>/cancel/", bulk.bulk_cancel, name="bulk-cancel"),
    path("bulk/<uuid:run_id>/undo/", bulk.bulk_undo, name="bulk-undo"),
    path("undo/<uuid:step_id>/", doing.undo, name="undo"),
    path("leads/<uuid:lead_id>/merge/", merge.merge_leads, name="lead-merge"),
    path("leads/<uuid:lead_id>/ask/", duplicates.ask_for, name="lead-ask"),
    path("contacts/<uuid:contact_id>/merge/", merge.merge_people, name="contact-merge"),
    path("merges/<uuid:merge_id>/", unmerge.merge_detail, name="merge"),
    path("merges/<uuid:merge_id>/undo/", unmerge.undo_merge, name="merge-undo"),
    path("settings/duplicates/", matching_rules.matching_rules, name="matching-rules"),
    path("duplicates/", duplicates.duplicate_list, name="duplicates"),
    path("duplicates/<uuid:pair_id>/not-same/", duplicates.not_same, name="duplicate-not-same"),
    path(
        "duplicates/<uuid:pair_id>/reconsider/", duplicates.reconsider, name="duplicate-reconsider"
    ),
    path("duplicates/<uuid:pair_id>/suggest/", duplicates.suggest, name="duplicate-suggest"),
    path("messages/<uuid:message_id>/", detail.message_text, name="message"),
    path("search/", search.search_page, name="search"),
    path("commands/", commands.command_list, name="commands"),
    path("notifications/", told.notifications, name="notifications"),
    path("notifications/bell/", told.bell, name="bell"),
    path("notifications/read/", told.read_all, name="notifications-read"),
    path("notifications/<uuid:notification_id>/read/", told.read, name="notification-read"),
    path("settings/notifications/", told.choices, name="notification-settings"),
    path("settings/routing/", rules.routing, name="routing"),
    path("contacts/", people.contact_list, name="contacts"),
    path("contacts/<uuid:contact_id>/", person.contact_detail, name="contact"),
    path("contacts/<uuid:contact_id>/edit/", person.edit_contact, name="contact-edit"),
    path("contacts/<uuid:contact_id>/keys/", person.add_key, name="contact-key-add"),
    *key_paths(),
    path("import/", imports.imports, name="imports"),
    path(f"{IMPORT}/", imports.import_page, name="import"),
    path(f"{IMPORT}/columns/", imports.import_columns, name="import-columns"),
    path(f"{IMPORT}/reading/", imports.import_reading, name="import-reading"),
    path(f"{IMPORT}/again/", imports.import_again, name="import-again"),
    path(f"{IMPORT}/apply/", imports.import_apply, name="import-apply"),
    path(f"{IMPORT}/cancel/", imports.import_cancel, name="import-cancel"),
    path(f"{IMPORT}/undo/", imports.import_undo, name="import-undo"),
    path(f"{IMPORT}/errors/", imports.import_errors, name="import-errors"),
    path("companies/", people.company_list, name="companies"),
    path("companies/<uuid:company_id>/", company.company_detail, name="company"),
    path("companies/<uuid:company_id>/edit/", company.edit_company, name="company-edit"),
]

FIELD = "settings/fields/<uuid:field_id>/"
PIPELINE = "settings/pipelines/<uuid:pipeline_id>/"
STAGE = "settings/stages/<uuid:stage_id>/"
OUTCOME = "settings/call-outcomes/<uuid:outcome_id>/"
REASON = "settings/reasons/<uuid:reason_id>/"
settings_pages = [
    path("settings/reasons/", reasons.reasons, name="reasons"),
    path("settings/reasons/add/", reasons.add_reason, name="reason-add"),
    path(REASON, reasons.reason, name="reason"),
    path(f"{REASON}place/", reasons.change_place, name="reason-place"),
    path("settings/call-outcomes/", call_outcomes.call_outcomes, name="call-outcomes"),
    path("settings/call-outcomes/add/", call_outcomes.add_outcome, name="call-outcome-add"),
    path(OUTCOME, call_outcomes.call_outcome, name="call-outcome"),
    path(f"{OUTCOME}place/", call_outcomes.change_place, name="call-outcome-place"),
    path("settings/hand-over/", hand_over.hand_overs, name="hand-overs"),
    path("settings/hand-over/<uuid:member_id>/", hand_over.hand_over, name="hand-over"),
    path("settings/pipelines/", pipelines.pipelines, name="pipelines"),
    path("settings/pipelines/add/", pipelines.add_pipeline, name="pipeline-add"),
    path(PIPELINE, pipelines.pipeline, name="pipeline"),
    path(f"{PIPELINE}save/", pipelines.save_pipeline, name="pipeline-save"),
    path(f"{PIPELINE}stages/add/", pipelines.add_stage, name="stage-add"),
    path(STAGE, pipelines.stage, name="stage"),
    path(f"{STAGE}retire/", pipelines.retire_stage, name="stage-retire"),
    path("settings/fields/", own_fields.own_fields, name="own-fields"),
    path("settings/fields/add/", own_fields.add_own_field, name="own-field-add"),
    path(FIELD, own_fields.own_field, name="own-field"),
    path(f"{FIELD}move/", own_fields.move_own_field, name="own-field-move"),
    path(
        f"{FIELD}archive/",
        own_fields.archive_own_field,
        {"restore": False},
        name="own-field-archive",
    ),
    path(
        f"{FIELD}restore/",
        own_fields.archive_own_field,
        {"restore": True},
        name="own-field-restore",
    ),
]

urlpatterns = [path("w/<slug:workspace>/", include([*pages, *settings_pages]))]
