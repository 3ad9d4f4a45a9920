"""Settlement: bids in, ranked routes out, and what became of everybody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.routing.accounts import Caller, at, query, router

from trunkline.engine.routing.auction import Bid, Entrant, Fate, settle
from trunkline.engine.routing.facts import facts_of
from trunkline.engine.routing.offer import Auction, Candidate, Exhausted, Offer
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit


def bid(minor: int, currency: str = "USD", after_ms: int = 0) -> Bid:
    return Bid("bid", Money(minor, currency), after_ms)


def entrant(place: int, price: int | None = None, **fields: int) -> Entrant:
    given = {"floor": 0, "priority": 1, "turn": 0, "penalty": 0} | fields
    return Entrant(place=place, target=f"t{place}", price=price, **given)


def fates(entrants: list[Entrant], bids: dict[str, Bid], deadline_ms: int = 1_000) -> list[tuple[int, str]]:
    return [(each.entrant.place, each.fate.value) for each in settle(entrants, bids, deadline_ms, "USD")]


def test_the_highest_bid_wins_and_static_prices_compete() -> None:
    entrants = [entrant(0, price=4_000), entrant(1), entrant(2)]
    assert fates(entrants, {"t1": bid(3_999), "t2": bid(4_001)}) == [(2, "won"), (0, "lost"), (1, "lost")]
    assert fates(entrants, {}) == [(0, "won"), (1, "not_asked"), (2, "not_asked")]


@pytest.mark.parametrize(
    ("answer", "fate"),
    [
        (Bid("no_bid"), "no_bid"),
        (Bid("timeout"), "timeout"),
        (Bid("http_error"), "http_error"),
        (Bid("shed"), "shed"),
        (Bid("not_asked"), "not_asked"),
        (bid(0), "no_bid"),
        (bid(9_999, "EUR"), "currency"),
        (bid(9_999, after_ms=1_001), "late"),
        (bid(9_999, after_ms=1_000), "won"),
        (bid(499), "below_floor"),
        (bid(500), "won"),
    ],
)
def test_every_answer_has_a_fate(answer: Bid, fate: str) -> None:
    assert fates([entrant(0, floor=500)], {"t0": answer}) == [(0, fate)]


def test_a_static_price_has_its_floor_too() -> None:
    assert fates([entrant(0, price=499, floor=500), entrant(1, price=500, floor=500)], {}) == [
        (1, "won"),
        (0, "below_floor"),
    ]


def test_a_penalty_moves_the_rank_and_not_the_price() -> None:
    standings = settle([entrant(0, penalty=2_000), entrant(1)], {"t0": bid(1_200), "t1": bid(961)}, 1_000, "USD")
    assert [(each.entrant.place, each.bid) for each in standings] == [(1, 961), (0, 1_200)]
    standings = settle([entrant(0, penalty=2_000), entrant(1)], {"t0": bid(1_200), "t1": bid(960)}, 1_000, "USD")
    assert [each.entrant.place for each in standings] == [0, 1], "960.00 exactly: a tie, by place"


def test_no_rounding_makes_a_tie() -> None:
    """A ten-thousandth of one cent decides."""
    entrants = [entrant(0, penalty=1), entrant(1, penalty=2)]
    assert [place for place, _ in fates(entrants, {"t0": bid(1), "t1": bid(1)})] == [0, 1]
    assert [place for place, _ in fates(entrants[::-1], {"t0": bid(1), "t1": bid(1)})] == [0, 1]


def test_ties_go_by_priority_then_by_the_longest_without_a_win_then_by_place() -> None:
    same = {f"t{place}": bid(1_000) for place in range(5)}
    entrants = [
        entrant(0, priority=2),
        entrant(1, turn=7),
        entrant(2, turn=3),
        entrant(3),
        entrant(4),
    ]
    assert [place for place, _ in fates(entrants, same)] == [3, 4, 2, 1, 0]


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), max_size=8
    ),
    st.randoms(use_true_random=False),
)
def test_settling_is_whole_and_does_not_depend_on_the_order_of_entrants(
    rows: list[tuple[int, int | None, int, int]], chance: object
) -> None:
    entrants = [
        entrant(place, price, floor=floor, priority=priority) for place, (_, price, floor, priority) in enumerate(rows)
    ]
    bids = {f"t{place}": bid(amount) for place, (amount, *_) in enumerate(rows) if amount}
    standings = settle(entrants, bids, 1_000, "USD")
    assert sorted(each.entrant.place for each in standings) == list(range(len(rows)))
    chance.shuffle(entrants)  # type: ignore[attr-defined]
    assert settle(entrants, bids, 1_000, "USD") == standings
    sold = [each for each in standings if each.fate in {Fate.WON, Fate.LOST}]
    assert [each.fate for each in sold] == [Fate.WON] * bool(sold) + [Fate.LOST] * (len(sold) - 1)
    assert all(each.bid is not None and each.bid >= each.entrant.floor for each in sold)
    assert [each.weighed for each in sold] == sorted((each.weighed for each in sold), reverse=True)
    assert standings[: len(sold)] == tuple(sold)


MARKET = """
targets:
  - {key: a1, buyer: ann, dial: "sip:a1@127.0.0.1", bid: {dialect: generic, url: "http://127.0.0.1:9100/", timeout_ms: 600}}
  - {key: a2, buyer: ann, dial: "sip:a2@127.0.0.1"}
  - {key: b1, buyer: bob, dial: "sip:b1@127.0.0.1", bid: {dialect: generic, url: "http://127.0.0.1:9101/"}}
plans:
  - key: main
    patience_seconds: 10
    max_offers: 3
    tiers:
      - {key: t, method: auction, deadline_ms: 700, floor: "0.50", routes: [{target: a1}, {target: a2, price: "1.00"}, {target: b1}]}
"""  # noqa: E501


def test_the_cursor_says_whom_to_ask_and_goes_on_when_it_is_settled() -> None:
    caller = Caller(router(MARKET), query())
    asked = caller.cursor.candidate(caller.capacity, at())
    assert isinstance(asked, Auction)
    assert (asked.plan, asked.tier, asked.deadline_ms) == ("main", "t", 700)
    assert [(each.target, each.timeout_ms, str(each.floor)) for each in asked.bidders] == [
        ("a1", 600, "0.50"),
        ("b1", 700, "0.50"),
    ]
    assert caller.cursor.next(caller.capacity, "l", "a", "c", at()) == asked, "it waits"
    caller.cursor.settle({"a1": bid(90), "b1": Bid("bid", Money(250, "USD"), 600, "their-7")})
    first = caller.next(1)
    assert isinstance(first, Offer)
    assert (first.candidate.target, str(first.candidate.terms.price)) == ("b1", "2.50")
    assert first.candidate.bid is not None
    assert first.candidate.bid.id == "their-7"
    assert caller.routes() == ["main.t.a2", "main.t.a1"]
    (held,) = caller.cursor.auctions()
    assert [(route, each.fate.value) for route, each in held.standings] == [
        ("main.t.b1", "won"),
        ("main.t.a2", "lost"),
        ("main.t.a1", "lost"),
    ]


def test_the_time_to_ask_is_at_most_what_is_left_of_the_patience() -> None:
    caller = Caller(router(MARKET), query())
    asked = caller.cursor.candidate(caller.capacity, at(9.75))
    assert isinstance(asked, Auction)
    assert (asked.deadline_ms, {each.timeout_ms for each in asked.bidders}) == (250, {250})


def test_nobody_is_asked_when_no_offer_would_follow() -> None:
    caller = Caller(router(MARKET), query())
    end = caller.cursor.candidate(caller.capacity, at(10))
    assert isinstance(end, Exhausted)
    assert end.reason == "out_of_patience"
    assert {each.route: each.reason for each in end.rejected} == {
        "main.t.a1": "bid",
        "main.t.a2": "out_of_patience",
        "main.t.b1": "bid",
    }


def test_the_winner_is_reserved_when_it_is_offered_and_a_refusal_means_the_next_bid() -> None:
    text = MARKET.replace('http://127.0.0.1:9101/"}', 'http://127.0.0.1:9101/", limits: [{measure: live, max: 1}]}')
    asked = router(text)
    first, second = Caller(asked, query()), Caller(asked, query())
    second.capacity = first.capacity
    found = []
    for caller in (first, second):
        assert isinstance(caller.cursor.candidate(caller.capacity, at()), Auction)
        caller.cursor.settle({"a1": bid(200), "b1": bid(300)})
        candidate = caller.cursor.candidate(caller.capacity, at())
        assert isinstance(candidate, Candidate)
        found.append(candidate.target)
    assert found == ["b1", "b1"], "asking has held nothing"
    won, next_best = first.next(), second.next()
    assert isinstance(won, Offer)
    assert isinstance(next_best, Offer)
    assert (won.candidate.target, next_best.candidate.target) == ("b1", "a1")


def test_equal_bids_take_turns_at_winning() -> None:
    asked, winners = router(MARKET), []
    capacity = Caller(asked, query()).capacity
    for _ in range(6):
        caller = Caller(asked, query(), capacity)
        assert isinstance(caller.next(), Auction)
        caller.cursor.settle({"a1": bid(300), "b1": bid(300)})
        offer = caller.next()
        assert isinstance(offer, Offer)
        winners.append(offer.candidate.target)
    assert winners == ["a1", "b1"] * 3


def test_a_return_penalty_is_a_fact_with_a_version() -> None:
    from msgspec.structs import replace

    question = replace(query(), bids={"a1": bid(300), "b1": bid(290)})
    facts = facts_of(penalties={"a1": 500})
    explained = router(MARKET).explain(question, Caller(router(MARKET), question).capacity, facts)
    assert [offer.target for offer in explained.offers] == ["b1", "a1", "a2"]
    assert str(explained.offers[1].terms.price) == "3.00"
    assert explained.versions.facts == facts.version != facts_of(penalties={"a1": 501}).version
    assert facts_of(penalties={"a1": 0}) == facts_of()
