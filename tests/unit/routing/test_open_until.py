"""An explanation says when the hours above an offer close, and when those of a closed route open."""

from __future__ import annotations

import pytest
from tests.unit.routing.accounts import MONDAY_NOON_MS, query, router

from trunkline.engine.routing.explain import StatedUsage, as_json
from trunkline.kernel.clock import Instant

pytestmark = pytest.mark.unit

ACCOUNT = """
account: {key: acme, currency: USD, timezone: America/New_York, hours: {mon: ["06:00-20:00"], tue: ["06:00-20:00"]}}
buyers:
  - {key: ann, hours: {mon: ["09:00-17:00"]}, timezone: America/Chicago}
  - {key: bob, hours: {tue: ["09:00-17:00"]}}
plans: [{key: main, tiers: [{key: t, method: priority, routes: [
  {target: a1, price: "1.00"}, {target: b1, price: "1.00"},
  {target: a2, price: "1.00", hours: {mon: ["12:00-12:30"]}}]}]}]
"""


def test_the_first_level_that_closes_counts() -> None:
    explanation = router(ACCOUNT).explain(query(Instant(0, MONDAY_NOON_MS)), StatedUsage({}, {}, {}, {}))
    answer = as_json(explanation)
    assert {offer["route"]: offer["open_until"] for offer in answer["offers"]} == {
        "main.t.a1": "2026-11-23T23:00:00.000Z",  # 17:00 in Chicago, before 20:00 in New York
    }
    assert {each["route"]: each["detail"] for each in answer["rejected"]} == {
        "main.t.b1": "opens 2026-11-24 09:00 America/New_York",
        "main.t.a2": "opens 2026-11-23 12:00 America/Chicago",
    }


def test_what_has_no_hours_never_closes() -> None:
    answer = as_json(router("{}").explain(query(Instant(0, MONDAY_NOON_MS)), StatedUsage({}, {}, {}, {})))
    assert [offer["open_until"] for offer in answer["offers"]] == [None]
