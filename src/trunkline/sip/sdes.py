"""Keys for SRTP in session descriptions: the `a=crypto` line (RFC 4568).

A line names a suite and holds the master key and salt, 30 bytes, with which its sender encrypts what it sends. Read
are the two suites that every device has, without MKI, with any lifetime that a call cannot outlive. A line that asks
for more, or for less than full protection, is passed over, as section 5.1.2 has it; the next may do.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, Literal

import msgspec

from trunkline.sip.errors import LocalSipError

SrtpMode = Literal["off", "optional", "required"]
"""Whether audio is encrypted: never, when the peer does it too, or always."""

SUITES: Final = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
KEY_SIZE: Final = 30
"""128 bits of master key and 112 of salt (RFC 4568 section 6.1)."""
LINES_MAX: Final = 16
_LIFETIME_MIN: Final = 2**20
"""Packets: at 50 a second nearly six hours, longer than any call is allowed to last."""
_CRYPTO = re.compile(r"([0-9]{1,9}) +([A-Za-z0-9_]{1,64}) +inline:([A-Za-z0-9+/]{40})(?:\|([0-9^]{1,20}))?((?: +\S+)*)")


class Crypto(msgspec.Struct, frozen=True, gc=False):
    """One side's key. It is never shown: neither `repr` nor a log holds it."""

    tag: int
    suite: str
    key: bytes

    def __repr__(self) -> str:
        return f"Crypto({self.tag}, {self.suite})"


def parse_crypto(value: str) -> Crypto | None:
    """What follows `a=crypto:`; None for a line that is malformed or asks for what is not done here."""
    match = _CRYPTO.fullmatch(value.strip())
    if match is None:
        return None
    tag, suite, key, lifetime, parameters = match.groups()
    if suite not in SUITES or not _long_enough(lifetime) or not all(map(_harmless, parameters.split())):
        return None
    try:
        return Crypto(int(tag), suite, base64.b64decode(key, validate=True))
    except binascii.Error:
        return None


def crypto_line(crypto: Crypto) -> str:
    """The attribute line of a key. Raises LocalSipError for a key that is none."""
    if crypto.suite not in SUITES or len(crypto.key) != KEY_SIZE:
        raise LocalSipError(f"no key for {crypto.suite}: {len(crypto.key)} bytes")
    return f"a=crypto:{crypto.tag} {crypto.suite} inline:{base64.b64encode(crypto.key).decode()}"


def _long_enough(lifetime: str | None) -> bool:
    """Whether a key may be used for a whole call: `2^31` or a plain number of packets, no line saying 2^48."""
    if lifetime is None:
        return True
    if lifetime.startswith("2^"):
        exponent = lifetime[2:]
        return exponent.isdigit() and len(exponent) <= 2 and 20 <= int(exponent) <= 48
    return lifetime.isdigit() and int(lifetime) >= _LIFETIME_MIN


def _harmless(parameter: str) -> bool:
    """Whether a session parameter can be passed over (section 6.3): window hints, and what calls itself optional."""
    return parameter.startswith(("WSH=", "-"))
