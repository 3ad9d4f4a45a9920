"""Two ways of deciding, by turns over the same callers, with equal answers asserted in every case."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from bench.load.linear import Linear

from trunkline.capacity.memory import MemoryCapacity
from trunkline.engine.routing.offer import Offer, Query
from trunkline.engine.routing.router import Router
from trunkline.switch.collector import YOUNG_MAX


class Timings(msgspec.Struct, frozen=True):
    """Nanoseconds of every caller."""

    ours: list[int]
    peer: list[int]


@contextmanager
def collecting_as_the_switch() -> Iterator[None]:
    """The collector as it is in a running switch: it runs, but does not look at what was there before."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def race_eligibility(router: Router, linear: Linear, callers: Sequence[Query], *, ours_first: bool) -> Timings:
    """Which routes all guards let through, of the whole plan."""
    clock = time.perf_counter_ns
    timings = Timings([], [])
    for query in callers:
        for mine in (ours_first, not ours_first):
            if mine:
                begin = clock()
                found = router.eligible(query)
                timings.ours.append(clock() - begin)
            else:
                begin = clock()
                rows = linear.eligible(query)
                timings.peer.append(clock() - begin)
        assert found.routes() == [row.name for row in rows], f"they differ for {query}"
    return timings


def race_decision(router: Router, linear: Linear, callers: Sequence[Query], *, ours_first: bool) -> Timings:
    """The first offer with its seats held; callers for whom there is none are compared and not timed."""
    clock = time.perf_counter_ns
    timings = Timings([], [])
    stores = MemoryCapacity(), MemoryCapacity()
    for number, query in enumerate(callers):
        lease_id = f"lease-{number}"
        for mine in (ours_first, not ours_first):
            begin = clock()
            if mine:
                offer = router.cursor(query).next(stores[0], lease_id, lease_id, "call", query.now)
                ours = clock() - begin
            else:
                taken = linear.decide(query, stores[1], lease_id)
                peer = clock() - begin
        if taken is None:
            assert not isinstance(offer, Offer), f"an offer of ours alone for {query}"
            continue
        assert isinstance(offer, Offer), f"no offer of ours for {query}"
        row, lease = taken
        assert offer.candidate.route == row.name, f"they differ for {query}"
        assert (offer.candidate.terms.price.minor, offer.lease.demands) == (row.price, lease.demands)
        timings.ours.append(ours)
        timings.peer.append(peer)
        for store in stores:
            store.release(lease_id, query.now)
            store.take_changes()
    return timings
