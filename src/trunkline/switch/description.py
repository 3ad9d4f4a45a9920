"""What one leg of ours says of its audio: offers, answers, and the keys in them.

A leg has one session of its own (`o=`), whose version grows by one with every description that differs from the one
before (RFC 3264 section 8); what was written but never sent, or was refused, does not count. Keys are made
when they are first needed. They stay the same while the peer's stays the same, so that an encrypted stream goes on
through hold and resume; with a new key of the peer's comes a new one of ours (RFC 4568 section 7.1.4). What was
encrypted once is never agreed on in the clear later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trunkline.media.port import LocalMedia
from trunkline.sip import sdp
from trunkline.sip.sdes import KEY_SIZE, SUITES, Crypto, SrtpMode


class Description:
    """Our side of one leg. `session` is the number in its `o=` line, `agreed` what both sides said last."""

    __slots__ = (
        "_entropy",
        "_local",
        "_offered",
        "_ours",
        "_said",
        "_session",
        "_srtp",
        "_theirs",
        "_version",
        "agreed",
    )

    def __init__(self, local: LocalMedia, session: int, srtp: SrtpMode, entropy: Callable[[int], bytes]) -> None:
        self._local = local
        self._session = session
        self._srtp = srtp
        self._entropy = entropy
        self._version = 0
        self._said: bytes | None = None
        self._offered: tuple[Crypto, ...] = ()
        self._ours: Crypto | None = None
        self._theirs: Crypto | None = None
        self.agreed: sdp.AudioMedia | None = None

    @property
    def held(self) -> bool:
        """Whether the peer holds us: nothing may be sent to it (RFC 3264 section 8.4)."""
        return self.agreed is not None and not self.agreed.sends

    @property
    def takes_events(self) -> bool:
        """Whether the peer takes keys as telephone-events (RFC 4733)."""
        return self.agreed is not None and self.agreed.dtmf_payload_type is not None

    def read(self, body: bytes) -> sdp.AudioOffer:
        """Read the peer's offer. Raises RemoteSipError."""
        return sdp.parse_audio(body, self._srtp)

    def offer(self, codecs: Sequence[str] = sdp.CODECS) -> bytes:
        """Our offer: of what is spoken already, or of all that may be."""
        if self._ours is not None:
            self._offered = (self._ours,)
        elif self._srtp != "off":
            self._offered = tuple(Crypto(tag, suite, self._key()) for tag, suite in enumerate(SUITES, 1))

        def write(version: int) -> bytes:
            return sdp.offer(
                self._local.host,
                self._local.port,
                codecs,
                session_id=self._session,
                version=version,
                cryptos=self._offered,
                srtp=self._srtp,
            )

        return self._unchanged(write) or write(self._version + 1)

    def answer(self, offered: sdp.AudioOffer) -> tuple[bytes, sdp.AudioMedia]:
        """Our answer to the peer's offer, and what it agrees on."""
        crypto = self._answering_key(offered.cryptos)
        self._offered = () if crypto is None else (crypto,)  # a refresh of the session offers the answer again

        def write(version: int) -> tuple[bytes, sdp.AudioMedia]:
            return sdp.answer(
                offered, self._local.host, self._local.port, session_id=self._session, version=version, crypto=crypto
            )

        body, agreed = write(self._version + 1)
        return self._unchanged(lambda version: write(version)[0]) or body, self._agreed(agreed)

    def said(self, body: bytes) -> None:
        """The description has been sent in a message that was not refused."""
        if body != self._said:
            self._said = body
            self._version += 1

    def _unchanged(self, write: Callable[[int], bytes]) -> bytes | None:
        """What was said last, when the same would be said now."""
        return self._said if self._said is not None and write(self._version) == self._said else None

    def accept(self, body: bytes | None) -> sdp.AudioMedia:
        """What the peer's answer to our offer agrees on. Raises RemoteSipError."""
        return self._agreed(sdp.accept(body or b"", cryptos=self._offered, srtp=self._srtp))

    def _answering_key(self, offered: Sequence[Crypto]) -> Crypto | None:
        if not offered:
            return None
        ours, theirs = self._ours, self._theirs
        if ours is not None and theirs is not None:
            same = next((each for each in offered if (each.suite, each.key) == (theirs.suite, theirs.key)), None)
            if same is not None:
                return Crypto(same.tag, ours.suite, ours.key)
        return Crypto(offered[0].tag, offered[0].suite, self._key())

    def _agreed(self, agreed: sdp.AudioMedia) -> sdp.AudioMedia:
        if agreed.ours is not None:
            self._ours, self._theirs = agreed.ours, agreed.theirs
            self._srtp = "required"
        self.agreed = agreed
        return agreed

    def _key(self) -> bytes:
        return self._entropy(KEY_SIZE)
