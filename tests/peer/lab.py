"""A switch with its peers for one test: everything started is ended, and what must hold after every test is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.peer.phone import Phone

from trunkline.codec import wav
from trunkline.testing.lossy import Line
from trunkline.testing.relay import UdpRelay
from trunkline.testing.sipp import Sipp
from trunkline.testing.sipp_steps import (
    ack,
    acked,
    answer,
    buyer,
    bye,
    byed,
    caller,
    expect,
    held,
    invite,
    invited,
    pause,
    provisional,
)
from trunkline.testing.switch import SwitchProcess

NUMBER = "+18335550100"

TALKS = (invited(), answer(180), answer(200), acked(), byed())
"""A buyer that rings, answers at once and listens until the other side hangs up."""


def calls_and_hangs_up(talk_ms: int = 200) -> tuple[str, ...]:
    """A caller that is answered, talks, and hangs up."""
    return (invite(), provisional(), expect(200), ack(), pause(talk_ms), bye())


TALKS_UNTIL_TOLD = (invite(), provisional(), expect(200), ack(), held(), bye())
"""A caller that is answered and hangs up when the test says `go_on`."""


def refuses(status: int) -> tuple[str, ...]:
    """A buyer that refuses at once."""
    return (invited(), answer(status), acked())


def target(key: str, dial: str, **fields: object) -> dict[str, Any]:
    """A target of its own buyer at 20 dollars; `dial` is host:port or an address."""
    address = dial if dial.startswith(("sip:", "sips:")) else f"sip:{key}@{dial}"
    return {"key": key, "buyer": key, "dial": address, **fields}


def configuration(
    *targets: dict[str, Any],
    method: str = "priority",
    nodes: dict[str, Any] | None = None,
    campaign: dict[str, Any] | None = None,
    plan: dict[str, Any] | None = None,
    buyer_limits: Sequence[dict[str, Any]] = (),
    target_routes: dict[str, dict[str, Any]] | None = None,
    **sections: Any,
) -> str:
    """One account that offers its calls to `targets` in their order. `nodes` is the flow, starting at `start`."""
    routes = [
        {"target": each["key"], "priority": place + 1, "price": "20.00", **(target_routes or {}).get(each["key"], {})}
        for place, each in enumerate(targets)
    ]
    whole: dict[str, Any] = {
        "version": 1,
        "account": {"key": "acme", "currency": "USD", "timezone": "America/New_York"},
        "publishers": [{"key": "adwave"}],
        "campaigns": [
            {
                "key": "injury",
                "flow": "intake",
                "plan": "injury",
                "conversion": {"call": {"event": "connect"}},
                **(campaign or {}),
            }
        ],
        "numbers": [{"number": NUMBER, "campaign": "injury", "publisher": "adwave"}],
        "buyers": [{"key": each["buyer"], "limits": list(buyer_limits)} for each in targets],
        "targets": list(targets),
        "plans": [{"key": "injury", "tiers": [{"key": "only", "method": method, "routes": routes}], **(plan or {})}],
        "flows": [{"key": "intake", "start": "start", "nodes": nodes or {"start": {"route": {}}}}],
        "trunks": [{"key": "carrier", "allow": ["127.0.0.0/8"], "default_country": "US", "same_caller_seconds": 0}],
        **sections,
    }
    return json.dumps(whole, indent=1)


class Lab:
    """Starts switches, buyers and callers in one folder, and ends them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.switches: list[SwitchProcess] = []
        self._stack = ExitStack()
        self._names: dict[str, int] = {}

    def switch(self, config: str, files: Mapping[str, bytes] | None = None, **options: Any) -> SwitchProcess:
        """A running switch, with `files` beside its configuration."""
        made = SwitchProcess(config, self.folder / f"switch{len(self.switches) or ''}", **options)
        for name, content in (files or {}).items():
            (made.folder / name).write_bytes(content)
        self.switches.append(made)
        self._stack.callback(made.kill)
        return made.start()

    def buyer(self, *steps: str, name: str = "buyer", **options: Any) -> Sipp:
        """A running sipp that takes calls."""
        return self._stack.enter_context(Sipp(buyer(*steps), self.folder, self._name(name), **options))

    def relay(self, toward: tuple[str, int], there: Line, back: Line) -> UdpRelay:
        """A bad line to a peer or a switch, until the lab is emptied."""
        return self._stack.enter_context(UdpRelay(toward, there, back))

    def phone(self, **options: Any) -> Phone:
        """The audio of a peer."""
        return self._stack.enter_context(Phone(**options))

    def caller(
        self,
        switch: SwitchProcess,
        *steps: str,
        calls: int = 1,
        name: str = "caller",
        via: str | None = None,
        **options: Any,
    ) -> Sipp:
        """A running sipp that makes calls to the switch, or to the proxy `via`."""
        made = Sipp(caller(*steps), self.folder, self._name(name), to=via or switch.sip, calls=calls, **options)
        return self._stack.enter_context(made)

    def _name(self, wanted: str) -> str:
        number = self._names[wanted] = self._names.get(wanted, 0) + 1
        return wanted if number == 1 else f"{wanted}{number}"

    def close(self) -> None:
        """End everything that was started."""
        self._stack.close()

    def check(self) -> None:
        """What holds after every call, however it went: nothing is left, every attempt and call has one outcome."""
        for switch in self.switches:
            if switch.running:
                metrics = switch.idle()
                assert metrics.get("trunkline_call_errors_total", 0) == 0, switch.log()
                assert metrics.get("trunkline_leases_expired_total", 0) == 0, switch.log()
            assert "Traceback" not in switch.log(), switch.log()
            for call in switch.calls():
                assert call["outcome"] is not None, call
                assert all(attempt["outcome"] is not None for attempt in call["attempts"]), call


def attempts(call: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    """Target, outcome and SIP status of a call's attempts."""
    return [(each["target"], each["outcome"], each["sip_status"]) for each in call["attempts"]]


def prompt(codes: bytes) -> bytes:
    """The content of a WAV file that is played as exactly these µ-law codes."""
    return wav.write(wav.Encoding.ULAW, 1, codes)
