"""Calls through a switch that takes leads meanwhile: how long each INVITE is on its way, without and with them."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import yaml
from bench.load.lead_form import configuration
from bench.load.lead_sides import Side, post
from bench.load.machine import LOAD_CORE, SERVER_CORE, in_memory, pinned, stolen_s
from bench.load.round import Spread, first_messages, spread_of
from bench.load.script import CALLER, NUMBER, TAKES, caller_number
from bench.load.sides import OWN_HOST

from trunkline.testing.sipp import Sipp, SippFailed
from trunkline.testing.switch import SwitchProcess

LEGS_MAX = 2_000
QUIET_S = 6
FIRST_S = 1.0
"""Of each part, not counted: connections are made, caches fill."""
FURTHER = 1_000_000
"""Persons of one posting after the other, so that none is posted twice."""


class Beside(msgspec.Struct, frozen=True):
    """What one run showed: the most leads a second, those taken in beside the calls, and the ways of INVITEs."""

    most_per_second: float
    leads_per_second: float
    calls: int
    failed: int
    quiet: Spread | None
    busy: Spread | None
    stolen_s: float


def measure(rate: int, seconds: int, connections: int, lead: tuple[str, str], buyer_url: str) -> Beside:
    """Calls at `rate`: first alone, then beside half as many leads as the switch takes in at most."""
    with (
        tempfile.TemporaryDirectory(prefix="trunkline-bench-") as name,
        tempfile.TemporaryDirectory(prefix="trunkline-bench-", dir=in_memory()) as notes,
        pinned(LOAD_CORE),
        Sipp(TAKES, Path(notes), "taking", seconds=4 * (seconds + QUIET_S) + 60) as taking,
        _switch(Path(name), buyer_url, taking.address) as switch,
    ):
        load, side = Path(notes), Side(switch.pid, switch.http)
        post(side, load, *lead, 0, 1, connections)
        most = post(side, load, *lead, FURTHER, seconds, connections).per_second
        turn_ms = 1_000 * connections / most
        tried = post(side, load, *lead, 2 * FURTHER, 2, connections, delay_ms=round(1.5 * turn_ms))
        answer_ms = max(0.0, 1_000 * connections / tried.per_second - round(1.5 * turn_ms))
        delay_ms = max(1, round(2 * turn_ms - answer_ms))
        calls = round(rate * (QUIET_S + seconds + 2))
        stolen = stolen_s()
        with _caller(switch, load, rate, calls) as caller:
            begun = _sipp_s()
            time.sleep(QUIET_S)
            leads_from = _sipp_s()
            taken = post(side, load, *lead, 3 * FURTHER, seconds, connections, delay_ms=delay_ms)
            leads_to = _sipp_s()
            try:
                told = caller.wait()
            except SippFailed:
                told = caller.figures()
        out = first_messages(taking.messages(), "INVITE", sent=False)
        sent = first_messages(caller.messages(), "INVITE", sent=True)
        ways = [(at, out[number] - at) for number, at in sent.items() if number in out]
        return Beside(
            most_per_second=most,
            leads_per_second=taken.per_second,
            calls=calls,
            failed=calls - told.successful,
            quiet=spread_of(way for at, way in ways if begun + FIRST_S <= at < leads_from),
            busy=spread_of(way for at, way in ways if leads_from + FIRST_S <= at < leads_to),
            stolen_s=round(stolen_s() - stolen, 2),
        )


@contextmanager
def _switch(folder: Path, buyer_url: str, address: str) -> Iterator[SwitchProcess]:
    """A switch on its core, with the campaign of the leads and one whose calls are sold to `address`."""
    switch = SwitchProcess(
        _with_calls(configuration(buyer_url), address), folder / "side", legs=LEGS_MAX, host=OWN_HOST
    )
    try:
        with pinned(SERVER_CORE):
            switch.start()
        yield switch
        switch.stop()
    finally:
        switch.kill()


def _with_calls(text: str, address: str) -> str:
    """The configuration with a number, a buyer and a plan for calls beside what it has."""
    whole = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - every scalar as text, as the product reads it
    limits = [{"measure": "live", "max": 100_000}, {"measure": "connect", "per": "day", "max": 10_000_000}]
    routes = [{"target": "desk", "price": "20.00"}]
    whole["campaigns"].append(
        {"key": "calls", "flow": "sell", "plan": "calls", "conversion": {"call": {"event": "connect"}}}
    )
    whole["numbers"] = [{"number": NUMBER, "campaign": "calls", "publisher": "sender"}]
    whole["buyers"].append({"key": "desk", "limits": limits})
    whole["targets"].append({"key": "desk", "buyer": "desk", "dial": f"sip:desk@{address}"})
    whole["plans"].append({"key": "calls", "tiers": [{"method": "priority", "routes": routes}]})
    whole["trunks"] = [{"key": "carrier", "allow": ["127.0.0.0/8"], "default_country": "US"}]
    return json.dumps(whole)


def _caller(switch: SwitchProcess, folder: Path, rate: int, calls: int) -> Sipp:
    callers = [caller_number(index) for index in range(calls)]
    return Sipp(
        CALLER,
        folder,
        "caller",
        to=switch.sip,
        number=NUMBER,
        calls=calls,
        rate=rate,
        at_once=20_000,
        callers=callers,
        seconds=2 * calls // rate + 60,
    )


def _sipp_s() -> float:
    """The present moment as sipp writes it: the local clock."""
    return time.time() + time.localtime().tm_gmtoff
