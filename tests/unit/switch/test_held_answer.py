"""A caller whose 200 waits for its PRACK is not connected yet: no minutes, no BYE after a crash, 487 if it cancels."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.engine.calls import commands as c
from trunkline.events.changes import LegPut
from trunkline.kernel.clock import SECOND, Instant
from trunkline.sip import events
from trunkline.switch.livecall import LiveCall
from trunkline.switch.registry import Whose
from trunkline.switch.switchboard import Switchboard, _must_talk
from trunkline.switch.trunk_load import TrunkLoad

pytestmark = pytest.mark.unit


class Held:
    """A live call that is being answered; `leaves` is whether the SIP core sends its 200 at once."""

    def __init__(self, *, leaves: bool) -> None:
        self.load = TrunkLoad()
        self.now = Instant(0, 0)
        self.kept: list[object] = []
        self.saved = 0
        endpoint = SimpleNamespace(answer=lambda leg, body, now: leaves, identifiers=lambda leg: {"leg": leg})
        call: Any = LiveCall.__new__(LiveCall)
        call.plant = SimpleNamespace(
            sip=SimpleNamespace(endpoint=endpoint, now=lambda: 0.0), clock=lambda: self.now, media=None
        )
        call.machine = SimpleNamespace(context=SimpleNamespace(account="acme", call="call", contact="contact"))
        description = SimpleNamespace(offer=lambda: b"ours", said=lambda body: None)
        call.caller = SimpleNamespace(
            offer=None, description=description, sip=7, media="call", seat=self.load.begin(0), held=False
        )
        call.answered = call.answer_waits = False
        call.keep = self.kept.append
        call.save = self.save
        self.call = call
        call._do(c.AnswerCaller(), self.now)

    def save(self) -> None:
        """Count what is written."""
        self.saved += 1

    def after(self, seconds: int) -> None:
        """Let time pass."""
        self.now = Instant(self.now.mono_ns + seconds * SECOND, self.now.utc_ms + 1000 * seconds)


def test_an_answer_that_leaves_at_once_connects_the_caller_at_once() -> None:
    held = Held(leaves=True)
    held.after(10)
    assert held.load.talked_ms(held.now.mono_ns) == 10_000
    (put,) = held.kept
    assert isinstance(put, LegPut)
    assert put.leg.confirmed
    assert _must_talk(Whose(held.call, None))


def test_a_caller_whose_answer_waits_is_connected_when_it_leaves() -> None:
    held = Held(leaves=False)
    held.after(10)
    assert (held.kept, held.saved, held.load.talked_ms(held.now.mono_ns)) == ([], 0, 0)
    assert not _must_talk(Whose(held.call, None)), "no silence ends a call that was not connected"
    board: Any = Switchboard.__new__(Switchboard)
    board._about_caller(events.AnswerSent(7), held.call)
    (put,) = held.kept
    assert isinstance(put, LegPut)
    assert (put.leg.leg, put.leg.attempt, put.leg.confirmed, held.saved) == ("call", None, True, 1)
    held.after(5)
    assert held.load.talked_ms(held.now.mono_ns) == 5_000
    assert _must_talk(Whose(held.call, None))
