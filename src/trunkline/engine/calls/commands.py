"""What the call machine wants done. It knows no driver: each of these can be SIP, or XML for somebody's cloud."""

from __future__ import annotations

import msgspec

from trunkline.config.flows import Prompt
from trunkline.engine.calls.inputs import Side
from trunkline.engine.routing.offer import Offer, Ring
from trunkline.events.calls import AnyCallEvent, RoutingOutcome
from trunkline.events.changes import StoredCall


class Write(msgspec.Struct, frozen=True, gc=False):
    """Put an event into the journal, after those before it."""

    event: AnyCallEvent


class Remember(msgspec.Struct, frozen=True, gc=False):
    """Keep, with what is written next, what a restart must know of this call; None: nothing any more."""

    call: StoredCall | None


class Await(msgspec.Struct, frozen=True, gc=False):
    """Answer `Durable(ticket)` when everything written so far is on disk, or `NotDurable`."""

    ticket: int


class Seek(msgspec.Struct, frozen=True, gc=False):
    """Find and reserve the next offer by `plan` (None: the campaign's): answer `Offered` or `Exhausted`.

    Where bidders have to be asked first, `Asking` is answered at once.
    `hop` counts how often the call has been rerouted: each begins a search of its own, with `again` also among targets
    that it was offered to before.
    """

    plan: str | None
    hop: int = 0
    again: bool = False


class Enqueue(msgspec.Struct, frozen=True, gc=False):
    """Hold the call until somebody of `plan` (None: the campaign's) has room, behind `most` others at most.

    Answer `Offered` or `Exhausted`, at once or whenever it becomes true, and `Queued` when it is not at once. A call
    that comes back (`fresh` False) has its old place.
    """

    plan: str | None
    most: int
    fresh: bool
    hop: int = 0
    again: bool = False


class Dequeue(msgspec.Struct, frozen=True, gc=False):
    """The call has waited long enough: answer `Exhausted` with this reason."""

    reason: str


class TellPlace(msgspec.Struct, frozen=True, gc=False):
    """How many are before the call? Answer `Placed`."""


class WriteRouting(msgspec.Struct, frozen=True, gc=False):
    """Put into the journal how routing ended: every route's reason, the seed and the versions, as `call.routed`."""

    outcome: RoutingOutcome
    reason: str | None


class Settle(msgspec.Struct, frozen=True, gc=False):
    """The lease's held seats of `measure` are used now; `amount` in minor units for spend and funds."""

    lease: str
    measure: str
    amount: int | None = None


class Release(msgspec.Struct, frozen=True, gc=False):
    """The attempt is over: give back whatever the lease still holds, what may convert later only after `keep_s`."""

    lease: str
    keep_s: int = 0


class Alert(msgspec.Struct, frozen=True, gc=False):
    """Tell the caller's side that it rings."""


class PassEarly(msgspec.Struct, frozen=True, gc=False):
    """Let the caller hear one of the buyer's phones that has not answered yet, and the buyer nothing."""

    attempt: str
    leg: int


class EndEarly(msgspec.Struct, frozen=True, gc=False):
    """Let the caller hear that phone no more, but ringing, or `music`."""

    attempt: str
    leg: int
    music: Prompt | None


class AnswerCaller(msgspec.Struct, frozen=True, gc=False):
    """Answer the caller's leg."""


class HangUpCaller(msgspec.Struct, frozen=True, gc=False):
    """End the caller's leg: `status` (SIP) refuses it when it was not answered."""

    status: int
    reason: str | None = None


class Confirm(msgspec.Struct, frozen=True, gc=False):
    """Ask the winner of an auction whether it stands by its bid: answer `Confirmed` or `NotConfirmed`."""

    attempt: str
    offer: Offer


class PrepareBuyer(msgspec.Struct, frozen=True, gc=False):
    """Make everything ready to ring the target, so that what identifies its legs is on disk before they are rung."""

    attempt: str
    ring: Ring


class RingBuyer(msgspec.Struct, frozen=True, gc=False):
    """Ring all that was prepared for it: for each leg `Dialled`, or `BuyerUnreachable` when it cannot be."""

    attempt: str


class HangUpBuyer(msgspec.Struct, frozen=True, gc=False):
    """Let all legs of that attempt go: prepared, ringing, answered, or ended by their peers already."""

    attempt: str
    reason: str | None = None


class DropLeg(msgspec.Struct, frozen=True, gc=False):
    """Let one leg of a group go, for a reason such as `elsewhere`: another one has taken the call."""

    attempt: str
    leg: int
    reason: str | None


class SendDigits(msgspec.Struct, frozen=True, gc=False):
    """Press these keys for one side to hear, behind those that are still being sent to it."""

    side: Side
    digits: str
    leg: int = 0


class Play(msgspec.Struct, frozen=True, gc=False):
    """Let one side hear the prompts, replacing what it hears now; `Played(tag)` afterwards.

    `leg` is which of the running attempt's legs, when the side is the buyer.
    """

    side: Side
    tag: int
    prompts: tuple[Prompt, ...]
    leg: int = 0


class Ringback(msgspec.Struct, frozen=True, gc=False):
    """Let the caller hear ringing, or `music` over and over, until something else is played, stopped or bridged."""

    music: Prompt | None


class HoldMusic(msgspec.Struct, frozen=True, gc=False):
    """Let a side that is held hear `music` over and over, until that is stopped."""

    side: Side
    music: Prompt


class StopPlay(msgspec.Struct, frozen=True, gc=False):
    """Let that side hear nothing more of what is played."""

    side: Side
    leg: int = 0


class Bridge(msgspec.Struct, frozen=True, gc=False):
    """Join the caller's audio and that of the leg that took the call."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """Record these sides into the file; sides named later join at their own time."""

    recording: str
    path: str
    sides: tuple[Side, ...]


class PauseRecord(msgspec.Struct, frozen=True, gc=False):
    """Store silence until resumed."""

    recording: str


class ResumeRecord(msgspec.Struct, frozen=True, gc=False):
    """Store audio again."""

    recording: str


class StopRecord(msgspec.Struct, frozen=True, gc=False):
    """Close the file: answer `Recorded`."""

    recording: str


class Done(msgspec.Struct, frozen=True, gc=False):
    """Nothing of this call is left; it can be forgotten."""


Command = (
    Write
    | Remember
    | Await
    | Seek
    | Enqueue
    | Dequeue
    | TellPlace
    | WriteRouting
    | Settle
    | Release
    | Alert
    | PassEarly
    | EndEarly
    | AnswerCaller
    | HangUpCaller
    | Confirm
    | PrepareBuyer
    | RingBuyer
    | HangUpBuyer
    | DropLeg
    | SendDigits
    | Play
    | Ringback
    | HoldMusic
    | StopPlay
    | Bridge
    | Record
    | PauseRecord
    | ResumeRecord
    | StopRecord
    | Done
)
