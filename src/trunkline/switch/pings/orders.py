"""What is asked of the desk that answers pings, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from trunkline.engine.leads.form import FieldError
from trunkline.kernel.money import Money


class PingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks for a bid: which publisher, on which campaign of its account, from which source of its own.

    `hops` are the installations that the question has passed, None when nobody can tell.
    """

    account: str
    campaign: str
    publisher: str
    source: str | None
    hops: tuple[str, ...] | None = ()


class LeadPing(PingOrder, frozen=True, kw_only=True):
    """For a lead, of which `fields` are said as publishers name them; `consent` are the texts of one that was read.

    A `test` is for one that is sold to nobody.
    """

    fields: Mapping[str, Any]
    consent: Mapping[str, str] = {}
    test: bool = False


class CallPing(PingOrder, frozen=True, kw_only=True):
    """For a call: who calls, by number, SHA-256 sum (hex) of the number or its beginning, and what is known besides.

    `number` is the tracking number that it will come on, where the publisher says which.
    """

    caller: str | None = None
    caller_sha256: str | None = None
    caller_prefix: str | None = None
    number: str | None = None
    facts: Mapping[str, Any] = {}


class Bidding(msgspec.Struct, frozen=True, kw_only=True):
    """A bid, durably. `token` is what the publisher sends again; for a call, where it is to go and what earns it."""

    token: str
    bid: Money
    expires_ms: int
    number: str | None = None
    sip: str | None = None
    event: str | None = None
    after_ms: int = 0
    repeated: bool = False
    test: bool = False


class NoBidding(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is bid; `reasons` are public codes."""

    reasons: tuple[str, ...]


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked cannot be done: the status of HTTP, a code, words for whoever asked, when to ask again."""

    status: int
    code: str
    message: str
    retry_s: int | None = None
    errors: tuple[FieldError, ...] = ()


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """A seat is held for the call, or none is left for it (`held` False)."""

    held: bool
    bidding: Bidding
