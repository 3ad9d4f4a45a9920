"""Scenario files: a configuration, a caller, and what must come of it. `trunkline scenarios` runs them.

A scenario is a YAML file:

    about:   one sentence for people
    config:  the top-level keys of a configuration; they replace those of `base.yaml` in the same folder or above it
    query:   the flags of `trunkline explain` as keys, lists for those that may be repeated
    expect:  offers, the routes in order; rejected, route to the fields of its rejection that matter;
             attributes, name to the fields that matter; unsold_reason
    steps:   in place of query and expect: several callers one after another, each with its own query and expect, and
             what buyers do (`steps.py`)

What `expect` does not name is not compared, but `offers` and `rejected` name every route.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import yaml

from trunkline.engine.routing.explain import as_json
from trunkline.kernel.errors import UsageError
from trunkline.switch.config_files import load_path
from trunkline.testing.asking import Oracle, question_of
from trunkline.testing.scenario_form import Expectation, Scenario
from trunkline.testing.steps import walk

BASE = "base.yaml"


def scenario_files(folder: Path) -> list[Path]:
    """The scenario files at or below `folder` (a file stands for itself). Raises UsageError when there is none."""
    if folder.is_file():
        return [folder]
    if not folder.exists():
        raise UsageError(f"there is no file or folder {folder}", hint="tests/scenarios has some to start from")
    files = sorted(path for path in folder.rglob("*.yaml") if path.name != BASE)
    if not files:
        raise UsageError(f"there are no scenarios in {folder}", hint="docs/reference/scenarios.md has the form")
    return files


def read_scenario(path: Path) -> Scenario:
    """One file. Raises UsageError saying what in it is wrong."""
    return _convert(_read(path), path)


def run_scenario(path: Path) -> list[str]:
    """What differs between what the file expects and what the engine says; empty when nothing does.

    Raises UsageError when the file, its configuration or its query cannot be read.
    """
    scenario = read_scenario(path)
    question = question_of(scenario.query or {})
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "account.json"
        whole.write_text(json.dumps(_base(path) | scenario.config, default=str))
        loaded = load_path(whole, base=path.parent)
    if loaded.snapshot is None:
        problem = loaded.errors[0]
        raise UsageError(f"{path}: the configuration has errors: {problem.path}: {problem.message}", hint=problem.hint)
    if scenario.steps:
        answers = zip(scenario.steps, walk(loaded.snapshot, scenario.steps), strict=True)
        return [
            f"step {place}: {each}"
            for place, (step, answer) in enumerate(answers, start=1)
            for each in differences(step.expect, answer)
        ]
    assert scenario.expect is not None, "what has no steps has an expectation"
    return list(differences(scenario.expect, as_json(Oracle(loaded.snapshot).ask(question)[0])))


def differences(expect: Expectation, answer: Mapping[str, Any]) -> Iterator[str]:
    """What of an answer (`explain --json`) is not as expected, one sentence each."""
    offers = [offer["route"] for offer in answer["offers"]]
    if offers != list(expect.offers):
        yield f"offers are {_names(offers)}, not {_names(expect.offers)}"
    rejected = {each["route"]: each for each in answer["rejected"]}
    for route in rejected.keys() - expect.rejected.keys():
        yield f"{route} is rejected ({rejected[route]['reason']}), which is not expected"
    for route, wanted in expect.rejected.items():
        if route not in rejected:
            yield f"{route} is not rejected"
        else:
            yield from _unlike(route, wanted, rejected[route])
    for name, wanted in expect.attributes.items():
        found = answer["attributes"].get(name)
        if found is None:
            yield f"{name} is unknown"
        else:
            yield from _unlike(name, wanted, found)
    if expect.duplicate is not None and answer["duplicate"] is not expect.duplicate:
        yield f"duplicate is {answer['duplicate']}, not {expect.duplicate}"
    if expect.unsold_reason is not None and answer["unsold_reason"] != expect.unsold_reason:
        yield f"unsold_reason is {answer['unsold_reason']}, not {expect.unsold_reason}"


def _unlike(what: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for field, value in wanted.items():
        if found.get(field) != value:
            yield f"{what}: {field} is {found.get(field)!r}, not {value!r}"


def _names(routes: Any) -> str:
    return ", ".join(routes) or "none"


def _base(path: Path) -> dict[str, Any]:
    for folder in (path.parent, path.parent.parent):
        if (folder / BASE).is_file():
            base = _read(folder / BASE)
            if not isinstance(base, dict):
                raise UsageError(f"{folder / BASE}: this is no configuration")
            return base
    return {}


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: this is no YAML: {error}") from error


def _convert(content: Any, path: Path) -> Scenario:
    hint = "docs/reference/scenarios.md has its keys"
    try:
        scenario = msgspec.convert(content, Scenario)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: this is no scenario: {error}", hint=hint) from error
    parts = (scenario.query is not None, scenario.expect is not None, not scenario.steps)
    if len(set(parts)) != 1:
        raise UsageError(f"{path}: this is no scenario: it needs query and expect, or steps alone", hint=hint)
    return scenario
