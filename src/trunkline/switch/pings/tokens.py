"""Ping ids as publishers see them: whose they are and until when they count, signed, so that nobody can make one.

A token is the ping's id, the end of its bid (UTC milliseconds, base 32) and a MAC over both and over the account and
publisher that it was given to. So another publisher's token is as good as a forged one, and an expired one is known for
what it is long after its ping has been forgotten. HMAC-SHA-256 (RFC 2104), cut to 128 bits, compared in constant time;
its key is derived from the installation's secret.
"""

from __future__ import annotations

import hmac
import re
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from trunkline.kernel.ids import ALPHABET

LATE_MS: Final = 2_000
"""A post may arrive so much later than its bid says: it was sent in time, and took its way."""
_MAC_BYTES: Final = 16
_EXPIRY_CHARS: Final = 9
_SHAPE: Final = re.compile(rf"(ping_[{ALPHABET}]{{26}})\.([{ALPHABET}]{{9}})\.([0-9a-f]{{32}})")


class BadToken(StrEnum):
    """Why a token is not taken."""

    FORGED = "forged"
    EXPIRED = "expired"


class PingToken(msgspec.Struct, frozen=True, gc=False):
    """What a token says: the ping's id and until when (UTC milliseconds) its bid stands."""

    ping: str
    expires_ms: int


class Tokens:
    """Makes and reads the tokens of one installation."""

    __slots__ = ("_key",)

    def __init__(self, secret: bytes) -> None:
        """`secret` is the installation's; what is derived from it signs nothing else."""
        self._key = hmac.digest(secret, b"trunkline ping ids 1", sha256)

    def make(self, account: str, publisher: str, token: PingToken) -> str:
        """The token for a ping of this publisher."""
        expiry = _base32(token.expires_ms)
        return f"{token.ping}.{expiry}.{self._mac(account, publisher, token.ping, expiry)}"

    def read(self, text: str, account: str, publisher: str, now_ms: int) -> PingToken | BadToken:
        """What a token says that this publisher sends at `now_ms` (UTC), or why it does not count.

        `LATE_MS` beyond its end it still does. A clock that was set back makes a token count for longer, never shorter.
        """
        match = _SHAPE.fullmatch(text)
        if match is None:
            return BadToken.FORGED
        ping, expiry, mac = match.groups()
        if not hmac.compare_digest(mac, self._mac(account, publisher, ping, expiry)):
            return BadToken.FORGED
        token = PingToken(ping, _number(expiry))
        return BadToken.EXPIRED if now_ms > token.expires_ms + LATE_MS else token

    def digest(self, *parts: str) -> str:
        """A keyed digest of what must be compared later and is nobody's business: 32 hex digits."""
        return hmac.digest(self._key, "\0".join(parts).encode(), sha256)[:_MAC_BYTES].hex()

    def _mac(self, account: str, publisher: str, ping: str, expiry: str) -> str:
        said = f"{account}\0{publisher}\0{ping}\0{expiry}".encode()
        return hmac.digest(self._key, said, sha256)[:_MAC_BYTES].hex()


def _base32(number: int) -> str:
    assert 0 <= number < 32**_EXPIRY_CHARS
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(_EXPIRY_CHARS)))


def _number(text: str) -> int:
    number = 0
    for each in text:
        number = number << 5 | ALPHABET.index(each)
    return number
