"""What a lead is worth: when its buyers owe, when its publisher earns, and if not, why not.

Terms are frozen with the offer. Each buyer of a shared lead owes by its own terms; the publisher is paid once.
"""

from __future__ import annotations

from trunkline.engine.leads.commands import Command, Settle, Write
from trunkline.engine.leads.context import LeadContext
from trunkline.engine.leads.sales import Sale
from trunkline.engine.terms.payouts import payout_amount
from trunkline.engine.terms.terms import PayoutTerms
from trunkline.events.calls import Converted, PayoutEarned
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import FUNDS
from trunkline.kernel.money import Money

NOT_CONVERTED = {"postback": "no_postback"}
"""Why an accepted lead did not convert, by the event of its rule."""


class LeadBooks:
    """The money side of one lead. Every method gives the commands that its event causes. A test lead costs nothing."""

    __slots__ = ("_context", "owed", "paid", "taken")

    def __init__(self, context: LeadContext) -> None:
        self._context = context
        self.owed = False
        self.paid: Money | None = None
        self.taken: Sale | None = None

    def received(self, now: Instant) -> list[Command]:
        """The lead is there: a publisher whose rule pays for that has earned."""
        payout = self._context.payout
        return self._pay(payout, None, now) if payout is not None and payout.event == "incoming" else []

    def sent(self, sale: Sale, now: Instant) -> list[Command]:
        """The buyer may have got the lead: the attempt counts."""
        out: list[Command] = [Settle(sale.lease, "attempt")]
        return out + self._convert(sale, now) if sale.terms.conversion.event == "attempt" else out

    def accepted(self, sale: Sale, now: Instant) -> list[Command]:
        """The buyer took the lead."""
        self.taken = self.taken or sale
        out: list[Command] = [Settle(sale.lease, "connect")]
        payout = sale.terms.payout
        if payout is not None and payout.event == "connect":
            out += self._pay(payout, sale, now)
        if sale.terms.conversion.event in {"connect", "accepted"}:
            out += self._convert(sale, now)
        return out

    def keeps_s(self, sale: Sale) -> int:
        """How long the seats of an accepted attempt wait for a conversion that may still come."""
        converts_now = sale.terms.conversion.event in {"attempt", "connect", "accepted"}
        return 0 if converts_now or self._context.test else sale.terms.conversion.decide_within_s

    def why_not_converted(self) -> str | None:
        """None when a buyer owes; else the code of the reason."""
        if self.owed:
            return None
        if self._context.test:
            return "test"
        return "not_accepted" if self.taken is None else NOT_CONVERTED[self.taken.terms.conversion.event]

    def why_not_paid(self) -> str | None:
        """None when the publisher has earned; else the code of the reason."""
        if self.paid is not None:
            return None
        if self._context.test:
            return "test"
        if not self._context.pays:
            return "no_rule"
        if self.taken is None:
            return "not_converted" if self.owed else "not_accepted"  # owed before a restart, and not earned then
        payout = self.taken.terms.payout
        if payout is None:
            return self.taken.terms.not_paid or "no_rule"
        return "not_converted" if payout.event == "convert" else "no_duration"

    def _convert(self, sale: Sale, now: Instant) -> list[Command]:
        if self._context.test:
            return []
        self.owed = True
        price, payout = sale.terms.price, sale.terms.payout
        converted = Converted(
            account=self._context.account,
            call=self._context.lead,
            at_ms=now.utc_ms,
            attempt=sale.attempt,
            buyer=sale.buyer,
            route=sale.route,
            amount=price,
            rule=sale.terms.rule,
        )
        out: list[Command] = [
            Write(converted),
            Settle(sale.lease, "convert"),
            Settle(sale.lease, "spend", price.minor),
            Settle(sale.lease, FUNDS, price.minor),
        ]
        if payout is not None and payout.event == "convert":
            out += self._pay(payout, sale, now)
        return out

    def _pay(self, payout: PayoutTerms, sale: Sale | None, now: Instant) -> list[Command]:
        if self.paid is not None or self._context.test:
            return []
        amount = self.paid = payout_amount(payout, None if sale is None else sale.terms.price)
        earned = PayoutEarned(
            account=self._context.account,
            call=self._context.lead,
            at_ms=now.utc_ms,
            attempt=None if sale is None else sale.attempt,
            publisher=self._context.publisher,
            amount=amount,
            rule=payout.rule,
            loss=sale is not None and sale.terms.price < amount,
        )
        return [Write(earned)]
