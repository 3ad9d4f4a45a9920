"""What a publisher was promised for one caller or lead: the bid, and what a sale must bring to cover it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trunkline.engine.terms.terms import ConversionTerms, PayoutTerms
from trunkline.events.calls import CallPromised
from trunkline.kernel.money import Money


class Promise(msgspec.Struct, frozen=True, gc=False):
    """The terms of one bid. `payout` counts in place of every payout rule; `ping` is the id of what was asked.

    No price below `floor` covers it. `first` is the target whose price the bid was made of: it is asked before all
    others. With `strict` nobody may owe later than the publisher is paid: else who hangs up in between is a loss.
    """

    ping: str
    payout: PayoutTerms
    floor: Money
    first: str | None = None
    strict: bool = True

    @property
    def asks_when(self) -> bool:
        """Whether it matters when a buyer owes."""
        return self.strict and self.payout.event != "convert"

    @property
    def paused(self) -> bool:
        """Never: it stands among the guards of a caller for its floor."""
        return False


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Promise).decode


def packed(promise: Promise) -> bytes:
    """The promise as it is kept; `unpacked` reads it."""
    return _encode(promise)


def unpacked(data: bytes) -> Promise:
    """A promise that was kept."""
    return _decode(data)


def told(promise: Promise, account: str, call: str, at_ms: int, bids: Mapping[str, Money]) -> CallPromised:
    """The event that says of a call or lead what was promised for it; `bids` by target are what bidders said."""
    payout = promise.payout
    assert payout.amount is not None, "a bid is an amount"
    assert payout.event != "incoming", "a bid is earned by a sale"
    return CallPromised(
        account=account,
        call=call,
        at_ms=at_ms,
        ping=promise.ping,
        bid=payout.amount,
        floor=promise.floor,
        event=payout.event,
        after_ms=payout.after_ms,
        first=promise.first,
        strict=promise.strict,
        bids=dict(bids),
    )


def promise_of(event: CallPromised, publisher: str) -> Promise:
    """What was promised, as the journal tells it."""
    payout = PayoutTerms(rule_of(event.ping), publisher, event.event, event.after_ms, amount=event.bid)
    return Promise(event.ping, payout, event.floor, event.first, event.strict)


def rule_of(ping: str) -> str:
    """What a payout says that was promised by a ping."""
    return f"ping {ping}"


def owes_too_late(promise: Promise, conversion: ConversionTerms) -> str | None:
    """Why a buyer with this rule could owe nothing where the publisher is paid; None when it cannot."""
    payout = promise.payout
    if not promise.asks_when:
        return None
    promised = f"promised at {_words(payout.event, payout.after_ms)}"
    if conversion.event not in {"connect", "accepted", "duration", "attempt"}:
        return f"owed by {conversion.event}, {promised}"
    after_ms = conversion.after_ms if conversion.event == "duration" else 0
    if after_ms > payout.after_ms or (conversion.timer != "connect" and conversion.event == "duration"):
        return f"owed at {_words(conversion.event, after_ms)}, {promised}"
    return None


def _words(event: str, after_ms: int) -> str:
    return f"{after_ms // 1000} s" if event == "duration" else event
