"""A trunk's load against a list of all its calls, over any course of events and times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.config.trunks import Trunk
from trunkline.kernel.clock import SECOND
from trunkline.switch.trunk_load import Seat, TrunkLoad

pytestmark = pytest.mark.property

MINUTE = 60 * SECOND
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "answer", "end", "look"]),
        st.integers(0, 6),
        st.one_of(st.integers(0, 3 * SECOND), st.integers(0, 5 * MINUTE), st.integers(0, 130 * MINUTE)),
    ),
    max_size=60,
)


class Call:
    """What really happened to one call, in monotonic nanoseconds."""

    def __init__(self, seat: Seat, begun_ns: int, caller: str) -> None:
        self.seat = seat
        self.begun_ns = begun_ns
        self.caller = caller
        self.answered_ns: int | None = None
        self.ended_ns: int | None = None

    def talked_ns(self, since_ns: int, now_ns: int) -> int:
        """How long it was talked from `since_ns` on."""
        if self.answered_ns is None:
            return 0
        until = now_ns if self.ended_ns is None else self.ended_ns
        return max(0, until - max(since_ns, self.answered_ns))


@given(STEPS)
def test_a_load_is_what_its_calls_are(steps: list[tuple[str, int, int]]) -> None:
    load, calls, now = TrunkLoad(), list[Call](), 10_000 * MINUTE
    for what, which, passed in steps:
        now += passed
        if what == "begin":
            caller = f"+1512555010{which}"
            calls.append(Call(load.begin(now, caller), now, caller))
        elif what in ("answer", "end") and calls:
            call = calls[which % len(calls)]
            if what == "answer":
                call.seat.answered(now)
                if call.ended_ns is None and call.answered_ns is None:
                    call.answered_ns = now
            else:
                call.seat.ended(now)
                call.ended_ns = now if call.ended_ns is None else call.ended_ns
        going_on = [call for call in calls if call.ended_ns is None]
        assert load.live == len(going_on)
        for each in {call.caller for call in calls}:
            assert load.live_of(each) == sum(call.caller == each for call in going_on)
        hour_ago = (now // MINUTE - 59) * MINUTE
        assert load.talked_ms(now) == sum(call.talked_ns(hour_ago, now) for call in calls) // 1_000_000
        in_second = sum(call.begun_ns > now - SECOND for call in calls)
        assert load.full(Trunk(key="t", max_per_second=in_second + 1), now) is None
        assert load.full(Trunk(key="t", max_per_second=in_second), now) == "max_per_second"
        assert load.full(Trunk(key="t", max_live=len(going_on) + 1), now) is None
        assert load.full(Trunk(key="t", max_live=len(going_on)), now) == "max_live"
