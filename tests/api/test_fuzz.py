"""Every operation with generated input, good and bad: no 500, and answers as documented."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, not_a_server_error

from leadcrm.workspaces.models import Absence, Membership
from leads import bulk, duplicates, timeline
from leads.bulk_verbs import BULK_VERBS
from leads.importing import storing, sweep
from leads.models import (
    Appointment,
    ContactKey,
    FieldSuggestion,
    Lead,
    Message,
    Pipeline,
    SavedView,
    Source,
    Task,
)
from tests.api.conftest import Maker
from tests.factories import NOW, make_lead

EXAMPLES = int(os.environ.get("LEADCRM_FUZZ_EXAMPLES", "6"))  # per operation
QUICK = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def make_targets(me: Any) -> dict[str, Any]:
    """Something real for every id in an address."""
    lead = make_lead(company_name="Berg", external=("erp", "1"))
    timeline.add_note([lead.pk], body="Hello", by=me, now=NOW)
    timeline.add_task([lead.pk], title="Call", due_at=NOW + timedelta(days=1), by=me, now=NOW)
    booked = Appointment.objects.create(lead=lead, scheduled_for=NOW + timedelta(hours=1))
    suggested = FieldSuggestion.objects.create(lead=lead, field="state", source="erp", value="Ohio")
    batch = storing.store(
        "l.csv", [b"Name,Email\nAnn,a@x.example\n"], kind="leads", by=None, now=NOW
    )
    sweep.advance_due(NOW)
    pair = duplicates.suggest(lead, make_lead(first_name="Ann"), by=me, now=NOW)
    snooze = {"until": (NOW + timedelta(days=1)).isoformat()}
    run = bulk.start(
        Lead.objects.all(), BULK_VERBS["snooze"], snooze, said="snoozed", by=me.membership, now=NOW
    )
    found: dict[str, Any] = {
        "import_id": batch.pk,
        "run_id": run.pk,
        "pair_id": pair.pk,
        "member_id": me.membership.pk,
        "absence_id": Absence.objects.create(
            membership=me.membership, starts_on=NOW.date(), ends_on=NOW.date()
        ).pk,
        "view_id": SavedView.objects.create(name="All", owner=me.membership, tab="all").pk,
        "lead_id": lead.pk,
        "contact_id": lead.contact_id,
        "key_id": ContactKey.objects.get(contact=lead.contact_id).pk,
        "company_id": lead.company_id,
        "appointment_id": booked.pk,
        "suggestion_id": suggested.pk,
        "message_id": Message.objects.get(channel="note").pk,
        "task_id": Task.objects.get().pk,
        "source_id": Source.objects.get().pk,
        "pipeline_id": Pipeline.objects.get().pk,
    }
    return {name: str(value) for name, value in found.items()} | {
        "system": "erp",
        "external_id": "1",
    }


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """A request outside of Django's test client would close the test's own transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("acme", "_one_connection")
def test_no_operation_breaks_or_answers_otherwise_than_documented(
    ana: Membership, me: Any, token_of: Maker, settings: Any
) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": {"membership": "1000000/min"},
    }
    headers = {"Authorization": token_of(ana).client.defaults["HTTP_AUTHORIZATION"]}
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    targets = make_targets(me)
    checks = [not_a_server_error, CHECKS.get_one("response_schema_conformance")]
    called: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        names = {one.name for one in operation.path_parameters}
        real = {name: value for name, value in targets.items() if name in names}
        cases = st.one_of(
            operation.as_strategy(GenerationMode.POSITIVE, path_parameters=real),
            operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=real),
        )

        @QUICK
        @given(case=cases)
        def call(case: Any) -> None:
            response = case.call(headers=headers)
            called.setdefault(case.operation.label, set()).add(response.status_code)
            case.validate_response(response, checks=checks, headers=headers)

        call()
    assert len(called) > 60
    assert Lead.objects.exists()
    fruitless = {label for label, statuses in called.items() if min(statuses) >= 400}
    assert len(fruitless) < len(called) / 2, fruitless
