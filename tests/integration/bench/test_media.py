"""The benchmark of media runs and answers in the documented shape. How fast it is, is not a test's business."""

from __future__ import annotations

import json

import pytest
from bench.load.bridged import gaps_of
from bench.load.rtp import FILLER, MARK, digits

from trunkline.cli.bench import load

media = load("media")
pytestmark = pytest.mark.integration


def test_one_short_round() -> None:
    plan = media.Plan(calls=(2,), rounds=1, round_s=2.5, moments=3)
    document = json.loads(json.dumps(media.run(plan=plan)))
    rows = {row["case"]: row for row in document["rows"]}
    assert document["bench"] == "media"
    assert (rows["2 calls: gaps in recordings"]["ours"], rows["2 calls: lost"]["ours"]) == (0, 0)
    assert rows["2 calls: gaps in recordings"]["unit"] == f"of {2 * 2 * 125} frames"
    assert rows["2 calls: latency p50"]["ours"] > rows["2 calls: latency p50"]["peer"] > 0
    for case in ("buyer's 200 to audio both ways", "caller hangs up to the buyer's BYE"):
        assert rows[case]["ours"] > 0
        assert "n 3)" in rows[case]["unit"]


def frame(number: int, stream: int = 5) -> bytes:
    content = bytes(16) + MARK + digits(stream, 2) + digits(number, 3)
    return content + bytes([FILLER]) * (160 - len(content))


def test_a_whole_recording_has_no_gaps() -> None:
    assert gaps_of(bytes(77) + b"".join(map(frame, range(3, 100))), 5) == (0, 97)


@pytest.mark.parametrize(
    ("codes", "gaps", "frames"),
    [
        (b"", 1, 0),
        (frame(1, stream=6), 1, 0),
        (frame(1) + frame(3), 1, 2),
        (frame(1) + bytes(160) + frame(2), 1, 2),
        (frame(1) + bytes(7) + frame(2), 1, 2),
        (frame(1) + frame(2)[:100] + frame(3) + frame(4), 1, 4),
        (frame(1) + frame(1), 1, 2),
    ],
)
def test_every_tear_is_counted(codes: bytes, gaps: int, frames: int) -> None:
    assert gaps_of(codes, 5) == (gaps, frames)
