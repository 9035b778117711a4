"""The public address of a form, as websites and their visitors call it."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client

from integrations import inbox
from integrations.models import InboundEvent
from integrations.web_form import embed, intake, stamp
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads.models import Lead
from tests.factories import NOW, make_lead
from tests.integrations.web_form.conftest import change, form_of

ANN = {"name": "Ann", "email": "ann@customer.example", "message": "Call me"}
SITE = "https://www.acme.example"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_ten():
    with time_machine.travel(NOW, tick=False):
        yield


def url_of(source: Any, rest: str = "") -> str:
    return f"/f/{source.public_key}/{rest}"


def send(source: Any, body: Any = ANN, **kwargs: Any) -> Any:
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    kwargs.setdefault("content_type", "application/json")
    return Client(enforce_csrf_checks=True).post(url_of(source), data, **kwargs)


def stored() -> list[InboundEvent]:
    with all_workspaces():
        return list(InboundEvent.objects.order_by("received_at", "id"))


def test_a_submission_is_stored_verbatim_and_answered_after_one_lookup_and_one_insert(
    form, django_assert_num_queries
):
    body = b'{ "name": "Ann",\n"email":"ann@customer.example", "budget": 1.10 }'
    with django_assert_num_queries(2) as seen:
        response = send(
            form,
            body,
            headers={"Origin": SITE, "Referer": f"{SITE}/contact", "User-Agent": "Firefox"},
            query_params={"utm_source": "partner"},
        )
    assert response.status_code == 202
    assert response.json()["status"] == "received"
    assert [query["sql"].split()[0] for query in seen.captured_queries] == ["SELECT", "INSERT"]
    assert "ON CONFLICT DO NOTHING" in seen.captured_queries[1]["sql"]
    (event,) = stored()
    assert bytes(event.body) == body
    assert event.dedupe_key.startswith(response.json()["id"])
    assert (event.state, event.provider, event.workspace_id) == (
        "waiting",
        "web_form",
        form.workspace_id,
    )
    assert event.headers["origin"] == SITE
    assert event.headers["referer"] == f"{SITE}/contact"
    assert event.headers["user_agent"] == "Firefox"
    assert event.headers["ip"] == "127.0.0.1"
    assert event.headers["query"] == "utm_source=partner"


def test_the_answer_touches_no_cookie_and_no_session(form, sign_in, ana, django_assert_num_queries):
    browser = sign_in(ana)
    for method, url in (
        ("post", url_of(form)),
        ("get", url_of(form)),
        ("get", url_of(form, "config")),
    ):
        with django_assert_num_queries(2 if method == "post" else 1):
            response = getattr(browser, method)(url, {"email": "a@b.example"})
        assert not response.cookies
        assert "Cookie" not in response.headers.get("Vary", "")


@pytest.mark.parametrize("kind", ["json", "plain", "urlencoded", "multipart"])
def test_a_submission_comes_as_json_or_as_a_form(form, kind):
    client = Client()
    if kind == "multipart":
        response = client.post(url_of(form), ANN)
    elif kind == "urlencoded":
        response = client.post(
            url_of(form),
            "name=Ann&email=ann%40customer.example&message=Call+me",
            content_type="application/x-www-form-urlencoded",
        )
    else:
        content_type = {"json": "application/json", "plain": "text/plain;charset=UTF-8"}[kind]
        response = client.post(url_of(form), json.dumps(ANN), content_type=content_type)
    assert response.status_code == 202
    inbox.drain(NOW)
    with workspace_scope(form.workspace_id):
        lead = Lead.objects.get()
    assert (lead.display_name, lead.email, lead.message) == (
        "Ann",
        "ann@customer.example",
        "Call me",
    )
    assert lead.source_id == form.pk


def test_the_address_works_without_its_last_slash_and_in_capitals(form):
    response = Client().post(f"/f/{form.public_key.upper()}", ANN, content_type="application/json")
    assert response.status_code == 202


# --- idempotency -----------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["header", "body", "query"])
def test_a_resend_gets_the_same_answer_and_stores_nothing(form, where):
    submission = str(uuid.uuid4())
    body = {**ANN, "submission_id": submission} if where == "body" else ANN
    extra: dict[str, Any] = {}
    if where == "header":
        extra["headers"] = {"Idempotency-Key": submission}
    if where == "query":
        extra["query_params"] = {"submission_id": submission}
    answers = [send(form, body, **extra) for _ in range(3)]
    assert {response.status_code for response in answers} == {202}
    assert {response.json()["id"] for response in answers} == {submission}
    assert len(stored()) == 1


def test_a_resend_from_a_browser_is_the_same_whatever_its_multipart_boundary(form):
    fields = {**ANN, "submission_id": str(uuid.uuid4())}
    for boundary in ("one", "two"):
        body = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        send(
            form,
            f"{body}--{boundary}--\r\n",
            content_type=f"multipart/form-data; boundary={boundary}",
        )
    assert len(stored()) == 1


def test_a_corrected_resend_under_the_same_id_is_not_dropped(form):
    submission = str(uuid.uuid4())
    send(form, {**ANN, "submission_id": submission})
    send(form, {**ANN, "phone": "+14155552671", "submission_id": submission})
    assert len(stored()) == 2
    inbox.drain(NOW)
    with workspace_scope(form.workspace_id):
        assert Lead.objects.get().phone == "+14155552671"


def test_the_same_id_at_two_forms_is_two_submissions(form, rival):
    submission = str(uuid.uuid4())
    send(form, {**ANN, "submission_id": submission})
    send(form_of(rival), {**ANN, "submission_id": submission})
    assert len(stored()) == 2


def test_an_id_that_is_no_uuid_is_a_key_all_the_same(form):
    answers = {send(form, {**ANN, "submission_id": "entry 4711"}).json()["id"] for _ in range(2)}
    assert len(answers) == 1
    assert uuid.UUID(answers.pop())
    assert len(stored()) == 1


def test_without_an_id_a_double_click_counts_once_and_a_later_copy_is_stored_and_flagged(form):
    with time_machine.travel(NOW, tick=False) as clock:
        first, second = send(form), send(form)
        clock.shift(timedelta(minutes=10))
        third = send(form)
    assert first.json() == second.json() != third.json()
    inbox.drain(NOW + timedelta(minutes=11))
    earlier, later = stored()
    assert (earlier.result, later.result) == ("new_lead", "added")
    assert "perhaps sent twice" not in earlier.note
    assert "perhaps sent twice" in later.note


# --- who may use it --------------------------------------------------------------------------


@pytest.mark.parametrize("rest", ["", "config", "embed.js", "thanks/"])
@pytest.mark.parametrize("method", ["get", "post", "options"])
def test_an_unknown_and_an_inactive_form_answer_alike(form, rest, method):
    unknown = getattr(Client(), method)(f"/f/{'a' * 24}/{rest}")
    change(form, is_active=False)
    inactive = getattr(Client(), method)(url_of(form, rest))
    assert unknown.status_code == inactive.status_code == 404
    assert unknown.content == inactive.content
    assert not stored()


def test_a_source_of_another_kind_is_no_form(form):
    change(form, kind="google_lead_form")
    assert send(form).status_code == 404


def test_any_site_may_use_a_form_without_allowed_origins(form):
    response = send(form, headers={"Origin": "https://anything.example"})
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response


def test_an_allowed_site_is_named_in_the_answer(form):
    change(form, allowed_origins=[SITE, "https://other.example:8443"])
    response = send(form, headers={"Origin": "https://other.example:8443"})
    assert response.status_code == 202
    assert response["Access-Control-Allow-Origin"] == "https://other.example:8443"
    assert "Origin" in response["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://www.acme.example",
        "https://www.acme.example:444",
        "https://www.acme.example.evil.example",
        "https://sub.www.acme.example",
        "null",
        "https://[",
    ],
)
def test_any_other_origin_is_refused_and_nothing_is_stored(form, origin):
    change(form, allowed_origins=[SITE])
    for method, rest in (("post", ""), ("options", ""), ("get", "config")):
        response = getattr(Client(), method)(
            url_of(form, rest), content_type="application/json", headers={"Origin": origin}
        )
        assert response.status_code == 403
        assert origin in response.json()["error"]["message"]
        assert "Access-Control-Allow-Origin" not in response
    assert not stored()


def test_a_server_and_our_own_page_need_no_allowed_origin(form):
    change(form, allowed_origins=[SITE])
    assert send(form).status_code == 202
    assert send(form, headers={"Origin": "http://testserver"}).status_code == 202


def test_a_preflight_allows_json_and_an_idempotency_key(form, django_assert_num_queries):
    change(form, allowed_origins=[SITE])
    with django_assert_num_queries(1):
        response = Client().options(
            url_of(form),
            headers={"Origin": SITE, "Access-Control-Request-Method": "POST"},
        )
    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == SITE
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert response["Access-Control-Allow-Headers"] == "Content-Type, Idempotency-Key"


def test_a_key_only_ever_writes_into_its_own_workspace(form, rival):
    theirs = form_of(rival)
    send(
        form,
        {
            **ANN,
            "workspace": str(rival.pk),
            "workspace_id": str(rival.pk),
            "source": str(theirs.pk),
        },
    )
    inbox.drain(NOW)
    (event,) = stored()
    assert event.workspace_id == form.workspace_id
    with workspace_scope(rival):
        assert not Lead.objects.exists()
        assert not InboundEvent.objects.exists()
    with workspace_scope(form.workspace_id):
        assert Lead.objects.get().workspace_id == form.workspace_id


def test_the_answer_tells_nobody_who_is_known_or_taken_for_spam(form):
    with workspace_scope(form.workspace_id):
        make_lead(email="known@customer.example")
    answers = [
        send(form, {**ANN, "email": "known@customer.example"}),
        send(form, {**ANN, "email": "new@customer.example"}),
        send(form, {**ANN, "website_confirm": "x"}),
        send(form, {**ANN, "render_token": stamp.sign(form.public_key, NOW)}),
        send(form, {"nothing": "known"}),
    ]
    assert {response.status_code for response in answers} == {202}
    assert {tuple(response.json()) for response in answers} == {("status", "id")}
    assert (
        len({tuple(sorted(r.headers.items())) for r in answers if r.headers["Content-Length"]}) == 1
    )


# --- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"", "application/json", 400, "empty"),
        (b"{", "application/json", 400, "invalid_json"),
        (b"[1, 2]", "application/json", 400, "invalid_json"),
        (b'"text"', "application/json", 400, "invalid_json"),
        (b'{"a": NaN}', "application/json", 400, "invalid_json"),
        (b"hello", "text/plain", 400, "invalid_json"),
        (b'{"a":' * 100_000, "application/json", 400, ("too_deep", "too_large")),
        (b"[" * 100_000, "application/json", 400, "too_deep"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "application/json", 400, "too_deep"),
        (b'{"name": "a\\u0000b"}', "application/json", 400, "invalid_text"),
        (b'{"name": "\\ud83d"}', "application/json", 400, "invalid_text"),
        (b'{"\\udc00": "x"}', "application/json", 400, "invalid_text"),
        (b'{"name": "\xff\xfe"}', "application/json", 400, "invalid_utf8"),
        (b"name=%FF", "application/x-www-form-urlencoded", 400, "invalid_utf8"),
        (b"name=%00", "application/x-www-form-urlencoded", 400, "invalid_text"),
        (b"a=1&" * 1500, "application/x-www-form-urlencoded", 400, "too_many_fields"),
        (b"junk", "multipart/form-data; boundary=x", 400, "invalid_multipart"),
        (b"junk", "multipart/form-data", 400, "invalid_multipart"),
        (b"<a/>", "application/xml", 415, "content_type"),
        (b"name=A", "", 415, "content_type"),
        (b"{}", "application/json; charset=utf-16", 415, "charset"),
        (b"{}", "application/json; x=" + "y" * 300, 415, "content_type"),
        (b'{"a": "' + b"x" * 262_144 + b'"}', "application/json", 413, "too_large"),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_what_cannot_be_read_is_refused_by_name_and_not_stored(
    form, body, content_type, status, code
):
    response = send(form, body, content_type=content_type)
    assert response.status_code in ((status, 413) if isinstance(code, tuple) else (status,))
    error = response.json()["error"]
    assert error["code"] in code if isinstance(code, tuple) else error["code"] == code
    assert len(error["message"]) > 10
    assert not stored()


def test_a_file_is_refused_by_name(form):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="cv"; filename="cv.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nhello\r\n--x--\r\n"
    )
    response = send(form, body, content_type="multipart/form-data; boundary=x")
    assert response.status_code == 415
    assert list(response.json()["error"]["fields"]) == ["cv"]


def test_an_empty_file_field_of_a_browser_is_no_file(form):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@b.example\r\n'
        b'--x\r\nContent-Disposition: form-data; name="cv"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
    )
    assert send(form, body, content_type="multipart/form-data; boundary=x").status_code == 202


def test_a_huge_body_is_refused_unread(form):
    response = Client().generic(
        "POST", url_of(form), b"{}", content_type="application/json", CONTENT_LENGTH="20000000"
    )
    assert response.status_code == 413
    assert "256 KB" in response.json()["error"]["message"]


def test_a_compressed_or_endless_body_is_refused(form):
    assert send(form, headers={"Content-Encoding": "gzip"}).status_code == 415
    endless = Client().generic(
        "POST", url_of(form), b"", content_type="application/json", HTTP_TRANSFER_ENCODING="chunked"
    )
    assert endless.status_code == 411


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
@pytest.mark.parametrize("rest", ["", "config", "embed.js", "thanks/"])
def test_other_methods_are_not_allowed(form, method, rest):
    assert getattr(Client(), method)(url_of(form, rest)).status_code == 405


def test_no_answer_but_try_again_while_the_database_is_away(form, monkeypatch):
    def gone(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr(intake, "insert_once", gone)
    response = send(form)
    assert (response.status_code, response["Retry-After"]) == (503, "2")


# --- what the embed asks for -----------------------------------------------------------------


def test_the_config_names_the_fields_and_carries_a_fresh_stamp(form):
    response = Client().get(url_of(form, "config"), headers={"Origin": SITE})
    config = response.json()
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cache-Control"] == "no-store"
    assert config["title"] == "Get in touch"
    assert [one["name"] for one in config["fields"]] == ["name", "email", "phone", "message"]
    assert [one["autocomplete"] for one in config["fields"]] == ["name", "email", "tel", ""]
    assert stamp.read(config["render_token"], form.public_key).shown_at == NOW


def test_a_malformed_form_definition_still_shows_a_form(form):
    change(
        form,
        form_fields=[None, {"label": "nameless"}, {"name": "x", "type": "hidden", "options": 3}],
    )
    (field,) = Client().get(url_of(form, "config")).json()["fields"]
    assert (field["name"], field["label"], field["type"], field["options"]) == (
        "x",
        "X",
        "text",
        [],
    )
    change(form, form_fields={"not": "a list"})
    assert len(Client().get(url_of(form, "config")).json()["fields"]) == 4


def test_the_script_is_public_and_cacheable(form):
    change(form, allowed_origins=[SITE])
    response = Client().get(url_of(form, "embed.js"), headers={"Origin": "https://evil.example"})
    assert response.status_code == 200
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "max-age=300" in response["Cache-Control"]


def test_the_snippet_is_one_line_with_the_address_of_the_script(form):
    line = embed.snippet(form, "https://crm.example.com/")
    assert line == (
        f'<script src="https://crm.example.com/f/{form.public_key}/embed.js" async></script>'
    )


# --- the hosted page -------------------------------------------------------------------------


def test_the_hosted_page_works_without_javascript_and_leads_to_thanks(form):
    client = Client()
    page = client.get(
        url_of(form), {"utm_source": "flyer"}, headers={"Referer": "https://x.example/"}
    )
    html = page.content.decode()
    assert page.status_code == 200
    for label in ("Name", "E-mail", "Phone", "How can we help?"):
        assert label in html
    response = client.post(
        url_of(form),
        {
            "fields.name": "Ann",
            "fields.email": "ann@customer.example",
            "website_confirm": "",
            "page_url": f"http://testserver{url_of(form)}?utm_source=flyer",
            "referrer": "https://x.example/",
        },
        headers={"Accept": "text/html,*/*", "Origin": "http://testserver"},
    )
    assert (response.status_code, response["Location"]) == (303, url_of(form, "thanks/"))
    assert b"Thank you" in client.get(response["Location"]).content
    inbox.drain(NOW)
    with workspace_scope(form.workspace_id):
        lead = Lead.objects.get()
    assert (lead.display_name, lead.utm_source, lead.referrer) == (
        "Ann",
        "flyer",
        "https://x.example/",
    )


def test_the_thanks_page_of_the_site_is_used_where_there_is_one(form):
    change(form, thanks_url="https://www.acme.example/thanks?x=1")
    response = Client().post(
        url_of(form), {"email": "a@b.example"}, headers={"Accept": "text/html"}
    )
    assert (response.status_code, response["Location"]) == (
        303,
        "https://www.acme.example/thanks?x=1",
    )
    policy = Client().get(url_of(form))["Content-Security-Policy"]
    assert "form-action 'self' https://www.acme.example" in policy


def test_an_unsafe_thanks_page_is_not_used(form):
    change(form, thanks_url="javascript:alert(1)")
    response = Client().post(
        url_of(form), {"email": "a@b.example"}, headers={"Accept": "text/html"}
    )
    assert response["Location"] == url_of(form, "thanks/")


def test_the_sites_that_embed_the_form_may_frame_it(form):
    anybody = Client().get(url_of(form))
    assert "frame-ancestors *" in anybody["Content-Security-Policy"]
    assert "X-Frame-Options" not in anybody
    change(form, allowed_origins=[SITE, "https://x.example; script-src *"])
    policy = Client().get(url_of(form))["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {SITE};" in f"{policy};"
    assert "script-src *" not in policy


def test_texts_of_the_form_are_escaped(form):
    change(form, form_title="<b>Hi</b>", form_fields=[{"name": '"><i>', "label": "<script>"}])
    html = Client().get(url_of(form)).content.decode()
    assert "<b>Hi</b>" not in html
    assert '"><i>' not in html
    assert "<script>" not in html


def test_a_browser_sees_a_refusal_as_a_page(form):
    response = Client().post(
        url_of(form), b"name=%FF", content_type="application/x-www-form-urlencoded",
        headers={"Accept": "text/html"},
    )  # fmt: skip
    assert response.status_code == 400
    assert "isn&#x27;t encoded in UTF-8" in response.content.decode()


def test_the_preview_makes_test_leads_for_a_day(form):
    address = embed.preview_url(form, "http://testserver", NOW)
    html = Client().get(address).content.decode()
    assert "kept as a test" in html
    token = html.split('name="render_token" value="')[1].split('"')[0]
    send(form, {**ANN, "render_token": token})
    inbox.drain(NOW)
    (event,) = stored()
    assert event.result == "test"
    with workspace_scope(form.workspace_id):
        assert Lead.objects.get().is_test
    with time_machine.travel(NOW + timedelta(hours=25), tick=False):
        assert "kept as a test" not in Client().get(address).content.decode()
    assert (
        "kept as a test" not in Client().get(url_of(form), {"preview": "forged"}).content.decode()
    )
