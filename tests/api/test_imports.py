"""Imports by a program: uploaded, mapped, looked at, applied, taken back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from leadcrm.workspaces.api import uploads
from leadcrm.workspaces.models import IdempotencyKey, Membership, Workspace
from leadcrm.workspaces.scoping import workspace_scope
from leads.importing import storing
from leads.models import Import, ImportPart, Lead
from tests.api.conftest import Api, Maker, done, problem
from tests.api.test_limits import queries
from tests.factories import NOW, make_lead, make_member, make_workspace
from tests.importing.conftest import fresh, worked

DATA = "Name,Email,Colour\nAnn,ann@x.com,blue\nBob,bob@x.com,red\nCat,cat at x,red\n"
KEY = {"Idempotency-Key": "file-1"}


def upload(api: Api, data: str | bytes = DATA, name: str = "leads.csv", **more: Any) -> Any:
    raw = data.encode() if isinstance(data, str) else data
    headers = more.pop("headers", {})
    file = SimpleUploadedFile(name, raw)
    return api.client.post("/api/imports", {"file": file, **more}, headers=headers)


def work() -> None:
    worked(Import.objects.get(), NOW)


@pytest.fixture
def batch(api: Api) -> dict[str, Any]:
    """An import whose columns are to be chosen."""
    made = done(upload(api), 201)
    work()
    return done(api.get(f"imports/{made['id']}"))


@pytest.mark.usefixtures("acme")
class TestSteps:
    def test_a_file_goes_from_upload_to_leads_and_back(self, api: Api, max_: Membership) -> None:
        make_lead(display_name="Ann", email="ann@x.com")
        made = done(upload(api), 201)
        assert (made["state"], made["name"], made["rows"]) == ("reading", "leads.csv", 0)
        work()
        path = f"imports/{made['id']}"
        found = done(api.get(path))
        assert (found["state"], found["encoding"], found["delimiter"]) == ("columns", "utf-8", ",")
        assert [(one["name"], one["target"]) for one in found["columns"]] == [
            ("Name", "display_name"), ("Email", "email"), ("Colour", "answer"),
        ]  # fmt: skip
        assert found["columns"][1]["samples"] == ["ann@x.com", "bob@x.com", "cat at x"]
        assert found["options"]["silent"] is True

        body = {"mapping": ["display_name", "email", ""], "options": {"owner_id": str(max_.pk)}}
        checking = done(api.put(f"{path}/columns", body))
        assert (checking["state"], checking["progress"]) == ("checking", {"done": 0, "total": 4})
        work()
        checked = done(api.get(path))
        assert checked["counts"] == {"new": 1, "unchanged": 1, "error": 1}
        assert checked["intended"] == {"create": 1, "change": 0}
        assert checked["options"]["owner_id"] == str(max_.pk)

        assert done(api.post(f"{path}/apply"))["state"] == "applying"
        work()
        ended = done(api.get(path))
        assert (ended["state"], ended["may_undo"]) == ("done", True)
        assert Lead.objects.get(email="bob@x.com").owner == max_
        assert done(api.post(f"{path}/undo"))["state"] == "undoing"
        work()
        assert done(api.get(path))["state"] == "undone"
        assert not Lead.objects.present().filter(email="bob@x.com").exists()

    def test_what_was_found_is_read_by_result_with_its_cells(
        self, api: Api, batch: dict[str, Any]
    ) -> None:
        lead = make_lead(display_name="Bob", email="bob@x.com")
        path = f"imports/{batch['id']}"
        done(api.put(f"{path}/columns", {"mapping": ["display_name", "email", "job_title"]}))
        work()
        (wrong,) = done(api.get(f"{path}/findings"))["results"]
        assert (wrong["row"], wrong["result"], wrong["lead_id"]) == (4, "error", None)
        assert wrong["error"].startswith("E-mail: ")
        (changed,) = done(api.get(f"{path}/findings", result="changed"))["results"]
        assert changed["lead_id"] == str(lead.pk)
        assert changed["cells"] == [{"name": "Job title", "new": "red", "old": "", "kept": False}]
        assert done(api.get(f"{path}/findings", result="new", cursor="2"))["results"] == []
        problem(api.get(f"{path}/findings", result="blue"), 400, "result")
        problem(api.get(f"{path}/findings", cursor="x"), 400, "cursor")
        lines = b"".join(api.get(f"{path}/errors").streaming_content).decode().splitlines()
        assert len(lines) == 2
        assert lines[1].endswith("Cat,cat at x,red")
        plain = api.client.get(f"/api/{path}/errors", headers={"accept": "text/csv"})
        assert plain["Content-Type"].startswith("text/csv")

    def test_the_findings_come_in_pages(self, api: Api) -> None:
        data = "Name,Email\n" + "".join(f"P{one},p{one}@x.com\n" for one in range(60))
        path = f"imports/{done(upload(api, data), 201)['id']}"
        work()
        done(api.put(f"{path}/columns", {"mapping": ["display_name", "email"]}))
        work()
        first = done(api.get(f"{path}/findings", result="new"))
        rest = done(api.get(f"{path}/findings", result="new", cursor=first["next_cursor"]))
        numbers = [row["row"] for page in (first, rest) for row in page["results"]]
        assert (numbers, rest["next_cursor"]) == (list(range(2, 62)), None)

    def test_a_file_is_read_otherwise(self, api: Api, batch: dict[str, Any]) -> None:
        path = f"imports/{batch['id']}"
        unnamed = done(api.put(f"{path}/reading", {"header_row": 0}))
        assert unnamed["columns"][0]["samples"][0] == "Name"
        again = done(api.put(f"{path}/reading", {"delimiter": ";"}))
        assert again["state"] == "reading"
        work()
        assert len(done(api.get(path))["columns"]) == 1

    def test_an_import_is_canceled(self, api: Api, batch: dict[str, Any]) -> None:
        path = f"imports/{batch['id']}"
        assert done(api.post(f"{path}/cancel"))["state"] == "canceled"
        for step in ("apply", "cancel", "undo"):
            assert problem(api.post(f"{path}/{step}"), 409)["code"] == "import_refused"

    def test_imports_are_listed_newest_first(self, api: Api, batch: dict[str, Any]) -> None:
        later = done(upload(api, name="later.csv"), 201)
        listed = done(api.get("imports", page_size=1))
        assert [row["id"] for row in listed["results"]] == [later["id"]]
        rest = done(api.get("imports", cursor=listed["next_cursor"]))["results"]
        assert [row["id"] for row in rest] == [batch["id"]]
        assert "columns" not in rest[0]

    def test_targets_are_listed_for_each_kind(self, api: Api) -> None:
        keys = [row["key"] for row in done(api.get("imports/targets"))["results"]]
        assert {"email", "answer"} <= set(keys)
        history = done(api.get("imports/targets", kind="history"))["results"]
        assert "at" in [row["key"] for row in history]
        problem(api.get("imports/targets", kind="people"), 400, "kind")

    def test_an_import_costs_the_same_for_few_rows_and_for_many(self, api: Api) -> None:
        def cost(rows: int) -> dict[str, int]:
            data = "Name,Email\n" + "".join(f"P{one},p{rows}{one}@x.com\n" for one in range(rows))
            path = f"imports/{done(upload(api, data), 201)['id']}"
            batch = worked(Import.objects.get(pk=path[8:]), NOW)
            done(api.put(f"{path}/columns", {"mapping": batch.mapping}))
            worked(batch, NOW)
            calls = (path, f"{path}/findings", "imports")
            return {one[-8:]: queries(lambda one=one: api.get(one)) for one in calls}  # type: ignore[misc]

        few, many = list(cost(2).values()), list(cost(1500).values())
        assert few == many
        assert max(few) <= 8, few


@pytest.mark.usefixtures("acme")
class TestBadInput:
    @pytest.fixture(autouse=True)
    def _nothing_stays(self, acme: Workspace) -> Any:
        before = Import.objects.count()
        yield
        assert (Import.objects.count(), ImportPart.objects.count()) == (before, 0)

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"%PDF-1.7 something", "PDF"),
            (b"\x89PNG\r\n\x1a\n", "picture"),
            (b"", "empty"),
            (b"\x00\x01\x02\x03" * 99, "Upload a CSV"),
        ],
    )
    def test_a_file_that_is_no_table_is_refused(self, api: Api, data: bytes, said: str) -> None:
        assert said in problem(upload(api, data), 400, "file")["message"]

    def test_what_is_wrong_with_the_form_is_named(self, api: Api) -> None:
        answer = api.client.post("/api/imports", {"kind": "leads"})
        assert problem(answer, 400, "file")["fields"]["file"] == ["Choose a file first."]
        problem(api.client.post("/api/imports", {"file": "text"}), 400, "file")
        problem(upload(api, kind="people"), 400, "kind")
        problem(upload(api, colour="red"), 400, "colour")
        problem(api.post("imports", {"file": "x"}), 415)
        broken = api.client.post("/api/imports", b"--x", content_type="multipart/form-data")
        problem(broken, 400)

    def test_a_file_that_is_too_large_is_refused_before_it_is_read(self, api: Api) -> None:
        length = str(storing.LARGEST + uploads.AROUND + 1)
        answer = api.client.generic(
            "POST", "/api/imports", b"--x", "multipart/form-data; boundary=x", CONTENT_LENGTH=length
        )
        assert problem(answer, 413)["message"] == "The body may have at most 301 MiB."

    def test_a_file_larger_than_allowed_leaves_nothing(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(storing, "LARGEST", 20)
        assert "Split it up" in problem(upload(api), 400, "file")["message"]

    @pytest.mark.parametrize("role", ["ben", "vera"])
    def test_reps_and_viewers_are_refused_before_the_file_is_read(
        self, role: str, request: pytest.FixtureRequest, token_of: Maker
    ) -> None:
        program = token_of(request.getfixturevalue(role))
        problem(upload(program), 403)
        problem(program.get("imports"), 403)
        problem(program.get("imports/targets"), 403)

    def test_a_token_that_only_reads_uploads_nothing(
        self, ana: Membership, token_of: Maker
    ) -> None:
        problem(upload(token_of(ana, "leads:read")), 403)


@pytest.mark.usefixtures("acme")
class TestChoices:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "mapping"),
            ({"mapping": "email"}, "mapping"),
            ({"mapping": ["email"]}, "mapping"),
            ({"mapping": ["email", "email", ""]}, "mapping"),
            ({"mapping": ["", "", ""]}, "mapping"),
            ({"mapping": ["display_name", "nothing", ""]}, "mapping"),
            ({"mapping": ["display_name", "", ""], "options": {"existing": "eat"}}, "options.existing"),
            ({"mapping": ["display_name", "", ""], "options": {"system": "a b"}}, "options.system"),
            ({"mapping": ["display_name", "", ""], "options": {"owner_id": "x"}}, "options.owner_id"),
            ({"mapping": ["display_name", "", ""], "options": {"hue": 1}}, "options.hue"),
        ],
    )  # fmt: skip
    def test_a_bad_choice_is_named_and_changes_nothing(
        self, api: Api, batch: dict[str, Any], body: dict[str, Any], field: str
    ) -> None:
        problem(api.put(f"imports/{batch['id']}/columns", body), 400, field)
        assert done(api.get(f"imports/{batch['id']}")) == batch

    def test_history_has_options_of_its_own(self, api: Api) -> None:
        data = "Email,Date,Note\nann@x.com,2025-03-04,Hi\n"
        path = f"imports/{done(upload(api, data, kind='history'), 201)['id']}"
        work()
        body = {"mapping": ["email", "at", "text"], "options": {"existing": "fill"}}
        problem(api.put(f"{path}/columns", body), 400, "options.existing")
        done(api.put(f"{path}/columns", {**body, "options": {"day_first": False}}))

    def test_what_can_not_be_read_otherwise_is_named(self, api: Api, batch: dict[str, Any]) -> None:
        path = f"imports/{batch['id']}/reading"
        problem(api.put(path, {}), 400, "header_row")
        problem(api.put(path, {"encoding": "klingon"}), 400, "encoding")
        problem(api.put(path, {"delimiter": "xx"}), 400, "delimiter")
        problem(api.put(path, {"header_row": -1}), 400, "header_row")


@pytest.mark.usefixtures("acme")
class TestRepeated:
    def test_the_same_file_under_a_key_is_one_import(self, api: Api) -> None:
        first = upload(api, headers=KEY)
        again = upload(api, headers=KEY)
        assert done(first, 201) == done(again, 201)
        assert again["Idempotent-Replayed"] == "true"
        assert Import.objects.count() == 1

    def test_another_file_under_the_key_is_refused(self, api: Api) -> None:
        done(upload(api, headers=KEY), 201)
        problem(upload(api, DATA + "Dan,,\n", headers=KEY), 422, "Idempotency-Key")
        problem(upload(api, name="other.csv", headers=KEY), 422, "Idempotency-Key")
        assert Import.objects.count() == 1

    def test_a_refused_file_leaves_the_key_free(self, api: Api) -> None:
        problem(upload(api, b"%PDF-1.7", headers=KEY), 400, "file")
        assert IdempotencyKey.objects.count() == 0
        done(upload(api, headers=KEY), 201)


@pytest.mark.django_db(transaction=True)
def test_two_uploads_at_once_under_a_key_are_one_import(
    token_of: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both keep their file before either begins: one is dropped."""
    workspace = make_workspace("Acme")
    with workspace_scope(workspace):
        member = make_member(workspace, "admin", "Ada")
    api = token_of(member)
    both_kept = threading.Barrier(2)
    keep = storing.keep

    def kept_together(*args: Any, **kwargs: Any) -> Import:
        kept = keep(*args, **kwargs)
        both_kept.wait(30)
        return kept

    monkeypatch.setattr(storing, "keep", kept_together)
    statuses: list[int] = []

    def send() -> None:
        try:
            statuses.append(upload(api, headers=KEY).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with workspace_scope(workspace):
        assert fresh(Import.objects.get()).state == "reading"
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
