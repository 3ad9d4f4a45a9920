"""The one thread of a media child that touches the disk, so that a slow disk never holds up a packet.

Recorders hand it blocks; it opens, writes, patches headers and closes, and puts what ended into `finished`, waking
the loop through an eventfd. What waits to be written is bounded: past `PENDING_SIZE_MAX` a recording is given up
rather than memory.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Final

from trunkline.codec.wav import HEADER_SIZE, RECORDING_FRAME_SIZE, recording_header

PENDING_SIZE_MAX: Final = 64 * 1024 * 1024
_HEADER_EVERY_BLOCKS: Final = 6
"""How often the sizes in the header are brought up to date: about every five seconds."""
_BUSY = f"the disk is too slow: more than {PENDING_SIZE_MAX >> 20} MB wait to be written"


class Track:
    """A recording's file. Only the disk thread uses what begins with an underscore."""

    __slots__ = ("_blocks", "_fd", "_size", "error", "path", "recording")

    def __init__(self, recording: str, path: str) -> None:
        self.recording = recording
        self.path = path
        self.error: str | None = None
        self._fd = -1
        self._size = 0
        self._blocks = 0


@dataclass(frozen=True, slots=True)
class _Block:
    track: Track
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _End:
    track: Track


class Disk:
    """Runs the thread. `wake_fd` becomes readable when there is something in `finished`."""

    def __init__(self) -> None:
        self.wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.finished: deque[Track] = deque()
        self._jobs: SimpleQueue[Track | _Block | _End | None] = SimpleQueue()
        # Two counters, each written by one thread only: no lock is needed to know what is pending.
        self._size_in = 0
        self._size_out = 0
        self._thread = Thread(target=self._run, name="disk", daemon=True)
        self._thread.start()

    def open(self, recording: str, path: str) -> Track:
        """Begin a file. What goes wrong shows in the track's `error` and ends in `finished` like the rest."""
        track = Track(recording, path)
        self._jobs.put(track)
        return track

    def write(self, track: Track, offset: int, data: bytes) -> None:
        """Put audio at `offset` bytes behind the header."""
        if track.error is None and self._size_in - self._size_out > PENDING_SIZE_MAX:
            track.error = _BUSY
        if track.error is None:
            self._size_in += len(data)
            self._jobs.put(_Block(track, offset, data))

    def close(self, track: Track) -> None:
        """End a file; it comes out of `finished` when its header is right and it is closed."""
        self._jobs.put(_End(track))

    def acknowledge(self) -> None:
        """Make `wake_fd` unreadable again. Called before `finished` is emptied, so that no end is overlooked."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.wake_fd)

    def stop(self, timeout_s: float) -> None:
        """Finish what is queued and end the thread, or give up after `timeout_s`."""
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            track = job if isinstance(job, Track) else job.track
            try:
                self._do(job)
            except OSError as error:
                track.error = track.error or _explain(error, track.path)
            if isinstance(job, _Block):
                self._size_out += len(job.data)
            elif isinstance(job, _End):
                self.finished.append(track)
                os.eventfd_write(self.wake_fd, 1)

    def _do(self, job: Track | _Block | _End) -> None:
        if isinstance(job, Track):
            os.makedirs(os.path.dirname(job.path), exist_ok=True)
            # Never over an existing file: it may be evidence. Readable by the owner alone: it is somebody's voice.
            job._fd = os.open(job.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            _write_all(job._fd, recording_header(0), 0)
            return
        track = job.track
        if isinstance(job, _Block):
            if track.error is None:
                _write_all(track._fd, job.data, HEADER_SIZE + job.offset)
                track._size = max(track._size, job.offset + len(job.data))
                track._blocks += 1
                if track._blocks % _HEADER_EVERY_BLOCKS == 0:
                    _write_all(track._fd, recording_header(track._size), 0)
        elif track._fd >= 0:
            _close(track)


def _close(track: Track) -> None:
    try:
        # After a full disk there may be part of a block behind the last whole one.
        os.ftruncate(track._fd, HEADER_SIZE + track._size // RECORDING_FRAME_SIZE * RECORDING_FRAME_SIZE)
        _write_all(track._fd, recording_header(track._size), 0)
        # What is reported as recorded must outlive a power cut.
        os.fsync(track._fd)
    finally:
        with contextlib.suppress(OSError):
            os.close(track._fd)
        track._fd = -1


def _write_all(fd: int, data: bytes, offset: int) -> None:
    written = os.pwrite(fd, data, offset)
    while written < len(data):
        # A short write to a file means that the disk has just become full; the next one says so.
        written += os.pwrite(fd, data[written:], offset + written)


def _explain(error: OSError, path: str) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full: {path}"
    if error.errno == errno.EEXIST:
        return f"the file exists already and is not overwritten: {path}"
    return f"{error.strerror}: {path}"
