"""Decisions by facts of then, of callers in a queue, with keys that are not kept: made again from a data folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from tests.unit.routing.accounts import MONDAY_NOON_MS, account

from trunkline.cli.retrace import Retraced, retrace
from trunkline.config.schema import AccountConfig, Kind, Platform, Snapshot
from trunkline.engine.geo.overlay import NO_OVERLAY
from trunkline.engine.routing.attributes import derive
from trunkline.engine.routing.explain import StatedUsage
from trunkline.engine.routing.facts import NO_FACTS, Facts, facts_of
from trunkline.engine.routing.offer import Attribute, Candidate, Exhausted, Query
from trunkline.engine.routing.router import compile_router
from trunkline.engine.scoring.rate_book import Rate, RateBook, Rates
from trunkline.events.calls import CallQualified, CallReceived, CallRouted, OfferReserved
from trunkline.events.changes import RatesPut
from trunkline.events.entry import Entry, Event
from trunkline.events.switch import RatesPublished, SwitchStarted, TargetDown, TargetStatus, TargetUp
from trunkline.journal.configurations import Configurations
from trunkline.journal.reader import JournalReader
from trunkline.journal.store import open_journal
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import Lease

pytestmark = pytest.mark.integration

NOW = MONDAY_NOON_MS
CALLER = "+15125550100"
PLAN = """
plans:
  - key: main
    tiers:
      - key: smart
        method: performance
        routes:
          - {target: a1, price: "80.00"}
          - {target: a2, price: "40.00"}
          - {target: b1, price: "60.00", criteria: {attr: time.hour, lt: 12}}
"""
OFTEN, SELDOM = Rate(900, 900.0, 500.0), Rate(900, 900.0, 90.0)
BOOK = RateBook(Rates(account="acme", at_ms=NOW - 9, routes={"main.smart.a1": SELDOM, "main.smart.a2": OFTEN}))


def snapshot(config: AccountConfig) -> Snapshot:
    return Snapshot(platform=Platform(), accounts=(config,), digest="d" * 64, base="/")


def decided(config: AccountConfig, facts: Facts, *, began_ms: int | None = None, secret: str | None = None,
            listed: int = 100) -> list[Event]:  # fmt: skip
    """The events of a call that nobody took, as a switch writes them."""
    router = compile_router(config, Platform(), "d" * 64)
    said = {} if secret is None else {"ivr.ask": Attribute(secret, "ivr")}
    origin = router.origin(CALLER, "pub", None, "+18335550100", False, overlay=NO_OVERLAY)
    now_ms = NOW if began_ms is None else began_ms
    query = Query("acme", Kind.CALL, "camp", "pub", None, "+18335550100", derive(origin, said, now_ms),
                  Instant(0, now_ms), 7)  # fmt: skip
    cursor = router.cursor(query, facts, listed)
    whose = {"account": "acme", "call": "call_1"}
    events: list[Event] = []
    while isinstance(found := cursor.candidate(StatedUsage({}, {}, {}, {}), query.now), Candidate):
        cursor.take(found, Lease("", "acme", "", "", found.demands, 0))
        offer = OfferReserved(
            **whose, at_ms=now_ms, attempt=found.route, lease="l", rank=1, route=found.route, target=found.target,
            buyer=found.buyer, tier=found.tier, method=found.method, price=found.terms.price, conversion="c",
            decision_us=1, snapshot="d" * 64,
        )  # fmt: skip
        events.append(offer)
    assert isinstance(found, Exhausted)
    done = cursor.decision()
    kept = {name: each for name, each in derive(origin, said, NOW).items() if not each.chances and name != "ivr.ask"}
    received = CallReceived(
        **whose, at_ms=NOW - 5, number="+18335550100", campaign="camp", publisher="pub", source=None, caller=CALLER,
        caller_given=CALLER, trunk="carrier", snapshot="d" * 64,
    )  # fmt: skip
    qualified = CallQualified(
        **whose, at_ms=NOW, node="sell", attributes={name: each.value for name, each in kept.items()},
        basis={name: each.basis for name, each in kept.items()},
    )  # fmt: skip
    routed = CallRouted(
        **whose, at_ms=now_ms, plan=done.plan, seed=done.seed, versions=done.versions, routed_ms=1, outcome="unsold",
        reason=found.reason, offered=done.offered, rejected=done.rejected, more=done.more, began_ms=began_ms,
    )  # fmt: skip
    return [received, qualified, *events, routed]


def again(data: Path, config: AccountConfig, before: Sequence[Event], call: Sequence[Event]) -> Retraced:
    """Write a journal with these events, the rate book and the configuration; make the call's search again."""
    Configurations(data).keep(snapshot(config), Path("/account.yaml"))

    async def write() -> None:
        journal, _ = open_journal(data, "switch-1", os.urandom, now_ms=0, min_free_mb=0)
        put = RatesPut("acme", BOOK.version, NOW - 8, msgspec.json.encode(BOOK.rates))
        await journal.append([Entry(event) for event in before], [put])
        await journal.append([Entry(event, "contact") for event in call])
        await journal.close()

    asyncio.run(write())
    with JournalReader(data) as reader:
        (found,) = retrace(data, reader, reader.records_of("call_1"))
    return found


def test_facts_of_then_are_found_by_their_version(tmp_path: Path) -> None:
    facts = facts_of(["b1"], BOOK, unavailable={"a1": "away"})
    before: list[Event] = [
        SwitchStarted(at_ms=1, version="1", snapshot="d"),
        RatesPublished(at_ms=2, account="acme", rates=BOOK.version, made_ms=1, routes=2, facts="x"),
        TargetDown(at_ms=3, account="acme", target="b1", reason="no_response", facts="x"),
        TargetStatus(at_ms=4, account="acme", target="a1", status="away", until_ms=None, by="me", facts=facts.version),
        TargetUp(at_ms=5, account="acme", target="b1", facts="x"),
    ]
    found = again(tmp_path, account(PLAN), before, decided(account(PLAN), facts))
    assert found.proved
    assert found.rebuilt is not None
    first = found.rebuilt.routes[0]
    assert (first.route, first.outcome) == ("main.smart.a2", "offered")
    assert first.odds is not None
    assert first.odds.samples == 900
    (away,) = [each for each in found.rebuilt.routes if each.route == "main.smart.a1"]
    assert away.rejection is not None
    assert (away.rejection.reason, away.rejection.detail) == ("target_down", "away")


def test_facts_that_are_gone_are_told(tmp_path: Path) -> None:
    other = RateBook(msgspec.structs.replace(BOOK.rates, at_ms=NOW - 99))
    published = RatesPublished(at_ms=2, account="acme", rates=other.version, made_ms=1, routes=2, facts="x")
    found = again(tmp_path, account(PLAN), [published], decided(account(PLAN), facts_of((), other)))
    assert not found.proved
    assert len(found.notes) == 1
    assert "cannot be found again" in found.notes[0]


def test_a_search_that_began_later_knows_what_time_it_was(tmp_path: Path) -> None:
    """A caller who was qualified at noon and had somebody's attention two hours later."""
    plan = PLAN.replace("lt: 12", "gte: 14")
    found = again(tmp_path, account(plan), [], decided(account(plan), NO_FACTS, began_ms=NOW + 7_200_000))
    assert found.proved
    assert found.rebuilt is not None
    assert {each.outcome for each in found.rebuilt.routes} == {"offered"}
    assert found.attributes["time.hour"].value == "14"
    assert found.attributes["geo.county"].chances[0][0] == "Travis, TX"


SECRET = """
flows:
  - key: intake
    start: ask
    nodes:
      ask: {collect: {prompts: [{say: "Your code."}], digits: 4, sensitive: true, next: sell, otherwise: sell}}
      sell: {route: {}}
"""


def test_keys_that_are_never_stored_are_told(tmp_path: Path) -> None:
    config = account(PLAN.replace("attr: time.hour, lt: 12", 'attr: ivr.ask, eq: "1234"') + SECRET)
    found = again(tmp_path, config, [], decided(config, NO_FACTS, secret="1234"))
    assert not found.proved
    assert "ivr.ask" in found.notes[0]
    assert found.rebuilt is not None
    assert any("main.smart.b1" in each for each in found.rebuilt.differences), "it was offered, and nobody can say why"
    assert "1234" not in str([found.notes, found.rebuilt.differences, found.attributes])


def test_routes_that_are_only_counted_are_told(tmp_path: Path) -> None:
    config = account(PLAN)
    found = again(tmp_path, config, [], decided(config, NO_FACTS, listed=0))
    assert "only counts 1 routes" in found.notes[0]
    assert found.rebuilt is not None
    assert found.rebuilt.differences == ()
    assert [each.rejection.reason for each in found.rebuilt.routes if each.rejection is not None] == ["criteria"]
