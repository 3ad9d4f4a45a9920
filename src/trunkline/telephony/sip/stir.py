"""Whether a PASSporT says the truth: signature, certificate chain, freshness, numbers (RFC 8224 6.2, RFC 8588).

Nothing here fetches anything: the signer's certificates come in as bytes. What is checked of a chain is what speaks
for the signature: each certificate is signed by the next, is in force, may sign others where it does, and the last one
leads to an authority that the operator named. Revocation lists and the number ranges of a certificate (RFC 8226
TNAuthList, which holds a service provider's code as a rule) are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from trunkline.sip.identity import Passport

FRESH_S = 60
"""How far the time of signing may lie from the time of arrival, either way (ATIS-1000074 5.3.1)."""
CHAIN_MAX = 6

Result = Literal["valid", "invalid", "unknown"]


class Verdict(msgspec.Struct, frozen=True):
    """`valid`, `invalid` with what is wrong, or `unknown` with why nobody can tell."""

    result: Result
    reason: str | None = None


class UnreadableCertificates(Exception):
    """What should have been PEM certificates is not."""


def read_certificates(pem: bytes, most: int = CHAIN_MAX) -> list[x509.Certificate]:
    """The certificates in `pem`, the signer's first. Raises UnreadableCertificates, also for more than `most`."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise UnreadableCertificates(str(error)) from error
    if len(found) > most:
        raise UnreadableCertificates(f"{len(found)} certificates, where at most {most} are read")
    return found


def judge(
    claim: Passport,
    chain: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate],
    caller: str,
    called: str,
    arrived_s: int,
) -> Verdict:
    """What a PASSporT is worth for a call from `caller` to `called` (E.164) that arrived at `arrived_s` of UTC."""
    if abs(claim.issued_s - arrived_s) > FRESH_S:
        return Verdict("invalid", "stale")
    if claim.origin != caller.lstrip("+") or called.lstrip("+") not in claim.destinations:
        return Verdict("invalid", "other_numbers")
    if not chain:
        return Verdict("unknown", "no_certificate")
    if not _is_signed(claim, chain[0]):
        return Verdict("invalid", "bad_signature")
    if not _is_trusted(chain, authorities, datetime.fromtimestamp(arrived_s, UTC)):
        return Verdict("invalid", "untrusted_certificate")
    return Verdict("valid")


def _is_signed(claim: Passport, certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        return False  # ES256 is P-256 (RFC 7518 3.4)
    r, s = (int.from_bytes(claim.signature[at : at + 32]) for at in (0, 32))
    try:
        key.verify(encode_dss_signature(r, s), claim.signed, ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _is_trusted(chain: Sequence[x509.Certificate], authorities: Sequence[x509.Certificate], at: datetime) -> bool:
    anchors = {each.fingerprint(hashes.SHA256()) for each in authorities}
    current, rest = chain[0], list(chain[1:])
    for _ in range(CHAIN_MAX):
        if not current.not_valid_before_utc <= at <= current.not_valid_after_utc:
            return False
        if current.fingerprint(hashes.SHA256()) in anchors:
            return True
        issuer = next((each for each in (*authorities, *rest) if each is not current and _issued(each, current)), None)
        if issuer is None:
            return False
        current = issuer
    return False


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether `issuer` may sign certificates and has signed this one (RFC 5280 4.2.1.9)."""
    try:
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return True
