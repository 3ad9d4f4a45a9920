"""The programs that benchmarks compare with or search with, in a virtual environment of their own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements-bench.lock"


class ToolsMissing(Exception):
    """The tools could not be installed; the message says why."""


def tools_python(home: Path | None = None) -> Path:
    """The interpreter that has what `requirements-bench.lock` names; installs it once. Raises ToolsMissing."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    home = home or cache / "trunkline" / f"bench-{digest}-{sys.version_info[0]}.{sys.version_info[1]}"
    python, done = home / "bin" / "python", home / "installed"
    if done.exists():
        return python
    venv.create(home, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install"]
    got = subprocess.run([*command, "--require-hashes", "-r", str(LOCK)], check=False, text=True, capture_output=True)
    if got.returncode:
        raise ToolsMissing(f"pip could not install {LOCK.name}: {got.stderr.strip()[-400:]}")
    done.touch()
    return python
