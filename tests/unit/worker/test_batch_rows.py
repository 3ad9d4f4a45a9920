"""Columns to fields, rows to leads, answers to what comes next."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trunkline.config.lead_fields import LeadField
from trunkline.kernel.http import Answer
from trunkline.worker.batch.answers import Again, Settled, Useless, meaning_of
from trunkline.worker.batch.columns import BadColumns, Columns, columns_of
from trunkline.worker.batch.errors_file import ErrorsFile
from trunkline.worker.batch.leads import BadRow, LeadRow, Reader, escaped, key_of
from trunkline.worker.batch.progress import Begun, OtherImport, Progress, ProgressUnusable
from trunkline.worker.batch.rows import Cell, Row, RowError, Typed, column_name
from trunkline.worker.batch.single import lead_of
from trunkline.worker.batch.source import SourceFile

pytestmark = pytest.mark.unit

FORM = (
    LeadField(name="phone", type="phone", required=True, also=("mobile", "contact.phone")),
    LeadField(name="zip", type="zip", required=True),
    LeadField(name="first_name", type="text"),
    LeadField(name="injured_on", type="date"),
    LeadField(name="adult", type="yes_no", required=True, default="yes"),
)


def columns(*names: str, form: tuple[LeadField, ...] | None = FORM, **said: str) -> Columns:
    return columns_of(Row(1, names), form, said, "leads.csv")


def sent(found: Columns) -> dict[str, tuple[str | None, str]]:
    return {column.name: (column.part, column.sent_as) for column in found.all}


def read(names: tuple[str, ...], *cells: Cell, **flags: Any) -> LeadRow | BadRow:
    return Reader(columns(*names), "injury", **flags).read(Row(2, cells))


def test_columns_are_known_by_names_other_names_and_spellings() -> None:
    found = columns("Mobile", "ZIP", "First Name", "Injured-On", "source", "consent.Page_URL", "colour", "")
    assert sent(found) == {
        "Mobile": ("field", "mobile"),
        "ZIP": ("field", "zip"),
        "First Name": ("field", "first_name"),
        "Injured-On": ("field", "injured_on"),
        "source": ("source", "source"),
        "consent.Page_URL": ("consent", "page_url"),
        "colour": (None, ""),
        "": (None, ""),
    }
    assert [column.shown for column in found.ignored] == ["G (colour)", "H (no name)"]


def test_what_scripts_and_traps_left_in_a_form_is_sent_too() -> None:
    header = Row(1, ("phone", "zip", "xxTrustedFormCertUrl", "universal_leadid", "website", "consent.colour"))
    assert sent(columns_of(header, FORM, {}, "leads.csv", "Website")) == {
        "phone": ("field", "phone"),
        "zip": ("field", "zip"),
        "xxTrustedFormCertUrl": ("consent", "certificate"),
        "universal_leadid": ("consent", "leadid"),
        "website": ("field", "website"),
        "consent.colour": (None, ""),
    }


def test_columns_are_what_is_said_of_them() -> None:
    found = columns("a", "b", "zip", "x", **{"A": "phone", "#2": "zip", "zip": "-", "X": "consent.text"})
    assert sent(found) == {
        "a": ("field", "phone"),
        "b": ("field", "zip"),
        "zip": (None, ""),
        "x": ("consent", "text"),
    }


def test_without_a_form_every_column_is_sent_by_its_name() -> None:
    found = columns("Phone", "any thing", "source", "", form=None)
    assert [(column.part, column.sent_as) for column in found.all] == [
        ("field", "Phone"),
        ("field", "any thing"),
        ("source", "source"),
        (None, ""),
    ]


@pytest.mark.parametrize(
    ("names", "said", "told"),
    [
        (("phone", "zip", "Phone"), {}, "columns A and C have the same name 'Phone'"),
        (("phone", "zip", "First Name", "first_name"), {}, r"columns C \(First Name\) and D \(first_name\) are both"),
        (("phone",), {}, "no column is the field 'zip'"),
        (("phone", "zip"), {"zipp": "zip"}, "there is no column 'zipp', did you mean 'zip'"),
        (("phone", "zip"), {"#7": "zip"}, "there is no column '#7'"),
        (("phone", "zip", "x"), {"x": "first_nam"}, "no field of the form, did you mean 'first_name'"),
        (("phone", "zip", "x"), {"x": "zip"}, r"columns B \(zip\) and C \(x\) are both 'zip'"),
        (("phone", "zip", "x"), {"x": "first_name", "#3": "injured_on"}, "is mapped to 'first_name' and to"),
        (("phone", "zip", "a\x07b"), {}, "column C has a name that cannot be read"),
    ],
)
def test_columns_that_do_not_fit_are_refused_before_anything_is_posted(
    names: tuple[str, ...], said: dict[str, str], told: str
) -> None:
    with pytest.raises(BadColumns, match=told):
        columns(*names, **said)


def test_everything_that_is_wrong_with_columns_is_told_at_once() -> None:
    with pytest.raises(BadColumns) as told:
        columns("a", "a", "b", c="zip")
    assert len(told.value.message.split("; ")) == 4


def test_a_row_becomes_a_lead() -> None:
    row = read(("phone", "zip", "first_name", "source"), " 512 ", "78701", "", "fb", source="file", test=True)
    assert row == LeadRow(
        2,
        {"campaign": "injury", "fields": {"phone": "512", "zip": "78701"}, "source": "fb", "test": True},
        (" 512 ", "78701", "", "fb"),
    )
    assert isinstance(other := read(("phone", "zip"), "1", "2", source="file"), LeadRow)
    assert other.body["source"] == "file"


def test_what_a_spreadsheet_knows_of_a_cell_is_used() -> None:
    names = ("phone", "zip", "injured_on", "adult", "first_name")
    cells = (
        Typed("number", "5125550100"),
        Typed("number", "2139"),
        Typed("moment", "2026-01-05T12:00:00"),
        Typed("number", "1"),
        Typed("day", "2026-01-05"),
    )
    row = read(names, *cells)
    assert isinstance(row, LeadRow)
    assert row.body["fields"] == {
        "phone": "5125550100",
        "zip": "02139",
        "injured_on": "2026-01-05",
        "adult": "yes",
        "first_name": "2026-01-05",
    }
    longer = read(("phone", "zip"), "1", Typed("number", "21391234"))
    assert isinstance(longer, LeadRow)
    assert longer.body["fields"]["zip"] == "021391234"


@pytest.mark.parametrize(
    ("cells", "field", "code"),
    [
        (("1", "2", "Ann", "more"), "D", "too_many_values"),
        (("1", "2"), "first_name", "missing_values"),
        (("1", "2", "Jos\udce9"), "first_name", "bad_encoding"),
        (("1", "2", "Zo\ufffd"), "first_name", "bad_encoding"),
        (("1", "#N/A", "Ann"), "zip", "spreadsheet_error"),
        (("5.12555E+09", "2", "Ann"), "phone", "rounded_by_spreadsheet"),
        (("1", "2", "é" * 40_000), "", "too_long"),
    ],
)
def test_a_row_that_cannot_be_sent_says_which_column_and_why(cells: tuple[str, ...], field: str, code: str) -> None:
    row = read(("phone", "zip", "first_name"), *cells)
    assert isinstance(row, BadRow)
    assert [(error.field, error.code) for error in row.errors] == [(field, code)]
    assert row.cells == cells


def test_values_beyond_the_columns_do_no_harm_when_they_are_empty() -> None:
    assert isinstance(read(("phone", "zip"), "1", "2", "", " "), LeadRow)


def test_a_key_is_of_the_file_the_campaign_and_the_row() -> None:
    keys = {key_of(*each) for each in (("a", "x", 2), ("a", "x", 3), ("a", "y", 2), ("b", "x", 2))}
    keys.add(key_of("a", "x", 2, test=True))
    assert len(keys) == 5
    assert key_of("a", "x", 2) == key_of("a", "x", 2)
    assert all(len(key) <= 60 for key in keys)


def test_column_names_are_those_of_spreadsheets() -> None:
    assert [column_name(place) for place in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_a_file_of_errors_holds_no_formula_and_is_read_back_as_it_was(tmp_path: Path) -> None:
    names = ("phone", "zip", "=note")
    found = columns(*names)
    nasty = ["+15125550100", "=cmd|' /C calc'!A0", "@SUM(A1)", "-1", "'quoted", "\ttab", "plain", "''"]
    path = tmp_path / "errors.csv"
    with ErrorsFile(path, found, going_on=False) as errors:
        for number, cell in enumerate(nasty, start=2):
            wrong = (RowError("zip", "zip_invalid", "=No ZIP."), RowError("phone", "required", "Needed."))
            errors.add(number, wrong, (cell, "7", "a,\nb"))
    table = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    assert table[0] == ["error_row", "error_field", "error_code", "error_message", "phone", "zip", "'=note"]
    assert table[1][:4] == ["2", "zip; phone", "zip_invalid; required", "'=No ZIP.; Needed."]
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))]
    again = columns_of(Row(1, tuple(table[0])), FORM, {}, "errors.csv")
    assert again.escaped
    assert sent(again)["phone"] == ("field", "phone")
    rows = [Reader(again, "injury").read(Row(place, tuple(row))) for place, row in enumerate(table[1:], start=2)]
    assert [row.cells[4] for row in rows] == nasty
    assert isinstance(rows[0], LeadRow)
    assert rows[0].body["fields"] == {"phone": "+15125550100", "zip": "7"}
    assert escaped("") == ""


def test_errors_that_were_written_before_an_interruption_are_not_written_twice(tmp_path: Path) -> None:
    found, path, wrong = columns("phone", "zip"), tmp_path / "errors.csv", (RowError("", "x", "y"),)
    with ErrorsFile(path, found, going_on=False) as errors:
        errors.add(2, wrong, ("1", "2"))
    with ErrorsFile(path, found, going_on=True) as errors:
        errors.add(2, wrong, ("1", "2"))
        errors.add(3, wrong, ("3", "4"))
    assert [line.split(",")[0] for line in path.read_text(encoding="utf-8-sig").splitlines()] == ["error_row", "2", "3"]


BEGUN = Begun(file="leads.csv", digest="d" * 64, campaign="injury", url="http://a/v1/leads")


def test_progress_goes_on_behind_the_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv.progress"
    with Progress(path, BEGUN) as progress:
        progress.add(2, "accepted", "lead_1")
        progress.add(9, "invalid", "")
    with path.open("ab") as stream:
        stream.write(b"10,acc")
    with Progress(path, BEGUN) as progress:
        assert [row for row in range(1, 20) if progress.has(row)] == [2, 9]
        assert (len(progress), progress.statuses) == (2, {"accepted": 1, "invalid": 1})
        progress.add(10, "held", "lead_2")
        with pytest.raises(ProgressUnusable, match="another import is using"):
            Progress(path, BEGUN)
    assert path.read_text().splitlines()[1:] == ["2,accepted,lead_1", "9,invalid,", "10,held,lead_2"]


def test_progress_knows_which_rows_were_posted_and_have_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv.progress"
    with Progress(path, BEGUN) as progress:
        for row in (2, 3):
            progress.ask(row, 1_000)
        progress.add(2, "accepted", "lead_1")
    with Progress(path, BEGUN) as progress:
        assert (progress.asked, progress.has(3), len(progress)) == ({3: 1_000}, False, 1)
        progress.ask(3, 9_000)
        assert progress.asked == {3: 1_000}, "it was posted then"
        progress.add(3, "accepted", "lead_2")
        assert progress.asked == {}
    with Progress(path, BEGUN) as progress:
        assert (progress.asked, len(progress)) == ({}, 2)


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (msgspec.structs.replace(BEGUN, digest="e" * 64), "has changed since its import began"),
        (msgspec.structs.replace(BEGUN, campaign="other"), "is of an import into other"),
        (msgspec.structs.replace(BEGUN, url="http://b/v1/leads"), "at http://b/v1/leads"),
    ],
)
def test_progress_of_another_import_is_not_gone_on_with(tmp_path: Path, before: Begun, told: str) -> None:
    with Progress(tmp_path / "p", before) as progress:
        progress.add(2, "accepted", "")
    with pytest.raises(OtherImport, match=told):
        Progress(tmp_path / "p", BEGUN)


def test_another_file_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "p"
    for content in ("phone,zip\n1,2\n", msgspec.json.encode(BEGUN).decode() + "\nhello\n"):
        path.write_text(content)
        with pytest.raises(OtherImport, match="is no file of progress"):
            Progress(path, BEGUN)
        assert path.read_text() == content
    with pytest.raises(ProgressUnusable, match="cannot be written"):
        Progress(tmp_path / "none" / "p", BEGUN)


def answer(status: int, document: object = None, **headers: str) -> Answer:
    body = b"<html>" if document is None else msgspec.json.encode(document)
    return Answer(status=status, headers=headers, body=body, url="http://a")


FIELD_ERRORS = [{"field": "zip", "code": "zip_invalid", "message": "No ZIP."}]


@pytest.mark.parametrize(
    ("given", "meaning"),
    [
        (answer(201, {"id": "lead_1", "status": "accepted", "payout": "21.00", "currency": "USD"}), Settled(status="accepted", lead="lead_1", payout=Decimal("21.00"), currency="USD")),  # noqa: E501
        (answer(200, {"id": "lead_1", "status": "unmatched", "reasons": []}), Settled(status="unmatched", lead="lead_1")),  # noqa: E501
        (answer(202, {"id": "lead_1", "status": "held"}), Settled(status="held", lead="lead_1")),
        (answer(409, {"status": "duplicate", "of": "call_7"}), Settled(status="duplicate", lead="call_7")),
        (answer(409, {"status": "idempotency_conflict", "message": "Other body."}), Settled(status="idempotency_conflict", errors=(RowError("", "idempotency_conflict", "Other body."),))),  # noqa: E501
        (answer(422, {"status": "invalid", "field_errors": FIELD_ERRORS}), Settled(status="invalid", errors=(RowError("zip", "zip_invalid", "No ZIP."),))),  # noqa: E501
        (answer(503, {"status": "interrupted", "id": "lead_1"}), Settled(status="interrupted", lead="lead_1")),
        (answer(503, {"status": "interrupted"}), Again(None, "the switch answers 503")),
        (answer(400), Settled(status="status_400", errors=(RowError("", "status_400", "The switch answers 400."),))),
        (answer(429, {}, **{"retry-after": "7"}), Again(7, "the switch answers 429")),
        (answer(503, {}, **{"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}), Again(91, "the switch answers 503")),
        (answer(503, {}, **{"retry-after": "999999999999"}), Again(3600, "the switch answers 503")),
        (answer(500, {}, **{"retry-after": "soon"}), Again(None, "the switch answers 500")),
    ],
)  # fmt: skip
def test_what_answers_mean(given: Answer, meaning: object) -> None:
    assert meaning_of(given, now_s=10.0) == meaning


@pytest.mark.parametrize("status", [200, 204, 301, 401, 403, 404, 418])
def test_answers_that_no_row_will_ever_get_past_end_the_import(status: int) -> None:
    assert isinstance(meaning_of(answer(status), 0.0), Useless)


@pytest.mark.parametrize(
    ("text", "campaign", "body"),
    [
        ('{"phone": "1", "contact": {"zip": "2"}}', "injury", {"campaign": "injury", "fields": {"phone": "1", "contact": {"zip": "2"}}}),  # noqa: E501
        ('\ufeff{"campaign": "injury", "fields": {"phone": "1"}, "source": "fb"}', None, {"campaign": "injury", "fields": {"phone": "1"}, "source": "fb"}),  # noqa: E501
    ],
)  # fmt: skip
def test_one_lead_in_json(tmp_path: Path, text: str, campaign: str | None, body: dict[str, Any]) -> None:
    (tmp_path / "lead.json").write_text(text)
    with SourceFile(tmp_path / "lead.json") as source:
        assert lead_of(source, campaign) == body
