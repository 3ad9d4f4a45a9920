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


def by_looking_at_all(before: AccountIndex, after: AccountIndex) -> set[tuple[str, tuple[str, str]]]:
    """The same as `moving_counters`, from all limits of both."""
    placed = {rule.counter: rule.placing for rules in rules_by_object(before) for rule in rules if rule.windowed}
    return {
        (counter_name(rule.counter), rule.placing)
        for rules in rules_by_object(after)
        for rule in rules
        if rule.windowed and placed.get(rule.counter, rule.placing) != rule.placing
    }


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        ("timezone: UTC", "timezone: America/Denver", 3),
        ("timezone: Asia/Tokyo", "timezone: Asia/Seoul", 1),
        ("{key: pub,", "{key: pub, timezone: Asia/Tokyo,", 1),
        ("key: both,", "key: both, timezone: Asia/Tokyo,", 1),
        ("{key: a2, buyer: ann,", "{key: a2, buyer: bob,", 2),
        ("{key: a2, buyer: ann,", "{key: a2, timezone: Asia/Tokyo, buyer: ann,", 1),
        ("{target: a2,", "{target: a2, timezone: Asia/Tokyo,", 1),
        ('{target: a2, price: "1.00",', "{key: a2, target: a1,", 0),
        ("per: week, max: 5,", "per: week, max: 5, week_start: sun,", 8),
        ("per: week, max: 5,", "per: week, max: 6,", 0),
        ("{key: bob}", "{key: bob, timezone: Asia/Tokyo}", 0),
    ],
)
def test_what_has_moved_is_what_a_look_at_all_limits_finds(old: str, new: str, count: int) -> None:
    assert old in TEXT
    before, after = index(), AccountIndex(account(TEXT.replace("ZONE", "America/New_York").replace(old, new)))
    found = {(counter_name(each.rule.counter), each.rule.placing) for each in moved(before, after)}
    assert found == by_looking_at_all(before, after)
    assert len(found) == count
