"""`trunkline post`: posts a file of leads to a running switch, row by row and none of them twice."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.cli.post_said import (
    campaign_key,
    check_numbers,
    configured,
    door,
    errors_path,
    mapping,
    place,
    progress_path,
)
from trunkline.cli.post_screen import Screen, print_preview
from trunkline.config.lead_rules import CERTIFICATES, LeadRules
from trunkline.config.schema import Campaign
from trunkline.engine.leads.consent import read_consent
from trunkline.engine.leads.form import Form
from trunkline.kernel.errors import ExitCode, TrunklineError, UsageError
from trunkline.outbound.client import HttpClient
from trunkline.worker.batch.answers import Settled
from trunkline.worker.batch.columns import Columns, columns_of
from trunkline.worker.batch.errors_file import ErrorsFile
from trunkline.worker.batch.leads import BadRow, LeadRow, Reader, key_of
from trunkline.worker.batch.posting import AT_ONCE, Asking, Posting
from trunkline.worker.batch.progress import Begun, Progress
from trunkline.worker.batch.rows import RowError
from trunkline.worker.batch.single import ROW, is_json, lead_of
from trunkline.worker.batch.source import SourceFile
from trunkline.worker.batch.table import Table

SUMMARY: Final = "post a file of leads (CSV, XLSX, ODS, or one in JSON) to a running switch"
EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
"""Whoever names a URL on the command line may ask it, wherever it is."""
PER_SECOND: Final = 20.0
NICENESS: Final = 10
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
    check_numbers(args)
    os.nice(NICENESS)
    with SourceFile(args.file) as source:
        if is_json(source):
            return _post_one(args, source)
        campaign = configured(args)
        with Table(source, encoding=args.encoding, separator=args.separator, sheet=args.sheet) as table:
            form, honeypot = (None, None) if campaign is None else (campaign.lead_fields, campaign.leads.honeypot)
            columns = columns_of(table.header, form, mapping(args.map), str(args.file), honeypot)
            reader = Reader(columns, campaign_key(args), source=args.source, test=args.test)
            if args.preview:
                return _preview(args, table, columns, reader, form is not None)
            if args.dry_run:
                return _dry_run(args, table, columns, reader, campaign)
            return _post(args, source, table, columns, reader)


def _preview(args: argparse.Namespace, table: Table, columns: Columns, reader: Reader, form_known: bool) -> int:
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
        print_preview(str(args.file), table.described, table.rows, columns, rows, form_known)
    return ExitCode.WRONG if any(isinstance(row, BadRow) for row in rows) else ExitCode.DONE


def _shown(row: LeadRow | BadRow) -> dict[str, Any]:
    if isinstance(row, LeadRow):
        return {"row": row.number, "body": row.body}
    return {"row": row.number, "errors": msgspec.to_builtins(row.errors)}


def _dry_run(
    args: argparse.Namespace, table: Table, columns: Columns, reader: Reader, campaign: Campaign | None
) -> int:
    """Read every row's fields and consent as the switch would. Nothing else is judged: no list, no duplicate."""
    if campaign is None:
        raise UsageError("--dry-run needs the campaign's form", hint="name the switch's folder with --data DIR")
    form, now_ms = Form(campaign.lead_fields), time.time_ns() // 1_000_000
    counts = {"valid": 0, "invalid": 0}
    screen = Screen(table.rows, quiet=args.json)
    with ErrorsFile(errors_path(args), columns, going_on=False) as errors, screen:
        for row in map(reader.read, table.body()):
            wrong = row.errors if isinstance(row, BadRow) else _wrong(form, campaign.leads, row.body, now_ms)
            counts["invalid" if wrong else "valid"] += 1
            if wrong:
                errors.add(row.number, wrong, row.cells)
            screen.show(sum(counts.values()), counts)
    summary = {"file": str(args.file), "campaign": campaign_key(args), "rows": sum(counts.values()), "statuses": counts}
    summary |= {"errors_file": str(errors.path) if errors.written else None}
    _finish(args, screen, summary)
    return ExitCode.WRONG if counts["invalid"] else ExitCode.DONE


def _wrong(form: Form, rules: LeadRules, body: Mapping[str, Any], now_ms: int) -> tuple[RowError, ...]:
    certificates = CERTIFICATES if rules.trustedform is None else rules.trustedform.certificates
    stated = read_consent(body.get("consent"), rules.consent, now_ms, certificates)
    errors = (*form.fill(body["fields"]).errors, *stated.errors)
    return tuple(RowError(each.field, each.code, each.message) for each in errors)


def _post(args: argparse.Namespace, source: SourceFile, table: Table, columns: Columns, reader: Reader) -> int:
    find, campaign = door(args), campaign_key(args)
    begun = Begun(file=source.path.name, digest=source.look.digest, campaign=campaign, url=place(args))
    screen = Screen(table.rows, quiet=args.json)
    with Progress(progress_path(args), begun) as progress:
        going_on = len(progress) > 0
        with ErrorsFile(errors_path(args), columns, going_on=going_on) as errors, screen:
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
    find = door(args)

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


def _finish(args: argparse.Namespace, screen: Screen, summary: dict[str, Any]) -> None:
    if args.json:
        _write(summary)
    else:
        screen.summary(summary)


def _write(document: Any) -> None:
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
