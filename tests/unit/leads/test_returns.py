"""Returns: what the policy takes, what becomes of what it took, and what the record of a sale shows of it."""

from __future__ import annotations

import msgspec
import pytest

from trunkline.config.return_rules import Returns
from trunkline.engine.leads.returns import (
    DAY_MS,
    TRANSITIONS,
    AlreadyDecided,
    Decided,
    Refusal,
    Request,
    ReturnMachine,
    Sold,
    Standing,
    State,
    TimedOut,
    allowed,
    refusals,
    requested,
)
from trunkline.engine.terms.returned import ReturnRecord, note_return, tell_return
from trunkline.events.returns import AnyReturnEvent, ReturnApproved, ReturnExpired, ReturnRejected, ReturnRequested
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit

SOLD_MS = 1_800_000_000_000
SOLD = Sold(
    account="acme",
    call="lead_1",
    contact="c" * 32,
    attempt="att_1",
    buyer="ace",
    target="ace-leads",
    route="all.t1.ace-leads",
    publisher="adwave",
    source="fb",
    sold_ms=SOLD_MS,
    price=Money(3500, "USD"),
    payout=Money(2100, "USD"),
)
RULES = Returns(within_days=7, share_percent=1_000, auto_approve=("duplicate",))
PLENTY = Standing(sold=100, returned=0)


def judge(
    rules: Returns | None = RULES,
    *,
    reason: str = "bad_contact",
    standing: Standing = PLENTY,
    days: float = 1,
) -> tuple[Refusal, ...]:
    return refusals(rules, SOLD, reason, standing, SOLD_MS + int(days * DAY_MS))


def ask(
    reason: str = "bad_contact", rules: Returns | None = RULES, **more: object
) -> tuple[ReturnMachine, list[AnyReturnEvent]]:
    asked = Request(id="ret_1", sold=SOLD, reason=reason, role="buyer", by="mia@desk", cycle_ms=SOLD_MS - DAY_MS)
    return requested(msgspec.structs.replace(asked, **more), rules, SOLD_MS + DAY_MS)


def test_what_the_policy_allows_is_taken() -> None:
    assert judge() == ()
    assert judge(days=7) == ()


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"rules": None}, (Refusal.NOT_TAKEN,)),
        ({"rules": Returns(paused=True)}, (Refusal.NOT_TAKEN,)),
        ({"reason": "bored"}, (Refusal.UNKNOWN_REASON,)),
        ({"days": 7.0001}, (Refusal.TOO_LATE,)),
        ({"standing": Standing(100, 10)}, (Refusal.SHARE_USED_UP,)),
        (
            {"reason": "bored", "days": 8, "standing": Standing(9, 1)},
            (Refusal.UNKNOWN_REASON, Refusal.TOO_LATE, Refusal.SHARE_USED_UP),
        ),
    ],
)
def test_what_it_does_not_allow_is_refused_with_every_rule_that_is_broken(
    given: dict[str, object], refused: tuple[Refusal, ...]
) -> None:
    assert judge(**given) == refused  # type: ignore[arg-type]


def test_a_share_is_rounded_up_so_that_one_sale_can_be_sent_back() -> None:
    assert [allowed(sold, 1_000) for sold in (0, 1, 10, 11, 100)] == [0, 1, 1, 2, 10]
    assert [allowed(sold, 10_000) for sold in (0, 7)] == [0, 7]
    assert judge(Returns(), standing=Standing(1, 5)) == (), "no share is said: none counts"


def test_a_request_waits_for_its_decision_and_says_what_is_at_stake() -> None:
    machine, (event,) = ask(note="no such number")
    assert isinstance(event, ReturnRequested)
    assert (event.credit, event.clawback, event.note) == (Money(3500, "USD"), Money(2100, "USD"), "no such number")
    assert machine.state is State.REQUESTED
    assert machine.next_timer() == event.expires_ms == SOLD_MS + 15 * DAY_MS


def test_some_reasons_are_approved_at_once_but_not_what_an_operator_set_aside() -> None:
    machine, (asked, approved) = ask("duplicate")
    assert isinstance(asked, ReturnRequested)
    assert isinstance(approved, ReturnApproved)
    assert (machine.state, approved.by, machine.stored.decided_by) == (State.APPROVED, "policy", "policy")
    assert machine.next_timer() is None
    machine, events = ask("duplicate", set_aside=("too_late",))
    assert (machine.state, len(events)) == (State.REQUESTED, 1)
    machine, events = ask("duplicate", rules=None)
    assert (machine.state, len(events)) == (State.REQUESTED, 1)


@pytest.mark.parametrize(("approved", "kind"), [(True, ReturnApproved), (False, ReturnRejected)])
def test_a_decision_is_written_with_who_made_it_and_is_final(approved: bool, kind: type) -> None:
    machine, _ = ask()
    (event,) = machine.handle(Decided(approved, "bob@office", "seen"), SOLD_MS + 2 * DAY_MS)
    assert isinstance(event, kind)
    assert (event.by, event.target, event.source, event.sold_ms) == ("bob@office", "ace-leads", "fb", SOLD_MS)
    assert (machine.stored.decided_by, machine.stored.decided_ms) == ("bob@office", SOLD_MS + 2 * DAY_MS)
    for late in (Decided(not approved, "eve"), TimedOut()):
        with pytest.raises(AlreadyDecided):
            machine.handle(late, SOLD_MS + 3 * DAY_MS)


def test_what_nobody_decides_upon_expires_and_not_before() -> None:
    machine, _ = ask()
    due_ms = machine.next_timer()
    assert due_ms is not None
    assert machine.handle(TimedOut(), due_ms - 1) == []
    (event,) = machine.handle(TimedOut(), due_ms)
    assert isinstance(event, ReturnExpired)
    assert (event.by, machine.state) == ("policy", State.EXPIRED)


def test_every_state_that_can_be_left_has_its_steps() -> None:
    assert {state for state, _ in TRANSITIONS} == {State.REQUESTED}
    assert {after for _, states in TRANSITIONS.values() for after in states} == set(State)


def test_the_record_of_a_sale_shows_its_returns_and_its_story_tells_them() -> None:
    machine, events = ask()
    events += machine.handle(Decided(True, "bob@office"), SOLD_MS + 2 * DAY_MS)
    shown: list[ReturnRecord] = []
    for event in events:
        note_return(shown, event)
    (record,) = shown
    assert (record.state, record.credit, record.clawback) == ("approved", "35.00", "21.00")
    assert record.decided_by == "bob@office"
    assert [tell_return(event) for event in events] == [
        "mia@desk asks to send the sale to ace back: bad_contact",
        "the return is approved by bob@office: ace is credited 35.00, adwave loses 21.00",
    ]
