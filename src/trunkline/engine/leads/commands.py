"""What the lead machine wants done."""

from __future__ import annotations

import msgspec

from trunkline.engine.leads.sales import Sale
from trunkline.events.calls import RoutingOutcome
from trunkline.events.entry import Event
from trunkline.kernel.money import Money


class Write(msgspec.Struct, frozen=True, gc=False):
    """Put an event into the journal, after those before it."""

    event: Event


class Remember(msgspec.Struct, frozen=True, gc=False):
    """Keep, with what is written next, what a restart must know of this lead: the open sale, or why it is held."""

    sale: Sale | None = None
    bought: tuple[str, ...] = ()
    paid: Money | None = None
    held: str | None = None


class Tell(msgspec.Struct, frozen=True, gc=False):
    """Answer whoever sent the lead. Nothing comes after it."""

    status: str
    payout: Money | None = None
    reason: str | None = None
    of: str | None = None


class Keep(msgspec.Struct, frozen=True, gc=False):
    """Keep, with what is written next, what whoever sent the lead will be answered, for when it asks again."""

    answer: Tell


class Forget(msgspec.Struct, frozen=True, gc=False):
    """Nothing of the lead is left to do."""


class Await(msgspec.Struct, frozen=True, gc=False):
    """Answer `Durable` when everything written so far is on disk, or `NotDurable`. `new`: it begins something."""

    new: bool = False


class Seek(msgspec.Struct, frozen=True, gc=False):
    """Find and reserve the next offer: answer `Offered` or `Exhausted`."""


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


class Post(msgspec.Struct, frozen=True, gc=False):
    """Send the lead to the target of the sale: answer `Delivered`."""

    sale: Sale


Command = Write | Remember | Keep | Forget | Await | Seek | WriteRouting | Settle | Release | Post | Tell
