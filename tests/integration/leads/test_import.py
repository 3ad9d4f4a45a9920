"""`trunkline post` into a real switch that is killed meanwhile: every row is sold once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.integration.leads.posts import CONFIG, KEY, configured

from trunkline.events.leads import LeadReceived
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

ROWS = 120
FORM = CONFIG.replace("{name: zip, type: zip, required: true}", "{name: zip, type: zip, required: true, also: [plz]}")


def begin(switch: SwitchProcess, file: Path, *more: str) -> subprocess.Popen[bytes]:
    arguments = [str(file), "--campaign", "roofing", "--data", str(switch.data), "--key-env", "LEADS_KEY", "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "trunkline", "post", *arguments, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LEADS_KEY": KEY},
    )


def end(process: subprocess.Popen[bytes]) -> tuple[int, Any, str]:
    """Exit code, document and errors."""
    out, told = process.communicate(timeout=60)
    return process.returncode, json.loads(out) if out else None, told.decode()


def test_a_file_is_sold_once_though_the_switch_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    rows = [f"+1512555{number:04d};78701;row {number}" for number in range(ROWS)]
    file.write_text("Phone;PLZ;Story;Colour\n" + "".join(f"{row};red\n" for row in rows) + "12;78701;bad;red\n")
    buyer = LeadBuyer()
    with (
        answering({"/ace": buyer}) as buyers,
        SwitchProcess(configured(f"{buyers.url}/ace", config=FORM), tmp_path / "switch") as switch,
    ):
        code, dry, _ = end(begin(switch, file, "--dry-run"))
        assert (code, dry["statuses"]) == (1, {"valid": ROWS, "invalid": 1})

        importing = begin(switch, file, "--rate", "500")
        switch.until(lambda: len(buyer.leads) > ROWS // 4, "some rows to be sold")
        switch.kill()
        switch.restart()
        code, told, errors = end(importing)
        assert (code, told["statuses"]) == (1, {"accepted": ROWS, "invalid": 1}), errors
        assert (
            (tmp_path / "leads.csv.errors.csv")
            .read_text(encoding="utf-8-sig")
            .splitlines()[1]
            .startswith("122,phone,phone_invalid,")
        )
        sold = Counter(each.json()["story"] for each in buyer.leads)
        assert sold == Counter(f"row {number}" for number in range(ROWS))
        received = [event for event in switch.journal_events() if isinstance(event, LeadReceived)]
        assert {event.via for event in received} == {"batch"}
        assert len(received) == ROWS

        code, told, errors = end(begin(switch, file))
        assert (code, told["posted_before"], told["rows"]) == (1, ROWS + 1, ROWS + 1), errors
