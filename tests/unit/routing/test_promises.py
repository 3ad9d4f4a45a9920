"""A caller for whom a publisher was promised something: who may have it, who comes first, what is earned."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest
from tests.unit.routing.accounts import Caller, at, query, router

from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.offer import Auction, Offer, Query
from trunkline.engine.terms.promises import Promise
from trunkline.engine.terms.terms import PayoutTerms
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit

PLAN = """
campaigns: [{key: camp, flow: intake, plan: main, payouts: [{publisher: pub, percent: 50}]}]
plans:
  - key: main
    tiers: [{key: t, method: priority, routes: [
      {target: a1, priority: 1, price: "50.00"},
      {target: a2, priority: 2, price: "20.00"},
      {target: b1, priority: 3, price: "40.00", conversion: {call: {event: duration, seconds: 90}}}]}]
"""
AUCTION = """
targets:
  - {key: a1, buyer: ann, dial: "sip:a1@127.0.0.1", bid: {dialect: generic, url: "http://127.0.0.1/a"}}
  - {key: b1, buyer: bob, dial: "sip:b1@127.0.0.1", bid: {dialect: generic, url: "http://127.0.0.1/b"}}
plans:
  - key: main
    tiers:
      - {key: t, method: auction, routes: [{target: a1}]}
      - {key: u, method: auction, routes: [{target: b1}]}
"""


def promised(
    floor: int,
    first: str | None = None,
    event: Literal["convert", "connect", "duration"] = "convert",
    seconds: int = 0,
    asked: Query | None = None,
) -> Query:
    payout = PayoutTerms("ping", "pub", event, seconds * 1000, amount=Money(1500, "USD"))
    promise = Promise("ping_1", payout, Money(floor, "USD"), first)
    return msgspec.structs.replace(asked or query(), promise=promise)


def test_no_price_below_the_floor_covers_it_and_the_publisher_earns_the_bid() -> None:
    caller = Caller(router(PLAN), promised(3000))
    offer = caller.next()
    assert isinstance(offer, Offer)
    payout = offer.candidate.terms.payout
    assert payout is not None
    assert (payout.rule, payout.amount) == ("ping", Money(1500, "USD"))
    assert caller.routes() == ["main.t.b1"]
    rejected = {each.target: (each.reason, each.level) for each in caller.cursor.decision().rejected}
    assert rejected == {"a2": ("floor", "ping")}


def test_the_target_that_the_bid_was_made_of_comes_first() -> None:
    assert Caller(router(PLAN), promised(0, first="b1")).routes() == ["main.t.b1", "main.t.a1", "main.t.a2"]
    assert Caller(router(PLAN), promised(0, first="gone")).routes() == ["main.t.a1", "main.t.a2", "main.t.b1"]


def test_who_owes_later_than_the_publisher_is_paid_is_left_out() -> None:
    assert Caller(router(PLAN), promised(3000, event="connect")).routes() == ["main.t.a1"]
    assert Caller(router(PLAN), promised(3000, event="duration", seconds=90)).routes() == ["main.t.a1", "main.t.b1"]
    caller = Caller(router(PLAN), promised(3000, event="duration", seconds=89))
    assert caller.routes() == ["main.t.a1"]
    [late] = [each for each in caller.cursor.decision().rejected if each.target == "b1"]
    assert (late.reason, late.level, late.detail) == ("floor", "ping", "owed at 90 s, promised at 89 s")


def test_others_of_the_same_campaign_notice_nothing() -> None:
    asked = router(PLAN)
    Caller(asked, promised(3000)).routes()
    offer = Caller(asked, query()).next()
    assert isinstance(offer, Offer)
    assert offer.candidate.terms.payout is not None
    assert offer.candidate.terms.payout.percent == 5000
    assert Caller(asked, query()).routes() == ["main.t.a1", "main.t.a2", "main.t.b1"]


def test_bids_that_are_known_count_and_other_bidders_are_asked() -> None:
    known = msgspec.structs.replace(query(), bids={"a1": Bid("bid", Money(4000, "USD"))})
    caller = Caller(router(AUCTION), promised(3000, asked=known))
    offer = caller.next()
    assert isinstance(offer, Offer)
    assert offer.candidate.terms.price == Money(4000, "USD")
    asking = caller.cursor.candidate(caller.capacity, at())
    assert isinstance(asking, Auction)
    assert [(each.target, each.floor) for each in asking.bidders] == [("b1", Money(3000, "USD"))]
    caller.cursor.settle({"b1": Bid("bid", Money(2999, "USD"))})
    assert caller.routes() == []
    assert ("b1", "floor", "ping") in [
        (each.target, each.reason, each.level) for each in caller.cursor.decision().rejected
    ]
