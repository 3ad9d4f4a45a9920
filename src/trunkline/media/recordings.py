"""Recordings on disk: making files readable whose writer died.

A recording's audio is complete up to the last second before a crash; only the two sizes in its header lag behind.
`repair` sets them from the length of the file. Doing so twice, or to a file that was closed properly, changes
nothing.
"""

from __future__ import annotations

import os
from typing import Final

from trunkline.codec.wav import HEADER_SIZE, WavError, repaired_header
from trunkline.media.errors import BadRecording

BYTES_PER_MS: Final = 32
"""Two channels of 16 bits at 8 kHz."""


def repair(path: str | os.PathLike[str]) -> bool:
    """Make a recording readable; True when something had to be changed.

    Raises `BadRecording` when the file is no recording of ours, and `OSError` as the system gives it.
    """
    with open(path, "r+b") as file:
        head = file.read(HEADER_SIZE)
        size = os.fstat(file.fileno()).st_size
        try:
            header, length = repaired_header(head, size)
        except WavError as error:
            raise BadRecording(f"{os.fspath(path)}: {error}", hint="it is left as it is") from error
        if (header, length) == (head, size):
            return False
        file.seek(0)
        file.write(header)
        file.flush()
        os.ftruncate(file.fileno(), length)
        return True


def repair_if_there(path: str | os.PathLike[str]) -> str | None:
    """Repair a recording whose writer may not have come to create it; gives why it could not be repaired, or None."""
    try:
        repair(path)
    except FileNotFoundError:
        return None
    except (OSError, BadRecording) as error:
        return str(error)
    return None


def length_ms(path: str | os.PathLike[str]) -> int:
    """How long a recording is, by the length of its file; 0 when there is none."""
    try:
        size = os.stat(path).st_size
    except OSError:
        return 0
    return max(0, size - HEADER_SIZE) // BYTES_PER_MS
