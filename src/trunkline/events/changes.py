"""Changes of the switch's state tables, written in the same transaction as the events that cause them.

The tables are what a restarted switch needs before it can decide again: counters, held leases, round-robin turns,
calls and legs that are open, and which contacts have been seen.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.events.contacts import Seen
from trunkline.events.returns import StoredReturn
from trunkline.kernel.leases import CapacityChange
from trunkline.kernel.money import Money


class StoredLeg(msgspec.Struct, frozen=True, gc=False):
    """A leg whose peer must be told if we crash. `identifiers` is the driver's own encoding, opaque to the journal.

    They hold numbers, so on disk they are sealed under the key of `contact`, the caller's; None when that key is gone.
    `attempt` is None for the caller's leg; `confirmed` says whether it takes a BYE (else a CANCEL, or nothing for a
    caller who was not answered).
    """

    leg: str
    account: str
    call: str
    contact: str
    attempt: str | None
    confirmed: bool
    identifiers: bytes | None


class StoredCall(msgspec.Struct, frozen=True, gc=False):
    """A call that is going on: what recovery needs to end it.

    `attempt` is the running one, `recordings` ids and paths of files being written; `ended` says that `call.ended`
    is written and only files are left to close.
    """

    call: str
    account: str
    contact: str
    attempt: str | None = None
    connected: bool = False
    recordings: tuple[tuple[str, str], ...] = ()
    ended: bool = False


class LegPut(msgspec.Struct, frozen=True, gc=False, tag="leg.put"):
    """The leg is open, or its identifiers have changed."""

    leg: StoredLeg


class LegDrop(msgspec.Struct, frozen=True, gc=False, tag="leg.drop"):
    """The leg is over; nobody needs to be told."""

    leg: str


class CallPut(msgspec.Struct, frozen=True, gc=False, tag="call.put"):
    """The call is open, or has moved on."""

    call: StoredCall


class CallDrop(msgspec.Struct, frozen=True, gc=False, tag="call.drop"):
    """Nothing of the call is left to do."""

    call: str


class ContactSeen(msgspec.Struct, frozen=True, gc=False, tag="contact.seen"):
    """A contact (by keyed hash) called a campaign, last at `at_ms`."""

    account: str
    campaign: str
    contact: str
    at_ms: int


class ContactHad(msgspec.Struct, frozen=True, gc=False, tag="contact.had"):
    """Something has happened with a contact (by keyed hash) that rules about duplicates ask for."""

    account: str
    contact: str
    seen: Seen


class StoredList(msgspec.Struct, frozen=True, gc=False):
    """A contact list that a command has loaded from `file`; `digest` names its content and its own file."""

    account: str
    list: str
    digest: str
    entries: int
    file: str
    at_ms: int


class ListPut(msgspec.Struct, frozen=True, gc=False, tag="list.put"):
    """The list has been loaded, in place of what it held."""

    list: StoredList


class ListDrop(msgspec.Struct, frozen=True, gc=False, tag="list.drop"):
    """The list holds nothing that was loaded."""

    account: str
    list: str


class CommandKept(msgspec.Struct, frozen=True, gc=False, tag="command.kept"):
    """A command was done: whoever asks for it again with the same key gets `answer` (JSON) and nothing is done twice.

    `digest` is the SHA-256 of the command with its arguments: the same key with others is a mistake.
    """

    key: str
    digest: bytes
    at_ms: int
    answer: bytes


class RatesPut(msgspec.Struct, frozen=True, gc=False, tag="rates.put"):
    """From `at_ms` on this is the account's rate book (JSON), of this version. Earlier ones are kept for a while."""

    account: str
    version: str
    at_ms: int
    book: bytes


class StoredPing(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A bid that stands, or was taken up: the terms that bind us, and what the lead or call must be to have them.

    `said` are keyed digests of what was said of the fields, `repeat` one of the whole ping; `caller` the keyed hash of
    who is to call `number`, or a SHA-256 sum of the number with `sha256:` before it. `bids` are what bidders
    answered, opaque to the journal. `lease` and `attempt` name the seat that is held once a call is confirmed. `by` is
    the lead or call that it became. `facts` is what was stated of a caller, opaque to the journal: on disk it is sealed
    under the key of `contact`, and None when that key is gone.
    """

    ping: str
    account: str
    publisher: str
    source: str | None
    campaign: str
    kind: Literal["lead", "call"]
    made_ms: int
    expires_ms: int
    bid: int
    floor: int
    currency: str
    route: str
    target: str
    seed: int
    contact: str
    repeat: str
    event: Literal["convert", "connect", "duration"] = "convert"
    after_ms: int = 0
    said: dict[str, str] = msgspec.field(default_factory=dict)
    bids: bytes | None = None
    number: str | None = None
    caller: str | None = None
    lease: str | None = None
    attempt: str | None = None
    by: str | None = None
    facts: bytes | None = None
    test: bool = False


class PingPut(msgspec.Struct, frozen=True, gc=False, tag="ping.put"):
    """The ping was bid for, or has moved on."""

    ping: StoredPing


class PingDrop(msgspec.Struct, frozen=True, gc=False, tag="ping.drop"):
    """Nobody can take up the ping any more."""

    ping: str


class StoredDelivery(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A lead that waits to go out by e-mail, as a file or a message; `dead`: not until somebody says so.

    `tries` have failed; nothing is tried before `due_ms`. `reason` and `detail` are those of the last try.
    """

    attempt: str
    account: str
    call: str
    target: str
    kind: str
    state: Literal["waiting", "dead"] = "waiting"
    queued_ms: int
    due_ms: int
    tries: int = 0
    reason: str = ""
    detail: str = ""


class OutboxPut(msgspec.Struct, frozen=True, gc=False, tag="outbox.put"):
    """The delivery waits in the outbox, or is a dead letter."""

    delivery: StoredDelivery


class OutboxDrop(msgspec.Struct, frozen=True, gc=False, tag="outbox.drop"):
    """The delivery has gone out, or is not to."""

    attempt: str


class ClaimPut(msgspec.Struct, frozen=True, gc=False, tag="claim.put"):
    """The TrustedForm certificate of a lead that was sold is to be claimed."""

    lead: str
    account: str


class ClaimDrop(msgspec.Struct, frozen=True, gc=False, tag="claim.drop"):
    """It was claimed, or cannot be."""

    lead: str


class PostName(msgspec.Struct, frozen=True, gc=False):
    """The `Idempotency-Key` that a publisher sent with a post, and the digest of what it posted."""

    key: str
    digest: bytes


class StoredLead(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A lead that is being sold, or waits for a person: what a restart needs to go on with it.

    What the lead says stands in its `lead.received`. `sale` is the open offer in the engine's own encoding, whose post
    may have left; `bought` are attempts whose buyers have the lead, `paid` is what its publisher has earned; `held` is
    why a person looks at it first. `plan` is the one that it is sold by, where that is not its campaign's; `promise`
    what its publisher was bid for it, in the engine's own encoding.
    """

    lead: str
    account: str
    campaign: str
    publisher: str
    contact: str
    received_ms: int
    sale: bytes | None = None
    bought: tuple[str, ...] = ()
    paid: Money | None = None
    held: str | None = None
    plan: str | None = None
    post: PostName | None = None
    promise: bytes | None = None


class LeadPut(msgspec.Struct, frozen=True, gc=False, tag="lead.put"):
    """The lead is being sold or held, or has moved on."""

    lead: StoredLead


class LeadDrop(msgspec.Struct, frozen=True, gc=False, tag="lead.drop"):
    """Nothing of the lead is left to do."""

    lead: str


class StoredResale(msgspec.Struct, frozen=True, gc=False):
    """A lead that is to be offered again at `due_ms` (UTC), for the `round`th time."""

    lead: StoredLead
    due_ms: int
    round: int


class ResalePut(msgspec.Struct, frozen=True, gc=False, tag="resale.put"):
    """The lead is to be offered again."""

    resale: StoredResale


class ResaleDrop(msgspec.Struct, frozen=True, gc=False, tag="resale.drop"):
    """The lead is being offered again, or is not to be any more."""

    lead: str


class PostKept(msgspec.Struct, frozen=True, gc=False, tag="post.kept"):
    """A post was answered: whoever sends it again with the same key gets the same `status` (of HTTP) and `answer`.

    `digest` is the SHA-256 of what was posted: the same key with another body is a mistake.
    """

    account: str
    publisher: str
    key: str
    digest: bytes
    status: int
    answer: bytes
    at_ms: int


class PenaltiesPut(msgspec.Struct, frozen=True, gc=False, tag="penalties.put"):
    """From `at_ms` on these are the account's return penalties (JSON: hundredths of a percent by target)."""

    account: str
    at_ms: int
    penalties: bytes


class TargetPut(msgspec.Struct, frozen=True, gc=False, tag="target.put"):
    """What a restart must know of a target's status: whether it is away, and until when it is paused (0: it is not)."""

    account: str
    target: str
    away: bool
    paused_until_ms: int


class KeyPut(msgspec.Struct, frozen=True, gc=False, tag="key.put"):
    """A publisher's API key is in force, known by its SHA-256 (hex); until `until_ms` (0: until it is revoked)."""

    account: str
    publisher: str
    sha256: str
    scopes: tuple[str, ...]
    made_ms: int
    until_ms: int = 0


class KeyDrop(msgspec.Struct, frozen=True, gc=False, tag="key.drop"):
    """A publisher's API key is not in force any more."""

    account: str
    sha256: str


class ReturnPut(msgspec.Struct, frozen=True, gc=False, tag="return.put"):
    """Somebody wants to send a sale back, or that was decided upon."""

    stored: StoredReturn


Change = (
    CapacityChange
    | LegPut
    | LegDrop
    | CallPut
    | CallDrop
    | ContactSeen
    | ContactHad
    | ListPut
    | ListDrop
    | CommandKept
    | RatesPut
    | PenaltiesPut
    | TargetPut
    | PingPut
    | PingDrop
    | ClaimPut
    | ClaimDrop
    | LeadPut
    | LeadDrop
    | PostKept
    | KeyPut
    | KeyDrop
    | OutboxPut
    | OutboxDrop
    | ReturnPut
    | ResalePut
    | ResaleDrop
)
