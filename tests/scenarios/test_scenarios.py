"""Runs every scenario file through the runner that users have: configuration and caller in, offers and reasons out.

`exemplary/` shows how each rule and reason works and is quoted by the documentation; `supplemental/` holds odd cases.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from trunkline.cli.main import main
from trunkline.config.criteria import Operator
from trunkline.config.schema import Measure, Method
from trunkline.engine.routing.reasons import GUARD_LEVELS, LIMIT_LEVELS, Reason, Unsold
from trunkline.kernel.windows import Per
from trunkline.testing.scenarios import read_scenario, run_scenario, scenario_files

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
FILES = scenario_files(HERE)

WRONG = """
about: Nobody is expected, but somebody is there.
config:
  plans: [{key: main, tiers: [{key: first, method: priority, routes: [
    {target: ann-desk, price: "50.00"}, {target: bob-desk, price: "40.00", paused: true}]}]}]
query: {to: "+18335550100", from: "+15125550100", at: "2026-11-23T10:00:00-05:00"}
expect:
  offers: []
  rejected: {main.first.bob-desk: {reason: hours}, main.first.ann-desk: {reason: paused}}
  attributes: {geo.state: {value: OK}, geo.zip: {value: "78701"}}
  unsold_reason: paused
"""


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_scenario(path: Path) -> None:
    assert run_scenario(path) == []


def test_every_reason_has_an_exemplary_scenario() -> None:
    shown = {
        wanted["reason"]
        for path in scenario_files(HERE / "exemplary")
        for expect in read_scenario(path).expectations()
        for wanted in expect.rejected.values()
    }
    assert shown == {reason.value for reason in Reason}


def shown() -> tuple[dict[str, set[Any]], set[tuple[str, str | None]], set[str | None]]:
    """Of the exemplary scenarios: the values that each key of a configuration has, (reason, level), reasons unsold."""
    values: dict[str, set[Any]] = defaultdict(set)
    rejected: set[tuple[str, str | None]] = set()
    unsold: set[str | None] = set()

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for each in node:
                walk(each)
        if isinstance(node, dict):
            for key, value in node.items():
                values[key].add(value if isinstance(value, str | int) else None)
                walk(value)

    for path in scenario_files(HERE / "exemplary"):
        scenario = read_scenario(path)
        walk(scenario.config)
        for expect in scenario.expectations():
            unsold.add(expect.unsold_reason)
            rejected |= {(each["reason"], each.get("level")) for each in expect.rejected.values()}
    return values, rejected, unsold


def test_every_rule_has_an_exemplary_scenario() -> None:
    values, rejected, unsold = shown()
    # No decisions of routing: a caller waits, a buyer does not answer a post.
    elsewhere = {Unsold.WAITED_TOO_LONG, Unsold.QUEUE_FULL, Unsold.NO_ANSWER}
    assert set(Method) <= values["method"]
    assert set(Measure) <= values["measure"]
    assert set(Per) <= values["per"]
    assert {"original", "different", "nowhere", "normal"} <= values["route"]
    assert {*Operator, "all", "any", "not", "confidence"} <= values.keys()
    assert {
        "buyer_groups", "calling_hours", "decide_within_seconds", "exceptions", "fallback", "floor", "funding",
        "holidays", "hops", "matrix", "max_offers", "min_attestation", "min_gap_seconds", "min_score", "not_seen_days",
        "pacing", "patience_seconds", "performance", "require_listed", "reroute_again", "skills", "strict", "suppress",
        "tags", "week_start", "weight", "zone",
    } <= values.keys()  # fmt: skip
    of_pings = {"ping"}  # what was promised for a caller; no question states that
    assert set(GUARD_LEVELS) - of_pings <= {
        level for reason, level in rejected if reason not in {Reason.LIMIT, Reason.FUNDS}
    }
    assert set(LIMIT_LEVELS) <= {level for reason, level in rejected if reason == Reason.LIMIT}
    assert set(Unsold) - elsewhere <= unsold


def test_the_demonstrations_of_steps_fail_when_they_should(folder: Path) -> None:
    """What comes of a step rests on those before it: without the first, the second comes out otherwise."""
    path = folder / "steps.yaml"
    whole = yaml.safe_load((HERE / "exemplary" / "steps-live.yaml").read_text())
    path.write_text(yaml.safe_dump(whole))
    assert run_scenario(path) == []
    path.write_text(yaml.safe_dump(whole | {"steps": whole["steps"][1:]}))
    assert run_scenario(path)[0] == (
        "step 1: offers are main.first.ann-desk, main.first.bob-desk, not main.first.bob-desk"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text((HERE / "base.yaml").read_text())
    (tmp_path / "wrong.yaml").write_text(WRONG)
    return tmp_path


def test_every_difference_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", str(folder), "--json"]) == 1
    (result,) = json.loads(capsys.readouterr().out)
    assert not result["ok"]
    assert result["differences"] == [
        "offers are main.first.ann-desk, not none",
        "main.first.bob-desk: reason is 'paused', not 'hours'",
        "main.first.ann-desk is not rejected",
        "geo.state: value is 'TX', not 'OK'",
        "geo.zip is unknown",
        "unsold_reason is None, not paused",
    ]


def test_words_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "right.yaml").write_text((HERE / "exemplary" / "floor.yaml").read_text())
    assert main(["scenarios", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "WRONG " in out
    assert "right.yaml: A price may equal a floor" in out
    assert "2 scenarios, 1 otherwise than expected" in out


PLAN = (
    "config: {plans: [{key: main, tiers: [{key: t, method: priority, routes: [{target: ann-desk, price: '1.00'}]}]}]}"
)
DEAD = "config: {plans: [{key: main, tiers: [{key: t, method: priority, routes: [{target: nobody}]}]}]}"


AT, EARLIER = (f"to: '+18335550100', at: '2026-11-2{day}T10:00:00-05:00'" for day in (3, 2))
STEP = "{{query: {{{}}}, expect: {{offers: [main.t.ann-desk]}}}}"
STEPS = PLAN.replace("{", "{{").replace("}", "}}") + f"\nabout: x\nsteps: [{STEP}]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("about: [", "no YAML"),
        ("about: x\nquery: {}\nexpect: {}", "no scenario"),
        ("about: x\nquery: {}\nexpect: {offers: []}\nexpects: 1", "no scenario"),
        ("about: x\nquery: {fro: 1}\nexpect: {offers: []}", "no question"),
        (PLAN + "\nabout: x\nquery: {to: '+18335550199'}\nexpect: {offers: []}", "no such tracking number"),
        ("about: x\nexpect: {offers: []}", "needs query and expect, or steps"),
        ("about: x", "needs query and expect, or steps"),
        ("about: x\nquery: {}\nexpect: {offers: []}\nsteps: [{query: {}, expect: {offers: []}}]", "steps alone"),
        (STEPS.format("to: '+18335550100'"), "step 1: say `at`"),
        (STEPS.format(f"{AT}, live: [buyer/ann=1]"), "step 1: live, used, funds, last are not stated"),
        (STEPS.replace(STEP, f"{STEP}, {STEP}").format(AT, EARLIER), "step 2: this step is earlier"),
        (DEAD + "\nabout: x\nquery: {}\nexpect: {offers: []}", "errors"),
    ],
)
def test_what_cannot_be_run_is_bad_use(folder: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wrong.yaml").write_text(text)
    assert main(["scenarios", str(folder)]) == 2
    assert said in capsys.readouterr().out


def test_a_folder_without_scenarios_is_bad_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", str(tmp_path)]) == 2
    assert "no scenarios" in capsys.readouterr().err
