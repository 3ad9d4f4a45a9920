"""Whatever happens to a call, in whatever order: nothing is left of it, and every attempt has one outcome."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.table import State
from trunkline.events.calls import OfferReserved
from trunkline.testing.callworld import CallWorld

pytestmark = pytest.mark.property

FLOWS = {
    "direct": "sell: {route: {}}",
    "asks": """
      zip: {collect: {say: "ZIP", digits: 2, seconds: 3, tries: 2, into: geo.zip}, next: menu, otherwise: menu}
      menu: {menu: {say: "Press 1", choices: {"1": sell, "2": bye}, seconds: 3, tries: 1, otherwise: message}}
      message: {voicemail: {say: "Speak", seconds: 10}}
      bye: {hang_up: {}}
      sell: {route: {}, otherwise: message}""",
    "sensitive": """
      card: {collect: {say: "Card", digits: 2, seconds: 3, tries: 1, sensitive: true}, next: sell, otherwise: sell}
      sell: {route: {}}""",
}


def configuration(flow: str, record: str, press: bool, whisper: bool, answer: str, no_buyer: str, timer: str) -> str:
    start = {"direct": "sell", "asks": "zip", "sensitive": "card"}[flow]
    accept = 'press_to_accept: "1", ' if press else ""
    said = 'whisper: "A call.", ' if whisper else ""
    return f"""
version: 1
account: {{key: acme, currency: USD, timezone: America/New_York}}
publishers: [{{key: pub}}]
campaigns:
  - key: c
    flow: f
    plan: p
    answer: {answer}
    conversion: {{call: {timer}}}
    payouts: [{{event: convert, percent: 60}}]
    recording: {{mode: {record}, announce: "Recorded."}}
numbers: [{{number: "+18335550100", campaign: c, publisher: pub}}]
buyers:
  - {{key: one, limits: [{{measure: live, max: 1}}, {{measure: convert, per: day, max: 5}}], funding: {{mode: prepaid, limit: "500.00"}}}}
  - {{key: two}}
targets:
  - {{key: a, buyer: one, {accept}{said}dial: "sip:a@127.0.0.1:5081", ring_seconds: 5}}
  - {{key: b, buyer: two, {said}dial: "sip:b@127.0.0.1:5082", ring_seconds: 5, max_duration_seconds: 30}}
  - {{key: d, buyer: two, dial: "sip:d@127.0.0.1:5083", ring_seconds: 5}}
plans:
  - key: p
    tiers:
      - {{method: priority, routes: [{{target: a, price: "10.00"}}, {{target: b, priority: 2, price: "5.00"}}]}}
      - {{method: weighted, routes: [{{target: d, price: "1.00"}}]}}
    no_buyer: {no_buyer}
flows: [{{key: f, start: {start}, nodes: {{{_flat(FLOWS[flow])}}}}}]
trunks: [{{key: lo, allow: ["127.0.0.0/8"], default_country: US}}]
"""


def _flat(nodes: str) -> str:
    return ", ".join(line.strip() for line in nodes.strip().splitlines())


class AnyOrder(RuleBasedStateMachine):
    """Tells a call machine anything at any time, the impossible and the late included."""

    @initialize(
        flow=st.sampled_from(sorted(FLOWS)),
        record=st.sampled_from(["off", "from_answer", "from_connect"]),
        press=st.booleans(),
        whisper=st.booleans(),
        answer=st.sampled_from(["flow", "buyer"]),
        no_buyer=st.sampled_from(
            [
                "{then: hang_up}",
                '{say: "Sorry.", then: hang_up}',
                '{say: "Sorry.", then: voicemail}',
                "{then: voicemail}",
            ]
        ),
        timer=st.sampled_from(["{event: connect}", "{event: attempt}", "{event: duration, seconds: 4, timer: dial}"]),
    )
    def arrive(
        self, flow: str, record: str, press: bool, whisper: bool, answer: str, no_buyer: str, timer: str
    ) -> None:
        self.world = CallWorld(configuration(flow, record, press, whisper, answer, no_buyer, timer))
        self.world.tell(i.Arrived())

    def alive(self) -> bool:
        return hasattr(self, "world") and self.world.machine.state not in (State.ENDING, State.OVER)

    def attempts(self) -> list[str]:
        return [event.attempt for event in self.world.written if isinstance(event, OfferReserved)]

    @rule(ok=st.integers(0, 9))
    def disk(self, ok: int) -> None:
        if self.world.tickets:
            ticket = self.world.tickets.pop(0)
            self.world.tell(i.Durable(ticket) if ok else i.NotDurable(ticket))

    @rule(ms=st.integers(0, 8_000))
    def time(self, ms: int) -> None:
        self.world.pass_time(ms)
        self.world.tell(i.Tick())

    @rule(ms=st.integers(0, 8_000))
    def time_unseen(self, ms: int) -> None:
        self.world.pass_time(ms)

    @rule()
    def next_timer(self) -> None:
        if self.world.machine.next_timer() is not None:
            self.world.next_tick()

    @rule(side=st.sampled_from(["caller", "buyer"]), completed=st.booleans())
    def played(self, side: i.Side, completed: bool) -> None:
        if side in self.world.playing:
            self.world.finish_playing(side, completed)

    @rule(tag=st.integers(0, 5))
    def stale_play(self, tag: int) -> None:
        if tag not in self.world.playing.values():
            self.world.tell(i.Played(tag, completed=True))

    @rule(side=st.sampled_from(["caller", "buyer"]), digit=st.sampled_from("12#"))
    def key(self, side: i.Side, digit: str) -> None:
        self.world.tell(i.KeyPressed(side, digit))

    @rule(data=st.data(), kind=st.integers(0, 6))
    def buyer(self, data: st.DataObject, kind: int) -> None:
        if not self.attempts():
            return
        attempt = data.draw(st.sampled_from(self.attempts()))
        if attempt == getattr(self.world.machine.attempt, "id", None) and attempt not in self.world.ringing:
            return  # nobody can speak for a leg that was not rung yet
        news: i.Input = [
            i.BuyerRings(attempt),
            i.BuyerAnswered(attempt),
            i.BuyerRefused(attempt, data.draw(st.sampled_from([486, 480, 603, 404, 500]))),
            i.BuyerSilent(attempt),
            i.BuyerUnreachable(attempt, "dns"),
            i.BuyerLeft(attempt),
            i.BuyerAnswered(attempt),
        ][kind]
        ours = attempt == getattr(self.world.machine.attempt, "id", None)
        before = self.world.machine.state
        if isinstance(news, i.BuyerRefused | i.BuyerLeft) and ours:
            self.world.ringing.discard(attempt)  # the peer has ended its leg itself
        self.world.tell(news)
        if ours and isinstance(news, i.BuyerRefused) and before is not State.RINGING:
            self.world.ringing.add(attempt)  # a refusal after the answer is no news; the leg stands

    @rule()
    def files(self) -> None:
        self.world.close_files()

    @precondition(lambda self: self.alive())
    @rule()
    def caller_leaves(self) -> None:
        self.world.caller_open = False
        self.world.tell(i.CallerLeft())

    @rule()
    def system_hangs_up(self) -> None:
        self.world.tell(i.HangUp("operator"))

    @rule()
    def media_dies(self) -> None:
        if self.alive():
            self.world.tell(i.MediaLost())

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        if self.alive():
            self.world.caller_open = False
            self.world.tell(i.CallerLeft())
        self.world.close_files()
        while self.world.machine.next_timer() is not None:
            self.world.next_tick()
        self.world.durable()
        self.world.check_over()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=300, stateful_step_count=40)
