"""`config.apply`: put another configuration in the place of the one that the switch was started with."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from trunkline.kernel.clock import Instant
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done
from trunkline.switch.config_files import files_of, read_sources
from trunkline.switch.plant import Plant
from trunkline.switch.reading import read_beside


class ApplyConfiguration(Args, frozen=True, kw_only=True):
    """`path` is absolute: a file or folder that the switch can read, of the form it was started with."""

    path: str


async def apply(plant: Plant, args: ApplyConfiguration, now: Instant) -> Done:
    """Check it as if it stood in the other's place, put it there, and have it in force. Refused, nothing changes."""
    reloader, new = plant.reloader, Path(args.path)
    if not new.is_absolute():
        raise CommandRefused(
            f"{args.path} is no absolute path", hint="the switch may have another folder to start from"
        )
    files = await asyncio.to_thread(_files_for, new, reloader.path)
    loaded = (await read_beside(new, plant.data, plant.world.known, reloader.path)).loaded
    if loaded.snapshot is None:
        first = loaded.errors[0]
        raise CommandRefused(
            f"{new} has {len(loaded.errors)} error(s); the first: {first.path}: {first.message}",
            hint=f"./trunkline check {new} shows all there is to it",
        )
    before, after = plant.world.snapshot.digest, loaded.snapshot.digest
    replaced: dict[Path, bytes] = {}

    def put() -> None:
        replaced.update((file, file.read_bytes()) for file in files_of(reloader.path))
        _put(files, reloader.path)

    await reloader.replace(put)
    if plant.world.snapshot.digest != after:
        await reloader.replace(lambda: _put(replaced, reloader.path))
        raise CommandRefused(
            f"{new} cannot be put in force: the log of the switch says why",
            hint="passwords that it names may be missing, or it changed meanwhile; the one before is in its place",
        )
    return Done({"before": before, "after": after, "path": str(reloader.path)})


COMMANDS: Final[tuple[Command[Any], ...]] = (Command("config.apply", ApplyConfiguration, apply),)


def _files_for(new: Path, place: Path) -> dict[Path, bytes]:
    """The files of `new` under the names that they get at `place`. Raises CommandRefused, UsageError."""
    if new.is_dir() is not place.is_dir():
        kind = "folder" if place.is_dir() else "file"
        raise CommandRefused(f"the switch was started with a {kind}, and {new} is none", hint=f"give it a {kind}")
    if not new.is_dir() and new.suffix != place.suffix:
        raise CommandRefused(f"{place} cannot hold {new.suffix}", hint=f"write it as {place.suffix}")
    found: dict[Path, bytes] = {}
    for source in read_sources(new):
        content = source.data.encode() if isinstance(source.data, str) else source.data
        found[place / Path(source.name).relative_to(new) if place.is_dir() else place] = content
    return found


def _put(files: Mapping[Path, bytes], place: Path) -> None:
    """Replace the files of the configuration at `place` by these, and take away those that are not among them.

    All are on the disk before the first has its name: an error before that leaves everything as it is.
    """
    ready: list[tuple[Path, Path]] = []
    try:
        for file, content in files.items():
            file.parent.mkdir(exist_ok=True)
            real = file.resolve()  # a link stays one
            ready.append((_aside(real, content), real))
        for fresh, real in ready:
            fresh.replace(real)
    finally:
        for fresh, _ in ready:
            fresh.unlink(missing_ok=True)
    for file in files_of(place):
        if file not in files:
            file.unlink()
    for folder in {real.parent for _, real in ready}:
        _sync(folder)


def _aside(file: Path, content: bytes) -> Path:
    """A file beside `file` that holds what it is to hold, as readable as that one is: it may name secrets."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            if file.exists():
                os.fchmod(stream.fileno(), file.stat().st_mode & 0o777)
            os.fsync(stream.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
