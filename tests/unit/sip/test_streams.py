"""Calls over TCP and TLS, as far as the core has to do with it: Via, Contact, timers, connections, large requests."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.sip.wire import ANSWER, SDP, Node, Wire, raw, request, response, target

from trunkline.sip import events
from trunkline.sip.dialog import LegIdentifiers
from trunkline.sip.endpoint import EndpointConfig
from trunkline.sip.errors import LocalSipError
from trunkline.sip.hops import Faces, Hop, transport_of
from trunkline.sip.uri import parse_uri

pytestmark = pytest.mark.unit

ALICE, BOB = Hop("192.0.2.1", 5060), Hop("192.0.2.2", 5060)
"""Where both listen, over UDP and TCP; 5061 is TLS."""


def node(at: Hop, seed: int) -> Node:
    places = (at, Hop(at.host, at.port, "tcp"), Hop(at.host, 5061, "tls"))
    return Node(at, seed, EndpointConfig(at.host, at.port, places=places))


class Streams(Wire):
    """Carries messages of TCP and TLS hops between two nodes, over connection 7 of either side."""

    def flush(self) -> None:
        busy = True
        while busy:
            busy = False
            for each in self.nodes.values():
                for event in each.sip.events():
                    busy = True
                    each.told.append(event)
                    each.act(event, self.now)
                for datagram in each.sip.datagrams():
                    busy = True
                    self.sent.append((self.now, each.address, datagram))
                    there = self.nodes.get(Hop(datagram.destination.host, 5060))
                    if there is not None and self.pass_through(each.address, datagram):
                        kind = datagram.destination.transport
                        source = each.address if kind == "udp" else Hop(each.address.host, 40_000, kind, 7)
                        there.sip.receive(datagram.data, source, self.now)


def streams() -> tuple[Streams, Node, Node]:
    caller, called = node(ALICE, 1), node(BOB, 2)
    return Streams(caller, called), caller, called


def tcp(**changes: object) -> dict[str, object]:
    return {"request_uri": "sip:bob@192.0.2.2;transport=tcp", "destination": Hop("192.0.2.2", 5060, "tcp")} | changes


def test_a_call_over_tcp_says_so_and_answers_over_its_connection() -> None:
    net, caller, called = streams()
    leg = caller.sip.invite(target(**tcp()), net.now)
    net.flush()
    invite = request(net.sent[0][2].data)
    assert (invite.header("Via") or "").startswith("SIP/2.0/TCP 192.0.2.1:5060;rport;branch=")
    assert invite.header("Contact") == "<sip:192.0.2.1:5060;transport=tcp>"
    called.sip.answer(1, ANSWER, net.now)
    net.flush()
    answer = net.sent[1][2]
    assert answer.destination == Hop("192.0.2.1", 5060, "tcp", 7), "18.2.2: the connection, else the port of the Via"
    assert response(answer.data).header("Contact") == "<sip:192.0.2.2:5060;transport=tcp>"
    assert caller.names(leg) == ["Answered"]
    called.sip.hangup(1, net.now)
    net.flush()
    assert net.starts()[2:] == ["ACK", "BYE", "200 BYE"]
    assert net.sent[3][2].destination == Hop("192.0.2.1", 5060, "tcp", 7), "the open connection is used again"
    assert caller.sip.live_legs == called.sip.live_legs == 0


def test_over_a_stream_nothing_is_sent_twice_and_little_is_remembered() -> None:
    net, caller, called = streams()
    net.pass_through = lambda source, datagram: False
    caller.sip.invite(target(**tcp(first_response_s=None)), net.now)
    net.run(31.9)
    assert net.starts() == ["INVITE"], "no Timer A"
    net.run(1.0)
    assert caller.names()[-2:] == ["NoResponse", "Gone"], "Timer B runs all the same"

    net.pass_through = lambda source, datagram: not datagram.data.startswith(b"ACK")
    caller.sip.invite(target(**tcp()), net.now)
    net.flush()
    called.sip.reject(1, 486, net.now)
    net.flush()
    assert caller.sip.live_transactions == 0, "Timer D is zero"
    net.run(20.0)
    assert net.starts()[1:] == ["INVITE", "486 INVITE", "ACK"], "no Timer G"
    net.run(20.0)
    assert called.sip.live_transactions == 0
    assert called.sip.counters["refusals_unacknowledged"] == 1, "Timer H runs all the same"


def test_a_2xx_repeats_over_a_stream_too_because_the_way_may_go_on_over_udp() -> None:
    net, caller, called = streams()
    net.pass_through = lambda source, datagram: not datagram.data.startswith(b"ACK")
    caller.sip.invite(target(**tcp()), net.now)
    net.flush()
    called.sip.answer(1, ANSWER, net.now)
    net.run(1.6)
    assert net.starts(BOB) == ["200 INVITE"] * 3
    assert net.starts(ALICE) == ["INVITE", "ACK", "ACK", "ACK"]


def test_a_secure_call_has_a_secure_contact() -> None:
    net, caller, called = streams()
    there = Hop("192.0.2.2", 5061, "tls", 0, "buyer.example")
    caller.sip.invite(target(request_uri="sips:bob@buyer.example", destination=there), net.now)
    net.flush()
    invite = request(net.sent[0][2].data)
    assert (invite.header("Via") or "").startswith("SIP/2.0/TLS 192.0.2.1:5061;")
    assert invite.header("Contact") == "<sips:192.0.2.1:5061>"
    called.sip.answer(1, ANSWER, net.now)
    net.flush()
    assert response(net.sent[1][2].data).header("Contact") == "<sips:192.0.2.2:5061>"
    ack = net.sent[2][2]
    assert request(ack.data).uri == "sips:192.0.2.2:5061"
    assert ack.destination.name == "buyer.example", "its certificate shows the name, not the address"
    assert caller.of(events.Answered)


def test_tls_asked_for_by_a_parameter_keeps_the_plain_scheme() -> None:
    net, caller, _ = streams()
    there = Hop("192.0.2.2", 5061, "tls", 0, "192.0.2.2")
    caller.sip.invite(target(request_uri="sip:bob@192.0.2.2:5061;transport=tls", destination=there), net.now)
    net.flush()
    assert request(net.sent[0][2].data).header("Contact") == "<sip:192.0.2.1:5061;transport=tls>"


def test_a_contact_without_transport_does_not_leave_the_stream() -> None:
    net, _, called = streams()
    source = Hop("192.0.2.9", 40_000, "tcp", 3)
    invite = raw(Via="SIP/2.0/TCP 192.0.2.9:5070;branch=z9hG4bK1", Contact="<sip:alice@192.0.2.9:5070>")
    net.inject(invite, source, BOB)
    called.sip.answer(1, ANSWER, net.now)
    tag = called.sip.identifiers(1).local_tag
    net.inject(raw(To=f"<sip:bob@192.0.2.2>;tag={tag}", CSeq="1 ACK").replace(b"INVITE", b"ACK", 1), source, BOB)
    called.sip.hangup(1, net.now)
    net.flush()
    assert net.sent[-1][2].destination == Hop("192.0.2.9", 5070, "tcp", 3)


def test_a_contact_that_asks_for_another_transport_gets_it() -> None:
    net, _, called = streams()
    source = Hop("192.0.2.9", 40_000, "tcp", 3)
    contact = "<sip:alice@192.0.2.9:5070;transport=udp>"
    net.inject(raw(Via="SIP/2.0/TCP 192.0.2.9:5070;branch=z9hG4bK1", Contact=contact), source, BOB)
    called.sip.answer(1, ANSWER, net.now)
    tag = called.sip.identifiers(1).local_tag
    net.inject(raw(To=f"<sip:bob@192.0.2.2>;tag={tag}", CSeq="1 ACK").replace(b"INVITE", b"ACK", 1), source, BOB)
    called.sip.hangup(1, net.now)
    net.flush()
    bye = net.sent[-1][2]
    assert bye.destination == Hop("192.0.2.9", 5070)
    assert (request(bye.data).header("Via") or "").startswith("SIP/2.0/UDP 192.0.2.2:5060;")


def test_a_contact_of_another_family_is_not_sent_to_by_the_socket_of_this_one() -> None:
    net, _, called = streams()
    source = Hop("192.0.2.9", 5060, "udp", 2)
    net.inject(raw(Contact="<sip:alice@[2001:db8::9]:5070>"), source, BOB)
    called.sip.answer(1, ANSWER, net.now)
    tag = called.sip.identifiers(1).local_tag
    net.inject(raw(To=f"<sip:bob@192.0.2.2>;tag={tag}", CSeq="1 ACK").replace(b"INVITE", b"ACK", 1), source, BOB)
    called.sip.hangup(1, net.now)
    net.flush()
    assert net.sent[-1][2].destination == Hop("2001:db8::9", 5070)


def test_a_lost_connection_fails_the_attempts_that_have_heard_nothing() -> None:
    net, caller, _ = streams()
    net.pass_through = lambda source, datagram: False
    leg = caller.sip.invite(target(**tcp()), net.now)
    net.flush()
    caller.sip.transport_failed(Hop("192.0.2.2", 5060), net.now)
    net.flush()
    assert caller.names(leg) == [], "UDP to the same address is another way"
    caller.sip.transport_failed(Hop("192.0.2.2", 5060, "tcp"), net.now)
    net.flush()
    assert caller.names(leg) == ["TransportFailed", "Gone"]


def test_a_large_request_goes_by_tcp_to_a_peer_known_to_speak_it() -> None:
    net, caller, called = streams()
    called.act = lambda event, now: called.sip.reject(event.leg, 486, now) if hasattr(event, "source") else None
    large = SDP + b"a=x:" + b"y" * 1_300 + b"\r\n"
    caller.sip.invite(target(sdp=large), net.now)
    net.flush()
    assert net.sent[0][2].destination == BOB, "nobody knows better"
    caller.sip.invite(target(**tcp()), net.now)
    net.flush()
    caller.sip.invite(target(sdp=large), net.now)
    caller.sip.invite(target(), net.now)
    net.flush()
    invites = [each[2] for each in net.sent if each[2].data.startswith(b"INVITE")]
    assert [each.destination.transport for each in invites] == ["udp", "tcp", "tcp", "udp"]
    assert (request(invites[2].data).header("Via") or "").startswith("SIP/2.0/TCP 192.0.2.1:5060;")
    caller.sip.transport_failed(Hop("192.0.2.2", 5060, "tcp"), net.now)
    caller.sip.invite(target(sdp=large), net.now)
    net.flush()
    assert net.sent[-3][2].destination.transport == "udp", "a peer that no longer takes connections"


def test_identifiers_outlive_the_connection() -> None:
    net, caller, called = streams()
    leg = caller.sip.invite(target(**tcp()), net.now)
    net.flush()
    called.sip.answer(1, ANSWER, net.now)
    net.flush()
    stored = msgspec.json.encode(caller.sip.identifiers(leg))
    ids = msgspec.json.decode(stored, type=LegIdentifiers)
    assert ids.destination == Hop("192.0.2.2", 40_000, "tcp")
    successor = node(ALICE, 3)
    successor.sip.orphan_bye(ids, 0.0)
    (bye,) = successor.sip.datagrams()
    assert bye.destination == Hop("192.0.2.2", 5060, "tcp")
    assert bye.data.startswith(b"BYE sip:192.0.2.2:5060;transport=tcp SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;")


def test_a_cancel_of_another_process_repeats_the_via_of_its_invite() -> None:
    _, caller, _ = streams()
    prepared = caller.sip.prepare(target(**tcp()))
    ids = msgspec.json.decode(msgspec.json.encode(prepared.identifiers()), type=LegIdentifiers)
    elsewhere = Node(Hop("192.0.2.1", 5099), 3)
    elsewhere.sip.orphan_cancel(ids, 0.0)
    (cancel,) = elsewhere.sip.datagrams()
    via = request(cancel.data).header("Via")
    assert via == request(prepared.data).header("Via")


def test_identifiers_of_earlier_versions_are_understood() -> None:
    old = {
        "outgoing": True, "call_id": "a", "local_tag": "b", "remote_tag": None, "branch": "z9hG4bK1", "cseq": 1,
        "request_uri": "sip:x@192.0.2.2", "destination": ["192.0.2.2", 5080], "from_header": "<sip:a@b>;tag=b",
        "to_header": "<sip:x@192.0.2.2>",
    }  # fmt: skip
    ids = msgspec.convert(old, LegIdentifiers)
    assert ids.destination == Hop("192.0.2.2", 5080)
    heir = Node(Hop("192.0.2.1", 5060), 3)
    heir.sip.orphan_cancel(ids, 0.0)
    (cancel,) = heir.sip.datagrams()
    assert (request(cancel.data).header("Via") or "").startswith("SIP/2.0/UDP 192.0.2.1:5060;")


def test_a_target_over_an_unknown_transport_is_refused() -> None:
    _, caller, _ = streams()
    with pytest.raises(LocalSipError):
        caller.sip.invite(target(destination=Hop("192.0.2.2", 5060, "sctp")), 0.0)


@pytest.mark.parametrize(
    ("peer", "sent_by", "flow"),
    [
        (Hop("198.51.100.1", 5060), "203.0.113.7:5060", 1),
        (Hop("198.51.100.1", 5060, "udp", 2), "203.0.113.7:5070", 2),
        (Hop("2001:db8::9", 5060), "[2001:db8::7]:5060", 3),
        (Hop("127.0.0.1", 5080), "127.0.0.1:5090", 4),
        (Hop("198.51.100.1", 5060, "tcp"), "203.0.113.7:5060", 0),
        (Hop("2001:db8::9", 40_000, "tcp", 9), "[2001:db8::7]:5060", 0),
        (Hop("198.51.100.1", 5061, "tls"), "203.0.113.7:5061", 0),
    ],
)
def test_each_peer_is_told_the_address_that_suits_it(peer: Hop, sent_by: str, flow: int) -> None:
    faces = Faces(
        [
            Hop("203.0.113.7", 5060, "udp", 1), Hop("203.0.113.7", 5070, "udp", 2), Hop("2001:db8::7", 5060, "udp", 3),
            Hop("127.0.0.1", 5090, "udp", 4), Hop("203.0.113.7", 5060, "tcp"), Hop("2001:db8::7", 5060, "tcp"),
            Hop("203.0.113.7", 5061, "tls"),
        ]
    )  # fmt: skip
    for _ in range(2):
        assert (faces.toward(peer).sent_by, faces.toward(peer).flow) == (sent_by, flow)


def test_tls_without_a_listener_shows_the_address_of_tcp() -> None:
    faces = Faces([Hop("203.0.113.7", 5060, "udp", 1), Hop("203.0.113.7", 5062, "tcp")])
    face = faces.toward(Hop("198.51.100.1", 5061, "tls"))
    assert face.contact_line == "Contact: <sip:203.0.113.7:5062;transport=tls>"


@pytest.mark.parametrize(
    ("uri", "transport"),
    [
        ("sip:a@b", None),
        ("sip:a@b;transport=TCP", "tcp"),
        ("sips:a@b", "tls"),
        ("sips:a@b;transport=tcp", "tls"),
        ("sip:a@b;transport=sctp", "sctp"),
        ("sip:a@b;transport", None),
    ],
)
def test_the_transport_an_address_asks_for(uri: str, transport: str | None) -> None:
    assert transport_of(parse_uri(uri)) == transport
