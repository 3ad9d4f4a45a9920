"""TLS: our certificate, whom we trust, and how both are replaced while calls go on (RFC 3261 26.3, RFC 5922).

A server that we dial must show a certificate of a trusted authority for the name that was dialled; OpenSSL checks it.
Callers need no certificate: which hosts may call is said by the trunks.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec

from trunkline.kernel.errors import EnvironmentFault


class TlsUnusable(EnvironmentFault):
    """A certificate, its key or the authorities cannot be read."""


class TlsFiles(msgspec.Struct, frozen=True):
    """PEM files. Without `authorities` the system's are trusted."""

    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None


class TlsContexts(msgspec.Struct, frozen=True):
    """What new connections are made with; open ones keep what they began with. `server` None: none are taken."""

    server: ssl.SSLContext | None
    client: ssl.SSLContext


def load_tls(files: TlsFiles) -> TlsContexts:
    """Read the files. Raises TlsUnusable with the file that cannot be used."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.minimum_version = ssl.TLSVersion.TLSv1_2
    client.hostname_checks_common_name = False
    try:
        if files.authorities is not None:
            client.load_verify_locations(files.authorities)
        else:
            client.load_default_certs()
    except OSError as error:
        raise _unusable("--tls-ca", files.authorities, error) from error
    if files.certificate is None:
        return TlsContexts(None, client)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = ssl.TLSVersion.TLSv1_2
    for context in (server, client):  # some carriers ask their callers for a certificate too
        try:
            context.load_cert_chain(files.certificate, files.key)
        except OSError as error:
            raise _unusable("--tls-certificate", files.certificate, error) from error
    return TlsContexts(server, client)


def _unusable(flag: str, file: Path | None, error: OSError) -> TlsUnusable:
    reason = "it is not PEM, or the key is another's" if isinstance(error, ssl.SSLError) else error.strerror or error
    return TlsUnusable(
        f"{flag} {file} cannot be used: {reason}",
        hint="give the certificate with its chain and the key as PEM files this user may read",
    )
