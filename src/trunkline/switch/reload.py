"""Loading a configuration, at start and again when it changes.

Reading, checking and compiling happen in a thread, so calls go on meanwhile. A configuration with errors changes
nothing: the one in force stays, and the operator is told what is wrong.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from trunkline.config.problems import Problem
from trunkline.events.entry import Entry
from trunkline.events.switch import SnapshotLoaded, SnapshotRefused
from trunkline.journal.configurations import Configurations
from trunkline.kernel.errors import TrunklineError
from trunkline.media.prompts import PromptStore, available_voices
from trunkline.switch.config_files import base_of, files_of, load_path
from trunkline.switch.plant import Plant
from trunkline.switch.world import World, prepare_sounds

log = logging.getLogger("trunkline.config")

WATCH_S = 1.0
"""How often the files are looked at."""
SHOWN_MAX = 20
"""Problems written to the log of one load."""


class ConfigurationRefused(TrunklineError):
    """The configuration has errors and nothing can be decided by it."""


class Built(msgspec.Struct, frozen=True):
    """A world, or why there is none. `files` are the lists that the configuration names."""

    world: World | None
    problems: tuple[Problem, ...]
    files: tuple[str, ...] = ()


def build_world(path: Path, data: Path) -> Built:
    """Read, check and compile the configuration at `path`; prompts are cached below `data`. For use in a thread."""
    loaded = load_path(path, available_voices(base_of(path)))
    if loaded.snapshot is None:
        return Built(None, loaded.problems, loaded.files)
    store = PromptStore(data / "prompts", base_of(path))
    sounds, failures = prepare_sounds(loaded.snapshot, store)
    for failure in failures:
        log.warning("a prompt cannot be played: %s", failure)
    return Built(World(loaded.snapshot, sounds), loaded.problems, loaded.files)


def first_world(path: Path, data: Path) -> World:
    """The world to start with. Raises ConfigurationRefused with all errors."""
    built = build_world(path, data)
    tell_problems(built.problems)
    if built.world is None:
        errors = [problem for problem in built.problems if problem.severity == "error"]
        raise ConfigurationRefused(
            f"{path} has {len(errors)} error{'s' if len(errors) != 1 else ''}; the first: {describe(errors[0])}",
            hint="; ".join(filter(None, (errors[0].hint, f"./trunkline check {path} shows all there is to it"))),
        )
    return built.world


def keep(data: Path, path: Path, world: World) -> None:
    """Store the configuration that is about to count, so that its decisions can be explained later. Blocks.

    What cannot be stored is told and does not keep the configuration from being used.
    """
    try:
        Configurations(data).keep(world.snapshot, path)
    except OSError as error:
        log.warning("the configuration cannot be kept beside the journal: %s", error)


def describe(problem: Problem) -> str:
    """One problem in one line."""
    return f"{problem.path}: {problem.message}" if problem.path else problem.message


def tell_problems(problems: tuple[Problem, ...]) -> None:
    """Write the problems of a load into the log."""
    for problem in problems[:SHOWN_MAX]:
        level = logging.ERROR if problem.severity == "error" else logging.WARNING
        log.log(level, "%s", describe(problem))
    if len(problems) > SHOWN_MAX:
        log.warning("and %d more", len(problems) - SHOWN_MAX)


class Reloader:
    """Watches the files of the configuration and replaces the world when they change for the better."""

    def __init__(self, plant: Plant, path: Path, on_world: Callable[[World], None]) -> None:
        self._plant = plant
        self.path = path
        self._on_world = on_world
        self._lists = plant.world.snapshot.files
        self._seen = self._look()
        self._wanted = asyncio.Event()
        self._busy = asyncio.Lock()

    def ask(self) -> None:
        """Reload now, whether or not a file looks changed (SIGHUP)."""
        self._wanted.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._wanted.wait(), WATCH_S)
            except TimeoutError:
                state = await asyncio.to_thread(self._look)
                if state == self._seen:
                    continue
            async with self._busy:
                self._wanted.clear()
                self._seen = await asyncio.to_thread(self._look)
                await self._reload()

    async def replace(self, put: Callable[[], None]) -> None:
        """Have `put` (called in a thread) change the files, then load what they say; nobody looks in between."""
        async with self._busy:
            await asyncio.to_thread(put)
            self._seen = await asyncio.to_thread(self._look)
            await self._reload()

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        return _state_of(self.path) + _stats(map(Path, self._lists))

    async def _reload(self) -> None:
        try:
            built = await asyncio.to_thread(build_world, self.path, self._plant.data)
        except TrunklineError as error:
            self._refused(1, error.message)
            return
        except Exception as error:
            # An error of ours in reading a file must not end the calls that are made by the one before.
            log.exception("the configuration cannot be loaded")
            self._refused(1, f"an error of ours: {error!r}")
            return
        if built.files != self._lists:
            self._lists = built.files
            self._seen = await asyncio.to_thread(self._look)
        tell_problems(built.problems)
        if built.world is None:
            errors = [problem for problem in built.problems if problem.severity == "error"]
            self._refused(len(errors), describe(errors[0]))
            return
        digest = built.world.snapshot.digest
        if digest == self._plant.world.snapshot.digest:
            self._on_world(built.world)  # files that prompts are made of may have changed
            return
        await asyncio.to_thread(keep, self._plant.data, self.path, built.world)
        event = SnapshotLoaded(at_ms=self._plant.clock().utc_ms, snapshot=digest)
        self._plant.write([Entry(event)])
        self._on_world(built.world)
        self._plant.metrics.reloads.labels("loaded").inc()
        log.info("configuration %s is in force", digest[:12])

    def _refused(self, errors: int, first: str) -> None:
        self._plant.metrics.reloads.labels("refused").inc()
        log.error("the configuration has %d error(s) and is not used; the one before stays. First: %s", errors, first)
        event = SnapshotRefused(at_ms=self._plant.clock().utc_ms, errors=errors, first=first[:500])
        self._plant.write([Entry(event)])


def _state_of(path: Path) -> tuple[tuple[str, int, int], ...]:
    """What would differ if a file was changed, added, removed or could not be looked at any more."""
    try:
        return _stats(files_of(path))
    except OSError:
        return ()  # told when it is read; the next look sees when it can be read again


def _stats(files: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    found = []
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            continue  # between removal and replacement: the next look sees the new one
        found.append((str(file), stat.st_mtime_ns, stat.st_size))
    return tuple(found)
