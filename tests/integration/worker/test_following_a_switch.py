"""A worker beside a real switch that sells leads: what happens stands in the views, while both run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.integration.leads.posts import TEXAN, configured, lead, post

from trunkline.journal.reader import JournalReader
from trunkline.journal.sqlite import connect_reading, library
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.switch import SwitchProcess
from trunkline.worker.projections.plan import VIEWS
from trunkline.worker.projections.store import place_of

pytestmark = pytest.mark.integration


def rows(data: Path, sql: str) -> list[dict[str, Any]]:
    connection = connect_reading(data / VIEWS.file)
    try:
        connection.row_factory = library.Row
        return [dict(zip(row.keys(), row, strict=True)) for row in connection.execute(sql)]
    finally:
        connection.close()


def is_up_to_date(data: Path) -> bool:
    place = place_of(data, VIEWS)
    with JournalReader(data) as reader:
        return place is not None and place.seq == reader.end().seq


def test_leads_that_are_sold_now_stand_in_the_views(tmp_path: Path) -> None:
    ace, bolt = LeadBuyer(lambda request: (400, {"why": "no roof"})), LeadBuyer()
    with (
        answering({"/ace": ace, "/bolt": bolt}) as buyers,
        SwitchProcess(configured(f"{buyers.url}/ace", f"{buyers.url}/bolt"), tmp_path) as switch,
    ):
        command = [sys.executable, "-m", "trunkline", "worker", "--data", str(switch.data)]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            assert worker.stdout is not None
            with worker.stdout:
                assert worker.stdout.readline().startswith(b"ready ")
            status, sold, _ = post(switch, lead(source="fb-12"))
            assert (status, sold["status"]) == (201, "accepted")
            status, unsold, _ = post(switch, lead({**TEXAN, "phone": "(212) 555-0101", "zip": "10001"}))
            assert (status, unsold["status"]) == (200, "unmatched")
            switch.until(lambda: is_up_to_date(switch.data), "the views to have all of it")
        finally:
            worker.terminate()
            assert worker.wait(20) == 0
        leads = {row["call"]: row for row in rows(switch.data, "SELECT * FROM leads")}
        first, second = leads[sold["id"]], leads[unsold["id"]]
        assert (first["outcome"], first["buyer"], first["sold"], first["source"]) == ("sold", "bolt", 1, "fb-12")
        assert (first["revenue_minor"], first["payout_minor"], first["currency"]) == (2_000, 1_200, "USD")
        assert (second["outcome"], second["attempts"]) == ("unsold", 0)
        told = rows(switch.data, "SELECT * FROM deliveries ORDER BY at_ms, attempt")
        assert [(row["target"], row["outcome"], row["status"]) for row in told] == [
            ("ace-crm", "rejected", 400),
            ("bolt-crm", "accepted", 200),
        ]
        attempts = rows(switch.data, "SELECT * FROM attempts ORDER BY at_ms, attempt")
        assert [(row["target"], row["revenue_minor"]) for row in attempts] == [("ace-crm", None), ("bolt-crm", 2_000)]
