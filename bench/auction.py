"""What an auction costs a caller beyond the slowest bidder, who has to be waited for.

Twenty bidders in a process of their own answer after 5 to 100 ms. The measured side is what the switch has: the
compiled plan, the cursor, the desk with its breakers and limits, dialect and HTTP client, and the settlement, on one
core. An auction begins when the cursor comes to it and ends when the offer to its winner is found. Its overhead is that
time less the one that the slowest bidder really held the question for.

`alone` holds one auction after the other; `Poisson` begins 25 a second at random; `at once` begins ten together.
`one hung` has a bidder that never answers, and a deadline of 300 ms: what is told is how long after the deadline the
auction ended. `above capacity` begins as many as the machine cannot hold: what is told is the same, and how many
bidders were left out, with their reason.
"""

from __future__ import annotations

import asyncio
import os
import platform
import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import uvloop
from bench.load.bidders import NEVER, bidders
from bench.load.machine import SERVER_CORE, pinned

from trunkline.capacity.memory import MemoryCapacity
from trunkline.config.load import Source, load_sources
from trunkline.config.schema import Kind
from trunkline.config.secrets import Secrets
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.routing.offer import Attribute, Auction, Offer, Query
from trunkline.engine.routing.router import compile_router
from trunkline.kernel.ids import Ids
from trunkline.outbound.client import HttpClient
from trunkline.switch.bidding.desk import BiddingDesk
from trunkline.switch.bidding.inquiry import Inquiry
from trunkline.switch.clock import read_clock
from trunkline.switch.collector import Collector
from trunkline.switch.entropy import Entropy
from trunkline.switch.facts import FactBoard
from trunkline.switch.metrics import Metrics

SUMMARY = "auctions among twenty bidders, against the slowest of them"

BIDDERS: Final = 20
SLOWEST_MS: Final = 100
DELAYS_MS: Final = tuple(5 * place for place in range(1, BIDDERS + 1))
DEADLINE_MS: Final = 300
WARM: Final = 15
ALONE, ALONE_LONG = 60, 1_000
RATE: Final = 25
SECONDS, SECONDS_LONG = 6, 120
AT_ONCE: Final = 10
FLOOD_RATE: Final = 400
FLOOD_SECONDS: Final = 3
ALONE_AIM_MS, POISSON_AIM_MS, LATE_AIM_MS = 8.0, 60.0, 20.0


class _Took(msgspec.Struct, frozen=True):
    """One auction: all of it, the slowest bidder's own time in it (milliseconds), and what became of everybody."""

    all_ms: float
    slowest_ms: float
    fates: Counter[str]

    @property
    def overhead_ms(self) -> float:
        return self.all_ms - self.slowest_ms


class _Side:
    """The part of a switch that holds auctions, for one configuration."""

    def __init__(self, ports: Sequence[int], deadline_ms: int) -> None:
        targets = "\n".join(
            f'  - {{key: t{at}, buyer: b, dial: "sip:t{at}@127.0.0.1", bid: {{dialect: generic, '
            f'url: "http://127.0.0.1:{port}/ping", timeout_ms: {deadline_ms}, adaptive: false}}}}'
            for at, port in enumerate(ports)
        )
        routes = ", ".join(f"{{target: t{at}}}" for at in range(len(ports)))
        text = f"""
version: 1
account: {{key: acme, timezone: America/New_York}}
publishers: [{{key: p}}]
campaigns: [{{key: c, flow: f, plan: m}}]
buyers: [{{key: b}}]
targets:
{targets}
plans: [{{key: m, tiers: [{{key: t, method: auction, deadline_ms: {deadline_ms}, routes: [{routes}]}}]}}]
flows: [{{key: f, start: s, nodes: {{s: {{route: {{}}}}}}}}]
outbound: {{allow_networks: ["127.0.0.0/8"]}}
"""
        loaded = load_sources([Source("bench.yaml", text.encode())], "/nowhere")
        assert loaded.snapshot is not None, loaded.problems
        config = loaded.snapshot.accounts[0]
        self._router = compile_router(config, loaded.snapshot.platform, "digest")
        self._loop = asyncio.get_running_loop()
        self._ids = Ids(Entropy())
        self.http = HttpClient(("127.0.0.0/8",))
        self._capacity = MemoryCapacity()
        self._secrets = Secrets({})
        plant = SimpleNamespace(
            loop=self._loop,
            clock=read_clock,
            ids=self._ids,
            http=self.http,
            metrics=Metrics(),
            facts=FactBoard(),
            contact_secret=b"bench",
            write=lambda *_entries, **_more: None,
        )
        self.desk = BiddingDesk(plant)  # type: ignore[arg-type]

    async def auction(self) -> _Took:
        """Hold one."""
        now = read_clock()
        call = self._ids.make("call", now.utc_ms)
        attributes = {
            "caller.number": Attribute("+15125550100", "sip"),
            "geo.state": Attribute("TX", "area_code"),
            "geo.zip": Attribute("78701", "ivr"),
            "geo.country": Attribute("US", "area_code"),
        }
        query = Query("acme", Kind.CALL, "c", "p", None, None, attributes, now, 7)
        cursor = self._router.cursor(query)
        began_ns = time.perf_counter_ns()
        found = cursor.next(self._capacity, "lease", "att", call, now)
        assert isinstance(found, Auction)
        asked = Asked(kind=Kind.CALL, campaign="c", attributes={name: each.value for name, each in attributes.items()})
        inquiry = Inquiry(account="acme", call=call, contact=None, currency="USD", asked=asked, secrets=self._secrets)
        bids = await self.desk.ask(found, inquiry)
        cursor.settle(bids)
        offer = cursor.next(self._capacity, call, call, call, read_clock())
        all_ms = (time.perf_counter_ns() - began_ns) / 1e6
        if isinstance(offer, Offer):
            self._capacity.release(offer.lease.id, now)
        held = [int(bid.id or 0) / 1000 for bid in bids.values() if bid.answered == "bid"]
        return _Took(all_ms, max(held, default=0.0), Counter(bid.answered for bid in bids.values()))

    async def several(self, starts_s: Sequence[float]) -> list[_Took]:
        """Hold as many as there are `starts_s` (seconds from now), each when its time has come."""
        began_s = self._loop.time()

        async def one(at_s: float) -> _Took:
            await asyncio.sleep(max(0.0, began_s + at_s - self._loop.time()))
            return await self.auction()

        return list(await asyncio.gather(*(one(at_s) for at_s in starts_s)))


def run(long: bool = False) -> dict[str, object]:
    """Measure and return the document of `bench --json`."""
    alone, seconds = (ALONE_LONG, SECONDS_LONG) if long else (ALONE, SECONDS)
    rows: list[dict[str, Any]] = []
    with bidders(DELAYS_MS) as ports, pinned(SERVER_CORE):
        rows += uvloop.run(_usual(ports, alone, seconds))
    with bidders((*DELAYS_MS[:-1], NEVER)) as ports, pinned(SERVER_CORE):
        rows.append(uvloop.run(_hung(ports, 10 if not long else 100)))
    with bidders(DELAYS_MS) as ports, pinned(SERVER_CORE):
        rows.append(uvloop.run(_above(ports)))
    return {
        "bench": "auction",
        "ratio_to_peer": None,
        "peer": "the slowest bidder",
        "rows": rows,
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
        "rounds": alone,
        "caveats": [
            "Overhead is the auction's time less the time that the slowest bidder says it held the question.",
            "Bidders run on one core, all of them, and auctions on another; both share the machine with others.",
            "Connections are kept and warm, as between auctions of a busy switch; the first to a bidder costs its own.",
            "The journal is left out: an auction's entry is written with the offer that follows.",
        ],
    }


async def _warm(side: _Side) -> None:
    """Open the connections, and let every path of code be walked."""
    for _ in range(WARM):
        await side.auction()
    await side.several([0.0] * AT_ONCE)
    Collector(lambda: 0).look_through()  # as the switch does before it takes calls


async def _usual(ports: Sequence[int], alone: int, seconds: int) -> list[dict[str, Any]]:
    side = _Side(ports, 1_500)
    await _warm(side)
    serial = [await side.auction() for _ in range(alone)]
    chance = random.Random(7)
    starts_s, at_s = [], 0.0
    while (at_s := at_s + chance.expovariate(RATE)) < seconds:
        starts_s.append(at_s)
    poisson = await side.several(starts_s)
    burst = [took for _ in range(5) for took in await side.several([0.0] * AT_ONCE)]
    await side.http.close()
    return [
        _row("alone", serial, "p50", ALONE_AIM_MS, statistics.median(_overheads(serial))),
        _row(f"{RATE}/s Poisson", poisson, "p99", POISSON_AIM_MS, _p99(_overheads(poisson))),
        _row(f"{AT_ONCE} at once", burst, "p99", None, _p99(_overheads(burst))),
    ]


async def _hung(ports: Sequence[int], count: int) -> dict[str, Any]:
    """The breaker would leave the bidder out after five: each auction has a desk that does not know it."""
    late = []
    fates: Counter[str] = Counter()
    for _ in range(count):
        side = _Side(ports, DEADLINE_MS)
        took = await side.auction()
        late.append(took.all_ms - DEADLINE_MS)
        fates += took.fates
        await side.http.close()
    return _told("one hung", f"ms after {DEADLINE_MS}", max(late), LATE_AIM_MS, fates, count)


async def _above(ports: Sequence[int]) -> dict[str, Any]:
    side = _Side(ports, DEADLINE_MS)
    await _warm(side)
    chance = random.Random(7)
    starts_s, at_s = [], 0.0
    while (at_s := at_s + chance.expovariate(FLOOD_RATE)) < FLOOD_SECONDS:
        starts_s.append(at_s)
    held = await side.several(starts_s)
    await side.http.close()
    fates = sum((took.fates for took in held), Counter())
    late = _p99([took.all_ms - DEADLINE_MS for took in held])
    return _told(f"{FLOOD_RATE}/s, above capacity", f"ms after {DEADLINE_MS}, p99", late, LATE_AIM_MS, fates, len(held))


def _overheads(held: Sequence[_Took]) -> list[float]:
    return [took.overhead_ms for took in held]


def _p99(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def _row(case: str, held: Sequence[_Took], which: str, aim: float | None, value: float) -> dict[str, Any]:
    fates = sum((took.fates for took in held), Counter())
    slowest = statistics.median(took.slowest_ms for took in held)
    row = _told(case, f"ms overhead, {which}", value, aim, fates, len(held))
    overheads = _overheads(held)
    figures = {"p50": statistics.median(overheads), "p99": _p99(overheads), "max": max(overheads)}
    return {**row, "peer": round(slowest, 1), **{name: round(figure, 1) for name, figure in figures.items()}}


def _told(case: str, unit: str, value: float, aim: float | None, fates: Counter[str], count: int) -> dict[str, Any]:
    said = ", ".join(f"{number} {fate}" for fate, number in fates.most_common())
    row: dict[str, Any] = {"case": case, "ours": round(value, 1), "peer": None, "unit": unit, "ratio": None}
    if aim is not None:
        row |= {"aim": f"<= {aim:g}", "reached": value <= aim}
    return {**row, "auctions": count, "fates": said}
