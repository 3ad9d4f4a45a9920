"""What every store of leases must do. A test class of a store names itself a subclass and makes a fresh store."""

from __future__ import annotations

from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.leases import (
    LEASE_TTL_S,
    Capacity,
    CounterId,
    CounterSet,
    Demand,
    HoldDrop,
    HoldPut,
    Lease,
    Refused,
    TurnId,
    TurnSet,
)

DAY_MS = 86_400_000
NOW = Instant(5 * SECOND, 1_700_000_000_000)


def counter(key: str = "b", measure: str = "live", per: str = "") -> CounterId:
    return CounterId("acme", "buyer", key, measure, per, "call")


def demand(measure: str = "live", amount: int = 1, maximum: int = 2, day: int | None = None, key: str = "b") -> Demand:
    if day is None:
        return Demand(counter(key, measure), amount, maximum)
    return Demand(counter(key, measure, "day"), amount, maximum, day * DAY_MS, (day + 1) * DAY_MS)


def reserve(
    store: Capacity, lease: str, *demands: Demand, now: Instant = NOW, turn: TurnId | None = None
) -> Lease | Refused:
    return store.reserve(lease, "acme", f"call-{lease}", f"att-{lease}", demands, turn, now)


class CapacityContract:
    """Subclass it as `Test…` and give `make`."""

    def make(self) -> Capacity:
        """A fresh, empty store."""
        raise AssertionError("a subclass makes the store")

    def test_a_reservation_holds_every_demand(self) -> None:
        store = self.make()
        asked = (demand(), demand("spend", 500, 1000, day=1))
        lease = reserve(store, "l1", *asked)
        assert lease == Lease("l1", "acme", "call-l1", "att-l1", asked, NOW.utc_ms)
        assert store.used(counter(), 0) == 1
        assert store.used(counter(measure="spend", per="day"), DAY_MS) == 500
        assert store.leases() == 1

    def test_a_refused_reservation_holds_nothing_and_names_the_first_that_refused(self) -> None:
        store = self.make()
        full = demand("connect", maximum=1, day=1)
        assert isinstance(reserve(store, "l1", full), Lease)
        refused = reserve(store, "l2", demand(), full, demand(key="other", maximum=0))
        assert refused == Refused(full, 1)
        assert store.used(counter(), 0) == 0
        assert store.leases() == 1

    def test_zero_admits_nothing(self) -> None:
        assert reserve(self.make(), "l1", demand(maximum=0)) == Refused(demand(maximum=0), 0)

    def test_amounts_pass_up_to_the_maximum_itself(self) -> None:
        store = self.make()
        assert isinstance(reserve(store, "l1", demand("spend", 600, 1000, day=1)), Lease)
        assert isinstance(reserve(store, "l2", demand("spend", 401, 1000, day=1)), Refused)
        assert isinstance(reserve(store, "l3", demand("spend", 400, 1000, day=1)), Lease)

    def test_one_counter_asked_twice_counts_twice(self) -> None:
        store = self.make()
        assert reserve(store, "l1", demand(maximum=1), demand(maximum=1)) == Refused(demand(maximum=1), 0)
        assert store.used(counter(), 0) == 0

    def test_repeating_a_lease_id_gives_the_same_lease_and_holds_nothing_more(self) -> None:
        store = self.make()
        turn = TurnId("acme", "p", "t", "r")
        first = reserve(store, "l1", demand(maximum=1), turn=turn)
        assert reserve(store, "l1", demand(maximum=1), turn=turn, now=NOW.later(SECOND)) == first
        assert store.used(counter(), 0) == 1
        assert store.turn(turn) == 1

    def test_settled_seats_stay_used_when_the_lease_ends(self) -> None:
        store = self.make()
        reserve(store, "l1", demand(), demand("attempt", maximum=5, day=1))
        store.settle("l1", "attempt", NOW)
        store.settle("l1", "attempt", NOW)
        store.release("l1", NOW)
        assert store.used(counter(measure="attempt", per="day"), DAY_MS) == 1
        assert store.used(counter(), 0) == 0
        assert store.leases() == 0

    def test_settling_less_than_was_held_gives_the_rest_back(self) -> None:
        store = self.make()
        reserve(store, "l1", demand("spend", 900, 1000, day=1), demand("funds", 900, 1000))
        store.settle("l1", "spend", NOW, 300)
        store.settle("l1", "funds", NOW, 0)
        assert store.used(counter(measure="spend", per="day"), DAY_MS) == 300
        assert store.used(counter(measure="funds"), 0) == 0

    def test_releasing_twice_or_without_a_lease_is_harmless(self) -> None:
        store = self.make()
        reserve(store, "l1", demand())
        reserve(store, "l2", demand())
        for lease in ("l1", "l1", "unknown"):
            store.release(lease, NOW)
        assert store.used(counter(), 0) == 1
        store.settle("l1", "connect", NOW)
        assert not store.renew("l1", NOW)

    def test_kept_seats_stay_held_until_they_are_settled_or_released(self) -> None:
        store = self.make()
        for lease in ("l1", "l2"):
            reserve(store, lease, demand(), demand("convert", maximum=5, day=1))
            store.release(lease, NOW, frozenset({"convert"}))
        assert store.used(counter(), 0) == 0
        assert store.used(counter(measure="convert", per="day"), DAY_MS) == 2
        assert store.renew("l1", NOW)
        store.settle("l1", "convert", NOW)
        store.release("l2", NOW)
        assert not store.renew("l1", NOW)
        assert store.used(counter(measure="convert", per="day"), DAY_MS) == 1
        assert store.leases() == 0

    def test_a_lease_without_seats_can_be_renewed_until_it_is_released(self) -> None:
        store = self.make()
        assert isinstance(reserve(store, "l1"), Lease)
        assert store.renew("l1", NOW)
        store.release("l1", NOW)
        assert not store.renew("l1", NOW)

    def test_windows_count_apart(self) -> None:
        store = self.make()
        for day in (1, 2):
            assert isinstance(reserve(store, f"l{day}", demand("connect", maximum=1, day=day)), Lease)
            assert isinstance(reserve(store, f"m{day}", demand("connect", maximum=1, day=day)), Refused)

    def test_a_seat_counts_in_the_window_of_its_offer(self) -> None:
        store = self.make()
        reserve(store, "l1", demand("connect", maximum=1, day=1))
        store.settle("l1", "connect", NOW.later(DAY_MS * 1_000_000))
        assert store.used(counter(measure="connect", per="day"), DAY_MS) == 1
        assert store.used(counter(measure="connect", per="day"), 2 * DAY_MS) == 0

    def test_a_limit_lowered_below_use_ends_nothing_and_admits_nothing(self) -> None:
        store = self.make()
        reserve(store, "l1", demand(maximum=5))
        reserve(store, "l2", demand(maximum=5))
        assert reserve(store, "l3", demand(maximum=1)) == Refused(demand(maximum=1), 2)
        assert store.leases() == 2
        store.release("l1", NOW)
        assert isinstance(reserve(store, "l3", demand(maximum=1)), Refused)
        store.release("l2", NOW)
        assert isinstance(reserve(store, "l3", demand(maximum=1)), Lease)

    def test_what_nobody_renews_is_swept_once_and_named(self) -> None:
        store = self.make()
        lease = reserve(store, "l1", demand())
        reserve(store, "l2", demand())
        assert store.renew("l2", NOW.later(20 * SECOND))
        assert store.sweep(NOW.later(LEASE_TTL_S * SECOND - 1)) == []
        assert store.sweep(NOW.later(LEASE_TTL_S * SECOND)) == [lease]
        assert store.sweep(NOW.later(LEASE_TTL_S * SECOND)) == []
        assert store.used(counter(), 0) == 1
        assert [swept.id for swept in store.sweep(NOW.later((20 + LEASE_TTL_S) * SECOND))] == ["l2"]

    def test_turns_are_numbered_by_tier_and_only_by_leases_that_were_made(self) -> None:
        store = self.make()
        turns = [TurnId("acme", "p", tier, route) for tier, route in (("t1", "a"), ("t1", "b"), ("t2", "a"))]
        for number, turn in enumerate(turns):
            reserve(store, f"l{number}", demand(maximum=9), turn=turn)
        reserve(store, "no", demand(maximum=0), turn=turns[0])
        assert [store.turn(turn) for turn in turns] == [1, 2, 1]
        assert store.turn(TurnId("acme", "p", "t1", "never")) == 0

    def test_changes_tell_the_last_state_of_each_thing_once(self) -> None:
        store = self.make()
        turn = TurnId("acme", "p", "t", "r")
        attempt = demand("attempt", maximum=5, day=1)
        lease = reserve(store, "l1", demand(), attempt, turn=turn)
        assert isinstance(lease, Lease)
        assert sorted(store.take_changes(), key=repr) == [HoldPut(lease), TurnSet(turn, 1)]
        assert store.take_changes() == []
        store.settle("l1", "attempt", NOW)
        left = Lease("l1", "acme", "call-l1", "att-l1", (demand(),), NOW.utc_ms)
        used = CounterSet(attempt.counter, DAY_MS, 2 * DAY_MS, 1)
        assert sorted(store.take_changes(), key=repr) == [used, HoldPut(left)]
        store.release("l1", NOW)
        assert store.take_changes() == [HoldDrop("l1")]

    def test_changes_that_could_not_be_written_are_named_again_as_they_stand_then(self) -> None:
        store = self.make()
        turn = TurnId("acme", "p", "t", "r")
        reserve(store, "l1", demand("connect", maximum=9, day=1), turn=turn)
        lost = store.take_changes()
        store.settle("l1", "connect", NOW)
        store.release("l1", NOW)
        lost += store.take_changes()
        reserve(store, "l2", demand("connect", maximum=9, day=1))
        store.settle("l2", "connect", NOW)
        store.take_changes()
        assert store.take_changes() == []
        store.put_back(lost)
        written = store.take_changes()
        assert CounterSet(counter(measure="connect", per="day"), DAY_MS, 2 * DAY_MS, 2) in written
        assert HoldDrop("l1") in written
        assert TurnSet(turn, 1) in written
        assert len(written) == 3
