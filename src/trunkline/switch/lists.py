"""The contact lists in force: those that the configuration reads from files, and those that commands have loaded.

A loaded list is a file below `lists/` in the data folder, named by its content, and a row of the state table that says
which file is which list. The file is on the disk before the row, so a crash leaves an old list or the new one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from trunkline.engine.lists.table import ContactList
from trunkline.events.changes import StoredList
from trunkline.switch.facts import FactBoard
from trunkline.switch.list_files import FOLDER, ListUnusable, read_packed
from trunkline.switch.world import World

log = logging.getLogger("trunkline.lists")

KEPT_S: Final = 600.0
"""How long the file of a list that has been replaced is kept: longer than any transaction takes."""


class Lists:
    """Which lists are in force. The facts of accounts follow."""

    def __init__(self, data: Path, facts: FactBoard) -> None:
        self.folder = data / FOLDER
        self._facts = facts
        self._world: World | None = None
        self._loaded: dict[tuple[str, str], tuple[StoredList, ContactList]] = {}
        self._retired: list[tuple[float, str]] = []
        self.changing = asyncio.Lock()
        """Held while a list is loaded, so that nobody deletes the file that is just put in its place."""

    def path_of(self, digest: str) -> Path:
        """Where the packed list of this content lies."""
        return self.folder / f"{digest}.list"

    def restore(self, stored: Iterable[StoredList]) -> None:
        """Read what had been loaded before the start. Blocks. One that cannot be read counts as not loaded."""
        for each in stored:
            try:
                self._loaded[each.account, each.list] = (each, read_packed(self.path_of(each.digest)))
            except ListUnusable as error:
                log.error("list %s of %s is not loaded: %s", each.list, each.account, error)
        named = {each.digest for each, _ in self._loaded.values()}
        if self.folder.is_dir():
            for path in self.folder.glob("*.list*"):
                if path.name.removesuffix(".list") not in named:
                    path.unlink(missing_ok=True)

    def use(self, world: World) -> None:
        """A configuration is in force: its lists are, those of files and those loaded for it."""
        before = () if self._world is None else self._world.accounts
        self._world = world
        for account in {*world.accounts, *before}:
            self._tell(account)

    def loaded(self, account: str, key: str) -> tuple[StoredList, ContactList] | None:
        """What a command has loaded for a list, if anything."""
        return self._loaded.get((account, key))

    def in_force(self, account: str) -> Mapping[str, ContactList]:
        """The lists of an account by key; one that is missing is not loaded."""
        assert self._world is not None
        found: dict[str, ContactList] = {}
        index = self._world.accounts.get(account)
        for each in () if index is None else index.config.lists:
            if each.file is not None:
                found[each.key] = self._world.lists[account][each.key]
                continue
            loaded = self._loaded.get((account, each.key))
            if loaded is not None and loaded[1].header.type == each.type:
                found[each.key] = loaded[1]
        return found

    def replace(self, account: str, key: str, now: tuple[StoredList, ContactList] | None) -> str:
        """Take another content for a list, or none. The version of the account's facts from now on."""
        before = self._loaded.pop((account, key), None)
        if now is not None:
            self._loaded[account, key] = now
        if before is not None:
            self._retired.append((time.monotonic(), before[0].digest))
        return self._tell(account)

    def stale(self) -> list[Path]:
        """The files of lists that were replaced long ago, to be deleted; each is named once."""
        until_s = time.monotonic() - KEPT_S
        named = {each.digest for each, _ in self._loaded.values()}
        gone = [digest for at_s, digest in self._retired if at_s < until_s]
        self._retired = [(at_s, digest) for at_s, digest in self._retired if at_s >= until_s]
        return [self.path_of(digest) for digest in gone if digest not in named]

    def _tell(self, account: str) -> str:
        return self._facts.change(account, lists=self.in_force(account)).version
