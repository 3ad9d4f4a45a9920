"""What a recording holds where packets were lost, late, left out on purpose, or where two clocks part."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest
from tests.unit.media.rig import FRAME, Party, Rig, frame, media, pcm_samples
from tests.unit.media.test_recorder import level, sides, start, stop

from trunkline.codec.g711 import PCM_BYTES, Law, decode, encode
from trunkline.codec.rtp import RtpPacket, pack
from trunkline.media.embedded import wire
from trunkline.media.embedded.disk import Track
from trunkline.media.embedded.recorder import Recording
from trunkline.media.port import Closed, RemoteMedia

pytestmark = pytest.mark.unit


def vowel(number: int) -> bytes:
    """A frame of a voice that goes on from frame to frame."""
    places = range(number * FRAME, (number + 1) * FRAME)
    samples = [round(9000 * math.sin(2 * math.pi * 150 * n / 8000)) for n in places]
    return encode(Law.PCMU, b"".join(value.to_bytes(2, "little", signed=True) for value in samples))


def loudness(samples: tuple[int, ...]) -> float:
    return math.sqrt(sum(value * value for value in samples) / len(samples))


def speak(rig: Rig, party: Party, first: int, count: int) -> None:
    rig.say(party, *(vowel(number) for number in range(first, first + count)))


def test_a_lost_packet_is_concealed(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        speak(rig, a, 0, 10)
        a.skip(1)
        rig.advance(0.02)
        speak(rig, a, 11, 60)
        stop(rig)
        left = sides(path)[0]
        gap = left[10 * FRAME : 11 * FRAME]
        assert loudness(gap) > 0.7 * loudness(left[:FRAME])
        assert max(abs(a - b) for a, b in pairwise(gap)) < 2_500, "no click"


def test_a_long_loss_fades_into_silence(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        speak(rig, a, 0, 10)
        a.skip(20)
        rig.advance(0.4)
        speak(rig, a, 30, 60)
        stop(rig)
        left = sides(path)[0]
        assert loudness(left[10 * FRAME : 11 * FRAME]) > 1_000
        assert set(left[13 * FRAME : 29 * FRAME]) == {0}


def test_a_packet_that_comes_very_late_takes_its_place_back(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        speak(rig, a, 0, 10)
        late = pack(RtpPacket(0, a.sequence, a.timestamp, a.ssrc, frame(77)))
        a.skip(1)
        rig.advance(0.02)
        speak(rig, a, 11, 70)  # concealed long ago
        a.send_raw(late)
        rig.work()
        speak(rig, a, 81, 10)
        stop(rig)
        assert sides(path)[0][10 * FRAME : 11 * FRAME] == level(77)


def test_reordered_packets_are_no_loss(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        for number in (0, 2, 1, 3, 6, 5, 4, 7):
            a.send_raw(pack(RtpPacket(0, number, number * FRAME, 5, frame(number + 1))))
            rig.work()
            rig.advance(0.02)
        recording = rig.engine.recordings["r"]
        channel = recording.channels[0]
        stop(rig)
        assert channel is not None
        assert channel.concealed == 0
        assert sides(path)[0] == sum((level(number + 1) for number in range(8)), ())


def test_silence_on_purpose_is_silence(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        speak(rig, a, 0, 5)
        a.timestamp += 50 * FRAME  # nothing was sent, so no sequence number is missing
        rig.advance(1.0)
        speak(rig, a, 55, 5)
        stop(rig)
        left = sides(path)[0]
        assert set(left[5 * FRAME : 55 * FRAME]) == {0}
        assert loudness(left[55 * FRAME :]) > 5_000


def test_a_key_is_no_loss(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        speak(rig, a, 0, 5)
        a.press(5)
        rig.work()
        rig.advance(0.2)
        speak(rig, a, 15, 60)
        stop(rig)
        assert set(sides(path)[0][5 * FRAME : 15 * FRAME]) == {0}


def test_comfort_noise_is_heard_at_its_level(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        speak(rig, a, 0, 5)
        a.send(b"\x28\x01\x02", 13, advance=100 * FRAME)  # 40 dB below full scale
        rig.work()
        rig.advance(2.0)
        speak(rig, a, 105, 5)
        rig.advance(1.0)
        stop(rig)
        left = sides(path)[0]
        assert loudness(left[5 * FRAME : 104 * FRAME]) == pytest.approx(327, rel=0.1)
        assert loudness(left[106 * FRAME : 110 * FRAME]) > 5_000
        assert set(left[110 * FRAME :]) == {0}, "the noise ends with the talk that follows it"
        rig.engine.close_leg("a")
        [closed] = rig.of(Closed)
        assert isinstance(closed, Closed)
        assert (closed.stats.invalid, closed.stats.lost) == (0, 0)


@pytest.mark.parametrize(("theirs", "heard"), [(None, []), (13, [13]), (98, [98])])
def test_comfort_noise_is_passed_on_to_whoever_knows_it(tmp_path: Path, theirs: int | None, heard: list[int]) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.engine.connect("b", RemoteMedia("127.0.0.1", b.port, "PCMU", 0, 101, noise_payload_type=theirs))
        rig.bridge("a", "b")
        rig.say(a, frame(1))
        a.send(b"\x28", 13)
        rig.work()
        rig.say(a, frame(2))
        assert [packet.payload_type for packet in b.received()] == [0, *heard, 0]


class File:
    """A disk that keeps one side of what it is given, in memory."""

    def __init__(self) -> None:
        self.content = bytearray()

    def open(self, recording: str, path: str) -> Track:
        return Track(recording, path)

    def write(self, track: Track, offset: int, data: bytes) -> None:
        self.content.extend(bytes(max(0, offset + len(data) - len(self.content))))
        self.content[offset : offset + len(data)] = data

    def close(self, track: Track) -> None:
        pass


@pytest.mark.parametrize("drift", [200e-6, -200e-6])
def test_a_clock_that_runs_off_is_held_in_time(drift: float) -> None:
    """Ten minutes at 200 ppm are 120 ms; the file stays within 5 ms of the clock on the wall."""
    file, packets, marked = File(), 30_000, 29_900
    recording = Recording("r", "r.wav", file, 0.0)  # type: ignore[arg-type]
    channel = recording.add(0, "a")
    for number in range(packets):
        now = number * 0.02 * (1 + drift)
        payload = frame(77 if number == marked else 1)
        channel.put(PCM_BYTES[Law.PCMU], 5, number & 0xFFFF, number * FRAME, False, payload, now)
        if number % 40 == 0:
            recording.flush(now)
    recording.finish(packets * 0.02 * (1 + drift))
    left = pcm_samples(bytes(file.content))[0::2]
    mark = level(77)[0]
    assert abs(left.index(mark) - marked * FRAME * (1 + drift)) <= 40
    assert left.count(mark) in range(FRAME - 1, FRAME + 2)
    assert left.count(0) <= FRAME, "no holes"
    assert channel.concealed == 0


def test_jitter_is_not_taken_for_drift(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        said = [frame(number) for number in range(1_000)]
        for number, payload in enumerate(said):
            a.send(payload)
            rig.work()
            rig.advance((0.0, 0.05, 0.01, 0.02)[number % 4])
        stop(rig)
        left = sides(path)[0]
        assert left[: 1_000 * FRAME] == pcm_samples(decode(Law.PCMU, b"".join(said)))


def test_a_pause_is_kept_though_the_first_packet_was_late(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        rig.advance(0.06)
        for _ in range(4):  # all at once: the first was three frames late, the last in time
            a.send(frame(1))
            rig.work()
        rig.advance(0.02)
        rig.say(a, frame(1))
        rig.engine.obey(wire.PauseRecord("r", True))
        rig.say(a, frame(50), frame(51))
        delayed = pack(RtpPacket(0, a.sequence, a.timestamp, a.ssrc, frame(52)))
        a.skip(1)
        rig.advance(0.02)
        rig.engine.obey(wire.PauseRecord("r", False))
        a.send_raw(delayed)
        rig.work()
        rig.say(a, *(frame(2) for _ in range(10)))
        stop(rig)
        assert set(sides(path)[0]) <= {0, level(1)[0], level(2)[0]}


def test_what_was_said_during_a_pause_is_not_stored_when_it_comes_late(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        rig.say(a, frame(1), frame(2))
        rig.engine.obey(wire.PauseRecord("r", True))
        rig.say(a, frame(50))
        delayed = [pack(RtpPacket(0, a.sequence + n, a.timestamp + n * FRAME, a.ssrc, frame(60 + n))) for n in range(3)]
        a.skip(3)
        rig.advance(0.05)
        rig.engine.obey(wire.PauseRecord("r", False))
        for datagram in delayed:
            a.send_raw(datagram)
            rig.work()
        rig.advance(0.01)
        speak(rig, a, 6, 60)
        stop(rig)
        left = sides(path)[0]
        assert left[: 2 * FRAME] == level(1) + level(2)
        resumed = 5 * FRAME + FRAME // 2
        assert set(left[2 * FRAME : resumed]) == {0}, "the pause is silent, with nothing made up for it"
        assert left[resumed : 6 * FRAME] == level(62)[: 6 * FRAME - resumed], (
            "of the last packet what was said after it"
        )
        assert loudness(left[6 * FRAME :]) > 5_000
