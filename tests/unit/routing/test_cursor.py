"""The cursor between looking, reserving and offering: races, patience, limits that fill up, settings that freeze."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.routing.accounts import MONDAY_NOON_MS, Caller, at, query, router

from trunkline.capacity.memory import MemoryCapacity
from trunkline.config.flows import Prompt
from trunkline.config.schema import Kind, Recording
from trunkline.engine.routing.offer import Candidate, Exhausted, Offer
from trunkline.kernel.leases import Lease, Refused

pytestmark = pytest.mark.unit

POOR = 'buyers: [{key: ann, funding: {mode: prepaid, limit: "1.00"}}, {key: bob}]'

TWO = """
plans:
  - key: main
    patience_seconds: 60
    tiers: [{key: t, method: priority, routes: [
      {target: a1, priority: 1, price: "50.00", limits: [{measure: live, max: 1}]},
      {target: b1, priority: 2, price: "40.00"}]}]
"""


def test_candidate_holds_nothing_and_may_be_asked_again() -> None:
    caller = Caller(router(TWO), query())
    first = caller.cursor.candidate(caller.capacity, at())
    again = caller.cursor.candidate(caller.capacity, at(1))
    assert isinstance(first, Candidate)
    assert isinstance(again, Candidate)
    assert (first.route, again.route) == ("main.t.a1", "main.t.a1")
    assert caller.capacity.leases() == 0


def test_a_seat_lost_in_between_is_the_routes_reason() -> None:
    asked, capacity = router(TWO), MemoryCapacity()
    slow, quick = Caller(asked, query(), capacity), Caller(asked, query(), capacity)
    candidate = slow.cursor.candidate(capacity, at())
    assert isinstance(candidate, Candidate)
    assert isinstance(quick.next(), Offer)
    refused = capacity.reserve("lost", "acme", "call", "att", candidate.demands, None, at())
    assert isinstance(refused, Refused)
    slow.cursor.refuse(candidate, refused)
    other = slow.next()
    assert isinstance(other, Offer)
    assert other.candidate.route == "main.t.b1"
    assert other.rank == 1
    rejection = slow.cursor.decision().rejected[0]
    assert (rejection.route, rejection.reason, rejection.max, rejection.used) == ("main.t.a1", "limit", 1, 1)


def test_taking_another_candidate_is_our_mistake() -> None:
    caller = Caller(router(TWO), query())
    with pytest.raises(AssertionError, match="no open candidate"):
        caller.cursor.take(_some_candidate(), Lease("l", "acme", "c", "a", (), 0))


def _some_candidate() -> Candidate:
    found = Caller(router(TWO), query()).cursor.candidate(MemoryCapacity(), at())
    assert isinstance(found, Candidate)
    return found


def test_an_exhausted_cursor_stays_exhausted_and_says_why() -> None:
    caller = Caller(router(TWO), query())
    assert caller.routes() == ["main.t.a1", "main.t.b1"]
    end = caller.next()
    assert end == Exhausted("not_taken", ())
    assert caller.next() is end
    assert caller.cursor.decision().offered == ("main.t.a1", "main.t.b1")


@pytest.mark.parametrize(("seconds", "offered"), [(59.999, True), (60, False)])
def test_patience_runs_from_the_query_on_the_monotonic_clock(seconds: float, offered: bool) -> None:
    caller = Caller(router(TWO), query())
    assert isinstance(caller.next(), Offer)
    second = caller.next(seconds)
    assert isinstance(second, Offer) is offered
    if isinstance(second, Exhausted):
        assert second.reason == "out_of_patience"
        assert [(each.route, each.reason) for each in second.rejected] == [("main.t.b1", "out_of_patience")]


def test_a_clock_set_back_does_not_lengthen_patience() -> None:
    caller = Caller(router(TWO), query())
    late = at(61)
    moved = type(late)(late.mono_ns, MONDAY_NOON_MS - 3_600_000)
    end = caller.cursor.next(caller.capacity, "l", "a", "c", moved)
    assert isinstance(end, Exhausted)
    assert end.reason == "out_of_patience"


def test_full_routes_give_no_capacity_and_unwanted_callers_no_route() -> None:
    capacity = MemoryCapacity()
    text = TWO.replace('price: "40.00"', 'price: "40.00", criteria: {attr: geo.state, eq: TX}')
    asked = router(text)
    assert isinstance(Caller(asked, query(), capacity).next(), Offer)
    end = Caller(asked, query(), capacity).next()
    assert isinstance(end, Exhausted)
    assert end.reason == "no_capacity"
    nobody = router(text.replace("limits: [{measure: live, max: 1}]", "paused: true"))
    assert Caller(nobody, query()).next() == Exhausted("no_route", nobody.explain(query(), capacity).rejected)


def test_a_free_seat_is_worth_waiting_for_and_money_is_not() -> None:
    text = TWO.replace('price: "40.00"', 'price: "40.00", criteria: {attr: geo.state, eq: TX}')
    capacity = MemoryCapacity()
    full, poor = router(text), router(POOR + text.replace(", limits: [{measure: live, max: 1}]", ""))
    assert isinstance(Caller(full, query(), capacity).next(), Offer)
    ends = [Caller(full, query(), capacity).next(), Caller(poor, query()).next()]
    assert [(end.reason, end.waits) for end in ends if isinstance(end, Exhausted)] == [
        ("no_capacity", True),
        ("no_capacity", False),
    ]


def test_targets_already_offered_to_this_caller_are_passed_over() -> None:
    question = query()
    rerouted = type(question)(**{**_fields(question), "taken": frozenset({"a1"})})
    assert Caller(router(TWO), rerouted).routes() == ["main.t.b1"]


def _fields(question: object) -> dict[str, object]:
    return {name: getattr(question, name) for name in question.__struct_fields__}  # type: ignore[attr-defined]


def test_a_limits_window_is_the_one_of_the_offer_not_of_the_call() -> None:
    asked = router(
        """
        plans: [{key: main, tiers: [{key: t, method: priority, routes: [
          {target: a1, price: "50.00", limits: [{measure: attempt, per: hour, max: 1}]}]}]}]
        """
    )
    capacity = MemoryCapacity()
    first = Caller(asked, query(), capacity).next()
    assert isinstance(first, Offer)
    capacity.settle(first.lease.id, "attempt", at())
    late = Caller(asked, query(at(3590)), capacity)
    assert isinstance(late.next(3599), Exhausted)
    later = Caller(asked, query(at(3590)), capacity)
    assert isinstance(later.next(3600), Offer)


FULL = "limits: [{measure: live, max: 0}]"


@pytest.mark.parametrize(("buyer", "target"), [(f", {FULL}", ""), ("", f", {FULL}")])
def test_decisions_list_the_first_hundred_and_count_the_rest(buyer: str, target: str) -> None:
    targets = "\n".join(f'  - {{key: x{n}, buyer: ann, dial: "sip:x{n}@127.0.0.1"{target}}}' for n in range(150))
    routes = ", ".join(f'{{target: x{n}, price: "1.00", priority: {n}}}' for n in range(150))
    caller = Caller(
        router(
            f"buyers: [{{key: ann{buyer}}}]\ntargets:\n{targets}\n"
            f"plans: [{{key: main, tiers: [{{key: t, method: priority, routes: [{routes}]}}]}}]"
        ),
        query(),
    )
    end = caller.next()
    assert isinstance(end, Exhausted)
    assert (end.reason, len(end.rejected), end.more) == ("no_capacity", 100, 50)
    assert {each.reason for each in end.rejected} == {"limit"}
    assert caller.cursor.decision().more == 50


def test_settings_come_from_the_most_specific_level() -> None:
    asked = router(
        """
        account: {key: acme, timezone: UTC, ring_seconds: 11, max_duration_seconds: 100, caller_id: "+12125550111"}
        campaigns: [{key: camp, flow: intake, plan: main, ring_seconds: 12, recording: {mode: from_answer}}]
        buyers: [{key: ann, whisper: Hello., price: "9.00", max_duration_seconds: 200}]
        targets:
          - {key: a1, buyer: ann, dial: "sip:a1@127.0.0.1", ring_seconds: 14, press_to_accept: "1"}
          - {key: a2, buyer: ann, dial: "sip:a2@127.0.0.1", recording: {mode: off}, price: "8.00"}
        plans: [{key: main, tiers: [{key: t, method: priority, routes: [
          {target: a1, priority: 1, ring_seconds: 15}, {target: a2, priority: 2, price: "7.00"}]}]}]
        """
    )
    caller = Caller(asked, query())
    first, second = caller.next(), caller.next()
    assert isinstance(first, Offer)
    assert isinstance(second, Offer)
    ring, other = first.candidate.ring, second.candidate.ring
    assert ring is not None
    assert other is not None
    assert (ring.ring_seconds, other.ring_seconds) == (15, 12)
    assert (ring.max_duration_seconds, ring.caller_id) == (200, "+12125550111")
    assert (ring.whisper, ring.press_to_accept, ring.press_seconds) == (Prompt(say="Hello."), "1", 10)
    assert (ring.recording, other.recording) == (Recording(mode="from_answer"), Recording(mode="off"))
    assert [str(each.candidate.terms.price) for each in (first, second)] == ["9.00", "7.00"]
    assert asked.campaign_recording("camp") == Recording(mode="from_answer")


def test_questions_before_and_after_routing() -> None:
    asked = router(
        """
        publishers: [{key: pub, paused: true}, {key: other}]
        plans:
          - {key: main, fallback: spare, tiers: [{key: t, method: priority, routes: [{target: a1, price: "1.00"}]}]}
          - key: spare
            no_buyer: {say: Sorry.}
            tiers: [{key: t, method: priority, routes: [{target: b1, price: "1.00"}]}]
        """
    )
    assert asked.receipt_guard("camp", "pub", None) == "paused"
    assert asked.receipt_guard("camp", "other", None) is None
    assert asked.no_buyer("main").say == "Sorry."
    assert asked.no_buyer("main").then == "hang_up"


@pytest.mark.parametrize(("kind", "left_s"), [(Kind.CALL, 60), (Kind.LEAD, 20)])
def test_patience_is_shorter_for_leads_unless_the_plan_says(kind: Kind, left_s: int) -> None:
    place = 'dial: "sip:a1@127.0.0.1"' if kind is Kind.CALL else 'deliver: {url: "http://127.0.0.1/"}'
    asked = router(f"targets: [{{key: a1, buyer: ann, {place}}}]")
    question = msgspec.structs.replace(query(), kind=kind)
    assert isinstance(Caller(asked, question).next(left_s - 0.001), Offer)
    end = Caller(asked, question).next(left_s)
    assert isinstance(end, Exhausted)
    assert end.reason == "out_of_patience"
