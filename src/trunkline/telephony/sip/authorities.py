"""The authorities that signers' certificates must lead to, read from PEM files beside the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryptography import x509

from trunkline.config.schema import Platform
from trunkline.kernel.errors import EnvironmentFault
from trunkline.telephony.sip.stir import UnreadableCertificates, read_certificates

AUTHORITIES_MAX = 100
"""Certificates in one file."""


class AuthoritiesUnreadable(EnvironmentFault):
    """A file of authorities cannot be used."""


def read_authorities(platform: Platform, base: Path) -> Mapping[str, tuple[x509.Certificate, ...]]:
    """The authorities of every trunk that verifies, by key, from files below `base`. Raises AuthoritiesUnreadable."""
    found: dict[str, tuple[x509.Certificate, ...]] = {}
    for trunk in platform.trunks:
        if trunk.identity is None or not trunk.identity.verify:
            continue
        certificates: list[x509.Certificate] = []
        for name in trunk.identity.authorities:
            try:
                certificates += read_certificates((base / name).read_bytes(), AUTHORITIES_MAX)
            except (OSError, UnreadableCertificates) as error:
                raise AuthoritiesUnreadable(
                    f"trunk {trunk.key}: the authorities in {name} cannot be used: {error}",
                    hint="put a PEM file with the authorities' certificates beside the configuration",
                ) from error
        found[trunk.key] = tuple(certificates)
    return found
