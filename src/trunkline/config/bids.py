"""What a configuration says of asking bidders: how a ping is written, how the answer is read, what a bid may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from trunkline.config.criteria import Node
from trunkline.config.hours import Hours
from trunkline.config.limits import Attestation, CallingHours, Limit
from trunkline.config.struct import Struct
from trunkline.kernel.money import Money

DialectName = Literal["generic", "ringba", "retreaver", "trackdrive"]
CallerShown = Literal["full", "masked", "hashed"]


class BidAuth(Struct, frozen=True, kw_only=True):
    """How we prove who we are to a bidder, one of: `bearer`; `username` and `password`; `header` and `value`.

    Secrets come from the environment: `${ENV:NAME}`.
    """

    bearer: str | None = None
    username: str | None = None
    password: str | None = None
    header: str | None = None
    value: str | None = None


class BidsWhen(Struct, frozen=True, kw_only=True):
    """What an answer must be. All that is said must hold; `path` alone asks for a value that is there and not false."""

    path: str | None = None
    equals: str | None = None
    status: int | None = None
    text: str | None = None


class Confirm(Struct, frozen=True, kw_only=True):
    """The request that tells a bidder that it has won, before it is dialled or posted to.

    Without `fields` it says the ping's id, the bid's id and the bid. Without `accepted_when` any 2xx is a yes.
    """

    url: str
    method: Literal["POST", "PUT", "PATCH", "GET"] = "POST"
    format: Literal["json", "form", "xml"] = "json"
    root: str = "confirm"
    fields: Mapping[str, str] = msgspec.field(default_factory=dict)
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    accepted_when: BidsWhen | None = None
    number_path: str | None = None
    reason_path: str | None = None
    timeout_ms: int | None = None


class Bid(Struct, frozen=True, kw_only=True):
    """How a target is asked for its price in auctions; [bidders](bidders.md) shows every dialect by example.

    `method`, `format`, `root`, `bids_when` and the paths belong to the dialect `generic`; the other dialects know their
    own. `fields` are added to what those send.
    """

    dialect: DialectName
    url: str
    timeout_ms: int = 800
    method: Literal["POST", "PUT", "GET"] = "POST"
    format: Literal["json", "form", "xml"] = "json"
    root: str = "ping"
    fields: Mapping[str, str] = msgspec.field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    auth: BidAuth | None = None
    caller: CallerShown = "masked"
    bids_when: BidsWhen | None = None
    bid_path: str = "bid"
    id_path: str = "ping_id"
    number_path: str = "number"
    duration_path: str = "terms.seconds"
    expires_path: str = "expires_at"
    currency_path: str = "currency"
    reason_path: str = "reasons[0]"
    confirm: Confirm | None = None
    adaptive: bool = True
    simulate: bool = False
    ttl_seconds: int | None = None
    concurrency: int | None = None
    allow: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    paused: bool = False
    hours: Hours | None = None
    floor: Money | None = None
    criteria: Node | None = None
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
