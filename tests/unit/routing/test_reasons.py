"""The list of reasons: its order is a promise, every reason has words, and the page says what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.engine.routing.reasons import GUARD_LEVELS, LIMIT_LEVELS, ROUTE_WORDS, UNSOLD_WORDS, Reason, Unsold
from trunkline.engine.routing.reasons_page import page
from trunkline.engine.terms.payouts import NOT_PAID_WORDS, NotPaid

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[3] / "docs/reference/reasons.md"


def test_the_order_of_reasons() -> None:
    assert " ".join(Reason) == (
        "kind paused hours criteria suppression duplicate attestation floor hop target_down method_unavailable bid "
        "score funds limit already_offered out_of_patience"
    )
    assert " ".join(GUARD_LEVELS) == (
        "account campaign publisher number ping plan tier group buyer bidder target route"
    )
    assert " ".join(LIMIT_LEVELS) == "account campaign publisher group buyer bidder target route"


def test_every_code_has_words() -> None:
    assert ROUTE_WORDS.keys() == set(Reason)
    assert UNSOLD_WORDS.keys() == set(Unsold)
    assert NOT_PAID_WORDS.keys() == set(NotPaid)
    for words in (*ROUTE_WORDS.values(), *UNSOLD_WORDS.values()):
        assert words.operator.endswith(".")


def test_the_public_words_of_a_route_name_no_other_buyer_or_price() -> None:
    told = {words.publisher for words in ROUTE_WORDS.values()}
    assert told == {"no_buyer", "no_buyer_area", "no_buyer_open", "no_capacity", "duplicate"}


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text() == page(), (
        "run: python -m trunkline.engine.routing.reasons_page > docs/reference/reasons.md"
    )
