"""What a configuration says of the leads of a campaign, besides the fields of its form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from trunkline.config.review_rules import Resale, Review
from trunkline.config.selling import PING_TTL_S, Margin
from trunkline.config.struct import Struct
from trunkline.kernel.money import Money

CERTIFICATES: Final = "https://cert.trustedform.com"
"""Where TrustedForm keeps its certificates: their URLs begin so, and credentials go nowhere else."""


class TrustedForm(Struct, frozen=True, kw_only=True):
    """Retains the TrustedForm certificate of a lead in one's own account there, and has it compared with the lead."""

    claim: bool = True
    key_env: str
    before_sale: bool = False
    deadline_ms: int = 3000
    certificates: str = CERTIFICATES


class Lookup(Struct, frozen=True, kw_only=True):
    """Asks a web server about a lead before it is routed; `into` maps tags to paths of its JSON answer."""

    url: str
    into: Mapping[str, str]
    method: Literal["GET", "POST"] = "GET"
    fields: Mapping[str, str] = msgspec.field(default_factory=dict)
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    timeout_ms: int = 500


class LeadRules(Struct, frozen=True, kw_only=True):
    """How a campaign takes leads. `same_by` are the fields that make two leads the same; none: the phone number.

    `honeypot`, `min_seconds` and `too_fast` find programs among those who fill in forms. `margin`, `min_bid`,
    `allow_loss` and `ping_ttl_seconds` are of the bids that publishers are made.
    """

    same_by: tuple[str, ...] = ()
    honeypot: str | None = None
    min_seconds: int | None = None
    too_fast: Literal["flag", "block"] = "flag"
    consent: Literal["none", "required", "named"] = "none"
    trustedform: TrustedForm | None = None
    lookups: tuple[Lookup, ...] = ()
    margin: Margin | None = None
    min_bid: Money | None = None
    allow_loss: bool = False
    ping_ttl_seconds: int = PING_TTL_S
    review: Review | None = None
    resale: Resale | None = None
