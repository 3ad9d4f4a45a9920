"""What keeps the journal's files in order beside the writer: checkpoints, the watch on free space, forgetting."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from trunkline.journal.health import Health
from trunkline.journal.sqlite import Connection, Error

CHECKPOINT_EVERY_S: Final = 0.25
LOG_PAGES_MAX: Final = 16_384
"""64 MB: when a reader has kept the write-ahead log from starting over for this long, the writer empties it itself."""
_HEALTH_EVERY_S = 1.0
_FORGET_EVERY_S = 3_600.0


class Upkeep:
    """A thread with a connection of its own, which never writes events or state.

    After each checkpoint `watch_log` is told how many pages the log has; now and then `forget` is called. Both leave
    the work to the writer.
    """

    __slots__ = ("_connection", "_forget", "_health", "_stop", "_thread", "_watch_log")

    def __init__(
        self, connection: Connection, health: Health, watch_log: Callable[[int], None], forget: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._health = health
        self._watch_log = watch_log
        self._forget = forget
        self._stop = Event()
        self._thread = Thread(target=self._run, name="journal-upkeep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection. Blocks for at most one checkpoint."""
        self._stop.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        next_health = time.monotonic()
        next_forget = next_health + _FORGET_EVERY_S
        while not self._stop.wait(CHECKPOINT_EVERY_S):
            self._checkpoint()
            now = time.monotonic()
            if now >= next_health:
                next_health = now + _HEALTH_EVERY_S
                self._health.check()
            if now >= next_forget:
                next_forget = now + _FORGET_EVERY_S
                self._forget()

    def _checkpoint(self) -> None:
        try:
            _, pages, _ = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except Error as error:
            self._health.failed(error)
            return
        self._watch_log(pages)
