"""One media child as the switch sees it: spawned, spoken to over a socket pair, noticed when it dies."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import trunkline
from trunkline.media.embedded import wire
from trunkline.media.errors import MediaStartError
from trunkline.media.port import MediaEvent

START_S_MAX: Final = 20.0
PATIENCE_S: Final = 0.02
"""How long a patient order waits for company."""
STOP_S_MAX: Final = 6.0
"""A little more than the child gives itself to finish its recordings."""


class Process(asyncio.Protocol):
    """A running child. `on_report` gets its events, `on_lost` when it is gone, asked to or not."""

    def __init__(
        self, child: subprocess.Popen[bytes], on_report: Callable[[MediaEvent], None], on_lost: Callable[[], None]
    ) -> None:
        self._child = child
        self._on_report = on_report
        self._on_lost = on_lost
        self._frames = wire.Frames()
        self._orders: list[bytes] = []
        self._flushing = False
        self._waiting: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[wire.Ready | wire.Unable] = self._loop.create_future()
        self._gone = asyncio.Event()
        self._ready = False

    @classmethod
    async def start(
        cls, setup: wire.Setup, *, on_report: Callable[[MediaEvent], None], on_lost: Callable[[], None]
    ) -> Process:
        """Spawn a child and wait until its ports are bound. Raises `MediaStartError`."""
        ours, theirs = socket.socketpair()
        try:
            child = _spawn(theirs)
        except OSError as error:
            ours.close()
            raise MediaStartError(
                f"the media process cannot be started: {error.strerror}", hint="see the limits on processes and memory"
            ) from error
        finally:
            theirs.close()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        _, process = await loop.create_unix_connection(lambda: cls(child, on_report, on_lost), sock=ours)
        process.send(setup)
        try:
            async with asyncio.timeout(START_S_MAX):
                answer = await process._answer
        except TimeoutError:
            await process.stop()
            raise MediaStartError(
                f"the media process did not start within {START_S_MAX:.0f} s", hint="what it said stands above"
            ) from None
        if isinstance(answer, wire.Unable):
            await process.stop()
            raise _explain(setup, answer)
        process._ready = True
        return process

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def send(self, order: wire.Order, *, patient: bool = False) -> None:
        """Send an order. To a child that is gone it is lost, and so are the legs it was for.

        All orders of one turn of the loop go together: every write wakes the child, which goes before the switch
        wherever it has priority over it. For the same reason one that is `patient` goes with the next, after
        `PATIENCE_S` by itself. Order is kept.
        """
        self._orders.append(wire.frame(order))
        if not patient:
            if not self._flushing:
                self._flushing = True
                self._loop.call_soon(self._flush)
        elif self._waiting is None and not self._flushing:
            self._waiting = self._loop.call_later(PATIENCE_S, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        orders, self._orders = self._orders, []
        if orders and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(orders))

    async def stop(self) -> None:
        """End the child: by request, after `STOP_S_MAX` by force."""
        self.send(wire.Stop())
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self._gone.wait()
        except TimeoutError:
            self._child.kill()
        await self.reap()

    async def reap(self) -> None:
        """Wait for the end of a child that is ending, so that it leaves no zombie."""
        await asyncio.to_thread(self._child.wait)
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready."""
        # uvloop's transports have the interface but not the base class, so it cannot be asked for.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """The child reports."""
        for body in self._frames.feed(data):
            report = wire.read_report(body)
            if isinstance(report, wire.Ready | wire.Unable):
                self._answer.set_result(report)
            else:
                self._on_report(report)

    def connection_lost(self, exc: Exception | None) -> None:
        """The child is gone, or will not answer any more, which is the same."""
        self._gone.set()
        if not self._answer.done():
            self._answer.set_result(wire.Unable(0, "the media process ended at once; what it said stands above"))
        if self._ready:
            self._child.kill()
            self._on_lost()


def _spawn(control: socket.socket) -> subprocess.Popen[bytes]:
    root = str(Path(trunkline.__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "trunkline.media.embedded.child",
            f"--control={control.fileno()}",
            f"--parent={os.getpid()}",
        ],
        pass_fds=[control.fileno()],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )


def _explain(setup: wire.Setup, answer: wire.Unable) -> MediaStartError:
    if not answer.port:
        return MediaStartError(answer.reason, hint="run `trunkline doctor`")
    hints = {
        errno.EADDRNOTAVAIL: f"{setup.host} is no address of this machine; give one with --rtp HOST:MIN-MAX",
        errno.EMFILE: f"allow more than {2 * len(setup.ports) + 64} open files (ulimit -n), or give fewer ports",
    }
    in_use = f"find who has it with `ss -ulpn sport = :{answer.port}`, or give another range with --rtp HOST:MIN-MAX"
    return MediaStartError(
        f"media port {setup.host}:{answer.port} cannot be bound: {answer.reason}",
        hint=hints.get(answer.errno, in_use),
    )
