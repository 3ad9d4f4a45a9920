"""The documents that publishers are answered with, one struct each: what OpenAPI tells of them is made from these."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from trunkline.engine.leads.field_codes import FieldCode

LeadId = Annotated[str, Meta(description="The lead's id; ask about the lead by it.", examples=["lead_01JDC2M0V8…"])]
Words = Annotated[str, Meta(description="What happened and what to do, for people.")]
Test = Annotated[bool, Meta(description="True for test leads; left out else.")]


class Accepted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A buyer took the lead."""

    id: LeadId
    status: Literal["accepted"]
    payout: Annotated[str, Meta(description="What it earns, in major units.", examples=["21.00"])] | None
    currency: Annotated[str, Meta(description="ISO 4217.", examples=["USD"])]
    test: Test = False


class Unmatched(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Nobody took the lead. It is known and over: it need not be sent again."""

    id: LeadId
    status: Literal["unmatched"]
    reasons: Annotated[list[str], Meta(description="Public codes of why.", examples=[["no_buyer_area"]])]
    test: Test = False


class Held(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person looks at the lead before it is sold."""

    id: LeadId
    status: Literal["held"]
    test: Test = False


class Duplicate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The campaign has had the lead before; or the same idempotency key came with another body."""

    status: Literal["duplicate", "idempotency_conflict"]
    message: Words
    id: LeadId | None = None
    of: Annotated[str, Meta(description="The earlier call or lead.")] | None = None
    test: Test = False


PingId = Annotated[str, Meta(description="What is sent again to take the bid up.", examples=["ping_01JDC2M0V8….…"])]
Until = Annotated[str, Meta(description="When the bid ends: ISO 8601, UTC.")]


class Terms(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the bid for a call is earned by: `seconds` of talking for `duration`."""

    event: Literal["connect", "duration", "convert"]
    seconds: int | None = None


class Bidden(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bid; for a call, where it is to be sent and what earns it."""

    status: Literal["bid", "confirmed"]
    ping_id: PingId
    bid: Annotated[str, Meta(description="What is paid, in major units.", examples=["27.00"])]
    currency: Annotated[str, Meta(description="ISO 4217.", examples=["USD"])]
    expires_at: Until
    number: Annotated[str, Meta(description="Where a call is to be sent, E.164.")] | None = None
    sip: Annotated[str, Meta(description="The same as a SIP address, for trunks of the switch.")] | None = None
    terms: Terms | None = None
    test: Test = False


class NotBidden(Struct, frozen=True, kw_only=True):
    """Nothing is bid."""

    status: Literal["no_bid"]
    reasons: Annotated[list[str], Meta(description="Public codes of why.", examples=[["no_buyer_area"]])]


class NoTarget(Struct, frozen=True, kw_only=True):
    """The room went meanwhile; the bid has ended."""

    status: Literal["no_target"]
    ping_id: PingId
    message: Words


class WrongField(Struct, frozen=True, kw_only=True):
    """One field that is missing or wrong."""

    field: Annotated[str, Meta(description="Its name in the campaign's form, or `consent.NAME`.")]
    code: FieldCode
    message: Words


class Invalid(Struct, frozen=True, kw_only=True):
    """Fields are missing or wrong, all of them told. Nothing was taken: correct them and send the lead again."""

    status: Literal["invalid"]
    message: Words
    field_errors: list[WrongField]


class Refused(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The request was not done. `id` stands there only where a lead was received and could not be sold to the end."""

    status: Annotated[str, Meta(description="What is wrong, for programs.")]
    message: Words
    id: LeadId | None = None
    test: Test = False
