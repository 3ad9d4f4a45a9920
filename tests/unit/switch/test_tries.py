"""Where an INVITE goes, and where it goes next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.config.trunks import Trunk
from trunkline.sip.hops import Hop
from trunkline.switch.tries import TRIES_MAX, Tries, Try
from trunkline.telephony.sip.dial import Way
from trunkline.telephony.sip.servers import Place

pytestmark = pytest.mark.unit


def way(name: str) -> Way:
    return Way(Place(name, None, None), f"sip:x@{name}", Trunk(key=name))


ONE, TWO, THREE = way("one"), way("two"), way("three")
SERVERS = {
    ONE.place: (Hop("192.0.2.1", 5060), Hop("192.0.2.2", 5060)),
    TWO.place: (Hop("192.0.2.3", 5060),),
    THREE.place: None,
}


def following(tries: Tries, full: tuple[Way, ...] = ()) -> Try | Way | None:
    return tries.following(lambda each: each in full, SERVERS.__getitem__)


def host(step: Try | Way | None) -> str | None:
    return step.hop.host if isinstance(step, Try) else None


def test_the_servers_of_the_first_way_come_first_then_those_of_the_next() -> None:
    tries = Tries((ONE, TWO), 4.0)
    assert [host(following(tries)) for _ in range(4)] == ["192.0.2.1", "192.0.2.2", "192.0.2.3", None]


def test_what_may_be_silent_is_shared_and_what_is_not_used_is_left_to_the_next() -> None:
    tries = Tries((ONE, TWO), 4.0)
    first = following(tries)
    assert isinstance(first, Try)
    assert first.patience_s == pytest.approx(4.0 / 3), "two servers, and at least one of the other way"
    tries.silent()
    second = following(tries)
    assert isinstance(second, Try)
    third = following(tries)  # the second answered 503 at once: its time is left to the third
    assert isinstance(third, Try)
    assert third.patience_s == pytest.approx(4.0 * 2 / 3)
    assert following(Tries((TWO,), 4.0)) == Try(TWO, Hop("192.0.2.3", 5060), 4.0), "all of it when alone"


def test_503_asks_the_next_server_other_failures_the_next_trunk_and_a_refusal_nobody() -> None:
    for status, next_host in ((503, "192.0.2.2"), (500, "192.0.2.3"), (408, "192.0.2.3")):
        tries = Tries((ONE, TWO), 4.0)
        following(tries)
        assert tries.refused(status)
        assert host(following(tries)) == next_host
    tries = Tries((ONE, TWO), 4.0)
    following(tries)
    assert not any(tries.refused(status) for status in (302, 403, 404, 480, 486, 488, 600, 603))


def test_a_way_whose_trunk_is_full_is_passed_over_and_one_that_is_not_known_is_asked_for() -> None:
    tries = Tries((ONE, TWO), 4.0)
    assert host(following(tries, full=(ONE,))) == "192.0.2.3"
    nothing = Tries((ONE, TWO), 4.0)
    assert following(nothing, full=(ONE, TWO)) is None
    assert nothing.failure == "trunk_limit"
    late = Tries((THREE, TWO), 4.0)
    assert following(late) is THREE
    late.missing("dns")
    assert host(following(late)) == "192.0.2.3"
    found = Tries((THREE,), 4.0)
    assert following(found) is THREE
    found.found(THREE, (Hop("192.0.2.9", 5060),))
    assert host(following(found)) == "192.0.2.9"


@given(st.integers(1, 40), st.floats(1, 60), st.lists(st.booleans(), min_size=60, max_size=60))
def test_it_ends_and_all_silence_together_is_never_longer_than_allowed(
    count: int, silence_s: float, silent: list[bool]
) -> None:
    hops = tuple(Hop(f"192.0.2.{number}", 5060) for number in range(count))
    tries, waited, number = Tries((TWO,), silence_s), 0.0, 0
    while (step := tries.following(lambda each: False, lambda place: hops)) is not None:
        assert isinstance(step, Try)
        if silent[number]:
            waited += step.patience_s
            tries.silent()
        number += 1
    assert 1 <= number <= min(count, TRIES_MAX)
    assert waited <= silence_s + 1e-6
