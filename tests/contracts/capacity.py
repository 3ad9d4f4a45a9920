"""What every store of leases must do. A test class of a store names itself a subclass and makes a fresh store.

The port is synchronous. A store behind a network is asked through an adapter that runs each call to its end, so that it
passes these tests unchanged (docs/decisions/0043).
"""

from __future__ import annotations

from trunkline.kernel.clock import MS, SECOND, Instant
from trunkline.kernel.leases import (
    LEASE_TTL_S,
    Capacity,
    CounterId,
    CounterSet,
    Demand,
    HoldDrop,
    HoldPut,
    Lease,
    OfferedSet,
    Recounted,
    Refused,
    Seats,
    TurnId,
    TurnSet,
)

DAY_MS = 86_400_000
NOW = Instant(5 * SECOND, DAY_MS + DAY_MS // 2)
"""The middle of day 1: 1970-01-02."""
LATER = frozenset({"convert", "spend", "funds"})
"""What may still be used when an attempt is over."""


def counter(key: str = "b", measure: str = "live", per: str = "") -> CounterId:
    return CounterId("acme", "buyer", key, measure, per, "call")


def demand(
    measure: str = "live", amount: int = 1, maximum: int = 2, day: int | None = None, key: str = "b", gap_s: int = 0
) -> Demand:
    if day is None:
        return Demand(counter(key, measure), amount, maximum, gap_ms=1000 * gap_s)
    window = (day * DAY_MS, (day + 1) * DAY_MS)
    return Demand(counter(key, measure, "day"), amount, maximum, *window, 1000 * gap_s)


def reserve(
    store: Capacity, lease: str, *demands: Demand, now: Instant = NOW, turn: TurnId | None = None
) -> Lease | Refused:
    return store.reserve(lease, "acme", f"call-{lease}", f"att-{lease}", demands, turn, now)


class CapacityContract:
    """Subclass it as `Test…` and give `make`."""

    def make(self) -> Capacity:
        """A fresh, empty store."""
        raise AssertionError("a subclass makes the store")

    def again(self, store: Capacity, now: Instant) -> Capacity:
        """The store after a restart at `now`, for stores that survive one; else the same."""
        return store

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

    def test_kept_seats_wait_for_a_conversion_after_the_attempt(self) -> None:
        store = self.make()
        converts = counter(measure="convert", per="day")
        for lease in ("l1", "l2"):
            reserve(store, lease, demand(), demand("convert", maximum=5, day=1), demand("spend", 500, 9_000, day=1))
            store.release(lease, NOW, LATER, 60_000)
        store = self.again(store, NOW)
        assert (store.leases(), store.kept()) == (0, 2)
        assert store.used(counter(), 0) == 0
        assert store.used(converts, DAY_MS) == 2
        assert not store.renew("l1", NOW), "the attempt is over"
        store.settle("l1", "convert", NOW.later(59 * SECOND))
        store.settle("l1", "spend", NOW.later(59 * SECOND), 300)
        store.release("l2", NOW)
        store = self.again(store, NOW)
        assert (store.leases(), store.kept()) == (0, 0)
        assert store.used(converts, DAY_MS) == 1, "in the window of its offer"
        assert store.used(counter(measure="spend", per="day"), DAY_MS) == 300

    def test_what_is_kept_is_given_back_at_its_time_and_is_not_lost(self) -> None:
        for keep_ms in (1_000, 3_600_000):
            store = self.make()
            reserve(store, "l1", demand(), demand("convert", maximum=5, day=1))
            store.release("l1", NOW, LATER, keep_ms)
            store.release("l1", NOW, LATER, 2 * keep_ms)
            assert store.sweep(NOW.later((keep_ms - 1) * MS)) == []
            assert store.used(counter(measure="convert", per="day"), DAY_MS) == 1
            store = self.again(store, NOW.later((keep_ms - 1) * MS))
            assert store.sweep(NOW.later(keep_ms * MS)) == []
            assert (store.used(counter(measure="convert", per="day"), DAY_MS), store.kept()) == (0, 0)
            store.settle("l1", "convert", NOW.later(keep_ms * MS))
            assert store.used(counter(measure="convert", per="day"), DAY_MS) == 0

    def test_what_ran_out_while_nothing_ran_is_given_back_at_once(self) -> None:
        store = self.make()
        reserve(store, "l1", demand("funds", 500, 1_000))
        store.release("l1", NOW, LATER, 60_000)
        store = self.again(store, NOW.later(3_600 * SECOND))
        assert store.sweep(NOW.later(3_600 * SECOND)) == []
        assert (store.used(counter(measure="funds"), 0), store.kept()) == (0, 0)

    def test_nothing_is_kept_when_nothing_is_left_to_be_kept(self) -> None:
        store = self.make()
        reserve(store, "l1", demand(), demand("convert", maximum=5, day=1))
        store.settle("l1", "convert", NOW)
        store.release("l1", NOW, LATER, 60_000)
        assert (store.leases(), store.kept()) == (0, 0)

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

    def test_of_many_that_want_one_seat_exactly_one_gets_it(self) -> None:
        store = self.make()
        wants = (demand(maximum=1), demand("spend", 500, 500, day=1), demand("attempt", maximum=100, day=1))
        found = [reserve(store, f"l{number}", *wants) for number in range(64)]
        assert [isinstance(each, Lease) for each in found] == [True] + [False] * 63
        assert set(found[1:]) == {Refused(wants[0], 1)}
        assert store.used(counter(measure="attempt", per="day"), DAY_MS) == 1
        store.release("l0", NOW)
        assert [isinstance(reserve(store, f"m{number}", *wants), Lease) for number in range(64)].count(True) == 1

    def test_each_reservation_brings_the_maximum_of_its_moment(self) -> None:
        store = self.make()
        for number, (maximum, made) in enumerate([(1, True), (1, False), (2, True), (0, False), (2, False), (3, True)]):
            assert isinstance(reserve(store, f"l{number}", demand(maximum=maximum)), Lease) == made
        assert store.used(counter(), 0) == 3

    def test_everything_survives_a_restart(self) -> None:
        store = self.make()
        turn = TurnId("acme", "p", "t", "r")
        reserve(store, "l1", demand(), demand("spend", 600, 1_000, day=1, gap_s=60), turn=turn)
        reserve(store, "l2", demand("connect", maximum=5, day=1), now=NOW.later(1))
        store.settle("l2", "connect", NOW)
        store.release("l2", NOW)
        store = self.again(store, NOW)
        assert store.used(counter(), 0) == 1
        assert store.seats(counter(measure="spend", per="day"), DAY_MS) == Seats(0, 600)
        assert store.seats(counter(measure="connect", per="day"), DAY_MS) == Seats(1, 0)
        assert store.offered(counter(measure="spend", per="day")) == NOW.utc_ms
        assert (store.turn(turn), store.leases()) == (1, 1)
        store.settle("l1", "spend", NOW, 100)
        store.release("l1", NOW)
        store = self.again(store, NOW)
        assert store.seats(counter(measure="spend", per="day"), DAY_MS) == Seats(100, 0)
        assert (store.used(counter(), 0), store.leases()) == (0, 0)

    def test_a_gap_lets_the_next_offer_pass_when_it_is_over(self) -> None:
        store = self.make()
        paced = demand("attempt", maximum=9, day=1, gap_s=60)
        assert store.offered(paced.counter) is None
        assert isinstance(reserve(store, "l1", paced), Lease)
        store = self.again(store, NOW.later(SECOND))
        for number, (seconds, made) in enumerate([(0, False), (59, False), (60, True), (119, False), (120, True)]):
            found = reserve(store, f"m{number}", paced, now=NOW.later(seconds * SECOND))
            assert isinstance(found, Lease) == made
        assert store.offered(paced.counter) == NOW.utc_ms + 120_000
        assert store.used(paced.counter, DAY_MS) == 3

    def test_a_gap_reaches_over_the_end_of_a_window_and_over_seats_given_back(self) -> None:
        store = self.make()
        reserve(store, "l1", demand("attempt", maximum=9, day=1, gap_s=60))
        store.release("l1", NOW)
        tomorrow = demand("attempt", maximum=9, day=2, gap_s=60)
        assert reserve(store, "l2", tomorrow, now=NOW.later(59 * SECOND)) == Refused(tomorrow, 0)
        assert isinstance(reserve(store, "l2", tomorrow, now=NOW.later(60 * SECOND)), Lease)

    def test_a_refused_or_repeated_reservation_begins_no_gap(self) -> None:
        store = self.make()
        paced = demand("attempt", maximum=9, day=1, gap_s=60)
        reserve(store, "no", paced, demand(maximum=0))
        assert store.offered(paced.counter) is None
        reserve(store, "l1", paced)
        reserve(store, "l1", paced, now=NOW.later(50 * SECOND))
        assert isinstance(reserve(store, "l2", paced, now=NOW.later(60 * SECOND)), Lease)
        other = demand("attempt", maximum=9, day=1, key="other", gap_s=3_600)
        assert reserve(store, "l3", other, paced, now=NOW.later(61 * SECOND)) == Refused(paced, 2)
        assert isinstance(reserve(store, "l3", other, now=NOW.later(62 * SECOND)), Lease), "held for nothing"

    def test_a_clock_that_is_set_back_makes_nobody_wait_for_it(self) -> None:
        store = self.make()
        paced = demand("attempt", maximum=9, day=1, gap_s=60)
        reserve(store, "l1", paced)
        back = Instant(NOW.mono_ns + SECOND, NOW.utc_ms - 3_600_000)
        assert isinstance(reserve(store, "l2", paced, now=back), Lease)
        assert isinstance(reserve(store, "l3", paced, now=back.later(59 * SECOND)), Refused)
        assert isinstance(reserve(store, "l3", paced, now=back.later(60 * SECOND)), Lease)

    def test_counters_are_set_by_hand_and_held_seats_are_left_alone(self) -> None:
        store = self.make()
        connects = demand("connect", maximum=5, day=1)
        window = (connects.counter, DAY_MS, 2 * DAY_MS)
        for lease in ("l1", "l2", "l3"):
            reserve(store, lease, connects)
        store.settle("l1", "connect", NOW)
        store.settle("l2", "connect", NOW)
        assert store.recount(*window, to=0) == Recounted(2, 0)
        assert store.seats(connects.counter, DAY_MS) == Seats(0, 1)
        assert store.recount(*window, by=4) == Recounted(0, 4)
        assert isinstance(reserve(store, "l4", connects), Refused)
        assert store.recount(*window, by=-9) == Recounted(4, 0), "never negative"
        store.settle("l3", "connect", NOW)
        assert store.recount(*window, to=7) == Recounted(1, 7)
        store = self.again(store, NOW)
        assert store.seats(connects.counter, DAY_MS) == Seats(7, 0)
        assert isinstance(reserve(store, "l4", connects), Refused), "a counter above its limit admits nothing"
        untouched = counter(measure="spend", per="lifetime")
        assert store.recount(untouched, 0, 2**62, by=5) == Recounted(0, 5)
        assert store.used(untouched, 0) == 5

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

    def test_changes_tell_of_gaps_of_what_is_kept_and_of_what_was_set_by_hand(self) -> None:
        store = self.make()
        paced = demand("convert", maximum=9, day=1, gap_s=60)
        lease = reserve(store, "l1", paced)
        assert isinstance(lease, Lease)
        offered = OfferedSet(paced.counter, NOW.utc_ms)
        assert sorted(store.take_changes(), key=repr) == [HoldPut(lease), offered]
        store.release("l1", NOW, LATER, 60_000)
        kept = Lease("l1", "acme", "call-l1", "att-l1", (paced,), NOW.utc_ms, NOW.utc_ms + 60_000)
        assert store.take_changes() == [HoldPut(kept)]
        store.recount(paced.counter, DAY_MS, 2 * DAY_MS, by=2)
        assert store.take_changes() == [CounterSet(paced.counter, DAY_MS, 2 * DAY_MS, 2)]
        store.put_back([offered])
        assert store.take_changes() == [offered]
