"""Connections that are opened and not used, while a call goes on: counted, bounded, cut off; nobody is disturbed."""

from __future__ import annotations

import contextlib
import socket
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import HOST, rss_mb

from trunkline.telephony.sip.connection import ConnectionLimits
from trunkline.testing.hostile import Aim, Hostile
from trunkline.testing.ports import free_block

pytestmark = pytest.mark.integration
PARTIAL = 300
DRIPPING = 60
UNSHAKEN = 200
NONSENSE = 100
STRANGE = 150
MORE = 150
"""Opened beyond what one source may have."""
GROWTH_MB_MAX = 60.0
"""For a thousand connections, two hundred of them in TLS handshakes."""
CUT_S_MAX = 20.0
HEAD = b"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKslow\r\nFrom: <sip:a@b>;tag=1\r\n"


def tls(folder: Path, port: int) -> tuple[str, ...]:
    """Flags of a switch that listens for TLS under a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.pem").write_bytes(made.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tls.key").write_bytes(secret)
    files = ("--tls-certificate", str(folder / "tls.pem"), "--tls-key", str(folder / "tls.key"))
    return ("--sip-tls", f"{HOST}:{port}", *files)


class Attacker:
    """Many connections."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def open(self, address: tuple[str, int], count: int, host: str = HOST) -> list[socket.socket]:
        """So many connections from one address."""
        made = []
        for _ in range(count):
            each = self._stack.enter_context(socket.socket())
            each.bind((host, 0))
            each.settimeout(10.0)
            with contextlib.suppress(ConnectionResetError):
                each.connect(address)
            each.setblocking(False)
            made.append(each)
        return made


def send(connection: socket.socket, data: bytes) -> None:
    """Send, whether anybody still listens or not."""
    with contextlib.suppress(OSError):
        connection.send(data)


def ended(connections: list[socket.socket]) -> int:
    """How many of them the switch has closed, or cut off."""
    found = 0
    for connection in connections:
        try:
            found += connection.recv(65_536) == b""
        except BlockingIOError:
            continue
        except OSError:
            found += 1
    return found


def answered(address: tuple[str, int]) -> bytes:
    """The start of the answer to a sound OPTIONS on a connection of its own."""
    with socket.create_connection(address, timeout=10.0) as connection:
        connection.sendall(HEAD + b"To: <sip:x@b>\r\nCall-ID: ok\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
        return connection.recv(65_536)[:12]


def test_connections_that_are_not_used_are_bounded_and_cut_off(site: Site) -> None:
    tls_port = free_block(2)
    good = site.good_call(flags=tls(site.folder, tls_port))
    switch, attacker = good.switch, Attacker(site.stack)
    plain, secure = (HOST, switch.sip_port), (HOST, tls_port)
    before_mb = rss_mb(switch.pid)
    began_s = time.monotonic()
    partial = attacker.open(plain, PARTIAL)
    dripping = attacker.open(plain, DRIPPING)
    unshaken = attacker.open(secure, UNSHAKEN)
    for each in partial:
        send(each, HEAD)
    for each in unshaken[::4]:
        send(each, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + bytes(100))
    good.check()

    strange = attacker.open(plain, STRANGE // 2, "127.0.0.9") + attacker.open(secure, STRANGE // 2, "127.0.0.9")
    switch.until(lambda: ended(strange) == STRANGE, "strangers' connections to be closed at once")
    assert switch.metric("trunkline_sip_events", kind="dropped_stream_unknown_source") == STRANGE

    hostile = Hostile(9, Aim("+18335550199", HOST, 9))
    for each in attacker.open(plain, NONSENSE):
        for _ in range(5):
            send(each, hostile.sip())
        each.close()
    good.check()

    room = ConnectionLimits().connections_per_source - PARTIAL - DRIPPING - UNSHAKEN
    idle = attacker.open(plain, room + MORE)
    switch.until(lambda: ended(idle) >= MORE, "those beyond what one source may have to be closed")
    grown_mb = rss_mb(switch.pid) - before_mb
    assert switch.metric("trunkline_sip_events", kind="dropped_stream_too_many_connections_of_source") >= MORE
    good.check()

    rest = iter(b"Subject: " + b"x" * 10_000)
    while ended(dripping) < DRIPPING or ended(partial) < PARTIAL or ended(unshaken) < UNSHAKEN:
        byte = bytes((next(rest),))
        for each in dripping:
            send(each, byte)
        assert time.monotonic() - began_s < CUT_S_MAX, switch.metrics()
        good.check()
    assert switch.metric("trunkline_sip_events", kind="dropped_stream_partial") >= PARTIAL + DRIPPING
    assert switch.metric("trunkline_sip_events", kind="dropped_stream_handshake_failed") >= UNSHAKEN
    assert grown_mb < GROWTH_MB_MAX
    assert answered(plain) == b"SIP/2.0 200 "
    good.check()
    good.hang_up()
    assert len(switch.log().splitlines()) < 20, switch.log()
