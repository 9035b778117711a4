"""The four steps of an import in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leadcrm.workspaces.models import Membership, Workspace
from leads.importing import sweep
from leads.models import Import, Lead
from tests.factories import NOW, make_lead

SignIn = Callable[[Membership], Client]
DATA = (
    "Name,Email,Job title,Colour\nAnn,ann@x.com,Boss,blue\nBob,bob@x.com,,red\nCat,cat at x,,red\n"
)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def web(sign_in: SignIn, max_: Membership) -> Client:
    return sign_in(max_)


def at(workspace: Workspace, name: str, *args: object) -> str:
    return reverse(name, args=[workspace.slug, *args])


def upload(client: Client, workspace: Workspace, data: str = DATA, kind: str = "leads") -> Any:
    file = SimpleUploadedFile("leads.csv", data.encode())
    return client.post(at(workspace, "imports"), {"file": file, "kind": kind})


def columns(batch: Import, **changed: str) -> dict[str, str]:
    """What the form of the columns sends as it stands."""
    sent = {f"column-{place}": key for place, key in enumerate(batch.mapping)}
    options = {"existing": "fill", "closed": "leave", "day_first": "1", "system": "file",
               "original_dates": "on", "silent": "on"}  # fmt: skip
    return sent | options | changed


def test_the_four_steps(web: Client, acme: Workspace) -> None:
    make_lead(display_name="Ann", email="ann@x.com")
    answer = upload(web, acme)
    batch = Import.objects.get()
    here = at(acme, "import", batch.pk)
    assert answer["Location"] == here
    assert "Reading the file" in web.get(here).content.decode()
    sweep.advance_due(NOW)
    page = web.get(here).content.decode()
    assert '<option value="email" selected>E-mail</option>' in page
    assert "Check 3 rows" in page
    batch.refresh_from_db()
    web.post(at(acme, "import-columns", batch.pk), columns(batch))
    sweep.advance_due(NOW)
    page = web.get(here).content.decode()
    assert "Create 1, change 1" in page
    assert "no e-mail address" in page, "it opens on the errors"
    page = web.get(here, {"show": "changed"}).content.decode()
    assert "<ins>Boss</ins>" in page
    web.post(at(acme, "import-apply", batch.pk))
    sweep.advance_due(NOW)
    page = web.get(here).content.decode()
    assert "1 created, 1 changed, 1 with errors" in page
    assert "Can be undone until" in page
    web.post(at(acme, "import-undo", batch.pk))
    sweep.advance_due(NOW)
    assert "The import was undone" in web.get(here).content.decode()
    assert Lead.objects.present().count() == 1
    assert "leads.csv" in web.get(at(acme, "imports")).content.decode()


def test_a_file_that_is_none_is_told_at_once(web: Client, acme: Workspace) -> None:
    answer = upload(web, acme, "%PDF-1.7 nothing")
    assert (answer.status_code, Import.objects.count()) == (422, 0)
    assert "This is a PDF" in answer.content.decode()
    assert "Choose a file first." in web.post(at(acme, "imports"), {}).content.decode()


def test_columns_that_name_nobody_are_refused_and_stay_chosen(web: Client, acme: Workspace) -> None:
    upload(web, acme)
    sweep.advance_due(NOW)
    batch = Import.objects.get()
    sent = columns(batch) | {"column-0": "", "column-1": "label"}
    answer = web.post(at(acme, "import-columns", batch.pk), sent)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Choose at least a column with a name" in page
    assert '<option value="label" selected>' in page


def test_the_file_can_be_read_in_another_way(web: Client, acme: Workspace) -> None:
    upload(web, acme)
    sweep.advance_due(NOW)
    batch = Import.objects.get()
    reading = {"encoding": "utf-8", "delimiter": ",", "header_row": "0"}
    web.post(at(acme, "import-reading", batch.pk), reading)
    batch.refresh_from_db()
    assert batch.headers[0] == "Column 1"
    web.post(at(acme, "import-reading", batch.pk), reading | {"delimiter": ";"})
    sweep.advance_due(NOW)
    batch.refresh_from_db()
    assert len(batch.headers) == 1


def test_rows_with_errors_come_as_a_file(web: Client, acme: Workspace) -> None:
    upload(web, acme)
    sweep.advance_due(NOW)
    batch = Import.objects.get()
    web.post(at(acme, "import-columns", batch.pk), columns(batch))
    sweep.advance_due(NOW)
    answer = web.get(at(acme, "import-errors", batch.pk))
    body = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert body.splitlines()[1].startswith("4,E-mail: “cat at x” is no e-mail address.")
    assert "attachment" in answer["Content-Disposition"]


def test_it_can_be_canceled_at_any_step(web: Client, acme: Workspace) -> None:
    upload(web, acme)
    batch = Import.objects.get()
    web.post(at(acme, "import-cancel", batch.pk))
    sweep.advance_due(NOW)
    assert "Nothing was written." in web.get(at(acme, "import", batch.pk)).content.decode()


def test_the_pages_take_few_queries(web: Client, acme: Workspace) -> None:
    upload(web, acme)
    sweep.advance_due(NOW)
    batch = Import.objects.get()
    counts = [_queries(web, at(acme, "import", batch.pk))]
    web.post(at(acme, "import-columns", batch.pk), columns(batch))
    counts.append(_queries(web, at(acme, "import", batch.pk)))
    sweep.advance_due(NOW)
    counts.append(_queries(web, at(acme, "import", batch.pk)))
    assert max(counts) <= 10
    assert _queries(web, at(acme, "imports")) <= 8


def _queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return len(found)
