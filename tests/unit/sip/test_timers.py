"""The timer heap, the transition tables as such, and digit reports."""

from __future__ import annotations

import weakref
from math import inf

import pytest

from trunkline.sip import dtmf_info, legs
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.timers import TimerHeap
from trunkline.sip.transactions.client import Client, StreamClient
from trunkline.sip.transactions.invite_client import InviteClient, StreamInviteClient
from trunkline.sip.transactions.invite_server import InviteServer, StreamInviteServer
from trunkline.sip.transactions.machine import Command, Input, Repeat, State, Transaction
from trunkline.sip.transactions.server import Server, StreamServer

pytestmark = pytest.mark.unit


class Owner:
    """Something with a deadline."""

    def __init__(self, due: float | None) -> None:
        self.due = due
        self.armed = inf
        self.alarm = 0

    def next_timer(self) -> float | None:
        """The deadline."""
        return self.due


def test_deadlines_come_in_order_and_moved_ones_where_they_moved_to() -> None:
    heap = TimerHeap()
    owners = [Owner(float(due)) for due in (5, 1, 3)]
    for owner in owners:
        heap.arm(owner)
        heap.arm(owner)
    assert heap.next_due() == 1.0
    owners[1].due = 4.0
    assert heap.next_due() == 3.0
    owners[0].due = 2.0
    heap.arm(owners[0])
    owners[2].due = None
    taken = []
    while (woken := heap.pop_due(10.0)) is not None:
        assert isinstance(woken, Owner)
        taken.append(woken.due)
        woken.due = None
    assert taken == [2.0, 4.0]
    assert heap.next_due() is None
    assert len(heap) == 0


def test_nothing_is_taken_before_it_is_due() -> None:
    heap = TimerHeap()
    heap.arm(Owner(2.0))
    assert heap.pop_due(1.9) is None
    assert heap.pop_due(2.0) is not None


def test_who_is_forgotten_or_has_moved_is_held_by_no_entry() -> None:
    heap = TimerHeap()
    moved, forgotten = Owner(60.0), Owner(50.0)
    heap.arm(moved)
    heap.arm(forgotten)
    moved.due = 1.0
    heap.arm(moved)
    assert heap.pop_due(1.0) is moved
    heap.forget(forgotten)
    gone = [weakref.ref(moved), weakref.ref(forgotten)]
    del moved, forgotten
    assert [each() for each in gone] == [None, None]
    assert heap.next_due() is None


def test_a_hundred_thousand_timers_keep_one_entry_each() -> None:
    heap = TimerHeap()
    owners = [Owner(float(number)) for number in range(100_000)]
    for _ in range(3):
        for owner in owners:
            heap.arm(owner)
    assert len(heap) == 100_000
    for owner in owners:
        owner.due = None
    assert heap.next_due() is None
    assert len(heap) == 0


@pytest.mark.parametrize(
    "kind",
    [InviteClient, InviteServer, Client, Server, StreamInviteClient, StreamInviteServer, StreamClient, StreamServer],
)
def test_every_state_of_a_transaction_is_left_in_the_end(kind: type[Transaction]) -> None:
    states = {kind.START.state} | {row.state for row in kind.TABLE.values()}
    for state in states - {State.TERMINATED}:
        assert any(start == state and row.state != state for (start, _), row in kind.TABLE.items()), state.name
    for (state, event), row in kind.TABLE.items():
        assert (row.state == State.TERMINATED) == (Command.TERMINATED in row.commands), (state, event)
        assert state != State.TERMINATED


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        (StreamInviteClient, InviteClient),
        (StreamInviteServer, InviteServer),
        (StreamClient, Client),
        (StreamServer, Server),
    ],
)
def test_over_a_stream_nothing_repeats_and_no_duplicate_is_waited_for(
    kind: type[Transaction], plain: type[Transaction]
) -> None:
    assert kind.START.repeat is Repeat.KEEP, "nothing runs at the start"
    reached, waiting = {kind.START.state}, [kind.START.state]
    while waiting:
        state = waiting.pop()
        for (start, event), row in kind.TABLE.items():
            if start == state and event is not Input.REPEAT_DUE:
                assert row.repeat in (Repeat.KEEP, Repeat.STOP), (start, event)
                assert (row.state == State.TERMINATED) == (Command.TERMINATED in row.commands), (start, event)
                if row.state not in reached:
                    reached.add(row.state)
                    waiting.append(row.state)
    absorbs = {InviteServer: {State.COMPLETED, State.ACCEPTED}, InviteClient: {State.ACCEPTED}}.get(plain, set())
    assert reached & {State.COMPLETED, State.CONFIRMED, State.ACCEPTED} == absorbs


def test_every_state_of_a_leg_leads_to_gone() -> None:
    reaches = {legs.LegState.GONE}
    for _ in legs.LegState:
        reaches |= {start for (start, _), end in legs.TRANSITIONS.items() if end in reaches}
    assert reaches == set(legs.LegState)


@pytest.mark.parametrize(
    ("kind", "body", "digit", "duration_ms"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5", 160),
        ("application/dtmf-relay; charset=x", b"signal = *\nduration = 99\n", "*", 99),
        ("application/dtmf-relay", b"Signal= 11\r\n", "#", 250),
        ("application/dtmf-relay", b"Duration=99999\r\nSignal=d\r\n", "D", 10_000),
        ("application/dtmf", b"7", "7", 250),
        ("Application/DTMF", b" 10 \r\n", "*", 250),
    ],
)
def test_digit_reports_are_read(kind: str, body: bytes, digit: str, duration_ms: int) -> None:
    assert dtmf_info.parse(kind, body) == dtmf_info.InfoDigit(digit, duration_ms)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/dtmf-relay", b"", 400),
        ("application/dtmf-relay", b"Signal=99\r\n", 400),
        ("application/dtmf", b"12345", 400),
        ("application/dtmf", b"", 400),
        ("text/plain", b"5", 415),
    ],
)
def test_other_reports_are_refused(kind: str, body: bytes, status: int) -> None:
    with pytest.raises(RemoteSipError) as caught:
        dtmf_info.parse(kind, body)
    assert caught.value.status == status
