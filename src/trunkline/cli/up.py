"""`./trunkline up`: switch and worker as one, kept running, with one log and a clean end."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from pathlib import Path
from typing import Final

from trunkline.cli import switch
from trunkline.cli.supervision.child import Spec
from trunkline.cli.supervision.supervisor import Supervisor
from trunkline.cli.supervision.words import Log
from trunkline.kernel.errors import UsageError

SUMMARY: Final = "run everything: a switch and its worker, kept running, with one log"

PROCESSES: Final = ("switch", "worker")
UNBUILT: Final = frozenset({"console"})
SIP: Final = "127.0.0.1:5060"
HTTP: Final = "127.0.0.1:8080"
CONFIG: Final = ("config", "config.yaml", "config.yml", "config.json")
"""Where the configuration is looked for in the current folder."""
CLOSING_S: Final = 20.0
"""What a switch may need beside the time that its calls get: legs told to hang up, commands, the journal."""
WORKER_STOP_S: Final = 30.0
"""A worker finishes what it is writing or sending."""


WORKER_NICE: Final = 5
"""Calls come first where both want the same core."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `up`: its own, and those of the switch."""
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data folder (default: data)")
    parser.add_argument(
        "--config", type=Path, metavar="PATH", help=f"the configuration (default: {' or '.join(CONFIG[:2])})"
    )
    parser.add_argument(
        "--only", metavar="NAMES", default=",".join(PROCESSES), help="run these alone (default: switch,worker)"
    )
    parser.add_argument("--log", choices=("text", "json"), default="text", help="form of the log (default: text)")
    switch.add_listeners(parser, sip=SIP, http=HTTP)


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM. Ends with the exit code of a process that cannot start."""
    return asyncio.run(_run(specs_of(args), Log(sys.stderr, args.log)))


async def _run(specs: list[Spec], log: Log) -> int:
    return await Supervisor(specs, log, random.random).run()


def specs_of(args: argparse.Namespace) -> list[Spec]:
    """What is to be run. Raises UsageError for processes there are not, and when there is no configuration."""
    names = _names(args.only)
    data = args.data.resolve()
    specs = []
    if "switch" in names:
        config = args.config or _find_config(Path())
        specs.append(
            Spec(
                name="switch",
                arguments=("switch", "--config", str(config), "--data", str(data), *_listeners(args)),
                stop_s=args.drain_seconds + CLOSING_S,
                hup=True,
            )
        )
    if "worker" in names:
        specs.append(
            Spec(
                name="worker",
                arguments=("worker", "--data", str(data)),
                stop_s=WORKER_STOP_S,
                nice=WORKER_NICE,
                needed="switch" not in names,
            )
        )
    return specs


def _names(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    for name in sorted(names - set(PROCESSES)):
        if name in UNBUILT:
            raise UsageError(f"--only {text}: the {name} is not built yet", hint="docs/index.md says what is")
        raise UsageError(f"--only {text}: there is no process {name!r}", hint=f"there are: {', '.join(PROCESSES)}")
    if not names:
        raise UsageError("--only names no process", hint=f"there are: {', '.join(PROCESSES)}")
    return names


def _find_config(folder: Path) -> Path:
    for name in CONFIG:
        if (folder / name).exists():
            return folder / name
    raise UsageError(
        f"there is no configuration here: neither {CONFIG[0]}/ (a folder) nor {CONFIG[1]}",
        hint="copy docs/examples/minimal.yaml to config.yaml to start from, or say where yours is with --config PATH",
    )


def _listeners(args: argparse.Namespace) -> list[str]:
    """The flags of the switch as they were given, or by default."""
    parser = argparse.ArgumentParser()
    words: list[str] = []
    for flag in switch.add_listeners(parser, sip=SIP, http=HTTP):
        value = getattr(args, flag.removeprefix("--").replace("-", "_"))
        values = value if isinstance(value, list) else [] if value is None else [value]
        if flag == "--sip" and not values:
            values = [SIP]
        for each in values:
            words += [flag, str(each)]
    return words
