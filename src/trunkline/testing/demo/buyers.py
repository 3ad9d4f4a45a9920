"""The buyers of the demo, by the user part of the address their target dials.

A call from somebody who is not in the play, a softphone for instance, is met by the same buyers, but those that pick
up say that they repeat what they hear, and do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.testing.bidders.behaviours import after, bids, hangs, no_bid
from trunkline.testing.bidders.server import Script
from trunkline.testing.call import PeerCall
from trunkline.testing.demo.callers import PART_OF_CALLER
from trunkline.testing.demo.voices import CASE_MANAGER, ECHO, INTAKE, ROOFER, speech
from trunkline.testing.line import Script as Behaviour
from trunkline.testing.scripts import answers, busy, declines, silent

GUEST_TALK_S: Final = 280.0
"""How long a buyer listens to somebody from outside."""


def _law(text: str, after_s: float, talk_s: float, press: str | None = None) -> Behaviour:
    return answers(after_s, press=press, listen_first=True, say=speech(text), repeat=True, talk_s=talk_s)


def _guest(after_s: float, press: str | None = None, listen_first: bool = True) -> Behaviour:
    return answers(after_s, press=press, listen_first=listen_first, say=speech(ECHO), echo=True, talk_s=GUEST_TALK_S)


def scripts() -> dict[str, tuple[Behaviour, Behaviour]]:
    """What each buyer does: with callers of the play, with guests."""
    never_presses = answers(0.3)
    return {
        "lone-star": (_law(INTAKE, 0.8, 7.0), _guest(0.8)),
        "lone-star-es": (_law(INTAKE, 0.5, 8.0), _guest(0.5)),
        "gulf": (busy(), busy()),
        "border": (silent(), silent()),
        "hill-country": (_law(CASE_MANAGER, 3.0, 7.0), _guest(3.0)),
        "night-desk": (_law(CASE_MANAGER, 0.5, 6.0), _guest(0.5)),
        "national": (_law(CASE_MANAGER, 0.6, 6.0), _guest(0.6)),
        "metro": (_law(INTAKE, 0.6, 6.0, press="1"), _guest(0.6, press="1")),
        "picky": (never_presses, never_presses),
        "house": (_law(INTAKE, 0.4, 5.0), _guest(0.4)),
        "peak": (
            answers(1.0, say=speech(ROOFER), repeat=True, talk_s=7.0),
            _guest(1.0, listen_first=False),
        ),
        "shingle": (declines(0.5), declines(0.5)),
        "coast": (_law(INTAKE, 0.5, 6.0), _guest(0.5)),
        "north": (_law(CASE_MANAGER, 0.7, 6.0), _guest(0.7)),
        "penny": (never_presses, never_presses),
        "sleepy": (never_presses, never_presses),
    }


def bidders() -> dict[str, Script]:
    """How the bidders answer, by path: the best one wants the first call only, one is cheap, one is hung."""
    return {
        "/coast": [after(0.25, bids("71.00", terms={"seconds": 4})), no_bid("enough for today")],
        "/north": after(0.12, bids("64.00")),
        "/penny": bids("15.00"),
        "/sleepy": hangs(),
    }


def one_for_all(buyers: Mapping[str, tuple[Behaviour, Behaviour]]) -> Behaviour:
    """All buyers behind one address, told apart by what was dialled."""

    async def script(call: PeerCall) -> None:
        playing, guest = buyers[call.dialled]
        await (playing if call.caller in PART_OF_CALLER else guest)(call)

    return script
