"""What differs between two configurations is named by its path, whatever the order of the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.config.diff import Change, differences
from trunkline.config.load import Source, load_sources
from trunkline.config.schema import Snapshot

pytestmark = pytest.mark.unit

TEXT = Path("docs/examples/injury.yaml").read_text()


def snapshot(text: str) -> Snapshot:
    loaded = load_sources([Source("acme.yaml", text)], ".")
    assert loaded.snapshot is not None, loaded.errors
    return loaded.snapshot


def changes(old: str, new: str) -> list[Change]:
    assert old in TEXT
    return differences(snapshot(TEXT), snapshot(TEXT.replace(old, new)))


def test_equal_configurations_have_no_differences() -> None:
    assert differences(snapshot(TEXT), snapshot("# a comment\n" + TEXT)) == []


def test_a_changed_value() -> None:
    (change,) = changes('floor: "20.00"', 'floor: "25.00"')
    assert change == Change("accounts.acme.plans[injury].floor", "changed", "20.00", "25.00")


def test_a_setting_that_appears_and_one_that_goes() -> None:
    (change,) = changes('    floor: "20.00"\n', "")
    assert change == Change("accounts.acme.plans[injury].floor", "removed", "20.00", None)
    back = differences(snapshot(TEXT.replace('    floor: "20.00"\n', "")), snapshot(TEXT))
    assert back == [Change("accounts.acme.plans[injury].floor", "added", None, "20.00")]


def test_an_object_that_appears() -> None:
    (change,) = changes("buyers:\n", "buyers:\n  - {key: zed, name: Zed}\n")
    assert (change.path, change.change) == ("accounts.acme.buyers[zed]", "added")
    assert change.after == {"key": "zed", "name": "Zed"}


def test_reordering_what_has_keys_changes_nothing_but_where_the_order_counts() -> None:
    first, second = "  - {key: adwave, name: AdWave Media}\n", "  - {key: own-search, name: Own search ads}\n"
    assert changes(first + second, second + first) == []
    plan = TEXT.split("      - key: market", 1)[1].split("      - key: last", 1)[0]
    moved = TEXT.replace("      - key: market" + plan, "").replace(
        "    no_buyer:", f"      - key: market{plan}    no_buyer:", 1
    )
    found = differences(snapshot(TEXT), snapshot(moved))
    assert [(change.path, change.change) for change in found] == [("accounts.acme.plans[injury].tiers", "reordered")]
