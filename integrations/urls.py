from django.urls import include, path

from integrations.views import sources, web_form
from integrations.web_form import webhook

source_pages = [
    path("", sources.source_list, name="sources"),
    path("add/", sources.add_source, name="source-add"),
    path("<uuid:source_id>/", web_form.source_page, name="source"),
    path("<uuid:source_id>/details/", sources.source_details, name="source-details"),
    path("<uuid:source_id>/off/", sources.switch_source, {"is_active": False}, name="source-off"),
    path("<uuid:source_id>/on/", sources.switch_source, {"is_active": True}, name="source-on"),
    path("<uuid:source_id>/sites/", web_form.save_sites, name="source-sites"),
    path("<uuid:source_id>/form/", web_form.save_form, name="source-form"),
    path("<uuid:source_id>/submissions/", web_form.submissions, name="source-submissions"),
]

urlpatterns = [
    path("w/<slug:workspace>/settings/sources/", include(source_pages)),
    path("f/<slug:key>/", webhook.web_form, name="web-form"),
    # Without the last slash too: a redirect would lose what was posted.
    path("f/<slug:key>", webhook.web_form, name="web-form-unslashed"),
    path("f/<slug:key>/config", webhook.web_form_config, name="web-form-config"),
    path("f/<slug:key>/embed.js", webhook.web_form_script, name="web-form-script"),
    path("f/<slug:key>/thanks/", webhook.web_form_thanks, name="web-form-thanks"),
]
