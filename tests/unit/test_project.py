"""What the files at the top of the repository promise each other."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

import trunkline

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-test.lock", ROOT / "requirements-bench.lock"]
LOCK_NAMES = {"package-lock.json", "pdm.lock", "pnpm-lock.yaml", "poetry.lock", "uv.lock", "yarn.lock"}
REGISTRY_HOSTS = {"pypi.org", "files.pythonhosted.org"}
SKIPPED_FOLDERS = {".git", ".venv", "node_modules"}

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    return {match["name"]: match["version"] for match in PIN.finditer(lock.read_text())}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def all_lock_files() -> list[Path]:
    found = list(LOCKS)
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        found += [Path(folder, name) for name in files if name in LOCK_NAMES]
    return found


@pytest.mark.parametrize("lock", all_lock_files(), ids=lambda path: path.name)
def test_a_lock_names_no_other_registry(lock: Path) -> None:
    hosts = {host.lower() for host in re.findall(r"[a-z+]+://(?:[^/\s@\"']*@)?([^/\s:\"']+)", lock.read_text())}
    assert hosts <= REGISTRY_HOSTS
    assert not re.search(r"^\s*-{1,2}(i|f|index-url|extra-index-url|find-links|trusted-host)\b", lock.read_text(), re.M)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pin_has_hashes(lock: Path) -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text())[1:]
    assert len(blocks) == len(pins(lock)) > 10
    for block in blocks:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]


def test_the_test_lock_holds_the_same_versions() -> None:
    users, testers = (pins(lock) for lock in LOCKS[:2])
    assert users.items() <= testers.items()


def test_the_locks_hold_everything_pyproject_asks_for() -> None:
    asked = project()
    runtime = {normalized(re.split(r"[<>=;\[ ]", text)[0]) for text in asked["project"]["dependencies"]}  # type: ignore[index]
    tools = {normalized(re.split(r"[<>=;\[ ]", text)[0]) for text in asked["dependency-groups"]["test"]}  # type: ignore[index]
    assert runtime <= set(pins(LOCKS[0]))
    assert tools <= set(pins(LOCKS[1]))
    assert not tools & set(pins(LOCKS[0])), "a test tool has become something users install"


def test_the_licence_is_the_one_pyproject_names() -> None:
    assert project()["project"]["license"] == "Apache-2.0"  # type: ignore[index]
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()


def test_ci_runs_the_command_a_developer_runs() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-1] == "exec ./trunkline test"


@pytest.mark.parametrize("script", ["trunkline", ".ci/run", "scripts/lock"])
def test_a_script_is_executable(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in changelog or f"## [{trunkline.__version__}]" in changelog
