"""What is read from a file, whatever product, program or country wrote it."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from leads.importing import headers, sniffing, values
from leads.importing.reading import read_rows
from leads.importing.sniffing import UnreadableFile
from leads.models import Import
from tests.importing.conftest import Load

FILES = Path(__file__).parent / "files"
# Of each file: columns with a target, in order.
MAPPED = {
    "blank-rows.csv": "display_name email phone company_name",
    "duplicate-rows.csv": "display_name email phone source",
    "european-semicolon.csv": "display_name email phone company_name stage",
    "formula-injection.csv": "display_name email phone notes",
    "hubspot-contacts-with-gaps.csv": "external_id first_name last_name email phone stage created_at"
    " company_name country owner",
    "hubspot-export.csv": "external_id first_name last_name email phone stage created_at source",
    "international-names.csv": "display_name email phone country answer",
    "messy-formatting.csv": "display_name email phone company_name",
    "meta-ads-manager-export-shape.csv": "external_id created_at source_detail campaign answer answer"
    " answer source display_name phone email answer stage",
    "quoted-multiline.csv": "display_name email phone answer",
    "salesforce-style-report.csv": "source first_name last_name email phone stage owner created_at",
    "tab-separated.csv": "display_name email phone company_name",
    "zoho-crm-export.csv": "display_name email phone source owner stage answer",
}  # fmt: skip


def rows_of(data: bytes, form: str = "csv", encoding: str = "utf-8", delimiter: str = ",") -> Any:
    return list(read_rows(io.BytesIO(data), form, encoding, delimiter))


def workbook(rows: list[list[Any]], **files: str) -> bytes:
    """A small .xlsx as Excel writes them: numbers, shared texts, a date style."""
    texts: list[str] = []
    lines = []
    for number, row in enumerate(rows, 1):
        cells = []
        for column, value in enumerate(row):
            place = f"{chr(65 + column)}{number}"
            if isinstance(value, date):
                days = (value - date(1899, 12, 30)).days
                cells.append(f'<c r="{place}" s="1"><v>{days}</v></c>')
            elif isinstance(value, (int, float)):
                cells.append(f'<c r="{place}"><v>{value}</v></c>')
            elif value:
                texts.append(f"<si><t>{escape(value)}</t></si>")
                cells.append(f'<c r="{place}" t="s"><v>{len(texts) - 1}</v></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    parts = {
        "xl/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="Hidden" state="hidden" r:id="a"/>'
        '<sheet name="Leads" r:id="b"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="b" Target="worksheets/sheet2.xml"/>'
        '<Relationship Id="a" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/styles.xml": '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f"<sst>{''.join(texts)}</sst>",
        "xl/worksheets/sheet2.xml": f"<worksheet><sheetData>{''.join(lines)}</sheetData></worksheet>",
        **files,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize("name", sorted(MAPPED))
def test_the_columns_of_other_products_are_recognised(load: Load, name: str) -> None:
    batch = load((FILES / name).read_bytes(), name)
    assert batch.state == Import.State.COLUMNS
    assert " ".join(key for key in batch.mapping if key) == MAPPED[name]


def test_every_file_is_tried() -> None:
    assert {path.name for path in FILES.glob("*.csv")} == set(MAPPED)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Näme;Straße\nJürgen;Weißstraße 5\n", "cp1252"),
        ("Имя;Город;Примечание\nАлексей Иванов;Москва;Позвонить завтра утром\n" * 3, "cp1251"),
        ("Name,City\nJosé,Málaga\n", "utf-8"),
        ("Name,City\nJosé,Málaga\n", "utf-16"),
        ("Name,City\nJosé,Málaga\n", "utf-16-le"),
        (
            "名前,会社\n山田太郎,株式会社トヨタ自動車販売\n鈴木花子,東京電力ホールディングス\n",
            "shift_jis",
        ),
    ],
)
def test_any_encoding_is_read(load: Load, text: str, encoding: str) -> None:
    batch = load(text.encode(encoding))
    assert batch.encoding == encoding
    assert batch.headers[0] == text.partition("\n")[0].replace(";", ",").partition(",")[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~"])
def test_any_delimiter_is_found(delimiter: str) -> None:
    lines = ["Name,Email,Value", "Doe; J,j@x.com,1", "Roe,r@x.com,2"]
    text = "\n".join(line.replace("; ", " ").replace(",", delimiter) for line in lines)
    assert sniffing.delimiter_of(text) == delimiter


def test_excel_may_name_the_delimiter() -> None:
    text = "sep=;\nName;Email\nDoe, J;j@x.com\n"
    assert sniffing.delimiter_of(text) == ";"
    assert rows_of(text.encode(), delimiter=";")[0] == (1, ["Name", "Email"])


def test_the_top_of_a_report_is_passed_by(load: Load) -> None:
    batch = load(
        "Leads by month\nGenerated,1 May 2024\n\nFull Name,E-Mail,,Phone,Phone\n"
        "Jane Roe,jane@x.com,a,+14155552671,+14155552672\n"
    )
    assert batch.header_row == 4
    assert batch.headers == ["Full Name", "E-Mail", "Column 3", "Phone", "Phone (2)"]
    assert batch.mapping[:2] == ["display_name", "email"]
    assert batch.mapping[3:] == ["phone", "answer"]


def test_a_file_without_names_is_told_by_its_values(load: Load) -> None:
    batch = load("Jane Roe,jane@x.com,+14155552671\nJohn Doe,john@x.com,+14155552672\n")
    assert batch.header_row == 0
    assert batch.headers == ["Column 1", "Column 2", "Column 3"]
    assert batch.mapping[1:] == ["email", "phone"]


def test_old_line_ends_and_nul_and_quotes() -> None:
    data = b'Name,Note\rJane,"two\rlines"\rJo\0hn,"a ""b"" c"\r'
    assert rows_of(data) == [
        (1, ["Name", "Note"]), (2, ["Jane", "two\nlines"]), (3, ["John", 'a "b" c'])
    ]  # fmt: skip


def test_a_workbook_gives_dates_numbers_and_texts(load: Load) -> None:
    data = workbook(
        [
            ["Name", "E-mail", "Phone", "Created"],
            ["Jane & Jo", "j@x.com", 4155552671.0, date(2024, 3, 5)],
        ]
    )
    batch = load(data, "leads.csv")  # its content tells what it is, not its name
    assert batch.form == "xlsx"
    assert [one[0] for one in batch.samples] == ["Jane & Jo", "j@x.com", "4155552671", "2024-03-05"]
    assert batch.mapping == ["display_name", "email", "phone", "created_at"]


def test_a_workbook_is_read_as_a_stream() -> None:
    rows: list[list[Any]] = [["Name", "E-mail"]]
    rows += [[f"Person {n}", f"p{n}@x.com"] for n in range(5000)]
    found = rows_of(workbook(rows), "xlsx")
    assert len(found) == 5001
    assert found[-1] == (5001, ["Person 4999", "p4999@x.com"])


BOMB = "<worksheet>" + " " * (30 * 1024**2) + "</worksheet>"
ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b" \n\n ", "empty"),
        (b"%PDF-1.7", "This is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel workbook"),
        (b"\x89PNG\r\n", "a picture"),
        (b"<html><table><tr><td>a</td></tr></table>", "web page"),
        (b'[{"name": "x"}]', "JSON"),
        (b"\x01\x02\x00\x00\x00\x03\x00\x00\x00\x09\x00\x00", "no text"),
        (workbook([["a"]], **{"xl/workbook.xml": "<workbook"}), "damaged"),
        (workbook([["a"]])[:300], "damaged"),
        (workbook([["a"]], **{"xl/worksheets/sheet2.xml": BOMB}), "grows to 30 MB"),
        (workbook([["a"]], **{"xl/worksheets/sheet2.xml": ENTITIES}), "document type"),
        ((",".join(f"c{n}" for n in range(1000)) + "\n").encode() * 2, "1,000 columns"),
        (b'Name,Email\nJane,"' + b"x" * 200_000, "Is a quote missing?"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_file_says_what_it_is_and_what_is_expected(
    load: Load, data: bytes, message: str
) -> None:
    assert message in complaint_about(data, load)


def complaint_about(data: bytes, load: Load) -> str:
    """What is said of a file: at once, and then nothing of it is kept, or once it has been read."""
    try:
        batch = load(data)
    except UnreadableFile as problem:
        return "" if Import.objects.exists() else str(problem)
    return batch.problem if batch.state == Import.State.FAILED else ""


def test_an_archive_that_is_no_workbook_is_told(load: Load) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    batch = load(out.getvalue(), "leads.xlsx")
    assert (batch.state, "not an Excel workbook" in batch.problem) == ("failed", True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-12 09:14", "2024-03-12T08:14"),
        ("2024-01-15T10:00:00Z", "2024-01-15T10:00"),
        ("2026-07-16T00:12:13+03:00", "2026-07-15T21:12"),
        ("12.03.2024 09:14", "2024-03-12T08:14"),
        ("12/3/24", "2024-03-12T11:00"),
        ("12 March 2024", "2024-03-12T11:00"),
        ("Mar 12, 2024 2:30 PM", "2024-03-12T13:30"),
        ("12. März 2024", "2024-03-12T11:00"),
        ("1710230400", "2024-03-12T08:00"),
        ("45363", "2024-03-12T11:00"),
    ],
)  # fmt: skip
def test_dates_are_read_as_the_world_writes_them(text: str, expected: str) -> None:
    from zoneinfo import ZoneInfo

    found = values.moment(text, ZoneInfo("Europe/Berlin"), day_first=True)
    assert f"{found.astimezone(UTC):%Y-%m-%dT%H:%M}" == expected


def test_the_order_of_day_and_month_is_told_by_the_values() -> None:
    assert values.days_come_first(["1/2/2024", "13/2/2024"], "US")
    assert not values.days_come_first(["1/2/2024", "2/13/2024"], "DE")
    assert (values.days_come_first(["1/2/2024"], "DE"), values.days_come_first(["1/2/2024"], "US")) == (
        True, False,
    )  # fmt: skip
    found = values.moment("3/4/2024", UTC, day_first=False)
    assert found == datetime(2024, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("$1,234.50", "1234.50"), ("1.234,50 €", "1234.50"), ("12k", "12000.00"), ("1'500", "1500.00"),
     ("1.500", "1500.00"), ("99,5", "99.50")],
)  # fmt: skip
def test_amounts_are_read_as_the_world_writes_them(text: str, amount: str) -> None:
    assert values.amount(text) == amount


@pytest.mark.parametrize("text", ["lots", "-5", "9" * 20])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        values.amount(text)


def test_names_of_columns_are_compared_by_their_words() -> None:
    assert {headers.normal(one) for one in ("LeadID", "lead_id", " Lead-Id ")} == {"lead id"}
