"""Runs every scenario file through `trunkline explain`: configuration and caller in, offers and reasons out.

`exemplary/` shows how each rule and reason works and is quoted by the documentation; `supplemental/` holds odd cases.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from trunkline.cli.main import main
from trunkline.engine.routing.reasons import NOT_GIVEN_YET, Reason

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*/*.yaml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def ask(scenario: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """The answer of `explain --json` for one scenario."""
    path = folder / "account.json"
    path.write_text(json.dumps(read(HERE / "base.yaml") | scenario["config"]))
    arguments = ["explain", "--config", str(path), "--json"]
    for flag, value in scenario["query"].items():
        arguments += [f"--{flag}={each}" for each in (value if isinstance(value, list) else [value])]
    assert main(arguments) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_scenario(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = read(path)
    answer = ask(scenario, tmp_path, capsys)
    expected = scenario["expect"]
    assert [offer["route"] for offer in answer["offers"]] == expected["offers"]
    rejected = {each["route"]: each for each in answer["rejected"]}
    assert rejected.keys() == expected.get("rejected", {}).keys()
    for route, wanted in expected.get("rejected", {}).items():
        assert {name: rejected[route][name] for name in wanted} == wanted
    for name, wanted in expected.get("attributes", {}).items():
        assert {field: answer["attributes"][name][field] for field in wanted} == wanted
    if "unsold_reason" in expected:
        assert answer["unsold_reason"] == expected["unsold_reason"]


def test_every_reason_has_an_exemplary_scenario() -> None:
    shown = {
        wanted["reason"]
        for path in (HERE / "exemplary").glob("*.yaml")
        for wanted in read(path)["expect"].get("rejected", {}).values()
    }
    assert shown == {reason.value for reason in Reason} - NOT_GIVEN_YET
