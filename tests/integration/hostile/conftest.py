"""What every hostile test needs, and what must hold after it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hostile.rig import Caller, GoodCall, Peer, Voice, answers, configuration, sdp

from trunkline.testing.switch import SwitchProcess


class Site:
    """Starts switches and peers, and ends them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = ExitStack()
        self.switches: list[SwitchProcess] = []

    def switch(self, config: str, **options: Any) -> SwitchProcess:
        """A running switch."""
        made = SwitchProcess(config, self.folder / f"switch{len(self.switches)}", **options)
        self.switches.append(made)
        self.stack.callback(made.kill)
        return made.start()

    def peer(self, *arguments: Any, **options: Any) -> Peer:
        """A running peer."""
        return self.stack.enter_context(Peer(*arguments, **options))

    def caller(self, **options: Any) -> Caller:
        """A running caller."""
        return self.stack.enter_context(Caller(**options))

    def voices(self) -> tuple[Voice, Voice]:
        """A caller's and a buyer's voice."""
        return (
            self.stack.enter_context(Voice("caller", of="buyer")),
            self.stack.enter_context(Voice("buyer", of="caller")),
        )

    def good_call(self, **options: Any) -> GoodCall:
        """A switch with a call that goes on."""
        voices = self.voices()
        buyer = self.peer(answers(voices[1].port))
        switch = self.switch(configuration(buyer.target("good")), **options)
        return GoodCall(self.caller(), switch, voices, buyer)

    def check(self) -> None:
        """Whatever was done to it, a switch has nothing left and has not failed anywhere."""
        for switch in self.switches:
            if switch.running:
                metrics = switch.idle()
                assert metrics.get("trunkline_call_errors_total", 0) == 0, switch.log()
                assert metrics.get("trunkline_leases_expired_total", 0) == 0, switch.log()
                switch.until(lambda of=switch: not unended(of), "every call to have an outcome")
            assert "Traceback" not in switch.log(), switch.log()
            assert not unended(switch)


def unended(switch: SwitchProcess) -> list[dict[str, Any]]:
    """Calls without an outcome."""
    return [call for call in switch.calls() if call["outcome"] is None]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site that is checked when the test has passed, and emptied in any case."""
    made = Site(tmp_path)
    try:
        yield made
        made.check()
    finally:
        made.stack.close()


class Unfinished:
    """Calls that were answered and never acknowledged, begun before all other tests: they take half a minute."""

    def __init__(self, site: Site) -> None:
        self.buyer = site.peer(answers())
        self.switch = site.switch(configuration(self.buyer.target("good")))
        self.caller = site.caller()
        self.began = time.monotonic()
        self.calls = [self.caller.call(self.switch, body=body) for body in (sdp(9), sdp(9), b"")]


@pytest.fixture(scope="package", autouse=True)
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unfinished]:
    """See `Unfinished`; its own test comes last and has little left to wait for."""
    site = Site(tmp_path_factory.mktemp("unfinished"))
    try:
        yield Unfinished(site)
    finally:
        site.stack.close()
