"""However the journal is cut into batches, and whatever has left memory meanwhile, the rows are the same."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.testing.lives import lives
from trunkline.worker.projections import rows
from trunkline.worker.projections.plan import VIEWS
from trunkline.worker.projections.rows import Views
from trunkline.worker.projections.table import Table

pytestmark = pytest.mark.property

Written = dict[tuple[str, str], tuple[Any, ...]]


def take_over(views: Views, written: Written) -> None:
    """What a file does with a batch."""
    for table, of in views.each():
        for values in (*of.new, *of.changed):
            written[table.name, values[0]] = values
    views.written()


@settings(max_examples=40)
@given(
    random=st.randoms(use_true_random=False),
    calls=st.integers(0, 12),
    leads=st.integers(0, 8),
    cuts=st.lists(st.integers(1, 30), min_size=1, max_size=20),
    kept=st.sampled_from([0, 1, 5, 1_000]),
)
def test_batches_do_not_matter(random: Random, calls: int, leads: int, cuts: list[int], kept: int) -> None:
    told = [(seq, contact, event) for seq, (event, contact) in enumerate(lives(random, calls, leads), 1)]
    told = [each for each in told if type(each[2]) in VIEWS.handlers]
    at_once: Written = {}
    views = Views(VIEWS.tables)
    VIEWS.fold(views, told)
    take_over(views, at_once)

    in_pieces: Written = {}

    def find(table: Table[Any], key: str) -> tuple[Any, ...] | None:
        return in_pieces.get((table.name, key))

    before, rows.ROWS_KEPT_MAX = rows.ROWS_KEPT_MAX, kept  # type: ignore[misc]
    try:
        views = Views(VIEWS.tables, find)
        begin = 0
        while begin < len(told):
            size = cuts[begin % len(cuts)]
            VIEWS.fold(views, told[begin : begin + size])
            take_over(views, in_pieces)
            begin += size
    finally:
        rows.ROWS_KEPT_MAX = before  # type: ignore[misc]
    assert in_pieces == at_once
