"""One party's side of a recording: where each of its packets stands, what stands where none came.

Each RTP source is anchored once: its first packet stands where it arrived, and all later ones where their timestamps
say, so jitter makes no gaps and reordered packets find their place: it is a jitter buffer of two seconds, in which
nobody has to wait. A source whose clock leaves that window for several packets in a row, or a marked packet that stands
well off its arrival, is anchored anew, never over what is stored already.

Where packets were lost (their sequence numbers are missing) the voice goes on and fades, by `codec.conceal`, half a
second later; a packet that comes later still takes its place back. Where the sender was silent (the sequence goes on,
the timestamp leaps) there is silence, or noise of the level that its comfort noise told.

Two clocks never run alike. Every `_LOOK` the least delayed packet is compared with that of the beginning, and what the
sender's clock has gained or lost is given back a sample a packet, so an hour's recording is an hour long and both sides
stay in step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trunkline.codec.g711 import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from trunkline.media.embedded.recorder import Recording

WINDOW: Final = 2 * SAMPLE_RATE_HZ
_STRIKES_MAX: Final = 5
_REALIGN: Final = SAMPLE_RATE_HZ // 5
"""A talkspurt that begins further off its arrival than this is set right."""
_LOOK: Final = 10 * SAMPLE_RATE_HZ
_DRIFT_MIN: Final = SAMPLE_RATE_HZ // 400
"""2.5 ms: less is within what the least delay of ten seconds varies by."""
_NEVER: Final = -(10**9)
_LOST_MAX: Final = 3_000
"""More missing sequence numbers than this are a sender that began anew."""
GAPS_MAX: Final = 64
GAPS_AT_ONCE: Final = 4
GAPS_AT_END: Final = 8
"""How many gaps are concealed in one go: each takes 0.16 ms, in which no packet of any call is passed on. What a line
that loses more than five packets a second leaves open stays silent.
"""

Tables = tuple[bytes, bytes]


class Channel:
    """`lane` is the byte of a sample pair where the party stands, 0 left and 2 right. Places are samples from zero."""

    __slots__ = (
        "_ahead",
        "_floor",
        "_gaps",
        "_look_at",
        "_noise",
        "_noise_from",
        "_origin",
        "_reference",
        "_sequence",
        "_slips",
        "_ssrc",
        "_strikes",
        "_timestamp",
        "concealed",
        "end",
        "lane",
        "late",
        "recording",
    )

    def __init__(self, recording: Recording, lane: int) -> None:
        self.recording = recording
        self.lane = lane
        self.end = self._floor = recording.floor
        self.late = 0
        self.concealed = 0
        self._ssrc = -1
        self._origin = 0
        self._timestamp = 0
        self._strikes = 0
        self._sequence = -1
        self._gaps: list[tuple[int, int]] = []
        self._noise: int | None = None
        self._noise_from = 0
        self._ahead = _NEVER
        self._reference: int | None = None
        self._look_at = 0
        self._slips = 0

    def put(
        self, tables: Tables, ssrc: int, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> None:
        """Store one packet's audio at its place; `tables` are those of its law in `PCM_BYTES`."""
        recording = self.recording
        if recording.paused:
            return
        arrival = round((now - recording.started_at) * SAMPLE_RATE_HZ)
        if ssrc != self._ssrc:
            self._anchor(ssrc, timestamp, arrival)
        # `timestamp_distance`, written out.
        place = self._origin + ((timestamp - self._timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        skew = place - arrival
        if not -WINDOW < skew < WINDOW or (marker and not -_REALIGN <= skew <= _REALIGN):
            self._strikes += 1
            if not marker and self._strikes < _STRIKES_MAX:
                self.late += 1
                return
            self._anchor(ssrc, timestamp, arrival)
            place = self._origin
            skew = place - arrival
        self._strikes = 0
        if skew > self._ahead:
            self._ahead = skew
        if arrival >= self._look_at:
            place += self._keep_time(arrival)
        if place != self.end:
            place, payload = self._join(sequence, place, payload)
            if not payload:
                return
        else:
            self._sequence = sequence
            self._noise = None
        end = place + len(payload)
        if end > self.end:
            self.end = end
            if end > recording.end:
                recording.grow(end)
        recording.store(tables, self.lane, place, payload)

    def quiet(self, level: int, ssrc: int, sequence: int, timestamp: int, now: float) -> None:
        """The party has stopped speaking and says how loud the noise is that it leaves out, in -dBov."""
        recording = self.recording
        if recording.paused:
            return
        arrival = round((now - recording.started_at) * SAMPLE_RATE_HZ)
        if ssrc != self._ssrc:
            self._anchor(ssrc, timestamp, arrival)
        place = self._origin + ((timestamp - self._timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        if -WINDOW < place - arrival < WINDOW:
            self._fill_noise(min(place, arrival))
            self._noise, self._noise_from = level, max(place, self.end)
            self._sequence = sequence

    def passed(self, sequence: int) -> None:
        """A packet that holds no audio has come: a key. It is not missing."""
        if self._sequence >= 0 and (sequence - self._sequence) & 0xFFFF < 0x8000:
            self._sequence = sequence

    def cut(self, floor: int) -> None:
        """The recording stood still until `floor`: nothing that was said before may be stored any more.

        When the packet that everything was anchored by came late, all that comes in time stands ahead of its arrival,
        and what was said before `floor` ends so much later.
        """
        self._floor = floor + max(0, self._ahead, self._reference or 0)
        self.end = max(self.end, self._floor)
        self._gaps.clear()
        self._noise = None
        self._sequence = -1

    def settle(self, now_place: int, *, finish: bool = False) -> None:
        """Fill what can be filled by now; with `finish` it is the last time."""
        self._fill_noise(now_place)
        until = now_place if finish else now_place - SAMPLE_RATE_HZ // 2
        done = 0
        for start, end in self._gaps[: GAPS_AT_END if finish else GAPS_AT_ONCE]:
            if end > until:
                break
            done += 1
            self.concealed += 1
            self.recording.conceal(self.lane, start, end)
        del self._gaps[: None if finish else done]

    def _anchor(self, ssrc: int, timestamp: int, arrival: int) -> None:
        self._ssrc = ssrc
        self._timestamp = timestamp
        self._origin = max(arrival, self.end)
        self._sequence = -1
        self._ahead, self._reference, self._slips = _NEVER, None, 0
        self._look_at = arrival + _LOOK

    def _join(self, sequence: int, place: int, payload: bytes) -> tuple[int, bytes]:
        """Take a packet that does not stand right behind the one before: what it leaves open, or what it closes."""
        floor = self._floor
        if place < floor:
            payload, place = payload[floor - place :], floor
        if place < self.end:
            self._close(place, place + len(payload))
            if (sequence - self._sequence) & 0xFFFF < 0x8000:
                self._sequence, self._noise = sequence, None
            return place, payload
        self._fill_noise(place)
        if place - self.end == 1:
            # The clock was set back by a sample.
            place, payload = place - 1, payload[:1] + payload
        elif place > self.end:
            lost = (sequence - self._sequence - 1) & 0xFFFF
            if self._sequence >= 0 and 0 < lost < _LOST_MAX and len(self._gaps) < GAPS_MAX:
                self._gaps.append((self.end, place))
        self._sequence = sequence
        self._noise = None
        return place, payload

    def _close(self, start: int, end: int) -> None:
        """A late packet has come: what it holds is lost no more."""
        if self._gaps:
            left: list[tuple[int, int]] = []
            for low, high in self._gaps:
                left += [piece for piece in ((low, min(high, start)), (max(low, end), high)) if piece[0] < piece[1]]
            self._gaps = left[:GAPS_MAX]

    def _fill_noise(self, until: int) -> None:
        """Let the noise be heard up to `until`."""
        start = max(self._noise_from, self.end)
        if self._noise is not None and start < until:
            self.recording.make_noise(self.lane, self._noise, start, until)
            self.end = until

    def _keep_time(self, arrival: int) -> int:
        """How many samples the packet at hand is to be moved by, -1, 0 or 1."""
        if self._slips:
            step = 1 if self._slips > 0 else -1
            self._slips -= step
            self._origin += step
            if not self._slips:
                self._look_anew(arrival)
            return step
        if self._reference is None:
            self._reference = self._ahead
        drift = self._ahead - self._reference
        if abs(drift) >= _DRIFT_MIN:
            self._slips = -drift
        else:
            self._look_anew(arrival)
        return 0

    def _look_anew(self, arrival: int) -> None:
        self._ahead = _NEVER
        self._look_at = arrival + _LOOK
