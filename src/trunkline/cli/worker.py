"""`./trunkline worker`: the process beside the switch, which keeps the views and does what no call waits for."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trunkline.cli import admin
from trunkline.journal.lock import WORKER_LOCK_FILE, FolderLock
from trunkline.journal.reader import JournalReader
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.worker.outbox.runner import OutboxRunner
from trunkline.worker.outbox.settings import SettingsSource
from trunkline.worker.part import GoOn, Part, in_thread
from trunkline.worker.projecting import Projecting
from trunkline.worker.projections.plan import VIEWS, Plan
from trunkline.worker.projections.projector import Projector, always
from trunkline.worker.projections.status import Status, status_of
from trunkline.worker.publishing import PenaltiesDue, Publishing, RatesDue
from trunkline.worker.service import run_worker
from trunkline.worker.tail import Tail

SUMMARY: Final = "keep the tables that reports ask, beside a switch; make them anew"

TELL_EVERY_S: Final = 10.0
"""How often the log says how far a rebuild is, where there is no terminal."""

log = logging.getLogger("trunkline.worker")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `worker`."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the switch's data folder")
    parser.add_argument("--rebuild", action="store_true", help="make the tables anew from the whole journal first")
    parser.add_argument("--status", action="store_true", help="only say how far the tables are, and who keeps them")
    parser.add_argument("--json", action="store_true", help="with --status: print one JSON document")
    parser.add_argument("--once", action="store_true", help="end when everything in the journal now is done")


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM. Exit code 3 for a folder without a journal, or with another worker."""
    if args.status:
        return _show(status_of(args.data, VIEWS), args.json)
    if args.json:
        raise UsageError("--json belongs to --status", hint="the tables themselves are in views.db")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    data = args.data.resolve()
    with JournalReader(data) as reader:  # a folder without a journal gets no lock file
        lock = FolderLock(data, WORKER_LOCK_FILE, "worker")
        try:
            opening = partial(open_views, data, VIEWS, args.rebuild)
            if args.once:
                catch_up(opening(always))
            else:
                asyncio.run(_work(data, reader, opening))
        finally:
            lock.release()
    return ExitCode.DONE


def _show(status: Status, as_json: bool) -> int:
    """One line: where the tables are."""
    if as_json:
        print(msgspec.json.encode(status).decode())
        return ExitCode.DONE
    where = "none of this version yet" if status.seq is None else f"up to event {status.seq:,}"
    who = "no worker is running" if status.worker is None else f"kept by process {status.worker}"
    print(f"views: version {status.version}, {where}, {status.behind:,} events behind; {who}")
    return ExitCode.DONE


def open_views(data: Path, plan: Plan, anew: bool, go_on: GoOn) -> Projector:
    """The views of a data folder, ready to go on; where they have to be made anew, a terminal sees how far that is."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return Projector.open(data, plan, anew=anew, progress=Told(plan.file).tell, go_on=go_on)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"making {plan.file}", visible=False)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, visible=True)

        return Projector.open(data, plan, anew=anew, progress=show, go_on=go_on)


class Told:
    """Progress as lines of the log, one now and then."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._next_s = time.monotonic() + TELL_EVERY_S

    def tell(self, done: int, total: int) -> None:
        """Tell if it is time."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + TELL_EVERY_S
            log.info("making %s: %d of %d events", self._what, done, total)


def catch_up(projector: Projector) -> None:
    """Take what is in the journal now, and let go."""
    try:
        end = projector.seq + projector.behind()
        while projector.seq < end:
            projector.step()
        log.info("the views have the journal up to event %d", projector.seq)
    finally:
        projector.close()


async def _work(data: Path, reader: JournalReader, opening: Callable[[GoOn], Projector]) -> None:
    tail = Tail(reader)
    views = Projecting(VIEWS.file, opening, tail)
    switch = partial(tell, data)
    parts: list[Part] = [
        tail,
        views,
        Publishing("rate books", RatesDue(data, switch, _utc_ms).publish),
        Publishing("return penalties", PenaltiesDue(data, switch, _utc_ms).publish),
        OutboxRunner(data, SettingsSource(data, os.environ), switch),
    ]
    await run_worker(parts, _ready(views))


async def _ready(views: Projecting) -> str:
    """The ready line, when the tables are there; making them anew keeps no other part from working."""
    return f"ready views={await asyncio.shield(views.opened)}"


async def tell(data: Path, command: str, arguments: dict[str, Any], key: str | None) -> Any:
    """Have the running switch do something (`worker.part.Tell`)."""
    if key is None:
        return await in_thread(admin.ask, data, command, arguments)
    return await in_thread(admin.tell, data, command, arguments, key)


def _utc_ms() -> int:
    return time.time_ns() // 1_000_000
