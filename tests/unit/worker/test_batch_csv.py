"""CSV files as they come: separators, encodings, quotes; and what is refused before a row is posted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trunkline.worker.batch import csv_file
from trunkline.worker.batch.rows import BadFile, text_of
from trunkline.worker.batch.source import SourceFile
from trunkline.worker.batch.table import Table

pytestmark = pytest.mark.unit


def rows(path: Path, content: bytes, **said: str) -> tuple[str, list[tuple[int, list[str]]]]:
    """How the file is described, and every row with its number, the header first."""
    path.write_bytes(content)
    with SourceFile(path) as source, Table(source, **said) as table:  # type: ignore[arg-type]
        read = [table.header, *table.body()]
        assert table.rows == len(read) - 1
        return table.described, [(row.number, [text_of(cell) for cell in row.cells]) for row in read]


@pytest.mark.parametrize(
    ("content", "described", "expected"),
    [
        (b"phone,zip\n1,2\n", "UTF-8, separated by commas", [(1, ["phone", "zip"]), (2, ["1", "2"])]),
        (b"phone;zip\r\n1;2,5\r\n", "UTF-8, separated by semicolons", [(1, ["phone", "zip"]), (2, ["1", "2,5"])]),
        (b"phone\tzip\r1\t2\r", "UTF-8, separated by tabs", [(1, ["phone", "zip"]), (2, ["1", "2"])]),
        (b"phone|zip\n1|2", "UTF-8, separated by bars", [(1, ["phone", "zip"]), (2, ["1", "2"])]),
        (b"sep=;\nphone;zip\n1;2\n", "UTF-8, separated by semicolons", [(1, ["phone", "zip"]), (2, ["1", "2"])]),
        (b"\xef\xbb\xbfphone,name\n1,Jos\xc3\xa9\n", "UTF-8, separated by commas", [(1, ["phone", "name"]), (2, ["1", "José"])]),  # noqa: E501
        (b"phone,name\n1,Jos\xe9\n", "WINDOWS-1252, separated by commas", [(1, ["phone", "name"]), (2, ["1", "José"])]),
        ("phone,name\n1,José\n".encode("utf-16"), "UTF-16, separated by commas", [(1, ["phone", "name"]), (2, ["1", "José"])]),  # noqa: E501
        ("phone,name\n1,Jos\n".encode("utf-16-le"), "UTF-16-LE, separated by commas", [(1, ["phone", "name"]), (2, ["1", "Jos"])]),  # noqa: E501
        (b"phone\n1\n", "UTF-8, separated by commas", [(1, ["phone"]), (2, ["1"])]),
        (b'\n\nphone,note\n1,"two\nlines, ""quoted"""\n\n,\n3,4\n', "UTF-8, separated by commas", [(3, ["phone", "note"]), (4, ["1", 'two\nlines, "quoted"']), (7, ["3", "4"])]),  # noqa: E501
    ],
)  # fmt: skip
def test_it_is_found_out_how_a_file_is_written(
    tmp_path: Path, content: bytes, described: str, expected: list[tuple[int, list[str]]]
) -> None:
    assert rows(tmp_path / "leads.csv", content) == (described, expected)


def test_what_is_said_of_a_file_counts(tmp_path: Path) -> None:
    described, read = rows(tmp_path / "a.csv", b"a,b;c\n1,2;3\n", encoding="latin-1", separator=";")
    assert (described, read[1]) == ("ISO8859-1, separated by semicolons", (2, ["1,2", "3"]))


def test_a_file_of_utf8_with_broken_characters_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    _, read = rows(tmp_path / "a.csv", "name\nJosé\nMüller\nZoë\n".encode() + b"\xff\xfe\n")
    assert [cells for _, cells in read[1:]] == [["José"], ["Müller"], ["Zoë"], ["\udcff\udcfe"]]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n \n", "holds nothing"),
        (b'phone,zip\n1,2\n3,"4\n5,6\n', "row 3 .*a quote is opened and not closed"),
        (b'phone,zip\n1,"2" 3\n', "row 2 .*something follows a closing quote"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", "row 2 .*longer than any form takes"),
        (b"a,b\n" + b"\x00\x01\x02" * 3000, "is no text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 100, "an old or an encrypted spreadsheet"),
        (b"a" + b"," * 600 + b"\n", "more than 500 values"),
    ],
)
def test_a_file_that_is_no_table_is_refused_whole(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(BadFile, match=told):
        rows(tmp_path / "leads.csv", content)


def test_one_line_without_end_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "RECORD_LENGTH_MAX", 1_000)
    with pytest.raises(BadFile, match="row 2"):
        rows(tmp_path / "leads.csv", b"a,b\n" + b"1," * 3_000)


def test_a_pipe_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, told in (("pipe", "is no file"), ("none.csv", "cannot be read"), (".", "is no file")):
        with pytest.raises(BadFile, match=told):
            SourceFile(tmp_path / name)


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="there is no encoding 'klingon'"):
        rows(tmp_path / "a.csv", b"a,b\n1,2\n", encoding="klingon")


def test_a_file_that_is_changed_while_it_is_read_ends_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n3,4\n")
    with SourceFile(path) as source, Table(source) as table:
        body = table.body()
        assert next(body).number == 2
        with path.open("ab") as stream:
            stream.write(b"5,6\n")
        with pytest.raises(BadFile, match="is being changed"):
            next(body)
