"""The values behind a reason: what the caller had, and what was asked."""

from __future__ import annotations

import pytest
from tests.unit.routing.accounts import MONDAY_NOON_MS, query, router

from trunkline.config.schema import Kind
from trunkline.engine.routing.compared import SHOWN_MAX
from trunkline.engine.routing.facts import Facts
from trunkline.engine.routing.offer import Query
from trunkline.engine.routing.replay import Told
from trunkline.engine.routing.routes import RouteTrace
from trunkline.events.calls import Rejection
from trunkline.kernel.clock import Instant

pytestmark = pytest.mark.unit

NOON = Instant(0, MONDAY_NOON_MS)


def traced(text: str, asked: Query) -> RouteTrace:
    """The first route of the plan before this caller; the reason is left to the rebuilding."""
    rebuilt = router(text).replay(asked, Told(offered=(), rejected=(), ended=True), Facts())
    return rebuilt.routes[0]


def of(route: str, asked: Query | None = None) -> RouteTrace:
    tier = f'{{key: t, method: priority, routes: [{{target: a1, price: "1.00", {route}}}]}}'
    return traced(f"plans: [{{key: main, tiers: [{tier}]}}]", asked or query(NOON))


def said(trace: RouteTrace) -> tuple[str, str | None, str | None, str]:
    assert trace.rejection is not None
    assert trace.compared is not None
    return trace.rejection.reason, trace.compared.what, trace.compared.found, trace.compared.asked


def test_the_first_condition_that_is_not_true() -> None:
    criteria = "criteria: {all: [{attr: tag.x, exists: false}, {attr: geo.state, in: [CA, NY]}, {attr: tag.y, eq: b}]}"
    assert said(of(criteria, query(NOON, geo__state="TX"))) == ("criteria", "geo.state", "TX", "in [CA, NY]")
    assert said(of(criteria, query(NOON, geo__state="CA"))) == ("criteria", "tag.y", None, "eq b")


def test_what_is_negated_says_so() -> None:
    trace = of(
        "criteria: {not: {any: [{attr: tag.x, eq: a}, {attr: geo.state, prefix: [T]}]}}", query(NOON, geo__state="TX")
    )
    assert said(trace) == ("criteria", "tag.x", None, "not eq a")
    assert trace.compared is not None
    both = of("criteria: {not: {all: [{attr: tag.x, eq: a}, {attr: geo.state, prefix: [T]}]}}",
              query(NOON, geo__state="TX", tag__x="a"))  # fmt: skip
    assert both.compared is not None
    assert both.compared.also == 1, "one of both not being so would have been enough"


def test_of_an_any_the_first_and_how_many_more() -> None:
    trace = of("criteria: {any: [{attr: tag.x, eq: a}, {attr: tag.y, regex: '^b'}, {attr: tag.z, eq: c}]}",
               query(NOON, tag__x="c"))  # fmt: skip
    assert said(trace) == ("criteria", "tag.x", "c", "eq a")
    assert trace.compared is not None
    assert (trace.compared.basis, trace.compared.also) == ("stated", 2)


def test_a_long_list_is_cut() -> None:
    values = ", ".join(f"v{at}" for at in range(SHOWN_MAX + 4))
    assert said(of(f"criteria: {{attr: tag.x, in: [{values}]}}"))[3].endswith("v7 and 4 more]")


def test_skills() -> None:
    assert said(of("", query(NOON, caller__skills="es"))) == ("criteria", "caller.skills", "es", "in []")


def test_hours_say_the_local_time_and_when_they_open() -> None:
    trace = of("hours: {mon: [13:00-14:00]}, timezone: America/Chicago")
    what = ("hours", "local time", "Mon 2026-11-23 11:00 America/Chicago", "opens 2026-11-23 13:00 America/Chicago")
    assert said(trace) == what


def test_floor_attestation_hop_and_kind() -> None:
    assert said(of("floor: '2.00'")) == ("floor", "price", "1.00", "gte 2.00")
    assert said(of("min_attestation: B", query(NOON, caller__attestation="C"))) == (
        "attestation", "caller.attestation", "C", "in [A, B]")  # fmt: skip
    assert said(of("hops: [1, 2]")) == ("hop", "hop", "0", "in [1, 2]")
    lead = Query("acme", Kind.LEAD, "camp", "pub", None, None, {}, NOON, 0)
    assert said(of("", lead)) == ("kind", "kind", "lead", "eq call")


def test_what_needs_no_values_has_none() -> None:
    trace = of("paused: true")
    assert trace.rejection == Rejection("main.t.a1", "a1", "paused", "route")
    assert trace.compared is None
