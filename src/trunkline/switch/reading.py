"""Reads a configuration whole: files, checks, prompts. At the start in the switch, later in a process of its own.

Ten thousand routes take seconds to be read. In a thread of the switch that would take the interpreter from the calls
again and again; a process of its own, which gives way to everybody, takes nothing from them. It sends what it has read
in parcels over a pipe and ends.

    python -m trunkline.switch.reading CONFIG DATA [PLACE]
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from trunkline.config.flows import Prompt
from trunkline.config.load import Loaded
from trunkline.config.schema import Snapshot
from trunkline.journal.configurations import Configurations
from trunkline.kernel.errors import TrunklineError
from trunkline.media.port import Prompt as Sound
from trunkline.media.prompts import PromptStore, available_voices
from trunkline.switch.beside import Beside, start_beside
from trunkline.switch.config_files import base_of, load_path
from trunkline.switch.list_files import ListUnusable, cache_of, files_of_lists, lists_of, problem_of
from trunkline.switch.parcels import Failure, Known, Unpacking, packed, parcels_of
from trunkline.switch.prompts import prepare_sounds
from trunkline.switch.slices import Slices, uncollected

log = logging.getLogger("trunkline.config")

READING_S_MAX: Final = 900.0
"""How long reading may take before it is given up: speech for thousands of prompts is rendered in it."""
LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_LENGTH_SIZE: Final = 4


class Unreadable(TrunklineError):
    """The configuration could not be read at all."""


class Read(msgspec.Struct, frozen=True):
    """What was found; `unplayable` are words about prompts."""

    loaded: Loaded
    sounds: Mapping[Prompt, Sound]
    unplayable: tuple[str, ...] = ()


def read_configuration(path: Path, data: Path, place: Path | None = None) -> Read:
    """Read and check the configuration at `path`; prompts and packed lists are cached below `data`. Blocks.

    With a `place` it is judged as if it stood there: prompts and lists are those beside that one.

    Raises UsageError when there is nothing there that could be one.
    """
    base = base_of(place or path)
    loaded = load_path(path, available_voices(base), base)
    snapshot = loaded.snapshot
    if snapshot is None:
        return Read(loaded, {})
    files = loaded.files + files_of_lists(snapshot)
    loaded = Loaded(snapshot, loaded.problems, files)
    try:
        lists_of(snapshot, cache_of(data))
    except ListUnusable as error:
        return Read(Loaded(None, (*loaded.problems, problem_of(error)), files), {})
    sounds, unplayable = prepare_sounds(snapshot, PromptStore(data / "prompts", base))
    return Read(loaded, sounds, tuple(unplayable))


async def read_beside(path: Path, data: Path, known: Known, place: Path | None = None) -> Read:
    """The same in a process of its own, while calls go on. What is valid is also kept beside the journal.

    Raises Unreadable, with the words of what went wrong there.
    """
    helper = await start_beside(__name__, str(path), str(data), *(() if place is None else (str(place),)))
    try:
        async with asyncio.timeout(READING_S_MAX):
            return await _received(helper, Unpacking(known))
    except TimeoutError:
        raise Unreadable(
            f"reading it took more than {READING_S_MAX:.0f} s", hint="are there that many prompts?"
        ) from None
    finally:
        await helper.stop()


async def _received(helper: Beside, unpacking: Unpacking) -> Read:
    try:
        size = int.from_bytes(await helper.output.readexactly(_LENGTH_SIZE))  # comes when all has been read
        with uncollected():
            slices = Slices()
            while True:
                unpacking.take(await helper.output.readexactly(size))
                if unpacking.complete or unpacking.failure is not None:
                    break
                await slices.pause_if_due()
                size = int.from_bytes(await helper.output.readexactly(_LENGTH_SIZE))
    except asyncio.IncompleteReadError:
        raise Unreadable(
            f"the process that reads it ended with code {await helper.end()}",
            hint="what it said stands in the log; it needs about as much memory as the switch",
        ) from None
    if unpacking.failure is not None:
        raise Unreadable(unpacking.failure.message, hint=unpacking.failure.hint)
    opening = unpacking.opening
    assert opening is not None
    snapshot = None if opening.platform is None else unpacking.snapshot()
    return Read(Loaded(snapshot, opening.problems, opening.files), unpacking.sounds, opening.unplayable)


def main(path: Path, data: Path, place: Path | None = None) -> None:
    """Read the configuration and write its parcels to standard output; what is printed otherwise goes to the log."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=LOG_FORMAT)
    with os.fdopen(os.dup(1), "wb", buffering=1 << 16) as pipe:
        os.dup2(2, 1)
        try:
            read = read_configuration(path, data, place)
            if read.loaded.snapshot is not None:
                _store(read.loaded.snapshot, place or path, data)
            for parcel in parcels_of(read.loaded, read.sounds, read.unplayable):
                pipe.write(packed(parcel))
        except TrunklineError as error:
            pipe.write(packed(Failure(error.message, error.hint or "")))
        except Exception as error:
            log.exception("the configuration cannot be read")
            pipe.write(packed(Failure(f"an error of ours: {error!r}", ours=True)))


def _store(snapshot: Snapshot, path: Path, data: Path) -> None:
    """Keep the configuration beside the journal. What cannot be stored does not keep it from being used."""
    try:
        Configurations(data).store(snapshot, path)
    except OSError as error:
        log.warning("the configuration cannot be kept beside the journal: %s", error)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
