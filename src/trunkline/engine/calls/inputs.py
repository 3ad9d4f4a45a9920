"""What the call machine is told.

News of a buyer names its attempt and, where several phones ring for one, the number of the leg; late news of one that
is over is ignored.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.config.schema import NoBuyer
from trunkline.engine.routing.offer import Offer

Side = Literal["caller", "buyer"]


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """The call is there. Always the first input."""


class Durable(msgspec.Struct, frozen=True, gc=False):
    """Everything written before `Await(ticket)` is on disk."""

    ticket: int


class NotDurable(msgspec.Struct, frozen=True, gc=False):
    """The journal could not write: nothing new may be promised to anybody."""

    ticket: int


class Offered(msgspec.Struct, frozen=True, gc=False):
    """The answer to `Seek`: a route whose seats are held. `decision_us` is what finding it took."""

    offer: Offer
    attempt: str
    decision_us: int


class Asking(msgspec.Struct, frozen=True, gc=False):
    """Bidders are being asked: the answer to `Seek` or `Enqueue` takes a while."""


class Exhausted(msgspec.Struct, frozen=True, gc=False):
    """The other answer to `Seek`: nobody (more) buys this call, for this reason; what the plan does then.

    `waits` says that somebody who takes such callers only has no room now.
    """

    reason: str
    treatment: NoBuyer | None
    waits: bool = False


class Queued(msgspec.Struct, frozen=True, gc=False):
    """The third answer to `Enqueue`: nobody has room now; the caller waits for `plan`, at this place from 1."""

    position: int
    plan: str


class Placed(msgspec.Struct, frozen=True, gc=False):
    """The answer to `TellPlace`: the caller's place in the line, from 1."""

    position: int


class PlaceDue(msgspec.Struct, frozen=True, gc=False):
    """A caller who is held is to hear its place in the line again."""


class Confirmed(msgspec.Struct, frozen=True, gc=False):
    """The winner of an auction stands by its bid; `dial` is where it wants the call sent, None for where it was."""

    attempt: str
    dial: str | None = None


class NotConfirmed(msgspec.Struct, frozen=True, gc=False):
    """The winner of an auction does not stand by its bid, or has not said so in time (`silent`)."""

    attempt: str
    reason: str | None = None
    silent: bool = False


class Dialled(msgspec.Struct, frozen=True, gc=False):
    """An INVITE to the buyer has been written; `post_dial_us` after routing began."""

    attempt: str
    post_dial_us: int
    leg: int = 0


class BuyerRings(msgspec.Struct, frozen=True, gc=False):
    """The buyer's side alerts (180 or 183); `early` when it can be heard already, and shall be."""

    attempt: str
    leg: int = 0
    early: bool = False


class BuyerMoved(msgspec.Struct, frozen=True, gc=False):
    """The server whose phone could be heard has not taken the call, and another one is asked: nobody is heard now."""

    attempt: str
    leg: int = 0


class BuyerAnswered(msgspec.Struct, frozen=True, gc=False):
    """The buyer's side sent a 2xx and its audio can be used."""

    attempt: str
    leg: int = 0


class BuyerRefused(msgspec.Struct, frozen=True, gc=False):
    """The buyer's side sent a final refusal (300-699). `reason` is the cause it gives, such as `q850_17`."""

    attempt: str
    sip_status: int
    leg: int = 0
    reason: str | None = None


class BuyerSilent(msgspec.Struct, frozen=True, gc=False):
    """No response at all, 100 included, within the first-response time."""

    attempt: str
    leg: int = 0


class BuyerUnreachable(msgspec.Struct, frozen=True, gc=False):
    """The leg could not be rung: an address that does not resolve, a port that refuses, no audio in common."""

    attempt: str
    reason: str
    leg: int = 0


class BuyerLeft(msgspec.Struct, frozen=True, gc=False):
    """The buyer hung up, or its leg is dead. `reason` is what its side said of it, or what we found."""

    attempt: str
    leg: int = 0
    reason: str | None = None


class CallerLeft(msgspec.Struct, frozen=True, gc=False):
    """The caller cancelled or hung up, or its leg is dead; then `reason` says what we found."""

    reason: str | None = None


class KeyPressed(msgspec.Struct, frozen=True, gc=False):
    """One key, from the caller or from that leg of the running attempt.

    With `relay` the bridge has not carried it, because it came by INFO or the other side takes no telephone-events.
    """

    side: Side
    digit: str
    leg: int = 0
    relay: bool = False


class Held(msgspec.Struct, frozen=True, gc=False):
    """A party put us on hold, or took us off it."""

    side: Side
    held: bool
    leg: int = 0


class Played(msgspec.Struct, frozen=True, gc=False):
    """What was played under `tag` has ended; `completed` is False when it was stopped, replaced or failed."""

    tag: int
    completed: bool


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """The file of `recording` is closed; `error` says why it is not whole."""

    recording: str
    duration_ms: int
    error: str | None


class MediaLost(msgspec.Struct, frozen=True, gc=False):
    """The process that carried this call's audio is gone."""


class Tick(msgspec.Struct, frozen=True, gc=False):
    """A timer may be due."""


class LegDue(msgspec.Struct, frozen=True, gc=False):
    """What a buyer's leg was waited for is not waited for any longer. The machine tells itself, at a `Tick`."""


class HangUp(msgspec.Struct, frozen=True, gc=False):
    """The system ends the call: an operator's command, a drain whose time is over, or a `fault` of ours."""

    reason: str
    fault: bool = False


Input = (
    Arrived
    | Durable
    | NotDurable
    | Offered
    | Asking
    | Exhausted
    | Queued
    | Placed
    | PlaceDue
    | Confirmed
    | NotConfirmed
    | Dialled
    | BuyerRings
    | BuyerMoved
    | BuyerAnswered
    | BuyerRefused
    | BuyerSilent
    | BuyerUnreachable
    | BuyerLeft
    | CallerLeft
    | KeyPressed
    | Held
    | Played
    | Recorded
    | MediaLost
    | Tick
    | LegDue
    | HangUp
)
