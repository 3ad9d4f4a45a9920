"""Sealing of personal fields: each contact has a key of its own, and deleting the key erases what it sealed.

A sealed value is KEY ID (8 bytes) ‖ NONCE (12) ‖ AES-256-GCM ciphertext and tag (NIST SP 800-38D). The key id tells a
value whose key was deleted (the contact called again and has a new key) from one that was tampered with. The
associated data names the row, so a sealed value can not be moved to another one.

Randomness comes in as an argument. Nonces are random: one key seals a contact's few events, far below the 2^32
messages at which random 96-bit nonces become a risk.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trunkline.kernel.errors import Fault, TrunklineError

SECRET_BYTES: Final = 32
KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
NONCE_BYTES: Final = 12
_CONTACT_BYTES = 16
_HEAD_BYTES = KEY_ID_BYTES + NONCE_BYTES


class SealBroken(TrunklineError):
    """A sealed value does not open with its own key: it, or the row around it, was changed after it was written."""

    fault = Fault.OPERATOR


def contact_hash(secret: bytes, account: str, number: str) -> str:
    """The name under which `account` knows whoever calls from `number` (E.164): 32 hex digits.

    Keyed with the installation's `secret` (32 bytes), so the ten billion possible numbers can not be tried without
    it; with the account in it, so two accounts never share one.
    """
    assert len(secret) == SECRET_BYTES
    keyed = _keyed(secret).copy()
    keyed.update(f"{account}\0{number}".encode())
    return keyed.digest()[:_CONTACT_BYTES].hex()


@lru_cache(maxsize=4)
def _keyed(secret: bytes) -> hmac.HMAC:
    """HMAC-SHA-256 that has read its key: finding the algorithm and reading the key take most of the time."""
    return hmac.new(secret, digestmod=hashlib.sha256)


class ContactKey:
    """A contact's key, ready for use. `key_id` and `key` are what is stored."""

    __slots__ = ("_cipher", "key", "key_id")

    def __init__(self, key_id: bytes, key: bytes) -> None:
        assert len(key_id) == KEY_ID_BYTES
        assert len(key) == KEY_BYTES
        self.key_id = key_id
        self.key = key
        self._cipher = AESGCM(key)

    @classmethod
    def from_entropy(cls, entropy: bytes) -> ContactKey:
        """A new key out of `KEY_ID_BYTES + KEY_BYTES` random bytes."""
        return cls(entropy[:KEY_ID_BYTES], entropy[KEY_ID_BYTES:])

    def seal(self, plain: bytes, nonce: bytes, associated: bytes) -> bytes:
        """`plain` under this key; `nonce` is `NONCE_BYTES` random bytes, `associated` names the row."""
        assert len(nonce) == NONCE_BYTES
        return self.key_id + nonce + self._cipher.encrypt(nonce, plain, associated)

    def unseal(self, sealed: bytes, associated: bytes) -> bytes | None:
        """What was sealed, or None when it was sealed under another, by now deleted key of the contact.

        Raises SealBroken when the value or what it is associated with has been changed.
        """
        if sealed[:KEY_ID_BYTES] != self.key_id:
            return None
        try:
            return self._cipher.decrypt(sealed[KEY_ID_BYTES:_HEAD_BYTES], sealed[_HEAD_BYTES:], associated)
        except InvalidTag:
            raise SealBroken(
                "personal fields were changed after they were written",
                hint="restore the journal from a backup; `trunkline doctor` names the first damaged row",
            ) from None


def row_name(stream: str, seq: int, type_: str, account: str | None, call: str | None) -> bytes:
    """The associated data of the row at `seq` of `stream`."""
    return f"{stream}\0{seq}\0{type_}\0{account or ''}\0{call or ''}".encode()


def ping_name(stream: str, ping: str, account: str) -> bytes:
    """The associated data of what is stated of a caller in the state of `stream`; the name of no event's row."""
    return f"{stream}\0ping\0{ping}\0{account}".encode()


def leg_name(stream: str, leg: str, account: str, call: str) -> bytes:
    """The associated data of what identifies a leg in the state of `stream`; the name of no event's row."""
    return f"{stream}\0leg\0{leg}\0{account}\0{call}".encode()
