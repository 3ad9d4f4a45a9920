"""Calls read back from the journal: who came, what buyers did, and what nobody can know."""

from __future__ import annotations

import pytest

from trunkline.config.schema import Account, AccountConfig, Campaign
from trunkline.events.calls import (
    AnyCallEvent,
    AttemptConnected,
    AttemptEnded,
    CallEnded,
    CallQualified,
    CallReceived,
    CallRouted,
    OfferReserved,
    Versions,
)
from trunkline.events.entry import Position, Record
from trunkline.kernel.money import Money
from trunkline.worker.simulation.history import SAMPLES_MIN, History

pytestmark = pytest.mark.unit

ACCOUNT = AccountConfig(
    account=Account(key="acme", timezone="UTC"), campaigns=(Campaign(key="injury", flow="f", plan="main"),)
)


def received(call: str, at_ms: int, account: str = "acme") -> CallReceived:
    return CallReceived(
        account=account, call=call, at_ms=at_ms, number="+18335550100", campaign="injury", publisher="p", source=None,
        caller="+15125550100", caller_given="", trunk="t", snapshot="s",
    )  # fmt: skip


def offered(call: str, at_ms: int, target: str) -> OfferReserved:
    return OfferReserved(
        account="acme", call=call, at_ms=at_ms, attempt=f"{call}-{target}", lease="l", rank=1, route=f"main.t.{target}",
        target=target, buyer=target, tier="t", method="priority", price=Money(5000, "USD"), conversion="c",
        decision_us=1, snapshot="s",
    )  # fmt: skip


def routed(call: str, at_ms: int, outcome: str, plan: str = "main") -> CallRouted:
    return CallRouted(
        account="acme", call=call, at_ms=at_ms, plan=plan, seed=1, versions=Versions("s", "none", "0"), routed_ms=0,
        outcome=outcome, reason=None, offered=(), rejected=(),
    )  # type: ignore[arg-type]  # fmt: skip


def ended(call: str, at_ms: int) -> CallEnded:
    return CallEnded(
        account="acme", call=call, at_ms=at_ms, outcome="sold", reason=None, ended_by="caller", duration_ms=1
    )


def told(*events: AnyCallEvent, erased: bool = False) -> History:
    history = History([ACCOUNT])
    history.take(Record(Position("s", seq), event, None, erased=erased) for seq, event in enumerate(events))
    return history


def sale(call: str, at_ms: int, *, took: bool = True) -> list[AnyCallEvent]:
    of = {"account": "acme", "call": call, "attempt": f"{call}-ann"}
    events: list[AnyCallEvent] = [received(call, at_ms), offered(call, at_ms, "ann")]
    if took:
        events.append(AttemptConnected(**of, at_ms=at_ms, ring_ms=3000))
    outcome = "connected" if took else "busy"
    events.append(AttemptEnded(**of, at_ms=at_ms, outcome=outcome, ring_ms=3000 if took else 100, duration_ms=60_000))
    return [*events, routed(call, at_ms, "sold" if took else "unsold"), ended(call, at_ms)]


def test_arrivals_come_in_the_order_of_routing_with_what_was_stated() -> None:
    qualified = CallQualified(
        account="acme", call="a", at_ms=900, node="sell", attributes={"geo.zip": "78701", "geo.state": "TX"},
        basis={"geo.zip": "ivr", "geo.state": "zip"},
    )  # fmt: skip
    history = told(received("a", 100), *sale("b", 500), qualified, routed("a", 900, "unsold", "night"), ended("a", 950))
    (_, first_ms, first), (_, second_ms, second) = history.arrivals()
    assert (first_ms, second_ms) == (500, 900)
    assert first.observed["ann"].duration_s == 60
    assert (first.plan, second.plan) == (None, "night")
    assert first.seed == second.seed == 1, "what was drawn then is drawn again"
    assert second.attributes == {"geo.zip": "78701"}


def test_what_nobody_can_know_is_not_observed() -> None:
    gone = AttemptEnded(account="acme", call="a", at_ms=3, attempt="a-ann", outcome="caller_gone", ring_ms=5)
    history = told(received("a", 1), offered("a", 2, "ann"), gone, routed("a", 4, "abandoned"), ended("a", 5))
    ((_, _, arrival),) = history.arrivals()
    assert arrival.observed == {}
    assert history.actual["acme"].unsold == {"abandoned": 1}


def test_calls_of_others_and_calls_that_were_never_routed_are_no_arrivals() -> None:
    history = told(received("a", 1, "other"), received("b", 2), ended("b", 3), received("c", 4), erased=True)
    assert list(history.arrivals()) == []
    assert (history.not_routed, history.erased) == (1, 3)


def test_behaviour_is_read_from_enough_samples() -> None:
    few = told(*(event for number in range(SAMPLES_MIN - 1) for event in sale(f"c{number}", number)))
    assert few.header().targets == {}
    assert few.header().default.answer is None
    sales = [sale(f"c{number}", number, took=number % 4 > 0) for number in range(2 * SAMPLES_MIN)]
    model = told(*(event for each in sales for event in each)).header().targets["ann"]
    assert (model.answer, model.busy, model.answer_s) == (0.75, 1.0, (3.0, 3.0))
    assert model.duration_s is not None
    assert (model.duration_s.median, model.duration_s.sigma) == (60.0, 0.0)
