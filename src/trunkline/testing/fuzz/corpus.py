"""Sound bytes to begin with: calls of our own core as they went over the wire, and what others write.

The messages of others are made up to show what each kind of equipment does: compact names, folded lines, several
values on a line, several Vias, a body in parts, numbers behind a `;`.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import Final

from trunkline.codec import dtmf, rtcp, rtp, wav
from trunkline.sip.endpoint import EndpointConfig, Hop, InviteTarget, SipEndpoint
from trunkline.sip.events import Incoming, Reoffered, SipEvent

CALLER: Final = Hop("192.0.2.1", 5060)
CALLED: Final = Hop("192.0.2.2", 5060)
STEP_S: Final = 0.02

SDP: Final = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"
    b"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    b"a=ptime:20\r\na=sendrecv\r\n"
)
DESCRIPTIONS: Final = (
    SDP,
    b"v=0\no=root 5 5 IN IP4 10.0.0.1\ns=call\nc=IN IP4 10.0.0.1\nt=0 0\nm=audio 12000 RTP/AVP 18 0\na=sendonly\n",
    (
        b"v=0\r\no=x 1 2 IN IP6 2001:db8::1\r\ns= \r\nt=0 0\r\nm=video 0 RTP/AVP 31\r\nm=audio 9 RTP/AVP 96 8\r\n"
        b"c=IN IP6 2001:db8::1\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:30\r\na=maxptime:150\r\n"
    ),
    b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=inactive\r\n",
    (
        b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0 8\r\n"
        b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk\r\n"
    ),
)

_MULTIPART: Final = (
    b"--x\r\nContent-Type: application/sdp\r\n\r\n" + SDP + b"\r\n--x\r\nContent-Type: a/b\r\n\r\n?\r\n--x--\r\n"
)


def _text(start: str, *lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join([start, *lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


OTHERS: Final = (
    _text(
        "INVITE sip:+18335550100;npdi=yes@192.0.2.2:5060;user=phone SIP/2.0",
        "Record-Route: <sip:192.0.2.9;lr;ftag=a>,<sip:192.0.2.8:5080;lr=on>",
        "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1.a;received=192.0.2.9, SIP/2.0/TCP 10.0.0.1:5061;branch=z9hG4bK2",
        "Via: SIP/2.0/UDP pc.example.com;branch=z9hG4bK3;rport=5070",
        'From: "Jos\\"e" <sip:+15125550100@192.0.2.9;user=phone>;tag=as1;x="a;b"',
        "To: <sip:+18335550100@192.0.2.2>",
        "Call-ID: 7f3@10.0.0.1",
        "CSeq: 102 INVITE",
        "Contact: <sip:+15125550100@192.0.2.9:5060;transport=udp>;expires=60",
        "Max-Forwards: 68",
        "Allow: INVITE, ACK, BYE",
        "Supported: timer, 100rel",
        "Session-Expires: 1800;refresher=uac",
        "Min-SE: 90",
        "P-Asserted-Identity: <sip:+15125550100@carrier.example>, <tel:+15125550100>",
        "Privacy: id",
        "Remote-Party-ID: <sip:+15125550100@a.example>;party=calling;screen=yes;privacy=off",
        "Diversion: <sip:+15125550101@a.example>;reason=no-answer;counter=1",
        "Identity: eyJhbGciOiJFUzI1NiJ9.e30.c2ln;info=<https://certs.example.org/a.pem>;alg=ES256;ppt=shaken",
        "Content-Type: application/sdp",
        body=SDP,
    ),
    _text(
        "INVITE sip:18335550100@192.0.2.2 SIP/2.0",
        "v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKshort",
        "f: sip:5125550100@192.0.2.1;tag=s",
        "t: sip:18335550100@192.0.2.2",
        "i: short",
        "CSeq:1 INVITE",
        "m: sip:192.0.2.1",
        "Subject: I know",
        "\tyou are there",
        "c: multipart/mixed;boundary=x",
        body=_MULTIPART,
    ),
    _text(
        "REGISTER sip:192.0.2.2 SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKreg;rport",
        "From: <sip:100@192.0.2.2>;tag=r",
        "To: <sip:100@192.0.2.2>",
        "Call-ID: reg",
        "CSeq: 2 REGISTER",
        "Contact: *",
        "Expires: 0",
        'Authorization: Digest username="100", realm="a", nonce="b", uri="sip:a", response="c", qop=auth, nc=00000001',
    ),
    _text(
        "PRACK sip:192.0.2.2 SIP/2.0",
        "Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bKp;rport",
        "From: <sip:a@[2001:db8::1]>;tag=p",
        "To: <sip:b@192.0.2.2>;tag=q",
        "Call-ID: p",
        "CSeq: 3 PRACK",
        "RAck: 1 102 INVITE",
        "Require: 100rel",
    ),
    _text(
        "REFER sip:192.0.2.2 SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKf",
        "From: Anonymous <sip:anonymous@anonymous.invalid>;tag=f",
        "To: <sip:b@192.0.2.2>;tag=g",
        "Call-ID: f",
        "CSeq: 4 REFER",
        "Refer-To: <sip:c@192.0.2.3?Replaces=a%40b%3Bto-tag%3D1>",
        "Max-Forwards: 0",
    ),
    _text(
        "SIP/2.0 401 Unauthorized",
        "Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKx",
        "From: <sip:a@192.0.2.2>;tag=1",
        "To: <sip:b@192.0.2.1>;tag=2",
        "Call-ID: x",
        "CSeq: 1 INVITE",
        'WWW-Authenticate: Digest realm="a,b", nonce="n", qop="auth,auth-int", algorithm=SHA-256, stale=TRUE',
        "Retry-After: 5 (busy);duration=3600",
        'Warning: 399 a "b"',
    ),
)


LIVE: Final = b"@call@"
"""Stands where the headers of a call that goes on belong: a request in its dialog, or a response to a request of ours.

Whoever runs the input puts in From, To and Call-ID, or Via, From, To, Call-ID and CSeq.
"""
FRESH: Final = b"@fresh@"
"""Stands where something that was never there before belongs."""


def live_messages() -> list[bytes]:
    """Messages of calls that go on while the input is run: `LIVE` and `FRESH` have to be replaced in them."""
    via = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK@fresh@;rport"
    contact, kind = "Contact: <sip:x@192.0.2.1:5060>", "Content-Type: application/sdp"
    found = [
        _text(f"{method} sip:192.0.2.2 SIP/2.0", via, "@call@", f"CSeq: {number} {method}", contact, *more, body=body)
        for method, number, more, body in (
            ("ACK", 1, (), b""),
            ("BYE", 20, ("Reason: Q.850;cause=16",), b""),
            ("INFO", 11, ("Content-Type: application/dtmf-relay",), b"Signal=5\r\nDuration=160\r\n"),
            ("INVITE", 12, (kind,), SDP),
            ("INVITE", 13, (), b""),
            ("UPDATE", 14, (kind,), SDP),
            ("PRACK", 15, ("RAck: 1 1 INVITE",), b""),
            ("OPTIONS", 16, (), b""),
        )
    ]
    found += [
        _text(f"SIP/2.0 {status} Whatever", "@call@", contact, *more, body=body)
        for status, more, body in (
            (100, (), b""),
            (180, (), b""),
            (183, (kind, "Require: 100rel", "RSeq: 1"), SDP),
            (200, (kind,), SDP),
            (200, (), b""),
            (302, (), b""),
            (401, ('WWW-Authenticate: Digest realm="a", nonce="n", qop="auth"',), b""),
            (422, ("Min-SE: 3600",), b""),
            (486, (), b""),
            (491, (), b""),
        )
    ]
    opening = _text(
        "INVITE sip:+18335550100@192.0.2.2 SIP/2.0",
        via,
        "From: <sip:+15125550100@192.0.2.1>;tag=@fresh@",
        "To: <sip:+18335550100@192.0.2.2>",
        "Call-ID: @fresh@",
        "CSeq: 1 INVITE",
        contact,
        kind,
        body=SDP,
    )
    return [*found, opening, opening.replace(b"INVITE", b"CANCEL").replace(b"@fresh@", b"@last@"), opening]


def sip_messages() -> list[bytes]:
    """Every datagram of the recorded calls, then what others write."""
    return [data for data, _, _ in recorded()] + list(OTHERS)


def recorded() -> list[tuple[bytes, Hop, Hop]]:
    """Calls between two of our own endpoints, datagram by datagram: bytes, from, to. The same every time."""
    return [sent for scene in range(5) for sent in _scene(scene)]


def _scene(scene: int) -> Iterator[tuple[bytes, Hop, Hop]]:
    """0: a call with keys and hold; 1: a refused one; 2: a cancelled one; 3: one without an offer; 4: OPTIONS."""
    draw = random.Random(scene).randbytes
    ends = {at: SipEndpoint(EndpointConfig(at.host, at.port), draw) for at in (CALLER, CALLED)}
    caller, called = ends[CALLER], ends[CALLED]
    leg, now = 0, 0.0
    if scene == 4:
        yield OPTIONS, CALLER, CALLED
        called.receive(OPTIONS, CALLER, now)
    else:
        offered = InviteTarget(
            request_uri="sip:+18335550100@192.0.2.2",
            destination=CALLED,
            to=None,
            from_uri="sip:+15125550100@192.0.2.1",
            from_display="Alice",
            sdp=b"" if scene == 3 else SDP,
        )
        leg = caller.invite(offered, now)
    for step in range(40):
        now += STEP_S
        for end in ends.values():
            end.handle_timer(now)
            for event in end.events():
                _act(scene, end, event, now)
        if step == 12 and scene == 0:
            caller.info(leg, "application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", now)
        if step == 16 and scene == 0:
            caller.reoffer(leg, SDP.replace(b"sendrecv", b"sendonly"), now)
        if step == 8 and scene == 2:
            caller.cancel(leg, now, "SIP;cause=200")
        if step == 30 and scene in (0, 3):
            caller.hangup(leg, now)
        for at, end in ends.items():
            for datagram in end.datagrams():
                yield datagram.data, at, datagram.destination
                ends[datagram.destination].receive(datagram.data, at, now)


def _act(scene: int, end: SipEndpoint, event: SipEvent, now: float) -> None:
    match event:
        case Incoming() if scene == 1:
            end.reject(event.leg, 486, now)
        case Incoming():
            end.trying(event.leg, now)
            end.ring(event.leg, now, 183, SDP)
            if scene != 2:
                end.answer(event.leg, SDP, now)
        case Reoffered():
            end.reanswer(event.leg, SDP, now)
        case _:
            pass


OPTIONS: Final = _text(
    "OPTIONS sip:192.0.2.2 SIP/2.0",
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKo;rport",
    "From: <sip:ping@192.0.2.1>;tag=o",
    "To: <sip:192.0.2.2>",
    "Call-ID: o",
    "CSeq: 1 OPTIONS",
    "Max-Forwards: 70",
)


def rtp_packets() -> list[bytes]:
    """Audio, keys, comfort noise; with padding, a header extension and contributing sources."""
    plain = rtp.pack(rtp.RtpPacket(0, 1, 160, 7, bytes(160), True))
    key = rtp.pack(rtp.RtpPacket(101, 2, 320, 7, dtmf.pack_event(dtmf.Event(5, False, 160)), True))
    noise = rtp.pack(rtp.RtpPacket(13, 3, 480, 7, b"\x1e", False))
    extended = b"\x90" + plain[1:12] + struct.pack("!HHI", 0xBEDE, 1, 0) + plain[12:]
    padded = b"\xa0" + plain[1:] + b"\0\0\0\x04"
    mixed = b"\x82" + plain[1:12] + bytes(8) + plain[12:]
    return [plain, key, noise, extended, padded, mixed, rtp.pack(rtp.RtpPacket(8, 65_535, 2**32 - 1, 7, bytes(80)))]


def rtcp_packets() -> list[bytes]:
    """Reports with and without blocks, a goodbye, types that are stepped over."""
    block = rtcp.ReportBlock(7, 3, -1, 70_000, 12, 99, 65_536)
    sender = rtcp.SenderInfo(7, rtcp.ntp_time(1_800_000_000.0), 160, 5, 800)
    both = rtcp.pack_report(7, sender, [block], "a@b")
    return [
        both,
        rtcp.pack_report(7, None, [], ""),
        rtcp.pack_report(7, None, [block] * 31, "c" * 200) + rtcp.pack_bye(7),
        both + struct.pack("!BBH", 0x81, 204, 2) + b"name" + bytes(4),
    ]


def events() -> list[bytes]:
    """Telephone-event payloads one after another, as the `dtmf` target reads them: 4 bytes event, 4 timestamp."""
    press = [dtmf.pack_event(dtmf.Event(5, n > 3, 160 * n)) + struct.pack("!I", 8_000) for n in range(1, 7)]
    long = [dtmf.pack_event(dtmf.Event(11, False, 0xFFFF)) + struct.pack("!I", 0xFFFFFF00 + n) for n in range(3)]
    return [b"".join(press), b"".join(press + long)]


def wav_files() -> list[bytes]:
    """Every encoding in small, other rates and channels, a chunk before the data, a header without an end."""
    pcm = struct.pack("<80h", *(n * 300 % 20_000 - 10_000 for n in range(80)))
    plain = wav.write(wav.Encoding.PCM, 1, pcm)
    files = [plain, wav.write(wav.Encoding.ULAW, 2, pcm[:60]), wav.write(wav.Encoding.ALAW, 1, pcm[:61])]
    for rate, channels, bits in ((44_100, 2, 24), (16_000, 1, 32), (11_025, 1, 8)):
        step = channels * bits // 8
        shape = struct.pack("<HHIIHH", 1, channels, rate, rate * step, step, bits)
        body = b"LIST" + struct.pack("<I", 4) + b"INFO" + b"data" + struct.pack("<I", 20 * step) + pcm[: 20 * step]
        files.append(b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", len(shape)) + shape + body)
    return [*files, wav.recording_header(0) + pcm]
