"""The dispatcher: exit codes, where words go, and what an error looks like."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from trunkline import __version__
from trunkline.cli import main as dispatcher
from trunkline.cli.main import COMMANDS, build_parser, command_names, load, main, summary
from trunkline.kernel.errors import EnvironmentFault, ExitCode, TrunklineError, UsageError

pytestmark = pytest.mark.unit


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a command of the test's own in the place of `doctor`."""

    def install(run: Callable[[argparse.Namespace], int], **attributes: object) -> None:
        module = ModuleType("trunkline.cli.doctor")
        vars(module).update(SUMMARY="a summary", add_arguments=add_arguments, run=run, **attributes)
        monkeypatch.setattr(dispatcher, "load", lambda name: module)

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--number", type=int)

    return install


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["help"]])
def test_it_explains_itself(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == ExitCode.DONE
    out, err = capsys.readouterr()
    for name in command_names():
        assert f"\n  {name}" in out
    assert "docs/quickstart.md" in out
    assert err == ""


def test_the_explanation_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 120


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == ExitCode.DONE
    assert capsys.readouterr().out == f"trunkline {__version__}\n"


def test_no_command_has_two_places() -> None:
    assert len(command_names()) == len(set(command_names()))


def test_an_unknown_command_is_bad_use_and_guesses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dcotor"]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "there is no command 'dcotor'" in err
    assert "did you mean `trunkline doctor`?" in err


@pytest.mark.parametrize("flags", [["--numbr", "1"], ["--num", "1"], ["--number", "x"], ["stray"]])
def test_bad_flags_are_bad_use_with_usage(
    flags: list[str], command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(lambda args: ExitCode.DONE)
    with pytest.raises(SystemExit) as exit_info:
        main(["doctor", *flags])
    assert exit_info.value.code == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: trunkline doctor")


@pytest.mark.parametrize(
    ("error", "code"),
    [(TrunklineError, ExitCode.WRONG), (UsageError, ExitCode.USAGE), (EnvironmentFault, ExitCode.ENVIRONMENT)],
)
def test_our_errors_are_printed_with_what_to_do(
    error: type[TrunklineError], code: int, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def run(args: argparse.Namespace) -> int:
        raise error("port 5060 is in use", hint="stop the other switch")

    command(run)
    assert main(["doctor"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: port 5060 is in use\n hint: stop the other switch\n"


def test_an_error_without_a_hint_has_no_empty_line(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def run(args: argparse.Namespace) -> int:
        raise TrunklineError("no")

    command(run)
    main(["doctor"])
    assert capsys.readouterr().err == "error: no\n"


def test_an_interrupt_is_quiet(command: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    def run(args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    command(run)
    assert main(["doctor"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_bug_keeps_its_traceback(command: Callable[..., None]) -> None:
    def run(args: argparse.Namespace) -> int:
        raise ZeroDivisionError

    command(run)
    with pytest.raises(ZeroDivisionError):
        main(["doctor"])


def test_a_command_may_pass_arguments_on(command: Callable[..., None]) -> None:
    seen: list[argparse.Namespace] = []

    def run(args: argparse.Namespace) -> int:
        seen.append(args)
        return ExitCode.WRONG

    command(run, REST="others")
    assert main(["doctor", "-k", "busy", "--number", "7", "tests/unit"]) == ExitCode.WRONG
    assert seen[0].number == 7
    assert seen[0].others == ["-k", "busy", "tests/unit"]


@pytest.mark.parametrize("name", command_names())
def test_every_command_keeps_the_form(name: str) -> None:
    module = load(name)
    assert summary(name) == module.SUMMARY
    assert module.SUMMARY[0].islower()
    assert not module.SUMMARY.endswith(".")
    assert len(module.SUMMARY) <= 100
    assert build_parser(name, module).format_help().startswith(f"usage: trunkline {name}")


def test_every_group_has_commands() -> None:
    assert all(COMMANDS.values())


def test_the_explanation_needs_no_heavy_library() -> None:
    """Typing `./trunkline` is how people look around; it must answer at once."""
    heavy = {
        "msgspec",
        "uvloop",
        "starlette",
        "uvicorn",
        "pysqlite3",
        "cryptography",
        "prometheus_client",
        "phonenumbers",
    }
    code = (
        "import sys\nfrom trunkline.cli.main import main\nmain([])\n"
        f"print(*sorted({heavy!r} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


def test_output_into_a_closed_pipe_is_quiet() -> None:
    code = "import sys; from trunkline.cli.main import main; sys.exit(main([]))"
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    complaint = program.stderr.read()
    program.stderr.close()
    assert program.wait(timeout=30) == 0
    assert complaint == b""
