"""`./trunkline demo`: a real switch with scripted callers and buyers on this machine, and what comes of it."""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console
from rich.live import Live

from trunkline.cli.demo_auctions import auction_text
from trunkline.cli.demo_leads import lead_line, leads_table
from trunkline.cli.demo_screen import Board
from trunkline.cli.demo_summary import print_summary
from trunkline.engine.calls.records import CallRecord
from trunkline.kernel.errors import ExitCode
from trunkline.testing.demo import lead_log
from trunkline.testing.demo.callers import ATTEMPTS, PART_OF_CALLER, PARTS, SEARCH, STORM_LINE
from trunkline.testing.demo.checks import auction_differences, differences
from trunkline.testing.demo.leads import LEADS
from trunkline.testing.demo.stage import Stage

SUMMARY = "see calls sold: a switch with scripted callers and buyers on this machine"

FRAME_S: Final = 0.25
PLAIN_COLUMNS: Final = 200
"""How wide lines may get where no terminal says."""
INTERRUPTED: Final = 130
DONE: Final = "Everything went as scripted"
FAILURES: Final = frozenset({"failed", "interrupted"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `demo`."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="where journal, recordings and configuration are left (default: a new folder for temporary files)",
    )
    parser.add_argument(
        "--keep-running",
        action="store_true",
        help="take calls from a softphone, at once and after the scripted ones, until Ctrl-C",
    )


def run(args: argparse.Namespace) -> int:
    """Give the play. 0: everything went as scripted; 1: something differed; 130: ended by Ctrl-C before its end."""
    data = args.data.resolve() if args.data is not None else Path(tempfile.mkdtemp(prefix="trunkline-demo-"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show µ shows something else, and goes on
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_COLUMNS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_until_stopped(Demo(console, data, args.keep_running).give))


async def _until_stopped(give: Callable[[], Awaitable[int]]) -> int:
    """Run until it ends by itself or a signal asks for it; either way it has tidied up when this returns."""
    loop = asyncio.get_running_loop()
    giving = asyncio.ensure_future(give())
    asked = False

    def stop() -> None:
        """Once: somebody who presses Ctrl-C again must not stop the tidying up, which is bounded anyway."""
        nonlocal asked
        if not asked:
            asked = True
            giving.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        return await giving
    except asyncio.CancelledError:
        return INTERRUPTED


class Demo:
    """One performance. `give` is all of it."""

    def __init__(self, console: Console, data: Path, keep_running: bool) -> None:
        self._console = console
        self._data = data
        self._keep_running = keep_running
        self._board = Board(console)
        self._leads_told = 0
        self._auctions_told = 0
        self._animated = console.is_terminal and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")

    async def give(self) -> int:
        """Start everything, play, sum up, and stay when asked to. Raises EnvironmentFault when it cannot start."""
        self._say(
            f"Starting a switch with {len(PARTS)} callers, {len(LEADS)} leads and their buyers on this machine ..."
        )
        try:
            async with Stage(self._data, fixed_address=self._keep_running) as stage:
                self._say(f"The switch takes calls on {stage.sip}; data in {self._data}")
                if self._keep_running:
                    self._invite(stage)
                if not self._animated:
                    self._say("A line for each lead that is answered and each call that has ended.")
                code = await self._perform(stage)
                if self._keep_running:
                    await self._stay(stage)
                return code
        except asyncio.CancelledError:
            self._say("Stopped: callers hung up, switch and buyers ended.")
            raise

    async def _perform(self, stage: Stage) -> int:
        await self._watch(stage, stage.play(PARTS, LEADS), lambda: stage.calls)
        calls = stage.calls
        if self._animated:
            self._console.print(self._board.table(calls))
            self._console.print(leads_table(stage.leads, wide=True, rows=len(LEADS)))
        print_summary(self._console, calls, stage.leads, stage.auctions, self._data)
        return self._judge(stage, calls)

    def _judge(self, stage: Stage, calls: Sequence[CallRecord]) -> int:
        found = differences(PARTS, calls, self._data) + lead_log.differences(stage.leads)
        found += auction_differences(stage.auctions)
        missing = ATTEMPTS - {attempt.outcome for call in calls for attempt in call.attempts}
        if missing:
            found.append(f"no attempt of the whole play ended {' or '.join(sorted(missing))}")
        found += [f"{call.id}: {call.outcome}" for call in _guests(calls) if call.outcome in FAILURES]
        if stage.bugs:
            found.append(f"{stage.bugs} leases ran out without being released")
        self._console.print()
        if not found:
            self._say(f"{DONE}: {len(PARTS)} calls, recordings and all, and {len(LEADS)} leads.", style="bold green")
            return ExitCode.DONE
        self._say(f"{len(found)} things did not go as scripted:", style="bold red")
        for what in found:
            self._say(f"  {what}")
        if _guests(calls):
            self._say("Calls from outside came while it played; they may have taken the seats.")
        self._say(f"What the switch said itself is in {self._data / 'switch.log'}")
        return ExitCode.WRONG

    async def _stay(self, stage: Stage) -> None:
        """Show calls from outside until somebody stops us, which is how this ends and no error."""
        self._console.print()
        self._invite(stage)
        try:
            await self._watch(stage, asyncio.Event().wait(), lambda: _guests(stage.calls))
        except asyncio.CancelledError:
            asyncio.current_task().uncancel()  # type: ignore[union-attr]
            self._say("Stopped: the switch and its buyers have ended.")

    def _invite(self, stage: Stage) -> None:
        """How to call the demo with a softphone."""
        if not stage.sip.endswith(":5060"):
            self._say(f"Port 5060 is taken by another program; this switch has {stage.sip} instead.", style="yellow")
        self._say("Call it with a softphone on this machine (UDP, G.711, no account needed):")
        self._say(f"  sip:{SEARCH}@{stage.sip}    the injury line", style="bold")
        self._say("      1 (English), a ZIP such as 78701 (Texas) or 10001 (New York), 1 (yes):")
        self._say("      a buyer answers and repeats what you say")
        self._say(f"  sip:{STORM_LINE}@{stage.sip}    the storm damage line, no questions", style="bold")
        self._say("Ctrl-C ends it.")

    async def _watch(self, stage: Stage, until: Awaitable[object], calls: Callable[[], Sequence[CallRecord]]) -> None:
        """Show the calls while something goes on. Raises SwitchNotStarted when the switch ends meanwhile."""
        going_on = asyncio.ensure_future(until)
        drawing = asyncio.create_task(self._animate(stage, calls) if self._animated else self._report(stage, calls))
        watched = {going_on, drawing, stage.switch.ended}
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if stage.switch.ended.done():
                raise stage.switch.lost()
        finally:
            for task in (going_on, drawing):
                task.cancel()
            results = await asyncio.gather(going_on, drawing, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        stage.poll()
        self._print_ended(stage, calls())

    async def _animate(self, stage: Stage, calls: Callable[[], Sequence[CallRecord]]) -> None:
        started = time.monotonic()
        with Live(console=self._console, auto_refresh=False, transient=True, redirect_stderr=False) as live:
            while True:
                stage.poll()
                shown = calls()
                passed_s = int(time.monotonic() - started)
                head = f"Trunkline demo  {passed_s // 60}:{passed_s % 60:02}  switch {stage.sip}"
                if not shown:
                    head += "  waiting for a call"
                live.update(self._board.live(shown, head, stage.leads, stage.auctions), refresh=True)
                await asyncio.sleep(FRAME_S)

    async def _report(self, stage: Stage, calls: Callable[[], Sequence[CallRecord]]) -> None:
        while True:
            stage.poll()
            self._print_ended(stage, calls())
            await asyncio.sleep(FRAME_S)

    def _print_ended(self, stage: Stage, calls: Sequence[CallRecord]) -> None:
        """Without animation: a line for each lead and call that is over and was not told yet."""
        if self._animated:
            return
        leads = stage.leads
        while self._auctions_told < len(stage.auctions):
            self._auctions_told += 1
            self._say(auction_text(stage.auctions[self._auctions_told - 1], self._auctions_told).plain)
        while self._leads_told < len(leads) and leads[self._leads_told].told:
            self._leads_told += 1
            self._say(lead_line(self._leads_told, leads[self._leads_told - 1]))
        for line in self._board.ended_lines(calls):
            self._say(line)

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)


def _guests(calls: Sequence[CallRecord]) -> list[CallRecord]:
    return [call for call in calls if call.caller not in PART_OF_CALLER]
