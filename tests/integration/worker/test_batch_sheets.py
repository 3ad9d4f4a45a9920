"""Spreadsheets: what their cells are, which sheet is read, and files that are made to do harm."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from tests.integration.worker.sheets import Value, ods, sheet_xml, xlsx

from trunkline.worker.batch import sheet_file
from trunkline.worker.batch.rows import BadFile, Typed
from trunkline.worker.batch.source import SourceFile
from trunkline.worker.batch.table import Table

pytestmark = pytest.mark.integration


def test_cells_say_what_the_spreadsheet_knew_and_rows_have_its_numbers(tmp_path: Path) -> None:
    leads: list[list[Value]] = [
        [],
        ["phone", "zip", "on", "at", "asked", "share", "note"],
        [5125550100.0, 2139.0, ("day", 46000.0), ("moment", 46000.5), True, 0.125, "=1+1"],
        [],
        ["512", "02139", None, None, False, 1e-7, None],
    ]
    path = xlsx(tmp_path / "leads.xlsx", {"Draft": [["x"]], "Leads": leads, "Notes": [["y"]]}, hidden=("Draft",))
    with SourceFile(path) as source, Table(source) as table:
        assert table.described == "sheet 'Leads'; not read: Notes"
        assert table.header.number == 2
        assert [(row.number, row.cells) for row in table.body()] == [
            (
                3,
                (
                    Typed("number", "5125550100"),
                    Typed("number", "2139"),
                    Typed("day", "2025-12-09"),
                    Typed("moment", "2025-12-09T12:00:00"),
                    Typed("yes_no", "yes"),
                    Typed("number", "0.125"),
                    "=1+1",
                ),
            ),
            (5, ("512", "02139", "", "", Typed("yes_no", "no"), Typed("number", "0.0000001"), "")),
        ]


def test_another_sheet_can_be_named_and_open_documents_are_read(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", {"One": [["a"], ["1"]], "Two": [["b"], ["2"]]})
    with SourceFile(path) as source:
        with Table(source, sheet="Two") as table:
            assert [table.header.cells, *(row.cells for row in table.body())] == [("b",), ("2",)]
        with pytest.raises(BadFile, match="there is no sheet 'Three'; there are: 'One', 'Two'"):
            Table(source, sheet="Three")
    with SourceFile(ods(tmp_path / "a.ods", [["phone", "zip"], ["1", "02139"]])) as source, Table(source) as table:
        assert [table.header.cells, *(row.cells for row in table.body())] == [("phone", "zip"), ("1", "02139")]


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_file, "UNPACKED_BYTES_MAX", 100_000)
    path = xlsx(tmp_path / "bomb.xlsx", {"Leads": [["a"], ["x" * 200_000]]})
    data = bytearray(path.read_bytes())
    declared = (200_000 + len(sheet_xml([["a"], [""]]))).to_bytes(4, "little")
    assert declared in data, "the archive says how much it unpacks to"
    path.write_bytes(data.replace(declared, (10).to_bytes(4, "little")))
    with SourceFile(path) as source, pytest.raises(BadFile, match=r"unpacks to more than|damaged"):
        Table(source)


def test_a_cell_in_the_last_row_and_column_asks_for_no_billions_of_cells(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "far.xlsx", {"Leads": [["a"], ["1"]]})
    far = sheet_xml([["a"], ["1"]], '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    replaced = tmp_path / "far2.xlsx"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(replaced, "w") as after:
        for name in before.namelist():
            after.writestr(name, far if "sheet1" in name else before.read(name))
    with SourceFile(replaced) as source, pytest.raises(BadFile, match=r"GB of memory|cannot be read|columns"):
        Table(source)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04" + b"\0" * 100, "damaged or encrypted"),
        ({"readme.txt": "no sheet"}, "cannot be read"),
        ({"xl/workbook.xml": "<workbook>", "[Content_Types].xml": "<"}, "cannot be read"),
    ],
)
def test_what_is_no_spreadsheet_is_told_so(tmp_path: Path, content: bytes | dict[str, str], told: str) -> None:
    path = tmp_path / "leads.xlsx"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in content.items():
                archive.writestr(name, text)
    with SourceFile(path) as source, pytest.raises(BadFile, match=told):
        Table(source)


def test_an_empty_sheet_is_told_so(tmp_path: Path) -> None:
    with (
        SourceFile(xlsx(tmp_path / "a.xlsx", {"Leads": []})) as source,
        pytest.raises(BadFile, match="'Leads' is empty"),
    ):
        Table(source)
