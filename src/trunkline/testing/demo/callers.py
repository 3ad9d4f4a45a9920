"""The callers of the demo: when each calls, what each presses and says, and what must become of the call.

The first four callers from Texas and Oklahoma arrive nearly together, so that the two seats of Lone Star Law are taken
when the others come: those meet a busy buyer, one whose machine is off, and one that takes its time. What is left to
chance, such as the draw of the weighted tier, may come out in several ways, and all of them are named.
"""

from __future__ import annotations

from typing import Final

import msgspec

from trunkline.testing.demo.voices import ACCIDENT, RED_LIGHT, STORM, speech
from trunkline.testing.line import Script
from trunkline.testing.scripts import calls, gives_up

SEARCH: Final = "+18335550100"
RADIO: Final = "+18335550101"
STORM_LINE: Final = "+18335550110"
SOLAR_LINE: Final = "+18335550120"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the play.

    `at_s` is seconds from the beginning. `outcome` and, for a call that is not sold, `reason` must come out. A sold one
    must go to one of `buyers` and convert or not as `converted` says. `tried` are outcomes of attempts that must occur.
    """

    at_s: float
    caller: str
    number: str
    script: Script
    outcome: str
    reason: str | None = None
    buyers: frozenset[str] = frozenset()
    converted: bool = False
    tried: frozenset[str] = frozenset()


def _injury(
    at_s: float,
    caller: str,
    keys: tuple[str, ...],
    *buyers: str,
    number: str = SEARCH,
    barge_in: bool = False,
    stays_s: float | None = None,
    converted: bool = True,
    text: str = ACCIDENT,
) -> Part:
    """Somebody who was hurt, answers the questions and is sold."""
    script = calls(keys, barge_in=barge_in, say=speech(text), repeat=True, hang_up_after_s=stays_s)
    return Part(
        at_s=at_s,
        caller=caller,
        number=number,
        script=script,
        outcome="sold",
        buyers=frozenset(buyers),
        converted=converted,
    )


def _storm(at_s: float, caller: str, outcome: str, tried: tuple[str, ...] = (), stays_s: float | None = None) -> Part:
    """Somebody with a hole in the roof."""
    script = calls(("",), say=speech(STORM), repeat=True, hang_up_after_s=stays_s)
    sold = outcome == "sold"
    return Part(
        at_s=at_s,
        caller=caller,
        number=STORM_LINE,
        script=script,
        outcome=outcome,
        buyers=frozenset({"peak"}) if sold else frozenset(),
        converted=sold,
        tried=frozenset(tried),
    )


def _unsold(
    at_s: float, caller: str, number: str, script: Script, outcome: str, reason: str | None = None, *tried: str
) -> Part:
    return Part(
        at_s=at_s,
        caller=caller,
        number=number,
        script=script,
        outcome=outcome,
        reason=reason,
        tried=frozenset(tried),
    )


def _texas() -> tuple[Part, ...]:
    """The rush on Lone Star Law and those behind it; later its Spanish line."""
    english, spanish = ("1", "78701", "1"), ("2", "75201", "1")
    contract = ("lone-star", "hill-country")
    gone = calls(english, hang_up_after_s=1.2)
    return (
        _injury(0.0, "+15125550100", english, *contract),
        _injury(0.5, "+12145550101", ("1", "77002", "1"), *contract, text=RED_LIGHT),
        _injury(1.0, "+17135550102", english, *contract, number=RADIO),
        _injury(1.5, "+14055550103", ("1", "73102", "1"), *contract, text=RED_LIGHT),
        _unsold(2.0, "+18175550104", SEARCH, gone, "abandoned", None, "busy", "caller_gone"),
        _injury(14.5, "+19565550105", spanish, "lone-star", number=RADIO),
        _injury(16.0, "+12105550106", spanish, *contract, text=RED_LIGHT),
        _injury(25.0, "+18325550107", english, *contract, barge_in=True),
        _injury(26.0, "+14055550108", english, *contract, barge_in=True, text=RED_LIGHT),
        _injury(27.0, "+19185550109", ("1", "74103", "1"), *contract, barge_in=True, number=RADIO),
    )


def _market() -> tuple[Part, ...]:
    """States without a contract: three buyers by weight, one of them never says yes."""
    taken = ("national", "metro")
    silent_zip = ("1", "", "", "1")
    return (
        _injury(0.2, "+12125550110", silent_zip, *taken, text=RED_LIGHT),
        _injury(3.0, "+13055550111", ("1", "33101", "1"), *taken, number=RADIO),
        _injury(4.2, "+13125550112", ("1", "60601", "1"), *taken, text=RED_LIGHT),
        _injury(6.0, "+15125550113", ("1", "07030", "1"), *taken),
        _injury(8.0, "+16465550114", ("1", "10001", "1"), *taken, number=RADIO, text=RED_LIGHT),
        _injury(16.5, "+18135550115", ("1", "33602", "1"), *taken, barge_in=True),
        _injury(18.0, "+17735550116", ("1", "60614", "1"), *taken, barge_in=True, number=RADIO),
        _injury(20.5, "+12015550117", ("1", "07302", "1"), *taken, barge_in=True, text=RED_LIGHT),
        _injury(22.0, "+17185550118", ("1", "11201", "1"), *taken, barge_in=True),
    )


def _rest() -> tuple[Part, ...]:
    """Everybody else: the in-house desk, callers without a buyer, callers who change their minds."""
    california = calls(("1", "94103", "1"))
    sorry = calls(("1", "60601", "2"))
    return (
        _injury(5.0, "+13035550120", ("1", "80202", "1"), "house"),
        _injury(17.0, "+16025550121", ("1", "85004", "1"), "house", barge_in=True, text=RED_LIGHT),
        _injury(24.0, "+12065550122", ("1", "98101", "1"), "house", barge_in=True, stays_s=3.6, converted=False),
        _unsold(7.0, "+14155550123", SEARCH, california, "unsold", "no_route"),
        _unsold(9.0, "+13125550124", RADIO, sorry, "ivr_ended"),
        _unsold(11.0, "+13055550125", SEARCH, gives_up(6.0), "abandoned"),
        _unsold(13.0, "+14805550126", SOLAR_LINE, calls(), "unsold", "paused"),
    )


def _bids() -> tuple[Part, ...]:
    """States that are sold to whoever bids most; one bidder is hung, and nobody waits for it longer than its time.

    On a machine that is busy a bid may come too late, or not be asked for, and the next one wins.
    """
    taken = ("coast", "north", "house")
    return (
        _injury(2.5, "+14045550140", ("1", "30303", "1"), *taken, barge_in=True),
        _injury(19.0, "+19195550141", ("1", "27601", "1"), *taken, barge_in=True, text=RED_LIGHT),
    )


def _storms() -> tuple[Part, ...]:
    """Round robin over one crew and one that declines; whoever finds nobody leaves a message."""
    return (
        _storm(10.0, "+15125550130", "sold"),
        _storm(12.0, "+13055550131", "voicemail", ("declined",), stays_s=6.0),
        _storm(15.0, "+12125550132", "voicemail", stays_s=5.0),
        _storm(30.0, "+14055550133", "sold"),
    )


PARTS: Final[tuple[Part, ...]] = tuple(
    sorted((*_texas(), *_market(), *_rest(), *_bids(), *_storms()), key=lambda part: part.at_s)
)
ATTEMPTS: Final = frozenset({"connected", "busy", "timeout", "declined", "caller_gone"})
"""Ways for an attempt to end that must all occur in the play, whoever meets them."""
PART_OF_CALLER: Final = {part.caller: part for part in PARTS}
assert len(PART_OF_CALLER) == len(PARTS), "two parts with one caller"
