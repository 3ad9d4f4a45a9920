"""Where messages end on a byte stream, what a ping is, and what ends a connection."""

from __future__ import annotations

import pytest
from tests.unit.sip.test_streams import BOB, node
from tests.unit.sip.wire import Wire, raw, request

from trunkline.sip.framing import PING, Framer
from trunkline.sip.hops import Hop
from trunkline.sip.limits import StreamLimits

pytestmark = pytest.mark.unit

SMALL = StreamLimits(max_head=400, max_body=100)


def framed(*, body: bytes = b"", length: str | None = None, name: str = "Content-Length") -> bytes:
    told = f"{name}: {len(body) if length is None else length}".encode()
    return b"OPTIONS sip:b@192.0.2.2 SIP/2.0\r\nCall-ID: a\r\n" + told + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "message",
    [
        framed(),
        framed(body=b"v=0\r\n\r\nx"),
        framed(body=b"abc", name="l"),
        framed(body=b"abc", name="CONTENT-LENGTH "),
        framed(body=b"abc", name="L\t"),
        framed(body=b"abc", length="\r\n 3"),
        framed(body=b"abc", length="  3  "),
        framed(body=b"Content-Length: 99\r\n"),
    ],
)
def test_content_length_says_where_a_message_ends(message: bytes) -> None:
    framer = Framer()
    assert framer.feed(message * 3, 1.0) == [message] * 3
    assert (framer.began_at, framer.fault) == (None, None)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\n\r"])
def test_no_line_hides_behind_half_a_line_end(end: bytes) -> None:
    """A proxy that ends lines there passes the second request on as the body of the first."""
    hidden = b"Subject: x" + end + b"Content-Length: 200\r\nContent-Length: 0\r\n\r\n"
    framer = Framer()
    assert framer.feed(b"OPTIONS sip:b@192.0.2.2 SIP/2.0\r\n" + hidden + framed(), 0.0) == []
    assert framer.fault is not None
    assert framer.fault.reason == "garbage"


def test_two_line_ends_between_messages_are_a_ping_and_one_is_not() -> None:
    framer = Framer()
    one = framed()
    assert framer.feed(b"\r\n\r\n", 0.0) == [PING]
    assert framer.feed(b"\r\n", 0.0) == []
    assert framer.feed(b"\r", 0.0) == []
    assert framer.began_at == 0.0
    assert framer.feed(b"\n" + one, 0.0) == [PING, one]
    assert framer.feed(b"\r\n" + one + b"\r\n" + one, 0.0) == [one, one], "a pong, and line ends before a start line"
    assert framer.feed(b"\r\n\r\n\r\n\r\n", 0.0) == [PING, PING]


def test_a_message_is_as_old_as_its_first_byte() -> None:
    framer = Framer()
    one = framed(body=b"abc")
    framer.feed(one[:5], 1.0)
    framer.feed(one[5:20], 2.0)
    assert framer.began_at == 1.0
    framer.feed(one[20:] + one[:4], 3.0)
    assert framer.began_at == 3.0
    framer.feed(one[4:], 4.0)
    assert framer.began_at is None


@pytest.mark.parametrize(
    ("stream", "reason", "status"),
    [
        (b"OPTIONS sip:b SIP/2.0\r\nCall-ID: a\r\n\r\n", "no_length", 400),
        (framed(length="x"), "bad_length", 400),
        (framed(length="-1"), "bad_length", 400),
        (framed(length="1 2"), "bad_length", 400),
        (framed(length="٣"), "bad_length", 400),
        (framed(length="9999999999"), "bad_length", 400),
        (framed(length="0\r\nl: 0"), "bad_length", 400),
        (framed(length="101"), "body_too_large", 513),
        (b"A" * 400, "head_too_large", 400),
        (b"\x16\x03\x01\x02\x00\x01", "garbage", 400),
        (b"\n", "garbage", 400),
        (b"\rX", "garbage", 400),
        (b" x", "garbage", 400),
    ],
)
def test_a_stream_that_cannot_be_read_on_has_a_fault_and_takes_no_more(stream: bytes, reason: str, status: int) -> None:
    framer = Framer(SMALL)
    assert framer.feed(framed() + stream, 0.0) == [framed()]
    assert framer.fault is not None
    assert (framer.fault.reason, framer.fault.status) == (reason, status)
    assert framer.feed(framed(), 0.0) == []
    assert framer.began_at is None


def test_no_more_is_kept_than_one_message_may_hold() -> None:
    framer = Framer(SMALL)
    for _ in range(1_000):
        framer.feed(b"x" * 10, 0.0)
    assert framer.fault is not None
    assert len(framer._buffer) == 0


def test_a_request_without_length_gets_one_last_answer() -> None:
    bob = node(BOB, 1)
    net = Wire(bob)
    source = Hop("192.0.2.9", 40_000, "tcp", 3)
    framer = Framer()
    framer.feed(raw(Via="SIP/2.0/TCP 192.0.2.9:5070;branch=z9hG4bK1").replace(b"Content-Length", b"Content-Size"), 0.0)
    assert framer.fault is not None
    bob.sip.refuse(framer.fault.head, source, framer.fault.status)
    net.flush()
    (answer,) = [each for _, _, each in net.sent]
    assert answer.data.startswith(b"SIP/2.0 400 ")
    assert answer.destination == Hop("192.0.2.9", 5070, "tcp", 3)
    bob.sip.refuse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", source, 400)
    bob.sip.refuse(b"SIP/2.0 200 OK\r\nCall-ID: a\r\n\r\n", source, 400)
    net.flush()
    assert len(net.sent) == 1, "only requests of this version are answered"
    assert request(raw()).method == "INVITE"
