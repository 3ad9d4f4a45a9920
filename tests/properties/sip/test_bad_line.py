"""Whatever a line loses, repeats or turns round: both sides come to the same end, and nothing is left of the call."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.sip.wire import ANSWER, CALLED, CALLER, SDP, assert_clean, target

from trunkline.sip.endpoint import CallTerms
from trunkline.sip.events import (
    Acknowledged,
    Answered,
    Cancelled,
    CancelledLate,
    Ended,
    Incoming,
    NoResponse,
    Refused,
    Reoffered,
    SipEvent,
    Unacknowledged,
)
from trunkline.sip.timers import T1
from trunkline.testing.wire import Node, Wire

pytestmark = pytest.mark.property

LONGEST_S = 64 * T1
HOLD = SDP.replace(b"4000", b"4002")
TERMS = [CallTerms(), CallTerms(session_s=90), CallTerms(90, "supported"), CallTerms(None, "required")]
SETTLED = 3 * LONGEST_S
"""From the last thing that anybody does: a BYE that nobody answers, its 32 s, and 32 s more to absorb repetitions."""


class Scene:
    """One call over a bad line, in which each side does something at times of its own."""

    def __init__(self, seed: int, loss: float, terms: CallTerms, theirs: CallTerms) -> None:
        self.dice = random.Random(seed)
        self.caller, self.called = Node(CALLER, 1), Node(CALLED, 2)
        self.net = Wire(self.caller, self.called, seed=seed, loss=loss, duplicate=0.1, reorder=0.3, delay_s=0.05)
        self.theirs = theirs
        for node in (self.caller, self.called):
            node.act = lambda event, now, node=node: self.obey(node, event, now)  # type: ignore[misc]
        self.leg = self.caller.sip.invite(target(terms=terms, first_response_s=20.0), 0.0)

    def obey(self, node: Node, event: SipEvent, now: float) -> None:
        """What both sides do by themselves: terms for the call, and an answer to whatever is offered in it."""
        if isinstance(event, Incoming):
            node.sip.set_terms(event.leg, self.theirs)
            node.sip.trying(event.leg, now)
        elif isinstance(event, Reoffered):
            node.sip.reanswer(event.leg, ANSWER, now)

    def wait(self, longest_s: float) -> None:
        """Let some time pass."""
        self.net.run(self.dice.random() * longest_s)

    def play(self) -> None:
        """Ring, answer or refuse or be cancelled, talk and change the session, hang up from one side."""
        self.net.run(25.0)
        incoming = [event.leg for event in self.called.of(Incoming)]
        for leg in incoming:
            if self.dice.random() < 0.7:
                early = ANSWER if self.dice.random() < 0.5 else None
                self.called.sip.ring(leg, self.net.now, self.dice.choice((180, 183)), early)
                self.wait(8.0)
        ending = self.dice.random()
        if ending < 0.2:
            self.caller.sip.cancel(self.leg, self.net.now)
        elif ending < 0.35:
            for leg in incoming:
                self.called.sip.reject(leg, 486, self.net.now)
        if ending > 0.1:  # at times an answer that crosses the CANCEL
            for leg in incoming:
                self.called.sip.answer(leg, ANSWER, self.net.now)
        self.wait(20.0)
        self.change()
        self.hang_up(incoming)

    def change(self) -> None:
        """A new offer of either side, where the call stands; at times of both at once."""
        for node in (self.caller, self.called):
            for leg in list(node.sip._core.legs.values()):
                if leg.state.name == "CONFIRMED" and not leg.has_open_offer() and self.dice.random() < 0.5:
                    node.sip.reoffer(leg.id, HOLD, self.net.now)
        self.wait(30.0)

    def hang_up(self, incoming: list[int]) -> None:
        """One side, or both at once."""
        side = self.dice.randrange(3)
        if side != 1:
            self.caller.sip.hangup(self.leg, self.net.now)
        if side != 0:
            for leg in incoming:
                self.called.sip.hangup(leg, self.net.now)
        if side == 1 and not incoming:
            self.caller.sip.hangup(self.leg, self.net.now)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 0.3), st.sampled_from(TERMS), st.sampled_from(TERMS))
def test_both_sides_come_to_the_same_end(seed: int, loss: float, terms: CallTerms, theirs: CallTerms) -> None:
    scene = Scene(seed, loss, terms, theirs)
    scene.play()
    scene.net.run(SETTLED)
    caller, called = scene.caller, scene.called
    assert_clean(caller, called)
    talked = bool(called.of(Acknowledged))
    if caller.of(Answered):
        assert talked or called.of(Ended) or called.of(Unacknowledged), called.names()
    if talked:
        assert caller.of(Answered) or caller.of(CancelledLate), caller.names()
    if caller.of(Refused) and not called.of(Cancelled):
        assert not talked
        assert not called.of(Unacknowledged)
    if caller.of(NoResponse):
        assert not talked or caller.of(CancelledLate)
    assert sum(len(caller.of(kind)) for kind in (Answered, Refused, NoResponse, CancelledLate)) <= 1 + bool(
        caller.of(NoResponse) and caller.of(CancelledLate)
    ), caller.names()
