"""The fields of the lead page: what is shown of them, and editing one at a time in its place."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadcrm.workspaces.actors import Actor, Rank
from leadcrm.workspaces.models import Membership
from leads import editing, lifecycle
from leads.models import Activity, Campaign, Lead, Source
from leads.views.fields import facts_of
from tests.factories import make_lead
from tests.pages.test_lead_page import HTMX, log_of, now_of, page_of, to


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def row(lead: Lead, name: str) -> str:
    return f"{to(lead, 'edit')}?field={name}"


def opened(web: Client, lead: Lead, name: str) -> dict[str, Any]:
    """What the browser would send back of the form of one row, untouched."""
    context = web.get(row(lead, name), headers=HTMX).context
    form = context["edit_form"]
    values = {field: form[field].value() for field in form.fields} | dict(context["seen"])
    return {field: "" if value is None else value for field, value in values.items()}


def save(web: Client, lead: Lead, name: str, **values: Any) -> Any:
    return web.post(row(lead, name), values, headers=HTMX)


def test_a_value_turns_into_its_input_alone(web: Client, lead: Lead) -> None:
    answer = web.get(row(lead, "job_title"), headers=HTMX)
    body = answer.content.decode()
    assert list(answer.context["edit_form"].fields) == ["job_title"]
    assert "<html" not in body
    assert f'hx-post="{row(lead, "job_title")}"' in body


def test_without_javascript_a_value_leads_to_the_form_of_all(web: Client, lead: Lead) -> None:
    page = web.get(page_of(lead)).content.decode()
    assert f'href="{to(lead, "edit")}#edit_job_title"' in page
    assert 'id="edit_job_title"' in web.get(row(lead, "job_title")).content.decode()


def test_a_saved_value_comes_back_with_what_hangs_on_it(web: Client, lead: Lead) -> None:
    form = opened(web, lead, "last_name")
    answer = save(web, lead, "last_name", **{**form, "last_name": "Garcia"})
    assert (answer.status_code, answer["HX-Retarget"]) == (200, "#details")
    body = answer.content.decode()
    parts = ("lead-head", "history", "around", "banners")
    assert [part for part in parts if f'id="{part}"' not in body] == []
    assert body.count('hx-swap-oob="true"') == len(parts)
    assert 'id="panel"' not in body, "what is being typed there stays"
    assert body.count("Maria Garcia") >= 2
    assert now_of(lead).display_name == "Maria Garcia"


def test_budget_and_currency_are_one_line(web: Client, lead: Lead) -> None:
    form = opened(web, lead, "budget")
    save(web, lead, "budget", **{**form, "budget": "1200.5", "budget_currency": "usd"})
    assert "1,200.50 USD" in web.get(page_of(lead)).content.decode()


def test_a_value_that_does_not_fit_stays_in_its_row(web: Client, lead: Lead) -> None:
    form = opened(web, lead, "phone")
    answer = save(web, lead, "phone", **{**form, "phone": "12"})
    assert answer.status_code == 422
    assert "HX-Retarget" not in answer, "it stays in its row"
    body = answer.content.decode()
    assert "This is no valid phone number." in body
    assert 'value="12"' in body
    assert now_of(lead).phone == "+14155552671"


def test_a_conflict_is_settled_in_its_row(
    web: Client, lead: Lead, max_: Membership, now: datetime
) -> None:
    form = opened(web, lead, "state")
    before = now - timedelta(seconds=8)
    editing.edit([lead.pk], {"state": "CA"}, by=Actor.member(max_), now=before)
    answer = save(web, lead, "state", **{**form, "state": "Texas"})
    assert answer.status_code == 409
    body = answer.content.decode()
    assert "Max set State to “CA”" in body
    assert " s ago" in body
    assert "You wrote “Texas”" in body
    assert now_of(lead).state == "CA"
    save(web, lead, "state", **{"state": "Texas", "base-state": "CA"})
    assert now_of(lead).state == "Texas"


def test_using_mine_asks_again_where_theirs_has_changed_since(
    web: Client, lead: Lead, max_: Membership, now: datetime
) -> None:
    editing.edit([lead.pk], {"state": "NY"}, by=Actor.member(max_), now=now)
    answer = save(web, lead, "state", **{"state": "Texas", "base-state": "CA"})
    assert answer.status_code == 409
    assert now_of(lead).state == "NY"


def test_only_the_fields_of_the_row_are_taken(web: Client, lead: Lead) -> None:
    save(web, lead, "state", **{"state": "Texas", "base-state": "", "job_title": "CEO"})
    assert (now_of(lead).state, now_of(lead).job_title) == ("Texas", "")


@pytest.mark.parametrize("name", ["provenance", "owner", "platform_ref", "x' OR 1"])
def test_there_is_no_row_of_other_fields(web: Client, lead: Lead, name: str) -> None:
    assert web.get(row(lead, name), headers=HTMX).status_code == 404
    assert save(web, lead, name, **{name: "x"}).status_code == 404


def test_a_closed_lead_is_only_read(web: Client, lead: Lead, me: Actor, now: datetime) -> None:
    form = opened(web, lead, "state")
    lifecycle.close([lead.pk], reason="price", by=me, now=now)
    body = web.get(page_of(lead)).content.decode()
    assert to(lead, "edit") not in body
    assert "Price" in body
    assert to(lead, "reopen") in body
    answer = save(web, lead, "state", **{**form, "state": "Texas"})
    assert answer.status_code == 422
    assert "Reopen it to change it." in answer.content.decode()
    assert 'value="Texas"' in answer.content.decode(), "what was typed stays"
    assert web.get(row(lead, "state"), headers=HTMX)["HX-Refresh"] == "true"
    assert web.get(to(lead, "edit")).status_code == 302
    assert now_of(lead).state == ""


def test_a_lead_that_waits_for_its_date_can_be_edited(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    lifecycle.recycle([lead.pk], returns_at=now + timedelta(days=30), by=me, now=now)
    save(web, lead, "state", **{"state": "Texas", "base-state": ""})
    assert now_of(lead).state == "Texas"


def test_empty_fields_are_hidden_until_wanted(web: Client, lead: Lead) -> None:
    facts = facts_of(now_of(lead), {})
    assert "job_title" in [fact.name for fact in facts.empty]
    assert "job_title" not in [fact.name for fact in facts.person]
    assert {"authority", "need", "timeline"}.isdisjoint(fact.name for fact in facts.empty)
    body = web.get(page_of(lead)).content.decode()
    assert f"Show empty ({len(facts.empty)})" in body


def test_who_set_a_field_is_told_on_hover(
    web: Client, lead: Lead, max_: Membership, now: datetime
) -> None:
    editing.edit([lead.pk], {"state": "CA"}, by=Actor.member(max_), now=now)
    system = Actor.system("enrichment", Rank.ENRICHMENT)
    editing.edit([lead.pk], {"job_title": "CEO"}, by=system, now=now)
    body = web.get(page_of(lead)).content.decode()
    assert 'title="Set by Max, ' in body
    assert 'title="Set by enrichment, ' in body
    assert f'title="Set by {now_of(lead).source.name}, ' in body


def test_a_number_that_must_not_be_called_is_no_link(
    web: Client, lead: Lead, me: Actor, now: datetime
) -> None:
    web.post(to(lead, "do-not-contact"), {"reason": "Asked"})
    body = web.get(page_of(lead)).content.decode()
    assert "Do not call" in body
    assert "tel:" not in body
    assert "sms:" not in body


def test_changed_sources_and_campaigns_are_named_on_the_timeline(web: Client, lead: Lead) -> None:
    campaign = Campaign.objects.create(name="Spring")
    fair = Source.objects.create(name="Home fair", kind="event")
    save(web, lead, "campaign", **{"campaign": str(campaign.pk), "base-campaign": ""})
    answer = save(web, lead, "source", **{"source": str(fair.pk), "base-source": lead.source_id})
    body = answer.content.decode()
    assert "→ Spring" in body
    assert "→ Home fair" in body
    assert f">{fair.pk}<" not in body


def test_a_row_opens_in_few_queries(web: Client, lead: Lead) -> None:
    for name in ("state", "source"):
        with CaptureQueriesContext(connection) as found:
            web.get(row(lead, name), headers=HTMX)
        assert len(found) <= 6


def test_a_viewer_edits_no_row(sign_in: Any, vera: Membership, lead: Lead) -> None:
    client, before = sign_in(vera), log_of(lead)
    assert client.get(row(lead, "state"), headers=HTMX).status_code == 403
    answer = client.post(row(lead, "state"), {"state": "Texas"}, headers=HTMX)
    assert answer.status_code == 403
    assert log_of(lead) == before


def test_a_lead_that_went_to_a_colleague_is_not_found(
    sign_in: Any, ben: Membership, ana: Membership, acme: Any, now: datetime
) -> None:
    lead = make_lead(now=now, owner=ben)
    client = sign_in(ben)
    form = opened(client, lead, "state")
    Lead.objects.filter(pk=lead.pk).update(owner=ana)
    answer = client.post(row(lead, "state"), {**form, "state": "Texas"}, headers=HTMX)
    assert answer.status_code == 404
    assert not Activity.objects.filter(lead=lead, kind="fields_changed").exists()
