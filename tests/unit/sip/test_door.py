"""Who is turned away at the door, with what, and that it costs no memory."""

from __future__ import annotations

import pytest
from tests.unit.sip.wire import (
    ANSWER,
    CALLED,
    CALLER,
    INVITE,
    SDP,
    Node,
    Wire,
    assert_clean,
    pair,
    raw,
    response,
    target,
)

from trunkline.sip.endpoint import EndpointConfig
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import Incoming, Refused
from trunkline.sip.limits import MessageLimits, StateLimits
from trunkline.sip.message import Response

pytestmark = pytest.mark.unit


def door(config: EndpointConfig | None = None) -> tuple[Wire, Node]:
    """A called side alone on the wire."""
    node = Node(CALLED, 2, config)
    return Wire(node), node


def reply(data: bytes) -> Response:
    """The only response to a datagram that must leave no state behind."""
    net, node = door()
    net.inject(data, CALLER, CALLED)
    assert len(net.sent) == 1
    assert_clean(node)
    assert node.told == []
    return response(net.sent[0][2].data)


def method(name: str, **changes: str) -> bytes:
    """Another method outside any dialog."""
    return raw(INVITE.replace("INVITE", name), **changes)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (raw(Max_Forwards="0"), 483),
        (raw(Require="100rel, replaces"), 420),
        (raw(Proxy_Require="foo"), 420),
        (raw(Via="SIP/2.0/UDP 192.0.2.1:5060;branch=1"), 400),
        (raw(Via="SIP/2.0/UDP 192.0.2.1:5060"), 400),
        (raw(Via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK2"), 482),
        (raw(CSeq="1 BYE"), 400),
        (raw(CSeq="-1 INVITE"), 400),
        (raw(CSeq="4294967296 INVITE"), 400),
        (raw(From="<sip:alice@192.0.2.1>"), 400),
        (raw(From='"Alice <sip:alice@192.0.2.1>;tag=1'), 400),
        (raw(Contact=""), 400),
        (raw(Contact="<sip:a@192.0.2.1:99999999>"), 400),
        (raw(Contact="<sip:a@-bad-:5060>"), 400),
        (raw(Contact="<tel:+15125550100>"), 400),
        (raw(Record_Route="<sip:192.0.2.9:0;lr>"), 400),
        (raw(Content_Length="10"), 400),
        (raw(Content_Length="-1"), 400),
        (raw(Content_Length="x"), 400),
        (raw(INVITE.replace("\n\n", "\nCall-ID: second\n\n")), 400),
        (raw(INVITE.replace("\n\n", "\nno colon here\n\n")), 400),
        (raw(INVITE.replace("\n\n", "\n: empty\n\n")), 400),
        (raw(INVITE.replace("sip:bob@192.0.2.2 SIP", "mailto:bob@example.com SIP")), 416),
        (raw(INVITE.replace("sip:bob@192.0.2.2 SIP", "sip:bob@192.0.2.2:0 SIP")), 400),
        (raw(INVITE.replace("sip:bob@192.0.2.2 SIP", "<sip:bob@192.0.2.2> SIP")), 400),
        (raw(INVITE.replace("SIP/2.0\n", "SIP/3.0\n", 1)), 505),
        (raw(To="<sip:bob@192.0.2.2>;tag=gone"), 481),
        (raw(INVITE.replace("\n\n", "\nContent-Type: text/plain\n\nhello"), Content_Length="5"), 415),
        (method("BYE"), 481),
        (method("CANCEL"), 481),
        (method("INFO"), 481),
        (method("REGISTER"), 405),
        (method("SUBSCRIBE"), 405),
        (method("XYZZY"), 405),
        (method("OPTIONS"), 200),
    ],
)
def test_refused_without_state(data: bytes, status: int) -> None:
    refused = reply(data)
    assert refused.status == status
    assert refused.to.tag
    assert refused.call_id == "raw-call-1"
    if status == 405:
        assert refused.header("Allow") == "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK"
    if status == 420:
        assert refused.header("Unsupported") in ("replaces", "foo")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"hello",
        b"INVITE",
        b"\xff" * 100,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        raw(Via=""),
        raw(Via="SIP/2.0/UDP 192.0.2.1:99999999;branch=z9hG4bK1"),
        raw(Via="SIP/2.0/UDP 192.0.2.1:0;branch=z9hG4bK1"),
        raw(Via="SIP/2.0/UDP 999.1.1.1:5060;branch=z9hG4bK1"),
        raw(Via="SIP/2.0/UDP [::zz]:5060;branch=z9hG4bK1"),
        raw(Call_ID=""),
        raw(From=""),
        method("ACK"),
        method("ACK", Max_Forwards="x", Via="SIP/2.0/UDP 192.0.2.1;branch=1"),
        raw().replace(b"alice1", b"ali\0ce"),
        raw().replace(b"\r\n", b"\n"),
        raw().rstrip(),
        raw(INVITE.replace("\nMax", "\nX: " + "a" * 70_000 + "\nMax")),
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/2.0 999 No\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1\r\n\r\n",
    ],
)
def test_dropped_and_counted(data: bytes) -> None:
    net, node = door()
    net.inject(data, CALLER, CALLED)
    assert net.sent == []
    assert node.told == []
    assert sum(node.sip.counters.values()) >= 1
    assert_clean(node)


def test_one_datagram_with_a_bad_via_port_does_not_make_us_mute() -> None:
    """One is enough for aiosipua, three for sippy."""
    net, _node = door()
    for port in (0, 65_536, 99_999_999, 10**30):
        for name in ("INVITE", "OPTIONS", "BYE"):
            net.inject(method(name, Via=f"SIP/2.0/UDP 192.0.2.1:{port};branch=z9hG4bK1"), CALLER, CALLED)
    assert net.sent == []
    net.inject(method("OPTIONS"), CALLER, CALLED)
    assert net.starts() == ["200 OPTIONS"]


@pytest.mark.parametrize(
    "source", [("192.0.2.1", 0), ("192.0.2.1", 70_000), ("carrier.example", 5060), ("0.0.0.0", 5060)]
)
def test_a_source_nobody_can_answer_is_ignored(source: tuple[str, int]) -> None:
    net, node = door()
    net.inject(raw(), source, CALLED)
    assert node.told == []
    assert node.sip.counters["unusable_source"] == 1


def test_responses_follow_received_and_rport() -> None:
    net, _node = door()
    net.inject(
        method("OPTIONS", Via="SIP/2.0/UDP 10.0.0.5:5099;branch=z9hG4bK1;rport;received=1.2.3.4"),
        ("198.51.100.3", 1024),
        CALLED,
    )
    net.inject(method("OPTIONS", Via="SIP/2.0/UDP 10.0.0.5:5099;branch=z9hG4bK2"), ("198.51.100.3", 1024), CALLED)
    net.inject(
        method("OPTIONS", Via="SIP/2.0/UDP 198.51.100.3;branch=z9hG4bK3;maddr=10.9.9.9"), ("198.51.100.3", 1024), CALLED
    )
    net.inject(
        method("OPTIONS", Via="SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bK4;rport"), ("2001:db8::1", 1024), CALLED
    )
    destinations = [each.destination[:2] for _, _, each in net.sent]
    vias = [response(each.data).header("Via") for _, _, each in net.sent]
    assert destinations == [
        ("198.51.100.3", 1024),
        ("198.51.100.3", 5099),
        ("198.51.100.3", 5060),
        ("2001:db8::1", 1024),
    ]
    assert (
        vias
        == [
            "SIP/2.0/UDP 10.0.0.5:5099;branch=z9hG4bK1;received=198.51.100.3;rport=1024",
            "SIP/2.0/UDP 10.0.0.5:5099;branch=z9hG4bK2;received=198.51.100.3",
            "SIP/2.0/UDP 198.51.100.3;branch=z9hG4bK3;maddr=10.9.9.9",
            "SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bK4;rport;received=2001:db8::1;rport=1024",
        ]
        or vias[3] == "SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bK4;received=2001:db8::1;rport=1024"
    )


def test_a_refusal_repeats_with_the_same_tag() -> None:
    net, _node = door()
    for _ in range(2):
        net.inject(raw(Require="replaces"), CALLER, CALLED)
    assert net.sent[0][2] == net.sent[1][2]


def test_the_same_invite_over_two_ways_is_refused_with_482() -> None:
    net, node = door()
    net.inject(raw(), CALLER, CALLED)
    net.inject(raw().replace(b"z9hG4bKraw1", b"z9hG4bKraw2"), ("192.0.2.44", 5060), CALLED)
    assert node.names() == ["Incoming"]
    assert net.starts() == ["482 INVITE"]


def test_draining_refuses_new_calls_and_keeps_old_ones() -> None:
    net, caller, called = pair()
    caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.draining = True
    assert called.sip.draining
    caller.sip.invite(target(), net.now)
    net.run(0.05)
    refused = caller.told[0]
    assert isinstance(refused, Refused)
    assert (refused.status, refused.retry_after_s) == (503, 30)
    net.inject(method("OPTIONS"), CALLER, CALLED)
    assert net.starts()[-1] == "503 OPTIONS"
    called.sip.answer(1, ANSWER, net.now)
    net.run(0.05)
    assert called.names() == ["Incoming", "Acknowledged"]


def test_half_open_calls_are_limited() -> None:
    net, node = door(EndpointConfig(*CALLED[:2], state_limits=StateLimits(max_half_open=2)))
    for number in range(4):
        net.inject(raw(Call_ID=f"c{number}").replace(b"raw1", b"raw1%d" % number), CALLER, CALLED)
    assert node.names() == ["Incoming"] * 2
    assert net.starts() == ["503 INVITE"] * 2
    assert node.sip.counters["refused_half_open"] == 2
    node.sip.reject(1, 486, net.now)
    net.inject(raw(Call_ID="c9").replace(b"raw1", b"raw19"), CALLER, CALLED)
    assert node.names().count("Incoming") == 3


@pytest.mark.parametrize(
    ("limits", "counter"),
    [
        (StateLimits(max_transactions=2), "refused_transactions"),
        (StateLimits(max_transactions_per_source=2), "refused_source_limit"),
    ],
)
def test_transactions_are_limited(limits: StateLimits, counter: str) -> None:
    net, node = door(EndpointConfig(*CALLED[:2], state_limits=limits))
    for number in range(5):
        net.inject(raw(Call_ID=f"c{number}").replace(b"raw1", b"raw1%d" % number), CALLER, CALLED)
        if number < 2:
            node.sip.reject(number + 1, 486, net.now)
    assert node.sip.counters[counter] == 3
    net.drain()
    net.inject(raw(Call_ID="later").replace(b"raw1", b"late"), CALLER, CALLED)
    assert node.names()[-1] == "Incoming"


def test_headers_are_limited() -> None:
    net, node = door(EndpointConfig(*CALLED[:2], message_limits=MessageLimits(max_headers=20)))
    net.inject(raw(INVITE.replace("\nMax", "\nX: y" * 30 + "\nMax")), CALLER, CALLED)
    assert net.sent == []
    assert node.sip.counters["malformed"] == 1


def test_cancel_without_its_invite_is_refused_and_with_it_is_answered_even_twice() -> None:
    net, node = door()
    cancel = raw(INVITE.replace("INVITE", "CANCEL"))
    net.inject(cancel, CALLER, CALLED)
    net.inject(raw(), CALLER, CALLED)
    net.inject(cancel, CALLER, CALLED)
    net.inject(cancel, CALLER, CALLED)
    assert net.starts() == ["481 CANCEL", "200 CANCEL", "487 INVITE", "200 CANCEL"]
    assert node.names() == ["Incoming", "Cancelled", "Gone"]
    tags = {response(each.data).to.tag for _, _, each in net.sent[1:]}
    assert len(tags) == 1, "9.2: the tag is that of the INVITE's responses"


def test_a_transport_parameter_in_capitals_is_no_matter() -> None:
    """Stock sippy raises on it, and the BYE is never sent."""
    net, node = door()
    net.inject(raw(Contact="<sip:alice@192.0.2.1:5060;transport=UDP>"), CALLER, CALLED)
    assert node.names() == ["Incoming"]


def test_a_session_description_among_other_parts_is_found() -> None:
    net, node = door()
    body = (
        b"--b1\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n--b1\r\nContent-Type: application/sdp\r\n\r\n"
        + SDP
        + b"\r\n--b1--\r\n"
    )
    data = raw(Content_Type='multipart/mixed;boundary="b1"', Content_Length=str(len(body))) + body
    net.inject(data, CALLER, CALLED)
    incoming = node.told[0]
    assert isinstance(incoming, Incoming)
    assert incoming.sdp == SDP


def test_a_latin_1_name_is_read_and_answered_byte_for_byte() -> None:
    net, node = door()
    net.inject(raw().replace(b'"Alice"', '"José"'.encode("latin-1")), CALLER, CALLED)
    incoming = node.told[0]
    assert isinstance(incoming, Incoming)
    assert incoming.request.from_.display == "José"
    node.sip.reject(1, 486, net.now)
    net.flush()
    assert '"José"'.encode("latin-1") in net.sent[0][2].data


def test_responses_that_are_not_ours_are_ignored() -> None:
    net, caller, called = pair()
    caller.sip.invite(target(), net.now)
    net.run(0.05)
    called.sip.ring(1, net.now)
    called.sip.events()
    ringing = called.sip.datagrams()[0].data
    for wrong in (
        ringing.replace(b"UDP 192.0.2.1:5060;", b"UDP 192.0.2.77:5060;"),
        ringing.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx"),
        ringing.replace(b"CSeq: 1 ", b"CSeq: 2 "),
        ringing.replace(b"INVITE", b"BYE"),
        ringing.replace(b"Call-ID: ", b"Call-ID: x"),
        ringing.replace(b"From: ", b"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKy\r\nFrom: "),
    ):
        net.inject(wrong, CALLED, CALLER)
    assert caller.told == []
    net.inject(ringing, CALLED, CALLER)
    assert caller.names() == ["Provisional"]


@pytest.mark.parametrize(("host", "port"), [("a\r\nb", 5060), ("", 5060), ("192.0.2.1", 0), ("999.1.1.1", 5060)])
def test_an_address_nobody_could_answer_to_is_our_own_mistake(host: str, port: int) -> None:
    with pytest.raises(LocalSipError):
        EndpointConfig(host, port)
    assert EndpointConfig("2001:db8::1", 5060).host == "2001:db8::1"
