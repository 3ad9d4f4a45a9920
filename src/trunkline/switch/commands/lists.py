"""`lists.load`, `lists.drop`, `lists.show`: contact lists that do not stand in files of the configuration."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any, Final

from trunkline.config.contacts import ContactList
from trunkline.config.lookup import AccountIndex
from trunkline.engine.lists.table import ContactList as Packed
from trunkline.events.changes import ListDrop, ListPut, StoredList
from trunkline.kernel.clock import Instant, iso
from trunkline.switch.commands.accounts import account_of
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done
from trunkline.switch.list_files import pack_aside
from trunkline.switch.plant import Plant


class ShowLists(Args, frozen=True, kw_only=True):
    """All lists of an account."""

    account: str | None = None


class LoadList(Args, frozen=True, kw_only=True):
    """Read the text `file` (an absolute path) into the list `name`, in place of what it held."""

    name: str
    file: str
    account: str | None = None


class DropList(Args, frozen=True, kw_only=True):
    """Forget what the list `name` holds: it counts as not loaded from then on."""

    name: str
    account: str | None = None


async def show(plant: Plant, args: ShowLists, _now: Instant) -> Done:
    """What each list holds, and from where."""
    index = account_of(plant, args.account)
    account = index.config.account.key
    return Done({"account": account, "lists": [_row(plant, account, each) for each in index.config.lists]})


async def load(plant: Plant, args: LoadList, _now: Instant) -> Done:
    """Pack the file in another process, then use it from one moment on."""
    index = account_of(plant, args.account)
    account, held = index.config.account.key, _loadable(index, args.name)
    source = Path(args.file)
    if not source.is_absolute():
        raise CommandRefused(f"{args.file} is no absolute path", hint="the switch reads the file itself")
    async with plant.lists.changing:
        stale = plant.lists.stale()
        fresh = plant.lists.folder / f"{uuid.uuid4().hex}.list.new"
        packed = await asyncio.to_thread(_pack, source, held, fresh, stale)
        await asyncio.to_thread(fresh.replace, plant.lists.path_of(packed.digest))
        now = plant.clock()
        stored = StoredList(account, held.key, packed.digest, packed.header.entries, str(source), now.utc_ms)
        before = plant.lists.loaded(account, held.key)
        facts = plant.lists.replace(account, held.key, (stored, packed))
    return Done(
        {**_row(plant, account, held), "account": account, "facts": facts},
        changes=(ListPut(stored),),
        undo=lambda: _put_back(plant, account, held.key, before),
    )


async def drop(plant: Plant, args: DropList, _now: Instant) -> Done:
    """Forget a loaded list."""
    index = account_of(plant, args.account)
    account = index.config.account.key
    before = plant.lists.loaded(account, args.name)
    if before is None:
        raise CommandRefused(f"nothing is loaded as list {args.name!r}", hint="`lists show` says what is")
    facts = plant.lists.replace(account, args.name, None)
    return Done(
        {"account": account, "list": args.name, "facts": facts},
        changes=(ListDrop(account, args.name),),
        undo=lambda: _put_back(plant, account, args.name, before),
    )


COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("lists.show", ShowLists, show, changes=False),
    Command("lists.load", LoadList, load),
    Command("lists.drop", DropList, drop),
)


def _pack(source: Path, held: ContactList, fresh: Path, stale: list[Path]) -> Packed:
    for path in stale:
        path.unlink(missing_ok=True)
    return pack_aside(source, held.type, fresh)


def _put_back(plant: Plant, account: str, key: str, before: Any) -> None:
    plant.lists.replace(account, key, before)


def _loadable(index: AccountIndex, name: str) -> ContactList:
    held = next((each for each in index.config.lists if each.key == name), None)
    if held is None:
        names = ", ".join(each.key for each in index.config.lists) or "none"
        raise CommandRefused(
            f"the configuration has no list {name!r}", hint=f"write it under `lists` first; there are: {names}"
        )
    if held.file is not None:
        raise CommandRefused(
            f"list {name} is read from {held.file}", hint="change that file, or leave `file` out to load it by command"
        )
    return held


def _row(plant: Plant, account: str, held: ContactList) -> dict[str, Any]:
    now = plant.lists.in_force(account).get(held.key)
    loaded = None if held.file is not None else plant.lists.loaded(account, held.key)
    return {
        "list": held.key,
        "type": held.type,
        "loaded": now is not None,
        "entries": None if now is None else now.header.entries,
        "bytes": None if now is None else now.size,
        "digest": None if now is None else now.digest,
        "file": held.file if loaded is None else loaded[0].file,
        "at": None if loaded is None else iso(loaded[0].at_ms),
    }
