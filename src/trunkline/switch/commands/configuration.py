"""`config.apply`: put another configuration in the place of the one that the switch was started with."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any, Final

from trunkline.config.load import Loaded, load_sources
from trunkline.config.reading import Source
from trunkline.kernel.clock import Instant
from trunkline.media.prompts import available_voices
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done
from trunkline.switch.config_files import base_of, files_of, read_sources
from trunkline.switch.plant import Plant


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
    sources, loaded = await asyncio.to_thread(_read, new, reloader.path)
    if loaded.snapshot is None:
        first = loaded.errors[0]
        raise CommandRefused(
            f"{new} has {len(loaded.errors)} error(s); the first: {first.path}: {first.message}",
            hint=f"./trunkline check {new} shows all there is to it",
        )
    before, after = plant.world.snapshot.digest, loaded.snapshot.digest
    await reloader.replace(lambda: _put(sources, new, reloader.path))
    if plant.world.snapshot.digest != after:
        raise CommandRefused(
            f"{new} is in place and not in force: the log of the switch says why",
            hint="prompts or passwords that it names may be missing; the configuration before goes on",
        )
    return Done({"before": before, "after": after, "path": str(reloader.path)})


COMMANDS: Final[tuple[Command[Any], ...]] = (Command("config.apply", ApplyConfiguration, apply),)


def _read(new: Path, place: Path) -> tuple[list[Source], Loaded]:
    """The files of `new`, judged as if they stood at `place`."""
    if new.is_dir() is not place.is_dir():
        kind = "folder" if place.is_dir() else "file"
        raise CommandRefused(f"the switch was started with a {kind}, and {new} is none", hint=f"give it a {kind}")
    if not new.is_dir() and new.suffix != place.suffix:
        raise CommandRefused(f"{place} cannot hold {new.suffix}", hint=f"write it as {place.suffix}")
    sources, base = read_sources(new), base_of(place)
    return sources, load_sources(sources, str(base), available_voices(base))


def _put(sources: list[Source], new: Path, place: Path) -> None:
    """Write the files to their places, each whole, and take away those that are not there any more."""
    if not place.is_dir():
        _replace(place, sources[0].data)
        return
    kept = set()
    for source in sources:
        file = place / Path(source.name).relative_to(new)
        file.parent.mkdir(exist_ok=True)
        _replace(file, source.data)
        kept.add(file)
    for file in files_of(place):
        if file not in kept:
            file.unlink()


def _replace(file: Path, content: bytes | str) -> None:
    fresh = file.with_name(f".{file.name}.new")
    with fresh.open("wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
        stream.flush()
        os.fsync(stream.fileno())
    if file.exists():
        fresh.chmod(file.stat().st_mode & 0o777)
    fresh.replace(file)
