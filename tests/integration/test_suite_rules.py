"""What tests/conftest.py refuses, tried on small suites of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
HEAD = "import pytest\n"


def run_suite(folder: Path, module: str, *, ci: bool = False) -> subprocess.CompletedProcess[str]:
    """Run pytest on one module under our conftest and settings."""
    shutil.copy2(ROOT / "pyproject.toml", folder)
    tests = folder / "tests"
    tests.mkdir()
    shutil.copy2(ROOT / "tests" / "conftest.py", tests)
    (tests / "test_it.py").write_text(HEAD + module)
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | ({"CI": "true"} if ci else {})
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


def test_a_module_with_a_category_runs(tmp_path: Path) -> None:
    done = run_suite(tmp_path, "pytestmark = pytest.mark.unit\ndef test_it(): pass\n")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "mark", ["", "pytestmark = [pytest.mark.unit, pytest.mark.peer]"], ids=["no category", "two categories"]
)
def test_a_module_without_one_category_is_refused(tmp_path: Path, mark: str) -> None:
    done = run_suite(tmp_path, f"{mark}\ndef test_it(): pass\n")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no category: tests/test_it.py" in done.stderr


def test_an_unknown_mark_is_refused(tmp_path: Path) -> None:
    done = run_suite(tmp_path, "pytestmark = [pytest.mark.unit, pytest.mark.slwo]\ndef test_it(): pass\n")
    assert done.returncode != 0
    assert "slwo" in done.stdout


def test_a_warning_is_an_error(tmp_path: Path) -> None:
    module = "import warnings\npytestmark = pytest.mark.unit\ndef test_it(): warnings.warn('old')\n"
    assert run_suite(tmp_path, module).returncode == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    "module",
    [
        "pytestmark = pytest.mark.unit\ndef test_it(): pytest.skip('no')\n",
        "pytestmark = pytest.mark.unit\n@pytest.mark.skip\ndef test_it(): pass\n",
        "pytest.skip('no', allow_module_level=True)\n",
    ],
    ids=["called", "marked", "module"],
)
def test_what_is_skipped_fails_in_ci(tmp_path: Path, module: str) -> None:
    done = run_suite(tmp_path, module, ci=True)
    assert done.returncode in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}, done.stdout
    assert "was skipped, and CI runs everything" in done.stdout
