"""The loop of a media child: one epoll, one heap of timers, one order at a time.

A packet is handled the moment its socket is readable, one packet a socket and turn, so no leg can starve another.
Everything with a schedule (frames of prompts, keys, reports, flushes) is an entry in the heap and says itself when it
is due next. Whatever goes wrong with one packet, order or timer is counted, logged once a class, and touches nothing
else.
"""

from __future__ import annotations

import heapq
import logging
import random
import select
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Final

from trunkline.codec.dtmf import Press
from trunkline.codec.rtcp import RtcpError
from trunkline.media.embedded import reports, wire
from trunkline.media.embedded.disk import Disk
from trunkline.media.embedded.keys import Keys
from trunkline.media.embedded.leg import Leg
from trunkline.media.embedded.outbound import Outbound
from trunkline.media.embedded.player import Player
from trunkline.media.embedded.ports import Pair
from trunkline.media.embedded.recorder import DURATION_S_MAX, FLUSH_S, Recording
from trunkline.media.embedded.sounds import Sounds
from trunkline.media.errors import BadPrompt
from trunkline.media.port import Closed, DeadMedia, Digit, MediaEvent, Played, Recorded, RemoteMedia

log = logging.getLogger("trunkline.media")

Timer = Callable[[float], float | None]
"""Called with the time when due; gives the time of its next turn, or None."""

BATCH: Final = 64
"""Sockets handled before timers get a look: half a millisecond of packets."""
IDLE_S: Final = 1.0
REST_S: Final = 0.0005
"""A busy loop rests so long before each look at the sockets. Woken for every single packet it would spend more on
waking than on packets: the rest costs a packet a quarter of a millisecond and saves a third of the processor.
"""
_BUNCH: Final = 16
"""With so many sockets ready at once there is a backlog, and no rest."""
_BUSY_RATE: Final = 4000
"""Packets a second from which the loop is busy: forty bridged calls."""
TICK_S: Final = 0.25
"""What is not due at any one moment is done on ticks: a process that rests is woken four times a second, not by each
leg's reports, those of legs that are gone included.
"""
AGAIN_S: Final = 1.0
"""When a timer that failed for a reason of ours is tried again: without it a recording would never be written."""
_DIGIT_WATCH_S: Final = 0.05
_DISK_STOP_S: Final = 3.0


def next_tick(now: float) -> float:
    """The first tick after `now`."""
    return (now // TICK_S + 1) * TICK_S


class Engine:
    """All legs and recordings of one child. `emit` takes its events; `clock` is monotonic seconds, `utc` UNIX
    seconds.
    """

    def __init__(
        self,
        pairs: list[Pair],
        emit: Callable[[MediaEvent], None],
        *,
        silent_ms_max: int | None = 60_000,
        cname: str = "trunkline",
        clock: Callable[[], float] = time.monotonic,
        utc: Callable[[], float] = time.time,
    ) -> None:
        self.legs: dict[str, Leg] = {}
        self.recordings: dict[str, Recording] = {}
        self.troubles: Counter[str] = Counter()
        self.stopping = False
        self.rest_s = REST_S
        self._pairs = {pair.port: pair for pair in pairs}
        self._emit = emit
        self._silent_ms_max = silent_ms_max
        self._cname = cname
        self._clock = clock
        self._utc = utc
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[float], None]] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._sounds = Sounds()
        self._disk = Disk()
        self._durations: dict[str, int] = {}
        self._pressing: set[Leg] = set()
        self._handled = 0
        self._busy = False
        self._few = True
        self.add_reader(self._disk.wake_fd, self._collect_recordings)
        self.schedule(next_tick(clock()), self._watch)

    # The loop

    def add_reader(self, fd: int, handler: Callable[[float], None]) -> None:
        """Have `handler(now)` called whenever `fd` is readable."""
        self._handlers[fd] = handler
        self._epoll.register(fd, select.EPOLLIN)

    def schedule(self, due: float, timer: Timer) -> None:
        """Have `timer` called at `due`."""
        heapq.heappush(self._timers, (due, next(self._order), timer))

    def next_due(self) -> float:
        """When the next timer is due."""
        return self._timers[0][0]

    def run(self) -> None:
        """Work until `stopping` is set."""
        while not self.stopping:
            self.turn(IDLE_S)

    def turn(self, wait_s: float) -> None:
        """Wait for packets, at most `wait_s` and not past the next timer, then handle what there is."""
        if self._busy and self._few:
            time.sleep(self.rest_s)
        until = self._timers[0][0] - self._clock()
        ready = self._epoll.poll(min(max(until, 0.0), wait_s), BATCH)
        now = self._clock()
        self._handled += len(ready)
        self._few = len(ready) < _BUNCH
        handlers = self._handlers
        for fd, _ in ready:
            try:
                # An earlier event of this batch may have closed the leg.
                if handler := handlers.get(fd):
                    handler(now)
            except BlockingIOError:
                # Readable, but the kernel threw the datagram away for its checksum.
                continue
            except Exception as error:  # noqa: BLE001  no packet may end the child
                self._trouble(error)
        self.run_timers(now)

    def run_timers(self, now: float) -> None:
        """Do all that is due at `now`."""
        timers = self._timers
        while timers[0][0] <= now:
            _, _, timer = heapq.heappop(timers)
            try:
                due = timer(now)
            except Exception as error:  # noqa: BLE001  nor may a timer, whose work goes on
                self._trouble(error)
                due = now + AGAIN_S
            if due is not None:
                self.schedule(due, timer)

    def close(self) -> None:
        """End all legs and recordings, waiting a little for the disk."""
        for name in list(self.legs):
            self.close_leg(name)
        for name in list(self.recordings):
            self.stop_record(name)
        self._disk.stop(_DISK_STOP_S)
        self._collect_recordings(self._clock())
        for pair in self._pairs.values():
            pair.close()
        self._epoll.close()

    def _trouble(self, error: Exception) -> None:
        name = type(error).__name__
        self.troubles[name] += 1
        if self.troubles[name] == 1:
            log.error("media: %s; further ones of this kind are only counted", name, exc_info=error)

    # Orders

    def obey(self, order: wire.Order) -> None:
        """Carry out one order. Those for legs that are gone are ignored: their end is on its way to the switch."""
        try:
            self._obey(order)
        except Exception as error:  # noqa: BLE001  nor may an order
            self._trouble(error)

    def _obey(self, order: wire.Order) -> None:
        match order:
            case wire.Open(leg, port):
                self.open(leg, port)
            case wire.Connect(leg, remote):
                self.connect(leg, remote)
            case wire.Play(leg, tag, prompts, loop):
                self.play(leg, tag, prompts, loop)
            case wire.StopPlay(leg):
                if found := self.legs.get(leg):
                    found.play_ended(completed=False)
            case wire.Bridge(a, b):
                if a in self.legs and b in self.legs and a != b:
                    self.legs[a].join(self.legs[b])
            case wire.Unbridge(a, b):
                if a in self.legs and b in self.legs and self.legs[a].peer is self.legs[b]:
                    self.legs[a].part()
            case wire.Record(recording, path, left, right):
                self.record(recording, path, left, right)
            case wire.PauseRecord(recording, paused):
                if recording in self.recordings:
                    self.recordings[recording].pause(paused, self._clock())
            case wire.StopRecord(recording):
                self.stop_record(recording)
            case wire.SendDigits(leg, digits):
                self.send_digits(leg, digits)
            case wire.Close(leg):
                self.close_leg(leg)
            case wire.Stop():
                self.stopping = True
            case wire.Setup():
                raise AssertionError("a second setup")

    def open(self, name: str, port: int) -> Leg:
        """Lend a port pair to a new leg."""
        assert name not in self.legs
        pair = self._pairs[port]
        pair.drain()
        # RFC 3550 section 5.1: SSRC, first sequence and first timestamp are random. The sequence begins in the lower
        # half, so that loss at the beginning cannot hide its first wrap from SRTP (RFC 3711 section 3.3.1).
        out = Outbound(pair.rtp.sendto, random.getrandbits(32), random.getrandbits(15), random.getrandbits(32))
        leg = Leg(name, pair, self, out)
        self.legs[name] = leg
        self.add_reader(pair.rtp.fileno(), leg.receive)
        self.add_reader(pair.rtcp.fileno(), lambda now: self._hear_report(leg, now))
        first = next_tick(self._clock() + reports.INTERVAL_S * random.uniform(0.5, 1.5))
        self.schedule(first, lambda now: self._report(leg, now))
        return leg

    def connect(self, name: str, remote: RemoteMedia) -> None:
        """Tell a leg where its party is."""
        if leg := self.legs.get(name):
            leg.connect(remote, self._clock())
            # Encryption that was agreed on, or given up, has another handler.
            self._handlers[leg.pair.rtp.fileno()] = leg.receive

    def play(self, name: str, tag: int, prompts: list[str], loop: bool) -> None:
        """Start playing; what cannot be played is over at once, not completed."""
        leg = self.legs.get(name)
        if leg is None:
            return
        now = self._clock()
        try:
            sound = b"".join(self._sounds.get(prompt, leg.law) for prompt in prompts)
        except BadPrompt as error:
            log.error("media: %s", error.message)
            sound = b""
        if not sound:
            leg.play_ended(completed=False)
            self.play_over(leg, tag, completed=False)
            return
        player = Player(leg, tag, sound, leg.law, loop, now)
        leg.start_play(player)
        self.schedule(now, player.step)

    def send_digits(self, name: str, digits: str) -> None:
        """Press keys, behind those that are being pressed."""
        leg = self.legs.get(name)
        if leg is None:
            return
        if leg.keys is not None:
            leg.keys.add(digits)
            return
        now = self._clock()
        keys = Keys(leg, now)
        keys.add(digits)
        leg.keys = keys
        leg.out.cut()
        self.schedule(now, keys.step)

    def record(self, name: str, path: str, left: str | None, right: str | None) -> None:
        """Start a recording, or let further sides join it."""
        recording = self.recordings.get(name)
        if recording is None:
            now = self._clock()
            recording = self.recordings[name] = Recording(name, path, self._disk, now)
            # Recordings that began together are not all flushed together: a hundred calls may be answered at once.
            # The timer is bound to this very recording; the next of the same name has its own.
            self.schedule(now + FLUSH_S * random.random(), lambda due, mine=recording: self._flush(mine, due))  # type: ignore[misc]
        for side, leg_name in enumerate((left, right)):
            if leg_name is None or recording.sides[side] == leg_name:
                continue
            if leg := self.legs.get(leg_name):
                self._leave(recording, side)
                leg.channels += (recording.add(side, leg_name),)

    def stop_record(self, name: str) -> None:
        """End a recording; `Recorded` follows when its file is closed."""
        recording = self.recordings.pop(name, None)
        if recording is None:
            return
        for side in (0, 1):
            self._leave(recording, side)
        self._durations[name] = recording.finish(self._clock())

    def close_leg(self, name: str) -> None:
        """Close a leg and free its ports."""
        leg = self.legs.pop(name, None)
        if leg is None:
            return
        if datagram := reports.goodbye(leg, self._cname, self._utc(), self._clock()):
            leg.send_rtcp(datagram)
        for sock in (leg.pair.rtp, leg.pair.rtcp):
            self._epoll.unregister(sock.fileno())
            del self._handlers[sock.fileno()]
        leg.finish()
        self._pressing.discard(leg)
        recordings = [channel.recording for channel in leg.channels]
        leg.channels = ()
        for recording in recordings:
            recording.sides = [None if side == name else side for side in recording.sides]
            if recording.sides == [None, None]:
                # Nobody is left who could say anything.
                self.stop_record(recording.name)
        self._emit(Closed(name, leg.stats()))

    def _leave(self, recording: Recording, side: int) -> None:
        """Take whoever is heard on a side out of the recording."""
        if leg := self.legs.get(recording.sides[side] or ""):
            leg.channels = tuple(channel for channel in leg.channels if channel is not recording.channels[side])
        recording.sides[side] = None

    # What legs and timers report

    def digits_read(self, leg: Leg, presses: list[Press]) -> None:
        """Keys were pressed by the leg's party."""
        for press in presses:
            self._emit(Digit(leg.name, press.digit, press.duration_ms))

    def digit_running(self, leg: Leg) -> None:
        """Watch for the end of a key that is down."""
        if not self._pressing:
            self.schedule(self._clock() + _DIGIT_WATCH_S, self._watch_digits)
        self._pressing.add(leg)

    def play_over(self, leg: Leg, tag: int, completed: bool) -> None:
        """A play order is done."""
        self._emit(Played(leg.name, tag, completed))

    def invalid(self, reason: str) -> None:
        """Count a packet that was no good."""
        self.troubles[f"rtp {reason}"] += 1

    def _watch_digits(self, now: float) -> float | None:
        self._pressing = {leg for leg in self._pressing if leg.expire_digit(now)}
        return now + _DIGIT_WATCH_S if self._pressing else None

    def _watch(self, now: float) -> float:
        """Look for parties that have gone silent (those on hold may be), and at how busy we are."""
        self._busy = self._handled > _BUSY_RATE * TICK_S
        self._handled = 0
        if self._silent_ms_max is not None:
            for leg in self.legs.values():
                silent_ms = int((now - leg.heard_at) * 1000)
                if silent_ms < self._silent_ms_max:
                    leg.dead = False
                elif leg.may_receive and not leg.dead:
                    leg.dead = True
                    self._emit(DeadMedia(leg.name, silent_ms))
        return next_tick(now)

    def _report(self, leg: Leg, now: float) -> float | None:
        if self.legs.get(leg.name) is not leg:
            return None
        if datagram := reports.report(leg, self._cname, self._utc(), now):
            leg.send_rtcp(datagram)
        return next_tick(now + reports.INTERVAL_S - TICK_S / 2)

    def _hear_report(self, leg: Leg, now: float) -> None:
        datagram = leg.receive_rtcp()
        if datagram is None:
            return
        try:
            reports.hear(leg, datagram, self._utc(), now)
        except RtcpError as error:
            leg.invalid += 1
            self.troubles[f"rtcp {error}"] += 1

    def _flush(self, recording: Recording, now: float) -> float | None:
        if self.recordings.get(recording.name) is not recording:
            return None
        recording.flush(now)
        if recording.track.error is not None:
            self.stop_record(recording.name)
            return None
        if now - recording.started_at > DURATION_S_MAX:
            recording.track.error = f"longer than {DURATION_S_MAX // 3600} hours"
            self.stop_record(recording.name)
            return None
        return now + FLUSH_S

    def _collect_recordings(self, now: float) -> None:
        del now
        self._disk.acknowledge()
        while self._disk.finished:
            track = self._disk.finished.popleft()
            self._emit(Recorded(track.recording, track.path, self._durations.pop(track.recording), track.error))
