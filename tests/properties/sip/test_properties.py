"""Properties of the SIP core: nothing hostile disturbs it, and whatever happens every leg ends exactly once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.unit.sip.wire import (
    ANSWER,
    CALLED,
    CALLER,
    INVITE,
    SDP,
    Node,
    Wire,
    assert_clean,
    established,
    pair,
    raw,
    target,
)

from trunkline.sip import dtmf_info, sdp
from trunkline.sip.endpoint import SipEndpoint
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.events import Incoming, Reoffered
from trunkline.sip.headers import format_name_addr, parse_name_addr, split_values
from trunkline.sip.legs import LegState
from trunkline.sip.message import Request, Response, parse
from trunkline.sip.transactions.client import Client
from trunkline.sip.transactions.invite_client import InviteClient
from trunkline.sip.transactions.invite_server import InviteServer
from trunkline.sip.transactions.machine import Input, State, Transaction
from trunkline.sip.transactions.server import Server
from trunkline.sip.uri import is_usable, parse_uri

pytestmark = pytest.mark.property

TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~", min_size=1, max_size=12)
VALUE = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=40).map(
    lambda text: text.strip(" \t")
)
SEEDS = [
    raw(),
    raw(INVITE.replace("INVITE", "BYE")),
    raw(INVITE.replace("INVITE", "OPTIONS")),
    raw(INVITE.replace("INVITE", "CANCEL")),
    raw(INVITE.replace("INVITE", "ACK")),
    raw(Content_Type="application/sdp", Content_Length=str(len(SDP))) + SDP,
    raw(Record_Route="<sip:192.0.2.9;lr>, <sip:192.0.2.8>", To="<sip:bob@192.0.2.2>;tag=x"),
    b"\r\n".join(
        [
            b"SIP/2.0 200 OK",
            b"Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKa",
            b"From: <sip:a@b>;tag=1",
            b"To: <sip:c@d>;tag=2",
            b"Call-ID: x",
            b"CSeq: 1 INVITE",
            b"Contact: <sip:x@192.0.2.1>",
            b"",
            b"",
        ]
    ),
]
SPICE = [
    b"\r\n",
    b"\0",
    b",",
    b'"',
    b"<",
    b">",
    b";",
    b"tag=",
    b"99999999",
    b"-1",
    b"\xff\xfe",
    b"z9hG4bK",
    b"SIP/2.0",
    b":",
]


@contextmanager
def remote_errors_only() -> Iterator[None]:
    """Let pass what the peer is to blame for, if it says what to answer; anything else is a bug."""
    status = 400
    try:
        yield
    except RemoteSipError as error:
        status = error.status
    assert 400 <= status <= 699


def mutated(rng: random.Random, data: bytes) -> bytes:
    """The datagram with a few cuts, repeats, swaps and spices."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(5):
            case 0:
                del out[at : at + rng.randint(1, 20)]
            case 1:
                out[at:at] = rng.choice(SPICE)
            case 2:
                out[at : at + 1] = rng.randbytes(1)
            case 3:
                lines = bytes(out).split(b"\r\n")
                rng.shuffle(lines)
                out = bytearray(b"\r\n".join(lines))
            case _:
                out[at:at] = out[at : at + rng.randint(1, 60)]
    return bytes(out)


@given(TOKEN, st.lists(st.tuples(TOKEN.map(lambda name: f"X-{name}"), VALUE), max_size=12), st.binary(max_size=200))
def test_a_request_reads_back_as_it_was_written(method: str, headers: list[tuple[str, str]], body: bytes) -> None:
    read = parse(Request(method, "sip:bob@192.0.2.2;a=b", headers, body).encode())
    if method.upper().startswith("SIP/"):
        return
    assert isinstance(read, Request)
    assert (read.method, read.uri, read.body) == (method, "sip:bob@192.0.2.2;a=b", body)
    assert list(read.headers) == [*headers, ("Content-Length", str(len(body)))]
    assert parse(read.encode()).headers == read.headers


@given(st.integers(100, 699), VALUE, st.lists(st.tuples(TOKEN.map(lambda name: f"X-{name}"), VALUE), max_size=12))
def test_a_response_reads_back_as_it_was_written(status: int, reason: str, headers: list[tuple[str, str]]) -> None:
    read = parse(Response(status, reason, headers).encode())
    assert isinstance(read, Response)
    assert (read.status, read.reason) == (status, reason)
    assert list(read.headers)[:-1] == headers


@given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1, max_size=40), TOKEN)
def test_a_display_name_reads_back_whatever_is_in_it(display: str, tag: str) -> None:
    written = format_name_addr("sip:a@192.0.2.1", display, tag)
    assert split_values(f"{written}, {written}") == [written, written]
    read = parse_name_addr(written)
    assert (read.display, read.uri, read.tag) == (display, "sip:a@192.0.2.1", tag)


@given(st.binary(max_size=400))
def test_any_bytes_raise_remote_errors_only(data: bytes) -> None:
    for read in (parse, sdp.parse_audio, lambda body: dtmf_info.parse("application/dtmf-relay", body)):
        with remote_errors_only():
            read(data)


@given(st.text(max_size=80))
def test_any_text_as_a_header_raises_remote_errors_only(text: str) -> None:
    for read in (parse_uri, parse_name_addr, split_values):
        with remote_errors_only():
            read(text)


@given(st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_mutated_messages_raise_remote_errors_only(rng: random.Random) -> None:
    with remote_errors_only():
        message = parse(mutated(rng, rng.choice(SEEDS)))
        _ = message.via, message.from_, message.to, message.cseq, message.call_id, message.sdp, message.retry_after_s
        for name in ("Via", "Contact", "Route", "X-Other"):
            message.values(name)


@given(st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_mutated_descriptions_raise_remote_errors_only(rng: random.Random) -> None:
    with remote_errors_only():
        text, media = sdp.answer(sdp.parse_audio(mutated(rng, SDP)), "192.0.2.5", 4000)
        assert sdp.parse_audio(text).port == 4000
        assert 1 <= media.port <= 65_535


@given(
    st.permutations(["PCMU", "PCMA"]),
    st.sampled_from(sdp.DIRECTIONS),
    st.sampled_from(sdp.DIRECTIONS),
    st.sampled_from(["192.0.2.7", "2001:db8::7"]),
    st.integers(1, 65_535),
)
def test_offer_and_answer_agree(codecs: list[str], ours: str, theirs: str, host: str, port: int) -> None:
    offered = sdp.parse_audio(sdp.offer(host, port, codecs, ours))
    text, their_view = sdp.answer(offered, "192.0.2.5", 4000, direction=theirs)
    our_view = sdp.accept(text, codecs, ours)
    assert our_view.codec == their_view.codec == codecs[0]
    assert (their_view.host, their_view.port) == (host, port)
    assert our_view.sends == (their_view.direction in ("sendrecv", "recvonly"))
    assert their_view.sends == (our_view.direction in ("sendrecv", "recvonly"))


@pytest.mark.parametrize("seed", range(4))
def test_two_thousand_hostile_datagrams_leave_the_endpoint_alive_and_clean(seed: int) -> None:
    """sippy writes 1,448 tracebacks on such a run; aiosipua is dead long before its end."""
    rng = random.Random(seed)
    net, caller, called, leg, incoming = established()
    own = [datagram.data for _, _, datagram in net.sent]
    net.nodes.pop(CALLER)
    called.act = lambda event, now: called.sip.reject(event.leg, 486, now) if isinstance(event, Incoming) else None
    for _ in range(500):
        data = mutated(rng, rng.choice(SEEDS + own))
        net.inject(data, (f"198.51.100.{rng.randint(1, 254)}", rng.randint(1, 65_535)), CALLED)
    assert all(is_usable(datagram.destination) for _, _, datagram in net.sent)
    net.nodes[CALLER] = caller
    if called.sip._core.legs.get(incoming) is not None:
        called.sip.hangup(incoming, net.now)
    elif caller.sip._core.legs.get(leg) is not None:
        caller.sip.hangup(leg, net.now)
    net.drain()
    called.act = lambda event, now: None
    fresh = caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.answer(called.of(Incoming)[-1].leg, ANSWER, net.now)
    net.run(0.05)
    assert caller.names(fresh) == ["Answered"]
    caller.sip.hangup(fresh, net.now)
    net.drain()
    assert_clean(caller, called)


@given(
    st.sampled_from([InviteClient, InviteServer, Client, Server]),
    st.lists(st.one_of(st.sampled_from(Input), st.floats(0.0, 40.0)), max_size=30),
)
def test_no_timer_of_a_transaction_stands_still(kind: type[Transaction], steps: list[Input | float]) -> None:
    """A timer that fired has moved on, or is off: otherwise `handle_timer` would never return."""
    now, machine = 0.0, kind(0.0)
    for step in steps:
        if isinstance(step, Input):
            machine.handle(step, now)
        else:
            now += step
        while (due := machine.next_timer()) is not None and due <= now:
            machine.fire(now)
            after = machine.next_timer()
            assert after is None or after > now
    while (due := machine.next_timer()) is not None:
        machine.fire(due)
        assert due < 2_000.0
    assert machine.state in (State.TERMINATED, State.PROCEEDING, State.TRYING)


class Calls(RuleBasedStateMachine):
    """Two endpoints do whatever they may, in any order, over a bad wire; then all of it must have ended once."""

    def __init__(self) -> None:
        super().__init__()
        self.net: Wire
        self.nodes: tuple[Node, Node]

    @initialize(seed=st.integers(0, 1000), loss=st.sampled_from([0.0, 0.1, 0.4]), duplicate=st.sampled_from([0.0, 0.3]))
    def start(self, seed: int, loss: float, duplicate: float) -> None:
        self.net, *nodes = pair(seed=seed, loss=loss, duplicate=duplicate, reorder=duplicate)
        self.nodes = (nodes[0], nodes[1])

    def a_leg(self, side: int, pick: int, *states: LegState) -> int | None:
        legs = [leg.id for leg in self.nodes[side].sip._core.legs.values() if not states or leg.state in states]
        return legs[pick % len(legs)] if legs else None

    def sip(self, side: int) -> SipEndpoint:
        return self.nodes[side].sip

    @rule(patience_s=st.sampled_from([None, 0.3, 4.0]), offerless=st.booleans())
    def invite(self, patience_s: float | None, offerless: bool) -> None:
        sdp_bytes = b"" if offerless else SDP
        self.sip(0).invite(target(first_response_s=patience_s, sdp=sdp_bytes), self.net.now)

    @rule(pick=st.integers(0, 5), what=st.sampled_from(["trying", "ring", "answer", "reject"]))
    def decide(self, pick: int, what: str) -> None:
        leg = self.a_leg(1, pick, LegState.INCOMING)
        if leg is None:
            return
        sip, now = self.sip(1), self.net.now
        if what == "trying":
            sip.trying(leg, now)
        elif what == "ring":
            sip.ring(leg, now, 183, ANSWER)
        elif what == "answer":
            sip.answer(leg, ANSWER, now)
        else:
            sip.reject(leg, 486, now)

    @rule(pick=st.integers(0, 5))
    def cancel(self, pick: int) -> None:
        leg = self.a_leg(0, pick)
        if leg is not None:
            self.sip(0).cancel(leg, self.net.now)

    @rule(side=st.integers(0, 1), pick=st.integers(0, 5))
    def hangup(self, side: int, pick: int) -> None:
        leg = self.a_leg(side, pick)
        if leg is not None:
            self.sip(side).hangup(leg, self.net.now)

    @rule(
        side=st.integers(0, 1), pick=st.integers(0, 5), what=st.sampled_from(["reoffer", "info", "reanswer", "refuse"])
    )
    def talk(self, side: int, pick: int, what: str) -> None:
        number = self.a_leg(side, pick, LegState.CONFIRMED)
        if number is None:
            return
        sip, now = self.sip(side), self.net.now
        leg = sip._core.legs[number]
        if what == "info":
            sip.info(number, "application/dtmf", b"5", now)
        elif leg.reoffer_in is not None and what == "reanswer":
            sip.reanswer(number, ANSWER, now)
        elif leg.reoffer_in is not None and what == "refuse":
            sip.refuse_reoffer(number, 488, now)
        elif what == "reoffer" and not (leg.reoffer_in or leg.reoffer_out or leg.pending_2xx):
            sip.reoffer(number, SDP, now)

    @rule(side=st.integers(0, 1), pick=st.integers(0, 5))
    def lose_memory(self, side: int, pick: int) -> None:
        """Somebody else ends the leg from its identifiers."""
        number = self.a_leg(side, pick, LegState.CONFIRMED)
        if number is not None:
            self.sip(side).orphan_bye(self.sip(side).identifiers(number), self.net.now)

    @rule()
    def unreachable(self) -> None:
        self.sip(0).transport_failed(CALLED, self.net.now)

    @rule(for_s=st.sampled_from([0.0, 0.02, 0.1, 1.0, 40.0]))
    def wait(self, for_s: float) -> None:
        self.net.run(for_s)

    @invariant()
    def counts_agree(self) -> None:
        if not hasattr(self, "net"):
            return
        self.net.flush()
        for node in self.nodes:
            core = node.sip._core
            assert core.half_open == sum(leg.state == LegState.INCOMING for leg in core.legs.values())
            assert sum(core.per_source.values()) == len(core.servers)
            assert all(core.dialogs[key] is leg for leg in core.legs.values() for key in leg.keys)

    def teardown(self) -> None:
        if not hasattr(self, "net"):
            return
        for _ in range(3):
            for side in (0, 1):
                while (leg := self.a_leg(side, 0, *UNDECIDED)) is not None:
                    self.sip(side).hangup(leg, self.net.now)
            self.net.run(200.0)
        self.net.drain()
        assert_clean(*self.nodes)
        assert len(self.nodes[1].of(Reoffered)) <= self.net.starts(CALLER).count("INVITE")


UNDECIDED = (LegState.INCOMING, LegState.CALLING, LegState.PROCEEDING, LegState.ANSWERED, LegState.CONFIRMED)
Calls.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestCalls = Calls.TestCase
