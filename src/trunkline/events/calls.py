"""Everything that can happen to a call, as the journal keeps it.

Each event is a fact in the past tense with everything needed to understand it later, because it is never edited.
Fields named in `PERSONAL` are sealed under the contact's key before they are stored; erasing the key erases them.
A field added later has a default; a change of meaning is a new `VERSION`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from trunkline.events.auctions import AnyAuctionEvent
from trunkline.events.contacts import Seen
from trunkline.kernel.money import Money

RoutingOutcome = Literal["sold", "unsold", "abandoned", "failed", "interrupted"]
PausedBy = Literal["flow", "buyer"]
EndedBy = Literal["caller", "buyer", "system"]


class CallEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """What all events of a call say: whose it is, which call, when (UTC milliseconds)."""

    VERSION: ClassVar[int] = 1
    PERSONAL: ClassVar[frozenset[str]] = frozenset()

    account: str
    call: str
    at_ms: int


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """Why one route was not offered: the first failing reason and, for limits, the counter that refused."""

    route: str
    target: str
    reason: str
    level: str | None = None
    measure: str | None = None
    per: str | None = None
    max: int | None = None
    used: int | None = None
    detail: str | None = None


class Versions(msgspec.Struct, frozen=True, gc=False):
    """What a decision was taken with: digest of the configuration, versions of the facts and of the engine.

    `geo` is the version of what was imported of the numbering plan, empty when that was nothing.
    """

    snapshot: str
    facts: str
    engine: str
    geo: str = ""


class CallReceived(CallEvent, frozen=True, kw_only=True, tag="call.received"):
    """A call arrived on a tracking number. Durable before any reply above 100."""

    PERSONAL = frozenset({"caller", "caller_given", "diverted_from"})

    number: str
    campaign: str
    publisher: str
    source: str | None
    caller: str | None
    caller_given: str
    trunk: str
    snapshot: str
    attestation: str | None = None
    attested_by: str | None = None
    diverted_from: str | None = None


class CallAttested(CallEvent, frozen=True, kw_only=True, tag="call.attested"):
    """The signature of the caller's number was checked, or could not be; may follow the call's end."""

    attestation: str
    result: Literal["valid", "invalid", "unknown"]
    reason: str | None
    origin_id: str
    certificate: str


class CallRepeated(CallEvent, frozen=True, kw_only=True, tag="call.repeated"):
    """The contact was here before, and rules ask for that: what is known of it when the call comes in, and again at a
    route node if more is known by then. `duplicate` says whether the campaign marks the call, `duplicate_of` after
    which other one.
    """

    duplicate: bool
    duplicate_of: str | None
    seen: tuple[Seen, ...]


class CallPromised(CallEvent, frozen=True, kw_only=True, tag="call.promised"):
    """The publisher was bid `bid` for this call or lead before it came, by the ping `ping`, and earns it at `event`.

    For `duration` that is after `after_ms` of talking. No price below `floor` covers it, `first` is the target that it
    was made of. With `strict` nobody is asked who owes later. `bids` by target are what bidders said then.
    """

    ping: str
    bid: Money
    floor: Money
    event: Literal["convert", "connect", "duration"]
    after_ms: int
    first: str | None
    strict: bool
    bids: dict[str, Money]


class CallBlocked(CallEvent, frozen=True, kw_only=True, tag="call.blocked"):
    """A received call was refused by a rule before it was routed. `detail` names the level and the list."""

    reason: str
    detail: str | None = None


class CallAnswered(CallEvent, frozen=True, kw_only=True, tag="call.answered"):
    """The caller's leg was answered; `by` is the flow (a prompt had to be heard) or a buyer."""

    by: Literal["flow", "buyer"]


class CallQualified(CallEvent, frozen=True, kw_only=True, tag="call.qualified"):
    """The flow has reached a route node: what is known of the caller now, and how (stated, area_code, …)."""

    PERSONAL = frozenset({"attributes"})

    node: str
    attributes: dict[str, str]
    basis: dict[str, str]


class CallQueued(CallEvent, frozen=True, kw_only=True, tag="call.queued"):
    """The caller is held until somebody has room; `position` counts from 1, `plan` is what it waits for."""

    node: str
    plan: str
    position: int


class CallDequeued(CallEvent, frozen=True, kw_only=True, tag="call.dequeued"):
    """The caller waits no more: an offer was made, or the `reason` why not. `waited_ms` from when it was queued."""

    waited_ms: int
    reason: str | None


class CallRouted(CallEvent, frozen=True, kw_only=True, tag="call.routed"):
    """Routing ended. `offered` are the routes in order; `rejected` the others with their reasons, `more` uncounted.

    `began_ms` is when the search began, where that is not the instant of the last `call.qualified`.
    """

    plan: str
    seed: int
    versions: Versions
    routed_ms: int
    outcome: RoutingOutcome
    reason: str | None
    offered: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    more: int = 0
    hop: int = 0
    began_ms: int | None = None


class OfferReserved(CallEvent, frozen=True, kw_only=True, tag="offer.reserved"):
    """A route holds its seats and is about to be rung. Durable before the INVITE leaves.

    In a performance tier, `p` is the chance that it converts and `propensity` that of this route's being offered.
    """

    attempt: str
    lease: str
    rank: int
    route: str
    target: str
    buyer: str
    tier: str
    method: str
    price: Money
    conversion: str
    decision_us: int
    snapshot: str
    hop: int = 0
    p: float | None = None
    propensity: float | None = None


class AttemptMoved(CallEvent, frozen=True, kw_only=True, tag="attempt.moved"):
    """A server did not take the call, for `reason`, and the next one is asked: the same offer under the same lease."""

    attempt: str
    reason: str
    server: str
    trunk: str | None
    leg: int = 0


class AttemptConnected(CallEvent, frozen=True, kw_only=True, tag="attempt.connected"):
    """The buyer took the call: 2xx, or press-1 where that is asked."""

    attempt: str
    ring_ms: int


class LegEnded(msgspec.Struct, frozen=True):
    """How one of several legs has ended: as an attempt does, or `elsewhere` when another one took the call."""

    dial: str
    outcome: str
    reason: str | None = None
    sip_status: int | None = None
    ring_ms: int | None = None


class AttemptEnded(CallEvent, frozen=True, kw_only=True, tag="attempt.ended"):
    """An attempt is over, with its one outcome. `duration_ms` runs from connect to BYE.

    `legs` tells them apart where several phones rang at once.
    """

    attempt: str
    outcome: str
    reason: str | None = None
    sip_status: int | None = None
    ring_ms: int | None = None
    duration_ms: int | None = None
    legs: tuple[LegEnded, ...] | None = None


class Converted(CallEvent, frozen=True, kw_only=True, tag="converted"):
    """The buyer owes `amount` for this attempt. Written when the rule's event happens, not at hang-up."""

    attempt: str
    buyer: str
    route: str
    amount: Money
    rule: str


class PayoutEarned(CallEvent, frozen=True, kw_only=True, tag="payout"):
    """The publisher earns `amount`; `attempt` is None for rules that pay for the call itself."""

    attempt: str | None
    publisher: str
    amount: Money
    rule: str
    loss: bool = False


class RecordingStarted(CallEvent, frozen=True, kw_only=True, tag="recording.started"):
    """A file is being written; `path` is relative to the data folder."""

    recording: str
    path: str
    purpose: Literal["call", "voicemail"]


class RecordingPaused(CallEvent, frozen=True, kw_only=True, tag="recording.paused"):
    """Silence is stored from now on: the flow asks for keys that may not be, or the buyer has pressed its keys."""

    recording: str
    by: PausedBy


class RecordingResumed(CallEvent, frozen=True, kw_only=True, tag="recording.resumed"):
    """Audio is stored again; `by` is whose pause was the last to end."""

    recording: str
    by: PausedBy


class RecordingEnded(CallEvent, frozen=True, kw_only=True, tag="recording.ended"):
    """The file is complete and readable, or `error` says why not."""

    recording: str
    path: str
    duration_ms: int
    error: str | None = None


class LegMeasured(CallEvent, frozen=True, kw_only=True, tag="leg.measured"):
    """How the audio of one party was, told when its leg is closed, mostly after the call's end.

    `mos` is the estimate of how the party was heard by us, from `lost` (of `packets_in` and itself), `jitter_ms` and
    `round_trip_ms`; `peer_mos` that of how it heard us, from its own RTCP reports: null when it sent none. `late` came
    late or twice; `dropped` was not the party's, or no audio. `attempt` is null for the caller.
    """

    side: Literal["caller", "buyer"]
    attempt: str | None
    mos: float | None
    peer_mos: float | None
    packets_in: int
    packets_out: int
    lost: int
    late: int
    dropped: int
    jitter_ms: float
    round_trip_ms: float | None
    peer_lost: int | None
    peer_jitter_ms: float | None
    encrypted: bool = False


class CallEnded(CallEvent, frozen=True, kw_only=True, tag="call.ended"):
    """The call is over, exactly once: its outcome and who ended it. Only `recording.ended`, `leg.measured`,
    `call.attested` and `bid.late` may follow it.
    """

    outcome: str
    reason: str | None
    ended_by: EndedBy
    duration_ms: int
    not_converted: str | None = None
    not_paid: str | None = None
    post_dial_us: int | None = None


AnyCallEvent = (
    CallReceived
    | CallAttested
    | CallRepeated
    | CallPromised
    | CallBlocked
    | CallAnswered
    | CallQualified
    | CallQueued
    | CallDequeued
    | CallRouted
    | OfferReserved
    | AttemptMoved
    | AttemptConnected
    | AttemptEnded
    | Converted
    | PayoutEarned
    | RecordingStarted
    | RecordingPaused
    | RecordingResumed
    | RecordingEnded
    | LegMeasured
    | CallEnded
    | AnyAuctionEvent
)
