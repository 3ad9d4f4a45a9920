"""A signer of callers' numbers for tests: an authority, a certificate that it issued, and PASSporTs.

    signer = Signer("https://localhost:4443/signer.pem")
    header = signer.identity("+15125550100", "+18335550100", now_s)

`chain` is what is to be served at the URL; `authority` is what the switch is to trust.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


class Signer:
    """Signs as a carrier does (RFC 8588). Keys are new at every start."""

    def __init__(self, url: str, now: datetime | None = None, *, lives: timedelta = 30 * _DAY) -> None:
        """`url` is where `chain` will be served; certificates are in force from a day before `now` for `lives`."""
        start = (now or datetime.now(UTC)) - _DAY
        authority_key = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._url = url
        root = _certificate("Test authority", authority_key.public_key(), "Test authority", authority_key, start, lives)
        leaf = _certificate("Test signer", self._key.public_key(), "Test authority", authority_key, start, lives)
        self.authority = root.public_bytes(Encoding.PEM)
        self.chain = leaf.public_bytes(Encoding.PEM)

    def identity(self, caller: str, called: str, issued_s: int, attestation: Literal["A", "B", "C"] = "A") -> str:
        """The value of an Identity header; numbers in E.164, seconds of UTC."""
        head = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": self._url}
        claims = {
            "attest": attestation,
            "dest": {"tn": [called.lstrip("+")]},
            "iat": issued_s,
            "orig": {"tn": caller.lstrip("+")},
            "origid": "00000000-0000-4000-8000-000000000000",
        }
        signed = ".".join(_segment(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_segment(r.to_bytes(32) + s.to_bytes(32))};info=<{self._url}>;alg=ES256;ppt=shaken"


def _certificate(
    subject: str,
    key: ec.EllipticCurvePublicKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    start: datetime,
    lives: timedelta,
) -> x509.Certificate:
    is_authority = subject == issuer
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + lives)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
