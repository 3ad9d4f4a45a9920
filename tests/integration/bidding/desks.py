"""The desk that asks bidders, on a loop of its own: real clocks, real HTTP; only the journal is a list."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from trunkline.config.schema import Bid as BidSettings
from trunkline.config.schema import Kind
from trunkline.config.secrets import Secrets
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.routing.offer import Auction, Bidder
from trunkline.events.entry import Entry
from trunkline.kernel.ids import Ids
from trunkline.kernel.money import Money
from trunkline.outbound.client import HttpClient
from trunkline.switch.bidding.desk import BiddingDesk
from trunkline.switch.bidding.inquiry import Inquiry
from trunkline.switch.clock import read_clock
from trunkline.switch.entropy import Entropy
from trunkline.switch.facts import FactBoard
from trunkline.switch.metrics import Metrics


class Plant:
    """What the desk needs of a switch."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.clock = read_clock
        self.ids = Ids(Entropy())
        self.http = HttpClient(("127.0.0.0/8",))
        self.metrics = Metrics()
        self.facts = FactBoard()
        self.contact_secret = b"secret"
        self.written: list[Any] = []

    def write(self, entries: Sequence[Entry], *_changes: object, **_more: object) -> None:
        self.written += [entry.event for entry in entries]

    def wrote(self, kind: type) -> list[Any]:
        return [event for event in self.written if isinstance(event, kind)]

    def desk(self) -> BiddingDesk:
        return BiddingDesk(self)  # type: ignore[arg-type]


def bidder(key: str, url: str, **settings: Any) -> Bidder:
    """One that is asked at `url`."""
    given = BidSettings(dialect="generic", url=url, **{"timeout_ms": 300, **settings})
    return Bidder(key, "buyer", given.timeout_ms, Money(0, "USD"), given, (f"plan.tier.{key}",))


def auction(*bidders: Bidder, deadline_ms: int = 1_000) -> Auction:
    """All of them at once."""
    return Auction("plan", "tier", bidders, deadline_ms)


def inquiry(call: str = "call_1", contact: str | None = None, **attributes: str) -> Inquiry:
    """One caller from Texas."""
    known = {
        "caller.number": "+15125550100",
        "geo.state": "TX",
        **{k.replace("__", "."): v for k, v in attributes.items()},
    }
    asked = Asked(kind=Kind.CALL, campaign="roofing", attributes=known)
    return Inquiry(account="acme", call=call, contact=contact, currency="USD", asked=asked, secrets=Secrets({}))


def world(*targets: str) -> Any:
    """A configuration of which the desk only looks at who bids."""
    named = {key: SimpleNamespace(bid=object()) for key in targets}
    return SimpleNamespace(accounts={"acme": SimpleNamespace(targets=named)})
