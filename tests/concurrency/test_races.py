"""Many processes at once: nobody is doubled, no edit is lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import connection

from leadcrm.workspaces.members import invite
from leadcrm.workspaces.models import Membership
from leadcrm.workspaces.scoping import workspace_scope
from leads import kinds
from leads.models import Activity, Company, Contact, ContactKey, Lead
from tests.concurrency import jobs
from tests.concurrency.conftest import finish
from tests.factories import NOW, UserFactory, make_lead, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = 8


def test_eight_processes_capture_the_same_thousand_people(processes, start):
    workspace = make_workspace("Acme")
    answers = processes.Queue()
    database = connection.settings_dict["NAME"]
    started = [
        start(jobs.capture_everybody, database, workspace.pk, number, answers)
        for number in range(PROCESSES)
    ]
    effects: Counter[str] = Counter()
    for _ in started:
        effects.update(answers.get(timeout=120))
    finish(started)
    people = jobs.PEOPLE
    assert effects == {
        "created": people,
        "touched": people,
        "known": (PROCESSES - 2) * people,
    }
    with workspace_scope(workspace):
        assert Contact.objects.count() == people
        assert ContactKey.objects.filter(shared=False).count() == 2 * people
        assert Lead.objects.filter(needs_review=False, contact__isnull=False).count() == people
        assert Lead.objects.count() == people
        assert Company.objects.count() == 40
        counted = Counter(Activity.objects.values_list("kind", flat=True))
    assert counted == {kinds.LEAD_CREATED: people, kinds.ENQUIRY_REPEATED: people}


def test_every_edit_of_one_lead_is_kept_or_refused(processes, start):
    workspace = make_workspace("Acme")
    with workspace_scope(workspace):
        lead = make_lead()
    answers: Any = processes.Queue()
    database, edits = connection.settings_dict["NAME"], 25
    started = [
        start(jobs.edit_one_lead, database, workspace.pk, lead.pk, number, edits, answers)
        for number in range(PROCESSES)
    ]
    results = [answers.get(timeout=120) for _ in started]
    finish(started)
    kept = sum(kept for kept, _ in results)
    assert kept + sum(refused for _, refused in results) == PROCESSES * edits
    with workspace_scope(workspace):
        assert Lead.objects.get().version == lead.version + kept
        assert Activity.objects.filter(kind=kinds.FIELDS_CHANGED).count() == kept


def test_an_invitation_lets_one_of_many_in(processes, start):
    workspace = make_workspace("Acme")
    with workspace_scope(workspace):
        ana = Membership.objects.select_related("workspace").get()
        _, secret = invite(by=ana, email="bo@example.com", now=NOW)
    answers, database = processes.Queue(), connection.settings_dict["NAME"]
    users = [UserFactory() for _ in range(PROCESSES)]
    started = [start(jobs.accept_invitation, database, secret, user.pk, answers) for user in users]
    results = Counter(answers.get(timeout=120) for _ in started)
    finish(started)
    assert results == {"joined": 1, "refused": PROCESSES - 1}
    with workspace_scope(workspace):
        assert Membership.objects.count() == 2
