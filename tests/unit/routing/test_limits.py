"""Limits as demands: which apply, in which window, in which order, and what they take."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.unit.routing.accounts import MONDAY_NOON_MS, Caller, query, router

from trunkline.config.hours import Hours, TimeRange
from trunkline.config.schema import Kind, Limit, Measure
from trunkline.engine.routing.limited import Limited
from trunkline.engine.routing.limits import Calendar, LimitRule, limit_rules
from trunkline.engine.routing.offer import Offer
from trunkline.kernel.leases import CounterId, Demand
from trunkline.kernel.windows import Per, window_at

pytestmark = pytest.mark.unit

HOUR_MS = 3_600_000
NY = "America/New_York"


def rule(limit: Limit, kind: Kind = Kind.CALL, hours: Hours | None = None, zone: str = NY) -> LimitRule:
    """The only rule of a buyer in New York."""
    (found,) = limit_rules("acme", Limited("buyer", "ann", (limit,), zone, ((hours, zone),)), kind, Calendar())
    return found


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


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
    hourly = rule(Limit(measure=Measure.ATTEMPT, per=Per.HOUR, max=5))
    starts = [hourly.demand(0, MONDAY_NOON_MS + step * HOUR_MS).window_start_ms for step in (0, 0, 1, 2, 1, 0)]
    assert starts == [MONDAY_NOON_MS + step * HOUR_MS for step in (0, 0, 1, 2, 1, 0)]


def test_a_repeated_hour_is_two_windows_and_a_short_day_ends_in_time() -> None:
    first = window_at(Per.HOUR, 1_793_511_000_000, "America/New_York")
    second = window_at(Per.HOUR, 1_793_511_000_000 + HOUR_MS, "America/New_York")
    assert first.end_ms == second.start_ms
    daily = rule(Limit(measure=Measure.ATTEMPT, per=Per.DAY, max=5))
    spring = daily.demand(0, 1_772_953_200_000 + 12 * HOUR_MS)
    assert spring.window_end_ms - spring.window_start_ms == 23 * HOUR_MS


def test_an_identity_is_made_of_names() -> None:
    found = demands("buyers: [{key: bob}, {key: ann, limits: [{measure: convert, per: lifetime, max: 3}]}]")
    assert found == (Demand(CounterId("acme", "buyer", "ann", "convert", "lifetime", "both"), 1, 3, 0, 2**62),)


def test_calls_and_leads_are_counted_together_unless_a_limit_names_one_of_them() -> None:
    both = Limit(measure=Measure.CONNECT, per=Per.DAY, max=5)
    counters = {kind: rule(both, kind).demand(0, MONDAY_NOON_MS).counter for kind in Kind}
    assert counters[Kind.CALL] == counters[Kind.LEAD]
    leads = Limit(measure=Measure.CONNECT, per=Per.DAY, max=5, applies_to="lead")
    assert rule(leads, Kind.LEAD).counter != counters[Kind.LEAD]
    assert limit_rules("acme", Limited("buyer", "ann", (leads,), NY, ()), Kind.CALL, Calendar()) == ()


@pytest.mark.parametrize(
    ("at", "most"),
    [
        ("2026-11-23T08:59:59.999-05:00", 2),
        ("2026-11-23T09:00-05:00", 0),
        ("2026-11-23T10:00-05:00", 4),
        ("2026-11-23T11:00-05:00", 4),  # the row says 9, and the limit 4
        ("2026-11-24T09:00-05:00", 4),  # no row for Tuesdays
        ("2026-11-22T23:59:59-05:00", 4),
        ("2026-11-23T00:00-05:00", 2),
    ],
)
def test_a_matrix_lowers_what_holds_in_an_hour_of_the_week(at: str, most: int) -> None:
    row = (2,) * 9 + (0, 4, 9) + (3,) * 12
    hourly = rule(Limit(measure=Measure.LIVE, max=4, matrix={"mon": row}))
    assert hourly.demand(0, ms("2026-11-23T13:00-05:00")).max == 3
    assert hourly.demand(0, ms(at)).max == most
    assert hourly.demand(0, ms(at)).window_start_ms == 0, "what is going on is one counter at all hours"


def test_both_hours_of_a_repeated_one_have_the_same_row() -> None:
    row = (0, 1) + (2,) * 22
    hourly = rule(Limit(measure=Measure.LIVE, max=4, matrix={"sun": row}))
    for at, most in (("T00:59-04:00", 0), ("T01:30-04:00", 1), ("T01:30-05:00", 1), ("T02:00-05:00", 2)):
        assert hourly.demand(0, ms("2026-11-01" + at)).max == most
    for at, most in (("T01:59-05:00", 1), ("T03:00-04:00", 2)):
        assert hourly.demand(0, ms("2026-03-08" + at)).max == most


OFFICE = Hours(**{day: (TimeRange(start=480, until=1_080),) for day in ("mon", "tue", "wed", "thu", "fri")})
NIGHT = Hours(sat=(TimeRange(start=1_320, until=240),), sun=(TimeRange(start=60, until=180),))


@pytest.mark.parametrize(
    ("per", "hours", "most", "at", "allowed"),
    [
        (Per.DAY, None, 24, "2026-11-23T00:00-05:00", 1),
        (Per.DAY, None, 24, "2026-11-23T01:00-05:00", 1),
        (Per.DAY, None, 24, "2026-11-23T01:00:00.001-05:00", 2),
        (Per.DAY, None, 24, "2026-11-23T23:59:59.999-05:00", 24),
        (Per.DAY, None, 23, "2026-03-08T03:00-04:00", 2),  # two of 23 hours
        (Per.DAY, None, 25, "2026-11-01T02:00-05:00", 3),  # three of 25
        (Per.DAY, OFFICE, 40, "2026-11-23T07:00-05:00", 1),
        (Per.DAY, OFFICE, 40, "2026-11-23T13:00-05:00", 20),
        (Per.DAY, OFFICE, 40, "2026-11-23T18:00-05:00", 40),
        (Per.DAY, OFFICE, 40, "2026-11-22T12:00-05:00", 1),  # closed on Sundays
        (Per.WEEK, OFFICE, 100, "2026-11-25T13:00-05:00", 50),
        (Per.WEEK, OFFICE, 0, "2026-11-25T13:00-05:00", 0),
        (Per.MONTH, OFFICE, 200, "2028-02-29T18:00-05:00", 200),  # 21 office days, the 29th the last
        (Per.MONTH, OFFICE, 21, "2028-02-29T08:00-05:00", 20),
        (Per.DAY, NIGHT, 5, "2026-11-01T01:00-05:00", 2),  # open from 0 to 4, an hour of it twice: 2 of 5 hours
        (Per.DAY, NIGHT, 3, "2026-03-08T03:00-04:00", 2),  # the same without the hour from two to three
        (Per.HOUR, OFFICE, 60, "2026-11-23T08:30-05:00", 30),
        (Per.DAY, None, 24, "1970-01-01T12:00-05:00", 12),
        (Per.DAY, OFFICE, 10, "2100-03-01T13:00-05:00", 5),
    ],
)
def test_an_even_spread_goes_by_open_time(per: Per, hours: Hours | None, most: int, at: str, allowed: int) -> None:
    even = rule(Limit(measure=Measure.ATTEMPT, per=per, max=most, pacing="even"), hours=hours)
    assert even.demand(0, ms(at)).max == allowed


def test_the_first_offer_of_a_spread_sum_always_passes() -> None:
    even = rule(Limit(measure=Measure.SPEND, per=Per.DAY, max=10_000, pacing="even"))
    assert even.demand(2_500, ms("2026-11-23T00:00-05:00")).max == 2_500
    assert even.demand(12_000, ms("2026-11-23T00:00-05:00")).max == 10_000
    assert even.demand(2_500, ms("2026-11-23T12:00-05:00")).max == 5_000


def test_what_a_conversion_of_the_plan_may_charge_is_held() -> None:
    found = demands(
        """
        buyers: [{key: ann, funding: {mode: prepaid, limit: "900.00"}}, {key: bob}]
        plans:
          - key: main
            conversion: {call: {event: postback, max_price: "35.00"}}
            tiers: [{key: t, method: priority, routes: [{target: a1, price: "1.00"}]}]
        """
    )
    assert [demand.amount for demand in found] == [3_500]
