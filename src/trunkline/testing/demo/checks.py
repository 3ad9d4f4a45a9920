"""Did the play go as it is written? Outcomes, buyers and money against the parts; recordings against what was said."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from trunkline.codec import wav
from trunkline.codec.g711 import SAMPLE_RATE_HZ, Law, decode, encode
from trunkline.engine.calls.records import CallRecord
from trunkline.engine.routing.auction import Fate
from trunkline.events.auctions import AuctionHeld
from trunkline.testing.demo import voices
from trunkline.testing.demo.callers import Part

EXCERPT_SAMPLES: Final = SAMPLE_RATE_HZ // 10
AUCTIONS: Final = 2
SLACK_MS: Final = 250
"""What a busy machine may take longer to notice that an auction is over."""
LOUD_LEVEL: Final = 1_000
"""An excerpt is only looked for where somebody speaks: silence is found everywhere."""


def differences(parts: Sequence[Part], calls: Sequence[CallRecord], data: Path) -> list[str]:
    """What came out otherwise than written, a sentence each; empty when nothing did."""
    latest = {call.caller: call for call in calls}
    found: list[str] = []
    for part in parts:
        call = latest.get(part.caller)
        if call is None:
            found.append(f"the call from {part.caller} is not in the journal")
            continue
        found += [f"{call.id} from {part.caller}: {what}" for what in (*_outcome(part, call), *_recording(call, data))]
    return found


def auction_differences(auctions: Sequence[AuctionHeld]) -> list[str]:
    """What went otherwise in the auctions: whoever hangs is silent, and costs no more than its time."""
    found = []
    for auction in auctions:
        fates = {ping.target: ping.fate for ping in auction.pings}
        if fates.get("sleepy") not in {Fate.TIMEOUT, Fate.SHED}:
            found.append(f"sleepy was to be silent in the auction of {auction.call}, not {fates.get('sleepy')}")
        if auction.took_ms > auction.deadline_ms + SLACK_MS:
            found.append(f"the auction of {auction.call} took {auction.took_ms} ms of {auction.deadline_ms}")
    if len(auctions) < AUCTIONS:
        found.append(f"{len(auctions)} auctions were held, not {AUCTIONS}")
    return found


def _outcome(part: Part, call: CallRecord) -> Iterator[str]:
    if call.outcome != part.outcome:
        yield f"{part.outcome} was expected, not {call.outcome or 'a call without an end'}"
        return
    if part.reason is not None and call.unsold_reason != part.reason:
        yield f"the reason is {call.unsold_reason}, not {part.reason}"
    if part.buyers and call.buyer not in part.buyers:
        yield f"{call.buyer} took it, not {' or '.join(sorted(part.buyers))}"
    if call.converted != part.converted:
        yield "it converted" if call.converted else f"it did not convert ({call.not_converted})"
    if call.converted and not call.payout:
        yield f"nothing was paid out ({call.not_paid})"
    missing = part.tried - {attempt.outcome for attempt in call.attempts}
    if missing:
        yield f"no attempt ended {' or '.join(sorted(missing))}"


def _recording(call: CallRecord, data: Path) -> Iterator[str]:
    """A sold call of a campaign that records has a file with the caller on the left and the buyer on the right."""
    if call.outcome != "sold" or call.campaign != "injury":
        return
    if call.recording is None:
        yield "it was not recorded"
        return
    try:
        left, right = channels(data / call.recording)
    except (OSError, wav.WavError) as error:
        yield f"its recording cannot be read: {error}"
        return
    if not hears(left, voices.CALLER_LINES):
        yield "the left channel of its recording does not hold what the caller said"
    if call.converted and not hears(right, voices.BUYER_LINES):
        yield "the right channel of its recording does not hold what the buyer said"


def channels(path: Path) -> tuple[bytes, bytes]:
    """Left and right of a stereo recording as 16-bit little-endian PCM. Raises OSError, WavError."""
    file = wav.parse(path.read_bytes())
    if file.channels != wav.RECORDING_CHANNELS:
        raise wav.WavError(f"{file.channels} channels instead of two")
    samples = array("h", file.data)
    return samples[0::2].tobytes(), samples[1::2].tobytes()


def hears(pcm: bytes, texts: Iterable[str]) -> bool:
    """Whether at least a tenth of a second of one of the texts is in `pcm`, sample for sample."""
    return any(excerpt in pcm for text in texts for excerpt in _excerpts(text))


@cache
def _excerpts(text: str) -> tuple[bytes, ...]:
    """Pieces of a text as a telephone carries it: through µ-law and back."""
    samples = array("h", decode(Law.PCMU, encode(Law.PCMU, voices.speech(text))))
    if sys.byteorder == "big":
        samples.byteswap()
    starts = range(0, len(samples) - EXCERPT_SAMPLES, EXCERPT_SAMPLES)
    pieces = (samples[start : start + EXCERPT_SAMPLES] for start in starts)
    return tuple(piece.tobytes() for piece in pieces if max(piece) > LOUD_LEVEL)
