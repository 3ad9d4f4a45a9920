"""Every counter of an account is found by its name, and the same one as when all are listed."""

from __future__ import annotations

import pytest
from tests.unit.routing.accounts import account

from trunkline.config.lookup import AccountIndex
from trunkline.engine.routing.counters import Moved, counter_name, counters_of, moving_counters, rules_by_object

pytestmark = pytest.mark.unit

LIMITS = "limits: [{measure: live, max: 5}, {measure: connect, per: week, max: 5, applies_to: call}]"
TEXT = f"""
account: {{key: acme, timezone: UTC, {LIMITS}}}
campaigns: [{{key: camp, flow: intake, plan: main, timezone: Asia/Tokyo, {LIMITS}}}]
publishers: [{{key: pub, {LIMITS}}}]
buyer_groups: [{{key: both, buyers: [ann, bob], {LIMITS}}}]
buyers: [{{key: ann, funding: {{mode: prepaid, limit: "5.00"}}, timezone: ZONE, {LIMITS}}}, {{key: bob}}]
targets:
  - {{key: a1, buyer: ann, dial: "sip:a1@127.0.0.1", bid: {{dialect: generic, url: "https://b.example/p", {LIMITS}}}}}
  - {{key: a2, buyer: ann, dial: "sip:a2@127.0.0.1", {LIMITS}}}
plans: [{{key: main, tiers: [{{key: t, method: priority, routes: [{{target: a2, price: "1.00", {LIMITS}}}]}}]}}]
"""


def index(zone: str = "America/New_York") -> AccountIndex:
    return AccountIndex(account(TEXT.replace("ZONE", zone)))


def test_the_counters_of_an_object_are_those_of_the_whole_list() -> None:
    found = {
        f"{rules[0].counter.level}/{rules[0].counter.key}": [counter_name(rule.counter) for rule in rules]
        for rules in rules_by_object(index())
        if rules
    }
    assert list(found) == [
        "account/acme", "campaign/camp", "publisher/pub", "group/both", "buyer/ann", "bidder/a1", "target/a2",
        "route/main.t.a2",
    ]  # fmt: skip
    for name, counters in found.items():
        assert counters == [f"{name}:live", f"{name}:connect:week:call", *[f"{name}:funds"] * (name == "buyer/ann")]
        rules = counters_of(index(), *name.split("/"))
        assert [counter_name(rule.counter) for rule in rules] == counters


@pytest.mark.parametrize("level", ["account", "campaign", "publisher", "group", "buyer", "bidder", "target", "route"])
def test_what_is_not_there_has_no_counters(level: str) -> None:
    for key in ("", "nobody", "main.t.nobody", "other.t.a2"):
        assert counters_of(index(), level, key) == []
    assert counters_of(index(), "plan", "main") == []


def moved(before: AccountIndex, after: AccountIndex) -> list[Moved]:
    steps = moving_counters(before, after)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            found: list[Moved] = done.value
            return found


def test_a_zone_moves_the_windows_of_its_object_and_of_what_stands_below() -> None:
    names = [counter_name(each.rule.counter) for each in moved(index(), index("Europe/London"))]
    below = ("buyer/ann", "bidder/a1", "target/a2", "route/main.t.a2")
    assert names == [f"{name}:connect:week:call" for name in below]
    assert moved(index(), index()) == []
