"""Session descriptions that cannot be used, from callers and buyers: the right refusal, and the next buyer."""

from __future__ import annotations

import pytest
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import GOOD, HOST, Outgoing, Peer, answers, configuration, ping, rss_mb, sdp

from trunkline.testing.hostile import Aim, Hostile

pytestmark = pytest.mark.integration

UNUSABLE = {
    "port 0": sdp(0),
    "no audio": sdp(9).replace(b"m=audio", b"m=video"),
    "only G.729": sdp(9, payloads="18").replace(b"a=rtpmap:0 PCMU/8000", b"a=rtpmap:18 G729/8000"),
    "host name": sdp(9, host="buyer.invalid"),
    "multicast": sdp(9, host="224.2.1.1/127"),
    "broadcast": sdp(9, host="255.255.255.255"),
    "encrypted": sdp(9).replace(b"RTP/AVP", b"RTP/SAVP"),
    "media line in a media line": sdp(9).replace(b"m=audio 9 RTP", b"m=audio 9 m=audio 9 RTP"),
    "port 65535": sdp(65_535),
    "IPv6": sdp(9).replace(b"IN IP4 127.0.0.1\r\nt=", b"IN IP6 ::1\r\nt="),
}
"""Sound, but of no use to us: 488."""
MALFORMED = {
    "no version": sdp(9)[5:],
    "port 99999999": sdp(99_999_999),
    "no port": sdp(9).replace(b"m=audio 9 ", b"m=audio "),
    "17 media lines": sdp(9) + b"m=audio 9 RTP/AVP 0\r\n" * 16,
    "60 kB": sdp(9) + b"a=x:" + b"y" * 60_000 + b"\r\n",
    "20,000 lines": sdp(9) + b"a\n" * 20_000,
    "NUL": sdp(9) + b"a=\0\r\n",
    "scoped IPv6 as IPv4": sdp(9).replace(b"c=IN IP4 127.0.0.1", b"c=IN IP4 ::1"),
    "no connection fields": sdp(9).replace(b"c=IN IP4 127.0.0.1", b"c=IN"),
    "not text": sdp(9) + bytes(range(256)),
}
"""Not understood: 400."""
BAD = {
    **{name: (body, 488) for name, body in UNUSABLE.items()},
    **{name: (body, 400) for name, body in MALFORMED.items()},
}


def test_an_invite_gets_the_status_that_fits_and_nobody_is_rung(site: Site) -> None:
    buyer = site.peer(answers())
    switch = site.switch(configuration(buyer.target("good")))
    caller = site.caller()
    own = int(switch.sip_port) + 2
    found = {name: caller.refused(switch, body=body) for name, (body, _) in {**BAD, "our own": (sdp(own), 488)}.items()}
    assert found == {**{name: status for name, (_, status) in BAD.items()}, "our own": 488}
    short = Outgoing(caller, switch, GOOD, b"", "+15125550100")
    whole = short.request("INVITE", branch=short.branch, body=sdp(9))
    caller.send(whole.replace(b"Content-Length: ", b"Content-Length: 2000"), short.switch)
    assert short.final().status == 400, "a body shorter than it says"
    assert not buyer.inbox


def test_a_new_offer_that_cannot_be_used_leaves_the_call_as_it_was(site: Site) -> None:
    good = site.good_call()
    for name, (body, status) in {
        **BAD,
        "our own": (sdp(good.ports[0]), 488),
        "the other's": (sdp(good.ports[1]), 488),
    }.items():
        assert good.call.next("INVITE", body=body).status == status, name
        assert good.call.next("UPDATE", body=body).status == status, name
    good.check()
    good.hang_up()


def test_an_answer_that_cannot_be_used_ends_the_attempt_and_the_next_buyer_is_rung(site: Site) -> None:
    bodies = [body for body, _ in BAD.values()] + [b""]
    bad: list[Peer] = [site.peer(answers(body=body)) for body in bodies]
    good = site.peer(answers())
    targets = [peer.target(f"bad{place}") for place, peer in enumerate(bad)]
    switch = site.switch(configuration(*targets, good.target("good")))
    call = site.caller().call(switch)
    call.connect()
    for peer in bad:
        peer.wait(lambda m: m.method == "ACK", "ACK")
        peer.wait(lambda m: m.method == "BYE" and not m.status, "BYE")
    call.hang_up()
    (found,) = switch.ended_calls(1)
    assert found["target"] == "good"
    assert [(each["outcome"], each["reason"]) for each in found["attempts"]] == [
        *([("failed", "no_common_audio")] * len(bad)),
        ("connected", None),
    ]


def test_a_thousand_mutated_session_descriptions(site: Site) -> None:
    good = site.good_call(legs=20)
    caller = site.caller()
    hostile = Hostile(4, Aim("", HOST, caller.port))
    before = rss_mb(good.switch.pid)
    for draw in range(1_000):
        body = hostile.sdp()[:50_000]
        if draw % 2:
            status = good.call.next("INVITE", body=body).status
            if status == 200:
                good.call.send("ACK", sequence=good.call.sequence)
        else:
            status = caller.refused(good.switch, number="+18335550198", body=body)
            assert status != 200
        assert status in (200, 400, 404, 488), body
        caller.inbox.clear()
        good.call.peer.inbox.clear()
    ping(caller, good.switch)
    assert rss_mb(good.switch.pid) - before < 12
    assert good.call.next("INVITE", body=sdp(good.voices[0].port)).status == 200
    good.call.send("ACK", sequence=good.call.sequence)
    good.talk(10)
    good.hang_up()
