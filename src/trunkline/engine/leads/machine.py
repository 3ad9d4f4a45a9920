"""The lead machine: one lead, from the form it passed to the answer of whoever sent it.

It owns no socket, clock or file. It is told what happened (`inputs`) and answers with what is to be done (`commands`,
in order); the last of them is what the lead then waits for. Who may be offered the lead is the search's matter, what an
offer is worth that of its frozen terms.
"""

from __future__ import annotations

from trunkline.engine.leads import commands as c
from trunkline.engine.leads import inputs as i
from trunkline.engine.leads.books import LeadBooks
from trunkline.engine.leads.context import LeadContext
from trunkline.engine.leads.outcomes import TAKEN, DeliveryOutcome, LeadOutcome
from trunkline.engine.leads.sales import Sale
from trunkline.engine.leads.table import TRANSITIONS, State
from trunkline.engine.routing.reasons import Unsold
from trunkline.events.calls import OfferReserved, RoutingOutcome
from trunkline.events.leads import (
    DeliveryEnded,
    LeadAccepted,
    LeadAged,
    LeadEnd,
    LeadEnded,
    LeadHeld,
    LeadReceived,
    LeadReviewed,
    LeadUnmatched,
)
from trunkline.kernel.clock import Instant

REFUSED_BY_REASON: dict[str, tuple[LeadOutcome, str]] = {
    Unsold.DUPLICATE.value: (LeadOutcome.DUPLICATE, "duplicate"),
    Unsold.SUPPRESSION.value: (LeadOutcome.BLOCKED, "blocked"),
}
"""Reasons for which a lead is refused rather than unmatched: how it ends, and what its sender is told."""
INTERRUPTED = "post_interrupted"
NOT_KEPT = "journal"
NOT_REVIEWED = frozenset({i.REJECTED, i.EXPIRED})
"""Reasons of held leads that were never offered to anybody."""


class LeadMachine:
    """`handle` takes one input at a time; `outcome` is how the lead ended, None while it goes on."""

    def __init__(self, context: LeadContext, received: Instant) -> None:
        self.context = context
        self.state = State.NEW
        self.outcome: LeadOutcome | None = None
        self.books = LeadBooks(context)
        self.received = received
        self.on_disk = False
        """Whether a restart would go on with it: then nobody may be told that nothing was kept."""
        self._now = received
        self._sale: Sale | None = None
        self._bought: tuple[str, ...] = ()
        self._answer: c.Tell | None = None
        self._out: list[c.Command] = []

    def handle(self, event: i.Input, now: Instant) -> list[c.Command]:
        """Take one input at `now`; what is to be done, in order."""
        self._out, self._now = [], now
        action, leads_to = TRANSITIONS[self.state, type(event)]
        before = self.state
        getattr(self, action)(event)
        assert self.state in leads_to, f"{action} led from {before} to {self.state}"
        return self._out

    # -- coming in ---------------------------------------------------------------------------------------------------

    def _arrived(self, _event: i.Arrived) -> None:
        context = self.context
        received = LeadReceived(
            account=context.account,
            call=context.lead,
            at_ms=self._now.utc_ms,
            campaign=context.campaign,
            publisher=context.publisher,
            source=context.source,
            via=context.via,
            attributes=context.attributes,
            basis=context.basis,
            consent=context.consent,
            ignored=context.ignored,
            snapshot=context.snapshot,
            geo=context.geo,
            ping=context.ping,
            flags=context.flags,
            test=context.test,
        )
        self._out.append(c.Write(received))
        if context.block is not None:
            self._end(LeadOutcome.BLOCKED, context.block)
            return
        self._out += self.books.received(self._now)
        if context.hold is None:
            self._seek()
            return
        reason, detail = context.hold
        held = LeadHeld(
            account=context.account, call=context.lead, at_ms=self._now.utc_ms, reason=reason, detail=detail
        )
        self._out += [c.Write(held), c.Remember(held=reason, paid=self.books.paid)]
        self.outcome = LeadOutcome.HELD
        self._answer = c.Tell("held", reason=reason)
        self.state = State.HOLDING
        self._out += [c.Keep(self._answer), c.Await(new=True)]

    def _resumed(self, event: i.Resumed) -> None:
        """After a crash: the open post is sent once more under its own id, which a buyer that honours it takes once."""
        self.on_disk = True
        self._bought, self.books.paid, self._sale = event.bought, event.paid, event.sale
        self.books.owed = bool(event.bought)
        if event.sale is None:
            self._seek()
        else:
            self.state = State.POSTING
            self._out.append(c.Post(event.sale))

    def _reviewed(self, event: i.Reviewed) -> None:
        context = self.context
        reviewed = LeadReviewed(
            account=context.account,
            call=context.lead,
            at_ms=self._now.utc_ms,
            decision="approved" if event.approved else "rejected",
            by=event.by,
        )
        self._out.append(c.Write(reviewed))
        self.on_disk = True
        self.books.paid = event.paid
        if event.approved:
            self._seek()
        else:
            self._end(LeadOutcome.UNSOLD, event.reason)

    def _aged(self, event: i.Aged) -> None:
        """A lead that has ended is offered again; nothing of it is left to do but that."""
        context = self.context
        aged = LeadAged(
            account=context.account, call=context.lead, at_ms=self._now.utc_ms, round=event.round, plan=event.plan
        )
        self._out.append(c.Write(aged))
        self.on_disk = True
        self.books.paid = event.paid
        self._seek()

    # -- selling -----------------------------------------------------------------------------------------------------

    def _seek(self) -> None:
        self.state = State.SEEKING
        self._out.append(c.Seek())

    def _offered(self, event: i.Offered) -> None:
        offer, candidate, context = event.offer, event.offer.candidate, self.context
        odds = candidate.odds
        sale = self._sale = Sale(
            attempt=event.attempt,
            lease=offer.lease.id,
            route=candidate.route,
            target=candidate.target,
            buyer=candidate.buyer,
            terms=candidate.terms,
            exclusive=event.exclusive,
            bid=candidate.bid,
        )
        reserved = OfferReserved(
            account=context.account,
            call=context.lead,
            at_ms=self._now.utc_ms,
            attempt=sale.attempt,
            lease=sale.lease,
            rank=offer.rank,
            route=sale.route,
            target=sale.target,
            buyer=sale.buyer,
            tier=candidate.tier,
            method=candidate.method,
            price=sale.terms.price,
            conversion=sale.terms.rule,
            decision_us=event.decision_us,
            snapshot=context.snapshot,
            p=None if odds is None else odds.p,
            propensity=None if odds is None else odds.propensity,
        )
        self._out += [c.Write(reserved), c.Remember(sale, self._bought, self.books.paid)]
        self.state = State.SAVING
        self._out.append(c.Await(new=True))

    def _saved(self, _event: i.Durable) -> None:
        self.on_disk = True
        self.state = State.POSTING
        self._out.append(c.Post(self._open()))

    def _not_saved(self, _event: i.NotDurable) -> None:
        """Nothing was posted. A lead that has a buyer is sold; one that had an earlier offer goes on with the next
        start; of any other nothing is kept.
        """
        sale = self._open()
        self._sale = None
        self._out.append(c.Release(sale.lease))
        if not self.on_disk:
            self._out.append(c.WriteRouting("failed", NOT_KEPT))
            self._write_end(LeadOutcome.FAILED, NOT_KEPT, None)
            self._out.append(c.Forget())
            self._cut_off()
            return
        ended = DeliveryEnded(
            account=self.context.account,
            call=self.context.lead,
            at_ms=self._now.utc_ms,
            attempt=sale.attempt,
            outcome=DeliveryOutcome.INTERRUPTED.value,
            reason=NOT_KEPT,
            sent=False,
        )
        self._out.append(c.Write(ended))
        if self._bought:
            self._accepted()
        else:
            self._out.append(c.Remember(None, self._bought, self.books.paid))
            self._cut_off()

    def _delivered(self, event: i.Delivered) -> None:
        sale, taken = self._open(), event.outcome in TAKEN
        if event.sent or taken:  # what waits to go out is on its way
            self._out += self.books.sent(sale, self._now)
        ended = DeliveryEnded(
            account=self.context.account,
            call=self.context.lead,
            at_ms=self._now.utc_ms,
            attempt=sale.attempt,
            outcome=event.outcome.value,
            reason=event.reason,
            status=event.status,
            took_ms=event.took_ms,
            buyers_id=event.buyers_id,
            sent=event.sent,
        )
        self._out.append(c.Write(ended))
        if taken:
            self._bought += (sale.attempt,)
            self._out += self.books.accepted(sale, self._now)
        self._out.append(c.Release(sale.lease, self.books.keeps_s(sale) if taken else 0))
        self._sale = None
        if event.stop and not self._bought:
            if event.outcome is DeliveryOutcome.INTERRUPTED:
                self._end(LeadOutcome.INTERRUPTED, INTERRUPTED)
            else:
                self._end(LeadOutcome.UNSOLD, Unsold.NO_ANSWER.value)
        elif event.stop or (taken and (sale.exclusive or len(self._bought) >= self.context.share)):
            self._accepted()
        else:
            self._out.append(c.Remember(None, self._bought, self.books.paid))
            self._seek()

    def _exhausted(self, event: i.Exhausted) -> None:
        if self._bought:
            self._accepted(event.reason)
        else:
            outcome, _ = REFUSED_BY_REASON.get(event.reason, (LeadOutcome.UNSOLD, ""))
            self._end(outcome, event.reason, event.of)

    # -- ending ------------------------------------------------------------------------------------------------------

    def _accepted(self, nobody_else: str | None = None) -> None:
        """Sold. `nobody_else`: why no further buyer was found for a lead that more could have had."""
        context, books = self.context, self.books
        accepted = LeadAccepted(
            account=context.account,
            call=context.lead,
            at_ms=self._now.utc_ms,
            attempts=self._bought,
            payout=books.paid,
            took_ms=self._now.ms_since(self.received),
            not_paid=books.why_not_paid(),
        )
        self._out += [c.WriteRouting("sold", nobody_else), c.Write(accepted)]
        self.outcome = LeadOutcome.SOLD
        self._close(c.Tell("accepted", payout=books.paid))

    def _end(self, outcome: LeadOutcome, reason: str, of: str | None = None) -> None:
        self.outcome = outcome
        routing: RoutingOutcome = "interrupted" if outcome is LeadOutcome.INTERRUPTED else "unsold"
        if reason not in NOT_REVIEWED and reason != self.context.block:
            self._out.append(c.WriteRouting(routing, reason))
        self._write_end(outcome, reason, of)
        _, status = REFUSED_BY_REASON.get(reason, (outcome, "unmatched" if outcome is LeadOutcome.UNSOLD else outcome))
        self._close(c.Tell(str(status), payout=self.books.paid, reason=reason, of=of))

    def _write_end(self, outcome: LeadOutcome, reason: str, of: str | None) -> None:
        context, at_ms = self.context, self._now.utc_ms
        if outcome is LeadOutcome.UNSOLD and reason not in NOT_REVIEWED:
            took_ms = self._now.ms_since(self.received)
            unmatched = LeadUnmatched(
                account=context.account, call=context.lead, at_ms=at_ms, reason=reason, took_ms=took_ms
            )
            self._out.append(c.Write(unmatched))
            return
        end: LeadEnd = _ENDS[outcome]
        ended = LeadEnded(account=context.account, call=context.lead, at_ms=at_ms, outcome=end, reason=reason, of=of)
        self._out.append(c.Write(ended))

    def _close(self, answer: c.Tell) -> None:
        self._answer = answer
        self.state = State.ENDING
        self._out += [c.Keep(answer), c.Forget(), c.Await()]

    def _told(self, _event: i.Durable) -> None:
        assert self._answer is not None, "there is an answer when the end is written"
        self.state = State.OVER
        self._out.append(self._answer)

    def _not_told(self, _event: i.NotDurable) -> None:
        """Nobody may be told what a crash could make undone."""
        self._cut_off()

    def _cut_off(self) -> None:
        """The disk does not go along: whoever sent the lead may send it again only if a restart does not know of it."""
        self.outcome = LeadOutcome.INTERRUPTED if self.on_disk else LeadOutcome.FAILED
        self.state = State.OVER
        self._out.append(c.Tell(self.outcome.value, reason=NOT_KEPT))

    def _open(self) -> Sale:
        assert self._sale is not None, "an offer is open"
        return self._sale


_ENDS: dict[LeadOutcome, LeadEnd] = {
    LeadOutcome.UNSOLD: "unsold",
    LeadOutcome.DUPLICATE: "duplicate",
    LeadOutcome.BLOCKED: "blocked",
    LeadOutcome.FAILED: "failed",
    LeadOutcome.INTERRUPTED: "interrupted",
}
