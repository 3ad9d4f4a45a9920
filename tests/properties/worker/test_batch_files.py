"""Whatever stands in a table, it is read from a CSV as it was written, and comes back from a file of errors."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.worker.batch.csv_file import SEPARATORS
from trunkline.worker.batch.leads import ESCAPE, FORMULAS, escaped
from trunkline.worker.batch.rows import text_of
from trunkline.worker.batch.source import SourceFile
from trunkline.worker.batch.table import Table

pytestmark = pytest.mark.property

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)
NAMES = ["phone", "zip", "first name"]


@given(
    rows=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=8),
    separator=st.sampled_from(SEPARATORS),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_table_is_read_as_it_was_written(
    rows: list[tuple[str, str, str]], separator: str, encoding: str, line_end: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([NAMES, *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "leads.csv")
        path.write_bytes(text.getvalue().encode(encoding))
        with SourceFile(path) as source, Table(source, separator=separator) as table:
            found = {row.number: tuple(map(text_of, row.cells)) for row in table.body()}
            assert [text_of(cell) for cell in table.header.cells] == NAMES
    wanted = {number: row for number, row in enumerate(rows, start=2) if any(map(str.strip, row))}
    assert found == wanted


@given(TEXT)
def test_an_escaped_cell_is_no_formula_and_is_restored(cell: str) -> None:
    shown = escaped(cell)
    assert not shown.startswith(tuple(each for each in FORMULAS if each != ESCAPE))
    assert shown.removeprefix(ESCAPE) == cell
