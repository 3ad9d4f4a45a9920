"""The lead machine: from the form to the answer, whatever buyers and disks do."""

from __future__ import annotations

import pytest

from trunkline.engine.leads import commands as c
from trunkline.engine.leads import inputs as i
from trunkline.engine.leads.context import LeadContext
from trunkline.engine.leads.machine import LeadMachine
from trunkline.engine.leads.outcomes import DeliveryOutcome, LeadOutcome
from trunkline.engine.leads.sales import Sale, packed, unpacked
from trunkline.engine.leads.table import TRANSITIONS, State
from trunkline.engine.routing.offer import Candidate, Offer
from trunkline.engine.terms.terms import ConversionTerms, PayoutTerms, Terms
from trunkline.events.leads import DeliveryEnded, LeadAccepted, LeadEnded, LeadUnmatched
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import Lease
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit

NOW = Instant(0, 1_700_000_000_000)
PRICE = Money(3500, "USD")
PAYS = PayoutTerms(rule="p", publisher="adwave", event="convert", percent=6000)
ACCEPTED = i.Delivered(DeliveryOutcome.ACCEPTED, status=200, took_ms=5)


def machine(
    *, test: bool = False, share: int = 1, hold: tuple[str, str | None] | None = None, block: str | None = None
) -> LeadMachine:
    context = LeadContext(
        lead="lead_1", account="acme", campaign="roofing", publisher="adwave", source=None, via="post", contact="c",
        attributes={"lead.phone": "+15125550100"}, basis={"lead.phone": "stated"}, consent={}, ignored=(),
        snapshot="s", test=test, share=share, hold=hold, block=block,
    )  # fmt: skip
    return LeadMachine(context, NOW)


def offered(buyer: str, rank: int = 1, event: str = "accepted", payout: PayoutTerms | None = PAYS) -> i.Offered:
    terms = Terms(PRICE, ConversionTerms(event), "default", payout, None)  # type: ignore[arg-type]
    candidate = Candidate(f"all.t1.{buyer}", f"{buyer}-crm", buyer, "all", "t1", "priority", terms, None, (), None)
    lease = Lease(f"lease_{rank}", "acme", "lead_1", f"att_{rank}", (), NOW.utc_ms)
    return i.Offered(Offer(rank, candidate, lease), f"att_{rank}", 12)


def play(lead: LeadMachine, *inputs: i.Input) -> list[c.Command]:
    return [command for event in inputs for command in lead.handle(event, NOW)]


def written(commands: list[c.Command]) -> list[str]:
    return [str(each.event.__struct_config__.tag) for each in commands if isinstance(each, c.Write)]


def test_every_step_of_the_table_is_a_method() -> None:
    assert all(hasattr(LeadMachine, action) for action, _ in TRANSITIONS.values())
    reached = {state for _, leads_to in TRANSITIONS.values() for state in leads_to}
    assert reached == set(State) - {State.NEW}


def test_an_accepted_lead() -> None:
    lead = machine()
    out = play(lead, i.Arrived(), offered("ace"), i.Durable(), ACCEPTED, i.Durable())
    assert written(out) == [
        "lead.received", "offer.reserved", "delivery.ended", "converted", "payout", "lead.accepted",
    ]  # fmt: skip
    assert [each.measure for each in out if isinstance(each, c.Settle)] == [
        "attempt", "connect", "convert", "spend", "funds",
    ]  # fmt: skip
    told = out[-1]
    assert isinstance(told, c.Tell)
    assert (told.status, str(told.payout), lead.outcome, lead.state) == ("accepted", "21.00", "sold", State.OVER)


def test_a_blocked_lead_is_offered_to_nobody_and_earns_nothing() -> None:
    lead = machine(block="honeypot", hold=("criteria", None))
    out = play(lead, i.Arrived())
    assert written(out) == ["lead.received", "lead.ended"]
    assert not [each for each in out if isinstance(each, c.Seek | c.WriteRouting)]
    (told,) = play(lead, i.Durable())
    assert isinstance(told, c.Tell)
    assert (told.status, told.reason, told.payout, lead.outcome) == ("blocked", "honeypot", None, "blocked")
    (told,) = play(machine(block="honeypot"), i.Arrived(), i.NotDurable())[-1:]
    assert isinstance(told, c.Tell)
    assert told.status == "failed"


@pytest.mark.parametrize("outcome", [each for each in DeliveryOutcome if each not in {"accepted", "queued"}])
def test_whatever_else_a_post_comes_to_the_lead_goes_on(outcome: DeliveryOutcome) -> None:
    lead = machine()
    out = play(lead, i.Arrived(), offered("ace"), i.Durable(), i.Delivered(outcome, sent=True))
    assert isinstance(out[-1], c.Seek)
    assert "converted" not in written(out)
    assert [each.lease for each in out if isinstance(each, c.Release)] == ["lease_1"]
    out = play(lead, offered("bolt", 2), i.Durable(), ACCEPTED, i.Durable())
    accepted = next(each.event for each in out if isinstance(each, c.Write) and isinstance(each.event, LeadAccepted))
    assert accepted.attempts == ("att_2",)


def test_what_was_not_sent_does_not_count_as_attempted() -> None:
    out = play(machine(), i.Arrived(), offered("ace"), i.Durable(), i.Delivered(DeliveryOutcome.HTTP_ERROR, sent=False))
    assert not [each for each in out if isinstance(each, c.Settle)]


def test_a_buyer_may_owe_for_the_attempt_alone() -> None:
    lead = machine()
    out = play(lead, i.Arrived(), offered("ace", event="attempt"), i.Durable(), ACCEPTED)
    assert written(out).count("converted") == 1
    lead = machine()
    out = play(lead, i.Arrived(), offered("ace", event="attempt"), i.Durable(), i.Delivered(DeliveryOutcome.REJECTED))
    assert written(out).count("converted") == 1
    out = play(lead, i.Exhausted("not_taken"))
    assert written(out) == ["lead.unmatched"]


def test_nobody_takes_it() -> None:
    lead = machine()
    out = play(lead, i.Arrived(), i.Exhausted("no_route"), i.Durable())
    assert written(out) == ["lead.received", "lead.unmatched"]
    ended = next(each.event for each in out if isinstance(each, c.Write) and isinstance(each.event, LeadUnmatched))
    assert (ended.reason, lead.outcome) == ("no_route", LeadOutcome.UNSOLD)
    assert c.Tell("unmatched", reason="no_route") == out[-1]


@pytest.mark.parametrize(("reason", "outcome"), [("duplicate", "duplicate"), ("suppression", "blocked")])
def test_refused_leads_end_as_such(reason: str, outcome: str) -> None:
    lead = machine()
    out = play(lead, i.Arrived(), i.Exhausted(reason, "call_7"), i.Durable())
    ended = next(each.event for each in out if isinstance(each, c.Write) and isinstance(each.event, LeadEnded))
    assert (ended.outcome, ended.of, lead.outcome) == (outcome, "call_7", outcome)
    assert c.Tell(outcome, reason=reason, of="call_7") == out[-1]


def test_a_silent_buyer_that_may_have_it_stops_the_lead_where_its_target_says_so() -> None:
    lead = machine()
    out = play(
        lead, i.Arrived(), offered("ace"), i.Durable(), i.Delivered(DeliveryOutcome.TIMEOUT, "timeout", stop=True)
    )
    assert written(out)[-1] == "lead.unmatched"
    assert (lead.outcome, "converted" in written(out)) == (LeadOutcome.UNSOLD, False)


def test_a_disk_that_fails_before_the_post_keeps_it_from_leaving() -> None:
    lead = machine()
    out = play(lead, i.Arrived(), offered("ace"), i.NotDurable())
    assert not [each for each in out if isinstance(each, c.Post)]
    assert c.Release("lease_1") in out
    assert c.Tell("failed", reason="journal") == out[-1]


def test_a_disk_that_fails_at_the_end_is_told() -> None:
    lead = machine()
    out = play(lead, i.Arrived(), offered("ace"), i.Durable(), ACCEPTED, i.NotDurable())
    assert (out[-1], lead.outcome) == (c.Tell("interrupted", reason="journal"), LeadOutcome.INTERRUPTED)


def test_a_disk_that_fails_after_a_first_offer_leaves_the_lead_to_the_next_start() -> None:
    lead = machine()
    rejected = i.Delivered(DeliveryOutcome.REJECTED)
    out = play(lead, i.Arrived(), offered("ace"), i.Durable(), rejected, offered("bolt", 2), i.NotDurable())
    assert out[-1] == c.Tell("interrupted", reason="journal"), "it is not to be sent again"
    assert not [each for each in out if isinstance(each, c.Forget)]
    assert "lead.ended" not in written(out)
    assert written(out).count("delivery.ended") == 2
    assert [each.lease for each in out if isinstance(each, c.Release)] == ["lease_1", "lease_2"]


def test_a_disk_that_fails_for_a_further_buyer_does_not_undo_the_first() -> None:
    lead = machine(share=2)
    shared = i.Offered(offered("ace").offer, "att_1", 1, exclusive=False)
    out = play(lead, i.Arrived(), shared, i.Durable(), ACCEPTED, offered("bolt", 2), i.NotDurable(), i.Durable())
    accepted = next(each.event for each in out if isinstance(each, c.Write) and isinstance(each.event, LeadAccepted))
    assert (accepted.attempts, lead.outcome) == (("att_1",), LeadOutcome.SOLD)
    assert isinstance(out[-1], c.Tell)
    assert (out[-1].status, str(out[-1].payout)) == ("accepted", "21.00")


def test_a_test_lead_owes_and_earns_nothing() -> None:
    out = play(machine(test=True), i.Arrived(), offered("ace"), i.Durable(), ACCEPTED, i.Durable())
    assert written(out) == ["lead.received", "offer.reserved", "delivery.ended", "lead.accepted"]
    accepted = next(each.event for each in out if isinstance(each, c.Write) and isinstance(each.event, LeadAccepted))
    assert (accepted.payout, accepted.not_paid) == (None, "test")


def test_a_shared_lead_is_sold_to_as_many_as_may_have_it() -> None:
    lead = machine(share=2)
    first, second = offered("ace"), offered("bolt", 2)
    out = play(lead, i.Arrived())
    out += _shared(lead, first)
    assert isinstance(out[-1], c.Seek)
    out += _shared(lead, second)
    accepted = next(each.event for each in out if isinstance(each, c.Write) and isinstance(each.event, LeadAccepted))
    assert accepted.attempts == ("att_1", "att_2")
    assert written(out).count("converted") == 2
    assert written(out).count("payout") == 1  # the first to reach the rule's event decides


def _shared(lead: LeadMachine, offer: i.Offered) -> list[c.Command]:
    return play(lead, i.Offered(offer.offer, offer.attempt, 1, exclusive=False), i.Durable(), ACCEPTED)


def test_a_held_lead_waits_for_a_person() -> None:
    lead = machine(hold=("review", "story"))
    out = play(lead, i.Arrived(), i.Durable())
    assert written(out) == ["lead.received", "lead.held"]
    assert (out[-1], lead.outcome) == (c.Tell("held", reason="review"), LeadOutcome.HELD)
    approved = machine()
    out = play(approved, i.Reviewed("ann", approved=True))
    assert written(out) == ["lead.reviewed"]
    assert isinstance(out[-1], c.Seek)
    out = play(machine(), i.Reviewed("ann", approved=False), i.Durable())
    assert written(out) == ["lead.reviewed", "lead.ended"]


def test_a_held_lead_has_earned_what_it_had_and_may_wait_too_long() -> None:
    approved = machine()
    play(approved, i.Reviewed("ann", approved=True, paid=PRICE))
    assert approved.books.paid == PRICE
    out = play(machine(), i.Reviewed("policy", False, i.EXPIRED), i.Durable())
    (ended,) = [each.event for each in out if isinstance(each, c.Write) and isinstance(each.event, LeadEnded)]
    assert (ended.outcome, ended.reason) == ("unsold", "review_expired")


def test_an_aged_lead_is_offered_again_and_pays_its_publisher_once() -> None:
    lead = machine()
    out = play(lead, i.Aged(2, "aged", paid=PRICE))
    assert written(out) == ["lead.aged"]
    assert isinstance(out[-1], c.Seek)
    out = play(lead, offered("ace"), i.Durable(), ACCEPTED, i.Durable())
    assert written(out) == ["offer.reserved", "delivery.ended", "converted", "lead.accepted"]


def test_after_a_crash_the_open_post_is_sent_once_more_under_its_own_id() -> None:
    offer = offered("ace")
    sale = Sale("att_9", "lease_9", "all.t1.ace", "ace-crm", "ace", offer.offer.candidate.terms)
    assert unpacked(packed(sale)) == sale
    lead = machine()
    out = play(lead, i.Resumed(sale))
    assert out == [c.Post(sale)]
    out = play(lead, ACCEPTED, i.Durable())
    assert written(out) == ["delivery.ended", "converted", "payout", "lead.accepted"]
    lead = machine()
    silent = i.Delivered(DeliveryOutcome.INTERRUPTED, "timeout", stop=True)
    out = play(lead, i.Resumed(sale), silent, i.Durable())
    ended = next(each.event for each in out if isinstance(each, c.Write) and isinstance(each.event, DeliveryEnded))
    assert (ended.outcome, lead.outcome) == ("interrupted", LeadOutcome.INTERRUPTED)
    assert isinstance(play(machine(), i.Resumed())[-1], c.Seek)
