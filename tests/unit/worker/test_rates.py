"""What a rate book takes from the configuration: how fast tiers forget, and when an outcome stands."""

from __future__ import annotations

import pytest
from tests.unit.routing.accounts import account

from trunkline.worker.rates import half_lives, longest_decision_s

pytestmark = pytest.mark.unit

TIERS = """
plans:
  - key: main
    tiers:
      - {key: slow, method: performance, performance: {half_life_days: 60}, routes: [{target: a1, price: "1.00"}]}
      - {key: fast, method: performance, performance: {half_life_days: 3}, routes: [{target: a2, price: "1.00"}]}
      - {key: plain, method: priority, routes: [{target: b1, price: "1.00"}]}
"""


def test_each_tier_forgets_as_it_says_and_a_plan_as_its_slowest() -> None:
    days = half_lives([account(TIERS)])
    named = {"main.slow": 60, "main.fast": 3, "main.plain": 14, "main": 60, "gone.t": 14}
    assert {name: days("acme", name) for name in named} == named
    assert days("other", "main.slow") == 14


def test_an_outcome_stands_when_no_rule_lets_a_conversion_come_later() -> None:
    assert longest_decision_s([]) == 0
    assert longest_decision_s([account(TIERS)]) == 0
    late = """
campaigns:
  - {key: camp, flow: intake, plan: main, conversion: {call: {event: postback, max_price: "1.00", decide_within_seconds: 86400}}}
targets:
  - {key: a1, buyer: ann, dial: "sip:a1@127.0.0.1", conversion: {call: {event: postback, max_price: "1.00", decide_within_seconds: 3600}}}
"""  # noqa: E501
    assert longest_decision_s([account(late)]) == 86_400
