"""The routing benchmark runs, both sides answer alike, and its market is what a file of it would be read as."""

from __future__ import annotations

import json

import pytest

from trunkline.cli.bench import load
from trunkline.config.load import Source, load_sources
from trunkline.config.schema import Platform
from trunkline.engine.routing.router import compile_router

pytestmark = pytest.mark.integration


def test_the_answer_has_the_shape_of_the_reference() -> None:
    module = load("routing")
    plan = module.Plan(rounds=1, callers=100, cases=40)
    document = json.loads(json.dumps(module.run(plan=plan, sizes=(100, 1_000))))
    assert document["bench"] == "routing"
    assert document["peer"] == "linear scan"
    rows = {(row["case"], row["unit"]): row for row in document["rows"]}
    headline = rows["1,000 routes: whole decision", "us p50"]
    assert document["ratio_to_peer"] == headline["ratio"]
    assert headline["ours"] > 0
    assert headline["peer"] > 0
    assert rows["equal to the naive reference", "random cases"]["ours"] == 40
    assert document["caveats"]


def test_the_market_is_what_its_file_is_read_as() -> None:
    load("routing")  # makes bench.load importable
    from bench.load.market import account_of, market, text_of

    document = market(120)
    loaded = load_sources([Source("market.json", text_of(document).encode())], "/")
    assert loaded.problems == ()
    assert loaded.snapshot is not None
    assert loaded.snapshot.accounts == (account_of(document),)


def test_callers_of_the_market_find_buyers() -> None:
    load("routing")
    from bench.load.linear import Linear
    from bench.load.market import account_of, callers, market

    config = account_of(market(1_000))
    linear = Linear(config, compile_router(config, Platform(), "bench"))
    found = [len(linear.eligible(query)) for query in callers(200)]
    assert sum(map(bool, found)) > 150
    assert 10 < sum(found) / len(found) < 100
