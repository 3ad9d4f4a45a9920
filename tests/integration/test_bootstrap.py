"""The `./trunkline` script on machines of every kind: nothing to fetch, and a PATH of our making."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
COREUTILS = ("cat", "cksum", "dirname", "env", "flock", "id", "mkdir", "mv", "readlink", "rm", "uname")
PYTHON = str(Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"))
TIMEOUT_S = 120

PROGRAM = """
import os, sys
print("arguments", sys.argv[1:], "in", os.getcwd())
"""


class Machine(NamedTuple):
    """A checkout at `root` whose program prints its arguments, and the folder that is the PATH."""

    root: Path
    path: Path

    def has(self, name: str, script: str) -> None:
        """Put a shell script on the PATH."""
        program = self.path / name
        program.unlink(missing_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def has_python(self, name: str = "python3", *, unless: str = "") -> None:
        """Put this interpreter on the PATH; it fails when its arguments match the shell pattern `unless`."""
        guard = f'case "$*" in {unless}) exit 1 ;; esac\n' if unless else ""
        self.has(name, f'{guard}exec "{PYTHON}" "$@"')

    def process(self, *arguments: str, cwd: Path | None = None, script: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", str(script or self.root / "trunkline"), *arguments],
            cwd=cwd or self.root,
            env={"PATH": str(self.path), "PIP_NO_INDEX": "1", "HOME": str(self.path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(
        self, *arguments: str, cwd: Path | None = None, script: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        with self.process(*arguments, cwd=cwd, script=script) as process:
            out, err = process.communicate(timeout=TIMEOUT_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def make_machine(folder: Path) -> Machine:
    machine = Machine(folder / "checkout with blank", folder / "path")
    machine.path.mkdir()
    for name in COREUTILS:
        found = shutil.which(name)
        assert found is not None, f"{name} is part of every Linux"
        (machine.path / name).symlink_to(found)
    package = machine.root / "src" / "trunkline"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(PROGRAM)
    (machine.root / "requirements.lock").write_text("# nothing to install\n")
    shutil.copy2(ROOT / "trunkline", machine.root)
    return machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return make_machine(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine after a first start, shared by tests that leave it as they found it."""
    machine = make_machine(tmp_path_factory.mktemp("installed"))
    machine.has_python()
    first = machine.start("first")
    assert first.returncode == 0, first.stderr
    assert "arguments ['first']" in first.stdout
    assert "installing the locked packages" in first.stderr
    return machine


def test_the_second_start_does_nothing_but_start(installed: Machine) -> None:
    (installed.path / "python3").rename(installed.path / "gone")
    try:
        second = installed.start("calls", "--from", "a b")
    finally:
        (installed.path / "gone").rename(installed.path / "python3")
    assert second.returncode == 0
    assert second.stdout == f"arguments ['calls', '--from', 'a b'] in {installed.root}\n"
    assert second.stderr == ""


def test_it_starts_from_anywhere_and_through_a_link(installed: Machine, tmp_path: Path) -> None:
    link = tmp_path / "trunkline"
    link.symlink_to(installed.root / "trunkline")
    # A module of the current folder must not get in the way of one of ours.
    (tmp_path / "trunkline.py").write_text("raise SystemExit('the wrong module')")
    done = installed.start("x", cwd=tmp_path, script=link)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"arguments ['x'] in {tmp_path}\n", "")


@pytest.mark.parametrize("spoiled", ["other lock", ""])
def test_a_stamp_that_does_not_fit_brings_the_packages_up_to_date(installed: Machine, spoiled: str) -> None:
    stamp = installed.root / ".venv" / ".stamp"
    before = stamp.read_text()
    stamp.write_text(f"{spoiled} {installed.root}\n")
    kept = installed.root / ".venv" / "kept"
    kept.touch()
    done = installed.start()
    assert done.returncode == 0
    assert "installing the locked packages" in done.stderr
    assert stamp.read_text() == before
    assert kept.exists(), "a sound environment is updated, not thrown away"


def test_an_interrupted_installation_begins_again(installed: Machine) -> None:
    venv = installed.root / ".venv"
    (venv / ".stamp").unlink()
    (venv / ".installing").touch()
    half = venv / "half-written"
    half.touch()
    done = installed.start()
    assert done.returncode == 0
    assert "installing the locked packages" in done.stderr
    assert not half.exists()
    assert not (venv / ".installing").exists()


def test_a_checkout_that_was_moved_makes_its_environment_anew(installed: Machine, tmp_path: Path) -> None:
    moved = installed._replace(root=tmp_path / "moved")
    shutil.copytree(installed.root, moved.root, symlinks=True)
    done = moved.start()
    assert done.returncode == 0
    pth = next((moved.root / ".venv").glob("lib/python3*/site-packages/trunkline.pth"))
    assert pth.read_text() == f"{moved.root}/src\n"


def test_a_python_that_was_removed_is_replaced(installed: Machine) -> None:
    python = installed.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3.11")
    assert installed.start().returncode == 0


def test_packages_that_cannot_be_had_are_tried_again(installed: Machine) -> None:
    lock = installed.root / "requirements.lock"
    before = lock.read_text()
    lock.write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    try:
        failed = installed.start()
    finally:
        lock.write_text(before)
    assert failed.returncode == 3
    assert failed.stdout == ""
    assert "the packages could not be installed" in failed.stderr
    assert installed.start().returncode == 0


def test_two_first_starts_do_not_meet(machine: Machine) -> None:
    machine.has_python()
    with machine.process("one") as one, machine.process("two") as two:
        results = [process.communicate(timeout=TIMEOUT_S) for process in (one, two)]
    assert [one.returncode, two.returncode] == [0, 0], results
    assert [f"arguments ['{name}']" in out for name, (out, _) in zip(("one", "two"), results, strict=True)] == [
        True
    ] * 2
    assert sum("installing the locked packages" in err for _, err in results) == 1


def test_the_newest_suitable_python_is_taken(machine: Machine) -> None:
    machine.has("python3.13", "echo 'not a working python' >&2; exit 127")
    machine.has_python("python3.12", unless="*ensurepip*")
    machine.has_python("python3.11")
    machine.has("python3", "exit 1")
    assert machine.start().returncode == 0


def test_a_python_that_is_too_old(machine: Machine) -> None:
    machine.has("python3", 'case "$*" in --version) echo "Python 3.10.12" ;; *) exit 1 ;; esac')
    machine.has("apt-get", "echo must not be called; exit 1")
    done = machine.start()
    assert done.returncode == 3
    assert done.stdout == ""
    assert "Python 3.11 to 3.14 is needed; this machine has Python 3.10.12" in done.stderr
    assert not (machine.root / ".venv").exists()


def test_no_python_and_no_apt(machine: Machine) -> None:
    done = machine.start()
    assert done.returncode == 3
    assert "this machine has none" in done.stderr
    assert "apt-get install -y python3 python3-venv" in done.stderr


VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


def test_no_venv_module_and_no_right_to_install_it(machine: Machine) -> None:
    machine.has_python(unless="*ensurepip*")
    machine.has("apt-get", "echo must not be called; exit 1")
    machine.has("id", "echo 1000")
    done = machine.start()
    assert done.returncode == 3
    assert f"sudo apt-get update && sudo apt-get install -y {VERSION}-venv" in done.stderr
    assert not (machine.root / ".venv").exists()


@pytest.mark.parametrize("user", ["root", "sudo"])
def test_a_missing_venv_module_is_installed(machine: Machine, user: str) -> None:
    """A fresh Debian: apt-get brings what is missing. The one here writes down how it was called."""
    arrived, calls = machine.path / "arrived", machine.path / "calls"
    machine.has("python3", f'case "$*" in *ensurepip*) [ -e "{arrived}" ] || exit 1 ;; esac\nexec "{PYTHON}" "$@"')
    machine.has("apt-get", f'echo "apt-get $*" >>"{calls}"\ncase "$*" in *install*) : >"{arrived}" ;; esac')
    machine.has("id", "echo 0" if user == "root" else "echo 1000")
    machine.has("sudo", f'[ "$1" = -n ] && exit 0\necho sudo >>"{calls}"\nexec "$@"')
    done = machine.start("go")
    assert done.returncode == 0, done.stderr
    assert "arguments ['go']" in done.stdout
    assert f"installing {VERSION}-venv with apt-get" in done.stderr
    sudo = [] if user == "root" else ["sudo"]
    install = f"apt-get -qq -y install --no-install-recommends {VERSION}-venv"
    assert calls.read_text().splitlines() == [*sudo, "apt-get -qq update", *sudo, install]


def test_apt_that_fails_is_said(machine: Machine) -> None:
    machine.has_python(unless="*ensurepip*")
    machine.has("id", "echo 0")
    machine.has("apt-get", "echo 'E: no network' >&2; exit 100")
    done = machine.start()
    assert done.returncode == 3
    assert "E: no network" in done.stderr
    assert f"apt-get install -y {VERSION}-venv" in done.stderr


def test_another_system_is_told_so(machine: Machine) -> None:
    machine.has_python()
    (machine.path / "uname").unlink()
    machine.has("uname", "echo Darwin")
    done = machine.start()
    assert done.returncode == 3
    assert "runs on Linux; this is Darwin" in done.stderr
