"""What becomes of leads that go by e-mail, as files or as short messages, after their buyers count as having them.

The lead itself is over with `delivery.ended` (outcome `queued`). From `delivery.queued` on the outbox has it, until
`delivery.sent` or `delivery.dropped`.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec


class QueuedDelivery(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """What all these events say: whose it is, which lead (`call`) and attempt, when (UTC milliseconds)."""

    VERSION: ClassVar[int] = 1
    PERSONAL: ClassVar[frozenset[str]] = frozenset()

    account: str
    call: str
    at_ms: int
    attempt: str


class DeliveryQueued(QueuedDelivery, frozen=True, kw_only=True, tag="delivery.queued"):
    """The lead will reach its buyer by e-mail, as a file or as a short message. Durable with the acceptance.

    `values` is all that was known of the lead: what is sent is made of it when it is sent. Not before `due_ms`.
    """

    PERSONAL = frozenset({"values"})

    kind: str
    buyer: str
    target: str
    campaign: str
    due_ms: int
    values: dict[str, str]


class DeliveryTried(QueuedDelivery, frozen=True, kw_only=True, tag="delivery.tried"):
    """It did not go out, for the `tries`th time, and is tried again from `next_ms` on. `detail` is what was heard."""

    tries: int
    reason: str
    detail: str
    next_ms: int


class DeliverySent(QueuedDelivery, frozen=True, kw_only=True, tag="delivery.sent"):
    """It went out as the delivery of that id, alone or with others: the server, or the provider, has taken it.

    `name` is the message's id, the file's name or the provider's id; `tries` counts those that failed before.
    """

    delivery: str
    name: str
    tries: int


class DeliveryDead(QueuedDelivery, frozen=True, kw_only=True, tag="delivery.dead"):
    """It is a dead letter: it cannot go out as it is, or has been tried often enough. Nothing is tried any more."""

    tries: int
    reason: str
    detail: str


class DeliveryReplayed(QueuedDelivery, frozen=True, kw_only=True, tag="delivery.replayed"):
    """Somebody wants it tried again, as if it had just been queued; the command before it says who."""


class DeliveryDropped(QueuedDelivery, frozen=True, kw_only=True, tag="delivery.dropped"):
    """Somebody wants it sent no more; the command before it says who."""


AnyDeliveryEvent = DeliveryQueued | DeliveryTried | DeliverySent | DeliveryDead | DeliveryReplayed | DeliveryDropped
