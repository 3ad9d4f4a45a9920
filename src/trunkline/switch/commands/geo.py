"""`geo.import`, `geo.drop`, `geo.show`: what an operator adds to the tables of area codes.

A file is read in a process of its own, kept below the data folder, put in force for calls that arrive from then on, and
named with its hash in the journal. Each kind (exchanges, area codes) is replaced by the next import of its kind.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.engine.geo.imports import Imported
from trunkline.engine.geo.overlay import Contents, Overlay, Source
from trunkline.engine.geo.tables import area_code_table
from trunkline.kernel.clock import Instant
from trunkline.kernel.errors import EnvironmentFault
from trunkline.switch import geo_reader
from trunkline.switch.beside import start_beside
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done
from trunkline.switch.geo_reader import Reason
from trunkline.switch.plant import Plant

KINDS: Final = ("exchanges", "area_codes")
READING_S: Final = 300.0


class CannotKeep(EnvironmentFault):
    """The import cannot be written below the data folder."""


class ImportGeo(Args, frozen=True, kw_only=True):
    """Read the table at `file`, an absolute path on the switch's machine."""

    file: str


class DropGeo(Args, frozen=True, kw_only=True):
    """Forget what is imported, of one kind (`exchanges`, `area_codes`) or all."""

    kind: str | None = None


class ShowGeo(Args, frozen=True, kw_only=True):
    """Nothing to say."""


async def import_(plant: Plant, args: ImportGeo, now: Instant) -> Done:
    """Replace what is imported of the file's kind."""
    if not Path(args.file).is_absolute():
        raise CommandRefused(f"{args.file} is no absolute path", hint="the switch has a working folder of its own")
    imported = await _read(args.file)
    async with plant.geo.changing:
        contents = msgspec.structs.replace(
            plant.geo.overlay.contents, **{imported.kind: getattr(imported.contents, imported.kind)}
        )
        done = await _put_in_force(plant, contents)
    result = {
        "kind": imported.kind,
        "rows": imported.source.rows,
        "skipped": imported.skipped,
        "wrong": imported.wrong,
        "problems": imported.problems,
        "sha256": imported.source.sha256,
        "date": imported.source.date,
        **done.result,
    }
    return msgspec.structs.replace(done, result=result)


async def drop(plant: Plant, args: DropGeo, now: Instant) -> Done:
    """Go back to the tables of the package."""
    if args.kind is not None and args.kind not in KINDS:
        raise CommandRefused(f"there is no kind {args.kind!r}", hint=f"one of {', '.join(KINDS)}")
    async with plant.geo.changing:
        kinds = KINDS if args.kind is None else (args.kind,)
        dropped = [kind for kind in kinds if getattr(plant.geo.overlay.contents, kind) is not None]
        contents = msgspec.structs.replace(plant.geo.overlay.contents, **dict.fromkeys(kinds))
        done = await _put_in_force(plant, contents)
    return msgspec.structs.replace(done, result={"dropped": dropped, **done.result})


async def show(plant: Plant, args: ShowGeo, now: Instant) -> Done:
    """Of when the tables are, what is imported, and which area codes nobody knew."""
    geo = plant.geo
    return Done(
        {
            "tables": area_code_table().date,
            "version": geo.overlay.version,
            "problem": geo.problem or None,
            "imports": {kind: _source(geo.overlay.contents, kind) for kind in KINDS},
            "unknown_area_codes": [{"code": code, "calls": calls} for code, calls in reversed(geo.unknown.items())],
        }
    )


COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("geo.import", ImportGeo, import_),
    Command("geo.drop", DropGeo, drop),
    Command("geo.show", ShowGeo, show, changes=False),
)


async def _read(file: str) -> Imported:
    """What the file gives, read by another process. Raises CommandRefused."""
    reader = await start_beside(geo_reader.__name__, file, tells_errors=True)
    assert reader.errors is not None
    try:
        async with asyncio.timeout(READING_S):
            answer, said = await asyncio.gather(reader.output.read(), reader.errors.read())
            code = await reader.end()
    except TimeoutError:
        raise CommandRefused(f"{file} takes longer than {READING_S:.0f} s to read") from None
    finally:
        await reader.stop()
    if code == geo_reader.REFUSED:
        reason = msgspec.json.decode(said, type=Reason)
        first = "; ".join(f"line {each.line}: {each.message}" for each in reason.problems[:3])
        raise CommandRefused(f"{file}: {reason.message}", hint=first or "docs/reference/geo-data.md has the columns")
    if code:
        raise CommandRefused(f"{file}: its reader ended by an error of ours: {said.decode(errors='replace')[-200:]}")
    return await asyncio.to_thread(msgspec.msgpack.decode, answer, type=Imported)


async def _put_in_force(plant: Plant, contents: Contents) -> Done:
    """Keep `contents`, then let calls that arrive from now on be judged by them. Raises CannotKeep."""
    geo = plant.geo
    before = geo.overlay
    overlay = await asyncio.to_thread(Overlay, contents)
    try:
        await asyncio.to_thread(geo.store.keep, contents, overlay.version)
        await asyncio.to_thread(geo.store.choose, overlay.version)
        await asyncio.to_thread(geo.store.tidy, overlay.version)
    except OSError as error:
        raise CannotKeep(f"the import cannot be kept: {error}", hint="make room below the data folder") from error
    geo.overlay, geo.problem = overlay, ""

    def undo() -> None:
        geo.store.choose(before.version)
        geo.overlay = before

    return Done({"version": overlay.version, "before": before.version}, undo=undo)


def _source(contents: Contents, kind: str) -> Source | None:
    part = getattr(contents, kind)
    return None if part is None else part.source
