"""Chooses the command, prints our errors the same way everywhere, and turns them into exit codes.

A command is a module of this package with `SUMMARY`, `add_arguments(parser)` and `run(args) -> int`; one that passes
arguments on to another program names in `REST` the field that takes them. Only the module of the chosen command is
imported, so that a command does not pay for the libraries of another, and the list of commands pays for none.

Exit codes: 0 done, 1 the thing checked is wrong, 2 bad use, 3 environment, 130 interrupted.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

from trunkline import __version__
from trunkline.kernel.errors import ExitCode, TrunklineError

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells report it."""

COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "Try it": ("demo", "test"),
    "Run it": ("up", "switch", "worker", "check"),
    "Ask it": ("explain", "bidders", "scenarios", "simulate", "backtest", "plan"),
    "Feed it": ("post",),
    "Steer it": ("counters", "lists", "geo", "rates", "targets", "keys", "held", "returns", "dead-letters", "apply"),
    "Look into it": ("calls", "leads", "trace", "doctor"),
    "Measure it": ("bench",),
}
"""What exists, in the order in which a newcomer needs it."""


def command_names() -> tuple[str, ...]:
    """The commands that exist, in the order of the help."""
    return tuple(name for group in COMMANDS.values() for name in group)


def load(name: str) -> ModuleType:
    """The module behind a command of `command_names()`."""
    return importlib.import_module(f"trunkline.cli.{_module(name)}")


def summary(name: str) -> str:
    """The `SUMMARY` of a command, read from its source instead of by importing it and all it needs."""
    source = Path(__file__).with_name(f"{_module(name)}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "SUMMARY" for target in targets):
                return str(ast.literal_eval(node.value))
    raise AssertionError(f"cli/{_module(name)}.py has no SUMMARY")


def _module(name: str) -> str:
    return name.replace("-", "_")


def build_parser(name: str, module: ModuleType) -> argparse.ArgumentParser:
    """The argument parser of one command."""
    parser = argparse.ArgumentParser(prog=f"trunkline {name}", description=module.SUMMARY, allow_abbrev=False)
    module.add_arguments(parser)
    return parser


def explain_yourself() -> str:
    """The text for somebody who typed nothing but the name of the program."""
    lines = [
        f"Trunkline {__version__}: sells live phone calls and web leads to buyers. Self-hosted, Apache-2.0.",
        "",
        "usage: trunkline COMMAND [...]        trunkline COMMAND --help tells all flags of one",
    ]
    for title, names in COMMANDS.items():
        lines += ["", f"{title}:"]
        lines += [f"  {name:<12} {summary(name)}" for name in names]
    lines += [
        "",
        "Start with `./trunkline demo`. Documentation: docs/index.md; the first ten minutes: docs/quickstart.md.",
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name; default: the process's own) and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(arguments)
        # Here and not at exit, where a reader that has gone could not be handled any more.
        sys.stdout.flush()
        return code
    except TrunklineError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f" hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has gone. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(explain_yourself())
        return ExitCode.DONE
    name, *rest = arguments
    if name == "--version":
        print(f"trunkline {__version__}")
        return ExitCode.DONE
    if name not in command_names():
        return _refuse_unknown(name)
    module = load(name)
    parser = build_parser(name, module)
    passes_on: str | None = getattr(module, "REST", None)
    if passes_on is None:
        args = parser.parse_args(rest)
    else:
        args, unknown = parser.parse_known_args(rest)
        setattr(args, passes_on, unknown)
    code: int = module.run(args)
    return code


def _refuse_unknown(name: str) -> int:
    close = difflib.get_close_matches(name, command_names(), n=1)
    print(f"error: there is no command {name!r}", file=sys.stderr)
    hint = f"did you mean `trunkline {close[0]}`? " if close else ""
    print(f" hint: {hint}`trunkline --help` lists all commands", file=sys.stderr)
    return ExitCode.USAGE
