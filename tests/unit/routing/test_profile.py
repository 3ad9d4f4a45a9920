"""A caller's attributes are worked out once for all who ask in the same moment."""

from __future__ import annotations

import pytest
from tests.unit.routing.accounts import account

from trunkline.engine.routing.attributes import Origin
from trunkline.engine.routing.profile import CallerProfile
from trunkline.kernel.clock import Instant

pytestmark = pytest.mark.unit


def profile() -> CallerProfile:
    return CallerProfile(account("{}"), Origin(zone="UTC", caller="+15125550100", publisher="adwave"), "UTC")


def test_what_is_learned_is_known_in_the_same_second() -> None:
    caller, now = profile(), Instant(0, 1_700_000_000_000)
    before = caller.attributes(now)
    assert before["geo.state"].value == "TX"
    assert caller.attributes(now) is before
    caller.learn("geo.zip", "10001", "ivr")
    assert caller.attributes(now)["geo.state"].value == "NY"
    assert before["geo.state"].value == "TX"


def test_the_clock_goes_on() -> None:
    caller = profile()
    late = 1_700_000_000_000 // 3_600_000 * 3_600_000 + 3_599_999
    assert [caller.attributes(Instant(0, at))["time.hour"].value for at in (late, late + 1)] == ["22", "23"]
