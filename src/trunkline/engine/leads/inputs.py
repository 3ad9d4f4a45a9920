"""What the lead machine is told."""

from __future__ import annotations

import msgspec

from trunkline.engine.leads.outcomes import DeliveryOutcome
from trunkline.engine.leads.sales import Sale
from trunkline.engine.routing.offer import Offer
from trunkline.kernel.money import Money

REJECTED = "review_rejected"
EXPIRED = "review_expired"


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """The lead has passed its campaign's form."""


class Resumed(msgspec.Struct, frozen=True, gc=False):
    """The lead was taken in by a process that is gone. `sale` is the offer that was open then: its post may have left.

    `bought` are attempts whose buyers have the lead, `paid` what the publisher has earned.
    """

    sale: Sale | None = None
    bought: tuple[str, ...] = ()
    paid: Money | None = None


class Reviewed(msgspec.Struct, frozen=True, gc=False):
    """A person has looked at the held lead: `by` is who, `approved` whether it may be sold, else `reason` why not.

    `paid` is what the publisher had earned when it came in.
    """

    by: str
    approved: bool
    reason: str = REJECTED
    paid: Money | None = None


class Aged(msgspec.Struct, frozen=True, gc=False):
    """Nobody took the lead, and it is offered again by `plan`, for the `round`th time; `paid` as above."""

    round: int
    plan: str
    paid: Money | None = None


class Offered(msgspec.Struct, frozen=True, gc=False):
    """The next offer, its seats held, as attempt `attempt`; it took `decision_us` to find.

    An `exclusive` one is sold to this buyer alone.
    """

    offer: Offer
    attempt: str
    decision_us: int
    exclusive: bool = True


class Exhausted(msgspec.Struct, frozen=True, gc=False):
    """Nobody else can be offered the lead. `of` is the call or lead that it repeats, where that is why."""

    reason: str
    of: str | None = None


class Durable(msgspec.Struct, frozen=True, gc=False):
    """Everything written so far is on disk."""


class NotDurable(msgspec.Struct, frozen=True, gc=False):
    """The journal could not keep what was written since it was last asked."""


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """The post is over. `status` is of HTTP, `sent` says whether the buyer may have got it.

    `stop`: nobody else may be offered the lead, because this buyer may have taken it without our knowing.
    """

    outcome: DeliveryOutcome
    reason: str | None = None
    status: int | None = None
    took_ms: int | None = None
    buyers_id: str | None = None
    sent: bool = True
    stop: bool = False


Input = Arrived | Resumed | Reviewed | Aged | Offered | Exhausted | Durable | NotDurable | Delivered
