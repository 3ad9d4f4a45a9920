"""Small accounts written as YAML, for tests of one rule at a time."""

from __future__ import annotations

from itertools import count

import yaml

from trunkline.capacity.memory import MemoryCapacity
from trunkline.config.load import load_sources
from trunkline.config.reading import Source
from trunkline.config.schema import AccountConfig, Kind, Platform
from trunkline.engine.routing.offer import Attribute, Exhausted, Offer, Query
from trunkline.engine.routing.router import Router, compile_router
from trunkline.kernel.clock import SECOND, Instant

BASE = """
version: 1
account: {key: acme, currency: USD, timezone: America/New_York}
publishers: [{key: pub}]
campaigns: [{key: camp, flow: intake, plan: main}]
numbers: [{number: "+18335550100", campaign: camp, publisher: pub}]
buyers: [{key: ann}, {key: bob}]
targets:
  - {key: a1, buyer: ann, dial: "sip:a1@127.0.0.1"}
  - {key: a2, buyer: ann, dial: "sip:a2@127.0.0.1"}
  - {key: b1, buyer: bob, dial: "sip:b1@127.0.0.1"}
flows: [{key: intake, start: sell, nodes: {sell: {route: {}}}}]
plans: [{key: main, tiers: [{key: t, method: priority, routes: [{target: a1, price: "1.00"}]}]}]
"""
NUMBER = "+18335550100"
MONDAY_NOON_MS = 1_795_453_200_000
"""2026-11-23 12:00 in New York."""

_LEASES = count()


def account(text: str) -> AccountConfig:
    """The base with top-level keys replaced by those of `text`."""
    merged = yaml.load(BASE, yaml.BaseLoader) | yaml.load(text, yaml.BaseLoader)
    loaded = load_sources([Source("account.yaml", yaml.safe_dump(merged))], "/")
    assert loaded.snapshot is not None, loaded.errors
    return loaded.snapshot.accounts[0]


def router(text: str) -> Router:
    """A router of such an account."""
    return compile_router(account(text), Platform(), "digest")


def query(now: Instant | None = None, seed: int = 0, **attributes: str) -> Query:
    """A call on the base's number; attributes are written with `__` for the point."""
    return Query(
        account="acme",
        kind=Kind.CALL,
        campaign="camp",
        publisher="pub",
        source=None,
        number=NUMBER,
        attributes={name.replace("__", "."): Attribute(value, "stated") for name, value in attributes.items()},
        now=now or at(),
        seed=seed,
    )


def at(seconds: float = 0) -> Instant:
    """Seconds after Monday noon."""
    return Instant(int(seconds * SECOND), MONDAY_NOON_MS + int(seconds * 1000))


class Caller:
    """Asks a cursor for offers with leases in memory."""

    def __init__(self, asked: Router, question: Query, capacity: MemoryCapacity | None = None) -> None:
        self.capacity = capacity or MemoryCapacity()
        self.cursor = asked.cursor(question)
        self.made = 0

    def next(self, seconds: float = 0) -> Offer | Exhausted:
        """The next offer, `seconds` after Monday noon."""
        self.made += 1
        return self.cursor.next(self.capacity, f"lease-{next(_LEASES)}", f"att-{self.made}", "call", at(seconds))

    def routes(self) -> list[str]:
        """All offers from here on."""
        found = []
        while isinstance(offer := self.next(), Offer):
            found.append(offer.candidate.route)
        return found
