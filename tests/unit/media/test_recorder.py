"""Recordings, sample for sample: who said what, when."""

from __future__ import annotations

import errno
import io
import os
import wave
from pathlib import Path

import pytest
from tests.unit.media.rig import FRAME, Party, Rig, frame, media, pcm_samples

from trunkline.codec.g711 import Law, decode
from trunkline.codec.rtp import RtpPacket, pack
from trunkline.media.embedded import wire
from trunkline.media.port import Closed, Recorded

pytestmark = pytest.mark.unit

SILENCE = (0,) * FRAME


def level(value: int, law: Law = Law.PCMU) -> tuple[int, ...]:
    """The samples of `frame(value)`."""
    return pcm_samples(decode(law, frame(value)))


def sides(path: Path) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Left and right of a finished file, read by the standard library."""
    with wave.open(io.BytesIO(path.read_bytes())) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        samples = pcm_samples(file.readframes(file.getnframes()))
    return samples[0::2], samples[1::2]


def frames(side: tuple[int, ...], start: int = 0) -> list[int]:
    """The first sample of each frame, after checking that a frame is all one value."""
    values = []
    for at in range(start, len(side) - FRAME + 1, FRAME):
        assert len(set(side[at : at + FRAME])) == 1, f"a seam within the frame at {at}"
        values.append(side[at])
    return values


def levels(*values: int) -> list[int]:
    return [level(value)[0] if value else 0 for value in values]


def stop(rig: Rig) -> Recorded:
    rig.engine.stop_record("r")
    return rig.recorded()


def start(rig: Rig, left: str | None, right: str | None) -> Path:
    path = rig.folder / "day" / "r.wav"
    rig.engine.record("r", str(path), left, right)
    return path


def test_both_parties_sample_for_sample(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b", "PCMA")
        rig.bridge("a", "b")
        path = start(rig, "a", "b")
        said_a = [bytes((n + i) & 0xFF for i in range(FRAME)) for n in range(100)]
        said_b = [payload[::-1] for payload in said_a]
        for mine, yours in zip(said_a, said_b, strict=True):
            a.send(mine)
            b.send(yours, 8)
            rig.work()
            rig.advance(0.02)
        event = stop(rig)
        left, right = sides(path)
        assert left == pcm_samples(decode(Law.PCMU, b"".join(said_a)))
        assert right == pcm_samples(decode(Law.PCMA, b"".join(said_b)))
        assert event == Recorded("r", str(path), 2000, None)


def test_a_recording_without_anybody_speaking_is_silence_of_its_length(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        rig.leg("a")
        path = start(rig, "a", None)
        rig.advance(1.5)
        assert stop(rig).duration_ms == 1500
        assert sides(path) == ((0,) * 12_000, (0,) * 12_000)


def test_loss_moves_nothing(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        rig.say(a, frame(1), frame(2))
        a.skip(2)
        rig.advance(0.04)
        rig.say(a, frame(5))
        stop(rig)
        left = sides(path)[0]
        assert left[: 2 * FRAME] == level(1) + level(2)
        assert left[4 * FRAME :] == level(5)


def test_jitter_makes_no_gaps(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        for n, pause in enumerate((0.02, 0.06, 0.0, 0.0, 0.035, 0.005, 0.02)):
            a.send(frame(n + 1))
            rig.work()
            rig.advance(pause)
        stop(rig)
        assert frames(sides(path)[0]) == levels(1, 2, 3, 4, 5, 6, 7)


def test_reordered_and_doubled_packets_find_their_place(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        for n in (0, 2, 1, 1, 4, 3, 2, 5):
            a.send_raw(pack(RtpPacket(0, n, n * FRAME, 9, frame(n + 1))))
            rig.work()
            rig.advance(0.02)
        stop(rig)
        assert frames(sides(path)[0])[:6] == levels(1, 2, 3, 4, 5, 6)


def test_a_burst_after_a_stall_is_placed_where_it_was_spoken(tmp_path: Path) -> None:
    """1.5 s of packets come at once: later than what was flushed already, and still in their place."""
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        rig.say(a, *(frame(n) for n in range(1, 51)))
        rig.advance(1.5)
        for n in range(51, 126):
            a.send(frame(n))
        for _ in range(20):
            rig.work()
        rig.advance(1.0)
        stop(rig)
        assert frames(sides(path)[0])[:125] == levels(*range(1, 126))


def test_wrapping_clocks(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        a.sequence, a.timestamp = 65534, 2**32 - FRAME - 80
        path = start(rig, "a", None)
        rig.say(a, *(frame(n) for n in range(1, 8)))
        stop(rig)
        assert frames(sides(path)[0]) == levels(1, 2, 3, 4, 5, 6, 7)


def test_a_new_source_is_anchored_at_its_arrival(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        rig.say(a, frame(1))
        rig.advance(0.1)
        a.ssrc, a.timestamp = 99, 123
        rig.say(a, frame(2), frame(3))
        stop(rig)
        assert frames(sides(path)[0]) == levels(1, 0, 0, 0, 0, 0, 2, 3)


def test_a_clock_that_leaps_is_followed_after_a_few_packets(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        rig.say(a, frame(1))
        a.timestamp += 8_000_000
        rig.say(a, *(frame(n) for n in range(2, 10)))
        stop(rig)
        assert frames(sides(path)[0]) == levels(1, 0, 0, 0, 0, 6, 7, 8, 9)


def test_one_packet_with_a_mad_timestamp_is_left_out(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        rig.say(a, frame(1))
        a.send_raw(pack(RtpPacket(0, a.sequence, a.timestamp + 2**30, a.ssrc, frame(9))))
        a.skip(1)
        rig.work()
        rig.advance(0.02)
        rig.say(a, frame(3))
        stop(rig)
        left = sides(path)[0]
        assert (left[:FRAME], left[2 * FRAME :]) == (level(1), level(3))
        assert not set(left[FRAME : 2 * FRAME]) & set(level(9)), "what it said is nowhere"


def test_the_second_party_joins_at_its_time(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        caller = rig.leg("caller")
        path = start(rig, "caller", None)
        rig.say(caller, frame(1), frame(2), frame(3))
        buyer = rig.leg("buyer")
        rig.say(buyer, frame(8))
        rig.engine.record("r", str(path), "caller", "buyer")
        both(rig, caller, buyer)
        stop(rig)
        left, right = sides(path)
        assert frames(left) == levels(1, 2, 3, 0, 4)
        assert frames(right) == levels(0, 0, 0, 0, 9)


def both(rig: Rig, caller: Party, buyer: Party) -> None:
    caller.timestamp += FRAME
    caller.send(frame(4))
    buyer.send(frame(9))
    rig.work()
    rig.advance(0.02)


def test_another_buyer_takes_the_side_of_the_first(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        rig.leg("caller")
        first, second = rig.leg("first"), rig.leg("second")
        path = start(rig, "caller", "first")
        rig.say(first, frame(1))
        rig.engine.record("r", str(path), None, "second")
        rig.say(first, frame(2))
        rig.say(second, frame(3))
        stop(rig)
        assert frames(sides(path)[1]) == levels(1, 0, 3)


def test_prompts_are_never_recorded(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        rig.leg("a")
        path = start(rig, "a", None)
        rig.engine.play("a", 1, ["beep"], loop=False)
        rig.advance(0.5)
        stop(rig)
        left, _ = sides(path)
        assert set(left) == {0}


def test_pause_keeps_the_time_and_drops_the_words(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        rig.say(a, frame(1))
        rig.engine.obey(wire.PauseRecord("r", True))
        rig.say(a, frame(2), frame(3))
        rig.engine.obey(wire.PauseRecord("r", False))
        rig.say(a, frame(4))
        stop(rig)
        assert frames(sides(path)[0]) == levels(1, 0, 0, 4)


def test_it_ends_by_itself_when_both_are_gone(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        path = start(rig, "a", "b")
        rig.say(a, frame(1))
        rig.say(b, frame(2))
        rig.engine.close_leg("a")
        assert "r" in rig.engine.recordings
        rig.engine.close_leg("b")
        assert rig.recorded() == Recorded("r", str(path), 40, None)
        assert len(rig.of(Closed)) == 2


def test_header_is_right_while_it_goes_on(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        rig.say(a, *(frame(1 + n % 100) for n in range(300)))
        stop(rig)
        left, _ = sides(path)
        assert frames(left) == levels(*(1 + n % 100 for n in range(300)))
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_ends_the_recording_and_not_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        path = start(rig, "a", "b")
        rig.say(a, *(frame(1) for _ in range(100)))
        for _ in range(100):
            if path.exists() and path.stat().st_size > 44 + 4 * 30 * FRAME:
                break
            # The disk thread has no more to tell; this gives it time to write.
            rig.engine.turn(0.05)
        real = os.pwrite

        def full(fd: int, data: bytes, offset: int) -> int:
            if offset > 44:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(fd, data, offset)

        monkeypatch.setattr(os, "pwrite", full)
        rig.say(a, *(frame(1) for _ in range(60)))
        for _ in range(10):
            rig.engine.turn(0.05)
            rig.say(a, *(frame(2) for _ in range(50)))
        event = rig.recorded()
        assert event.error is not None
        assert "disk is full" in event.error
        b.received()
        rig.say(a, frame(3))
        assert [p.payload for p in b.received()] == [frame(3)]
        monkeypatch.undo()
        left, _ = sides(Path(event.path))
        assert frames(left[: len(left) // FRAME * FRAME])[:30] == levels(*[1] * 30)


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        rig.leg("a")
        (tmp_path / "day").mkdir()
        (tmp_path / "day" / "r.wav").write_text("evidence")
        start(rig, "a", None)
        event = stop(rig)
        assert event.error is not None
        assert "exists" in event.error
        assert (tmp_path / "day" / "r.wav").read_text() == "evidence"


def test_recording_of_nobody_is_not_begun_twice(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = start(rig, "a", None)
        rig.say(a, frame(1))
        rig.engine.record("r", str(path), "a", None)
        rig.say(a, frame(2))
        stop(rig)
        assert frames(sides(path)[0]) == levels(1, 2)
