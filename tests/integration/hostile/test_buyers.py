"""Buyers that do what no telephone does. Each attempt ends with an outcome, the next one is tried, no leg is left."""

from __future__ import annotations

import pytest
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import HOST, Behaviour, Message, Peer, answers, configuration, sdp

from trunkline.testing.hostile import Aim, Hostile

pytestmark = pytest.mark.integration

TRAP = "sip:elsewhere@127.0.0.1"
FLOOD = 300
CALLS = 60
COPIES = 3


def refuses(status: int, *headers: str, body: bytes = b"") -> Behaviour:
    """A buyer that refuses at once."""

    def behave(peer: Peer, request: Message) -> None:
        if request.method == "INVITE":
            peer.reply(request, status, body=body, headers=headers)

    return behave


def answers_when_cancelled(peer: Peer, request: Message) -> None:
    """Rings, and picks up in the moment it is given up on."""
    if request.method == "INVITE":
        peer.reply(request, 180)
    elif request.method == "CANCEL":
        peer.reply(request, 200)
        (invite,) = peer.got("INVITE")
        peer.reply(invite, 200, body=sdp(9))
    elif request.method == "BYE":
        peer.reply(request, 200)


def rings_and_rings(peer: Peer, request: Message) -> None:
    """Hundreds of provisional responses, each another, and no end."""
    if request.method == "INVITE":
        for number in range(FLOOD):
            peer.reply(request, 180 + number % 4, body=sdp(1_000 + number), tag=f"fork{number}")
    elif request.method == "CANCEL":
        peer.reply(request, 200)
        peer.reply(peer.got("INVITE")[0], 487)


def picks_up_twice(peer: Peer, request: Message) -> None:
    """Two phones behind one address pick up at once, and both repeat it."""
    if request.method == "INVITE":
        for tag in ("one", "two", "one", "two"):
            peer.reply(request, 200, body=sdp(9), tag=tag)
    elif request.method == "BYE":
        peer.reply(request, 200)


def never_answers_the_cancel(peer: Peer, request: Message) -> None:
    """Rings, and is deaf to CANCEL."""
    if request.method == "INVITE":
        peer.reply(request, 180)


def hangs_up_before_it_is_acknowledged(peer: Peer, request: Message) -> None:
    """200 and BYE in one breath."""
    if request.method == "INVITE":
        peer.reply(request, 200, body=sdp(9))
        lines = [
            f"BYE sip:{request.source[0]}:{request.source[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {peer.host}:{peer.port};branch=z9hG4bKbye{peer.port}",
            f"From: {request['to']};tag={peer.tag}",
            f"To: {request['from']}",
            f"Call-ID: {request['call-id']}",
            "CSeq: 1 BYE",
            "Content-Length: 0",
        ]
        peer.send("\r\n".join([*lines, "", ""]).encode(), request.source)


def test_every_bad_buyer_costs_one_attempt_and_the_last_one_gets_the_call(site: Site) -> None:
    trap = site.peer(answers())
    away = f"Contact: {TRAP}:{trap.port}"
    challenge = 'WWW-Authenticate: Digest realm="x", nonce="y"'
    big = sdp(9) + b"a=x:" + b"y" * 60_000
    cases: dict[str, tuple[Behaviour, tuple[str, int | None]]] = {
        "moved": (refuses(302, away, away), ("failed", 302)),
        "alternative": (refuses(380, away), ("failed", 380)),
        "unauthorized": (refuses(401, challenge), ("failed", 401)),
        "proxy": (refuses(407, challenge.replace("WWW", "Proxy")), ("failed", 407)),
        "odd": (refuses(699, "X: " + "y" * 2_000), ("failed", 699)),
        "huge": (refuses(486, body=big), ("busy", 486)),
        "rings": (rings_and_rings, ("no_answer", None)),
        "late": (answers_when_cancelled, ("no_answer", None)),
        "twice": (picks_up_twice, ("connected", 200)),
    }
    peers = {name: site.peer(behave) for name, (behave, _) in cases.items()}
    switch = site.switch(configuration(*(peer.target(name, ring_seconds=1) for name, peer in peers.items())))
    call = site.caller().call(switch)
    call.connect()
    late = peers["late"]
    acked = late.wait(lambda m: m.method == "ACK", "ACK to an answer that came too late")
    bye = late.wait(lambda m: m.method == "BYE" and not m.status, "BYE behind it")
    assert late.inbox.index(acked) < late.inbox.index(bye)
    twice = peers["twice"]
    bye = twice.wait(lambda m: m.method == "BYE" and not m.status, "BYE to the second phone")
    assert bye.tag("to") == "two"
    assert {message.tag("to") for message in twice.got("ACK")} == {"one", "two"}
    call.hang_up()
    twice.wait(lambda m: m.method == "BYE" and not m.status and m.tag("to") == "one", "BYE to the first phone")
    (found,) = switch.ended_calls(1)
    assert {each["target"]: (each["outcome"], each["sip_status"]) for each in found["attempts"]} == {
        name: expected for name, (_, expected) in cases.items()
    }
    assert not trap.inbox, "a redirect was followed"
    for name, peer in peers.items():
        assert len(peer.got("INVITE")) == 1, name
        assert peer.got("ACK") or name == "rings", name


def test_a_provisional_flood_writes_nothing_per_response(site: Site) -> None:
    rings = site.peer(rings_and_rings)
    switch = site.switch(configuration(rings.target("rings", ring_seconds=1)))
    assert site.caller().refused(switch) == 480
    switch.ended_calls(1)
    assert len(switch.journal_events()) < 20


def test_a_buyer_that_hangs_up_at_once_ends_the_call(site: Site) -> None:
    rude = site.peer(hangs_up_before_it_is_acknowledged)
    switch = site.switch(configuration(rude.target("rude")))
    caller = site.caller()
    call = caller.call(switch)
    status = call.final().status
    if status == 200:
        call.connect()
        caller.wait(lambda m: m.method == "BYE" and not m.status, "BYE to the caller")
    [ended] = switch.ended_calls(1)
    assert [attempt["outcome"] for attempt in ended["attempts"]] == ["connected"]
    assert (ended["outcome"], ended["ended_by"]) == ("sold", "buyer")


def test_damaged_responses_to_our_own_requests_leave_nothing(site: Site) -> None:
    hostile = Hostile(8, Aim("", HOST, 9))

    def behave(peer: Peer, request: Message) -> None:
        statuses = {"INVITE": (100, 180, 183, 200, 302, 486), "ACK": ()}.get(request.method, (200, 481))
        for status in statuses * COPIES:
            peer.send(hostile.damaged(peer.response(request, status, body=sdp(9))), request.source)
        if request.method in ("BYE", "CANCEL"):
            peer.reply(request, 200)
        if request.method == "CANCEL":
            for invite in peer.got("INVITE"):
                if invite["call-id"] == request["call-id"]:
                    peer.reply(invite, 487)

    buyer = site.peer(behave)
    switch = site.switch(configuration(buyer.target("damaged", ring_seconds=1)), legs=2 * CALLS)
    caller = site.caller()
    statuses = set()
    for call in [caller.call(switch) for _ in range(CALLS)]:
        status = call.final().status
        statuses.add(status)
        if status == 200:
            call.connect()
            if not [message for message in caller.got("BYE") if call.mine(message)]:
                call.send("BYE", sequence=2)
    assert statuses <= {200, 480}
    switch.ended_calls(CALLS)
