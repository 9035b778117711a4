"""The page of a website form: its snippet, sites, fields, preview and last submissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from integrations import inbox
from integrations.models import InboundEvent
from integrations.web_form import embed
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.scoping import workspace_scope
from leads.custom_field_settings import add_field, archive_field
from leads.models import CustomField, Lead, Message, Source, SourceKind
from tests.factories import NOW

pytestmark = pytest.mark.usefixtures("acme")

SITE = "https://www.acme.example"
FIELDS = (
    {"order": 1, "name": "name", "meaning": "display_name", "label": "Name", "type": "text"},
    {"order": 2, "name": "email", "meaning": "email", "label": "E-mail", "type": "email"},
)


@pytest.fixture
def web(sign_in: Callable[[Membership], Client], ana: Membership) -> Client:
    return sign_in(ana)


@pytest.fixture
def here(form: Source, ana: Membership) -> Callable[[str], str]:
    return lambda name="source": reverse(name, args=[ana.workspace.slug, form.pk])


def posted(*rows: dict[str, Any], **texts: str) -> dict[str, Any]:
    """What the editor posts for these rows."""
    values: dict[str, Any] = {"row-TOTAL_FORMS": len(rows), "row-INITIAL_FORMS": 0, **texts}
    for number, row in enumerate(rows):
        values |= {f"row-{number}-{name}": value for name, value in row.items()}
    return values


def submit(form: Source, **fields: Any) -> None:
    answer = Client().post(f"/f/{form.public_key}/", fields, headers={"Accept": "text/html"})
    assert answer.status_code == 303


def results(client: Client, url: str) -> list[tuple[str, str]]:
    response = client.get(url)
    return [(one.person, one.get_result_display()) for one in response.context["events"]]


# --- onto a site -----------------------------------------------------------------------------


def test_the_snippets_and_the_hosted_page_stand_ready_to_copy(web, here, form):
    html = web.get(here("source")).content.decode()
    assert escape(embed.snippet(form, "http://testserver")) in html
    assert escape('embed.js" data-form="#contact-form" async></script>') in html
    assert f'value="http://testserver/f/{form.public_key}/"' in html
    assert 'data-copy="#snippet"' in html


def test_the_preview_is_framed_by_our_own_page_alone(web, here, form):
    response = web.get(here("source"))
    assert "frame-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    other = web.get(reverse("sources", args=[here("source").split("/")[2]]))
    assert "frame-src" not in other["Content-Security-Policy"]


def test_what_is_sent_from_the_preview_is_a_test_and_stays_in_the_frame(web, here, form):
    form.thanks_url = "https://www.acme.example/thanks"
    form.save()
    preview = web.get(here("source")).context["preview"]
    html = Client().get(preview).content.decode()
    action = html.split('action="')[1].split('"')[0]
    token = html.split('name="render_token" value="')[1].split('"')[0]
    assert "preview=" not in html.split('name="page_url" value="')[1].split('"')[0]
    sent = Client().post(
        action,
        {"fields.email": "ann@customer.example", "render_token": token},
        headers={"Accept": "text/html"},
    )
    assert sent["Location"].startswith(f"/f/{form.public_key}/thanks/?preview=")
    assert "Show the form again" in Client().get(sent["Location"]).content.decode()
    inbox.drain(timezone.now())
    assert Lead.objects.get().is_test
    assert results(web, here("source")) == [("ann@customer.example", "Test")]


def test_a_forged_preview_is_an_ordinary_visit(form):
    sent = Client().post(
        f"/f/{form.public_key}/?preview=forged",
        {"email": "ann@customer.example"},
        headers={"Accept": "text/html"},
    )
    assert sent["Location"] == f"/f/{form.public_key}/thanks/"
    assert "test" not in Client().get(f"{sent['Location']}?preview=x").content.decode()


# --- allowed sites ---------------------------------------------------------------------------


def test_sites_are_saved_as_browsers_name_them_and_keep_others_out(web, here, form):
    web.post(here("source-sites"), {"sites": "WWW.acme.example/contact\n\nhttps://acme.example"})
    form.refresh_from_db()
    assert form.allowed_origins == [SITE, "https://acme.example"]
    config = f"/f/{form.public_key}/config"
    assert Client().get(config, headers={"Origin": SITE}).status_code == 200
    assert Client().get(config, headers={"Origin": "https://evil.example"}).status_code == 403
    assert f"{SITE}\nhttps://acme.example</textarea>" in web.get(here("source")).content.decode()
    web.post(here("source-sites"), {"sites": ""})
    form.refresh_from_db()
    assert form.allowed_origins == []


def test_a_line_that_is_no_site_is_named_and_what_was_typed_stays(web, here, form):
    response = web.post(here("source-sites"), {"sites": f"{SITE}\n*.acme.example"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "“*.acme.example”: name each site by itself" in html
    assert f"{SITE}\n*.acme.example</textarea>" in html
    form.refresh_from_db()
    assert form.allowed_origins == []


# --- the form --------------------------------------------------------------------------------


def test_fields_are_shown_in_the_order_of_their_numbers_and_find_their_place(web, here, form):
    roof = {
        "order": 1, "name": "", "meaning": "", "label": "Company car port?", "type": "radio",
        "options": "Yes\nNo\nYes\n", "required": "on",
    }  # fmt: skip
    name, email = ({**one, "order": one["order"] + 4} for one in FIELDS)
    texts = {
        "form_title": "Free check",
        "thanks_message": "Thanks!",
        "thanks_url": "acme.example/thanks",
    }
    assert web.post(here("source-form"), posted(name, email, roof, **texts)).status_code == 302
    form.refresh_from_db()
    assert [one["name"] for one in form.form_fields] == ["q-company-car-port", "name", "email"]
    assert form.form_fields[0]["options"] == ["Yes", "No"]
    assert (form.form_title, form.thanks_url) == ("Free check", "https://acme.example/thanks")
    shown = Client().get(f"/f/{form.public_key}/config").json()
    assert [one["label"] for one in shown["fields"]] == ["Company car port?", "Name", "E-mail"]
    submit(form, **{"fields.name": "Ann", "fields.q-company-car-port": "Yes"})
    inbox.drain(timezone.now())
    lead = Lead.objects.get()
    assert (lead.display_name, lead.company_name) == ("Ann", "")
    assert lead.answers == [["Company car port?", "Yes"]]


def test_a_renamed_field_keeps_its_name_and_one_that_asks_for_something_else_does_not(
    web, here, form
):
    name, email = FIELDS
    own = {"order": 3, "name": "", "meaning": "", "label": "Roof", "type": "text"}
    web.post(here("source-form"), posted(name, email, own))
    kept = {**own, "name": "q-roof", "label": "Your roof"}
    forged = {**own, "order": 4, "name": "website_confirm", "label": "Trap"}
    changed = {**email, "meaning": "phone", "label": "Phone", "type": "tel"}
    web.post(here("source-form"), posted(name, changed, kept, forged))
    form.refresh_from_db()
    assert [one["name"] for one in form.form_fields] == ["name", "phone", "q-roof", "q-trap"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"label": ""}, "label"),
        ({"type": "hidden"}, "type"),
        ({"meaning": "owner"}, "meaning"),
        ({"order": ""}, "order"),
        ({"type": "select", "options": " \n"}, "options"),
        ({"type": "select", "options": "\n".join(str(one) for one in range(51))}, "options"),
        ({"type": "select", "options": "x" * 201}, "options"),
    ],
)
def test_a_field_that_does_not_fit_is_told_where_it_is(web, here, form, change, field):
    before = form.form_fields
    response = web.post(here("source-form"), posted(FIELDS[0], {**FIELDS[1], **change}))
    assert response.status_code == 422
    assert [list(errors) for errors in response.context["fields"].errors] == [[], [field]]
    form.refresh_from_db()
    assert form.form_fields == before


def test_a_form_asks_for_somebody_and_for_nothing_twice(web, here, form):
    name, email = FIELDS
    message = {**email, "name": "", "meaning": "message", "type": "textarea"}
    response = web.post(here("source-form"), posted(message))
    assert "Ask for a name, an e-mail address or a phone number" in response.content.decode()
    response = web.post(here("source-form"), posted(name, email, {**email, "order": 3}))
    assert "Two fields ask for “E-mail”" in response.content.decode()
    assert web.post(here("source-form"), posted()).status_code == 422
    assert web.post(here("source-form"), posted(*[name] * 21)).status_code == 422
    assert web.post(here("source-form"), {}).status_code == 422


def test_the_thanks_page_is_a_web_page(web, here):
    for url in ("ftp://acme.example/x", "javascript:alert(1)", "not a page"):
        response = web.post(here("source-form"), posted(*FIELDS, thanks_url=url))
        assert list(response.context["texts"].errors) == ["thanks_url"]


def test_rows_come_and_go_without_being_saved(web, here, form):
    before = form.form_fields
    name, email = FIELDS
    typed = posted({**name, "label": "Who?"}, email, form_title="Typed")
    more = web.post(here("source-form"), {**typed, "do": "add"})
    html = more.content.decode()
    assert len(more.context["fields"].forms) == 3
    assert 'value="Who?"' in html
    assert 'value="Typed"' in html
    less = web.post(here("source-form"), {**typed, "do": "remove-0"})
    (row,) = less.context["fields"].forms
    assert row.initial["label"] == "E-mail"
    for wish in ("add", "remove-0"):
        strange = {"row-TOTAL_FORMS": "9" * 30, "do": wish}
        assert web.post(here("source-form"), strange).status_code == 200
    form.refresh_from_db()
    assert form.form_fields == before


def test_htmx_gets_the_editor_and_after_a_save_a_fresh_preview(web, here):
    htmx = {"HX-Request": "true"}
    added = web.post(here("source-form"), {**posted(*FIELDS), "do": "add"}, headers=htmx)
    assert b"<html" not in added.content
    assert b"<iframe" not in added.content
    saved = web.post(here("source-form"), posted(*FIELDS), headers=htmx)
    assert b'id="preview" hx-swap-oob="true"' in saved.content
    assert "The form is saved." in saved["HX-Trigger"]


# --- fields of the workspace -----------------------------------------------------------------

ANSWERS = {
    "Roof area": ("number", "120.5", 120.5),
    "Wanted by": ("date", "2026-05-01", "2026-05-01"),
    "Roof type": ("choice", "Flat", "Flat"),
    "Wants": ("choices", ["Panels", "Battery, large"], ["Panels", "Battery, large"]),
    "Owns it": ("boolean", "No", False),
    "Website": ("url", "acme.example", "https://acme.example"),
    "Colour": ("text", "red", "red"),
}
OPTIONS = {"Roof type": ["Flat", "Gable"], "Wants": ["Panels", "Battery, large", "Pump"]}


def own_fields(by: Membership) -> dict[str, CustomField]:
    return {
        label: add_field(by=by, now=NOW, kind=kind, label=label, options=OPTIONS.get(label, []))
        for label, (kind, *_) in ANSWERS.items()
    }


def asking_for(*fields: CustomField, **more: Any) -> list[dict[str, Any]]:
    """Rows of the editor for these fields; the type is what a select has that nobody touched."""
    return [
        {"order": number, "name": "", "meaning": one.name, "label": "", "type": "text", **more}
        for number, one in enumerate(fields, start=5)
    ]


def test_a_form_asks_for_the_workspaces_fields_and_their_answers_land_typed(web, here, form, ana):
    fields = own_fields(ana)
    rows = asking_for(*fields.values())
    rows[0] |= {"label": "How large is your roof?", "required": "on"}
    assert web.post(here("source-form"), posted(*FIELDS, *rows)).status_code == 302
    shown = {
        one["name"]: one for one in Client().get(f"/f/{form.public_key}/config").json()["fields"]
    }
    controls = {label: shown[one.name] for label, one in fields.items()}
    assert {label: one["type"] for label, one in controls.items()} == {
        "Roof area": "number", "Wanted by": "date", "Roof type": "select", "Wants": "checkbox",
        "Owns it": "radio", "Website": "text", "Colour": "text",
    }  # fmt: skip
    assert (
        controls["Roof area"] | {"label": "How large is your roof?", "step": "any"}
        == (controls["Roof area"])
    )
    assert [controls["Roof area"]["required"], controls["Colour"]["required"]] == [True, False]
    assert controls["Wants"]["options"] == OPTIONS["Wants"]
    assert controls["Website"]["inputmode"] == "url"
    hosted = Client().get(f"/f/{form.public_key}/").content.decode()
    assert f'name="fields.{fields["Roof area"].name}" type="number" step="any" required' in hosted
    given = {f"fields.{one.name}": ANSWERS[label][1] for label, one in fields.items()}
    submit(form, **{"fields.name": "Ann"}, **given)
    inbox.drain(timezone.now())
    lead = Lead.objects.get()
    assert lead.answers == []
    assert lead.attributes == {str(one.pk): ANSWERS[label][2] for label, one in fields.items()}


def test_what_a_field_cannot_hold_is_an_answer_to_what_the_form_asked(web, here, form, ana):
    fields = own_fields(ana)
    area, wants, wanted = (fields[one] for one in ("Roof area", "Wants", "Wanted by"))
    rows = asking_for(area, wants, wanted)
    rows[0]["label"] = "How large is your roof?"
    web.post(here("source-form"), posted(*FIELDS, *rows))
    archive_field(wanted.pk, by=ana, now=NOW)
    given = {area.name: "about 100", wants.name: ["Panels", "Pool"], wanted.name: "2026-05-01"}
    for name in ("Ann", "Ann again"):
        submit(form, email="ann@customer.example", name=name, **given)
        inbox.drain(timezone.now())
    lead = Lead.objects.get()
    assert lead.attributes == {}
    unfit = [
        ["How large is your roof?", "about 100"],
        ["Wants", "Panels, Pool"],
        ["Wanted by", "2026-05-01"],
    ]
    assert lead.answers == unfit
    assert Message.objects.get(lead=lead).meta["answers"] == unfit


def test_an_archived_field_falls_out_of_the_form_and_the_editor_says_so(web, here, form, ana):
    fields = own_fields(ana)
    roof, colour = fields["Roof type"], fields["Colour"]
    web.post(here("source-form"), posted(*FIELDS, *asking_for(roof)))
    assert "Archived: visitors" not in web.get(here("source")).content.decode()
    archive_field(roof.pk, by=ana, now=NOW)
    archive_field(colour.pk, by=ana, now=NOW)
    config = f"/f/{form.public_key}/config"
    assert [one["label"] for one in Client().get(config).json()["fields"]] == ["Name", "E-mail"]
    html = web.get(here("source")).content.decode()
    assert html.count("Archived: visitors aren't asked for it.") == 1
    assert "Roof type (archived)" in html
    assert "Colour (archived)" not in html
    kept = {**asking_for(roof)[0], "name": roof.name, "label": "Your roof"}
    assert web.post(here("source-form"), posted(*FIELDS, kept)).status_code == 302
    archive_field(roof.pk, by=ana, now=NOW, restore=True)
    assert [one["label"] for one in Client().get(config).json()["fields"]][2:] == ["Your roof"]


def test_a_field_is_asked_for_once_and_must_be_the_workspaces(web, here, form, ana, rival):
    colour = own_fields(ana)["Colour"]
    response = web.post(here("source-form"), posted(*FIELDS, *asking_for(colour, colour)))
    assert "Two fields ask for “Colour”" in response.content.decode()
    with workspace_scope(rival):
        theirs = add_field(by=Membership.objects.get(), now=NOW, kind="text", label="Theirs")
    response = web.post(here("source-form"), posted(*FIELDS, *asking_for(theirs)))
    assert response.context["fields"].errors[2].keys() == {"meaning"}


# --- the last submissions --------------------------------------------------------------------


def test_nothing_yet_says_how_to_try(web, here):
    assert "Send yourself a test" in web.get(here("source")).content.decode()


def test_each_submission_says_what_became_of_it(web, here, form):
    submit(form, name="Ann", email="ann@customer.example")
    assert results(web, here("source")) == [("", "Waiting")]
    inbox.drain(timezone.now())
    submit(form, name="Ann", email="ann@customer.example", message="Again")
    submit(form, message="Nobody")
    submit(form, name="Bot", email="b@c.example", website_confirm="x")
    inbox.drain(timezone.now())
    assert results(web, here("source")) == [
        ("Bot", "Spam"),
        ("", "Rejected"),
        ("Ann", "Added to lead"),
        ("Ann", "New lead"),
    ]
    html = web.get(here("source")).content.decode()
    lead = Lead.objects.get()
    assert f'/leads/{lead.pk}/"' in html
    assert "Neither an e-mail address nor a phone number nor a name was given." in html
    assert html.count("can&#x27;t see was filled in") == 1


@pytest.mark.parametrize("result", InboundEvent.Result)
def test_every_result_has_its_word(web, here, form, result):
    InboundEvent.objects.create(
        source=form, provider="web_form", dedupe_key="x", body=b"", result=result, attempts=3,
        note="Because.",
    )  # fmt: skip
    html = web.get(here("source-submissions")).content.decode()
    assert f">{result.label}</span>" in html
    assert "Because. Tried 3 times." in html


def test_a_poll_answers_only_when_there_is_news(web, here, form):
    seen = web.get(here("source")).context["seen"]
    htmx = {"HX-Request": "true"}
    poll = f"{here('source-submissions')}?seen={seen}"
    assert web.get(poll, headers=htmx).status_code == 204
    submit(form, email="ann@customer.example")
    news = web.get(poll, headers=htmx)
    assert (news.status_code, news.context["seen"] != seen) == (200, True)
    inbox.drain(timezone.now())
    assert web.get(poll.replace(seen, news.context["seen"]), headers=htmx).status_code == 200


def test_what_only_forms_have_is_not_found_at_another_source(web, here, form):
    Source.objects.filter(pk=form.pk).update(kind=SourceKind.EVENT)
    assert web.get(here("source")).status_code == 200
    assert web.get(here("source-submissions")).status_code == 404
    assert web.post(here("source-sites"), {"sites": ""}).status_code == 404
    assert web.post(here("source-form"), posted(*FIELDS)).status_code == 404


def test_the_page_takes_as_many_queries_for_many_submissions(web, here, form):
    web.get(here("source"))
    with CaptureQueriesContext(connection) as few:
        web.get(here("source"))
    for number in range(30):
        submit(form, name=f"N{number}", email=f"n{number}@customer.example")
    inbox.drain(timezone.now())
    with CaptureQueriesContext(connection) as many:
        response = web.get(here("source"))
    assert len(many) == len(few) <= 10
    assert len(response.context["events"]) == 25
    assert len(response.content) < 200_000
    with CaptureQueriesContext(connection) as poll:
        web.get(here("source-submissions"))
    assert len(poll) <= 6
