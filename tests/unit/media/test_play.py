"""Prompts and keys that we send: exact frames, exact times."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from tests.unit.media.rig import FRAME, START, Party, Rig, frame, media

from trunkline.codec import tones, wav
from trunkline.codec.g711 import TRANSCODE, Law, encode
from trunkline.codec.rtp import RtpPacket, sequence_distance, timestamp_distance
from trunkline.media.embedded.keys import PRESSED_MAX
from trunkline.media.port import Played
from trunkline.media.prompts import render

pytestmark = pytest.mark.unit

TABLE = TRANSCODE[Law.PCMU, Law.PCMA]


def prompt(folder: Path, name: str, codes: bytes) -> str:
    path = folder / f"{name}.wav"
    path.write_bytes(wav.write(wav.Encoding.ULAW, 1, codes))
    return str(path)


def timed(rig: Rig, party: Party, seconds: float) -> list[tuple[float, RtpPacket]]:
    """What a party hears and when, to the millisecond."""
    heard = []
    for _ in range(round(seconds * 1000)):
        rig.advance(0.001)
        heard += [(round(rig.now - START, 3), packet) for packet in party.received()]
    return heard


def test_frames_are_exact_and_twenty_milliseconds_apart(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        codes = bytes(n % 251 for n in range(FRAME * 5 + 40))
        rig.engine.play("a", 7, [prompt(tmp_path, "one", codes)], loop=False)
        heard = timed(rig, a, 0.2)
        assert b"".join(p.payload for _, p in heard) == codes + b"\xff" * 120
        starts = [at for at, _ in heard]
        assert [round(at - starts[0], 3) for at in starts] == [0.0, 0.02, 0.04, 0.06, 0.08, 0.1]
        packets = [p for _, p in heard]
        assert all(timestamp_distance(y.timestamp, x.timestamp) == FRAME for x, y in pairwise(packets))
        assert all(sequence_distance(y.sequence, x.sequence) == 1 for x, y in pairwise(packets))
        assert [p.marker for p in packets] == [True] + [False] * 5
        assert rig.of(Played) == [Played("a", 7, True)]


def test_it_is_over_only_when_the_last_frame_has_been_heard(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        rig.leg("a")
        rig.engine.play("a", 1, [prompt(tmp_path, "one", frame(1) * 3)], loop=False)
        rig.advance(0.059)
        assert rig.of(Played) == []
        rig.advance(0.002)
        assert rig.of(Played) == [Played("a", 1, True)]


def test_prompts_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        first, second = bytes(range(100)), bytes(range(100, 250))
        files = [prompt(tmp_path, "one", first), prompt(tmp_path, "two", second)]
        rig.engine.play("a", 1, files, loop=False)
        rig.advance(0.1)
        assert b"".join(p.payload for p in a.received()) == first + second + b"\xff" * 70


def test_a_law_leg_hears_a_law(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a", "PCMA")
        codes = bytes(range(160))
        rig.engine.play("a", 1, [prompt(tmp_path, "one", codes)], loop=False)
        rig.advance(0.1)
        [packet] = a.received()
        assert (packet.payload_type, packet.payload) == (8, codes.translate(TABLE))


def test_loop_goes_round_without_a_seam_until_stopped(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        codes = bytes(range(250))
        rig.engine.play("a", 3, [prompt(tmp_path, "one", codes)], loop=True)
        rig.advance(0.2)
        heard = b"".join(p.payload for p in a.received())
        assert heard == (codes * 20)[: len(heard)]
        assert len(heard) >= FRAME * 10
        rig.engine.legs["a"].play_ended(completed=False)
        rig.advance(0.2)
        assert a.received() == []
        assert rig.of(Played) == [Played("a", 3, False)]


def test_a_loop_shorter_than_a_frame(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.engine.play("a", 3, [prompt(tmp_path, "one", b"\x01\x02\x03")], loop=True)
        rig.advance(0.1)
        heard = b"".join(p.payload for p in a.received())
        assert heard == (b"\x01\x02\x03" * 400)[: len(heard)]


def test_barge_in_ends_it_at_once(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.engine.play("a", 1, [prompt(tmp_path, "one", frame(1) * 50)], loop=False)
        rig.advance(0.1)
        before = len(a.received())
        rig.engine.play("a", 2, [prompt(tmp_path, "two", frame(2))], loop=False)
        rig.advance(0.5)
        assert before in (5, 6)
        assert [p.payload[0] for p in a.received()] == [2]
        assert rig.of(Played) == [Played("a", 1, False), Played("a", 2, True)]


def test_a_prompt_takes_the_peers_place_for_that_leg_only(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        caller, buyer = rig.leg("caller"), rig.leg("buyer")
        rig.bridge("caller", "buyer")
        rig.say(caller, frame(1))
        rig.engine.play("buyer", 1, [prompt(tmp_path, "whisper", frame(9) * 3)], loop=False)
        rig.say(caller, frame(2), frame(3), frame(4))
        rig.say(buyer, frame(5))
        rig.say(caller, frame(6))
        heard = buyer.received()
        assert [p.payload[0] for p in heard] == [1, 9, 9, 9, 6]
        assert all(sequence_distance(y.sequence, x.sequence) == 1 for x, y in pairwise(heard))
        assert all(timestamp_distance(y.timestamp, x.timestamp) >= FRAME for x, y in pairwise(heard))
        assert [p.payload[0] for p in caller.received()] == [5]


def test_on_hold_a_prompt_runs_unheard_and_is_not_told_as_heard(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a", direction="recvonly")
        rig.engine.play("a", 1, [prompt(tmp_path, "one", frame(1) * 5)], loop=False)
        rig.advance(0.2)
        assert a.received() == []
        assert rig.of(Played) == [Played("a", 1, False)]


def test_what_a_key_goes_over_was_not_heard_whole(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        rig.leg("a")
        rig.engine.play("a", 1, [prompt(tmp_path, "one", frame(1) * 40)], loop=False)
        rig.advance(0.1)
        rig.engine.send_digits("a", "5")
        rig.advance(1.0)
        assert rig.of(Played) == [Played("a", 1, False)]


def test_a_prompt_waits_for_its_party_and_for_keys_that_are_being_pressed(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.engine.send_digits("a", "5")
        rig.engine.play("a", 1, [prompt(tmp_path, "one", frame(1) * 3)], loop=False)
        rig.advance(0.5)
        assert [p.payload[0] for p in a.received() if p.payload_type == 0] == [1, 1, 1]
        late = rig.open("late")
        rig.engine.play("late", 2, [prompt(tmp_path, "two", frame(2) * 3)], loop=False)
        rig.advance(0.5)
        rig.connect("late", late)
        rig.advance(0.2)
        assert [p.payload[0] for p in late.received()] == [2, 2, 2]
        assert rig.of(Played) == [Played("a", 1, True), Played("late", 2, True)]


def test_renegotiation_in_the_middle_of_a_prompt(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.engine.play("a", 1, [prompt(tmp_path, "one", frame(0x90) * 4)], loop=False)
        rig.advance(0.03)
        rig.connect("a", a, "PCMA")
        rig.advance(0.1)
        assert [p.payload for p in a.received()] == [frame(0x90)] * 2 + [frame(0x90).translate(TABLE)] * 2


def test_a_loop_held_up_sends_no_burst(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.engine.play("a", 1, [prompt(tmp_path, "one", frame(1) * 50)], loop=False)
        rig.advance(0.05)
        a.received()
        rig.now += 0.5
        rig.engine.run_timers(rig.now)
        [late] = a.received()
        assert late.marker
        rig.advance(0.1)
        assert len(a.received()) in (5, 6)


def test_what_cannot_be_played_is_not_completed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with media(tmp_path) as rig:
        rig.leg("a")
        broken = tmp_path / "broken.wav"
        broken.write_bytes(b"no sound")
        linear = tmp_path / "linear.wav"
        linear.write_bytes(wav.write(wav.Encoding.PCM, 1, b"ab"))
        for tag, path in enumerate((str(broken), str(linear), str(tmp_path / "missing.wav"))):
            rig.engine.play("a", tag, [path], loop=False)
        rig.engine.play("a", 3, [], loop=False)
        assert rig.of(Played) == [Played("a", tag, False) for tag in range(4)]
        assert len(caplog.records) == 3


def test_builtin_ringback(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a")
        rig.engine.play("a", 1, ["ringback"], loop=True)
        heard = b"".join(p.payload for _, p in timed(rig, a, 6.5))
        cadence = encode(Law.PCMU, tones.ringback())
        assert len(heard) > 48_000
        assert heard == (cadence * 2)[: len(heard)]


def test_digits_are_sent_as_events(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a", dtmf=96)
        rig.engine.send_digits("a", "1x#")
        rig.engine.send_digits("a", "9")
        heard = timed(rig, a, 0.7)
        packets = [p for _, p in heard]
        assert {p.payload_type for p in packets} == {96}
        keys = [packets[n : n + 7] for n in range(0, 21, 7)]
        assert len(packets) == 21
        for code, key in zip((1, 11, 9), keys, strict=True):
            durations = [(p.payload[0], p.payload[1] >> 7, int.from_bytes(p.payload[2:])) for p in key]
            running = [(code, 0, 160 * n) for n in range(1, 5)]
            assert durations == [*running, (code, 1, 800), (code, 1, 800), (code, 1, 800)]
            assert len({p.timestamp for p in key}) == 1
            assert [p.marker for p in key] == [True] + [False] * 6
        starts = [heard[n][0] for n in (0, 7, 14)]
        assert [round(at - starts[0], 2) for at in starts] == [0.0, 0.2, 0.4]
        assert all(timestamp_distance(y[0].timestamp, x[0].timestamp) == 1600 for x, y in pairwise(keys))
        assert all(sequence_distance(y.sequence, x.sequence) == 1 for x, y in pairwise(packets))


def test_digits_silence_the_peer_while_they_last(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        rig.say(a, frame(1))
        rig.engine.send_digits("b", "5")
        rig.say(a, *[frame(2)] * 10)
        rig.advance(0.05)
        rig.say(a, frame(3))
        heard = b.received()
        assert [p.payload_type for p in heard] == [0] + [101] * 7 + [0]
        assert heard[-1].payload == frame(3)


def test_digits_in_band_for_a_party_without_events(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a = rig.leg("a", dtmf=None)
        rig.engine.send_digits("a", "5")
        rig.advance(0.5)
        heard = b"".join(p.payload for p in a.received())
        assert heard == encode(Law.PCMU, tones.key("5", 100)) + b"\xff" * 800


def test_the_frame_file_of_a_prompt_is_what_is_heard(tmp_path: Path) -> None:
    """From linear audio through `render` to the wire, nothing but µ-law happens to it."""
    with media(tmp_path) as rig:
        a = rig.leg("a")
        path = tmp_path / "beep.wav"
        path.write_bytes(render(tones.beep()))
        rig.engine.play("a", 1, [str(path)], loop=False)
        rig.advance(0.5)
        assert b"".join(p.payload for p in a.received()) == encode(Law.PCMU, tones.beep())


def test_keys_pressed_faster_than_they_can_be_sent_do_not_silence_the_bridge(tmp_path: Path) -> None:
    with media(tmp_path) as rig:
        a, b = rig.leg("a"), rig.leg("b")
        rig.bridge("a", "b")
        for n in range(500):
            rig.engine.send_digits("b", str(n % 10))
        rig.advance(0.2 * PRESSED_MAX + 0.1)
        rig.work()
        b.received()
        rig.say(a, frame(1))
        assert [packet.payload for packet in b.received()] == [frame(1)]
        assert rig.engine.legs["b"].keys_dropped == 500 - PRESSED_MAX
