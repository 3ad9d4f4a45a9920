"""Certificates made for one test: an authority, and what it signs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from trunkline.telephony.sip.tls import TlsFiles


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Signs certificates; `file` is its own, for those who trust it."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.file = folder / f"{name}.pem"
        extension = x509.BasicConstraints(ca=True, path_length=None)
        certificate = self._signed(self._name, self._key.public_key(), extension)
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names: str, file: str = "server", days: int = 1) -> TlsFiles:
        """A certificate for names and addresses, with its key, written over an earlier `file`; it trusts us alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        shown = [x509.IPAddress(ip_address(each)) if _is_ip(each) else x509.DNSName(each) for each in names]
        certificate = self._signed(_name(names[0]), key.public_key(), x509.SubjectAlternativeName(shown), days)
        made = TlsFiles(self._folder / f"{file}.crt", self._folder / f"{file}.key", self.file)
        assert made.certificate is not None
        assert made.key is not None
        made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return made

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType, days: int = 1
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(issuer_name=self._name, subject_name=subject, public_key=key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=2)).not_valid_after(now + timedelta(days=days))
        return builder.add_extension(extension, critical=False).sign(self._key, hashes.SHA256())


def _is_ip(text: str) -> bool:
    return text.replace(".", "").isdigit() or ":" in text
