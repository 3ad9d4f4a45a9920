"""A row's hash depends on every column and on the row before."""

from __future__ import annotations

import pytest

from trunkline.journal.chain import Unhashed, first_hash, row_hash

pytestmark = pytest.mark.unit

ROW: Unhashed = (1, 2, "call.ended", 1, "acme", "call_1", None, b"{}", None)
CHANGED = (2, 3, "call.endec", 2, None, "call_2", "", b"{ }", b"")


def test_every_column_counts_and_null_is_not_empty() -> None:
    first = first_hash("sw1")
    hashes = {row_hash(first, ROW)}
    for column, value in enumerate(CHANGED):
        changed = (*ROW[:column], value, *ROW[column + 1 :])
        hashes.add(row_hash(first, changed))  # type: ignore[arg-type]
    assert len(hashes) == len(ROW) + 1


def test_bytes_can_not_move_from_one_column_to_the_next() -> None:
    first = first_hash("sw1")
    moved: Unhashed = (1, 2, "call.ende", 1, "dacme", "call_1", None, b"{}", None)
    assert row_hash(first, moved) != row_hash(first, ROW)


def test_the_chain_is_of_its_stream_and_its_order() -> None:
    assert first_hash("sw1") != first_hash("sw2")
    assert row_hash(first_hash("sw1"), ROW) != row_hash(row_hash(first_hash("sw1"), ROW), ROW)
