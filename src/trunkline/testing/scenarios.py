"""Scenario files: a configuration, a caller, and what must come of it. `trunkline scenarios` runs them.

A scenario is a YAML file:

    about:   one sentence for people
    config:  the top-level keys of a configuration; they replace those of `base.yaml` in the same folder or above it
    query:   the flags of `trunkline explain` as keys, lists for those that may be repeated
    expect:  offers, the routes in order; rejected, route to the fields of its rejection that matter;
             attributes, name to the fields that matter; unsold_reason

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

BASE = "base.yaml"


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must come of a question."""

    offers: tuple[str, ...]
    rejected: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    unsold_reason: str | None = None


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file."""

    about: str
    query: dict[str, Any]
    expect: Expectation
    config: dict[str, Any] = msgspec.field(default_factory=dict)


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
    question = question_of(scenario.query)
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "account.json"
        whole.write_text(json.dumps(_base(path) | scenario.config, default=str))
        loaded = load_path(whole, base=path.parent)
    if loaded.snapshot is None:
        problem = loaded.errors[0]
        raise UsageError(f"{path}: the configuration has errors: {problem.path}: {problem.message}", hint=problem.hint)
    answer = as_json(Oracle(loaded.snapshot).ask(question)[0])
    return list(differences(scenario.expect, answer))


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
    try:
        return msgspec.convert(content, Scenario)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{path}: this is no scenario: {error}", hint="docs/reference/scenarios.md has its keys"
        ) from error
