"""Erase a caller from a stopped switch's data: `.venv/bin/python -m scripts.erase_contact DATA ACCOUNT NUMBER`.

The caller's key is overwritten, so that nothing personal in the journal can be read any more, and the recordings of
its calls are deleted. What remains are calls without a caller: outcomes, amounts and times. Copies of the data folder
made before still hold both.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from trunkline.events.calls import RecordingStarted
from trunkline.events.sealing import contact_hash
from trunkline.journal.reader import JournalReader
from trunkline.journal.store import open_journal
from trunkline.kernel.errors import ExitCode, TrunklineError, UsageError
from trunkline.kernel.phone import is_e164
from trunkline.switch.service import STREAM


def main(arguments: list[str] | None = None) -> int:
    """Erase and say what was done; the same exit codes as the commands have."""
    parser = argparse.ArgumentParser(prog="python -m scripts.erase_contact", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("account", help="the account's key")
    parser.add_argument("number", help="in E.164: +15125550100")
    args = parser.parse_args(arguments)
    try:
        events, recordings = asyncio.run(erase(args.data, args.account, args.number))
    except TrunklineError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f" hint: {error.hint}\n" if error.hint else ""))
        return error.exit_code
    sys.stdout.write(f"{events} events of {args.number} erased, {recordings} recordings deleted\n")
    return ExitCode.DONE


async def erase(data: Path, account: str, number: str) -> tuple[int, int]:
    """Erase a contact; how many events it was in and how many recordings were deleted. Raises TrunklineError."""
    if not is_e164(number):
        raise UsageError(f"{number} is no number in E.164", hint="such as +15125550100")
    with JournalReader(data):
        pass  # a folder without a journal must not get one
    journal, state = open_journal(data, STREAM, os.urandom, now_ms=time.time_ns() // 1_000_000, min_free_mb=0)
    try:
        contact = contact_hash(state.contact_secret, account, number)
        events, paths = _of_contact(data, contact)
        await journal.erase(contact)
    finally:
        await journal.close()
    deleted = 0
    for path in paths:
        if path.is_file():
            path.unlink()
            deleted += 1
    return events, deleted


def _of_contact(data: Path, contact: str) -> tuple[int, set[Path]]:
    """How many events are the contact's, and the recordings they name."""
    events, paths = 0, set()
    with JournalReader(data) as reader:
        for record in reader.follow(until=lambda: True):
            if record.contact == contact:
                events += 1
                if isinstance(record.event, RecordingStarted):
                    paths.add(data / record.event.path)
    return events, paths


if __name__ == "__main__":
    raise SystemExit(main())
