"""Lists as files: packed by another process, kept by what they were made of, and refused whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.config.contacts import ContactList
from trunkline.config.schema import (
    Account,
    AccountConfig,
    Platform,
    Snapshot,
)
from trunkline.switch.list_files import ListUnusable, lists_of, pack_aside, problem_of, read_packed

pytestmark = pytest.mark.unit


def snapshot(base: Path, *lists: ContactList) -> Snapshot:
    config = AccountConfig(account=Account(key="acme", timezone="UTC"), lists=lists)
    return Snapshot(platform=Platform(), accounts=(config,), digest="d", base=str(base))


def test_another_process_packs_and_says_what_it_cannot_read(tmp_path: Path) -> None:
    text, packed = tmp_path / "a.txt", tmp_path / "made" / "a.list"
    text.write_text("+15125550100\n+15125550101\n")
    assert pack_aside(text, "numbers", packed).holds("+15125550101", 1)
    assert [path.name for path in packed.parent.iterdir()] == ["a.list"]
    text.write_text("+15125550100\nnobody\nnobody else\n")
    with pytest.raises(ListUnusable, match="2 lines cannot be read: line 2 'nobody'"):
        pack_aside(text, "numbers", packed)
    assert read_packed(packed).header.entries == 2, "what was there stays"
    text.write_bytes(b"\xff\xfe")
    with pytest.raises(ListUnusable, match="no UTF-8"):
        pack_aside(text, "numbers", packed)
    with pytest.raises(ListUnusable, match="cannot be read"):
        pack_aside(tmp_path / "none.txt", "numbers", packed)


def test_lists_of_files_are_packed_once_and_forgotten_when_nobody_names_them(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (tmp_path / "a.txt").write_text("+15125550100\n")
    held = snapshot(tmp_path, ContactList(key="a", file="a.txt"), ContactList(key="b"))
    assert list(lists_of(held, cache)["acme"]) == ["a"], "b is loaded by command"
    (packed,) = cache.iterdir()
    made_ns = packed.stat().st_mtime_ns
    assert lists_of(held, cache)["acme"]["a"].holds("+15125550100", 1)
    assert packed.stat().st_mtime_ns == made_ns
    packed.write_bytes(packed.read_bytes()[:-1] + b"x")
    assert lists_of(held, cache)["acme"]["a"].holds("+15125550100", 1), "a damaged one is made anew"
    (tmp_path / "a.txt").write_text("+15125550101\n")
    assert not lists_of(held, cache)["acme"]["a"].holds("+15125550100", 1)
    assert len(list(cache.iterdir())) == 1
    lists_of(snapshot(tmp_path), cache)
    assert list(cache.iterdir()) == []


def test_a_list_that_cannot_be_read_is_a_problem_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ListUnusable) as found:
        lists_of(snapshot(tmp_path, ContactList(key="a", file="a.txt")), None)
    problem = problem_of(found.value)
    assert (problem.severity, problem.code) == ("error", "bad_list")
    assert problem.message.startswith("list a of acme: ")
