"""A load of RTP: many parties that send a packet every 20 ms, and the time that each packet took to the other party.

    python -m bench.load.rtp        the plan in, our ports out, where to send in, the figures out: a line of JSON each

Each packet carries the time at which it was sent; the kernel stamps it when it arrives. So what is measured is the way
through whatever stands between, not when this program got its turn to look. Packets go and come in batches by
sendmmsg and recvmmsg, which Python only has through ctypes: one call for each would make the load the slower side.

The parties' packets are spread evenly over the 20 ms, as those of telephones are.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import select
import socket
import struct
import sys
import time
from array import array
from typing import Any

import msgspec

SOCKETS = 4
PACKET = 172
PAYLOAD_AT = 12
FRAME_NS = 20_000_000
TICKS = 20
BATCH = 128
SETTLE_FRAMES = 50
"""Packets of the first second are not looked at: everything is cold then."""

MARK = b"\x11\x22\x33\x44"
FILLER = 0x55
_DIGIT_BASE = 0x10  # six bits a code, from codes that survive decoding and coding again
SO_TIMESTAMPNS = 35
MSG_DONTWAIT = socket.MSG_DONTWAIT
REALTIME = 1

_libc = ctypes.CDLL(None, use_errno=True)


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("len", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.POINTER(_Iovec)),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    _fields_ = (("hdr", _Msghdr), ("len", ctypes.c_uint))


class Plan(msgspec.Struct):
    """`ports` are where the streams are sent, in pairs of a call; None: to ourselves, the floor. Host is IPv4."""

    host: str
    streams: int
    seconds: float
    ports: list[int] | None = None


def digits(number: int, count: int) -> bytes:
    """A number as codes that a recording keeps."""
    return bytes(_DIGIT_BASE + (number >> 6 * place & 63) for place in range(count))


class _Sender:
    """The packets of one tick through one socket, in one sendmmsg."""

    def __init__(self, file: int, streams: list[int], destinations: list[tuple[str, int]]) -> None:
        count = len(streams)
        self.file, self.streams = file, streams
        self.packets = (ctypes.c_char * (PACKET * count))()
        self.view = memoryview(self.packets).cast("B")
        names = b"".join(
            struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), socket.inet_aton(host))
            for host, port in destinations
        )
        self._names = (ctypes.c_char * len(names)).from_buffer_copy(names)
        self._iov = (_Iovec * count)()
        self._messages = (_Mmsghdr * count)()
        for place, stream in enumerate(streams):
            at = place * PACKET
            self.view[at : at + PACKET] = bytes([FILLER]) * PACKET
            self.view[at : at + 2] = b"\x80\x00"
            struct.pack_into(">I", self.view, at + 8, 0x5000_0000 + stream)
            struct.pack_into("<I", self.view, at + PAYLOAD_AT + 8, stream)
            self.view[at + PAYLOAD_AT + 16 : at + PAYLOAD_AT + 22] = MARK + digits(stream, 2)
            self._iov[place] = _Iovec(ctypes.addressof(self.packets) + at, PACKET)
            self._messages[place].hdr.name = ctypes.addressof(self._names) + 16 * place
            self._messages[place].hdr.namelen = 16
            self._messages[place].hdr.iov = ctypes.pointer(self._iov[place])
            self._messages[place].hdr.iovlen = 1

    def send(self, frame: int) -> int:
        """Send frame number `frame` of each stream; how many went out."""
        code, view = digits(frame, 3), self.view
        now = time.time_ns()
        for at in range(0, len(view), PACKET):
            struct.pack_into(">HI", view, at + 2, frame & 0xFFFF, frame * 160)
            struct.pack_into("<q", view, at + PAYLOAD_AT, now)
            struct.pack_into("<I", view, at + PAYLOAD_AT + 12, frame)
            view[at + PAYLOAD_AT + 22 : at + PAYLOAD_AT + 25] = code
        return max(0, _libc.sendmmsg(self.file, self._messages, len(self.streams), 0))


class _Receiver:
    """Everything that waits in one socket, in batches."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._data = (ctypes.c_char * (256 * BATCH))()
        self._names = (ctypes.c_char * (16 * BATCH))()
        self._control = (ctypes.c_char * (64 * BATCH))()
        self._views = [memoryview(each).cast("B") for each in (self._data, self._names, self._control)]
        self._iov = (_Iovec * BATCH)()
        self._messages = (_Mmsghdr * BATCH)()
        for place in range(BATCH):
            self._iov[place] = _Iovec(ctypes.addressof(self._data) + 256 * place, 256)
            header = self._messages[place].hdr
            header.name, header.namelen = ctypes.addressof(self._names) + 16 * place, 16
            header.iov, header.iovlen = ctypes.pointer(self._iov[place]), 1
            header.control, header.controllen = ctypes.addressof(self._control) + 64 * place, 64

    def drain(self, figures: _Figures) -> None:
        """Take note of all that has arrived."""
        data, _, control = self._views
        while True:
            found = _libc.recvmmsg(self._file, self._messages, BATCH, MSG_DONTWAIT, None)
            for place in range(max(0, found)):
                message = self._messages[place]
                at = 256 * place + PAYLOAD_AT
                if message.len == PACKET and data[at + 16 : at + 20] == MARK:
                    sent, stream, frame = struct.unpack_from("<qII", data, at)
                    seconds, nanoseconds = struct.unpack_from("<qq", control, 64 * place + 16)
                    figures.take(stream, frame, seconds * 1_000_000_000 + nanoseconds - sent)
                else:
                    figures.others += 1
                message.hdr.controllen = 64
            if found < BATCH:
                return


class _Figures:
    """What arrived."""

    def __init__(self, streams: int) -> None:
        self.took_ns = array("q")
        self.arrived = array("q", [0]) * streams
        self.newest = array("q", [-1]) * streams
        self.disordered = 0
        self.others = 0

    def take(self, stream: int, frame: int, took_ns: int) -> None:
        self.arrived[stream] += 1
        if frame != self.newest[stream] + 1:
            self.disordered += 1
        self.newest[stream] = frame
        if frame >= SETTLE_FRAMES:
            self.took_ns.append(took_ns)


def main() -> None:
    """Read the plan, tell our ports, wait for where to send, load, tell the figures."""
    plan = msgspec.json.decode(sys.stdin.readline(), type=Plan)
    sockets = [_socket(plan.host) for _ in range(SOCKETS)]
    own = [each.getsockname()[1] for each in sockets]
    print(json.dumps(own), flush=True)
    ports = msgspec.json.decode(sys.stdin.readline(), type=list[int] | None)
    _hurry()
    print(json.dumps(_load(plan, sockets, ports or [own[(each ^ 1) % SOCKETS] for each in range(plan.streams)])))


def _socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for force, option in ((32, socket.SO_SNDBUF), (33, socket.SO_RCVBUF)):
        try:
            made.setsockopt(socket.SOL_SOCKET, force, 8_000_000)
        except OSError:  # not root: as large as the system lets us
            made.setsockopt(socket.SOL_SOCKET, option, 8_000_000)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    made.bind((host, 0))
    return made


def _hurry() -> None:
    """Be the first on our core, so that a late load is not taken for late packets."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REALTIME))
    except PermissionError:
        return


def _load(plan: Plan, sockets: list[socket.socket], ports: list[int]) -> dict[str, Any]:
    order = list(range(plan.streams))
    random.Random(1).shuffle(order)
    ticks: list[list[_Sender]] = []
    for tick in range(TICKS):
        mine = order[tick::TICKS]
        groups = [[stream for stream in mine if stream % SOCKETS == place] for place in range(SOCKETS)]
        ticks.append(
            [
                _Sender(sockets[place].fileno(), group, [(plan.host, ports[stream]) for stream in group])
                for place, group in enumerate(groups)
                if group
            ]
        )
    receivers = [_Receiver(each.fileno()) for each in sockets]
    figures, sent, late_ns = _Figures(plan.streams), 0, 0
    frames = round(plan.seconds * 1e9 / FRAME_NS)
    start_ns = time.monotonic_ns() + FRAME_NS
    for step in range(frames * TICKS):
        due_ns = start_ns + step * FRAME_NS // TICKS
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            select.select(sockets, [], [], left_ns / 1e9)
            for receiver in receivers:
                receiver.drain(figures)
        late_ns = max(late_ns, -left_ns)
        sent += sum(sender.send(step // TICKS) for sender in ticks[step % TICKS])
    end_ns = time.monotonic_ns() + 500_000_000
    while time.monotonic_ns() < end_ns:
        select.select(sockets, [], [], 0.05)
        for receiver in receivers:
            receiver.drain(figures)
    took = sorted(figures.took_ns)
    return {
        "sent": sent,
        "arrived": sum(figures.arrived),
        "disordered": figures.disordered,
        "others": figures.others,
        "load_late_ms": late_ns / 1e6,
        "p50_ms": took[len(took) // 2] / 1e6 if took else None,
        "p99_ms": took[len(took) * 99 // 100] / 1e6 if took else None,
        "max_ms": took[-1] / 1e6 if took else None,
    }


if __name__ == "__main__":
    main()
