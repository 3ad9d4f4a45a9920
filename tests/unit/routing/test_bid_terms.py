"""What a bid names is what the offer is made at, as long as the bid stands; who is only simulated is never offered."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.routing.accounts import Caller, at, query, router

from trunkline.engine.routing.auction import EXPIRED, Bid
from trunkline.engine.routing.auction_log import Lot, bids_told, broken_off, same_fates, settled
from trunkline.engine.routing.auction_story import change, record_of, tell_auction
from trunkline.engine.routing.offer import Auction, Candidate, Exhausted
from trunkline.engine.routing.reasons import Reason
from trunkline.events.auctions import BidConfirmed, BidLate
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit

MARKET = """
targets:
  - {key: a1, buyer: ann, dial: "sip:a1@127.0.0.1", conversion_offset_seconds: 5, also_dial: ["sip:a9@127.0.0.1"], bid: {dialect: generic, url: "http://127.0.0.1:9100/"}}
  - {key: b1, buyer: bob, dial: "sip:b1@127.0.0.1", bid: {dialect: generic, url: "http://127.0.0.1:9101/", SIMULATE}}
plans:
  - {key: main, tiers: [{key: t, method: auction, floor: "0.50", routes: [{target: a1}, {target: b1}]}]}
"""  # noqa: E501
LOT = Lot(account="acme", call="call", currency="USD")


def usd(minor: int, **terms: Any) -> Bid:
    return Bid("bid", Money(minor, "USD"), 10, **terms)


def sold(bids: dict[str, Bid], later_ms: int = 0, simulate: str = "simulate: false") -> tuple[Caller, Any]:
    """The caller, and what is found when bidders have answered and so much time has passed."""
    caller = Caller(router(MARKET.replace("SIMULATE", simulate)), query())
    asked = caller.cursor.candidate(caller.capacity, at())
    assert isinstance(asked, Auction)
    caller.cursor.settle(bids)
    return caller, caller.cursor.candidate(caller.capacity, at().later(later_ms * 1_000_000))


def test_the_call_goes_where_the_bid_says_and_is_owed_when_it_says() -> None:
    _, found = sold({"a1": usd(2_000, dial="sip:x@127.0.0.1:5070", duration_s=90), "b1": Bid("no_bid")})
    assert isinstance(found, Candidate)
    assert found.ring is not None
    assert (found.ring.dial, found.ring.also_dial) == ("sip:x@127.0.0.1:5070", ())
    conversion = found.terms.conversion
    assert (conversion.event, conversion.after_ms, conversion.timer) == ("duration", 95_000, "connect")
    assert (found.terms.rule, str(found.terms.price)) == ("bid a1: duration", "20.00")


def test_what_a_bid_does_not_name_stays_as_it_is_configured() -> None:
    _, found = sold({"a1": usd(2_000), "b1": Bid("no_bid")})
    assert isinstance(found, Candidate)
    assert found.ring is not None
    assert (found.ring.dial, found.ring.also_dial) == ("sip:a1@127.0.0.1", ("sip:a9@127.0.0.1",))
    assert found.terms.conversion.event == "connect"
    assert found.bid is not None


def test_a_bid_that_has_expired_when_its_turn_comes_is_not_used() -> None:
    ends = at().utc_ms + 1_000
    caller, found = sold({"a1": usd(2_000, expires_ms=ends), "b1": usd(1_000)}, later_ms=1_000)
    assert isinstance(found, Candidate)
    assert found.target == "b1"
    rejected = {each.target: (each.reason, each.detail) for each in caller.cursor.decision().rejected}
    assert rejected["a1"] == (Reason.BID.value, EXPIRED)
    _, found = sold({"a1": usd(2_000, expires_ms=ends), "b1": usd(1_000)}, later_ms=999)
    assert found.target == "a1"


def test_a_simulated_bidder_is_asked_and_never_sold_to() -> None:
    caller, found = sold({"a1": Bid("timeout"), "b1": usd(9_000)}, simulate="simulate: true")
    assert isinstance(found, Exhausted)
    (held,) = caller.cursor.auctions()
    assert [(each.entrant.target, fate.value) for _, each, fate in held.fates(())] == [
        ("a1", "timeout"),
        ("b1", "simulated"),
    ]
    assert {each.target: each.reason for each in found.rejected}["b1"] == "bid"


def test_who_has_no_room_is_not_asked() -> None:
    text = MARKET.replace("SIMULATE", "limits: [{measure: live, max: 0}]")
    caller = Caller(router(text), query())
    asked = caller.cursor.candidate(caller.capacity, at())
    assert isinstance(asked, Auction)
    assert [bidder.target for bidder in asked.bidders] == ["a1"]
    assert {each.target: each.reason for each in caller.cursor.decision().rejected}["b1"] == "limit"


def test_nobody_is_asked_where_nobody_has_room() -> None:
    text = (
        MARKET.replace("SIMULATE", "simulate: false")
        + "campaigns: [{key: camp, flow: intake, plan: main, limits: [{measure: live, max: 0}]}]\n"
    )
    caller = Caller(router(text), query())
    found = caller.cursor.candidate(caller.capacity, at())
    assert isinstance(found, Exhausted)
    assert (found.reason, found.waits) == ("no_capacity", True)


# -- what is kept of it ----------------------------------------------------------------------------------------------

BIDS = {
    "a1": usd(
        2_000, id="x7", status=200, dial="sip:x@127.0.0.1", duration_s=90, expires_ms=5, confirm=True, ping="bid_1"
    ),
    "b1": Bid("http_error", after_ms=40, status=500, detail="status 500"),
}


def test_what_the_journal_keeps_is_all_that_was_answered() -> None:
    caller, _ = sold({target: msgspec.structs.replace(bid, expires_ms=None) for target, bid in BIDS.items()})
    (held,) = caller.cursor.auctions()
    event = settled(LOT, held, None, BIDS, ("main.t.a1",), 12, 99)
    assert [(ping.target, ping.fate) for ping in event.pings] == [("a1", "won"), ("b1", "http_error")]
    assert bids_told([event]) == BIDS
    assert same_fates(event, event) == []
    other = msgspec.structs.replace(event, pings=event.pings[:1])
    assert same_fates(event, other) == ["main.t.b1 takes no part in the auction of main.t"]
    assert same_fates(other, event) == ["main.t.b1 takes part in the auction of main.t, which is not told"]


def test_an_auction_that_was_broken_off_says_who_had_answered() -> None:
    caller = Caller(router(MARKET.replace("SIMULATE", "simulate: false")), query())
    asked = caller.cursor.candidate(caller.capacity, at())
    assert isinstance(asked, Auction)
    event = broken_off(LOT, asked, {"a1": usd(2_000)}, 12, 99)
    assert [(ping.route, ping.fate) for ping in event.pings] == [("main.t.a1", "bid"), ("main.t.b1", "sent")]
    assert "broken off after 12 ms" in tell_auction(event)[0]


def test_what_comes_later_changes_the_record() -> None:
    caller, _ = sold({"a1": usd(2_000), "b1": Bid("timeout")})
    (held,) = caller.cursor.auctions()
    event = settled(LOT, held, None, {"a1": usd(2_000), "b1": Bid("timeout", after_ms=800)}, ("main.t.a1",), 800, 99)
    record = record_of(event)
    head = {"account": "acme", "call": "call", "at_ms": 99}
    late = BidLate(**head, plan="main", tier="t", target="b1", after_ms=1_200, amount=Money(3_000, "USD"))
    no = BidConfirmed(**head, attempt="att", target="a1", fate="rejected_at_post", took_ms=40, detail="budget")
    change([record], late)
    change([record], no)
    told = {ping.target: (ping.fate, ping.bid, ping.after_ms, ping.detail) for ping in record.pings}
    assert told == {"a1": ("rejected_at_post", "20.00", 10, "budget"), "b1": ("late", "30.00", 1_200, None)}
