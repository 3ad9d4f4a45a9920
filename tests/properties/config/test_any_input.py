# ruff: noqa: E501
"""Whatever a file holds, loading reports and never raises; and what is accepted is accepted again, the same."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.config.sample import GOOD, VOICES, load

from trunkline.config.criteria import Operator
from trunkline.config.load import Loaded, load_sources
from trunkline.config.reading import Source
from trunkline.config.schema import AccountConfig, Platform
from trunkline.config.shapes_flow import ALL_NODES

pytestmark = pytest.mark.property

WORDS = st.sampled_from(
    ["", "a", "acme", "injury", "star", "+18335550100", "geo.state", "tag.points", "TX", "true", "no", "0", "-1", "12.5",
     "99999999999999999999", "08:00-18:00", "24:00-00:00", "2026-12-25", "USD", "sip:a@127.0.0.1", "US-TX", "78701", "0.8", "geo.zip", "caller.skills", "geo.county", "http://[", "*", "es",
     "\x00", "\ud83d\ude00", "(", "priority", "live", "day", "spend", "1" * 400, "Infinity", "NaN", "sNaN", "1e999999999"]
)  # fmt: skip
NAMES = [
    *AccountConfig.__struct_fields__, *Platform.__struct_fields__, *ALL_NODES, "version", "key", "number", "target", "say",
    "next", "otherwise", "nodes", "start", "prompts", "choices", "split", "all", "any", "not", "attr", "limits", "measure",
    "max", "hours", "mon", "exceptions", "holidays", "file", "zip", "miles", "confidence", "skills", "criteria", "price", "tiers", "routes", "method", "<<",
    *(operator.value for operator in Operator),
]  # fmt: skip
KEYS = st.sampled_from(NAMES) | st.text(max_size=8)
TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
BASE: dict[str, Any] = yaml.load(GOOD, Loader=yaml.BaseLoader)


def sane(loaded: Loaded) -> None:
    """What holds for every result."""
    assert (loaded.snapshot is None) == any(problem.severity == "error" for problem in loaded.problems)
    assert all(problem.message and problem.line >= 1 for problem in loaded.problems)


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    sane(load(text))
    sane(load(text, name="a.json"))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    sane(load(data))
    sane(load(data, name="a.json"))


@given(st.text(alphabet="{}[]:,-&*!|>'\"%@`#?\n\t <~ab1.", max_size=80))
def test_any_punctuation(text: str) -> None:
    sane(load(text))
    sane(load(text, name="a.json"))


@given(st.dictionaries(KEYS, TREES, max_size=8))
def test_any_tree(tree: dict[str, Any]) -> None:
    sane(load(json.dumps({"version": "1", **tree}), name="a.json"))


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values below `tree`."""
    found: list[tuple[Any, ...]] = [path] if path else []
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, inner in entries:
        found += places(inner, (*path, step))
    return found


PLACES = places(BASE)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(PLACES), TREES), min_size=1, max_size=3))
def test_the_sample_with_anything_in_any_place(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    tree = copy.deepcopy(BASE)
    for path, value in changes:
        holder: Any = tree
        try:
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    sane(load(json.dumps(tree), name="a.json"))


@settings(max_examples=60)
@given(st.sampled_from(PLACES))
def test_the_sample_without_any_one_value(path: tuple[Any, ...]) -> None:
    tree = copy.deepcopy(BASE)
    holder: Any = tree
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    sane(load(json.dumps(tree), name="a.json"))


def shuffled(tree: Any, draw: st.DataObject) -> Any:
    """The same tree with the keys of every mapping in another order."""
    if isinstance(tree, dict):
        return {key: shuffled(tree[key], draw) for key in draw.draw(st.permutations(list(tree)))}
    if isinstance(tree, list):
        return [shuffled(item, draw) for item in tree]
    return tree


@settings(max_examples=20)
@given(st.data())
def test_the_order_of_keys_is_nothing(data: st.DataObject) -> None:
    loaded = load(json.dumps(shuffled(BASE, data)), name="a.json")
    good = load(GOOD)
    assert loaded.problems == good.problems == ()
    assert loaded.snapshot is not None
    assert good.snapshot is not None
    assert loaded.snapshot.digest == good.snapshot.digest


@given(st.lists(st.tuples(st.sampled_from(["platform", "account", "both"]), TREES), max_size=3))
def test_any_set_of_files(files: list[tuple[Any, Any]]) -> None:
    sources = [Source(f"{place}.json", json.dumps(tree), role) for place, (role, tree) in enumerate(files)]
    loaded = load_sources(sources, "/base", VOICES)
    assert (loaded.snapshot is None) == any(problem.severity == "error" for problem in loaded.problems)
