from django.urls import URLPattern, include, path

from leads.views import (
    add,
    bulk,
    company,
    day,
    detail,
    doing,
    duplicates,
    edit,
    export,
    matching_rules,
    merge,
    people,
    person,
    unmerge,
)
from leads.views import list as lists
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


pages = [
    path("day/", day.my_day, name="my-day"),
    path("leads/", lists.lead_list, name="lead-list"),
    path("leads/new/", lists.new_leads, name="lead-new"),
    path("leads/add/", add.add_lead, name="lead-add"),
    path("leads/<uuid:lead_id>/", detail.lead_detail, name="lead-detail"),
    path("leads/<uuid:lead_id>/edit/", edit.edit_lead, name="lead-edit"),
    path("leads/<uuid:lead_id>/row/", lists.lead_row, name="lead-row"),
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
    path("contacts/", people.contact_list, name="contacts"),
    path("contacts/<uuid:contact_id>/", person.contact_detail, name="contact"),
    path("contacts/<uuid:contact_id>/edit/", person.edit_contact, name="contact-edit"),
    path("contacts/<uuid:contact_id>/keys/", person.add_key, name="contact-key-add"),
    *key_paths(),
    path("companies/", people.company_list, name="companies"),
    path("companies/<uuid:company_id>/", company.company_detail, name="company"),
    path("companies/<uuid:company_id>/edit/", company.edit_company, name="company-edit"),
]

urlpatterns = [path("w/<slug:workspace>/", include(pages))]
