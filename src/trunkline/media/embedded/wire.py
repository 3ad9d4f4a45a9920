"""What the switch and its media children say to each other: frames of msgpack over a UNIX stream socket.

Orders go down, `MediaEvent`s and the two answers to `Setup` come up. A frame is four bytes of length, then one tagged
value. Both ends are this very package, so a frame that cannot be read is a bug.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from trunkline.media.port import (
    BackendLost,
    Closed,
    DeadMedia,
    Digit,
    Played,
    Recorded,
    RemoteMedia,
)

FRAME_SIZE_MAX: Final = 1024 * 1024
_LENGTH_SIZE: Final = 4


class Setup(Struct, frozen=True, gc=False, array_like=True, tag=1):
    """The first order: bind these RTP ports (and RTCP on the next ones) on `host`."""

    host: str
    ports: list[int]
    silent_ms_max: int | None
    cname: str


class Open(Struct, frozen=True, gc=False, array_like=True, tag=2):
    """Give this port pair to a leg."""

    leg: str
    port: int


class Connect(Struct, frozen=True, gc=False, array_like=True, tag=3):
    """Where a leg's party is."""

    leg: str
    remote: RemoteMedia


class Play(Struct, frozen=True, gc=False, array_like=True, tag=4):
    """Play prompts, one after the other."""

    leg: str
    tag: int
    prompts: list[str]
    loop: bool


class StopPlay(Struct, frozen=True, gc=False, array_like=True, tag=5):
    """Stop what plays."""

    leg: str


class Bridge(Struct, frozen=True, gc=False, array_like=True, tag=6):
    """Join two legs."""

    a: str
    b: str


class Unbridge(Struct, frozen=True, gc=False, array_like=True, tag=7):
    """Part two legs."""

    a: str
    b: str


class Record(Struct, frozen=True, gc=False, array_like=True, tag=8):
    """Start a recording or add a side to it."""

    recording: str
    path: str
    left: str | None
    right: str | None


class PauseRecord(Struct, frozen=True, gc=False, array_like=True, tag=9):
    """Store silence from now on (`paused`), or audio again."""

    recording: str
    paused: bool


class StopRecord(Struct, frozen=True, gc=False, array_like=True, tag=10):
    """End a recording."""

    recording: str


class SendDigits(Struct, frozen=True, gc=False, array_like=True, tag=11):
    """Send keys."""

    leg: str
    digits: str


class Close(Struct, frozen=True, gc=False, array_like=True, tag=12):
    """Close a leg. `soon` asks for its `Closed` at once: few ports are left."""

    leg: str
    soon: bool = False


class Stop(Struct, frozen=True, gc=False, array_like=True, tag=13):
    """Close everything and end."""


Order = (
    Setup
    | Open
    | Connect
    | Play
    | StopPlay
    | Bridge
    | Unbridge
    | Record
    | PauseRecord
    | StopRecord
    | SendDigits
    | Close
    | Stop
)


class Ready(Struct, frozen=True, gc=False, tag="ready"):
    """All ports are bound."""


class Unable(Struct, frozen=True, gc=False, tag="unable"):
    """The ports could not be bound; `port` is the first that failed and `errno` the system's reason."""

    port: int
    reason: str
    errno: int = 0


Report = Played | Digit | DeadMedia | Recorded | Closed | BackendLost | Ready | Unable

_encoder = msgspec.msgpack.Encoder()
_orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_reports: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


def frame(value: Order | Report) -> bytes:
    """One value as it goes over the socket."""
    body = _encoder.encode(value)
    assert len(body) <= FRAME_SIZE_MAX, f"a frame of {len(body)} bytes"
    return len(body).to_bytes(_LENGTH_SIZE) + body


class Frames:
    """Puts the pieces of a stream together into frames."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was received and give the bodies of the frames that are complete."""
        self._pending += data
        bodies = []
        start = 0
        while len(self._pending) - start >= _LENGTH_SIZE:
            size = int.from_bytes(self._pending[start : start + _LENGTH_SIZE])
            assert size <= FRAME_SIZE_MAX, f"a frame of {size} bytes"
            end = start + _LENGTH_SIZE + size
            if end > len(self._pending):
                break
            bodies.append(bytes(self._pending[start + _LENGTH_SIZE : end]))
            start = end
        del self._pending[:start]
        return bodies


def read_order(body: bytes) -> Order:
    """An order from a frame's body."""
    return _orders.decode(body)


def read_report(body: bytes) -> Report:
    """A report from a frame's body."""
    return _reports.decode(body)
