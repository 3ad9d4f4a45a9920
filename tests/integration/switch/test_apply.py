"""`config.apply`: another configuration takes the place of the one in force, whole, or nothing changes."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.integration.switch.test_reload import Site, with_target

from trunkline.kernel.errors import TrunklineError
from trunkline.switch.clock import read_clock
from trunkline.switch.commands import configuration
from trunkline.switch.commands.configuration import ApplyConfiguration, apply

pytestmark = pytest.mark.integration


def site_of(tmp_path: Path, *, folder: bool = False) -> Site:
    """A switch that was started with a file, or with a folder of two accounts."""
    place = tmp_path / ("live" if folder else "live.yaml")
    if folder:
        write_folder(place, "first")
    else:
        place.write_text(with_target("first"))
    site = Site(place, tmp_path / "data")
    site.plant.reloader = site.reloader
    return site


def write_folder(folder: Path, name: str) -> None:
    """A platform file and the account `acme` with a target of that name."""
    whole = json.loads(with_target(name))
    platform = {"version": 1, "trunks": whole.pop("trunks")}
    (folder / "accounts").mkdir(parents=True)
    (folder / "platform.yaml").write_text(json.dumps(platform))
    (folder / "accounts" / "acme.yaml").write_text(json.dumps(whole))


def applied(site: Site, new: Path) -> Any:
    done = asyncio.run(apply(site.plant, ApplyConfiguration(path=str(new)), read_clock()))
    return done.result


def refused(site: Site, new: Path) -> str:
    with pytest.raises(TrunklineError) as error:
        applied(site, new)
    return error.value.message


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_list_that_is_not_there_is_found_before_anything_is_replaced(tmp_path: Path) -> None:
    site, new = site_of(tmp_path), tmp_path / "new.yaml"
    before = site.path.read_bytes()
    new.write_text(with_target("second", lists=[{"key": "blocked", "file": "missing.txt"}]))
    assert "missing.txt" in refused(site, new)
    assert (site.path.read_bytes(), site.targets, site.written) == (before, ["first"], [])


def test_what_cannot_be_put_in_force_is_taken_away_again(tmp_path: Path) -> None:
    site, new = site_of(tmp_path), tmp_path / "new.yaml"
    before = site.path.read_bytes()
    auth = {"key": "pbx", "auth": {"username": "acme", "password_env": "TRUNKLINE_TEST_NOT_SET"}}
    new.write_text(with_target("second", trunks=[auth]))
    assert "cannot be put in force" in refused(site, new)
    assert (site.path.read_bytes(), site.targets) == (before, ["first"])


def test_a_disk_that_fails_between_two_files_leaves_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, new = site_of(tmp_path, folder=True), tmp_path / "new"
    write_folder(new, "second")
    before = contents(site.path)
    aside, written = configuration._aside, list[Path]()

    def full(file: Path, content: bytes) -> Path:
        if written:
            raise OSError(28, "No space left on device")
        written.append(aside(file, content))
        return written[-1]

    monkeypatch.setattr(configuration, "_aside", full)
    with pytest.raises(OSError, match="No space left"):
        applied(site, new)
    assert (contents(site.path), site.targets) == (before, ["first"])
    monkeypatch.undo()
    assert applied(site, new)["path"] == str(site.path)
    assert site.targets == ["second"]
    assert contents(site.path) == contents(new)


def test_a_link_stays_a_link_and_who_may_read_the_file_stays_the_same(tmp_path: Path) -> None:
    site, new, real = site_of(tmp_path), tmp_path / "new.yaml", tmp_path / "versions" / "one.yaml"
    real.parent.mkdir()
    site.path.rename(real)
    real.chmod(0o640)
    site.path.symlink_to(real)
    new.write_text(with_target("second"))
    applied(site, new)
    assert site.targets == ["second"]
    assert site.path.is_symlink()
    assert (real.read_bytes(), real.stat().st_mode & 0o777) == (new.read_bytes(), 0o640)
    assert [file.name for file in real.parent.iterdir()] == ["one.yaml"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    site, new = site_of(tmp_path), tmp_path / "new.yaml"
    os.mkfifo(new)
    assert "is no file" in refused(site, new)
