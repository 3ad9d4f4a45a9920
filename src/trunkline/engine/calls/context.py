"""What is fixed about a call when it arrives."""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.config.flows import Prompt
from trunkline.config.schema import Recording
from trunkline.engine.terms.terms import PayoutTerms

DEFAULT_ANNOUNCEMENT = "This call may be recorded."
"""Said before recording when the configuration names no words of its own."""


class CallContext(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One call on one tracking number, under the configuration it arrived with.

    `caller` is E.164 or None; `contact` the keyed hash its personal fields are sealed under; `refusal` a reason for
    not routing it at all (`paused`); `payout` the publisher's rule if it pays for arriving; `pays` whether the
    campaign has payout rules; `record` whether, by campaign and account, calls are recorded (a target may say
    otherwise); `early_media` whether the caller hears a buyer's side before it answers.
    """

    call: str
    account: str
    number: str
    campaign: str
    publisher: str
    source: str | None
    caller: str | None
    caller_given: str
    contact: str
    trunk: str
    snapshot: str
    answer: Literal["flow", "buyer"] = "flow"
    refusal: str | None = None
    payout: PayoutTerms | None = None
    pays: bool = True
    record: Recording | None = None
    ringback: Prompt | None = None
    hold_music: Prompt | None = None
    early_media: Literal["ring", "pass"] = "ring"
    attestation: str | None = None
    attested_by: str | None = None
    diverted_from: str | None = None
