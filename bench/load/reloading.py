"""Calls through a switch whose large configuration is replaced meanwhile: how long each INVITE is on its way."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from bench.load.machine import LOAD_CORE, SERVER_CORE, in_memory, pinned, stolen_s
from bench.load.market import NUMBER, WEEK, market, text_of
from bench.load.round import first_messages
from bench.load.script import CALLER, TAKES, caller_number
from bench.load.sides import OWN_HOST

from trunkline.testing.sipp import Sipp, SippFailed
from trunkline.testing.switch import SwitchProcess

QUIET_S = 6.0
"""Calls without a change before the first one."""
AFTER_S = 1.5
"""How long after it is in force a change is still counted as going on."""
IN_FORCE_S_MAX = 120.0
LEGS_MAX = 2_000


class Change(msgspec.Struct, frozen=True):
    """One replacement of the configuration, or the quiet time before. Milliseconds of every INVITE begun in it."""

    name: str
    in_force_s: float | None
    ways_ms: list[float]


class Reloading(msgspec.Struct, frozen=True):
    """What one run showed."""

    calls: int
    failed: int
    stolen_s: float
    changes: list[Change]


def live_market(routes: int, address: str) -> dict[str, Any]:
    """A market for real calls: always open, callers speak English and want car insurance."""
    document = market(routes, address=address)
    for buyer in document["buyers"]:
        buyer["hours"] = {day: ["00:00-24:00"] for day in (*WEEK, "sat", "sun")}
    document["numbers"] = [
        {"number": NUMBER, "campaign": "injury", "publisher": "adwave", "tags": {"tag.product": "auto"}}
    ]
    nodes = {"speak": {"set": {"caller.language": "en"}, "next": "sell"}, "sell": {"route": {}}}
    document["flows"] = [{"key": "intake", "start": "speak", "nodes": nodes}]
    return document


def changed(document: dict[str, Any], every: int) -> str:
    """The text of the market with the price of one in `every` routes raised by a dollar."""
    number = 0
    for tier in document["plans"][0]["tiers"]:
        for route in tier["routes"]:
            if number % every == 0:
                route["price"] = f"{int(route['price'].split('.')[0]) + 1}.00"
            number += 1
    return text_of(document)


def measure(routes: int, rate: int, seconds: float) -> Reloading:
    """Calls at `rate` for at least `seconds`: quiet first, then every route is changed, then one."""
    with (
        tempfile.TemporaryDirectory(prefix="trunkline-bench-") as name,
        tempfile.TemporaryDirectory(prefix="trunkline-bench-", dir=in_memory()) as notes,
        pinned(LOAD_CORE),
    ):
        folder, load = (
            Path(name),
            Path(notes),
        )  # what the load writes is not to wait for the switch's disk, nor it for that
        calls = round(rate * seconds)
        with Sipp(TAKES, load, "taking", seconds=round(seconds) + 180) as taking:
            document = live_market(routes, taking.address)
            text = text_of(document)
            switch = SwitchProcess(text, folder / "side", legs=LEGS_MAX, host=OWN_HOST)
            switch.config_path = load / switch.config_path.name  # the editor is not the switch either
            switch.write_config(text)
            try:
                with pinned(SERVER_CORE):
                    switch.start()
                caller = Sipp(
                    CALLER,
                    load,
                    "caller",
                    to=switch.sip,
                    number=NUMBER,
                    calls=calls,
                    rate=rate,
                    at_once=20_000,
                    callers=[caller_number(index) for index in range(calls)],
                    seconds=round(seconds) + 120,
                )
                stolen = stolen_s()
                with caller:
                    spans = _change(switch, document, routes, seconds)
                    try:
                        told = caller.wait()
                    except SippFailed:
                        told = caller.figures()
                ways = _ways(caller, taking)
                switch.stop()
            finally:
                switch.kill()
        return Reloading(
            calls=calls,
            failed=calls - told.successful,
            stolen_s=round(stolen_s() - stolen, 2),
            changes=[
                Change(what, in_force_s, [ms for at, ms in ways if begin <= at < end])
                for what, begin, end, in_force_s in spans
            ],
        )


def _change(
    switch: SwitchProcess, document: dict[str, Any], routes: int, seconds: float
) -> list[tuple[str, float, float, float | None]]:
    """Make the changes; what each is called, when it began and ended by sipp's clock, after what time it counted."""
    until_s = time.monotonic() + seconds
    time.sleep(QUIET_S)
    spans: list[tuple[str, float, float, float | None]] = [("no change", 0.0, _sipp_s(), None)]
    for number, (what, every) in enumerate(((f"{routes:,} routes", 1), (f"one of {routes:,} routes", routes)), 1):
        text = changed(document, every)
        begin, began_s = _sipp_s(), time.monotonic()
        switch.write_config(text)
        while switch.metric("trunkline_reloads_total", result="loaded") < number:
            assert time.monotonic() - began_s < IN_FORCE_S_MAX, switch.log()
            time.sleep(0.25)
        in_force_s = time.monotonic() - began_s
        time.sleep(AFTER_S)
        assert time.monotonic() < until_s, f"{what} were in force after {in_force_s:.1f} s: the calls had ended"
        spans.append((what, begin, _sipp_s(), round(in_force_s, 2)))
    return spans


def _sipp_s() -> float:
    """The present moment as sipp writes it: the local clock."""
    return time.time() + time.localtime().tm_gmtoff


def _ways(caller: Sipp, taking: Sipp) -> list[tuple[float, float]]:
    """When each caller's INVITE left, and after how many milliseconds the buyer's arrived."""
    out = first_messages(taking.messages(), "INVITE", sent=False)
    begun = first_messages(caller.messages(), "INVITE", sent=True)
    return [(at, 1000 * (out[number] - at)) for number, at in begun.items() if number in out]
