"""Configurations are kept by their digest and read back as they were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trunkline.config.schema import Snapshot
from trunkline.journal import configurations
from trunkline.journal.configurations import ConfigurationMissing, Configurations
from trunkline.switch.config_files import load_path

pytestmark = pytest.mark.unit


def snapshot(folder: Path, name: str = "Acme") -> Snapshot:
    path = folder / "acme.yaml"
    path.write_text(Path("docs/examples/injury.yaml").read_text().replace("name: Acme Calls", f"name: {name}"))
    loaded = load_path(path).snapshot
    assert loaded is not None
    return loaded


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    first, second = snapshot(tmp_path, "First"), snapshot(tmp_path, "Second")
    store = Configurations(tmp_path)
    store.keep(first, tmp_path / "acme.yaml")
    store.keep(second, tmp_path / "acme.yaml")
    again = Configurations(tmp_path)
    assert again.in_force() == second.digest
    assert again.get(first.digest) == first
    assert again.source(second.digest) == tmp_path / "acme.yaml"
    again.keep(first, tmp_path / "acme.yaml")
    assert again.in_force() == first.digest


def test_only_their_owner_can_read_them(tmp_path: Path) -> None:
    kept = snapshot(tmp_path)
    Configurations(tmp_path).keep(kept, tmp_path / "acme.yaml")
    folder = tmp_path / "configurations"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


def test_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configurations, "KEPT_MAX", 2)
    store, kept = Configurations(tmp_path), [snapshot(tmp_path, f"Name {number}") for number in range(3)]
    for age, each in enumerate(kept):
        store.keep(each, tmp_path / "acme.yaml")
        file = tmp_path / "configurations" / f"{each.digest}.json.gz"
        if file.exists():
            os.utime(file, (1_000_000 + age, 1_000_000 + age))
    store.keep(kept[2], tmp_path / "acme.yaml")
    with pytest.raises(ConfigurationMissing):
        store.get(kept[0].digest)
    assert store.get(kept[1].digest) == kept[1]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationMissing, match="keeps no configuration"):
        Configurations(tmp_path).in_force()
    with pytest.raises(ConfigurationMissing, match="abc"):
        Configurations(tmp_path).get("abc")
