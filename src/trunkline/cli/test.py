"""`trunkline test`: what the house asks of every change, in one command.

Unit and property tests keep to memory and run in parallel; the others meet real sockets and real programs in real
time, where two at once would disturb each other, and run one after another.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import trunkline
from trunkline.kernel.errors import EnvironmentFault, ExitCode

SUMMARY: Final = "check the code and run every test; installs what the tests need"
REST: Final = "pytest_args"

SYSTEM_PROGRAMS: Final = {
    "sipp": "sip-tester",
    "baresip": "baresip-core",
    "flite": "flite",
    "kamailio": "kamailio kamailio-tls-modules",
    "faketime": "faketime",
}
"""Program the tests run: the Debian and Ubuntu packages that bring it."""
SERVICES: Final = frozenset({"kamailio"})
"""Packages that start a service of their own on the machine, which nobody asked for here: it is switched off again."""

SYSTEMD: Final = Path("/run/systemd/system")
"""There where services are started by systemd."""

_IN_MEMORY: Final = "unit or property"
_SIDE_BY_SIDE: Final = 2
"""Tests with sockets at once: each waits more than it works, and has a range of ports of its own."""
_BY_FILE: Final = ("--dist", "loadfile", "--no-loadscope-reorder")
_INTERRUPTED: Final = 130


class Step(NamedTuple):
    """One thing to run: its name in the closing line and its command."""

    name: str
    command: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything but --help goes to pytest; the parser only has to say so."""
    parser.usage = "trunkline test [PYTEST ARGS]"
    parser.epilog = (
        "Without arguments: ruff, ruff format, mypy, import-linter, then all tests; a skipped test is a failed one. "
        "With arguments: pytest alone, with these, such as `-k waterfall` or `tests/unit/sip`."
    )


def run(args: argparse.Namespace) -> int:
    """Prepare the environment, run all steps whatever fails on the way, and return the first failure's exit code."""
    root = checkout()
    install_test_packages(root)
    install_system_programs()
    pytest_args: list[str] = args.pytest_args
    if pytest_args:
        return _start((sys.executable, "-m", "pytest", *pytest_args), root, dict(os.environ))
    return run_steps(all_steps(), root)


def checkout() -> Path:
    """The folder the tests stand in. Raises EnvironmentFault when this is an installed package without them."""
    root = Path(trunkline.__file__).resolve().parents[2]
    if not (root / "tests").is_dir() or not (root / "requirements-test.lock").is_file():
        raise EnvironmentFault(
            f"the tests are not part of an installed package, and {root} is no checkout",
            hint="clone the repository and run `./trunkline test` there",
        )
    return root


def all_steps() -> list[Step]:
    """The full run, quick and telling first."""
    python = sys.executable
    pytest = (python, "-m", "pytest", "--quiet")
    return [
        Step("ruff", (python, "-m", "ruff", "check", "--quiet")),
        Step("format", (python, "-m", "ruff", "format", "--check", "--quiet")),
        Step("types", (python, "-m", "mypy", "--no-error-summary")),
        Step("storeys", (str(Path(python).with_name("lint-imports")), "--no-logo")),
        Step("tests in memory", (*pytest, "-n", "auto", "--maxprocesses", "8", "-m", _IN_MEMORY)),
        # In the order of the folders: the longest file of all stands in the first. A file's tests share its set-up.
        Step(
            "tests with sockets, files and peers",
            (*pytest, "-n", str(_SIDE_BY_SIDE), *_BY_FILE, "-m", f"not ({_IN_MEMORY})"),
        ),
    ]


def run_steps(steps: Sequence[Step], root: Path) -> int:
    """Run each step in `root`; print a closing line; 0 or the exit code of the first that failed."""
    # CI makes the suite treat a skipped test as a failed one: everything was installed, so everything must run.
    environment = {**os.environ, "CI": "true"}
    failed: list[tuple[str, int]] = []
    begin_s = time.monotonic()
    for step in steps:
        print(f"== {step.name}", flush=True)
        code = _start(step.command, root, environment)
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        if code != 0:
            failed.append((step.name, code))
    elapsed_s = round(time.monotonic() - begin_s)
    if failed:
        print(f"FAILED after {elapsed_s} s: {'; '.join(name for name, _ in failed)}", flush=True)
        return failed[0][1]
    print(f"Passed in {elapsed_s} s: {'; '.join(step.name for step in steps)}", flush=True)
    return ExitCode.DONE


def _start(command: Sequence[str], root: Path, environment: dict[str, str]) -> int:
    """Run to the end; a death by signal reads as a shell reports it. Raises EnvironmentFault without the program."""
    try:
        code = subprocess.run(command, cwd=root, env=environment, check=False).returncode
    except FileNotFoundError as error:
        raise EnvironmentFault(
            f"{command[0]} is missing", hint=f"remove {root / '.venv'} and start `./trunkline test` again"
        ) from error
    return 128 - code if code < 0 else code


def install_test_packages(root: Path) -> None:
    """Bring the environment of this interpreter up to requirements-test.lock, once per content of that file."""
    lock = root / "requirements-test.lock"
    stamp = Path(sys.prefix) / ".stamp-test"
    wanted = f"{zlib.crc32(lock.read_bytes())} {sys.version}\n"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if sys.prefix == sys.base_prefix:
        raise EnvironmentFault(
            "the test tools are only installed into a virtual environment, and this Python runs in none",
            hint="start the tests with `./trunkline test`",
        )
    print("trunkline: installing the locked test tools (once)", file=sys.stderr, flush=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install")
    locked = ("--require-hashes", "--only-binary", ":all:", "--requirement", str(lock))
    stamp.unlink(missing_ok=True)
    if subprocess.run((*pip, *locked), stdout=sys.stderr, check=False).returncode != 0:
        raise EnvironmentFault(
            "the test tools could not be installed; pip's own words are above",
            hint="it needs the network: PyPI, or the mirror that pip is configured for",
        )
    # Last, so that an interrupted installation is done again.
    stamp.write_text(wanted)


def install_system_programs(programs: Mapping[str, str] = SYSTEM_PROGRAMS, whose: str = "the tests") -> None:
    """Install the peers the tests call, or others, where apt-get and the rights for it are there.

    Raises EnvironmentFault with the exact command otherwise.
    """
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"  # where servers are, also when the path has it not
    absent = [packages for program, packages in programs.items() if shutil.which(program, path=path) is None]
    missing = " ".join(absent).split()
    if not missing:
        return
    prefix = _privilege()
    by_hand = f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {' '.join(missing)}"
    if shutil.which("apt-get") is None or prefix is None:
        raise EnvironmentFault(f"{whose} call programs that are not installed: {', '.join(missing)}", hint=by_hand)
    print(f"trunkline: installing {', '.join(missing)} with apt-get, for {whose}", file=sys.stderr, flush=True)
    quiet = (*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq")
    for command in ((*quiet, "update"), (*quiet, "-y", "install", "--no-install-recommends", *missing)):
        # dpkg tells every file it unpacks on stdout; what goes wrong comes on stderr.
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            raise EnvironmentFault(f"apt-get could not install {', '.join(missing)}; see above", hint=by_hand)
    started = [package for package in missing if package in SERVICES]
    if started and SYSTEMD.is_dir():
        subprocess.run((*prefix, "systemctl", "--quiet", "disable", "--now", *started), check=False)


def _privilege() -> tuple[str, ...] | None:
    """What to put before apt-get: nothing for root, sudo where it works or may ask, None where neither will do."""
    if os.geteuid() == 0:
        return ()
    if shutil.which("sudo") is None:
        return None
    silent = subprocess.run(("sudo", "-n", "true"), stderr=subprocess.DEVNULL, check=False).returncode == 0
    return ("sudo",) if silent or sys.stdin.isatty() else None
