"""Encrypted legs: nothing in the clear either way, keys that change, replays and forgeries."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from pylibsrtp import Policy, Session
from tests.unit.media.rig import HOST, Party, Rig, frame, media

from trunkline.codec import rtcp
from trunkline.codec.rtp import RtpPacket, pack, parse
from trunkline.media.embedded.srtp import SOURCES_MAX, SecureStream
from trunkline.media.port import Closed, Digit, LegStats, Srtp, SrtpSuite

pytestmark = pytest.mark.unit

EIGHTY: SrtpSuite = "AES_CM_128_HMAC_SHA1_80"
THIRTY_TWO: SrtpSuite = "AES_CM_128_HMAC_SHA1_32"
PROFILES = {EIGHTY: Policy.SRTP_PROFILE_AES128_CM_SHA1_80, THIRTY_TWO: Policy.SRTP_PROFILE_AES128_CM_SHA1_32}


def keys(name: str, suite: SrtpSuite = EIGHTY) -> Srtp:
    """Keys as the leg sees them."""
    material = hashlib.sha512(name.encode()).digest()
    return Srtp(suite, material[:30], material[30:60])


class SecurePhone:
    """The other end of an encrypted leg."""

    def __init__(self, party: Party, agreed: Srtp) -> None:
        self.party = party
        profile = PROFILES[agreed.suite]
        self._out = Session(Policy(agreed.receive, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        self._in = Session(Policy(agreed.send, Policy.SSRC_ANY_INBOUND, srtp_profile=profile))

    def sealed(self, payload: bytes, payload_type: int = 0) -> bytes:
        """The next packet, encrypted."""
        party = self.party
        packet = pack(RtpPacket(payload_type, party.sequence, party.timestamp, party.ssrc, payload))
        party.skip(1, len(payload))
        return self._out.protect(packet)

    def say(self, rig: Rig, *payloads: bytes) -> None:
        """Speak frames, 20 ms apart."""
        for payload in payloads:
            self.party.send_raw(self.sealed(payload))
            rig.work()
            rig.advance(0.02)

    def heard(self) -> list[int]:
        """The first byte of each frame that has come, decrypted."""
        return [parse(self._in.unprotect(datagram)).payload[0] for datagram in drain(self.party)]

    def report(self, datagram: bytes) -> None:
        """Send an encrypted report."""
        self.party.rtcp.sendto(self._out.protect_rtcp(datagram), (HOST, self.party.target + 1))

    def reports(self) -> list[rtcp.Compound]:
        """The reports that have come, decrypted."""
        return [rtcp.parse(self._in.unprotect_rtcp(datagram)) for datagram in self.party.reports()]


def drain(party: Party) -> list[bytes]:
    datagrams = []
    while True:
        try:
            datagrams.append(party.rtp.recv(2048))
        except BlockingIOError:
            return datagrams


def stats(rig: Rig, leg: str) -> LegStats:
    rig.engine.close_leg(leg)
    return next(e.stats for e in rig.events if isinstance(e, Closed) and e.leg == leg)


def secure(rig: Rig, name: str, agreed: Srtp) -> SecurePhone:
    party = rig.leg(name)
    rig.connect(name, party, srtp=agreed)
    return SecurePhone(party, agreed)


@pytest.mark.parametrize("suite", [EIGHTY, THIRTY_TWO])
def test_an_encrypted_party_and_a_plain_one_hear_each_other(tmp_path: Path, suite: SrtpSuite) -> None:
    with media(tmp_path) as rig:
        a, b = secure(rig, "a", keys("a", suite)), rig.leg("b")
        rig.bridge("a", "b")
        a.say(rig, frame(1), frame(2))
        assert [packet.payload for packet in b.received()] == [frame(1), frame(2)]
        rig.say(b, frame(3), frame(4))
        assert a.heard() == [3, 4]


def test_two_encrypted_parties_each_with_own_keys(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = secure(rig, "a", keys("a")), secure(rig, "b", keys("b", THIRTY_TWO))
        rig.bridge("a", "b")
        a.say(rig, frame(1))
        b.say(rig, frame(2))
        assert (a.heard(), b.heard()) == ([2], [1])


def test_prompts_and_keys_are_encrypted_too(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = secure(rig, "a", keys("a"))
        rig.engine.play("a", 1, ["beep"], False)
        rig.advance(0.1)
        rig.work()
        assert len(a.heard()) >= 5
        event = bytes((7, 0x8A, 0x03, 0x20))
        a.party.send_raw(a.sealed(event, 101))
        rig.work()
        assert rig.of(Digit) == [Digit("a", "7", 100)]


def test_what_is_not_encrypted_with_the_key_is_not_heard(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = secure(rig, "a", keys("a")), rig.leg("b")
        rig.bridge("a", "b")
        a.party.send(frame(1))
        forged = SecurePhone(a.party, keys("another"))
        forged.say(rig, frame(2))
        a.party.send_raw(bytes(1800))
        a.party.send_raw(b"")
        rig.work()
        assert b.received() == []
        assert rig.engine.legs["a"].latch.source is None
        packet = a.sealed(frame(3))
        a.party.send_raw(packet)
        a.party.send_raw(packet)
        rig.work()
        assert [p.payload for p in b.received()] == [frame(3)]
        assert stats(rig, "a").unauthenticated == 5


def test_strangers_cost_no_decryption(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = secure(rig, "a", keys("a"))
        other = Party("127.0.0.2")
        rig.parties.append(other)
        other.target = a.party.target
        other.send(frame(1))
        rig.work()
        counted = stats(rig, "a")
        assert (counted.foreign, counted.unauthenticated) == (1, 0)


def test_the_same_keys_again_go_on_where_they_were(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = secure(rig, "a", keys("a")), rig.leg("b")
        rig.bridge("a", "b")
        replayed = a.sealed(frame(1))
        a.party.send_raw(replayed)
        rig.work()
        rig.connect("a", a.party, srtp=keys("a"))
        a.party.send_raw(replayed)
        a.say(rig, frame(2))
        rig.say(b, frame(3))
        assert [p.payload[0] for p in b.received()] == [1, 2]
        assert a.heard() == [3]
        assert stats(rig, "a").unauthenticated == 1


def test_new_keys_take_over_and_the_old_ones_end(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = secure(rig, "a", keys("a")), rig.leg("b")
        rig.bridge("a", "b")
        a.say(rig, frame(1))
        rig.connect("a", a.party, srtp=keys("new"))
        late = [a.sealed(frame(value)) for value in (2, 9)]
        a.party.send_raw(late[0])
        rig.work()
        rig.advance(0.02)
        renewed = SecurePhone(a.party, keys("new"))
        renewed.say(rig, frame(3))
        a.party.send_raw(late[1])
        rig.work()
        rig.say(b, frame(4))
        assert [p.payload[0] for p in b.received()] == [1, 2, 3]
        assert renewed.heard() == [4]


def test_encryption_can_begin_and_end_with_a_connect(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        party, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.say(party, frame(1))
        rig.connect("a", party, srtp=keys("a"))
        SecurePhone(party, keys("a")).say(rig, frame(2))
        rig.connect("a", party)
        rig.say(party, frame(3))
        assert [p.payload[0] for p in b.received()] == [1, 2, 3]


def test_reports_are_encrypted_both_ways(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = secure(rig, "a", keys("a", THIRTY_TWO)), rig.leg("b")
        rig.bridge("a", "b")
        rig.say(b, frame(1))
        rig.advance(7.5)
        [report] = a.reports()
        assert report.sender is not None
        block = rtcp.ReportBlock(report.sender.ssrc, 0, 4, 1, 80)
        a.report(rtcp.pack_report(a.party.ssrc, None, [block], "x"))
        rig.work()
        clear = rtcp.pack_report(a.party.ssrc, None, [rtcp.ReportBlock(report.sender.ssrc, 0, 99, 1, 0)], "x")
        a.party.rtcp.sendto(clear, (HOST, a.party.target + 1))
        rig.work()
        counted = stats(rig, "a")
        assert (counted.peer_lost, counted.unauthenticated) == (4, 1)


def test_a_key_is_never_shown() -> None:
    agreed = keys("a")
    assert repr(agreed) == "Srtp(AES_CM_128_HMAC_SHA1_80)"
    assert repr(agreed.send) not in f"{agreed!r} {agreed}"


def test_a_party_that_changes_its_source_with_every_packet_costs_no_memory() -> None:
    agreed = keys("many")
    stream, out = SecureStream(agreed), Session(Policy(agreed.receive, Policy.SSRC_ANY_OUTBOUND))
    sealed = [out.protect(pack(RtpPacket(0, 1, 160, ssrc, frame(1)))) for ssrc in range(1, 2 * SOURCES_MAX + 1)]
    assert sum(stream.open(packet) is not None for packet in sealed) == SOURCES_MAX
    assert stream.unauthenticated == SOURCES_MAX
    assert stream.open(out.protect(pack(RtpPacket(0, 2, 320, 1, frame(2))))) is not None, "the first goes on"
    other = keys("other")
    stream.rekey(Srtp(EIGHTY, agreed.send, other.receive))
    fresh = Session(Policy(other.receive, Policy.SSRC_ANY_OUTBOUND))
    assert stream.open(fresh.protect(pack(RtpPacket(0, 1, 160, 9_999, frame(3))))) is not None
