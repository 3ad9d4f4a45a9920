"""`trunkline post` against a real HTTP server: every row once, whatever comes between."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.integration.worker.intake import KEY, Intake, Reply
from tests.integration.worker.sheets import xlsx

from trunkline.config.lead_fields import LeadField
from trunkline.outbound.client import HttpClient
from trunkline.worker.batch import posting
from trunkline.worker.batch.columns import columns_of
from trunkline.worker.batch.errors_file import ErrorsFile
from trunkline.worker.batch.leads import Reader, key_of
from trunkline.worker.batch.posting import Asking, Door, Posting, Refused, Stopped
from trunkline.worker.batch.progress import Begun, Progress
from trunkline.worker.batch.source import SourceFile
from trunkline.worker.batch.table import Table

pytestmark = pytest.mark.integration

FORM = (LeadField(name="phone", type="phone", required=True), LeadField(name="zip", type="zip", required=True))


def leads(path: Path, count: int) -> Path:
    lines = [f"+1512555{number:04d},{78700 + number}" for number in range(count)]
    path.write_text("phone,zip\n" + "\n".join(lines) + "\n")
    return path


def post(path: Path, url: str, *, key: str = KEY, at_once: int = 4) -> Posting:
    """One run of an import, in this process and without waiting."""
    with SourceFile(path) as source, Table(source) as table:
        columns = columns_of(table.header, FORM, {}, str(path))
        begun = Begun(file=path.name, digest=source.look.digest, campaign="injury", url=url)
        going_on = path.with_suffix(".progress").exists()
        with (
            Progress(path.with_suffix(".progress"), begun) as progress,
            ErrorsFile(path.with_suffix(".errors"), columns, going_on=going_on) as errors,
        ):

            async def run() -> Posting:
                client = HttpClient(("127.0.0.0/8",))
                asking = Asking(client, lambda: Door(f"{url}/v1/leads", key), per_second=10_000, first_wait_s=0.001)

                def key_of_row(row: int) -> str:
                    return key_of(source.look.digest, "injury", row)

                running = Posting(asking, key_of_row, progress=progress, errors=errors, at_once=at_once)
                try:
                    await running.run(map(Reader(columns, "injury").read, table.body()))
                finally:
                    await client.close()
                return running

            return asyncio.run(run())


def test_every_row_is_posted_once_and_a_repetition_posts_nothing(tmp_path: Path) -> None:
    path = leads(tmp_path / "leads.csv", 50)
    with Intake() as intake:
        counts = post(path, intake.url).counts
        assert (dict(counts.statuses), str(counts.payouts["USD"])) == ({"accepted": 50}, "1075.00")
        assert sorted(each["fields"]["zip"] for each in intake.sold.values()) == [str(78700 + n) for n in range(50)]
        assert all(each["X-Trunkline-Via"] == "batch" for each in intake.headers)
        again = post(path, intake.url).counts
        assert (intake.requests, again.before, again.statuses.total()) == (50, 50, 0)
        path.with_suffix(".progress").unlink()
        post(path, intake.url)
        assert (intake.requests, len(intake.sold)) == (100, 50), "without progress the keys keep rows from being sold"


def test_busy_switches_are_asked_again_and_lost_answers_sell_nothing_twice(tmp_path: Path) -> None:
    def before(number: int, body: dict[str, Any]) -> Reply | None:
        if number % 5 == 0:
            return 429, {"status": "rate_limited"}, {"Retry-After": "0"}
        return (503, {}, {}) if number % 7 == 0 else None

    with Intake(before) as intake:
        assert dict(post(leads(tmp_path / "leads.csv", 30), intake.url).counts.statuses) == {"accepted": 30}
        assert len(intake.sold) == 30


def test_a_switch_that_goes_away_ends_the_import_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TRIES_MAX", 3)
    path = leads(tmp_path / "leads.csv", 20)
    well = {"well": False}

    def before(number: int, body: dict[str, Any]) -> Reply | None:
        return None if well["well"] or number < 8 else (503, {"status": "not_ready"}, {"Retry-After": "0"})

    with Intake(before) as intake:
        with pytest.raises(Stopped, match="was posted 3 times and nobody decided: the switch answers 503"):
            post(path, intake.url)
        assert 1 <= len(intake.sold) <= 8
        well["well"] = True
        counts = post(path, intake.url).counts
        assert (counts.before + counts.statuses["accepted"], len(intake.sold)) == (20, 20)


def test_a_row_whose_answer_was_lost_long_ago_is_not_sold_again(tmp_path: Path) -> None:
    path = leads(tmp_path / "leads.csv", 3)
    with Intake() as intake:
        post(path, intake.url)
        progress = path.with_suffix(".progress")
        begun, *lines = progress.read_text().splitlines(keepends=True)
        kept = [line for line in lines if line.startswith(("2,", "3,asked", "4,asked"))]
        progress.write_text(begun + "".join(kept).replace("3,asked,", "3,asked,1\n3,asked,"))
        counts = post(path, intake.url).counts
        assert (counts.before, dict(counts.statuses)) == (1, {"answer_lost": 1, "accepted": 1})
        assert (intake.requests, len(intake.sold)) == (4, 3)
        assert "3,,answer_lost," in path.with_suffix(".errors").read_text()


def test_nobody_who_listens_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TRIES_MAX", 2)
    with Intake() as intake:
        url = intake.url
    with pytest.raises(Stopped, match="nobody decided"):
        post(leads(tmp_path / "leads.csv", 2), url)


def test_a_key_that_nobody_knows_ends_the_import_at_once(tmp_path: Path) -> None:
    with Intake() as intake:
        with pytest.raises(Refused, match="does not know this key"):
            post(leads(tmp_path / "leads.csv", 20), intake.url, key="wrong", at_once=1)
        assert intake.requests == 1


def test_rows_that_were_not_taken_can_be_repaired_and_posted(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text('phone,zip\n+15125550100,78701\n+15125550101,787\n+15125550102\n"=x",#N/A\n')
    with Intake() as intake:
        assert dict(post(path, intake.url).counts.statuses) == {"accepted": 1, "invalid": 1, "not_posted": 2}
        errors = path.with_suffix(".errors")
        rows = sorted(
            csv.DictReader(errors.read_text(encoding="utf-8-sig").splitlines()), key=lambda row: row["error_row"]
        )
        assert [(row["error_row"], row["error_field"], row["error_code"]) for row in rows] == [
            ("3", "zip", "zip_invalid"),
            ("4", "zip", "missing_values"),
            ("5", "zip", "spreadsheet_error"),
        ]
        assert rows[0]["phone"] == "'+15125550101"
        repaired = tmp_path / "repaired.csv"
        repaired.write_text(errors.read_text().replace(",787\n", ",78702\n"))
        assert dict(post(repaired, intake.url).counts.statuses) == {"accepted": 1, "invalid": 1, "not_posted": 1}
        assert [each["fields"]["phone"] for each in intake.sold.values()] == ["+15125550100", "+15125550101"]


def trunkline(*arguments: str, key: str = KEY) -> tuple[int, Any, str]:
    """Run `trunkline post ... --json`: exit code, document, errors."""
    done = subprocess.run(
        [sys.executable, "-m", "trunkline", "post", *arguments, "--key-env", "LEADS_KEY", "--json"],
        capture_output=True,
        env={**os.environ, "LEADS_KEY": key},
        timeout=30,
        check=False,
    )
    document = json.loads(done.stdout) if done.stdout else None
    return done.returncode, document, done.stderr.decode()


def test_the_command_posts_a_spreadsheet_and_tells_what_came_of_it(tmp_path: Path) -> None:
    path = xlsx(
        tmp_path / "leads.xlsx", {"Leads": [["Mobile", "ZIP", "x"], [5125550100.0, 2139.0, "y"], [1.0, "7", None]]}
    )
    with Intake() as intake:
        said = (str(path), "--campaign", "injury", "--url", intake.url, "--map", "Mobile=phone", "--map", "x=-")
        code, document, _ = trunkline(*said, "--preview")
        assert (code, intake.requests, document["described"]) == (0, 0, "sheet 'Leads'")
        assert [each["body"]["fields"] for each in document["preview"]] == [
            {"phone": "5125550100", "ZIP": "2139"},
            {"phone": "1", "ZIP": "7"},
        ]
        code, document, _ = trunkline(*said, "--map", "ZIP=zip")
        assert (code, document["statuses"]) == (1, {"invalid": 2})
        assert document["errors_file"] == str(tmp_path / "leads.xlsx.errors.csv")
        code, document, told = trunkline(*said, "--map", "ZIP=zip", key="")
        assert (code, document) == (2, None)
        assert "holds no API key" in told


def test_the_command_posts_one_lead_from_json(tmp_path: Path) -> None:
    path = tmp_path / "lead.json"
    path.write_text('{"phone": "+15125550100", "zip": "78701"}')
    with Intake() as intake:
        for _ in range(2):
            code, document, _ = trunkline(str(path), "--campaign", "injury", "--url", intake.url)
            assert (code, document["status"], document["payout"]) == (0, "accepted", "21.50")
        assert len(intake.sold) == 1
