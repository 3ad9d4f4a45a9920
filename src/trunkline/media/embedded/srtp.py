"""SRTP and SRTCP of one leg (RFC 3711) by libsrtp, through pylibsrtp.

Each direction has a session of its own with a key of its own. After new keys have been agreed on, what the party still
sends with the old one is taken too, until the first packet with the new one comes: the answer that tells it of them is
on its way. Replays and forgeries come back as None and are counted by the leg.
"""

from __future__ import annotations

from typing import Final

from pylibsrtp import Error, Policy, Session

from trunkline.media.port import Srtp, SrtpSuite

DATAGRAM_SIZE_MAX: Final = 1500
"""What the library has room for."""
_SEND_SIZE_MAX: Final = DATAGRAM_SIZE_MAX - 160
"""Less what it may add: tag, index, key identifier."""
_WINDOW: Final = 1024
"""How many packets late one may be and still be told from a replay: far more than a jitter buffer waits for."""
SOURCES_MAX: Final = 64
"""SSRCs that one party may send under one key. The library remembers each; a telephone has one, or a few in turn."""
_PROFILES: Final[dict[SrtpSuite, int]] = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}


class SecureStream:
    """The sessions of a leg. Used by one thread."""

    __slots__ = ("_before", "_keys", "_receive", "_send", "_sources", "unauthenticated")

    def __init__(self, keys: Srtp) -> None:
        self.unauthenticated = 0
        self._keys = keys
        self._send = _session(keys.suite, keys.send, Policy.SSRC_ANY_OUTBOUND)
        self._receive = _session(keys.suite, keys.receive, Policy.SSRC_ANY_INBOUND)
        self._before: Session | None = None
        self._sources: set[bytes] = set()

    def rekey(self, keys: Srtp) -> None:
        """Take the keys of a further offer and answer. A direction whose key is the same goes on with its counters."""
        before, self._keys = self._keys, keys
        if (keys.suite, keys.send) != (before.suite, before.send):
            self._send = _session(keys.suite, keys.send, Policy.SSRC_ANY_OUTBOUND)
        if (keys.suite, keys.receive) != (before.suite, before.receive):
            self._before = self._receive
            self._receive = _session(keys.suite, keys.receive, Policy.SSRC_ANY_INBOUND)
            self._sources = set()

    def seal(self, packet: bytes) -> bytes | None:
        """Encrypt an RTP packet of ours. None for one that must not go out: its sequence number was used already."""
        if len(packet) > _SEND_SIZE_MAX:
            return None
        try:
            return self._send.protect(packet)
        except Error:
            return None

    def seal_report(self, packet: bytes) -> bytes | None:
        """Encrypt a compound RTCP packet of ours."""
        try:
            return self._send.protect_rtcp(packet)
        except Error:
            return None

    def open(self, packet: bytes) -> bytes | None:
        """The RTP packet in one of the party's, or None when it is not the party's, or comes a second time."""
        source = packet[8:12]
        if len(packet) <= DATAGRAM_SIZE_MAX and self._knows(source):
            opened: bytes | None
            try:
                opened = self._receive.unprotect(packet)
            except Error:
                opened = self._open_with_old_key(packet)
            else:
                self._before = None
            if opened is not None:
                self._sources.add(source)
                return opened
        self.unauthenticated += 1
        return None

    def open_report(self, packet: bytes) -> bytes | None:
        """The RTCP packet in one of the party's, or None."""
        source = packet[4:8]
        if len(packet) <= DATAGRAM_SIZE_MAX and self._knows(source):
            try:
                opened: bytes = self._receive.unprotect_rtcp(packet)
            except Error:
                pass
            else:
                self._sources.add(source)
                return opened
        self.unauthenticated += 1
        return None

    def _knows(self, source: bytes) -> bool:
        """Whether the party has sent from this SSRC before, or may begin to."""
        return source in self._sources or len(self._sources) < SOURCES_MAX

    def _open_with_old_key(self, packet: bytes) -> bytes | None:
        if self._before is not None:
            try:
                return self._before.unprotect(packet)
            except Error:
                pass
        return None


def _session(suite: SrtpSuite, key: bytes, direction: int) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=_PROFILES[suite])
    policy.window_size = _WINDOW
    return Session(policy)
