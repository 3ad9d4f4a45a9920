"""What a configuration says, as frozen structs. Reading and validation are in their own files.

Every object that can turn traffic away carries the same guards (`paused`, `hours`, `limits`, `floor`, `criteria`
where they stand), and every object that can shape an offer carries the same settings. None means "not said here":
the next less specific level decides.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from trunkline.config.bids import Bid as Bid
from trunkline.config.contacts import ContactList, Duplicates, PayoutDuplicates
from trunkline.config.criteria import Node
from trunkline.config.deliveries import Deliver
from trunkline.config.flows import Flow, Prompt
from trunkline.config.hours import Hours
from trunkline.config.lead_fields import LeadField
from trunkline.config.lead_rules import LeadRules
from trunkline.config.limits import AppliesTo as AppliesTo
from trunkline.config.limits import Attestation as Attestation
from trunkline.config.limits import CallingHours as CallingHours
from trunkline.config.limits import Limit as Limit
from trunkline.config.limits import Measure as Measure
from trunkline.config.outbound import Outbound
from trunkline.config.return_rules import Returns
from trunkline.config.selling import CallBids, Margin
from trunkline.config.struct import Struct
from trunkline.config.trunks import Trunk
from trunkline.kernel.money import Money

VERSION = 1
"""The version of the configuration format."""


class Kind(StrEnum):
    """What is sold."""

    __hash__ = str.__hash__  # the same value, and not computed in Python for every look-up

    CALL = "call"
    LEAD = "lead"


class Method(StrEnum):
    """How the routes of a tier compete."""

    PRIORITY = "priority"
    WEIGHTED = "weighted"
    ROUND_ROBIN = "round_robin"
    AUCTION = "auction"
    PERFORMANCE = "performance"


class ConversionRule(Struct, frozen=True, kw_only=True):
    """The event that makes the buyer owe. `seconds` belongs to `duration`; `timer` says from when it runs."""

    event: Literal["attempt", "connect", "duration", "postback", "accepted"]
    seconds: int | None = None
    timer: Literal["incoming", "dial", "connect"] = "connect"
    offset_seconds: int = 0
    max_price: Money | None = None
    decide_within_seconds: int | None = None


class Conversion(Struct, frozen=True, kw_only=True):
    """The conversion rules for calls and for leads."""

    call: ConversionRule | None = None
    lead: ConversionRule | None = None


class Payout(Struct, frozen=True, kw_only=True):
    """What a publisher earns. `publisher` `*` is everybody; `percent` is hundredths of a percent (6000 = 60 %)."""

    publisher: str = "*"
    source: str | None = None
    applies_to: AppliesTo = "both"
    criteria: Node | None = None
    event: Literal["incoming", "connect", "duration", "convert"] = "convert"
    seconds: int | None = None
    amount: Money | None = None
    percent: int | None = None
    min: Money | None = None
    max: Money | None = None
    hours: Hours | None = None
    limits: tuple[Limit, ...] = ()
    duplicates: PayoutDuplicates | None = None
    hold_days: int | None = None
    paused: bool = False


class Recording(Struct, frozen=True, kw_only=True):
    """Whether calls are recorded, from when, and what is announced to both parties."""

    mode: Literal["off", "from_answer", "from_connect"] = "off"
    announce: str | None = None
    announce_file: str | None = None
    lang: str | None = None
    pause_keys: str | None = None


class Account(Struct, frozen=True, kw_only=True):
    """One agency. Everything else in the file belongs to it."""

    key: str
    name: str | None = None
    currency: str = "USD"
    timezone: str
    paused: bool = False
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
    hours: Hours | None = None
    limits: tuple[Limit, ...] = ()
    floor: Money | None = None
    criteria: Node | None = None
    price: Money | None = None
    conversion: Conversion | None = None
    recording: Recording | None = None
    caller_id: str | None = None
    whisper: str | None = None
    ring_seconds: int | None = None
    max_duration_seconds: int | None = None
    returns: Returns | None = None


class Publisher(Struct, frozen=True, kw_only=True):
    """Who sends traffic and earns payouts. `keys` are SHA-256 sums of its API keys, `campaigns` those they are for."""

    key: str
    name: str | None = None
    paused: bool = False
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
    hours: Hours | None = None
    limits: tuple[Limit, ...] = ()
    floor: Money | None = None
    criteria: Node | None = None
    timezone: str | None = None
    keys: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    leads_per_minute: int | None = None
    pings_per_minute: int | None = None
    ping_budget: int | None = None
    margin: Margin | None = None
    min_bid: Money | None = None


class AttributeType(Struct, frozen=True, kw_only=True):
    """The declared type of a `tag.*` attribute."""

    name: str
    type: Literal["text", "number", "date", "yes_no"] = "text"


class Campaign(Struct, frozen=True, kw_only=True):
    """What is sold: the flow that greets, the plan that routes, what is owed and earned."""

    key: str
    name: str | None = None
    flow: str
    plan: str
    answer: Literal["flow", "buyer"] = "flow"
    paused: bool = False
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
    hours: Hours | None = None
    timezone: str | None = None
    limits: tuple[Limit, ...] = ()
    floor: Money | None = None
    criteria: Node | None = None
    conversion: Conversion | None = None
    payouts: tuple[Payout, ...] = ()
    duplicates: Duplicates | None = None
    recording: Recording | None = None
    lead_fields: tuple[LeadField, ...] = ()
    leads: LeadRules = LeadRules()
    call_bids: CallBids | None = None
    attributes: tuple[AttributeType, ...] = ()
    price: Money | None = None
    caller_id: str | None = None
    whisper: str | None = None
    ring_seconds: int | None = None
    max_duration_seconds: int | None = None
    ringback: Prompt | None = None
    hold_music: Prompt | None = None
    early_media: Literal["ring", "pass"] = "ring"


class Number(Struct, frozen=True, kw_only=True):
    """A tracking number: E.164, bound to a campaign and a publisher."""

    number: str
    campaign: str
    publisher: str
    source: str | None = None
    subid: str | None = None
    key: str | None = None
    paused: bool = False
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
    hours: Hours | None = None
    floor: Money | None = None
    criteria: Node | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Funding(Struct, frozen=True, kw_only=True):
    """How a buyer pays and how far it may go."""

    mode: Literal["prepaid", "credit", "terms", "card"]
    limit: Money


class Buyer(Struct, frozen=True, kw_only=True):
    """Who pays."""

    key: str
    name: str | None = None
    paused: bool = False
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
    hours: Hours | None = None
    timezone: str | None = None
    limits: tuple[Limit, ...] = ()
    floor: Money | None = None
    criteria: Node | None = None
    returns: Returns | None = None
    funding: Funding | None = None
    not_seen_days: int | None = None
    conversion: Conversion | None = None
    price: Money | None = None
    caller_id: str | None = None
    ring_seconds: int | None = None
    max_duration_seconds: int | None = None
    whisper: str | None = None
    recording: Recording | None = None


class BuyerGroup(Struct, frozen=True, kw_only=True):
    """Several buyers that share limits."""

    key: str
    name: str | None = None
    buyers: tuple[str, ...]
    paused: bool = False
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
    hours: Hours | None = None
    timezone: str | None = None
    limits: tuple[Limit, ...] = ()
    floor: Money | None = None
    criteria: Node | None = None


class PauseAfter(Struct, frozen=True, kw_only=True):
    """So many unanswered offers in a row within `window_seconds` pause a target for `cool_down_seconds`."""

    no_answers: int
    window_seconds: int = 600
    cool_down_seconds: int = 900


class Target(Struct, frozen=True, kw_only=True):
    """One place a buyer takes traffic: `dial` for calls or `deliver` for leads, exactly one."""

    key: str
    buyer: str
    name: str | None = None
    dial: str | None = None
    also_dial: tuple[str, ...] = ()
    deliver: Deliver | None = None
    bid: Bid | None = None
    trunk: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    paused: bool = False
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
    hours: Hours | None = None
    timezone: str | None = None
    limits: tuple[Limit, ...] = ()
    floor: Money | None = None
    criteria: Node | None = None
    conversion: Conversion | None = None
    conversion_offset_seconds: int | None = None
    price: Money | None = None
    caller_id: str | None = None
    ring_seconds: int | None = None
    first_response_seconds: int | None = None
    keepalive_seconds: int | None = None
    wrap_up_seconds: int | None = None
    pause_after: PauseAfter | None = None
    max_duration_seconds: int | None = None
    whisper: str | None = None
    whisper_file: str | None = None
    press_to_accept: str | None = None
    press_seconds: int | None = None
    post_answer_digits: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    recording: Recording | None = None
    on_timeout: Literal["next", "stop"] = "next"
    test_url: str | None = None


class Route(Struct, frozen=True, kw_only=True):
    """A target at a price for certain traffic. `min_score` is in millionths."""

    target: str
    key: str | None = None
    priority: int = 1
    weight: int = 1
    hops: tuple[int, ...] = (0,)
    sells: Literal["exclusive", "shared"] | None = None
    price: Money | None = None
    min_score: int | None = None
    criteria: Node | None = None
    paused: bool = False
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
    hours: Hours | None = None
    timezone: str | None = None
    limits: tuple[Limit, ...] = ()
    floor: Money | None = None
    conversion: Conversion | None = None
    caller_id: str | None = None
    ring_seconds: int | None = None
    max_duration_seconds: int | None = None
    whisper: str | None = None
    recording: Recording | None = None


class Performance(Struct, frozen=True, kw_only=True):
    """How the rates of a tier are learned and tried out. `trial_share` is in millionths (20000 = 0.02)."""

    trial_offers: int = 30
    trial_share: int = 20_000
    min_samples: int = 30
    half_life_days: int = 14


class Tier(Struct, frozen=True, kw_only=True):
    """Routes that compete by one method. `min_score` is in millionths."""

    key: str | None = None
    method: Method
    routes: tuple[Route, ...] = ()
    paused: bool = False
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
    hours: Hours | None = None
    floor: Money | None = None
    criteria: Node | None = None
    deadline_ms: int | None = None
    min_score: int | None = None
    performance: Performance | None = None


class NoBuyer(Struct, frozen=True, kw_only=True):
    """What a caller hears when nobody takes the call."""

    say: str | None = None
    file: str | None = None
    lang: str | None = None
    then: Literal["hang_up", "voicemail"] = "hang_up"


class Plan(Struct, frozen=True, kw_only=True):
    """Ordered tiers, what bounds them, and what happens when all have passed."""

    key: str
    tiers: tuple[Tier, ...] = ()
    paused: bool = False
    min_attestation: Attestation | None = None
    suppress: tuple[str, ...] = ()
    require_listed: tuple[str, ...] = ()
    calling_hours: CallingHours | None = None
    hours: Hours | None = None
    timezone: str | None = None
    floor: Money | None = None
    criteria: Node | None = None
    conversion: Conversion | None = None
    price: Money | None = None
    caller_id: str | None = None
    ring_seconds: int | None = None
    max_duration_seconds: int | None = None
    whisper: str | None = None
    recording: Recording | None = None
    max_offers: int = 10
    patience_seconds: int | None = None
    fallback: str | None = None
    no_buyer: NoBuyer | None = None
    reroute_seconds: int = 0
    reroute_again: bool = False
    share_buyers: int = 1


class AccountConfig(Struct, frozen=True, kw_only=True):
    """All of one account."""

    account: Account
    lists: tuple[ContactList, ...] = ()
    publishers: tuple[Publisher, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    numbers: tuple[Number, ...] = ()
    buyers: tuple[Buyer, ...] = ()
    buyer_groups: tuple[BuyerGroup, ...] = ()
    targets: tuple[Target, ...] = ()
    plans: tuple[Plan, ...] = ()
    flows: tuple[Flow, ...] = ()


class Platform(Struct, frozen=True, kw_only=True):
    """What is shared by all accounts of one installation."""

    outbound: Outbound = Outbound()
    trunks: tuple[Trunk, ...] = ()


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One whole valid configuration.

    `digest` is the SHA-256 of its canonical JSON; `base` the folder of its files; `files` the lists that it was read
    with, whose values stand in it.
    """

    platform: Platform
    accounts: tuple[AccountConfig, ...]
    digest: str
    base: str
    files: tuple[str, ...] = ()
