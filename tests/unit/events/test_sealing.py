"""Sealing: opens with its key in its place, and in no other way."""

from __future__ import annotations

import pytest

from trunkline.events.sealing import (
    KEY_BYTES,
    KEY_ID_BYTES,
    NONCE_BYTES,
    ContactKey,
    SealBroken,
    contact_hash,
    row_name,
)

pytestmark = pytest.mark.unit

KEY = ContactKey(b"k" * KEY_ID_BYTES, bytes(range(KEY_BYTES)))
ROW = row_name("sw1", 7, "call.received", "acme", "call_1")
SEALED = KEY.seal(b"+15125550100", b"n" * NONCE_BYTES, ROW)


def test_what_is_sealed_opens_again_and_shows_nothing_before() -> None:
    assert KEY.unseal(SEALED, ROW) == b"+15125550100"
    assert b"5125550100" not in SEALED


def test_every_changed_byte_after_the_key_id_is_noticed() -> None:
    for place in range(KEY_ID_BYTES, len(SEALED)):
        changed = bytearray(SEALED)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            KEY.unseal(bytes(changed), ROW)


@pytest.mark.parametrize(
    "other",
    [
        row_name("sw2", 7, "call.received", "acme", "call_1"),
        row_name("sw1", 8, "call.received", "acme", "call_1"),
        row_name("sw1", 7, "call.qualified", "acme", "call_1"),
        row_name("sw1", 7, "call.received", "zeta", "call_1"),
        row_name("sw1", 7, "call.received", "acme", None),
    ],
)
def test_a_sealed_value_does_not_open_in_another_row(other: bytes) -> None:
    with pytest.raises(SealBroken):
        KEY.unseal(SEALED, other)


def test_the_contacts_next_key_says_erased_and_not_broken() -> None:
    assert ContactKey.from_entropy(bytes(KEY_ID_BYTES + KEY_BYTES)).unseal(SEALED, ROW) is None


def test_a_contact_is_one_name_per_number_account_and_installation() -> None:
    secret = bytes(32)
    name = contact_hash(secret, "acme", "+15125550100")
    assert len(name) == 32
    assert name == contact_hash(secret, "acme", "+15125550100")
    others = {
        contact_hash(secret, "acme", "+15125550101"),
        contact_hash(secret, "zeta", "+15125550100"),
        contact_hash(b"s" * 32, "acme", "+15125550100"),
        name,
    }
    assert len(others) == 4
