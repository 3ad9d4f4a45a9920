"""`trunkline apply`: have a running switch take another configuration in place of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import msgspec

from trunkline.cli import admin
from trunkline.cli.check import as_text
from trunkline.kernel.errors import ExitCode
from trunkline.switch.config_files import load_path

SUMMARY: Final = "put a configuration into force in a running switch, or leave everything as it is"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `apply`."""
    parser.add_argument("--config", metavar="PATH", type=Path, required=True, help="the configuration to put in force")
    admin.add_arguments(parser, changes=True)


def run(args: argparse.Namespace) -> int:
    """Check it here, so that all errors can be told, then send the switch its path. Exit code 1 when it is wrong."""
    loaded = load_path(args.config)
    if loaded.snapshot is None:
        sys.stderr.write(as_text(loaded.errors, args.config) + "\n")
        return ExitCode.WRONG
    done = admin.tell(args.data, "config.apply", {"path": str(args.config.resolve())}, args.key)
    if args.json:
        sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
    elif done["before"] == done["after"]:
        sys.stdout.write(f"{done['path']} was replaced; it decides as before ({done['after'][:12]})\n")
    else:
        sys.stdout.write(f"{done['path']} was replaced: {done['before'][:12]} -> {done['after'][:12]} is in force\n")
    return ExitCode.DONE
