"""How many leads a second are taken in, against web applications that only read them and keep them.

`POST /v1/leads` with a form of 18 fields, each lead of another person, 32 connections that each post one lead after the
other. Ours checks the publisher's key and every field, looks for the contact's past, decides among the routes of a plan
and answers when all of it is durable. The peers are bare Starlette with msgspec, and FastAPI: both read the body into a
typed shape and make the same transaction durable as ours (three events and the contact's row, in a journal of the same
code), without having checked, looked up or decided anything. A further row has Starlette append one event alone.

The leads of the first row end **unmatched**: nobody takes leads of their state, so no buyer is waited for, and one
transaction has the lead, the decision and its end. The second row is posted to a buyer on loopback that takes every
lead at once: two transactions and a request of HTTP more, for which there is no peer.

In the end calls are made beside half as many leads as are taken in at most: how long an INVITE is on its way then.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.load.lead_burst import Beside, measure
from bench.load.lead_sides import Side, Taken, ours, peer, post
from bench.load.machine import LOAD_CORE, describe, pinned
from bench.load.tools import ToolsMissing

from trunkline.cli.test import install_system_programs
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.server import Peer, Received

SUMMARY = "leads taken in, against bare Starlette and FastAPI with the same group commit"

CONNECTIONS = 32
SECONDS = 3
ROUNDS = 7
WARM_S = 1
OHIO, TEXAS = ("OH", "43004"), ("TX", "78701")
CALLS_PER_S = 60
"""Beside which leads are posted."""
WAY_AIM_MS = 25.0
PERSONS = 200_000
"""Of each side of each round, and of no other: a lead that was sold before would be a duplicate."""
PEERS = ("starlette", "fastapi", "one-starlette")
NAMES = {"starlette": "Starlette + msgspec", "fastapi": "FastAPI", "one-starlette": "Starlette, one event"}
AIMS = {"starlette": 0.6, "fastapi": 1.5}
LOAD = {"wrk": "wrk"}


def run(long: bool = False, seconds: int = SECONDS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure and return the document of `bench --json`. `seconds` is the time of one side of one round."""
    install_system_programs(LOAD, "the benchmarks")
    seconds, rounds = (4 * seconds, 3 * rounds) if long else (seconds, rounds)
    caveats = [
        "The peers check no field, know no publisher, look for no duplicate, decide nothing: they do less.",
        "All share one core with their journal's thread; wrk and the buyer have the other.",
        "Where the disk is slow, all sides wait for the same flushes and the ratios come near 1; processor time stays.",
    ]
    found: dict[str, list[Taken]] = {"ours": [], "posted": []}
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as place, ExitStack() as stack:
        folder = Path(place)
        with pinned(LOAD_CORE):
            buyer = stack.enter_context(answering({"/leads": _takes}))
        sides: dict[str, tuple[Side, tuple[str, str]]] = {}
        switch = stack.enter_context(ours(folder / "ours", f"{buyer.url}/leads"))
        sides["ours"], sides["posted"] = (switch, OHIO), (switch, TEXAS)
        for kind in PEERS:
            try:
                sides[kind] = stack.enter_context(peer(kind, folder / kind)), OHIO
                found[kind] = []
            except ToolsMissing as error:
                caveats.append(f"{NAMES[kind]} was not measured: {error}")
        for number in range(rounds + 1):
            for name, (side, where) in sides.items():
                first = (2 * number + (name == "posted")) * PERSONS
                taken = post(side, folder, *where, first, seconds if number else WARM_S, CONNECTIONS)
                if number:  # the first is for warming up
                    found[name].append(taken)
    rows = [_row(kind, found["ours"], found[kind]) for kind in PEERS if kind in found]
    rows.append(_alone("posted to a buyer that takes it", found["posted"]))
    rows += _beside(measure(CALLS_PER_S, 4 * seconds, CONNECTIONS, OHIO, "http://127.0.0.1:9/leads"))
    ratio = next((row["ratio"] for row in rows if row["peer_name"] == NAMES["starlette"]), None)
    return {
        "bench": "leads",
        "ratio_to_peer": ratio,
        "peer": "bare Starlette + msgspec with the same group commit",
        "rows": rows,
        "machine": describe(),
        "rounds": rounds,
        "caveats": caveats,
    }


async def _takes(peer: Peer, _request: Received) -> None:
    await peer.answer(200, b"{}", {"Content-Type": "application/json"})


def _middle(of: Callable[[Taken], float], rounds: list[Taken], digits: int = 0) -> float:
    return round(statistics.median(map(of, rounds)), digits or None)


def _row(kind: str, mine: list[Taken], theirs: list[Taken]) -> dict[str, Any]:
    aim = AIMS.get(kind)
    pairs = list(zip(mine, theirs, strict=True))
    ratio = round(statistics.median(a.per_second / b.per_second for a, b in pairs), 2)
    return {
        "case": f"18 fields, unmatched; peer {NAMES[kind]}",
        "ours": _middle(lambda each: each.per_second, mine),
        "peer": _middle(lambda each: each.per_second, theirs),
        "unit": "leads/s",
        "ratio": ratio,
        **({} if aim is None else {"aim": f">= {aim:g}x", "reached": ratio >= aim}),
        "peer_name": NAMES[kind],
        "cpu_ratio": round(statistics.median(b.cpu_us / a.cpu_us for a, b in pairs), 2),
        "peer_cpu_us": _middle(lambda each: each.cpu_us, theirs),
        "peer_p99_ms": _middle(lambda each: each.p99_ms, theirs, 1),
        **_figures(mine),
    }


def _alone(case: str, mine: list[Taken]) -> dict[str, Any]:
    rate = _middle(lambda each: each.per_second, mine)
    alone = {"peer": None, "unit": "leads/s", "ratio": None, "peer_name": None}
    return {"case": case, "ours": rate, **alone, **_figures(mine)}


def _beside(found: Beside) -> list[dict[str, Any]]:
    """Calls beside leads: their INVITE's way from sipp to sipp, against that of the same calls without leads."""
    assert found.quiet is not None
    assert found.busy is not None
    case = f"{CALLS_PER_S} calls/s beside {found.leads_per_second:.0f} of {found.most_per_second:.0f} leads/s"
    way = found.busy.p99_ms
    aim = {"aim": f"<= {WAY_AIM_MS:g}", "reached": way <= WAY_AIM_MS}
    more = {"peer_name": "the same calls alone", "stolen_s": found.stolen_s}
    return [
        {"case": case, "ours": found.busy.p50_ms, "peer": found.quiet.p50_ms, "unit": "ms p50", "ratio": None, **more},
        {"case": case, "ours": way, "peer": found.quiet.p99_ms, "unit": "ms p99", "ratio": None, **aim, **more},
        {
            "case": f"{case}, {found.calls:,} calls",
            "ours": found.failed,
            "peer": None,
            "unit": "failed",
            "ratio": None,
            "aim": "0",
            "reached": not found.failed,
            **more,
        },
    ]


def _figures(mine: list[Taken]) -> dict[str, float]:
    return {
        "ours_cpu_us": _middle(lambda each: each.cpu_us, mine),
        "ours_p50_ms": _middle(lambda each: each.p50_ms, mine, 1),
        "ours_p99_ms": _middle(lambda each: each.p99_ms, mine, 1),
        "stolen_s_max": round(max(each.stolen_s for each in mine), 2),
    }
