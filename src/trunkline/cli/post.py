"""`trunkline post`: posts a file of leads to a running switch, row by row and none of them twice."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from trunkline.cli import admin
from trunkline.cli.post_screen import Screen, print_preview
from trunkline.config.lead_fields import LeadField
from trunkline.engine.leads.form import Form
from trunkline.journal.configurations import Configurations
from trunkline.kernel.errors import ExitCode, TrunklineError, UsageError
from trunkline.outbound.client import HttpClient
from trunkline.worker.batch.answers import Settled
from trunkline.worker.batch.columns import Columns, columns_of
from trunkline.worker.batch.errors_file import SUFFIX, ErrorsFile
from trunkline.worker.batch.leads import BadRow, LeadRow, Reader, key_of
from trunkline.worker.batch.posting import AT_ONCE, Asking, Door, Posting
from trunkline.worker.batch.progress import SUFFIX as PROGRESS_SUFFIX
from trunkline.worker.batch.progress import TEST_SUFFIX, Begun, Progress
from trunkline.worker.batch.rows import RowError
from trunkline.worker.batch.single import ROW, is_json, lead_of
from trunkline.worker.batch.source import SourceFile
from trunkline.worker.batch.table import Table

SUMMARY: Final = "post a file of leads (CSV, XLSX, ODS, or one in JSON) to a running switch"
PATH: Final = "/v1/leads"
EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
"""Whoever names a URL on the command line may ask it, wherever it is."""
PER_SECOND: Final = 20.0
NICENESS: Final = 10
MAP_BYTES_MAX: Final = 65_536
PREVIEWED: Final = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `post`."""
    parser.add_argument("file", metavar="FILE", type=Path, help="CSV, XLSX, ODS, or one lead in JSON")
    parser.add_argument("--campaign", metavar="KEY", help="the campaign that the leads are for")
    parser.add_argument("--key-env", metavar="NAME", help="environment variable that holds a publisher's API key")
    where = parser.add_argument_group("where to", "one of both; with --data the form of the campaign is known")
    where.add_argument("--data", metavar="DIR", type=Path, help="the data folder of the running switch")
    where.add_argument("--url", metavar="URL", help="the public HTTP address of a switch")
    where.add_argument("--account", metavar="KEY", help="whose campaign it is, where several accounts have one")
    how = parser.add_argument_group("how the file is to be understood")
    how.add_argument(
        "--map", action="append", default=[], metavar="COLUMN=FIELD", help="or a YAML file; FIELD - leaves out"
    )
    how.add_argument("--source", metavar="NAME", help="the source of rows that have no column `source`")
    how.add_argument("--encoding", metavar="NAME", help="of a CSV (default: found out)")
    how.add_argument("--separator", metavar="CHARACTER", help="of a CSV (default: found out)")
    how.add_argument("--sheet", metavar="NAME", help="of a spreadsheet (default: the first that is shown)")
    run_ = parser.add_argument_group("what to do with it")
    run_.add_argument("--preview", action="store_true", help="show the first rows as they would be sent; post nothing")
    run_.add_argument("--dry-run", action="store_true", help="check every row by the campaign's form; post nothing")
    run_.add_argument("--test", action="store_true", help="post test leads, which are never sold")
    run_.add_argument("--rate", type=float, default=PER_SECOND, metavar="N", help="rows a second at most (default 20)")
    run_.add_argument("--at-once", type=int, default=AT_ONCE, metavar="N", help="rows in hand at once (default 4)")
    run_.add_argument("--errors", metavar="FILE", type=Path, help="rows that were not taken (default: FILE.errors.csv)")
    run_.add_argument("--progress", metavar="FILE", type=Path, help="what is posted (default: FILE.progress)")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON document")


def run(args: argparse.Namespace) -> int:
    """Post the file. Exit code 1 when rows were not taken, 3 when the switch does not answer."""
    _check_numbers(args)
    os.nice(NICENESS)
    with SourceFile(args.file) as source:
        if is_json(source):
            return _post_one(args, source)
        form = _form(args)
        with Table(source, encoding=args.encoding, separator=args.separator, sheet=args.sheet) as table:
            columns = columns_of(table.header, form, _said(args.map), str(args.file))
            campaign = _campaign(args)
            reader = Reader(columns, campaign, source=args.source, test=args.test)
            if args.preview:
                return _preview(args, table, columns, reader, form)
            if args.dry_run:
                return _dry_run(args, table, columns, reader, form)
            return _post(args, source, table, columns, reader)


def _preview(
    args: argparse.Namespace, table: Table, columns: Columns, reader: Reader, form: tuple[LeadField, ...] | None
) -> int:
    rows = [reader.read(row) for row in islice(table.body(), PREVIEWED)]
    if args.json:
        document = {
            "file": str(args.file),
            "described": table.described,
            "rows": table.rows,
            "columns": [
                {"column": each.name, "sent_as": each.sent_as or None, "part": each.part, "why": each.why or None}
                for each in columns.all
            ],
            "preview": [_shown(row) for row in rows],
        }
        _write(document)
    else:
        print_preview(str(args.file), table.described, table.rows, columns, rows, form is not None)
    return ExitCode.WRONG if any(isinstance(row, BadRow) for row in rows) else ExitCode.DONE


def _shown(row: LeadRow | BadRow) -> dict[str, Any]:
    if isinstance(row, LeadRow):
        return {"row": row.number, "body": row.body}
    return {"row": row.number, "errors": msgspec.to_builtins(row.errors)}


def _dry_run(
    args: argparse.Namespace, table: Table, columns: Columns, reader: Reader, form: tuple[LeadField, ...] | None
) -> int:
    """Fill the campaign's form with every row, as the switch would. Nothing else is judged: no list, no duplicate."""
    if form is None:
        raise UsageError("--dry-run needs the campaign's form", hint="name the switch's folder with --data DIR")
    filling = Form(form)
    counts = {"valid": 0, "invalid": 0}
    screen = Screen(table.rows, quiet=args.json)
    with ErrorsFile(_errors_path(args), columns, going_on=False) as errors, screen:
        for row in map(reader.read, table.body()):
            wrong = row.errors if isinstance(row, BadRow) else _wrong(filling, row.body)
            counts["invalid" if wrong else "valid"] += 1
            if wrong:
                errors.add(row.number, wrong, row.cells)
            screen.show(sum(counts.values()), counts)
    summary = {"file": str(args.file), "campaign": _campaign(args), "rows": sum(counts.values()), "statuses": counts}
    summary |= {"errors_file": str(errors.path) if errors.written else None}
    _finish(args, screen, summary)
    return ExitCode.WRONG if counts["invalid"] else ExitCode.DONE


def _wrong(form: Form, body: Mapping[str, Any]) -> tuple[RowError, ...]:
    return tuple(RowError(each.field, each.code, each.message) for each in form.fill(body["fields"]).errors)


def _post(args: argparse.Namespace, source: SourceFile, table: Table, columns: Columns, reader: Reader) -> int:
    find, campaign = _door(args), _campaign(args)
    begun = Begun(file=source.path.name, digest=source.look.digest, campaign=campaign, url=_place(args))
    screen = Screen(table.rows, quiet=args.json)
    with Progress(_progress_path(args), begun) as progress:
        going_on = len(progress) > 0
        with ErrorsFile(_errors_path(args), columns, going_on=going_on) as errors, screen:
            client = HttpClient(EVERYWHERE)
            posting = Posting(
                Asking(client, find, per_second=args.rate),
                lambda row: key_of(source.look.digest, campaign, row, test=args.test),
                progress=progress,
                errors=errors,
                at_once=args.at_once,
            )
            stopped: TrunklineError | None = None
            try:
                asyncio.run(_run(posting, client, _watched(map(reader.read, table.body()), posting, screen)))
            except TrunklineError as error:
                stopped = error
        summary = {
            "file": str(args.file),
            "digest": source.look.digest,
            "campaign": campaign,
            "rows": posting.counts.seen,
            "posted_before": posting.counts.before,
            "statuses": dict(sorted(progress.statuses.items())),
            "payouts": {currency: str(amount) for currency, amount in sorted(posting.counts.payouts.items())},
            "errors_file": str(errors.path) if errors.path.exists() and _not_taken(progress.statuses) else None,
            "progress_file": str(progress.path),
            "stopped": None if stopped is None else stopped.message,
        }
        _finish(args, screen, summary)
        if stopped is not None:
            raise stopped
        return ExitCode.WRONG if _not_taken(progress.statuses) else ExitCode.DONE


async def _run(posting: Posting, client: HttpClient, rows: Iterator[LeadRow | BadRow]) -> None:
    try:
        await posting.run(rows)
    finally:
        await client.close()


def _watched(rows: Iterator[LeadRow | BadRow], posting: Posting, screen: Screen) -> Iterator[LeadRow | BadRow]:
    for row in rows:
        screen.show(posting.counts.seen, posting.counts.statuses)
        yield row
    screen.show(posting.counts.seen, posting.counts.statuses)


def _not_taken(statuses: Mapping[str, int]) -> bool:
    """Whether rows wait in the file of errors to be repaired."""
    return bool(statuses.keys() - TAKEN)


TAKEN: Final = frozenset({"accepted", "unmatched", "held", "duplicate", "blocked"})
"""Answers that leave nothing to be done about a row: it was decided upon."""


def _post_one(args: argparse.Namespace, source: SourceFile) -> int:
    body = lead_of(source, args.campaign, test=args.test)
    if args.preview or args.dry_run:
        _write(body)
        return ExitCode.DONE
    key = key_of(source.look.digest, body["campaign"], ROW, test=bool(body.get("test")))
    find = _door(args)

    async def post() -> Settled:
        client = HttpClient(EVERYWHERE)
        try:
            return await Asking(client, find).ask(key, body, str(args.file))
        finally:
            await client.close()

    answer = asyncio.run(post())
    summary = {"status": answer.status, "id": answer.lead or None, "errors": msgspec.to_builtins(answer.errors)}
    if answer.payout is not None:
        summary |= {"payout": str(answer.payout), "currency": answer.currency}
    _write(summary)
    return ExitCode.WRONG if answer.errors else ExitCode.DONE


# -- what was said on the command line -------------------------------------------------------------------------------


def _check_numbers(args: argparse.Namespace) -> None:
    if not 0.01 <= args.rate <= 10_000:
        raise UsageError(f"--rate {args.rate}: from 0.01 to 10000 rows a second")
    if not 1 <= args.at_once <= 64:
        raise UsageError(f"--at-once {args.at_once}: from 1 to 64")
    if args.separator is not None and len(args.separator) != 1:
        raise UsageError(f"--separator {args.separator!r} is not one character")


def _campaign(args: argparse.Namespace) -> str:
    if args.campaign is None:
        raise UsageError("whose leads are these?", hint="--campaign KEY")
    campaign: str = args.campaign
    return campaign


def _form(args: argparse.Namespace) -> tuple[LeadField, ...] | None:
    """The fields of the campaign in the configuration in force; None without --data. Raises UsageError."""
    if args.data is None:
        return None
    kept = Configurations(args.data)
    found = [
        (config.account.key, campaign)
        for config in kept.get(kept.in_force()).accounts
        for campaign in config.campaigns
        if args.account in {None, config.account.key}
    ]
    mine = [campaign for _, campaign in found if campaign.key == _campaign(args)]
    if len(mine) > 1:
        raise UsageError(f"several accounts have a campaign {args.campaign!r}", hint="say which: --account KEY")
    if not mine:
        keys = [campaign.key for _, campaign in found]
        close = get_close_matches(args.campaign, keys, n=1)
        raise UsageError(
            f"there is no campaign {args.campaign!r} in force",
            hint=f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(keys[:20])}",
        )
    if not mine[0].lead_fields:
        raise UsageError(f"the campaign {args.campaign!r} takes no leads", hint="give it `lead_fields`")
    return mine[0].lead_fields


def _door(args: argparse.Namespace) -> Callable[[], Door]:
    """How to find where to post, and by which key. Raises UsageError."""
    if args.key_env is None:
        raise UsageError("whose leads are these?", hint="--key-env NAME: the variable with the publisher's API key")
    key = os.environ.get(args.key_env, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError(f"the variable {args.key_env} holds no API key", hint=f"export {args.key_env}=…")
    if args.url is None and args.data is None:
        raise UsageError("where to?", hint="--data DIR of a switch on this machine, or --url URL")
    if args.url is not None:
        url: str = args.url.rstrip("/")
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"--url {args.url} is no URL of http or https", hint="such as https://leads.example.com")
        return lambda: Door(url if url.endswith(PATH) else url + PATH, key)
    return lambda: Door(f"http://{admin.ask(args.data, 'listeners.show', {})['http']}{PATH}", key)


def _place(args: argparse.Namespace) -> str:
    """What the file of progress calls the switch: its folder stays the same where its port does not."""
    return str(args.data.resolve() if args.url is None else args.url)


def _said(maps: list[str]) -> dict[str, str]:
    """What --map says: pairs, and files of them. Raises UsageError."""
    said: dict[str, str] = {}
    for each in maps:
        column, equals, field = each.rpartition("=")
        said |= {column.strip(): field.strip()} if equals else _map_file(Path(each))
    return said


def _map_file(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > MAP_BYTES_MAX:
            raise UsageError(f"--map {path} has more than {MAP_BYTES_MAX} bytes")
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - texts alone
    except OSError as error:
        raise UsageError(f"--map {path}: {error.strerror}", hint="write COLUMN=FIELD, or name a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"--map {path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or not all(isinstance(each, str) for pair in document.items() for each in pair):
        raise UsageError(f"--map {path} does not map columns to fields", hint="one a line: Postal code: zip")
    return document


def _errors_path(args: argparse.Namespace) -> Path:
    path: Path = args.errors or args.file.with_name(args.file.name + SUFFIX)
    if path.resolve() == args.file.resolve():
        raise UsageError("--errors names the file that is posted", hint="name another one")
    return path


def _progress_path(args: argparse.Namespace) -> Path:
    suffix = TEST_SUFFIX if args.test else PROGRESS_SUFFIX
    path: Path = args.progress or args.file.with_name(args.file.name + suffix)
    return path


def _finish(args: argparse.Namespace, screen: Screen, summary: dict[str, Any]) -> None:
    if args.json:
        _write(summary)
    else:
        screen.summary(summary)


def _write(document: Any) -> None:
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
