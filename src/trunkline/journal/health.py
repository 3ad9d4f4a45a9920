"""Whether the journal takes new work, and the disk space kept back for the calls that are going on when it does not.

Too little free space, or a commit that failed, makes the journal unhealthy: it says why, and takes only what finishes
running calls. A reserve file is deleted when the disk is really full, so that those last events find room. When space
comes back the journal recovers by itself; a disk that fails in any other way is not trusted again before a restart.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from threading import Lock
from typing import Final

from trunkline.journal.errors import JournalUnavailable
from trunkline.journal.sqlite import Error

RESERVE_FILE: Final = "journal.reserve"
RESERVE_BYTES: Final = 16 * 2**20
"""Room for the last events of some ten thousand calls, and the write-ahead log around them."""
_MB: Final = 2**20
LOOK_EVERY_S: Final = 0.1
"""How long free space that was enough is taken to be so still: a disk that fills a gigabyte a second loses 100 MB."""
_MARGIN_BYTES: Final = 2 * RESERVE_BYTES
"""Free space must exceed the minimum by this before the journal recovers, or it would flicker at the line."""


class Health:
    """Judged by the writer before it commits and by the upkeep thread every second; read by the switch's loop."""

    __slots__ = ("_broken", "_folder", "_full", "_lock", "_look_at_s", "_min_free_bytes", "reason")

    reason: str | None
    """Why the journal takes no new work, None while it does."""

    def __init__(self, folder: Path, min_free_mb: int) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_mb * _MB
        self._lock = Lock()
        self._full = False
        self._broken = False
        self._look_at_s = 0.0
        self.reason = None
        self.check()
        if self.reason is None:
            self._fill_reserve()

    def check_before_commit(self) -> None:
        """The same as `check`, unless all was well a moment ago."""
        if self.reason is not None or time.monotonic() >= self._look_at_s:
            self.check()

    def check(self) -> None:
        """Compare the free space with the minimum."""
        with self._lock:
            if self._broken:
                return
            try:
                free = self._free_bytes()
            except OSError as error:
                self._broken = True
                self.reason = f"the folder of the journal is gone: {error}"
                return
            if self.reason is None:
                if free < self._min_free_bytes:
                    self.reason = self._scarce(free)
            elif free >= self._min_free_bytes + (_MARGIN_BYTES if self._full else 0):
                self._recover()
            self._look_at_s = time.monotonic() + LOOK_EVERY_S

    def failed(self, error: Error) -> None:
        """A commit or checkpoint did not go through: take no new work, and free the reserve if room is missing."""
        name = getattr(error, "sqlite_errorname", "")
        with self._lock:
            if name == "SQLITE_FULL" or self._free_bytes() < RESERVE_BYTES:
                self._full = True
                self.reason = f"the disk of {self._folder} is full: {error}"
                (self._folder / RESERVE_FILE).unlink(missing_ok=True)
            elif name.startswith("SQLITE_BUSY"):
                self.reason = f"another program holds a lock on the journal in {self._folder}: {error}"
            else:
                self._broken = True
                self.reason = f"the disk of {self._folder} does not take writes: {error}"

    def unavailable(self) -> JournalUnavailable:
        """The error for whoever is turned away."""
        hint = (
            "check the disk and the kernel's log, then restart the switch"
            if self._broken
            else "free space on that disk or move the data folder; the switch goes on by itself when there is room"
        )
        return JournalUnavailable(self.reason or "the journal could not write this", hint=hint)

    def _scarce(self, free: int) -> str:
        return (
            f"only {free // _MB} MB are free on the disk of {self._folder}; "
            f"{self._min_free_bytes // _MB} MB is the least (--min-free-mb)"
        )

    def _recover(self) -> None:
        if self._fill_reserve():
            self._full = False
            self.reason = None

    def _fill_reserve(self) -> bool:
        """Allocate the reserve file, really and not sparsely; False when there is no room for it."""
        path = self._folder / RESERVE_FILE
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, RESERVE_BYTES)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            self._full = True
            self.reason = (
                f"the disk of {self._folder} has no room for the journal's reserve of {RESERVE_BYTES // _MB} MB"
            )
            path.unlink()
            return False
        finally:
            os.close(file)
        return True

    def _free_bytes(self) -> int:
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize
