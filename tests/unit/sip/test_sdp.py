"""Session descriptions: what is taken, what is refused, what is answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from trunkline.sip import sdp
from trunkline.sip.errors import LocalSipError, NoCommonCodec, RemoteSipError

pytestmark = pytest.mark.unit


def described(*media: str, connection: str = "IN IP4 198.51.100.9", extra: str = "") -> bytes:
    """A description with the media blocks given."""
    lines = ["v=0", "o=- 1 1 IN IP4 198.51.100.9", "s=-", f"c={connection}", "t=0 0", *extra.split("|"), *media]
    return "\r\n".join(line for line in lines if line).encode() + b"\r\n"


AUDIO = "m=audio 30000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:30"


def test_an_offer_is_read() -> None:
    offered = sdp.parse_audio(described(AUDIO))
    assert (offered.host, offered.port) == ("198.51.100.9", 30000)
    assert offered.codecs == (sdp.Codec("PCMA", 8), sdp.Codec("PCMU", 0))
    assert offered.dtmf_payload_type == 101
    assert (offered.direction, offered.ptime_ms) == ("sendrecv", 30)


def test_the_answer_takes_one_codec_and_the_offers_payload_types() -> None:
    text, media = sdp.answer(
        sdp.parse_audio(described(AUDIO)), "192.0.2.5", 4000, prefer=("PCMU",), session_id=7, version=3
    )
    assert text == (
        b"v=0\r\no=- 7 3 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
        b"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:30\r\na=sendrecv\r\n"
    )
    assert media == sdp.AudioMedia("198.51.100.9", 30000, "PCMU", 0, 101, "sendrecv", 30)
    _, media = sdp.answer(sdp.parse_audio(described(AUDIO)), "192.0.2.5", 4000)
    assert media.codec == "PCMA", "the offerer's first"


def test_dynamic_payload_types_are_kept() -> None:
    offered = sdp.parse_audio(
        described("m=audio 9 RTP/AVP 96 97\r\na=rtpmap:96 pcma/8000/1\r\na=rtpmap:97 Telephone-Event/8000")
    )
    text, media = sdp.answer(offered, "192.0.2.5", 4000)
    assert (media.payload_type, media.dtmf_payload_type) == (96, 97)
    assert b"m=audio 4000 RTP/AVP 96 97" in text


def test_events_at_another_clock_and_wideband_are_left_out() -> None:
    offered = sdp.parse_audio(
        described(
            "m=audio 9 RTP/AVP 9 111 110 0\r\na=rtpmap:9 G722/8000\r\na=rtpmap:111 opus/48000/2\r\n"
            "a=rtpmap:110 telephone-event/48000"
        )
    )
    assert offered.codecs == (sdp.Codec("PCMU", 0),)
    assert offered.dtmf_payload_type is None


def test_other_media_lines_are_answered_with_port_0_in_their_place() -> None:
    offered = sdp.parse_audio(
        described("m=audio 9000 RTP/SAVP 0", AUDIO, "m=video 9002 RTP/AVP 31", "m=image 9004 udptl t38")
    )
    assert offered.index == 1
    text, _ = sdp.answer(offered, "192.0.2.5", 4000)
    assert [line for line in text.decode().split("\r\n") if line.startswith("m=")] == [
        "m=audio 0 RTP/SAVP 0",
        "m=audio 4000 RTP/AVP 8 101",
        "m=video 0 RTP/AVP 31",
        "m=image 0 udptl t38",
    ]


@pytest.mark.parametrize(
    ("media", "extra", "connection", "theirs", "ours"),
    [
        (AUDIO, "", "IN IP4 198.51.100.9", "sendrecv", "sendrecv"),
        (AUDIO + "\r\na=sendonly", "", "IN IP4 198.51.100.9", "sendonly", "recvonly"),
        (AUDIO + "\r\na=recvonly", "", "IN IP4 198.51.100.9", "recvonly", "sendonly"),
        (AUDIO + "\r\na=inactive", "", "IN IP4 198.51.100.9", "inactive", "inactive"),
        (AUDIO, "a=sendonly", "IN IP4 198.51.100.9", "sendonly", "recvonly"),
        (AUDIO + "\r\na=sendrecv", "a=inactive", "IN IP4 198.51.100.9", "sendrecv", "sendrecv"),
        (AUDIO, "", "IN IP4 0.0.0.0", "sendonly", "recvonly"),
        (AUDIO + "\r\na=recvonly", "", "IN IP4 0.0.0.0", "inactive", "inactive"),
        (AUDIO, "", "IN IP6 ::", "sendonly", "recvonly"),
    ],
)
def test_hold_in_all_its_spellings(media: str, extra: str, connection: str, theirs: str, ours: str) -> None:
    offered = sdp.parse_audio(described(media, connection=connection, extra=extra))
    assert offered.direction == theirs
    text, agreed = sdp.answer(offered, "192.0.2.5", 4000)
    assert agreed.direction == ours
    assert agreed.sends == (ours in ("sendrecv", "sendonly"))
    assert f"a={ours}\r\n".encode() in text


def test_our_own_hold_limits_the_answer() -> None:
    _, agreed = sdp.answer(sdp.parse_audio(described(AUDIO)), "192.0.2.5", 4000, direction="sendonly")
    assert agreed.direction == "sendonly"
    assert sdp.accept(described(AUDIO + "\r\na=recvonly"), direction="sendonly").direction == "sendonly"
    assert sdp.accept(described(AUDIO), direction="inactive").direction == "inactive"


def test_our_offer_reads_back_and_its_answer_is_accepted() -> None:
    text = sdp.offer("2001:db8::5", 4000, session_id=9, version=2)
    assert b"o=- 9 2 IN IP6 2001:db8::5\r\n" in text
    offered = sdp.parse_audio(text)
    assert [codec.name for codec in offered.codecs] == ["PCMU", "PCMA"]
    answered, theirs = sdp.answer(offered, "2001:db8::6", 5000, prefer=("PCMA",))
    ours = sdp.accept(answered)
    assert (ours.host, ours.port, ours.codec, ours.payload_type) == ("2001:db8::6", 5000, "PCMA", 8)
    assert (theirs.host, theirs.port, theirs.codec) == ("2001:db8::5", 4000, "PCMA")
    assert ours.dtmf_payload_type == theirs.dtmf_payload_type == 101


@pytest.mark.parametrize(
    "text",
    [
        described("m=audio 0 RTP/AVP 0"),
        described("m=video 9 RTP/AVP 31"),
        described("m=audio 9 RTP/AVP 18"),
        described("m=audio 9 RTP/SAVPF 0"),
        described("m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/16000"),
        described("m=audio 9 RTP/AVP 0", connection="IN IP4 media.example.com"),
        described("m=audio 9 RTP/AVP 0", connection="IN IP4 224.2.1.1"),
        b"v=0\r\nm=audio 9 RTP/AVP 0\r\n",
    ],
)
def test_nothing_usable_is_488(text: bytes) -> None:
    with pytest.raises(NoCommonCodec) as caught:
        sdp.parse_audio(text)
    assert caught.value.status == 488


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"hello",
        b"v=1\r\n",
        b"v=0\r\ns=-\r\n",
        b"v=0\r\nm=audio\r\n",
        b"v=0\r\nm=audio x RTP/AVP 0\r\n",
        described("m=audio 65536 RTP/AVP 0"),
        described("m=audio 99999999 RTP/AVP 0"),
        described(AUDIO, connection="IN IP4"),
        described(AUDIO, connection="IN IP6 198.51.100.9"),
        described(AUDIO, connection="ATM X y"),
        described("m=audio 9 RTP/AVP 0\r\na=rtpmap:banana"),
        described(*["m=audio 9 RTP/AVP 0"] * 17),
        b"v=0\r\n" + b"a=x\r\n" * 600,
        b"v=0\r\n" + b"a" * 20_000,
        b"v=0\r\na=\0\r\n",
    ],
)
def test_malformed_is_400(text: bytes) -> None:
    with pytest.raises(RemoteSipError) as caught:
        sdp.parse_audio(text)
    assert caught.value.status == 400


def test_an_answer_with_codecs_we_did_not_offer_is_refused() -> None:
    with pytest.raises(NoCommonCodec):
        sdp.accept(described("m=audio 9 RTP/AVP 8"), codecs=("PCMU",))


@pytest.mark.parametrize("text", ["0", "500", "x", "-20", "20.5"])
def test_an_odd_ptime_is_20(text: str) -> None:
    assert sdp.parse_audio(described(f"m=audio 9 RTP/AVP 0\r\na=ptime:{text}")).ptime_ms == 20


def test_bare_line_feeds_are_read() -> None:
    assert sdp.parse_audio(described(AUDIO).replace(b"\r\n", b"\n")).port == 30000


@pytest.mark.parametrize(
    "changes",
    [
        {"local_host": "media.example"},
        {"local_host": "1.2.3.4\r\na=x"},
        {"local_port": 0},
        {"codecs": ()},
        {"codecs": ("G729",)},
        {"direction": "sendrecv\r\na=x"},
        {"version": -1},
    ],
)
def test_what_cannot_be_offered_is_our_own_bug(changes: dict[str, object]) -> None:
    with pytest.raises(LocalSipError):
        sdp.offer(**({"local_host": "192.0.2.5", "local_port": 4000} | changes))  # type: ignore[arg-type]


KEPT_BODIES = [
    "c=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
    "c=IN IP4 192.0.2.1\r\nm=audio {port} RTP/AVP 8\r\nm=video 5000 RTP/AVP 96\r\n",
    "c=IN IP4 192.0.2.1\r\nm=audio {port} RTP/AVP 9\r\nm=audio 5000 RTP/AVP 8\r\n",
    "c=IN IP4 192.0.2.1\r\nm=video 5000 RTP/AVP 96\r\nm=audio {port} RTP/AVP 8\r\n",
    "c=IN IP4 0.0.0.0\r\na=sendonly\r\nm=audio {port} RTP/AVP 0\r\na=ptime:30\r\n",
    "c=IN IP4 192.0.2.1\r\nm=audio {port}/2 RTP/AVP 0\r\n",
    "c=IN IP4 192.0.2.1\r\nm=audio {port}  RTP/AVP 0\r\n",
    "c=IN IP4 192.0.2.1\nm=audio {port} RTP/AVP 0\r\n",
]


@pytest.mark.parametrize("body", KEPT_BODIES)
def test_what_was_read_of_another_call_changes_nothing(body: str) -> None:
    """Descriptions that differ in origin and port are read alike, with and without one read before."""

    def outcome(read: Callable[[bytes], sdp.AudioOffer], text: bytes) -> object:
        try:
            return read(text)
        except RemoteSipError as error:
            return error.status, str(error)

    origins = ("- 1 1 IN IP4 192.0.2.1", "x", "", "a\0b", "- 2 2 IN IP4 192.0.2.1\nm=audio 7 RTP/AVP 0")
    for port in (40_000, 40_002, 0, 65_536, 9):
        for origin in origins:
            text = f"v=0\r\no={origin}\r\ns=-\r\n{body.format(port=port)}".encode()
            assert outcome(sdp.parse_audio, text) == outcome(lambda body: sdp._read(body, "off"), text)
