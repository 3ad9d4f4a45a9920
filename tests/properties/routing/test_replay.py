"""What the journal keeps of a decision is enough to take it again: the same offers, the same reasons for all others."""

from __future__ import annotations

from collections import Counter
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.routing.worlds import HashedUsage, World

from trunkline.config.schema import Platform
from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.auction_log import Lot, broken_off, settled
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.facts import Facts
from trunkline.engine.routing.offer import Auction, Exhausted, Query
from trunkline.engine.routing.reasons import Reason
from trunkline.engine.routing.replay import Rebuilt, Told
from trunkline.engine.routing.router import Router, compile_router
from trunkline.events.auctions import AuctionHeld
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.leases import Lease, Refused

pytestmark = pytest.mark.property


class Decided:
    """One random caller, sold after some offers, given up at the end, or gone while somebody rang."""

    def __init__(self, seed: int, listed: int = 100) -> None:
        world = World(seed)
        config, query = world.account(), world.query()
        self.query: Query = msgspec.structs.replace(query, bids=None)
        self.bids = world.bids()
        self.facts: Facts = world.facts(config)
        self.router: Router = compile_router(config, Platform(), "digest")
        self.told = self._decide(Random(seed), listed)

    def _decide(self, chance: Random, listed: int) -> Told:
        """Offers with seats that are taken differently each time, and now and then by somebody else in between."""
        query, left = self.query, chance.choice([0, 1, 2, 3, 99])
        cursor: Cursor = self.router.cursor(query, self.facts, listed)
        now, ended = query.now, False
        lot = Lot(account=query.account, call="call", currency="USD")
        bids = {target: self._lasting(bid, chance) for target, bid in self.bids.items()}
        broken: tuple[AuctionHeld, ...] = ()
        while left or not cursor.offered:
            usage = HashedUsage(chance.getrandbits(30), now.utc_ms)
            found = cursor.candidate(usage, now)
            if isinstance(found, Exhausted):
                ended = True
                break
            if isinstance(found, Auction):
                asked = {each.target: bids.get(each.target, Bid("not_asked")) for each in found.bidders}
                if chance.random() < 0.2:  # the caller hangs up
                    broken = (broken_off(lot, found, asked, 7, now.utc_ms),)
                    break
                cursor.settle(asked)
            elif found.demands and chance.random() < 0.1:
                demand = chance.choice(found.demands)
                cursor.refuse(found, Refused(demand, demand.max))
            else:
                cursor.take(found, Lease("", "acme", "", "", found.demands, 0))
                left -= 1
                rang_s = chance.choice([0, 1, 25, 90])
                now = Instant(now.mono_ns + rang_s * SECOND, now.utc_ms + 1_000 * rang_s)
        done = cursor.decision()
        reason = cursor.candidate(usage, now).reason if ended else None  # type: ignore[union-attr]
        known = cursor.query.bids or {}
        auctions = [settled(lot, held, None, known, done.offered, 0, 0) for held in cursor.auctions() if held.bid_for]
        return Told(
            offered=done.offered,
            rejected=done.rejected,
            more=done.more,
            ended=ended,
            reason=reason,
            auctions=(*auctions, *broken),
        )

    def _lasting(self, bid: Bid, chance: Random) -> Bid:
        """The same, standing for a while or for ever."""
        lasts_s = chance.choice([None, None, 0, 1, 30])
        if bid.answered != "bid" or lasts_s is None:
            return bid
        return msgspec.structs.replace(bid, expires_ms=self.query.now.utc_ms + 1_000 * lasts_s)

    def again(self) -> Rebuilt:
        return self.router.replay(self.query, self.told, self.facts)


@settings(max_examples=800)
@given(st.integers(0, 2**48))
def test_a_decision_is_rebuilt_from_what_the_journal_keeps(seed: int) -> None:
    decided = Decided(seed)
    rebuilt = decided.again()
    assert rebuilt.differences == ()
    assert [each.route for each in rebuilt.routes if each.outcome == "offered"] == list(decided.told.offered)
    rejected = {each.route: each.rejection for each in rebuilt.routes if each.outcome == "rejected"}
    assert rejected == {each.route: each for each in decided.told.rejected}


def test_the_random_decisions_meet_everything() -> None:
    met: Counter[str] = Counter()
    for seed in range(1_000):
        decided = Decided(seed)
        rebuilt = decided.again()
        assert rebuilt.differences == (), seed
        met.update(each.rejection.reason for each in rebuilt.routes if each.rejection is not None)
        met.update(each.outcome for each in rebuilt.routes)
        met.update(ping.fate for auction in decided.told.auctions for ping in auction.pings)
        met.update(f"settled {auction.settled}" for auction in decided.told.auctions)
        met[f"ended {decided.told.ended}"] += 1
        met[str(decided.told.reason)] += 1
    wanted = {*Reason, "offered", "rejected", "waiting", "ended True", "ended False", "out_of_patience", "no_capacity"}
    assert {each for each in wanted if met[each] < 3} == set()
    wanted = {"won", "lost", "late", "no_bid", "settled True", "settled False"}
    assert {each for each in wanted if not met[each]} == set()


@settings(max_examples=300)
@given(st.integers(0, 2**48), st.integers(0, 2))
def test_of_a_short_list_what_is_listed_is_found_again(seed: int, listed: int) -> None:
    """Routes that the journal only counts were refused by limits that nobody knows, or by what can be found out."""
    decided = Decided(seed, listed)
    rebuilt = decided.again()
    assert [each.route for each in rebuilt.routes if each.outcome == "offered"] == list(decided.told.offered)
    found = {each.route: each.rejection for each in rebuilt.routes}
    assert all(found[each.route] == each for each in decided.told.rejected)
    assert all("routes are rejected, not" in each for each in rebuilt.differences)


def test_what_is_not_so_is_told() -> None:
    """A journal that tells something else than what follows is contradicted, route by route."""
    met: Counter[str] = Counter()
    for seed in range(300):
        decided = Decided(seed)
        told = decided.told
        if told.offered:
            decided.told = msgspec.structs.replace(told, offered=told.offered[1:])
            met["offered"] += bool(decided.again().differences)
        if told.rejected:
            first = msgspec.structs.replace(told.rejected[0], reason="limit", level="route", measure="nothing")
            decided.told = msgspec.structs.replace(told, rejected=(first, *told.rejected[1:]))
            met["rejected"] += bool(decided.again().differences)
            decided.told = msgspec.structs.replace(told, rejected=told.rejected[1:])
            met["left out"] += bool(decided.again().differences)
        met["all"] += 1
        met["with offers"] += bool(told.offered)
        met["with others"] += bool(told.rejected)
    assert met["rejected"] == met["with others"]
    assert met["left out"] == met["with others"]
    assert met["offered"] == met["with offers"]
