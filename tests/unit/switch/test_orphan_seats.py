"""Seats of legs that a crash left behind: held until the peer has answered, a minute at most."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from trunkline.capacity.memory import RECOVERED_TTL_S, MemoryCapacity
from trunkline.events.changes import LegDrop, StoredLeg
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.leases import CounterId, Demand, HoldDrop, Lease
from trunkline.sip.digest import Credentials
from trunkline.sip.endpoint import LegIdentifiers
from trunkline.switch.metrics import Metrics
from trunkline.switch.orphans import Orphans
from trunkline.switch.plant import Plant

pytestmark = pytest.mark.unit

LIVE = CounterId("acme", "buyer", "ace", "live", "", "both")
LEASE = Lease("lease", "acme", "call", "att", (Demand(LIVE, 1, 1),), 0)
IDENTIFIERS = LegIdentifiers(
    outgoing=True,
    call_id="id",
    local_tag="us",
    remote_tag="them",
    branch="z9hG4bK1",
    cseq=1,
    request_uri="sip:desk@127.0.0.1",
    destination=("127.0.0.1", 5060),
    from_header="<sip:us@127.0.0.1>;tag=us",
    to_header="<sip:desk@127.0.0.1>;tag=them",
    remote_target="sip:desk@127.0.0.1",
)
LEG = StoredLeg("att", "acme", "call", "contact", "att", True, msgspec.json.encode(IDENTIFIERS))
RINGING = msgspec.structs.replace(LEG, confirmed=False)
LOGIN = Credentials("carrier", "acme", "s3cret")
CHALLENGED = msgspec.structs.replace(
    RINGING,
    identifiers=msgspec.json.encode(msgspec.structs.replace(IDENTIFIERS, remote_tag=None, login="carrier", further=3)),
)
"""A leg that rings, whose INVITE may have been sent again with a password."""
ERASED = msgspec.structs.replace(LEG, identifiers=None)
NUMBER = 7


class Recovery:
    """Orphans with a real store of seats, and everything around them played."""

    def __init__(self, leg: StoredLeg | None = LEG, leases: tuple[Lease, ...] = (LEASE,)) -> None:
        self.now = Instant(1_000 * SECOND, 1_795_359_600_000)
        self.kept: list[object] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.capacity = MemoryCapacity()
        numbers = count(NUMBER)
        self.told: list[tuple[str, Credentials | None]] = []

        def tell(identifiers: LegIdentifiers, now: float, login: Credentials | None) -> int:
            self.told.append((identifiers.branch, login))
            return next(numbers)

        endpoint = SimpleNamespace(orphan_bye=tell, orphan_cancel=tell)
        plant: Any = Plant.__new__(Plant)
        plant.clock = lambda: self.now
        plant.capacity = self.capacity
        plant.world = SimpleNamespace(logins=SimpleNamespace(ours={"carrier": LOGIN}))
        plant.metrics = self.metrics = Metrics()
        plant.sip = SimpleNamespace(endpoint=endpoint, now=lambda: 0.0, flush=lambda: None)
        plant.loop = SimpleNamespace(call_later=lambda wait_s, work: self.timers.append((wait_s, work)))
        plant.journal = SimpleNamespace(append=self._append)
        self.orphans = Orphans(plant)
        self.capacity.restore(SimpleNamespace(offered=(), counters=(), leases=leases, turns=()), self.now)
        self.orphans.hang_up([] if leg is None else [leg], leases)

    def counted(self) -> dict[str, float]:
        """Orphan legs by what is known of them."""
        return {
            sample.labels["result"]: sample.value
            for family in self.metrics.orphans.collect()
            for sample in family.samples
        }

    def _append(self, _entries: object, changes: list[object], *, finishing: bool, patient: bool) -> Any:
        assert finishing
        assert not patient
        self.kept += changes
        return SimpleNamespace(add_done_callback=lambda observe: None)

    def pass_a_minute(self) -> None:
        """Run the timer that was set, at its time."""
        ((wait_s, work),) = self.timers
        self.now = self.now.later(round(wait_s * SECOND))
        work()


def test_an_answer_frees_the_seat_at_once() -> None:
    recovery = Recovery()
    assert recovery.capacity.used(LIVE, 0) == 1
    recovery.orphans.ended(NUMBER, 481)
    assert recovery.capacity.used(LIVE, 0) == 0
    assert recovery.kept == [HoldDrop("lease"), LegDrop("att")]
    assert recovery.counted() == {"ended": 1}


def test_a_cancel_that_ended_the_ringing_frees_the_seat_at_once() -> None:
    recovery = Recovery(RINGING)
    recovery.orphans.ended(NUMBER, 487)
    assert recovery.capacity.used(LIVE, 0) == 0
    assert recovery.kept == [HoldDrop("lease"), LegDrop("att")]


@pytest.mark.parametrize(("leg", "status"), [(LEG, None), (RINGING, None), (RINGING, 481)])
def test_a_peer_that_may_still_be_there_keeps_its_seat_for_a_minute_and_that_is_no_bug(
    leg: StoredLeg, status: int | None
) -> None:
    recovery = Recovery(leg)
    recovery.orphans.ended(NUMBER, status)
    assert recovery.capacity.used(LIVE, 0) == 1
    assert recovery.kept == [], "another crash must find leg and lease again"
    assert recovery.counted() == {"unknown": 1}
    recovery.pass_a_minute()
    assert recovery.timers[0][0] <= RECOVERED_TTL_S
    assert recovery.capacity.used(LIVE, 0) == 0
    assert recovery.capacity.sweep(recovery.now) == []
    assert recovery.kept == [HoldDrop("lease"), LegDrop("att")]


def test_a_leg_whose_attempt_was_over_before_the_crash_is_over() -> None:
    recovery = Recovery(RINGING, leases=())
    recovery.orphans.ended(NUMBER, 481)
    assert recovery.kept == [LegDrop("att")]
    assert recovery.counted() == {"ended": 1}


def test_a_seat_without_a_leg_is_held_for_a_minute_too() -> None:
    recovery = Recovery(None)
    assert recovery.capacity.used(LIVE, 0) == 1
    recovery.pass_a_minute()
    assert recovery.capacity.used(LIVE, 0) == 0
    assert recovery.kept == [HoldDrop("lease")]


def test_a_leg_whose_caller_was_erased_is_dropped_and_its_seat_held(caplog: pytest.LogCaptureFixture) -> None:
    recovery = Recovery(ERASED)
    assert len(recovery.orphans) == 0
    assert recovery.kept == [LegDrop("att")]
    assert "leg att of call cannot be ended" in caplog.text
    assert recovery.counted() == {"unknown": 1}
    assert recovery.capacity.used(LIVE, 0) == 1
    recovery.pass_a_minute()
    assert recovery.capacity.used(LIVE, 0) == 0


def test_peers_are_told_of_a_crash_at_a_pace_that_carriers_take() -> None:
    recovery = Recovery(leases=())
    legs = [msgspec.structs.replace(LEG, leg=f"att{number}", attempt=None) for number in range(50)]
    recovery.orphans.hang_up(legs, ())
    sent = [len(recovery.told)]
    while recovery.timers:
        wait_s, work = recovery.timers.pop()
        assert wait_s == 0.1
        work()
        sent.append(len(recovery.told))
    assert sent == [21, 41, 51]
    assert len(recovery.orphans) == 51


def test_an_attempt_of_several_phones_keeps_its_seat_until_the_last_is_over() -> None:
    recovery = Recovery(RINGING)
    recovery.orphans.hang_up([msgspec.structs.replace(RINGING, leg=f"att.{number}") for number in (2, 3)], (LEASE,))
    first, *others = (NUMBER + place for place in range(3))
    recovery.orphans.ended(first, 487)
    recovery.orphans.ended(others[0], 487)
    assert recovery.capacity.used(LIVE, 0) == 1
    recovery.orphans.ended(others[1], 487)
    assert recovery.capacity.used(LIVE, 0) == 0
    assert recovery.kept == [LegDrop("att"), LegDrop("att.2"), HoldDrop("lease"), LegDrop("att.3")]


def test_one_phone_that_stays_silent_keeps_the_seat_of_all_for_a_minute() -> None:
    recovery = Recovery(RINGING)
    recovery.orphans.hang_up([msgspec.structs.replace(RINGING, leg="att.2")], (LEASE,))
    recovery.orphans.ended(NUMBER, None)
    recovery.orphans.ended(NUMBER + 1, 487)
    assert recovery.capacity.used(LIVE, 0) == 1


# -- an INVITE that may have been sent again ---------------------------------------------------------------------------


def test_every_try_of_a_challenged_invite_is_cancelled_and_the_one_that_rang_ends_the_leg() -> None:
    recovery = Recovery(CHALLENGED)
    assert recovery.told == [(branch, LOGIN) for branch in ("z9hG4bK1", "z9hG4bK1.1", "z9hG4bK1.2", "z9hG4bK1.3")]
    assert len(recovery.orphans) == 1
    recovery.orphans.ended(NUMBER, 481)
    recovery.orphans.ended(NUMBER + 2, 481)
    assert recovery.capacity.used(LIVE, 0) == 1, "one of the others may ring"
    recovery.orphans.ended(NUMBER + 1, 487)
    assert recovery.capacity.used(LIVE, 0) == 0
    assert recovery.kept == [HoldDrop("lease"), LegDrop("att")]
    recovery.orphans.ended(NUMBER + 3, 481)
    assert recovery.counted() == {"ended": 1}
    assert len(recovery.orphans) == 0


@pytest.mark.parametrize("statuses", [(481, 481, 481, 481), (401, 481, None, 481), (None, 481, 481, 401)])
def test_when_no_try_is_known_to_have_ended_the_seat_is_held_for_a_minute(statuses: tuple[int | None, ...]) -> None:
    recovery = Recovery(CHALLENGED)
    for place, status in enumerate(statuses):
        assert recovery.counted() == {}
        recovery.orphans.ended(NUMBER + place, status)
    assert recovery.capacity.used(LIVE, 0) == 1
    assert recovery.counted() == {"unknown": 1}
    recovery.pass_a_minute()
    assert recovery.capacity.used(LIVE, 0) == 0


def test_the_credentials_of_a_trunk_that_is_gone_are_not_needed_to_cancel() -> None:
    gone = msgspec.structs.replace(
        CHALLENGED, identifiers=(CHALLENGED.identifiers or b"").replace(b'"carrier"', b'"gone"')
    )
    assert [login for _, login in Recovery(gone).told] == [None] * 4
