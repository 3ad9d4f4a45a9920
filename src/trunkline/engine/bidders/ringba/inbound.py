"""Bid requests as they are sent to Ringba, and answers as Ringba gives them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from trunkline.engine.bidders.hearing import Heard, Quote, exact, facts_of, taken_out

REPEATED: Final = 230
"""The warning that a bid is the one that was made before."""
_NO_CAPACITY: Final = 1003
_CODES: Final[Mapping[str, int]] = {"caller_required": 1100, "pings_per_minute": 1024, "ping_budget": 1024}
_YES: Final = frozenset({"yes", "true", "1"})


def heard(fields: Mapping[str, str]) -> Heard:
    """`CID`, `sipOk` and `exposeCallerId` are Ringba's; everything else is a tag."""
    (caller, sip, _, sub), rest = taken_out(fields, "CID", "sipOk", "exposeCallerId", "SubID")
    return Heard(
        caller=caller,
        source=sub,
        sip=(sip or "").casefold() in _YES,
        facts=facts_of(rest, zipcode="zip", state="state"),
    )


def bid(quote: Quote, utc_ms: int) -> dict[str, Any]:
    """A bid, with its end as seconds, as text and in milliseconds, and the number with and without its plus."""
    out: dict[str, Any] = {
        "bidId": quote.ping,
        "bidAmount": exact(quote.amount),
        "expireInSeconds": max(0, (quote.expires_ms - utc_ms) // 1_000),
        "bidExpireDT": _written(quote.expires_ms),
        "bidExpireEpoch": quote.expires_ms,
    }
    if quote.dial is not None and quote.dial.startswith("+"):
        out |= {"phoneNumber": quote.dial, "phoneNumberNoPlus": quote.dial.removeprefix("+")}
    elif quote.dial is not None:
        out["sipAddress"] = quote.dial.partition(":")[2]
    if quote.seconds is not None:
        out["bidTerms"] = [{"code": 100, "callMinDuration": quote.seconds}]
    if quote.repeated:
        out["warnings"] = [{"code": REPEATED, "description": "the bid for this caller has not ended"}]
    return out


def no_bid(reason: str) -> dict[str, Any]:
    """Nothing is bid."""
    return {"bidAmount": 0, "rejectReason": f"{reason} (Code: {_CODES.get(reason, _NO_CAPACITY)})"}


def _written(utc_ms: int) -> str:
    """`8/12/2025 4:12:56 PM +00:00`, without zeros before day and month."""
    at = datetime.fromtimestamp(utc_ms // 1_000, UTC)
    hour = at.hour % 12 or 12
    return f"{at.month}/{at.day}/{at.year} {hour}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'} +00:00"
