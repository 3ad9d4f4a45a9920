"""The demo's parts fit its configuration, and it speaks on a machine where nothing is installed."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import msgspec
import pytest

from trunkline.codec import wav
from trunkline.codec.g711 import Law, decode, encode
from trunkline.config.load import Source, load_sources
from trunkline.engine.calls.records import AttemptRecord, CallRecord
from trunkline.media.prompts import available_voices, shipped_prompt
from trunkline.testing.demo import buyers, voices
from trunkline.testing.demo.callers import PARTS, Part
from trunkline.testing.demo.checks import channels, differences, hears
from trunkline.testing.demo.leads import CAMPAIGN, KEY, LEADS, lead_buyers
from trunkline.testing.demo.stage import BUYERS_ADDRESS, CONFIGURATION, SERVERS_ADDRESS

pytestmark = pytest.mark.unit


def test_the_configuration_needs_nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = available_voices(CONFIGURATION.parent)
    assert not found.engine
    loaded = load_sources([Source("demo.yaml", CONFIGURATION.read_bytes())], str(CONFIGURATION.parent), found)
    assert loaded.problems == ()
    assert loaded.snapshot is not None
    config = loaded.snapshot.accounts[0]
    dialled = {target.dial for target in config.targets if target.dial is not None}
    assert all(dial.endswith(BUYERS_ADDRESS) for dial in dialled)
    played = {f"sip:{user}@{BUYERS_ADDRESS}" for user in buyers.scripts()}
    assert dialled == played
    assert {number.number for number in config.numbers} == {part.number for part in PARTS}
    posted = {target.deliver.url for target in config.targets if target.deliver is not None}
    assert posted == {f"http://{SERVERS_ADDRESS}{path}" for path in lead_buyers()}
    asked = {target.bid.url for target in config.targets if target.bid is not None}
    assert asked == {f"http://{SERVERS_ADDRESS}{path}" for path in buyers.bidders()}
    assert hashlib.sha256(KEY.encode()).hexdigest() in {key for each in config.publishers for key in each.keys}
    assert CAMPAIGN in {campaign.key for campaign in config.campaigns}
    assert {part.buyer for part in LEADS if part.buyer} <= {buyer.key for buyer in config.buyers}


@pytest.mark.parametrize("text", [*voices.CALLER_LINES, *voices.BUYER_LINES, voices.ECHO])
def test_what_people_say_comes_with_the_package(text: str) -> None:
    assert shipped_prompt("en", text) is not None
    assert len(voices.speech(text)) > 16_000


def part(caller: str) -> Part:
    return next(part for part in PARTS if part.caller == caller)


SOLD = part("+15125550100")
GONE = part("+18175550104")
UNSOLD = part("+14155550123")


def record(part: Part, **changes: object) -> CallRecord:
    """The record of a call that went as `part` says, but for `changes`."""
    call = CallRecord(
        id="call_1",
        account="meridian",
        at="2026-11-23T15:00:00.000Z",
        caller=part.caller,
        number=part.number,
        campaign="roofing",
        publisher="adwave",
        source=None,
        trunk="loopback",
        outcome=part.outcome,
        unsold_reason=part.reason,
        buyer=min(part.buyers, default=None),
        converted=part.converted,
        payout="45.00" if part.converted else None,
        attempts=[
            AttemptRecord(attempt=str(place), route="r", target="t", buyer="b", at="", price="1.00", outcome=outcome)
            for place, outcome in enumerate(sorted(part.tried))
        ],
    )
    return msgspec.structs.replace(call, **changes)


@pytest.mark.parametrize("part", [SOLD, GONE, UNSOLD], ids=lambda part: part.caller)
def test_as_scripted_is_no_difference(part: Part, tmp_path: Path) -> None:
    assert differences([part], [record(part)], tmp_path) == []


@pytest.mark.parametrize(
    ("part", "changes", "said"),
    [
        (SOLD, {"outcome": "unsold"}, "sold was expected, not unsold"),
        (SOLD, {"outcome": None}, "a call without an end"),
        (SOLD, {"buyer": "house"}, "house took it, not hill-country or lone-star"),
        (SOLD, {"converted": False, "not_converted": "too_short"}, "it did not convert (too_short)"),
        (SOLD, {"payout": None}, "nothing was paid out"),
        (SOLD, {"campaign": "injury"}, "it was not recorded"),
        (SOLD, {"campaign": "injury", "recording": "gone.wav"}, "its recording cannot be read"),
        (GONE, {"attempts": []}, "no attempt ended busy or caller_gone"),
        (UNSOLD, {"unsold_reason": "paused"}, "the reason is paused, not no_route"),
    ],
)
def test_what_differs_is_said(part: Part, changes: dict[str, object], said: str, tmp_path: Path) -> None:
    found = differences([part], [record(part, **changes)], tmp_path)
    assert len(found) == 1
    assert said in found[0]


def test_a_call_that_never_arrived_is_said(tmp_path: Path) -> None:
    assert differences([SOLD], [], tmp_path) == [f"the call from {SOLD.caller} is not in the journal"]


def telephone(text: str) -> bytes:
    return decode(Law.PCMU, encode(Law.PCMU, voices.speech(text)))


def stereo(left: bytes, right: bytes) -> bytes:
    count = min(len(left), len(right)) // 2
    sides = (struct.unpack(f"<{count}h", side[: 2 * count]) for side in (left, right))
    frames = [sample for pair in zip(*sides, strict=True) for sample in pair]
    data = struct.pack(f"<{2 * count}h", *frames)
    return wav.recording_header(len(data)) + data


def test_channels_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(stereo(telephone(voices.ACCIDENT), telephone(voices.INTAKE)))
    left, right = channels(tmp_path / "call.wav")
    assert hears(left, [voices.ACCIDENT])
    assert hears(right, [voices.INTAKE])
    assert not hears(left, [voices.INTAKE])
    assert not hears(right, [voices.ACCIDENT])


def test_exchanged_channels_are_a_difference(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(stereo(telephone(voices.INTAKE), telephone(voices.ACCIDENT)))
    found = differences([SOLD], [record(SOLD, campaign="injury", recording="call.wav")], tmp_path)
    assert len(found) == 2
    assert "left channel" in found[0]
    assert "right channel" in found[1]


def test_silence_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(stereo(bytes(32_000), bytes(32_000)))
    left, _ = channels(tmp_path / "call.wav")
    assert not hears(left, voices.CALLER_LINES)
