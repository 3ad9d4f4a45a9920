"""Leases of live calls are renewed before those that ran out are looked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.capacity.memory import MemoryCapacity
from trunkline.events.switch import LeaseExpired
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.leases import LEASE_RENEW_S, LEASE_TTL_S, CounterId, Demand
from trunkline.switch.service import SWEEP_S, Switch

pytestmark = pytest.mark.unit

START = Instant(1_000 * SECOND, 1_795_359_600_000)
LIVE = CounterId("acme", "buyer", "ace", "live", "", "both")


class Tended:
    """A switch of which only the leases are there: two of a live call, one of them from before it, one of nobody."""

    def __init__(self) -> None:
        self.expired: list[str] = []
        self.capacity = MemoryCapacity()
        for name in ("held", "seat", "forgotten"):
            self.capacity.reserve(name, "acme", f"call-{name}", f"att-{name}", (Demand(LIVE, 1, 9),), None, START)
        self.switch: Any = Switch.__new__(Switch)
        self.switch._renewed_ns = START.mono_ns
        self.switch._registry = SimpleNamespace(calls={"call-held": SimpleNamespace(lease="held", seat="seat")})
        self.switch._plant = SimpleNamespace(
            capacity=self.capacity,
            leads=SimpleNamespace(renew=lambda now: None),
            called=SimpleNamespace(renew=lambda now: None),
            metrics=SimpleNamespace(leases_expired=SimpleNamespace(inc=lambda count: None)),
            write=self._write,
        )

    def _write(self, entries: list[Any]) -> None:
        for entry in entries:
            assert isinstance(entry.event, LeaseExpired)
            self.expired.append(entry.event.lease)


def test_only_what_nobody_holds_runs_out() -> None:
    tended = Tended()
    for second in range(0, 4 * LEASE_TTL_S, round(SWEEP_S)):
        tended.switch._tend_leases(START.later(second * SECOND))
    assert tended.expired == ["forgotten"]
    assert tended.capacity.leases() == 2


def test_a_process_that_was_stopped_for_an_hour_keeps_the_seats_of_its_calls() -> None:
    tended = Tended()
    tended.switch._tend_leases(START.later((LEASE_RENEW_S - 1) * SECOND))
    tended.switch._tend_leases(START.later(3600 * SECOND))
    assert tended.expired == ["forgotten"]
    assert tended.capacity.used(LIVE, 0) == 2
