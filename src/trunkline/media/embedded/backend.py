"""The switch's side of the embedded backend: hands out ports, sends orders to the children, passes their events on.

The port range is cut into one contiguous part per child. A call is bound to the child with most free ports when its
first leg opens, so its legs can be bridged and recorded together. The ledger of ports is kept here, which is what
lets `open` answer without asking anybody.

A child that dies takes its legs with it: its recordings are repaired, `BackendLost` is reported, and another child
takes over its ports.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.media.embedded import wire
from trunkline.media.embedded.process import Process
from trunkline.media.errors import BadRemote, MediaStartError, NoMediaPorts
from trunkline.media.port import (
    SRTP_KEY_SIZE,
    BackendLost,
    Closed,
    LegStats,
    LocalMedia,
    Media,
    MediaEvent,
    Prompt,
    Recorded,
    RemoteMedia,
)
from trunkline.media.recordings import length_ms, repair_if_there

log = logging.getLogger(__name__)

CHILDREN_MAX: Final = 64
DEAD_MEDIA_MS: Final = 60_000
_NOTHING_PASSED: Final = LegStats()
SPARE_MIN: Final = 64
"""With fewer free legs, or fewer than a quarter, a port is wanted back at once: the next caller may need it."""
_RESTART_S: Final = (0.05, 0.2, 1.0, 5.0)
"""How long to wait before each further attempt to start a child that was lost."""


class _Slot:
    """One child's part of the range and who uses it. Freed ports go to the end, so the longest unused is lent next."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.free = list(ports)
        self.process: Process | None = None
        self.legs: dict[str, int] = {}
        self.recordings: dict[str, str] = {}


class EmbeddedMedia:
    """`Media` by child processes of this one.

    `host` is the address to bind, `advertised_host` the one to put into SDP. Each leg takes two ports of `port_min`
    to `port_max` (both included): an even one and the next. `dead_media_ms` is how long a party may be silent before
    `DeadMedia`, None for ever.
    """

    def __init__(
        self,
        host: str,
        advertised_host: str,
        port_min: int,
        port_max: int,
        *,
        children: int = 1,
        dead_media_ms: int | None = DEAD_MEDIA_MS,
        cname: str = "trunkline",
    ) -> None:
        self.on_event: Callable[[MediaEvent], None] = _unset
        self._host = host
        self._advertised_host = advertised_host
        self._port_min = port_min
        self._port_max = port_max
        self._children = children
        self._dead_media_ms = dead_media_ms
        self._cname = cname
        self._slots: list[_Slot] = []
        self._calls: dict[str, _Call] = {}
        self._legs: dict[str, _OpenLeg] = {}
        self._recordings: dict[str, _Slot] = {}
        self._restarts: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Spawn the children and have all ports bound. Raises `MediaStartError` that says what to do."""
        assert not self._slots, "started twice"
        parts = self._divide()
        self._slots = [_Slot(ports) for ports in parts]
        try:
            for slot in self._slots:
                await self._start_slot(slot)
        except MediaStartError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Finish recordings, close all legs, end the children."""
        self._stopping = True
        for task in self._restarts:
            task.cancel()
        await asyncio.gather(*self._restarts, return_exceptions=True)
        processes = [slot.process for slot in self._slots if slot.process is not None]
        await asyncio.gather(*(process.stop() for process in processes))

    def open(self, leg: str, call: str) -> LocalMedia:
        """Take a port pair for `leg`. Raises `NoMediaPorts` when the range is used up."""
        assert leg not in self._legs, f"leg {leg} is open already"
        bound = self._calls.get(call)
        slot = bound.slot if bound else max(self._slots, key=_room)
        if not _room(slot):
            raise NoMediaPorts(
                f"all {sum(len(slot.ports) for slot in self._slots)} port pairs of {self._port_min}-{self._port_max} "
                "are in use or their media process is being restarted",
                hint="widen the range of --rtp: every call takes two pairs, four ports",
            )
        port = slot.free.pop(0)
        if bound is None:
            bound = self._calls[call] = _Call(call, slot)
        bound.legs += 1
        self._legs[leg] = _OpenLeg(bound, slot)
        slot.legs[leg] = port
        return LocalMedia(leg, self._advertised_host, port)

    def check(self, remote: RemoteMedia) -> None:
        """Raise `BadRemote` for an address that media cannot be sent to."""
        try:
            version, is_multicast, is_unspecified = _kind(remote.host)
        except ValueError:
            raise BadRemote(f"media address {remote.host!r} is not an IP address") from None
        if version != _kind(self._host)[0]:
            raise BadRemote(
                f"media address {remote.host} is not of the IP version that media is bound to ({self._host})"
            )
        if is_multicast or (is_unspecified and remote.direction in ("sendrecv", "sendonly")):
            raise BadRemote(f"media cannot be sent to {remote.host}")
        if not 1 <= remote.port <= 65534:
            raise BadRemote(f"media port {remote.port} is not within 1-65534")
        if self._port_min <= remote.port <= self._port_max and self._is_ours(_ip(remote.host)):
            # Two legs that answer each other would never stop.
            raise BadRemote(f"media port {remote.host}:{remote.port} is one of our own")
        if not 0 <= remote.payload_type <= 127 or not 0 <= (remote.dtmf_payload_type or 0) <= 127:
            raise BadRemote("an RTP payload type is not within 0-127")
        if remote.srtp is not None and {len(remote.srtp.send), len(remote.srtp.receive)} != {SRTP_KEY_SIZE}:
            raise BadRemote("an SRTP key is not of 30 bytes")

    def _is_ours(self, address: _Ip) -> bool:
        """Whether packets to an address come to our own ports; bound to all addresses we have them on each."""
        if str(address) == self._advertised_host or address == _ip(self._host):
            return True
        return _ip(self._host).is_unspecified and _is_local(str(address), address.version)

    def connect(self, leg: str, remote: RemoteMedia) -> None:
        """Say where the leg's party is. Raises `BadRemote` for an address that media cannot be sent to."""
        self.check(remote)
        self._order(leg, wire.Connect(leg, _normal(remote)))

    def play(self, leg: str, tag: int, prompts: Sequence[Prompt], loop: bool = False) -> None:
        """Play to the leg's party."""
        self._order(leg, wire.Play(leg, tag, [prompt.path for prompt in prompts], loop))

    def stop_play(self, leg: str) -> None:
        """Stop what plays on the leg."""
        self._order(leg, wire.StopPlay(leg))

    def bridge(self, a: str, b: str) -> None:
        """Join two legs of one call."""
        if a in self._legs and b in self._legs:
            assert self._legs[a].slot is self._legs[b].slot, f"{a} and {b} are legs of different calls"
        self._introduce(b)
        self._order(a, wire.Bridge(a, b))

    def unbridge(self, a: str, b: str) -> None:
        """Part two legs."""
        self._order(a, wire.Unbridge(a, b))

    def record(self, recording: str, path: str, left: str | None, right: str | None) -> None:
        """Start a stereo recording, or add a side that is missing."""
        slot = self._recordings.get(recording)
        if slot is None:
            sides = [self._legs[leg].slot for leg in (left, right) if leg is not None and leg in self._legs]
            if not sides:
                lost = Recorded(recording, path, 0, "its legs are gone")
                asyncio.get_running_loop().call_soon(self._tell, lost)
                return
            slot = sides[0]
            self._recordings[recording] = slot
            slot.recordings[recording] = path
        for leg in (left, right):
            self._introduce(leg)
        self._send(slot, wire.Record(recording, path, left, right))

    def pause_record(self, recording: str) -> None:
        """Store silence until `resume_record`."""
        self._order_recording(recording, wire.PauseRecord(recording, True))

    def resume_record(self, recording: str) -> None:
        """Store audio again."""
        self._order_recording(recording, wire.PauseRecord(recording, False))

    def stop_record(self, recording: str) -> None:
        """End the recording and close its file."""
        self._order_recording(recording, wire.StopRecord(recording))

    def send_digits(self, leg: str, digits: str) -> None:
        """Send keys to the leg's party."""
        self._order(leg, wire.SendDigits(leg, digits))

    def close(self, leg: str) -> None:
        """Say BYE by RTCP, end what plays and free the port."""
        opened = self._legs.get(leg)
        if opened is None or opened.closing:
            return
        opened.closing = True
        if opened.introduced:
            soon = _room(opened.slot) < max(SPARE_MIN, len(opened.slot.ports) // 4)
            self._send(opened.slot, wire.Close(leg, soon), patient=not soon)
        else:
            closed = Closed(leg, _NOTHING_PASSED)
            self._free(opened.slot, leg)
            asyncio.get_running_loop().call_soon(self._tell, closed)

    def free_ports(self) -> int:
        """How many more legs can be opened now."""
        return sum(_room(slot) for slot in self._slots)

    def pids(self) -> list[int]:
        """The process ids of the children that are up."""
        return [slot.process.pid for slot in self._slots if slot.process is not None]

    # Within

    def _divide(self) -> list[list[int]]:
        """The even ports of the range, one list for each child."""
        low, high = self._port_min, self._port_max
        hint = "give --rtp HOST:MIN-MAX with at least four ports for each call that is to run at once"
        try:
            ipaddress.ip_address(self._host)
        except ValueError:
            raise MediaStartError(f"media host {self._host!r} is not an IP address", hint=hint) from None
        if not 1024 <= low <= high <= 65535:
            raise MediaStartError(f"media ports {low}-{high} are not a range within 1024-65535", hint=hint)
        even = list(range(low + low % 2, high, 2))
        if not 1 <= self._children <= min(len(even), CHILDREN_MAX):
            raise MediaStartError(
                f"media ports {low}-{high} hold {len(even)} pairs, too few for {self._children} processes", hint=hint
            )
        size, extra = divmod(len(even), self._children)
        parts = []
        start = 0
        for child in range(self._children):
            end = start + size + (child < extra)
            parts.append(even[start:end])
            start = end
        return parts

    async def _start_slot(self, slot: _Slot) -> None:
        setup = wire.Setup(self._host, slot.ports, self._dead_media_ms, self._cname)
        slot.process = await Process.start(
            setup,
            on_report=lambda report: self._report(slot, report),
            on_lost=lambda: self._lost(slot),
        )

    def _order(self, leg: str, order: wire.Order) -> None:
        opened = self._legs.get(leg)
        if opened is not None and not opened.closing:
            self._introduce(leg)
            self._send(opened.slot, order)

    def _introduce(self, leg: str | None) -> None:
        """Tell the child of a leg before the first order that is about it.

        Until then there is no address that packets could be taken from, so there is nothing for the child to do; of
        the leg of a buyer who refuses it never hears.
        """
        opened = self._legs.get(leg or "")
        if opened is not None and leg is not None and not opened.introduced and not opened.closing:
            opened.introduced = True
            self._send(opened.slot, wire.Open(leg, opened.slot.legs[leg]))

    def _order_recording(self, recording: str, order: wire.Order) -> None:
        slot = self._recordings.get(recording)
        if slot is not None:
            self._send(slot, order)

    def _send(self, slot: _Slot, order: wire.Order, *, patient: bool = False) -> None:
        if slot.process is not None:
            slot.process.send(order, patient=patient)

    def _report(self, slot: _Slot, report: MediaEvent) -> None:
        if isinstance(report, Closed):
            self._free(slot, report.leg)
        elif isinstance(report, Recorded):
            slot.recordings.pop(report.recording, None)
            self._recordings.pop(report.recording, None)
        self._tell(report)

    def _tell(self, event: MediaEvent) -> None:
        try:
            self.on_event(event)
        except Exception:
            # Raised further it would close the socket to the child, and with it every call. Which key was pressed is
            # nothing for a log.
            log.exception("media: the listener failed on %s", type(event).__name__)

    def _free(self, slot: _Slot, leg: str) -> None:
        slot.free.append(slot.legs.pop(leg))
        self._forget_leg(leg)

    def _forget_leg(self, leg: str) -> None:
        call = self._legs.pop(leg).call
        call.legs -= 1
        if call.legs == 0:
            del self._calls[call.name]

    def _lost(self, slot: _Slot) -> None:
        """The child is gone. What it carried is reported as lost once its recordings are readable again."""
        process, slot.process = slot.process, None
        assert process is not None
        legs, recordings = tuple(slot.legs), dict(slot.recordings)
        for leg in legs:
            self._forget_leg(leg)
        for recording in recordings:
            del self._recordings[recording]
        slot.legs.clear()
        slot.recordings.clear()
        slot.free = list(slot.ports)
        if self._stopping:
            if legs or recordings:
                self._tell(BackendLost(legs, tuple(recordings)))
            return
        log.error("media: a media process died; %d legs are lost, another is being started", len(legs))
        task = asyncio.get_running_loop().create_task(self._recover(slot, process, legs, recordings))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _recover(self, slot: _Slot, process: Process, legs: tuple[str, ...], recordings: dict[str, str]) -> None:
        try:
            # Only when the child is gone for good does nobody write any more, and are its ports free.
            await process.reap()
            for ended in await asyncio.to_thread(_repair, recordings):
                self._tell(ended)
        finally:
            self._tell(BackendLost(legs, tuple(recordings)))
        attempt = 0
        while slot.process is None:
            await asyncio.sleep(_RESTART_S[min(attempt, len(_RESTART_S) - 1)])
            attempt += 1
            try:
                await self._start_slot(slot)
            except MediaStartError as error:
                log.error("media: %s", error.message)


if TYPE_CHECKING:

    def _is_media(backend: EmbeddedMedia) -> Media:
        """Has mypy hold the class to the port."""
        return backend


class _Call:
    """A call's legs are all with one child."""

    __slots__ = ("legs", "name", "slot")

    def __init__(self, name: str, slot: _Slot) -> None:
        self.name = name
        self.slot = slot
        self.legs = 0


class _OpenLeg:
    """`introduced`: its child has heard of it."""

    __slots__ = ("call", "closing", "introduced", "slot")

    def __init__(self, call: _Call, slot: _Slot) -> None:
        self.call = call
        self.slot = slot
        self.closing = False
        self.introduced = False


_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def _is_local(host: str, version: int) -> bool:
    """Whether an address is one of this machine's: only then can it be bound."""
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


@lru_cache(maxsize=4096)
def _ip(host: str) -> _Ip:
    """The address, or ValueError. The same few hosts send all calls."""
    return ipaddress.ip_address(host)


@lru_cache(maxsize=4096)
def _kind(host: str) -> tuple[int, bool, bool]:
    """IP version, whether it is a multicast address, whether it is that of no host. Raises ValueError."""
    address = _ip(host)
    return address.version, address.is_multicast, address.is_unspecified


def _room(slot: _Slot) -> int:
    return len(slot.free) if slot.process is not None else 0


def _normal(remote: RemoteMedia) -> RemoteMedia:
    """The same with the host spelt as the kernel spells sources, so that the latch can compare them."""
    return msgspec.structs.replace(remote, host=str(_ip(remote.host)))


def _repair(recordings: dict[str, str]) -> list[Recorded]:
    """Make the files of a lost child readable; how each recording ended."""
    ended = []
    for recording, path in recordings.items():
        unrepaired = repair_if_there(path)
        ended.append(Recorded(recording, path, length_ms(path), unrepaired or "the media process died"))
    return ended


def _unset(event: MediaEvent) -> None:
    raise AssertionError(f"nobody listens to media events: {event}")
