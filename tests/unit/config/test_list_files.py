"""Lists in text files beside the configuration: what they may hold, and what is said of those that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.config.sample import GOOD, broken, told

from trunkline.config.criteria import All, Condition
from trunkline.config.list_files import FILE_BYTES_MAX, VALUE_LENGTH_MAX, ListFiles
from trunkline.config.load import Loaded, load_sources
from trunkline.config.reading import Source
from trunkline.config.scalars import BadText

pytestmark = pytest.mark.unit

CRITERIA = "criteria: {all: [{attr: geo.state, in: [TX, OK]}]}"
AT = "plans[injury].tiers[contract].routes[star].criteria.in.file"


def loaded(folder: Path, criteria: str) -> Loaded:
    return load_sources([Source("acme.yaml", broken((CRITERIA, f"criteria: {criteria}")))], str(folder))


def refusal(folder: Path, name: str = "list.txt") -> str:
    with pytest.raises(BadText) as refused:
        ListFiles(str(folder)).read(name)
    assert refused.value.hint
    return refused.value.code


def test_one_value_a_line_with_comments_and_each_value_once(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbf# Austin\r\n78701 # downtown\r\n\r\n  78702\r\n78701\nC#\n")
    assert ListFiles(str(tmp_path)).read("list.txt") == ("78701", "78702", "C#")


def test_all_criteria_share_the_values_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "zips.txt").write_text("78701\n")
    found = loaded(
        tmp_path, "{all: [{attr: geo.zip, in: {file: zips.txt}}, {attr: geo.zip, prefix: {file: zips.txt}}]}"
    )
    assert found.snapshot is not None, found.problems
    node = found.snapshot.accounts[0].plans[0].tiers[0].routes[0].criteria
    assert isinstance(node, All)
    one, other = node.nodes
    assert isinstance(one, Condition)
    assert isinstance(other, Condition)
    assert one.values is other.values
    assert found.snapshot.files == found.files == (str(tmp_path / "zips.txt"),)


def test_what_a_list_says_belongs_to_the_digest(tmp_path: Path) -> None:
    digests = []
    for content in ("78701\n", "78702\n", "# the same\n78702\n"):
        (tmp_path / "zips.txt").write_text(content)
        snapshot = loaded(tmp_path, "{attr: geo.zip, in: {file: zips.txt}}").snapshot
        assert snapshot is not None
        digests.append(snapshot.digest)
    assert digests[0] != digests[1] == digests[2]


def test_values_of_a_list_are_checked_like_others(tmp_path: Path) -> None:
    (tmp_path / "days.txt").write_text("2026-12-25\n2026-02-29\n")
    found = loaded(tmp_path, "{attr: time.date, in: {file: days.txt}}")
    assert told(found.problems) == [("error", "unlike_types", AT.removesuffix(".in.file"))]


def test_a_missing_list_is_an_error_and_is_looked_for_again(tmp_path: Path) -> None:
    found = loaded(tmp_path, "{attr: geo.zip, in: {file: lists/gone.txt}}")
    assert told(found.problems) == [("error", "missing_file", AT)]
    assert found.files == (str(tmp_path / "lists/gone.txt"),)


@pytest.mark.parametrize("name", ["../list.txt", "/etc/hostname", "a/../../list.txt"])
def test_lists_stay_inside_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (tmp_path / "list.txt").write_text("secret\n")
    assert refusal(folder, name) == "bad_file"


def test_a_link_does_not_lead_out_either(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (tmp_path / "list.txt").write_text("secret\n")
    (folder / "list.txt").symlink_to(tmp_path / "list.txt")
    assert refusal(folder) == "bad_file"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"# nothing\n\n", "empty"),
        (b"caf\xe9\n", "not_utf8"),
        (b"a\x00b\n", "bad_text"),
        (b"a\tb\n", "bad_text"),
        (b"x" * (VALUE_LENGTH_MAX + 1), "bad_text"),
    ],
)
def test_what_a_list_may_not_hold(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    assert refusal(tmp_path) == code


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"")
    os.truncate(tmp_path / "list.txt", FILE_BYTES_MAX + 1)
    assert refusal(tmp_path) == "too_large"


@pytest.mark.parametrize("name", ["\x00", "a" * 5_000, "."])
def test_names_that_no_file_has(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, name) in {"bad_file", "missing_file"}


def test_without_lists_there_is_nothing_to_watch() -> None:
    assert load_sources([Source("acme.yaml", GOOD)], "/base").files == ()
