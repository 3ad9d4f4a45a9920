# ruff: noqa: E501
"""Text to tree: nothing gets a type, everything keeps its line, and no file can do harm."""

from __future__ import annotations

import json

import pytest
from tests.unit.config.sample import GOOD, broken, load, told

from trunkline.config.load import load_sources
from trunkline.config.reading import DEPTH_MAX, NODES_MAX, SIZE_MAX, Source, read
from trunkline.config.schema import AccountConfig
from trunkline.config.tree import Fields, Items, Text, Tree

pytestmark = pytest.mark.unit


def plain(tree: Tree | None) -> object:
    """A tree as Python's own values."""
    match tree:
        case Text():
            return tree.value
        case Items():
            return [plain(item) for item in tree.items]
        case Fields():
            return {key: plain(entry) for key, entry in tree.entries.items()}
    return None


def values(text: str, name: str = "a.yaml") -> object:
    document = read(Source(name, text))
    assert not document.findings.sorted()
    return plain(document.root)


def refused(data: str | bytes, name: str = "a.yaml") -> list[tuple[str, str, int]]:
    document = read(Source(name, data))
    return [(problem.code, problem.path, problem.line) for problem in document.findings.sorted()]


@pytest.mark.parametrize(
    "text",
    ["NO", "no", "ON", "on", "yes", "y", "06401", "0o17", "0x1F", "1e3", "1_000", "20:30", "12:30:45", ".inf", "+1",
     "2026-12-25", "2026-12-25T10:00:00Z", "1.10", "true", "True", "=", "'null'"],
)  # fmt: skip
def test_every_scalar_is_the_text_that_is_written(text: str) -> None:
    assert values(f"a: {text}") == {"a": text.strip("'")}


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_nothing(text: str) -> None:
    assert values(f"a: {text}") == {"a": None}


def test_keys_are_text_as_well() -> None:
    assert values("{1: a, on: b, 06: c}") == {"1": "a", "on": "b", "06": "c"}


def test_line_ends_and_byte_order_mark() -> None:
    assert values("\ufeffa: 1\r\nb: 2\r\n") == {"a": "1", "b": "2"}
    assert load(("\ufeff" + GOOD.replace("\n", "\r\n")).encode()).problems == ()


def test_aliases_repeat_what_stands_above() -> None:
    assert values("a: &x {k: [1]}\nb: *x\nc: &y t\nd: *y") == {"a": {"k": ["1"]}, "b": {"k": ["1"]}, "c": "t", "d": "t"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("empty", "", 1)),
        ("# only a comment\n", ("empty", "", 1)),
        ("~", ("empty", "", 1)),
        ("- a\n- b", ("not_a_mapping", "", 1)),
        ("just words", ("not_a_mapping", "", 1)),
        ("a: 1\n\tb: 2", ("not_yaml", "", 2)),
        ("a: b: c", ("not_yaml", "", 1)),
        ("a: [1, 2", ("not_yaml", "", 1)),
        ("a: 'x", ("not_yaml", "", 1)),
        ("a: 1\nb: \x01", ("not_yaml", "", 2)),
        ("a: 1\n---\nb: 2", ("several_documents", "", 2)),
        ("a: !!str 1", ("tag", "", 1)),
        ("a: !!python/object:os.system {}", ("tag", "", 1)),
        ("a: 1\nb: !x []", ("tag", "", 2)),
        ("a: *b", ("unknown_alias", "", 1)),
        ("a: &b [*b]", ("unknown_alias", "", 1)),
        ("? [1]\n: 2", ("bad_key", "", 1)),
        ("? {a: 1}\n: 2", ("bad_key", "", 1)),
        ("~: 2", ("bad_key", "", 1)),
        ("a: &x b\n*x : 2", ("bad_key", "", 2)),
    ],
)  # fmt: skip
def test_text_that_cannot_be_read(text: str, expected: tuple[str, str, int]) -> None:
    found = refused(text)
    assert [(code, path) for code, path, _ in found] == [expected[:2]]
    if expected[0] != "not_yaml":
        assert found[0][2] == expected[2]
    assert found[0][2] >= 1


def test_a_tab_is_named() -> None:
    problem = read(Source("a.yaml", "a:\n\tb: 2")).findings.sorted()[0]
    assert problem.line == 2
    assert "tabs" in problem.hint


def test_duplicate_keys_name_both_lines() -> None:
    document = read(Source("a.yaml", "a: 1\nb: {c: 1,\n  d: 2,\n  c: 3}\na: 2\n"))
    problems = document.findings.sorted()
    assert [(problem.code, problem.path, problem.line) for problem in problems] == [
        ("duplicate_key", "b.c", 4),
        ("duplicate_key", "a", 5),
    ]
    assert "on line 2 and on line 4" in problems[0].message
    assert plain(document.root) == {"a": "1", "b": {"c": "1", "d": "2"}}


def test_merge_keys_are_refused_and_the_rest_is_read() -> None:
    document = read(Source("a.yaml", "a: &x {k: 1}\nb: {<<: *x, m: 2}"))
    assert [(problem.code, problem.path) for problem in document.findings.sorted()] == [("merge_key", "b.<<")]
    assert plain(document.root) == {"a": {"k": "1"}, "b": {"m": "2"}}


def test_binary_and_broken_text() -> None:
    assert refused(b"a: 1\nb: \xff\xfe") == [("not_utf8", "", 2)]
    assert refused(b"\x89PNG\r\n\x1a\n\x00\x00") == [("not_utf8", "", 1)]
    assert refused("a: 1\x00") == [("not_yaml", "", 1)]
    assert refused("a: \ud800") == [("not_utf8", "", 1)]


def test_a_huge_file() -> None:
    assert refused(b"a" * (SIZE_MAX + 1)) == [("too_large", "", 1)]


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_depth_is_bounded(name: str) -> None:
    inside = DEPTH_MAX - 1
    assert not refused('{"a": ' + "[" * inside + "]" * inside + "}", name)
    assert refused('{"a": ' + "[" * DEPTH_MAX + "]" * DEPTH_MAX + "}", name) == [("too_deep", "", 1)]
    assert refused('{"a": ' + "[" * 100_000, name) == [("too_deep", "", 1)]


def test_billion_laughs() -> None:
    lines = ["l0: &l0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert NODES_MAX < 10**9
    assert refused("\n".join(lines)) == [("too_large", "", 6)]


def test_aliases_do_not_make_a_tree_deeper_than_it_may_be() -> None:
    lines = ["a0: &a0 " + "[" * 30 + "]" * 30]
    lines += [f"a{n}: &a{n} " + "[" * 30 + f"*a{n - 1}" + "]" * 30 for n in range(1, 5)]
    assert refused("\n".join(lines)) == [("too_deep", "", 3)]


# JSON


def test_json_numbers_and_words_are_text() -> None:
    assert values('{"a": 1e3, "b": -0.50, "c": true, "d": null, "e": [], "f": {}, "g": "\\u00e9\\ud83d\\ude00\\/"}', "a.json") == {
        "a": "1e3", "b": "-0.50", "c": "true", "d": None, "e": [], "f": {}, "g": "é😀/",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", 1), ('{"a" 1}', 1), ('{"a": 1,}', 1), ('{"a": 01}', 1), ('{"a":\n nul}', 2), ("{a: 1}", 1), ("[1 2]", 1),
        ('{"a": 1}\n{}', 2), ('{"a": "x}', 1), ('{"a": "\\x"}', 1), ('{"a": "\\ud800"}', 1), ('{"a": 1.}', 1),
        ('{"a": NaN}', 1), ('{"a": [1}', 1), ('{"a": tru}', 1), ('{"a": truex}', 1),
    ],
)  # fmt: skip
def test_json_that_is_none(text: str, line: int) -> None:
    assert refused(text, "a.json") == [("not_json", "", line)]


def test_json_keeps_lines_and_finds_duplicates() -> None:
    assert refused('{"a": 1,\n "b": {"c": 1,\n "c": 2}}', "a.json") == [("duplicate_key", "b.c", 3)]
    assert refused("", "a.json") == [("empty", "", 1)]
    assert refused("[]", "a.json") == [("not_a_mapping", "", 1)]


def test_json_and_yaml_say_the_same() -> None:
    from_yaml = load(GOOD)
    from_json = load(json.dumps(values(GOOD), indent=2), name="acme.json")
    assert from_json.problems == ()
    assert from_json.snapshot is not None
    assert from_yaml.snapshot is not None
    assert from_json.snapshot.digest == from_yaml.snapshot.digest


# what a file says where


def test_problems_name_file_and_line() -> None:
    problem = load(broken(("flow: intake", "flow: intak")), name="there/acme.yaml").problems[0]
    assert problem.file == "there/acme.yaml"
    assert GOOD.splitlines()[problem.line - 1].strip() == "flow: intake"


def test_a_way_inside_a_verb_keeps_its_line() -> None:
    text = broken(
        (
            'greet: {play: {say: "Thank you for calling."}, next: zip}',
            "greet:\n        play:\n          say: Hi\n          next: zap",
        )
    )
    problem = load(text).problems[0]
    assert (problem.code, problem.path) == ("unknown_reference", "flows[intake].nodes.greet.next")
    assert text.splitlines()[problem.line - 1].strip() == "next: zap"


def test_no_file_at_all() -> None:
    assert told(load_sources([], "/").problems) == [("error", "empty", "")]


def test_every_top_level_key_is_known() -> None:
    for key in AccountConfig.__struct_fields__:
        assert f"\n{key}:" in f"\n{GOOD}"
