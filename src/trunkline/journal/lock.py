"""Locks on a data folder: one switch and one worker write there, and a second one is told who the first is."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from trunkline.journal.errors import JournalLocked

LOCK_FILE: Final = "journal.lock"
WORKER_LOCK_FILE: Final = "worker.lock"


class FolderLock:
    """Held from construction to `release`, or to the end of the process, however it ends. Raises JournalLocked."""

    __slots__ = ("_file",)

    def __init__(self, folder: Path, file: str = LOCK_FILE, who: str = "switch") -> None:
        # The file stays when the lock goes: deleting it would let two processes lock two files of one name.
        self._file = os.open(folder / file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(self._file, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise JournalLocked(
                f"another {who} is using {folder} (process {pid})",
                hint=f"stop it (kill {pid}) or start this one with another --data folder",
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    @staticmethod
    def holder(folder: Path, file: str = LOCK_FILE) -> int | None:
        """The id of the process that holds a lock, None when nobody does. Looks, and never takes it.

        The kernel's list has it by the file's inode (Linux, proc_locks(5)).
        """
        path = folder / file
        try:
            inode, said = path.stat().st_ino, path.read_text(errors="replace").strip()
        except FileNotFoundError:
            return None
        held = any(
            fields[1] == "FLOCK" and fields[5].endswith(f":{inode}")
            for line in Path("/proc/locks").read_text().splitlines()
            if len(fields := line.split()) > 5
        )
        return int(said) if held and said.isdigit() else None

    def release(self) -> None:
        """Let the next one have the folder."""
        os.close(self._file)
