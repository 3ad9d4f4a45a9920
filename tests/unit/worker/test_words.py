"""Nothing that a buyer repeats of a person gets into the views."""

from __future__ import annotations

import pytest

from trunkline.worker.projections.words import WORDS_MAX, without_contacts

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (None, None),
        ("no_buyer", "no_buyer"),
        ("too old", "too old"),
        ("status 422", "status 422"),
        ("duplicate: (512) 555-0100", "duplicate: …"),
        ("+15125550100 is known", "… is known"),
        ("512.555.0100/512 555 0100", "…"),
        ("born 1984-07-21", "born …"),
        ("ann@example.com, bob@example.org: known", "…, …: known"),
        ("<ann.o'neil+tag@mail.example>", "<…>"),
        ("zip 78701 not served", "zip … not served"),
    ],
)
def test_numbers_and_addresses_are_left_out(said: str | None, kept: str | None) -> None:
    assert without_contacts(said) == kept


def test_a_long_text_is_cut_before_and_after() -> None:
    assert len(without_contacts("word " * 10_000) or "") == WORDS_MAX
    assert without_contacts("9" * 1_000_000) == "…"
