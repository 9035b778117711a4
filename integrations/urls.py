from django.urls import path

from integrations.web_form import webhook

urlpatterns = [
    path("f/<slug:key>/", webhook.web_form, name="web-form"),
    # Without the last slash too: a redirect would lose what was posted.
    path("f/<slug:key>", webhook.web_form, name="web-form-unslashed"),
    path("f/<slug:key>/config", webhook.web_form_config, name="web-form-config"),
    path("f/<slug:key>/embed.js", webhook.web_form_script, name="web-form-script"),
    path("f/<slug:key>/thanks/", webhook.web_form_thanks, name="web-form-thanks"),
]
