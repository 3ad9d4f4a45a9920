"""The `test` command: what it runs, what it installs, what it answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trunkline.cli import test as command
from trunkline.cli.main import main
from trunkline.cli.test import Step
from trunkline.kernel.errors import EnvironmentFault

pytestmark = pytest.mark.unit


def leaves(code: int, mark: str = "") -> Step:
    """A step that writes its CI variable to the file `mark` and exits with `code`."""
    script = f"import os, sys\nif {mark!r}: open({mark!r}, 'w').write(os.environ['CI'])\nsys.exit({code})"
    return Step(f"step {code}", (sys.executable, "-c", script))


def test_all_steps_run_and_the_first_failure_decides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [leaves(0), leaves(3), leaves(4), leaves(0, "last")]
    assert command.run_steps(steps, tmp_path) == 3
    assert (tmp_path / "last").read_text() == "true"
    closing = capsys.readouterr().out.splitlines()[-1]
    assert closing.startswith("FAILED after")
    assert closing.endswith(": step 3; step 4")


def test_all_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run_steps([leaves(0)], tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("Passed in")


def test_an_interrupted_step_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        command.run_steps([leaves(130), leaves(0, "never")], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_step_counts_as_failed(tmp_path: Path) -> None:
    step = Step("killed", (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"))
    assert command.run_steps([step], tmp_path) == 137


def test_a_missing_tool_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="no-such-tool is missing"):
        command.run_steps([Step("tool", (str(tmp_path / "no-such-tool"),))], tmp_path)


def test_the_two_pytest_runs_together_hold_every_category() -> None:
    runs = [step.command for step in command.all_steps() if "pytest" in step.command]
    quick, slow = [run[run.index("-m", 3) + 1] for run in runs]
    assert slow == f"not ({quick})"


def test_arguments_go_to_pytest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, ...]] = []

    def record(parts: tuple[str, ...], root: Path, environment: dict[str, str]) -> int:
        started.append(parts)
        return 5

    monkeypatch.setattr(command, "install_test_packages", lambda root: None)
    monkeypatch.setattr(command, "install_system_programs", lambda: None)
    monkeypatch.setattr(command, "_start", record)
    assert main(["test", "-k", "busy", "tests/unit"]) == 5
    assert started == [(sys.executable, "-m", "pytest", "-k", "busy", "tests/unit")]


class Programs:
    """Stands in for `subprocess.run` and `shutil.which`: what is started is recorded and does not start."""

    def __init__(self, present: set[str], codes: dict[str, int] | None = None) -> None:
        self.present = present
        self.codes = codes or {}
        self.started: list[str] = []

    def which(self, program: str, path: str | None = None) -> str | None:
        return f"/usr/bin/{program}" if program in self.present else None

    def run(self, parts: tuple[str, ...], **_: object) -> subprocess.CompletedProcess[bytes]:
        line = " ".join(parts)
        self.started.append(line)
        return subprocess.CompletedProcess(parts, next((c for text, c in self.codes.items() if text in line), 0))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Programs]:
    """Put a `Programs` in the place of the real machine, which has no systemd, for the user of a number."""

    def install(programs: Programs, user: int = 0) -> Programs:
        monkeypatch.setattr(command.shutil, "which", programs.which)
        monkeypatch.setattr(command.subprocess, "run", programs.run)
        monkeypatch.setattr(command.os, "geteuid", lambda: user)
        monkeypatch.setattr(command, "SYSTEMD", tmp_path / "systemd")
        return programs

    return install


def test_nothing_is_installed_twice(machine: Callable[..., Programs]) -> None:
    programs = machine(Programs({"sipp", "baresip", "flite", "kamailio", "faketime"}))
    command.install_system_programs()
    assert programs.started == []


def test_root_installs_what_is_missing(machine: Callable[..., Programs]) -> None:
    programs = machine(Programs({"flite", "kamailio", "faketime", "apt-get"}))
    command.install_system_programs()
    assert [line.split("-qq ")[1] for line in programs.started] == [
        "update",
        "-y install --no-install-recommends sip-tester baresip-core",
    ]


def test_others_use_sudo(machine: Callable[..., Programs]) -> None:
    programs = machine(Programs({"sipp", "baresip", "apt-get", "sudo"}), user=1000)
    command.install_system_programs()
    assert programs.started[-1].startswith("sudo env DEBIAN_FRONTEND=noninteractive apt-get")


def test_a_service_that_came_with_a_program_is_switched_off(machine: Callable[..., Programs], tmp_path: Path) -> None:
    (tmp_path / "systemd").mkdir()
    programs = machine(Programs({"sipp", "baresip", "flite", "faketime", "apt-get"}))
    command.install_system_programs()
    assert programs.started[-1] == "systemctl --quiet disable --now kamailio"


@pytest.mark.parametrize(
    ("present", "codes"),
    [({"apt-get"}, {}), ({"sudo"}, {}), ({"apt-get", "sudo"}, {"install": 100})],
    ids=["no sudo", "no apt-get", "apt-get fails"],
)
def test_where_it_cannot_install_it_tells_the_command(
    machine: Callable[..., Programs], present: set[str], codes: dict[str, int]
) -> None:
    machine(Programs(present, codes), user=1000)
    with pytest.raises(EnvironmentFault) as error_info:
        command.install_system_programs()
    assert (
        "install -y --no-install-recommends sip-tester baresip-core flite kamailio kamailio-tls-modules faketime"
        in error_info.value.hint
    )


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose lock is one line, and a virtual environment of its own beside it."""
    (tmp_path / "requirements-test.lock").write_text("one")
    (tmp_path / "venv").mkdir()
    monkeypatch.setattr(command.sys, "prefix", str(tmp_path / "venv"))
    return tmp_path


def test_the_lock_is_installed_once_for_each_content(machine: Callable[..., Programs], environment: Path) -> None:
    programs = machine(Programs(set()))
    command.install_test_packages(environment)
    command.install_test_packages(environment)
    assert len(programs.started) == 1
    assert "--require-hashes --only-binary :all:" in programs.started[0]
    (environment / "requirements-test.lock").write_text("two")
    command.install_test_packages(environment)
    assert len(programs.started) == 2


def test_a_failed_installation_is_tried_again(machine: Callable[..., Programs], environment: Path) -> None:
    machine(Programs(set(), {"pip": 1}))
    with pytest.raises(EnvironmentFault, match="could not be installed"):
        command.install_test_packages(environment)
    programs = machine(Programs(set()))
    command.install_test_packages(environment)
    assert len(programs.started) == 1


def test_the_system_python_is_left_alone(
    machine: Callable[..., Programs], environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = machine(Programs(set()))
    monkeypatch.setattr(command.sys, "base_prefix", command.sys.prefix)
    with pytest.raises(EnvironmentFault, match="virtual environment"):
        command.install_test_packages(environment)
    assert programs.started == []
