"""The sockets that SIP is listened for on, and what peers are told of them."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

import msgspec

from trunkline.kernel.errors import EnvironmentFault
from trunkline.sip.hops import Hop
from trunkline.sip.uri import Address
from trunkline.telephony.sip.tls import TlsFiles

SOCKET_BUFFER_BYTES = 4 * 1024 * 1024
BACKLOG = 1_024
FREE_PORT_TRIES = 20
"""How often another port is tried that is free for both UDP and TCP, when any will do."""


class SipListenError(EnvironmentFault):
    """A SIP address cannot be listened on."""


class Places(msgspec.Struct, frozen=True):
    """Where SIP is listened for: `sip` over UDP and TCP, `tls` over TLS. Port 0 takes any free port.

    `public_host` is the IP address that peers are told instead of a listener's own, for listeners of its family.
    """

    sip: tuple[Address, ...]
    tls: tuple[Address, ...] = ()
    public_host: str = ""
    tls_files: TlsFiles = TlsFiles()


class Listener(msgspec.Struct, frozen=True):
    """One open socket. `own` is what peers are told; `own.flow` is the number of a UDP socket."""

    socket: socket.socket
    address: Address
    own: Hop


def open_listeners(places: Places) -> list[Listener]:
    """Open all sockets. Raises SipListenError, with none of them left open."""
    opened: list[Listener] = []
    try:
        for bind in places.sip:
            number = sum(each.own.transport == "udp" for each in opened) + 1
            for transport, each in zip(("udp", "tcp"), _open_pair(bind), strict=True):
                opened.append(_listener(each, transport, places.public_host, number if transport == "udp" else 0))
        for bind in places.tls:
            opened += [_listener(_open(bind, socket.SOCK_STREAM, "--sip-tls"), "tls", places.public_host, 0)]
    except SipListenError:
        for listener in opened:
            listener.socket.close()
        raise
    return opened


def _listener(opened: socket.socket, transport: str, public_host: str, number: int) -> Listener:
    host, port = opened.getsockname()[:2]
    same_family = bool(public_host) and ip_address(public_host).version == ip_address(host).version
    return Listener(opened, (host, port), Hop(public_host if same_family else host, port, transport, number))


def _open_pair(bind: Address) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on one port."""
    for left in reversed(range(FREE_PORT_TRIES)):
        datagrams = _open(bind, socket.SOCK_DGRAM, "--sip")
        try:
            return datagrams, _open((bind[0], datagrams.getsockname()[1]), socket.SOCK_STREAM, "--sip")
        except SipListenError:
            datagrams.close()
            if bind[1] or not left:
                raise
    raise AssertionError("the last try has raised")


def _open(bind: Address, kind: socket.SocketKind, flag: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind[0] else socket.AF_INET
    opened = socket.socket(family, kind)
    try:
        opened.setblocking(False)
        if family == socket.AF_INET6:
            # So that [::] and 0.0.0.0 can be listened on side by side, and no IPv4 address comes in disguise.
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_DGRAM:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                opened.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
        else:
            # Connections that were closed a minute ago do not keep a switch from starting again.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(bind)
        if kind == socket.SOCK_STREAM:
            opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        used = error.errno == errno.EADDRINUSE
        raise SipListenError(
            f"cannot listen for SIP on {bind[0]}:{bind[1]}: {error.strerror or error}",
            hint=f"another program uses the port (`ss -{'u' if kind == socket.SOCK_DGRAM else 't'}lnp` shows it); "
            f"choose another with {flag}"
            if used
            else f"the address is not this machine's, or not this user's to listen on; choose another with {flag}",
        ) from error
    return opened
