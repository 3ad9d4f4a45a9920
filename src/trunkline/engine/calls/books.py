"""What one call is worth: when the buyer of the running attempt owes, when the publisher earns, and if not, why not.

Terms are frozen with the offer. The events are written when they happen, not when the call ends. The publisher is
paid once per call, whatever rule reaches its event first.
"""

from __future__ import annotations

from trunkline.engine.calls.commands import Command, Settle, Write
from trunkline.engine.calls.context import CallContext
from trunkline.engine.calls.timers import Timer, Timers
from trunkline.engine.terms.payouts import payout_amount
from trunkline.engine.terms.terms import PayoutTerms, Terms
from trunkline.engine.terms.timing import conversion_due_ns, payout_due_ns
from trunkline.events.calls import Converted, PayoutEarned
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import FUNDS

NOT_CONVERTED = {
    "attempt": "not_dialled",
    "connect": "not_connected",
    "duration": "too_short",
    "postback": "no_postback",
    "accepted": "not_accepted",
}
"""Why a connected call did not convert, by the event of its rule."""


class OpenSale:
    """The attempt whose terms are in force: which, to whom, and when it was dialled and connected."""

    __slots__ = ("attempt", "buyer", "connected", "converted", "dialled", "lease", "route", "terms")

    def __init__(self, attempt: str, lease: str, route: str, buyer: str, terms: Terms) -> None:
        self.attempt = attempt
        self.lease = lease
        self.route = route
        self.buyer = buyer
        self.terms = terms
        self.dialled: Instant | None = None
        self.connected: Instant | None = None
        self.converted = False


class Books:
    """The money side of one call. Every method gives the commands that its event causes."""

    __slots__ = ("_context", "_incoming", "_owed", "_paid", "_sale", "_timers")

    def __init__(self, context: CallContext, incoming: Instant, timers: Timers) -> None:
        self._context = context
        self._incoming = incoming
        self._timers = timers
        self._sale: OpenSale | None = None
        self._owed = False
        self._paid = False

    def received(self, now: Instant) -> list[Command]:
        """The call is there: a publisher whose rule pays for that has earned."""
        payout = self._context.payout
        return self._pay(payout, None, now) if payout is not None and payout.event == "incoming" else []

    def offered(self, sale: OpenSale) -> None:
        """An offer's terms are in force from now on."""
        self._sale = sale

    def dialled(self, now: Instant) -> list[Command]:
        """The INVITE has left: the attempt counts."""
        sale = self._running()
        sale.dialled = now
        out: list[Command] = [Settle(sale.lease, "attempt")]
        if sale.terms.conversion.event == "attempt":
            out += self._convert(sale, now)
        return out

    def connected(self, now: Instant) -> list[Command]:
        """The buyer took the call: what is due at once, and timers for what is due later."""
        sale = self._running()
        sale.connected = now
        out: list[Command] = [Settle(sale.lease, "connect")]
        self._timers.set(Timer.CONVERSION, conversion_due_ns(sale.terms.conversion, self._incoming, sale.dialled, now))
        if sale.terms.payout is not None:
            self._timers.set(Timer.PAYOUT, payout_due_ns(sale.terms.payout, now))
        return out

    def conversion_due(self, now: Instant) -> list[Command]:
        """The conversion timer has fired."""
        return self._convert(self._running(), now)

    def payout_due(self, now: Instant) -> list[Command]:
        """The payout timer has fired."""
        sale = self._running()
        return self._pay(sale.terms.payout, sale, now)

    def close(self) -> None:
        """The attempt is over: what has not become due never will."""
        self._timers.set(Timer.CONVERSION, None)
        self._timers.set(Timer.PAYOUT, None)

    def keeps_s(self, attempt: str) -> int:
        """How long the seats of an attempt that is over wait for its conversion: only one that connected has one."""
        sale = self._sale
        if sale is None or sale.attempt != attempt or sale.converted or sale.connected is None:
            return 0
        return sale.terms.conversion.decide_within_s

    def why_not_converted(self) -> str | None:
        """None when a buyer owes, of this attempt or of one before; else the code of the reason."""
        if self._owed:
            return None
        if self._sale is None or self._sale.connected is None:
            return "not_connected"
        return NOT_CONVERTED[self._sale.terms.conversion.event]

    def why_not_paid(self) -> str | None:
        """None when the publisher has earned; else the code of the reason."""
        if self._paid:
            return None
        if not self._context.pays:
            return "no_rule"
        if self._sale is None or self._sale.connected is None:
            return "not_connected"
        if self._sale.terms.payout is None:
            return self._sale.terms.not_paid or "no_rule"
        return "not_converted" if self._sale.terms.payout.event == "convert" else "too_short"

    def _running(self) -> OpenSale:
        assert self._sale is not None, "no offer's terms are in force"
        return self._sale

    def _convert(self, sale: OpenSale, now: Instant) -> list[Command]:
        if sale.converted:
            return []
        sale.converted = self._owed = True
        price = sale.terms.price
        out: list[Command] = [
            Write(
                Converted(
                    account=self._context.account,
                    call=self._context.call,
                    at_ms=now.utc_ms,
                    attempt=sale.attempt,
                    buyer=sale.buyer,
                    route=sale.route,
                    amount=price,
                    rule=sale.terms.rule,
                )
            ),
            Settle(sale.lease, "convert"),
            Settle(sale.lease, "spend", price.minor),
            Settle(sale.lease, FUNDS, price.minor),
        ]
        payout = sale.terms.payout
        if payout is not None and payout.event == "convert":
            out += self._pay(payout, sale, now)
        return out

    def _pay(self, payout: PayoutTerms | None, sale: OpenSale | None, now: Instant) -> list[Command]:
        if payout is None or self._paid:
            return []
        amount = payout_amount(payout, None if sale is None else sale.terms.price)
        self._paid = True
        return [
            Write(
                PayoutEarned(
                    account=self._context.account,
                    call=self._context.call,
                    at_ms=now.utc_ms,
                    attempt=sale.attempt if sale is not None else None,
                    publisher=self._context.publisher,
                    amount=amount,
                    rule=payout.rule,
                    loss=sale is not None and sale.terms.price < amount,
                )
            )
        ]
