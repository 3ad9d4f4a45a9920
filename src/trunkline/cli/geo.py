"""`trunkline geo`: what is known of area codes, exchanges and ZIP codes; adding to it from the plan's own tables."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from trunkline.cli import admin
from trunkline.engine.geo.imports import Imported, UnusableImport, read_import
from trunkline.engine.geo.numbers import abroad, area_code
from trunkline.engine.geo.overlay import NO_OVERLAY, Overlay
from trunkline.engine.geo.places import five_digits, place_of_zip
from trunkline.engine.geo.tables import area_code_table, zip_table
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.kernel.phone import parse_number
from trunkline.switch.commands.wire import socket_path
from trunkline.switch.geo_reader import read
from trunkline.switch.geo_store import read_overlay

SUMMARY: Final = "show where area codes and ZIP codes are, import tables of the numbering plan"
CHANCES_SHOWN: Final = 12
_CODE = re.compile(r"[2-9][0-9]{2}")
_EXCHANGE = re.compile(r"([2-9][0-9]{2})-?([2-9][0-9]{2})")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`show`, `import` and `drop` with their flags."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="show|import|drop")
    show = actions.add_parser("show", help="what is known of a place, or of which age the tables are")
    show.add_argument("place", nargs="?", metavar="PLACE", help="512, 512-236, 78701 or +15125550100")
    show.add_argument("--data", type=Path, metavar="DIR", help="with what was imported into this data folder")
    show.add_argument("--geo", type=Path, metavar="FILE", help="with a table, as if it were imported")
    show.add_argument("--json", action="store_true", help="print one JSON document")
    taking = actions.add_parser("import", help="read a table of NANPA, LERG or LocalCallingGuide", allow_abbrev=False)
    taking.add_argument("file", type=Path, metavar="FILE", help="CSV, or separated by tabs, semicolons or bars")
    taking.add_argument("--dry-run", action="store_true", help="only say what would be taken; needs no switch")
    drop = actions.add_parser("drop", help="forget what was imported", allow_abbrev=False)
    drop.add_argument("--kind", choices=["exchanges", "area_codes"], help="only these (default: all)")
    admin.add_arguments(drop, changes=True)
    taking.add_argument("--data", type=Path, metavar="DIR", help="the data folder of the running switch")
    taking.add_argument("--key", metavar="KEY", help="idempotency key: a repetition is not done twice")
    taking.add_argument("--json", action="store_true", help="print the answer as one JSON document")


def run(args: argparse.Namespace) -> int:
    """Exit code 1 when a table cannot be used, or nobody knows the place."""
    match args.action:
        case "show":
            return _show(args)
        case "import":
            return _import(args)
        case _:
            document = admin.tell(args.data, "geo.drop", {"kind": args.kind}, args.key)
            _say(args.json, document, f"dropped: {', '.join(document['dropped']) or 'nothing was imported'}")
            return ExitCode.DONE


# -- importing -----------------------------------------------------------------------------------------------------


def _import(args: argparse.Namespace) -> int:
    if args.dry_run:
        return _dry_run(args)
    if args.data is None:
        raise UsageError("--data is missing", hint="name the data folder of the running switch, or say --dry-run")
    document = admin.tell(args.data, "geo.import", {"file": str(args.file.resolve())}, args.key, timeout_s=400.0)
    _say(args.json, document, _taken(document))
    return ExitCode.DONE


def _dry_run(args: argparse.Namespace) -> int:
    try:
        imported = read_import(read(args.file), args.file.name)
    except UnusableImport as error:
        document: dict[str, Any] = {"error": str(error), "problems": msgspec.to_builtins(error.problems)}
        _say(args.json, document, "\n".join([f"{args.file}: {error}", *_lines(document)]))
        return ExitCode.WRONG
    document = _document(imported)
    _say(args.json, document, _taken(document) + "\nnothing was changed")
    return ExitCode.DONE


def _document(imported: Imported) -> dict[str, Any]:
    return {
        "kind": imported.kind,
        "rows": imported.source.rows,
        "skipped": imported.skipped,
        "wrong": imported.wrong,
        "problems": msgspec.to_builtins(imported.problems),
        "sha256": imported.source.sha256,
        "date": imported.source.date,
        "version": Overlay(imported.contents).version,
    }


def _taken(document: dict[str, Any]) -> str:
    kind = document["kind"].replace("_", " ")
    first = f"{document['rows']} {kind} taken, {document['skipped']} rows say nothing new, {document['wrong']} wrong"
    return "\n".join([first, *_lines(document), f"version {document['version']}"])


def _lines(document: dict[str, Any]) -> list[str]:
    return [f"  line {each['line']}: {each['message']}" for each in document["problems"]]


def _say(as_json: bool, document: dict[str, Any], text: str) -> None:
    sys.stdout.write((msgspec.json.encode(document).decode() if as_json else text) + "\n")


# -- showing -------------------------------------------------------------------------------------------------------


def _show(args: argparse.Namespace) -> int:
    source = args.geo or args.data
    overlay = NO_OVERLAY if source is None else read_overlay(source)
    document = _tables(args, overlay) if args.place is None else _place(args.place, overlay)
    if args.json:
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        _print(document)
    return ExitCode.WRONG if document.get("known") is False else ExitCode.DONE


def _tables(args: argparse.Namespace, overlay: Overlay) -> dict[str, Any]:
    """The tables and imports; with a running switch also what it does not know."""
    document: dict[str, Any] = {
        "tables": area_code_table().date,
        "area_codes": len(area_code_table().codes),
        "zip_codes": len(zip_table().code),
        "version": overlay.version,
        "imports": {
            "exchanges": _source(overlay.contents.exchanges),
            "area_codes": _source(overlay.contents.area_codes),
        },
    }
    if args.data is not None and args.geo is None and socket_path(args.data).exists():
        document |= admin.ask(args.data, "geo.show", {})
    return document


def _source(part: Any) -> Any:
    return None if part is None else msgspec.to_builtins(part.source)


def _place(text: str, overlay: Overlay) -> dict[str, Any]:
    text = text.strip()
    exchange = _EXCHANGE.fullmatch(text)
    if _CODE.fullmatch(text):
        return _of_area_code(text, overlay)
    if exchange is not None:
        return _of_exchange(exchange[1], exchange[2], overlay)
    digits = five_digits(text)
    if digits is not None:
        place = place_of_zip(digits)
        said = {} if place is None else msgspec.structs.asdict(place)
        return {"zip": digits, "known": place is not None, **said}
    number = parse_number(text, "US")
    if number is None:
        raise UsageError(f"{text!r} is no place", hint="an area code 512, an exchange 512-236, a ZIP code, a number")
    codes = area_code(number)
    if codes is not None:
        return _of_exchange(*codes, overlay)
    country, zones = abroad(number)
    return {"number": number, "known": country is not None, "country": country, "zones": list(zones)}


def _of_area_code(code: str, overlay: Overlay) -> dict[str, Any]:
    place = overlay.area_code(code)
    return {"area_code": code, "known": place is not None, **({} if place is None else msgspec.structs.asdict(place))}


def _of_exchange(code: str, exchange: str, overlay: Overlay) -> dict[str, Any]:
    found = _of_area_code(code, overlay)
    place = overlay.exchange(code, exchange)
    imported = None if place is None else msgspec.structs.asdict(overlay.places[place])
    return {**found, "exchange": exchange, "imported": imported}


def _print(document: dict[str, Any]) -> None:
    table = Table(show_header=False)
    for name, value in document.items():
        if value is not None and value != () and value != []:
            table.add_row(name.replace("_", " "), _told(value))
    Console(highlight=False).print(table)


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_told(each)}" for name, each in value.items() if each not in (None, "", ()))
    if not isinstance(value, list | tuple):
        return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    lines = [
        f"{each[0]} {each[1]:.1%}" if isinstance(each, list | tuple) and len(each) == 2 else _told(each)
        for each in value[:CHANCES_SHOWN]
    ]
    return "\n".join([*lines, f"and {len(value) - CHANCES_SHOWN} more"] if len(value) > CHANCES_SHOWN else lines)
