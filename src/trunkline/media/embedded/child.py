"""Where a media child begins: `python -m trunkline.media.embedded.child --control FD --parent PID`.

It takes `Setup` from the control socket, binds its ports, answers, and runs the engine. It ends when the switch says
so, when the control socket closes, or on SIGUSR1, which the kernel sends when the switch dies without a word. In each
case recordings are finished first; an alarm ends a child that cannot even do that.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from typing import Final

from trunkline.media.embedded import wire
from trunkline.media.embedded.engine import Engine, next_tick
from trunkline.media.embedded.ports import Pair, PortInUse
from trunkline.media.port import Closed

log = logging.getLogger("trunkline.media")

_PR_SET_PDEATHSIG: Final = 1
_PARENT_DIED: Final = signal.SIGUSR1
"""No signal that anybody sends to a whole group of processes."""
_FINISH_S_MAX: Final = 5
_RECEIVE_SIZE: Final = 65536
_PATIENCE_S: Final = 0.05
"""How long the switch does without a port that is free again: at 800 calls a second without 80 of them."""
_PENDING_SIZE_MAX: Final = 4 * 1024 * 1024


class Control:
    """The child's end of the control socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._frames = wire.Frames()
        self._pending = bytearray()
        self._gathering = False
        self._due_s: float | None = None
        self.closed = False

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._sock.fileno()

    def receive(self) -> list[wire.Order]:
        """The orders that have come. None, with `closed` set, when the switch is gone."""
        try:
            data = self._sock.recv(_RECEIVE_SIZE)
        except BlockingIOError:
            return []
        except ConnectionError:
            data = b""
        if not data:
            self.closed = True
            return []
        return [wire.read_order(body) for body in self._frames.feed(data)]

    def send(self, report: wire.Report) -> None:
        """Send a report, or keep it until the switch reads again: audio must not wait for it.

        That a leg is closed nobody waits to hear. It goes with another report, with what comes `_PATIENCE_S` later, or
        at the next tick: every piece wakes the switch.
        """
        self._pending += wire.frame(report)
        if not isinstance(report, Closed):
            self._due_s = 0.0
        elif self._due_s is None:
            self._due_s = time.monotonic() + _PATIENCE_S
        if not self._gathering:
            self._flush_due()

    @contextlib.contextmanager
    def gathering(self) -> Iterator[None]:
        """Send what is reported inside in one piece."""
        self._gathering = True
        try:
            yield
        finally:
            self._gathering = False
            self._flush_due()

    def _flush_due(self) -> None:
        if self._due_s is not None and time.monotonic() >= self._due_s:
            self.flush()

    def flush(self) -> None:
        """Send what was kept. A switch that leaves `_PENDING_SIZE_MAX` unread is as good as gone."""
        self._due_s = None
        try:
            while self._pending and not self.closed:
                del self._pending[: self._sock.send(self._pending)]
        except BlockingIOError:
            if len(self._pending) > _PENDING_SIZE_MAX:
                log.error("media: the switch does not read what happens on its calls; this media process ends")
                self.closed = True
        except ConnectionError:
            self.closed = True


def main() -> int:
    """Run a child until the switch has no use for it."""
    parser = argparse.ArgumentParser(prog="trunkline-media", description="A media process of the switch.")
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    _die_with(options.parent)
    control = Control(socket.socket(fileno=options.control))
    setup = _first_order(control)
    if setup is None:
        return 0
    _raise_file_limit()
    try:
        pairs = [Pair(setup.host, port) for port in setup.ports]
    except PortInUse as error:
        control.send(wire.Unable(error.port, error.reason, error.errno))
        return 1
    _serve(control, setup, pairs)
    return 0


def _first_order(control: Control) -> wire.Setup | None:
    """Wait for `Setup`; None when the switch went away instead."""
    orders: list[wire.Order] = []
    while not orders and not control.closed:
        orders = control.receive()
    if not orders:
        return None
    # Nothing else is sent before the answer to it.
    [setup] = orders
    assert isinstance(setup, wire.Setup)
    return setup


def _serve(control: Control, setup: wire.Setup, pairs: list[Pair]) -> None:
    _ask_for_priority()
    engine = Engine(pairs, control.send, silent_ms_max=setup.silent_ms_max, cname=setup.cname)
    stop_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def obey(now: float) -> None:
        del now
        orders = control.receive()
        with control.gathering():
            for order in orders:
                engine.obey(order)
        if any(isinstance(order, wire.Close) and order.soon for order in orders):
            control.flush()
        if control.closed:
            engine.stopping = True

    def flush(now: float) -> float:
        control.flush()
        return next_tick(now)

    def stop(now: float) -> None:
        del now
        engine.stopping = True

    os.set_blocking(control.fileno(), False)
    engine.add_reader(control.fileno(), obey)
    engine.add_reader(stop_fd, stop)
    engine.schedule(0.0, flush)
    # The handler only wakes the loop: a signal may come at any instruction.
    signal.signal(_PARENT_DIED, lambda number, at: os.eventfd_write(stop_fd, 1))
    # What exists now stays for good; the collector need not look at it again and again.
    gc.freeze()
    control.send(wire.Ready())
    engine.run()
    signal.alarm(_FINISH_S_MAX)
    # Nothing is played any more, so now the last reports may wait for the switch.
    os.set_blocking(control.fileno(), True)
    engine.close()
    control.flush()


def _die_with(parent: int) -> None:
    """Have the kernel send a signal when the switch dies, and end at once if it has died already."""
    # Ctrl-C, a closed terminal and service managers signal the whole group; the switch decides when its media ends,
    # and while it drains, calls are still heard.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, _PARENT_DIED, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)


def _ask_for_priority() -> None:
    """Let packets come before whatever else the processor has to do, where the kernel allows it (CAP_SYS_NICE).

    The disk thread inherits it: were it pushed aside while it holds the interpreter, the packets would wait with it.
    Without the right all works the same, only later when the machine is full. Where there is but one processor it is
    not asked for: whoever floods the audio ports, which are open to everybody, would leave the switch next to nothing.
    """
    if len(os.sched_getaffinity(0)) == 1:
        return
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def _raise_file_limit() -> None:
    """Every port is an open file: take all the kernel allows without asking anybody."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    raise SystemExit(main())
