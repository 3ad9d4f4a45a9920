"""The port pairs of a child: an even port for RTP, the next for RTCP (RFC 3550 section 11), bound once, lent to
legs.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import Final

_EXPEDITED: Final = 0xB8
"""DSCP EF, the class of voice (RFC 4594)."""
_DRAIN_MAX: Final = 4096


class PortInUse(Exception):
    """A port of the range cannot be bound."""

    def __init__(self, port: int, error: OSError) -> None:
        super().__init__(f"{port}: {error}")
        self.port = port
        self.reason = error.strerror or str(error)
        self.errno = error.errno or 0


class Pair:
    """Two bound sockets."""

    __slots__ = ("port", "rtcp", "rtp")

    def __init__(self, host: str, port: int) -> None:
        self.port = port
        self.rtp = _bind(host, port)
        try:
            self.rtcp = _bind(host, port + 1)
        except PortInUse:
            self.rtp.close()
            raise

    def drain(self) -> None:
        """Throw away what came in while nobody had these ports: it belongs to a call that is over."""
        for sock in (self.rtp, self.rtcp):
            with contextlib.suppress(OSError):
                for _ in range(_DRAIN_MAX):
                    sock.recv(1)

    def close(self) -> None:
        """Close both sockets."""
        self.rtp.close()
        self.rtcp.close()


def _bind(host: str, port: int) -> socket.socket:
    six = ipaddress.ip_address(host).version == 6
    try:
        sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    except OSError as error:
        raise PortInUse(port, error) from error
    try:
        sock.setblocking(False)
        if six:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise PortInUse(port, error) from error
    return sock
