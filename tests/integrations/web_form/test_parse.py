"""What a submission means, from payloads as websites send them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.models import InboundEvent
from integrations.web_form import stamp
from integrations.web_form.parse import parse
from integrations.web_form.reading import Unreadable, read_fields
from leads.draft_values import DETAIL_FIELDS, IDENTITY_FIELDS
from leads.models import Source, SourceKind
from tests.factories import NOW

PAYLOADS = sorted((Path(__file__).parent / "payloads").glob("*.json"))
FORM = Source(
    name="Site",
    kind=SourceKind.WEBSITE_FORM,
    public_key="k3y",
    form_fields=[{"name": "roof", "label": "What roof?", "type": "text"}],
)


def submitted(body: Any, content_type: str = "application/json", **headers: Any) -> InboundEvent:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return InboundEvent(
        source=FORM, content_type=content_type, body=raw, headers=headers, received_at=NOW
    )


def draft_of(body: Any, **headers: Any) -> Any:
    (draft,) = parse(submitted(body, **headers)).drafts
    return draft


def shown(seconds_ago: float, *, key: str = "k3y", is_test: bool = False) -> str:
    return stamp.sign(key, NOW - timedelta(seconds=seconds_ago), is_test=is_test)


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
def test_a_payload_is_understood(path):
    case = json.loads(path.read_text())
    body = case["body"]
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    event = submitted(raw, case["content_type"], **case["headers"])
    (draft,) = parse(event).drafts
    values = {name: str(value) for name, value in draft.values.items()}
    assert values == case["values"]
    assert [list(pair) for pair in draft.answers] == case["answers"]
    assert draft.platform_ref == case["platform_ref"]


def test_first_and_last_touch_and_consent_are_kept():
    case = json.loads((Path(__file__).parent / "payloads/embed_render.json").read_text())
    draft = draft_of(case["body"])
    assert draft.first_touch["utm_campaign"] == "implants"
    assert draft.last_touch["utm_campaign"] == "march"
    assert draft.last_touch["consent"] == {
        "ad_user_data": "granted",
        "ad_personalization": "denied",
    }


def test_a_box_that_asks_for_consent_counts_as_consent_and_as_an_answer():
    draft = draft_of({"email": "a@b.example", "gdpr_consent": True})
    assert draft.last_touch["consent"] == {"gdpr_consent": "yes"}
    assert ("Gdpr consent", "yes") in draft.answers


def test_answers_carry_the_labels_of_the_source_in_the_order_given():
    draft = draft_of({"email": "a@b.example", "zinc": "no", "roof": "flat"})
    assert draft.answers == [("Zinc", "no"), ("What roof?", "flat")]


def test_nothing_in_a_form_sets_what_only_we_decide():
    forbidden = {
        "workspace": "rival", "workspace_id": "1", "owner": "x", "owner_id": "1", "team": "x",
        "score": "99", "score_total": "99", "status": "converted", "stage": "won", "is_test": True,
        "test": "true", "label": "vip", "enrollment": 9, "external_score": 5, "source_kind": "api",
        "source": "x", "campaign": "x", "created_at": "2001-01-01", "always_new": True,
    }  # fmt: skip
    draft = draft_of({"email": "a@b.example", **forbidden})
    assert set(draft.values) == {"email"}
    assert (draft.owner, draft.team, draft.campaign, draft.pipeline) == (None, None, None, None)
    assert draft.source is FORM
    assert not draft.is_test
    assert not draft.always_new
    assert draft.occurred_at == NOW
    assert len(draft.answers) == len(forbidden)


def test_the_first_of_two_spellings_wins_and_the_other_stays_an_answer():
    draft = draft_of({"email": "one@b.example", "work_email": "two@b.example"})
    assert draft.values["email"] == "one@b.example"
    assert draft.answers == [("Work email", "two@b.example")]


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("5000", "5000", None),
        ("$5,000", "5000", None),
        ("5,000.50 EUR", "5000.50", "EUR"),
        ("£1 250", "1250", "GBP"),
        (7500.25, "7500.25", None),
    ],
)
def test_a_plain_amount_is_a_budget(text, amount, currency):
    values = draft_of({"name": "A", "budget": text}).values
    assert str(values["budget"]) == amount
    assert values.get("budget_currency") == currency


@pytest.mark.parametrize("text", ["5k", "5,000-9,000", "-5", "9" * 40, "1e99", "100 XYZ", "a lot"])
def test_any_other_budget_stays_an_answer(text):
    draft = draft_of({"name": "A", "budget": text})
    assert "budget" not in draft.values
    assert draft.answers == [("Budget", text)]


@pytest.mark.parametrize(
    ("text", "code"), [("US", "US"), ("gb", "GB"), ("United Kingdom", "GB"), ("DEUTSCHLAND", "DE")]
)
def test_a_country_is_understood_by_code_or_name(text, code):
    assert draft_of({"name": "A", "country": text}).values["country"] == code


def test_an_unknown_country_stays_an_answer():
    draft = draft_of({"name": "A", "country": "Atlantis"})
    assert "country" not in draft.values
    assert draft.answers == [("Country", "Atlantis")]


def test_texts_longer_than_their_column_are_kept_whole_as_answers():
    draft = draft_of({"email": "a@b.example", "company": "x" * 400})
    assert draft.answers == [("Company", "x" * 400)]


def test_a_submission_that_names_nobody_is_rejected_with_the_reason():
    reading = parse(submitted({"message": "Hello?", "company": "Acme"}))
    assert reading.result == "rejected"
    assert "Neither an e-mail address nor a phone number nor a name" in reading.note
    assert not reading.drafts


def test_a_body_that_cannot_be_read_is_rejected_with_the_reason():
    reading = parse(submitted(b'{"email": ', content_type="application/json"))
    assert (reading.result, reading.note) == (
        "rejected",
        "The body isn't valid JSON (line 1, column 11).",
    )


def test_a_filled_honeypot_is_spam():
    reading = parse(submitted({"email": "a@b.example", "website_confirm": "http://spam.example"}))
    assert (reading.result, reading.person) == ("spam", "a@b.example")
    assert not reading.drafts


def test_a_form_sent_in_under_three_seconds_is_spam():
    reading = parse(submitted({"email": "a@b.example", "render_token": shown(1.5)}))
    assert (reading.result, reading.note) == ("spam", "Sent 1.5 seconds after the form was shown.")


@pytest.mark.parametrize(
    ("token", "note"),
    [
        (shown(4), ""),
        (shown(25 * 3600), "The form had been open for 25 hours."),
        (shown(60, key="another"), "The form's time stamp isn't ours."),
        ("forged", "The form's time stamp isn't ours."),
    ],
)
def test_any_other_time_stamp_is_accepted_and_noted(token, note):
    reading = parse(submitted({"email": "a@b.example", "render_token": token}))
    assert len(reading.drafts) == 1
    assert reading.note == note


def test_a_missing_time_stamp_is_accepted_and_noted():
    assert parse(submitted({"email": "a@b.example"})).note == "Sent without a time stamp."


def test_a_submission_from_the_signed_preview_is_a_test_even_when_quick():
    assert draft_of({"email": "a@b.example", "render_token": shown(1, is_test=True)}).is_test


def test_an_address_at_test_invalid_makes_a_test_lead():
    assert draft_of({"email": "Probe@TEST.invalid"}).is_test


def test_nul_and_half_characters_in_a_stored_payload_are_refused_by_name():
    with pytest.raises(Unreadable, match="“name” holds a NUL"):
        read_fields("application/json", b'{"name": "a\\u0000b"}')
    with pytest.raises(Unreadable, match="“name” holds a NUL"):
        read_fields("application/json", b'{"name": "a\\ud800b"}')


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.text(max_size=20)
        | st.sampled_from(
            ["email", "name", "phone", "budget", "country", "fields", "labels", "first_touch",
             "last_touch", "render_token", "utm_source", "page_url", "value", "consent", "time_zone"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=JSON_VALUES, kind=st.sampled_from(["application/json", "text/plain"]))
def test_no_json_makes_the_parser_raise(body, kind):
    reading = parse(
        submitted(body, kind, referer="https://[broken", query="%ff=%00&utm_source=%ud8")
    )
    assert reading.result in ("rejected", "spam") or len(reading.drafts) == 1
    for draft in reading.drafts:
        assert set(draft.values) <= set(IDENTITY_FIELDS) | set(DETAIL_FIELDS)
        kept = json.dumps(
            [dict(draft.first_touch), dict(draft.last_touch), draft.answers], ensure_ascii=False
        )
        assert "\x00" not in kept
        kept.encode()


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=400),
    kind=st.text(max_size=30)
    | st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"]
    ),
)
def test_no_bytes_make_the_parser_raise(body, kind):
    assert parse(submitted(body, kind)).result in ("", "rejected", "spam")
