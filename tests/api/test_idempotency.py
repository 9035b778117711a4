"""Writes under an Idempotency-Key: once, with the same answer, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from leadcrm.workspaces.models import IdempotencyKey, Membership, Role, Workspace
from leadcrm.workspaces.scoping import all_workspaces, workspace_scope
from leads import lifecycle
from leads.models import Activity, Lead, Message
from tests.api.conftest import Api, Maker, done, problem
from tests.factories import NOW, make_lead, make_workspace

KEY = {"Idempotency-Key": "order-1"}


@pytest.mark.usefixtures("acme")
class TestOneAfterAnother:
    def test_the_same_request_has_the_same_answer_and_is_done_once(self, api: Api) -> None:
        first = api.post("leads", {"display_name": "Mia"}, **KEY)
        again = api.post("leads", {"display_name": "Mia"}, **KEY)
        assert done(first, 201) == done(again, 201)
        assert first["ETag"] == again["ETag"]
        assert (first.get("Idempotent-Replayed"), again["Idempotent-Replayed"]) == (None, "true")
        assert Lead.objects.count() == 1

    def test_another_body_under_the_key_is_refused(self, api: Api) -> None:
        done(api.post("leads", {"display_name": "Mia"}, **KEY), 201)
        problem(api.post("leads", {"display_name": "Max"}, **KEY), 422, "Idempotency-Key")
        assert Lead.objects.get().display_name == "Mia"

    def test_another_address_under_the_key_is_refused(self, api: Api) -> None:
        lead = make_lead()
        done(api.post(f"leads/{lead.pk}/notes", {"body": "Hi"}, **KEY))
        problem(api.post(f"leads/{lead.pk}/qualify", {"body": "Hi"}, **KEY), 422)

    def test_a_note_is_added_once(self, api: Api) -> None:
        lead = make_lead()
        for _ in range(3):
            done(api.post(f"leads/{lead.pk}/notes", {"body": "Hi"}, **KEY))
        assert Message.objects.count() == 1

    def test_an_edit_is_logged_once(self, api: Api) -> None:
        lead = make_lead()
        for _ in range(2):
            answer = api.patch(f"leads/{lead.pk}", {"label": "A"}, **KEY, **{"If-Match": "1"})
            assert done(answer)["version"] == 2
        assert Activity.objects.filter(kind="fields_changed").count() == 1

    def test_a_refusal_is_kept_too_and_changes_nothing(self, api: Api, me: Any) -> None:
        lead = make_lead()
        refused = problem(api.post(f"leads/{lead.pk}/complete", {}, **KEY), 409)
        lifecycle.schedule([lead.pk], booking=None, by=me, now=NOW)
        again = api.post(f"leads/{lead.pk}/complete", {}, **KEY)
        assert problem(again, 409) == refused
        assert again["Idempotent-Replayed"] == "true"
        assert not Activity.objects.filter(to_status="completed").exists()

    def test_what_may_pass_is_not_kept(self, ana: Membership, token_of: Maker) -> None:
        reader, writer = token_of(ana, "leads:read"), token_of(ana)
        problem(reader.post("leads", {"display_name": "Mia"}, **KEY), 403)
        done(writer.post("leads", {"display_name": "Mia"}, **KEY), 201)

    def test_a_busy_database_is_not_kept(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        lead = make_lead()

        def busy(*args: Any, **kwargs: Any) -> Any:
            raise OperationalError("busy")

        with monkeypatch.context() as patched:
            patched.setattr("leads.api.leads.capture_leads", busy)
            answer = api.post("leads", {"display_name": "Mia"}, **KEY)
            assert problem(answer, 503)["code"] == "busy"
            assert int(answer["Retry-After"]) > 0
        done(api.post("leads", {"display_name": "Mia"}, **KEY), 201)
        assert Lead.objects.exclude(pk=lead.pk).count() == 1

    def test_keys_are_each_members_own(
        self, api: Api, adam: Membership, rita: Membership, token_of: Maker
    ) -> None:
        for program in (api, token_of(adam), token_of(rita)):
            done(program.post("leads", {"display_name": "Mia"}, **KEY), 201)
        with all_workspaces():
            assert Lead.objects.count() == IdempotencyKey.objects.count() == 3

    @pytest.mark.parametrize("key", ["x" * 256, "caf\u00e9", "tab\there"])
    def test_a_key_that_is_none_is_refused(self, api: Api, key: str) -> None:
        answer = api.post("leads", {"display_name": "Mia"}, **{"Idempotency-Key": key})
        problem(answer, 400, "Idempotency-Key")
        assert not Lead.objects.exists()

    def test_without_a_key_each_request_counts(self, api: Api) -> None:
        lead = make_lead()
        for _ in range(2):
            done(api.post(f"leads/{lead.pk}/notes", {"body": "Hi"}))
        assert Message.objects.count() == 2


@pytest.fixture
def open_workspace(transactional_db: None) -> Iterator[Workspace]:
    """A workspace whose rows other connections see."""
    workspace = make_workspace("Acme")
    with workspace_scope(workspace):
        yield workspace


def owner_of(workspace: Workspace) -> Membership:
    return Membership.objects.select_related("workspace", "user").get(role=Role.OWNER)


def test_of_two_at_once_one_is_told_that_the_other_is_at_work(
    open_workspace: Workspace, token_of: Maker
) -> None:
    ana = owner_of(open_workspace)
    program = token_of(ana)
    started, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [f"{ana.pk}:order-1"]
            )
            started.set()
            release.wait(10)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert started.wait(10)
        error = problem(program.post("leads", {"display_name": "Mia"}, **KEY), 409)
        assert error["code"] == "in_flight"
        assert not Lead.objects.exists()
    finally:
        release.set()
        holder.join()
    done(program.post("leads", {"display_name": "Mia"}, **KEY), 201)


def test_eight_that_repeat_one_request_make_one_lead(
    open_workspace: Workspace, token_of: Maker
) -> None:
    program = token_of(owner_of(open_workspace))
    statuses: list[int] = []

    def send() -> None:
        mine = Api(authorization=program.client.defaults["HTTP_AUTHORIZATION"])
        for _ in range(20):
            status = mine.post("leads", {"display_name": "Mia"}, **KEY).status_code
            statuses.append(status)
            if status == 201:
                break
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 409}
    assert Lead.objects.count() == 1


def test_a_locked_lead_answers_503_with_retry_after(
    open_workspace: Workspace, token_of: Maker
) -> None:
    program = token_of(owner_of(open_workspace))
    lead = make_lead()
    started, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), workspace_scope(open_workspace):
            list(Lead.objects.select_for_update().filter(pk=lead.pk))
            started.set()
            release.wait(10)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert started.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        answer = program.post(f"leads/{lead.pk}/qualify", {})
        assert problem(answer, 503)["code"] == "busy"
        assert int(answer["Retry-After"]) > 0
    finally:
        release.set()
        holder.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    lead.refresh_from_db()
    assert (lead.status, lead.created_at) == ("new", NOW)
    assert lead.inserted_at <= NOW + timedelta(seconds=1)


def test_another_version_under_the_same_key_is_another_request(api: Api, acme: Workspace) -> None:
    lead = make_lead()
    url, change, key = f"leads/{lead.pk}", {"job_title": "CTO"}, {"Idempotency-Key": "k"}
    assert api.patch(url, change, **key, **{"If-Match": '"99"'}).status_code == 412
    assert api.patch(url, change, **key, **{"If-Match": f'"{lead.version}"'}).status_code == 422
