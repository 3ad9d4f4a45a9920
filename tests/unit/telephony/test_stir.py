"""What a PASSporT is worth: signature, chain, freshness, numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.sip.test_identity import invite

from trunkline.sip.identity import Passport, passport
from trunkline.telephony.sip.stir import (
    CHAIN_MAX,
    FRESH_S,
    UnreadableCertificates,
    Verdict,
    judge,
    read_certificates,
)
from trunkline.testing.stir import Signer

pytestmark = pytest.mark.unit

CALLER, CALLED = "+15125550100", "+18335550100"
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
URL = "https://certificates.example.net/signer.pem"
SIGNER = Signer(URL, NOW)


def claim(signer: Signer = SIGNER, caller: str = CALLER, called: str = CALLED, issued_s: int = NOW_S) -> Passport:
    found = passport(invite(f"Identity: {signer.identity(caller, called, issued_s)}"))
    assert found is not None
    return found


def verdict(of: Passport, signer: Signer = SIGNER, trusted: Signer = SIGNER, at_s: int = NOW_S) -> Verdict:
    return judge(of, read_certificates(signer.chain), read_certificates(trusted.authority), CALLER, CALLED, at_s)


def test_what_was_signed_by_a_certificate_of_the_authority_is_valid() -> None:
    assert verdict(claim()) == Verdict("valid")


@pytest.mark.parametrize("late_s", [FRESH_S, -FRESH_S])
def test_a_minute_of_difference_is_still_fresh(late_s: int) -> None:
    assert verdict(claim(), at_s=NOW_S + late_s) == Verdict("valid")


@pytest.mark.parametrize("late_s", [FRESH_S + 1, -FRESH_S - 1])
def test_an_old_claim_and_one_from_the_future_are_invalid(late_s: int) -> None:
    assert verdict(claim(), at_s=NOW_S + late_s) == Verdict("invalid", "stale")


@pytest.mark.parametrize(("caller", "called"), [("+15125550101", CALLED), (CALLER, "+18335550101")])
def test_a_claim_for_another_call_is_invalid(caller: str, called: str) -> None:
    assert verdict(claim(caller=caller, called=called)) == Verdict("invalid", "other_numbers")


def test_a_changed_claim_and_another_signer_are_invalid() -> None:
    good, other = claim(), Signer(URL, NOW)
    bent = Passport(
        attestation="A", origin=good.origin, destinations=good.destinations, issued_s=good.issued_s,
        origin_id=good.origin_id, certificate=URL, signed=good.signed + b"x", signature=good.signature,
    )  # fmt: skip
    assert verdict(bent) == Verdict("invalid", "bad_signature")
    assert verdict(good, signer=other) == Verdict("invalid", "bad_signature")
    assert verdict(claim(other), signer=other) == Verdict("invalid", "untrusted_certificate")


def test_a_signature_of_zeros_is_invalid() -> None:
    good = claim()
    bent = Passport(
        attestation="A", origin=good.origin, destinations=good.destinations, issued_s=good.issued_s,
        origin_id=good.origin_id, certificate=URL, signed=good.signed, signature=bytes(64),
    )  # fmt: skip
    assert verdict(bent) == Verdict("invalid", "bad_signature")


def test_a_certificate_that_has_run_out_is_not_trusted() -> None:
    old = Signer(URL, NOW - timedelta(days=60))
    assert verdict(claim(old), signer=old, trusted=old) == Verdict("invalid", "untrusted_certificate")


def test_a_certificate_that_may_not_sign_others_signs_nobody() -> None:
    leaf = read_certificates(SIGNER.chain)
    assert judge(claim(), leaf, leaf, CALLER, CALLED, NOW_S) == Verdict("valid"), "named as trusted itself"
    other = Signer(URL, NOW)
    assert judge(claim(), leaf, read_certificates(other.chain), CALLER, CALLED, NOW_S).reason == "untrusted_certificate"


def test_without_a_certificate_nobody_can_tell() -> None:
    assert judge(claim(), [], [], CALLER, CALLED, NOW_S) == Verdict("unknown", "no_certificate")


@pytest.mark.parametrize(
    "pem",
    [b"", b"hello", SIGNER.chain[:100], SIGNER.chain * (CHAIN_MAX + 1)],
    ids=["nothing", "words", "cut off", "too many"],
)
def test_what_is_no_chain_is_refused(pem: bytes) -> None:
    with pytest.raises(UnreadableCertificates):
        read_certificates(pem)
