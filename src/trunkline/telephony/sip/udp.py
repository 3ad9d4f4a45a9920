"""One UDP socket: datagrams in and out, and the ICMP errors that come back.

Linux reports a port or host unreachable only to a socket that asked for it (IP_RECVERR), through a queue of its own
(ip(7)); each report names the address that was sent to, so the attempt there can fail at once instead of waiting for
a response that cannot come. The socket is watched through an epoll of its own: libuv stops watching a descriptor for
good at the first error it shows, but an epoll descriptor only ever shows that there is something to read.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable

from trunkline.sip.hops import Hop
from trunkline.telephony.sip.listening import Listener

READS_PER_WAKE = 16
"""Datagrams taken from a socket before timers and other work get their turn."""
DATAGRAM_MAX = 65_535
PEERS_KEPT = 16_384
"""Addresses whose Hop is kept instead of being made for each datagram."""

IP_RECVERR, IPV6_RECVERR = 11, 25  # linux/in.h, linux/in6.h; the socket module names neither
UNREACHABLE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})
NO_WAY = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EINVAL, errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES})
"""What no repetition will change: no route, a socket of the loopback, another family, a firewall of ours."""
SENDS_MAX = 3
"""Tries of one datagram while the system tells errors of earlier ones."""
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # struct sock_extended_err, linux/errqueue.h
_CONTROL_BYTES = 512


class UdpSocket:
    """Takes datagrams from hosts that are admitted; `on_batch` is called after those of one wake-up."""

    def __init__(
        self,
        listener: Listener,
        admit: Callable[[str, float], bool],
        take: Callable[[bytes, Hop, float], None],
        on_batch: Callable[[], None],
        unreachable: Callable[[Hop, float], None],
        dropped: Counter[str],
    ) -> None:
        self._socket = listener.socket
        self._number = listener.own.flow
        self._admit = admit
        self._take = take
        self._on_batch = on_batch
        self._unreachable = unreachable
        self._dropped = dropped
        self._received = memoryview(bytearray(DATAGRAM_MAX))
        self._hops: dict[tuple[object, ...], Hop] = {}
        self._epoll = select.epoll()
        self._epoll.register(self._socket.fileno(), select.EPOLLIN)
        if self._socket.family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take datagrams from now on."""
        loop.add_reader(self._epoll.fileno(), self._readable)

    def close(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Stop."""
        if loop is not None:
            loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._socket.close()

    def send(self, data: bytes, hop: Hop) -> bool:
        """Send one datagram. False when it can never arrive, as there is no way there from this socket.

        With all else that the system may say, the transaction's timers send it again or give up.
        """
        for left in reversed(range(SENDS_MAX)):
            try:
                self._socket.sendto(data, hop[:2])
            except OSError as error:
                if left and error.errno in UNREACHABLE:
                    # Most likely that of a datagram before, to whoever; having been told, it is gone.
                    self._dropped["socket_error"] += 1
                    continue
                self._dropped[f"send_{errno.errorcode.get(error.errno or 0, 'error')}"] += 1
                return error.errno not in NO_WAY and not isinstance(error, socket.gaierror)
            return True
        raise AssertionError("the last try has returned")

    def _readable(self) -> None:
        now = time.monotonic()
        quiet = True
        for _ in range(READS_PER_WAKE):
            try:
                size, source = self._socket.recvfrom_into(self._received)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                self._dropped["socket_error"] += 1
                self._read_errors(now)
                continue
            quiet = False
            if self._admit(source[0], now):
                self._take(bytes(self._received[:size]), self._hop(source), now)
        if quiet:
            self._read_errors(now)  # woken for an error that a send has been told already
        self._on_batch()

    def _hop(self, source: tuple[str, int]) -> Hop:
        hop = self._hops.get(source)
        if hop is None:
            if len(self._hops) >= PEERS_KEPT:
                self._hops.clear()
            hop = self._hops[source] = Hop(source[0], source[1], "udp", self._number)
        return hop

    def _read_errors(self, now: float) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(READS_PER_WAKE):
                _, notes, _, sent_to = self._socket.recvmsg(0, _CONTROL_BYTES, socket.MSG_ERRQUEUE)
                for level, kind, note in notes:
                    if (level, kind) not in (
                        (socket.IPPROTO_IP, IP_RECVERR),
                        (socket.IPPROTO_IPV6, IPV6_RECVERR),
                    ) or len(note) < _EXTENDED_ERROR.size:
                        continue
                    code = _EXTENDED_ERROR.unpack_from(note)[0]
                    if code in UNREACHABLE and sent_to:
                        self._dropped[f"icmp_{errno.errorcode[code]}"] += 1
                        self._unreachable(Hop(sent_to[0], sent_to[1], "udp", self._number), now)
