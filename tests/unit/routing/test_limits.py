"""Limits as demands: which apply, in which window, in which order, and what they take."""

from __future__ import annotations

import pytest
from tests.unit.routing.accounts import MONDAY_NOON_MS, Caller, query, router

from trunkline.config.schema import Kind, Limit, Measure
from trunkline.engine.routing.limits import Calendar, limit_rules
from trunkline.engine.routing.offer import Offer
from trunkline.kernel.leases import CounterId, Demand
from trunkline.kernel.windows import Per, window_at

pytestmark = pytest.mark.unit

HOUR_MS = 3_600_000


def demands(text: str) -> tuple[Demand, ...]:
    offer = Caller(router(text), query()).next()
    assert isinstance(offer, Offer)
    return offer.candidate.demands


def test_the_order_is_funds_then_levels_then_live_counts_and_spend_by_window() -> None:
    found = demands(
        """
        account: {key: acme, timezone: UTC, limits: [{measure: live, max: 9}]}
        campaigns: [{key: camp, flow: intake, plan: main, limits: [{measure: live, max: 9}]}]
        publishers: [{key: pub, limits: [{measure: convert, per: day, max: 9}]}]
        buyer_groups:
          - {key: g1, buyers: [ann], limits: [{measure: attempt, per: day, max: 9}]}
          - {key: g2, buyers: [ann], limits: [{measure: live, max: 9}, {measure: attempt, per: hour, max: 9}]}
        buyers:
          - key: ann
            funding: {mode: prepaid, limit: "900.00"}
            limits:
              - {measure: spend, per: lifetime, max: "900.00"}
              - {measure: spend, per: hour, max: "900.00"}
              - {measure: convert, per: day, max: 9}
              - {measure: connect, per: day, max: 9}
              - {measure: attempt, per: day, max: 9}
              - {measure: convert, per: hour, max: 9}
              - {measure: live, max: 9}
              - {measure: in_flight, max: 9}
              - {measure: attempt, per: week, max: 9, applies_to: lead}
        targets: [{key: a1, buyer: ann, dial: "sip:a1@127.0.0.1", limits: [{measure: attempt, per: month, max: 9}]}]
        plans: [{key: main, tiers: [{key: t, method: priority, routes: [
          {target: a1, price: "50.00", limits: [{measure: live, max: 9}]}]}]}]
        """
    )
    assert [(each.counter.level, each.counter.key, each.counter.measure, each.counter.per) for each in found] == [
        ("buyer", "ann", "funds", ""),
        ("account", "acme", "live", ""),
        ("campaign", "camp", "live", ""),
        ("publisher", "pub", "convert", "day"),
        ("group", "g2", "live", ""),
        ("group", "g2", "attempt", "hour"),
        ("group", "g1", "attempt", "day"),
        ("buyer", "ann", "live", ""),
        ("buyer", "ann", "convert", "hour"),
        ("buyer", "ann", "attempt", "day"),
        ("buyer", "ann", "connect", "day"),
        ("buyer", "ann", "convert", "day"),
        ("buyer", "ann", "spend", "hour"),
        ("buyer", "ann", "spend", "lifetime"),
        ("target", "a1", "attempt", "month"),
        ("route", "main.t.a1", "live", ""),
    ]
    priced = {each.counter.measure for each in found if each.amount == 5_000}
    assert priced == {"funds", "spend"}
    assert {each.amount for each in found if each.counter.measure not in priced} == {1}


def test_windows_are_in_the_limits_zone_else_the_objects_else_the_buyers_else_the_accounts() -> None:
    found = demands(
        """
        buyers: [{key: ann, timezone: America/Chicago, limits: [
          {measure: attempt, per: day, max: 9}, {measure: connect, per: day, max: 9, zone: Asia/Tokyo}]}]
        targets: [{key: a1, buyer: ann, dial: "sip:a1@127.0.0.1", limits: [{measure: attempt, per: day, max: 9}]}]
        publishers: [{key: pub, limits: [{measure: attempt, per: day, max: 9}]}]
        """
    )
    zones = {(each.counter.level, each.counter.measure): each.window_start_ms for each in found}
    wanted = {
        ("publisher", "attempt"): "America/New_York",
        ("buyer", "attempt"): "America/Chicago",
        ("buyer", "connect"): "Asia/Tokyo",
        ("target", "attempt"): "America/Chicago",
    }
    assert zones == {name: window_at(Per.DAY, MONDAY_NOON_MS, zone).start_ms for name, zone in wanted.items()}


def test_demands_follow_the_window_forwards_and_backwards() -> None:
    hourly = limit_rules(
        "acme", "buyer", "ann", [Limit(measure=Measure.ATTEMPT, per=Per.HOUR, max=5)], "UTC", Kind.CALL, Calendar()
    )[0]
    starts = [hourly.demand(0, MONDAY_NOON_MS + step * HOUR_MS).window_start_ms for step in (0, 0, 1, 2, 1, 0)]
    assert starts == [MONDAY_NOON_MS + step * HOUR_MS for step in (0, 0, 1, 2, 1, 0)]


def test_a_repeated_hour_is_two_windows_and_a_short_day_ends_in_time() -> None:
    first = window_at(Per.HOUR, 1_793_511_000_000, "America/New_York")
    second = window_at(Per.HOUR, 1_793_511_000_000 + HOUR_MS, "America/New_York")
    assert first.end_ms == second.start_ms
    daily = limit_rules(
        "acme", "buyer", "ann", [Limit(measure=Measure.ATTEMPT, per=Per.DAY, max=5)],
        "America/New_York", Kind.CALL, Calendar(),
    )[0]  # fmt: skip
    spring = daily.demand(0, 1_772_953_200_000 + 12 * HOUR_MS)
    assert spring.window_end_ms - spring.window_start_ms == 23 * HOUR_MS


def test_an_identity_is_made_of_names() -> None:
    found = demands("buyers: [{key: bob}, {key: ann, limits: [{measure: convert, per: lifetime, max: 3}]}]")
    assert found == (Demand(CounterId("acme", "buyer", "ann", "convert", "lifetime", "both"), 1, 3, 0, 2**62),)
