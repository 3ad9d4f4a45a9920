"""Loading a configuration, at start and again when it changes.

A change is read and checked in a process of its own and compiled on the loop in slices of a millisecond, so calls go on
meanwhile. A configuration with errors changes nothing: the one in force stays, and the operator is told what is wrong.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from trunkline.config.problems import Problem
from trunkline.events.entry import Entry
from trunkline.events.switch import SnapshotLoaded, SnapshotRefused
from trunkline.journal.configurations import Configurations
from trunkline.kernel.errors import TrunklineError
from trunkline.switch.config_files import files_of
from trunkline.switch.list_files import cache_of, files_of_lists, lists_of
from trunkline.switch.moved_limits import finding_moved, tell_moved
from trunkline.switch.parting import Parting
from trunkline.switch.plant import Plant
from trunkline.switch.reading import Read, read_beside, read_configuration
from trunkline.switch.slices import Slices, finished, uncollected
from trunkline.switch.world import World, building

log = logging.getLogger("trunkline.config")

WATCH_S = 1.0
"""How often the files are looked at."""
SHOWN_MAX = 20
"""Problems written to the log of one load."""


class ConfigurationRefused(TrunklineError):
    """The configuration has errors and nothing can be decided by it."""


def first_world(path: Path, data: Path) -> World:
    """The world to start with. For use in a thread. Raises ConfigurationRefused with all errors."""
    read = read_configuration(path, data)
    _tell(read)
    if read.loaded.snapshot is None:
        errors = [problem for problem in read.loaded.problems if problem.severity == "error"]
        raise ConfigurationRefused(
            f"{path} has {len(errors)} error{'s' if len(errors) != 1 else ''}; the first: {describe(errors[0])}",
            hint="; ".join(filter(None, (errors[0].hint, f"./trunkline check {path} shows all there is to it"))),
        )
    lists = lists_of(read.loaded.snapshot, cache_of(data))
    return finished(building(read.loaded.snapshot, read.sounds, lists))


def keep(data: Path, path: Path, world: World) -> None:
    """Store the configuration that is about to count, so that its decisions can be explained later. Blocks.

    What cannot be stored is told and does not keep the configuration from being used.
    """
    try:
        Configurations(data).keep(world.snapshot, path)
    except OSError as error:
        log.warning("the configuration cannot be kept beside the journal: %s", error)


def _name(data: Path, digest: str) -> None:
    try:
        Configurations(data).name(digest)
    except OSError as error:
        log.warning("the configuration in force cannot be named beside the journal: %s", error)


def describe(problem: Problem) -> str:
    """One problem in one line."""
    return f"{problem.path}: {problem.message}" if problem.path else problem.message


def _tell(read: Read) -> None:
    """Write the problems of a load into the log."""
    problems = read.loaded.problems
    for words in read.unplayable[:SHOWN_MAX]:
        log.warning("a prompt cannot be played: %s", words)
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
        self._lists = plant.world.snapshot.files + files_of_lists(plant.world.snapshot)
        self._seen = self._look()
        self._wanted = asyncio.Event()
        self._busy = asyncio.Lock()
        self._parting: list[Parting] = []

    def ask(self) -> None:
        """Reload now, whether or not a file looks changed (SIGHUP)."""
        self._wanted.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self._part()
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
            await self._load()
        except TrunklineError as error:
            self._refused(1, error.message)
        except Exception as error:
            # An error of ours in reading a file must not end the calls that are made by the one before.
            log.exception("the configuration cannot be loaded")
            self._refused(1, f"an error of ours: {error!r}")

    async def _load(self) -> None:
        plant, before = self._plant, self._plant.world
        read = await read_beside(self.path, plant.data, before.known)
        _tell(read)
        if read.loaded.files != self._lists:
            self._lists = read.loaded.files
            self._seen = await asyncio.to_thread(self._look)
        if read.loaded.snapshot is None:
            errors = [problem for problem in read.loaded.problems if problem.severity == "error"]
            self._refused(len(errors), describe(errors[0]))
            return
        lists = await asyncio.to_thread(lists_of, read.loaded.snapshot, cache_of(plant.data))  # packed already
        with uncollected():
            world = await Slices().run(building(read.loaded.snapshot, read.sounds, lists, before))
        digest = read.loaded.snapshot.digest
        if digest != before.snapshot.digest:
            await asyncio.to_thread(_name, plant.data, digest)
            moved = await Slices().run(finding_moved(before.accounts, world.accounts))
            now = plant.clock()
            loaded = Entry(SnapshotLoaded(at_ms=now.utc_ms, snapshot=digest))
            plant.write([loaded, *tell_moved(moved, plant, now)])
            plant.metrics.reloads.labels("loaded").inc()
            log.info("configuration %s is in force", digest[:12])
        self._on_world(world)  # also when only files that prompts are made of have changed
        self._parting.append(Parting(before))

    async def _part(self) -> None:
        """Take apart the worlds that no call needs any more."""
        for parting in [each for each in self._parting if each.over]:
            self._parting.remove(parting)
            await Slices().run(parting.taking_apart())

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
