"""What is fuzzed, and what no input whatever may do to it.

A target takes bytes and returns. Whatever it raises is a finding: the readers may raise the errors that they promise,
which are swallowed here; `Broken` says which promise was not kept; anything else is an error of ours by itself.
"""

from __future__ import annotations

import contextlib
import random
import struct
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from trunkline.codec import dtmf, rtcp, rtp, wav
from trunkline.sip import dtmf_info, message, sdp
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.framing import PING, Framer
from trunkline.sip.headers import parse_name_addr, split_values
from trunkline.sip.limits import DEFAULT_MESSAGE_LIMITS
from trunkline.sip.media_lines import PTIMES_MS
from trunkline.sip.sdes import SrtpMode
from trunkline.sip.uri import parse_uri
from trunkline.testing.fuzz import corpus, guards
from trunkline.testing.fuzz.endpoint import NEXT, EndpointTarget, run_session
from trunkline.testing.fuzz.peers import Readers, peers_messages

STATUSES: Final = range(400, 700)
WAV_RATE_HZ_MIN: Final = 4_000
SRTP_MODES: Final[tuple[SrtpMode, ...]] = ("optional", "required")


class Broken(AssertionError):
    """An input made a reader break a promise."""


class Target(msgspec.Struct, frozen=True):
    """`run` takes one input; `corpus` are sound ones. One that keeps state ends with `close`, which judges it."""

    name: str
    corpus: tuple[bytes, ...]
    run: Callable[[bytes], None]
    close: Callable[[], None] = lambda: None


def targets() -> dict[str, Target]:
    """All of them, each with state of its own."""
    endpoint = EndpointTarget()
    made = [
        Target("sip", (*corpus.sip_messages(), *corpus.live_messages()), endpoint.run, endpoint.close),
        Target("session", tuple(_sessions()), run_session),
        Target("stream", tuple(_streams()), read_stream),
        Target("message", tuple(corpus.sip_messages()), read_message),
        Target("gate", tuple(corpus.sip_messages()), guards.GateTarget().run),
        Target("digest", guards.digests(), guards.read_digest),
        Target("peers", tuple(peers_messages()), Readers().run),
        Target("address", tuple(_addresses()), read_address),
        Target("sdp", corpus.DESCRIPTIONS, read_description),
        Target("keys", (b"Signal=5\r\nDuration=160\r\n", b"Signal = *\nDuration = 99999\n", b"5"), read_keys),
        Target("rtp", tuple(corpus.rtp_packets()), read_rtp),
        Target("rtcp", tuple(corpus.rtcp_packets()), read_rtcp),
        Target("dtmf", tuple(corpus.events()), read_events),
        Target("wav", tuple(corpus.wav_files()), read_wav),
    ]
    return {target.name: target for target in made}


def _sessions() -> list[bytes]:
    """A call to us with what may come in it, and answers to our own call, each as a peer would send them."""
    live = corpus.live_messages()
    *inside, opening, cancel, _ = live
    requests = [each for each in inside if not each.startswith(b"SIP/")]
    responses = [each for each in inside if each.startswith(b"SIP/")]
    made = [NEXT.join((opening, each, *requests[:2])) for each in (*requests, cancel)]
    made += [NEXT.join((opening, *requests)), NEXT.join((*responses[:4], *requests))]
    return made + [NEXT.join((each, responses[3], requests[1])) for each in responses]


def _streams() -> list[bytes]:
    """Messages one after another as on a connection, with keepalives between them."""
    messages = corpus.sip_messages()
    return [PING + messages[at] + PING + messages[at + 1] + messages[at + 2] for at in range(0, len(messages) - 2, 3)]


def _addresses() -> Sequence[bytes]:
    found = {
        value.encode()
        for data in corpus.sip_messages()
        for name, value in message.parse(data).headers
        if name in ("From", "To", "Contact", "Record-Route", "Via", "P-Asserted-Identity")
    }
    return sorted(found)


def _blamed(error: RemoteSipError) -> None:
    if error.status not in STATUSES:
        raise Broken(f"an error that would be answered with {error.status}: {error}")


def read_stream(data: bytes) -> None:
    """Whatever pieces a stream comes in, it holds the same messages; no byte is used twice, none kept after a fault."""
    whole = Framer()
    found = whole.feed(data, 0.0)
    draw = random.Random(len(data))
    framer, at = Framer(), 0
    pieces: list[bytes] = []
    while at < len(data):
        size = draw.choice((1, 2, 3, 700, 20_000))
        pieces += framer.feed(data[at : at + size], 0.0)
        at += size
    if pieces != found or framer.fault != whole.fault:
        raise Broken(f"{len(pieces)} messages and {framer.fault} in pieces, {len(found)} and {whole.fault} as a whole")
    if sum(map(len, found)) > len(data) or (whole.fault is not None and whole.feed(corpus.OPTIONS, 0.0)):
        raise Broken("more came out than went in")
    for each in found:
        if each is not PING:
            read_message(each)


def read_message(data: bytes) -> None:
    """Whatever can be read can be looked at in every way, and written and read again without a change."""
    try:
        read = message.parse(data)
    except RemoteSipError as error:
        _blamed(error)
        return
    for look in (
        lambda: read.via,
        lambda: read.from_,
        lambda: read.to,
        lambda: read.cseq,
        lambda: read.call_id,
        lambda: read.sdp,
        lambda: read.retry_after_s,
        lambda: read.content_type,
        lambda: read.values("Contact"),
        lambda: read.values("X-Other"),
        lambda: read.header("x-other"),
    ):
        try:
            look()
        except RemoteSipError as error:
            _blamed(error)
    written = read.encode()
    if len(written) > DEFAULT_MESSAGE_LIMITS.max_datagram:
        return  # header names are written out
    again = message.parse(written)
    if again.start_line != read.start_line or again.body != read.body or again.encode() != written:
        raise Broken("written and read again it is another message")
    kept = [(name, value) for name, value in read.headers if name != "Content-Length"]
    if [(name, value) for name, value in again.headers if name != "Content-Length"] != kept:
        raise Broken("written and read again it has other headers")


def read_address(data: bytes) -> None:
    """Addresses and lists of values raise what a peer is to blame for, nothing else."""
    text = data.decode("utf-8", "replace")
    for read in (parse_uri, parse_name_addr, split_values):
        try:
            read(text)
        except RemoteSipError as error:
            _blamed(error)


def read_description(data: bytes) -> None:
    """An offer that is understood gets an answer that is understood, with as many media lines, of at most its audio."""
    with contextlib.suppress(RemoteSipError):
        sdp.accept(data)
    try:
        offered = sdp.parse_audio(data)
    except RemoteSipError as error:
        _blamed(error)
        return
    for srtp in SRTP_MODES:
        with contextlib.suppress(RemoteSipError):
            sdp.parse_audio(data, srtp)
    answer, agreed = sdp.answer(offered, "192.0.2.5", 4000)
    if not 1 <= agreed.port <= 65_535 or agreed.ptime not in PTIMES_MS:
        raise Broken(f"agreed on port {agreed.port}, {agreed.ptime} ms")
    read = sdp.parse_audio(answer)
    if read.port != 4000 or len(read.media_lines) != len(offered.media_lines):
        raise Broken("the answer does not match the offer")


def read_keys(data: bytes) -> None:
    """A digit report is one key or an error."""
    for kind in ("application/dtmf-relay", "application/dtmf"):
        try:
            if dtmf_info.parse(kind, data).digit not in "0123456789*#ABCD":
                raise Broken("a key that no telephone has")
        except RemoteSipError as error:
            _blamed(error)


def read_rtp(data: bytes) -> None:
    """The payload of a packet lies in it; without its options it reads back as itself."""
    with contextlib.suppress(rtp.RtpError):
        packet = rtp.parse(data)
        if packet.payload not in data or rtp.parse(rtp.pack(packet)) != packet:
            raise Broken("the packet reads back as another")


def read_rtcp(data: bytes) -> None:
    """A compound packet holds no more reports than have room in it."""
    with contextlib.suppress(rtcp.RtcpError):
        read = rtcp.parse(data)
        if 24 * len(read.blocks) + 4 * len(read.byes) > len(data):
            raise Broken("more reports than bytes")
        for block in read.blocks:
            rtcp.round_trip_s(rtcp.ntp_time(1_800_000_000.0), block)


def read_events(data: bytes) -> None:
    """A stream of telephone events (4 bytes event, 4 bytes timestamp) makes at most one key of each packet."""
    reader, now, packets = dtmf.DigitReader(), 0.0, 0
    presses: list[dtmf.Press] = []
    for start in range(0, min(len(data), 8_000), 8):
        now, packets = now + 0.02, packets + 1
        payload, stamp = data[start : start + 4], data[start + 4 : start + 8].ljust(4, b"\0")
        with contextlib.suppress(dtmf.DtmfError):
            presses += reader.read(dtmf.parse_event(payload), struct.unpack("!I", stamp)[0], bool(packets & 1), now)
        presses += reader.expire(now)
    presses += reader.flush()
    if len(presses) > packets or any(press.duration_ms < 0 or len(press.digit) != 1 for press in presses):
        raise Broken("keys that nobody pressed")


def read_wav(data: bytes) -> None:
    """A file becomes whole samples, no more of them than its lowest rate makes; a header can be mended."""
    with contextlib.suppress(wav.WavError):
        pcm = wav.read(data)
        if len(pcm) % 2 or len(pcm) > 2 * (8_000 // WAV_RATE_HZ_MIN) * len(data) + 64:
            raise Broken(f"{len(data)} bytes became {len(pcm)}")
    with contextlib.suppress(wav.WavError):
        header, length = wav.repaired_header(data[: wav.HEADER_SIZE], len(data))
        if wav.repaired_header(header, length) != (header, length):
            raise Broken("a mended header is not sound")
