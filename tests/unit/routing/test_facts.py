"""Facts change one at a time, and their version says all of them."""

from __future__ import annotations

import pytest

from trunkline.engine.routing.facts import NO_FACTS, changed, facts_of
from trunkline.engine.scoring.rate_book import NO_RATES, Rate, RateBook, Rates
from trunkline.switch.facts import FactBoard

pytestmark = pytest.mark.unit

BOOK = RateBook(Rates(account="acme", at_ms=1, routes={"p.t.a": Rate(1, 1.0, 1.0)}))


def test_what_one_finds_out_leaves_what_others_have() -> None:
    board = FactBoard()
    assert board.of("acme") is NO_FACTS
    board.change("acme", rates=BOOK)
    board.change("acme", penalties={"a": 100, "b": 0})
    facts = board.change("acme", down=frozenset({"a"}))
    assert (facts.down, facts.rates, facts.penalties) == ({"a"}, BOOK, {"a": 100})
    assert facts == facts_of({"a"}, BOOK, {"a": 100}) == board.of("acme")
    assert board.of("other") is NO_FACTS
    board.change("acme", down=frozenset(), penalties={})
    assert board.of("acme") == facts_of(rates=BOOK)
    assert board.change("acme", rates=NO_RATES) is NO_FACTS


def test_each_fact_has_a_part_in_the_version() -> None:
    versions = [
        each.version
        for each in (
            NO_FACTS,
            facts_of(["a"]),
            facts_of(["b"]),
            facts_of(penalties={"a": 1}),
            facts_of(rates=BOOK),
            facts_of(["a"], BOOK),
        )
    ]
    assert len(set(versions)) == len(versions)
    assert facts_of(["b", "a"]).version == facts_of(["a", "b"]).version


@pytest.mark.parametrize("penalty", [-1, 10_001])
def test_a_penalty_is_a_share_of_the_bid(penalty: int) -> None:
    with pytest.raises(AssertionError, match="share"):
        changed(NO_FACTS, penalties={"a": penalty})
