"""Whatever packets come in whatever order, a recording is as long as it lasted and nothing of a pause is in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.media.rig import frame, pcm_samples
from tests.unit.media.test_gaps import File

from trunkline.codec.g711 import PCM_BYTES, Law
from trunkline.media.embedded.recorder import FLUSH_S, Recording

pytestmark = pytest.mark.unit

TABLES = PCM_BYTES[Law.PCMU]
SPOKEN = frozenset({0x05, 0x15, 0x25})
FORBIDDEN = 0x91
"""A code that is said during pauses alone, of a level that concealment of the others does not reach by chance."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(-3, 40), st.sampled_from(sorted(SPOKEN)), st.booleans()),
        st.tuples(st.just("other"), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1), st.booleans()),
        st.tuples(st.just("quiet"), st.integers(0, 127), st.just(0), st.just(False)),
        st.tuples(st.just("key"), st.integers(0, 3), st.just(0), st.just(False)),
        st.tuples(st.just("wait"), st.integers(0, 3_000), st.just(0), st.just(False)),
        st.tuples(st.just("pause"), st.just(0), st.just(0), st.booleans()),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_a_recording_is_as_long_as_it_lasted(steps: list[tuple[str, int, int, bool]]) -> None:
    file = File()
    recording = Recording("r", "r.wav", file, 0.0)  # type: ignore[arg-type]
    channel = recording.add(0, "a")
    now, flushed, sequence = 0.0, 0.0, 65_500
    for kind, number, value, flag in steps:
        match kind:
            case "say":
                sequence += number
                channel.put(TABLES, 1, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, flag, frame(value), now)
                now += 0.02
            case "other":
                channel.put(TABLES, 2, value, number, flag, frame(0x15), now)
            case "quiet":
                channel.quiet(number, 1, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, now)
            case "key":
                sequence += number
                channel.passed(sequence & 0xFFFF)
            case "wait":
                now += number / 1000
            case _:
                recording.pause(flag, now)
        while now - flushed >= FLUSH_S:
            flushed += FLUSH_S
            recording.flush(flushed)
    length_ms = recording.finish(now)
    assert len(file.content) % 4 == 0
    assert length_ms == len(file.content) // 32
    assert length_ms >= int(now * 1000) - 1
    assert length_ms <= now * 1000 + 2_100, "no packet stands further ahead than the window"
    assert not any(file.content[2::4]), "nobody was on the right"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.booleans(), st.integers(0, 6)), min_size=1, max_size=30))
def test_what_is_said_in_a_pause_is_nowhere(turns: list[tuple[int, bool, int]]) -> None:
    """A party says one thing while it is recorded and another in pauses; some packets come up to 0.12 s late."""
    file = File()
    recording = Recording("r", "r.wav", file, 0.0)  # type: ignore[arg-type]
    channel = recording.add(0, "a")
    now, paused = 0.0, False
    waiting: list[tuple[float, int, bytes]] = []
    for number in range(600):
        turn = next((each for each in turns if each[0] == number), None)
        if turn is not None and turn[1] != paused:
            paused = turn[1]
            recording.pause(paused, now)
        late = 0.02 * (turn[2] if turn is not None else 0)
        waiting.append((now + late, number, frame(FORBIDDEN if paused else 0x15)))
        for due in sorted(each for each in waiting if each[0] <= now):
            waiting.remove(due)
            channel.put(TABLES, 1, due[1], due[1] * 160, False, due[2], now)
        if number % 40 == 39:
            recording.flush(now)
        now += 0.02
    recording.finish(now)
    left = pcm_samples(bytes(file.content))[0::2]
    forbidden = int.from_bytes(bytes(table[FORBIDDEN] for table in TABLES), "little", signed=True)
    assert forbidden not in left
