"""Which hops a route takes: numbers that exist, and that some plan can lead to."""

from __future__ import annotations

import pytest

from trunkline.config.load import Source, load_sources

pytestmark = pytest.mark.unit


def problems(hops: str, *, plan: str = "", fallback: str = "") -> list[tuple[str, str]]:
    """What is said of a route with these hops in a plan that `main` falls back to."""
    routes = "[{target: ann-desk, price: '50.00', hops: HOPS}]".replace("HOPS", hops)
    text = f"""
version: 1
account: {{key: acme, timezone: UTC}}
publishers: [{{key: adwave}}]
campaigns: [{{key: injury, flow: intake, plan: main}}]
numbers: [{{number: "+18335550100", campaign: injury, publisher: adwave}}]
buyers: [{{key: ann}}]
targets: [{{key: ann-desk, buyer: ann, dial: "sip:ann@127.0.0.1:5081"}}]
plans:
  - {{key: main, {plan} fallback: last, tiers: [{{method: priority, routes: [{{target: ann-desk, price: "6"}}]}}]}}
  - {{key: last, {fallback} tiers: [{{key: t, method: priority, routes: {routes}}}]}}
flows: [{{key: intake, start: sell, nodes: {{sell: {{route: {{}}}}}}}}]
"""
    return [(problem.severity, problem.code) for problem in load_sources([Source("a.yaml", text)], ".").problems]


def test_hops_that_are_none() -> None:
    assert problems("[6]") == [("error", "bad_hops")]
    assert problems("[-1]") == [("error", "bad_hops")]
    assert problems("[]") == [("error", "bad_hops")]


def test_hops_that_nothing_leads_to() -> None:
    assert problems("[1]") == [("warning", "never_matches")]
    assert problems("[0, 1]") == []
    assert problems("[1]", plan="reroute_seconds: 30,") == []
    assert problems("[1]", fallback="reroute_seconds: 30,") == []
