"""The source of hostile traffic: it repeats itself, reaches every branch it promises, and keeps to its bounds."""

from __future__ import annotations

import pytest

from trunkline.codec.rtp import RtpError, parse
from trunkline.sip import message, sdp
from trunkline.sip.errors import RemoteSipError
from trunkline.testing.hostile import MEDIA_MAX, SIP_MAX, Aim, Hostile, KnownCall

pytestmark = pytest.mark.unit

CALL = KnownCall("call@here", "theirs", "ours", "z9hG4bKbranch")
AIM = Aim("+18335550100", "127.0.0.1", 5080, (CALL,))
DRAWS = 2_000


def test_a_seed_repeats_itself_and_another_does_not() -> None:
    first, again, other = (Hostile(seed, AIM) for seed in (1, 1, 2))
    drawn = [first.sip() for _ in range(200)]
    assert drawn == [again.sip() for _ in range(200)]
    assert drawn != [other.sip() for _ in range(200)]


def test_sip_is_both_refused_and_understood_and_never_too_large() -> None:
    hostile = Hostile(3, AIM)
    verdicts = set()
    for _ in range(DRAWS):
        datagram = hostile.sip()
        assert len(datagram) <= SIP_MAX
        try:
            verdicts.add(type(message.parse(datagram)).__name__)
        except RemoteSipError as error:
            verdicts.add(str(error.status))
    assert {"Request", "Response", "400", "505"} <= verdicts


def test_no_request_knows_both_tags_of_a_call() -> None:
    hostile = Hostile(4, AIM)
    known = 0
    for _ in range(DRAWS * 5):
        datagram = hostile.sip()
        known += CALL.call_id.encode() in datagram
        assert not (b";tag=theirs\r\n" in datagram and b";tag=ours\r\n" in datagram and datagram[:3] != b"SIP")
    assert known > 100


def test_session_descriptions_are_sound_malformed_and_unusable() -> None:
    hostile = Hostile(5, AIM)
    statuses = set()
    for _ in range(DRAWS):
        try:
            sdp.parse_audio(hostile.sdp())
            statuses.add(200)
        except RemoteSipError as error:
            statuses.add(error.status)
    assert statuses == {200, 400, 488}


def test_rtp_is_broken_and_plausible_rtp_is_sound() -> None:
    hostile = Hostile(6, AIM)
    for _ in range(DRAWS):
        assert parse(hostile.plausible_rtp()).payload_type in (0, 8, 101)
        datagram = hostile.rtp()
        assert len(datagram) <= MEDIA_MAX
        try:
            packet = parse(datagram)
        except RtpError:
            continue
        assert packet.payload_type in range(20, 96) or not packet.payload


def test_damage_changes_a_datagram() -> None:
    hostile = Hostile(7, AIM)
    sound = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1\r\nCSeq: 1 INVITE\r\n\r\nbody"
    assert sum(hostile.damaged(sound) != sound for _ in range(DRAWS)) > DRAWS * 0.9
