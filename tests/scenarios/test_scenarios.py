"""Runs every scenario file through the runner that users have: configuration and caller in, offers and reasons out.

`exemplary/` shows how each rule and reason works and is quoted by the documentation; `supplemental/` holds odd cases.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trunkline.cli.main import main
from trunkline.engine.routing.reasons import Reason
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
        for wanted in read_scenario(path).expect.rejected.values()
    }
    assert shown == {reason.value for reason in Reason}


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("about: [", "no YAML"),
        ("about: x\nquery: {}\nexpect: {}", "no scenario"),
        ("about: x\nquery: {}\nexpect: {offers: []}\nexpects: 1", "no scenario"),
        ("about: x\nquery: {fro: 1}\nexpect: {offers: []}", "no question"),
        (PLAN + "\nabout: x\nquery: {to: '+18335550199'}\nexpect: {offers: []}", "no such tracking number"),
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
