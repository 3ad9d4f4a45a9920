"""How fast traffic runs through a configuration that nobody is called by.

A day of calls to one number goes through a plan of a hundred routes with states, hours and limits on buyers, targets
and the account. There is no peer and no floor: the aim is a time, a million calls in two minutes. The command itself is
timed, from its start to its answer, reading the configuration and writing the document included.
"""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SUMMARY = "simulated calls a second, from the command's start to its answer"

CALLS, CALLS_LONG = 50_000, 1_000_000
ROUNDS = 3
BUYERS = 50
SECONDS_MAX = 120.0
"""For a million calls."""
_STATES = ("TX", "OK", "CA", "NY", "FL", "GA", "IL", "OH", "PA", "WA")
_CODES = ("512", "405", "415", "212", "305", "404", "312", "614", "215", "206")


def run(long: bool = False, calls: int | None = None) -> dict[str, object]:
    """Measure and return the document of `bench --json`. `calls` is how many are simulated."""
    calls = calls or (CALLS_LONG if long else CALLS)
    rounds = 1 if long else ROUNDS
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
        config, traffic = Path(folder) / "config.json", Path(folder) / "traffic.jsonl"
        config.write_text(json.dumps(configuration()))
        write_traffic(traffic, calls)
        found = [_timed(config, traffic) for _ in range(rounds)]
    seconds = statistics.median(each for each, _ in found)
    answer = found[0][1]
    assert answer["calls"] == calls
    million_s = seconds / calls * 1_000_000
    row: dict[str, object] = {"case": f"{calls:,} calls, {2 * BUYERS} routes", "peer": None, "ratio": None}
    aim: dict[str, object] = {}
    if calls >= CALLS_LONG:  # in a short run the command's start is a part of it
        aim = {"aim": f"<= {SECONDS_MAX:g} s a million", "reached": million_s <= SECONDS_MAX}
    return {
        "bench": "simulate",
        "ratio_to_peer": None,
        "peer": "none: the aim is a time",
        "rows": [
            {**row, "ours": round(seconds, 2), "unit": "s", **aim},
            {**row, "ours": round(1_000_000 * seconds / calls, 1), "unit": "us a call"},
        ],
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
        "rounds": rounds,
        "sold": answer["sold"],
        "caveats": ["One process on one core; the machine's other work is in the time."],
    }


def configuration() -> dict[str, Any]:
    """An account with a hundred routes."""
    hours = {day: ["06:00-22:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    buyers = [
        {"key": f"b{number}", "hours": hours, "timezone": "America/Chicago",
         "limits": [{"measure": "live", "max": "40"}, {"measure": "convert", "per": "day", "max": "5000"}]}
        for number in range(BUYERS)
    ]  # fmt: skip
    targets = [
        {"key": f"t{number}", "buyer": f"b{number // 2}", "dial": f"sip:t{number}@127.0.0.1:5081",
         "limits": [{"measure": "live", "max": "25"}]}
        for number in range(2 * BUYERS)
    ]  # fmt: skip
    routes = [
        {"target": f"t{number}", "priority": str(1 + number // 10), "price": f"{20 + number % 40}.00",
         "criteria": {"attr": "geo.state", "in": [_STATES[(number + step) % len(_STATES)] for step in range(3)]}}
        for number in range(2 * BUYERS)
    ]  # fmt: skip
    return {
        "version": "1",
        "account": {"key": "bench", "timezone": "America/New_York",
                    "limits": [{"measure": "spend", "per": "day", "max": "90000000.00"}]},
        "publishers": [{"key": "p"}],
        "campaigns": [{"key": "c", "flow": "f", "plan": "main",
                       "conversion": {"call": {"event": "duration", "seconds": "60"}},
                       "payouts": [{"publisher": "p", "event": "convert", "percent": "40"}]}],
        "numbers": [{"number": "+18335550100", "campaign": "c", "publisher": "p"}],
        "buyers": buyers,
        "targets": targets,
        "plans": [{"key": "main", "tiers": [{"key": "t", "method": "priority", "routes": routes}]}],
        "flows": [{"key": "f", "start": "sell", "nodes": {"sell": {"route": {}}}}],
    }  # fmt: skip


def write_traffic(path: Path, calls: int) -> None:
    """Calls at eight a second from ten states."""
    chance, moment = random.Random(1), datetime(2026, 11, 23, 13, tzinfo=UTC)
    header = {"default": {"answer": 0.7, "busy": 0.3, "answer_s": [3, 12], "duration_s": {"median": 110, "sigma": 0.9}}}
    with path.open("w") as file:
        file.write(json.dumps({"header": header}) + "\n")
        for _ in range(calls):
            moment += timedelta(milliseconds=chance.randrange(250))
            at, caller = (
                moment.isoformat(timespec="milliseconds"),
                f"+1{chance.choice(_CODES)}555{chance.randrange(10_000):04d}",
            )
            file.write(f'{{"at": "{at}", "to": "+18335550100", "from": "{caller}"}}\n')


def _timed(config: Path, traffic: Path) -> tuple[float, dict[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "trunkline",
        "simulate",
        "--json",
        "--config",
        str(config),
        "--traffic",
        str(traffic),
    ]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - start, json.loads(done.stdout)
