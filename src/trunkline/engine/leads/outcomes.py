"""How leads and their deliveries can end."""

from __future__ import annotations

from enum import StrEnum


class LeadOutcome(StrEnum):
    """Every lead ends in exactly one of these; `held` ends when a person has looked at it."""

    SOLD = "sold"
    UNSOLD = "unsold"
    HELD = "held"
    DUPLICATE = "duplicate"
    BLOCKED = "blocked"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class DeliveryOutcome(StrEnum):
    """Every delivery ends in exactly one of these."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    TIMEOUT = "timeout"
    HTTP_ERROR = "http_error"
    QUEUED = "queued"
    CAPACITY_LOST = "capacity_lost"
    INTERRUPTED = "interrupted"


TAKEN = frozenset({DeliveryOutcome.ACCEPTED, DeliveryOutcome.QUEUED})
"""The buyer has the lead: what is durably queued for it will reach it."""
