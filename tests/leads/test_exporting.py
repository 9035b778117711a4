"""Export: what the file holds, that it is safe to open, that it is logged."""

import csv
import io
from datetime import timedelta
from zipfile import ZipFile

import pytest

from leadcrm.workspaces.access import NotAllowed
from leadcrm.workspaces.actors import Actor
from leads import exporting, kinds
from leads.exporting import EXPORT_COLUMNS, ExportRefused
from leads.models import Activity, Lead
from leads.spreadsheets import formula_safe
from tests.factories import NOW, make_lead, make_leads

COLUMNS = {column.key: column for column in EXPORT_COLUMNS}


@pytest.fixture(autouse=True)
def _scope(acme):
    """All of it happens in Acme."""


def take(by, *keys, to="csv", names=None, leads=None):
    found = exporting.exportable(by, Lead.objects.all() if leads is None else leads)
    chosen = [COLUMNS[key] for key in keys]
    actor = Actor.member(by)
    parts = exporting.export(found, chosen, names or {}, to=to, about="All", by=actor, now=NOW)
    return b"".join(parts)


def rows_of(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_the_newest_stand_first_with_names_and_times_of_the_workspace(ana, ben, workspace):
    workspace.time_zone = "Europe/Berlin"
    workspace.save(update_fields=["time_zone"])
    ana.workspace.time_zone = "Europe/Berlin"
    make_lead(display_name="Old", now=NOW - timedelta(days=1))
    make_lead(display_name="Zoë, “new”", owner=ben, budget="12000.50", now=NOW)
    data = take(ana, "name", "owner", "budget", "created", names={ben.pk: "Ben"})
    assert rows_of(data) == [
        ["Name", "Owner", "Budget", "Created"],
        ["Zoë, “new”", "Ben", "12000.50", "2026-03-04 11:00:00+01:00"],
        ["Old", "", "", "2026-03-03 11:00:00+01:00"],
    ]


def test_all_columns_can_be_taken(ana):
    make_lead(message="Line one\nline two")
    (head, row) = rows_of(take(ana, *COLUMNS))
    assert head == [column.label for column in EXPORT_COLUMNS]
    assert row[head.index("What they asked")] == "Line one\nline two"


def test_pages_hold_each_lead_once(ana, monkeypatch):
    monkeypatch.setattr(exporting, "PAGE", 3)
    leads = make_leads(8)
    found = [row[0] for row in rows_of(take(ana, "id"))[1:]]
    assert sorted(found) == sorted(str(lead.pk) for lead in leads)


def test_a_page_costs_one_query(ana, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(exporting, "PAGE", 4)
    make_leads(8)
    with django_assert_num_queries(3):  # the log row, and two pages
        take(ana, *COLUMNS)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+SUM(A1)",
        "-2+3+cmd|' /C calc'!A0",
        "@import",
        "%0A=1",
        "|calc",
        "\t=1",
        "\r=1",
        " =1",
        "＝1",
        "＠x",
    ],
)
def test_nothing_in_the_file_is_a_formula(ana, text):
    assert formula_safe(text) == f"'{text}"
    lead = make_lead(display_name="Mallory")
    Lead.objects.filter(pk=lead.pk).update(label=text)
    _, (_, value) = rows_of(take(ana, "name", "label"))
    assert value.startswith("'")


@pytest.mark.parametrize("text", ["+4915112345678", "-12.50", "Ann Lee", "", "3 % off", "a=b"])
def test_numbers_and_plain_text_stay_as_they_are(text):
    assert formula_safe(text) == text


def test_a_spreadsheet_holds_text_as_text_and_times_as_times(ana):
    lead = make_lead(display_name="=HYPERLINK(1)", phone="+14155552671")
    Lead.objects.filter(pk=lead.pk).update(attempt_count=3)
    data = take(ana, "name", "phone", "tries", "created", to="xlsx")
    with ZipFile(io.BytesIO(data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "=HYPERLINK(1)" in sheet
    assert '<c r="C2"><v>3</v></c>' in sheet
    assert "+14155552671" in sheet


def test_too_many_for_a_spreadsheet_are_refused_with_a_way_out(ana, monkeypatch):
    monkeypatch.setattr(exporting, "MOST_XLSX", 1)
    make_leads(2)
    with pytest.raises(ExportRefused, match="Take CSV"):
        take(ana, "name", to="xlsx")
    assert len(rows_of(take(ana, "name"))) == 3


def test_what_is_taken_out_is_in_the_log(ana):
    make_lead()
    take(ana, "name", "email")
    row = Activity.objects.get(kind=kinds.EXPORTED)
    assert (row.actor_id, row.lead_id) == (ana.pk, None)
    assert row.data == {"to": "csv", "about": "All", "columns": ["name", "email"]}


def test_a_rep_and_a_viewer_take_nothing_out(ben, vera):
    for member in (ben, vera):
        with pytest.raises(NotAllowed):
            take(member, "name")
    assert not Activity.objects.filter(kind=kinds.EXPORTED).exists()
