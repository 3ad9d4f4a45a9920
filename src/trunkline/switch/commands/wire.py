"""What goes over the admin socket: one JSON object a line, a request in, its answer out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.kernel.errors import ExitCode

SOCKET_FILE: Final = "admin.sock"
"""The socket, inside the data folder, mode 0600."""
LINE_BYTES_MAX: Final = 262_144
"""A request, or an answer, with its line feed."""
KEY_MAX: Final = 200
"""Characters of an idempotency key, and of an actor."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command. What changes something needs a `key` (idempotency) and an `actor` (who asks)."""

    command: str
    args: msgspec.Raw = msgspec.Raw(b"{}")
    key: str | None = None
    actor: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """Why a command was not done. `fault` as in `kernel.errors`, `exit` what a command line ends with."""

    message: str
    hint: str = ""
    fault: str = "us"
    exit: int = ExitCode.WRONG


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """`ok` with `result`, or not `ok` with `error`."""

    ok: bool
    result: Any = None
    error: Refusal | None = None


def socket_path(data: Path) -> Path:
    """Where the switch of a data folder listens for commands."""
    return data / SOCKET_FILE


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name for `path` that a socket address has room for: 107 bytes, which a deep folder exceeds."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
