"""The compiled router answers like the naive one: the same offers in the same order, the same reasons."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.routing.reference import Reference
from tests.properties.routing.worlds import HashedUsage, World

from trunkline.config.schema import Platform
from trunkline.engine.routing.case import Case
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.offer import Auction, Candidate, Exhausted
from trunkline.engine.routing.router import compile_router
from trunkline.kernel.leases import Lease

pytestmark = pytest.mark.property


def compare(seed: int) -> tuple[list[str], Counter[str]]:
    """Decide one random case both ways; gives the offers and how often each reason was met."""
    world = World(seed)
    config, query = world.account(), world.query()
    usage, facts = HashedUsage(seed, query.now.utc_ms), world.facts(config)
    expected = Reference(config, query, usage, facts).run()
    explained = compile_router(config, Platform(), "digest").explain(query, usage, facts)
    assert explained.versions.facts == facts.version
    assert [offer.route for offer in explained.offers] == expected.offers, f"seed {seed}"
    found = {
        each.route: (each.reason, each.level, each.measure, each.per, each.max, each.used)
        for each in explained.rejected
    }
    assert found == expected.rejected, f"seed {seed}"
    assert len(explained.rejected) == len(found)
    return expected.offers, Counter(why[0] for why in expected.rejected.values())


@settings(max_examples=300)
@given(st.integers(0, 2**48))
def test_offers_and_reasons_equal_the_reference(seed: int) -> None:
    compare(seed)


def test_five_thousand_cases_equal_the_reference_and_meet_every_reason() -> None:
    met: Counter[str] = Counter()
    offers = 0
    for seed in range(5_000):
        made, reasons = compare(seed)
        offers += len(made)
        met += reasons
    wanted = {"kind", "paused", "hours", "criteria", "suppression", "duplicate", "attestation", "floor", "hop",
              "target_down", "method_unavailable", "bid", "score", "funds", "limit", "already_offered",
              "out_of_patience"}  # fmt: skip
    assert {reason for reason in wanted if met[reason] < 10} == set()
    assert offers > 200


@settings(max_examples=500)
@given(st.integers(0, 2**48), st.integers(0, 2))
def test_listing_fewer_reasons_changes_no_offer(seed: int, listed: int) -> None:
    """With a full list the cursor passes over routes that share a full limit without asking each."""
    world = World(seed)
    config, query = world.account(), world.query()
    usage = HashedUsage(seed, query.now.utc_ms)
    router = compile_router(config, Platform(), "digest")
    facts = world.facts(config)
    whole = router.explain(query, usage, facts)
    cursor = Cursor(Case(router._shared, router._entrance(query), query, facts), reported_max=listed)
    offers = []
    while not isinstance(found := cursor.candidate(usage, query.now), Exhausted):
        assert isinstance(found, Candidate)
        offers.append(found)
        cursor.take(found, Lease("", "acme", "", "", found.demands, 0))
    assert tuple(offers) == whole.offers
    assert found.reason == whole.unsold
    assert len(found.rejected) + found.more == len(whole.rejected)
    assert len(found.rejected) == min(listed, len(whole.rejected))
    assert set(found.rejected) <= set(whole.rejected)


@settings(max_examples=500)
@given(st.integers(0, 2**48))
def test_bids_that_are_asked_for_on_the_way_decide_as_those_given_before(seed: int) -> None:
    world = World(seed)
    config, query = world.account(), world.query()
    usage = HashedUsage(seed, query.now.utc_ms)
    router = compile_router(config, Platform(), "digest")
    facts = world.facts(config)
    whole = router.explain(query, usage, facts)
    bids = query.bids or {}
    cursor = Cursor(Case(router._shared, router._entrance(query), msgspec.structs.replace(query, bids=None), facts))
    offers = []
    asked: list[str] = []
    while not isinstance(found := cursor.candidate(usage, query.now), Exhausted):
        if isinstance(found, Auction):
            assert cursor.candidate(usage, query.now) == found
            asked += [bidder.target for bidder in found.bidders]
            cursor.settle({bidder.target: bids[bidder.target] for bidder in found.bidders if bidder.target in bids})
            continue
        offers.append(found)
        cursor.take(found, Lease("", "acme", "", "", found.demands, 0))
    assert tuple(offers) == whole.offers
    answered = [target for target in asked if target in bids]
    assert len(answered) == len(set(answered)), "nobody who has answered is asked again"
    bidders = {target.key for target in config.targets if target.bid is not None}
    assert set(asked) <= bidders
