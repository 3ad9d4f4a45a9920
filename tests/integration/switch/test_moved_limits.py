"""A real switch whose limits a new configuration places elsewhere, and which are set by hand; over a restart too."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import main
from trunkline.events.switch import LimitMoved
from trunkline.kernel.errors import ExitCode
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
buyers:
  - key: ace
    timezone: ZONE
    limits:
      - {measure: live, max: 3}
      - {measure: connect, per: day, max: 5}
      - {measure: convert, per: week, max: 5, week_start: DAY}
      - {measure: spend, per: lifetime, max: "900.00"}
trunks: [{key: carrier, allow: ["127.0.0.0/8"]}]
"""


def config(zone: str, day: str) -> str:
    return CONFIG.replace("ZONE", zone).replace("DAY", day)


def test_a_zone_that_changes_opens_new_windows_and_the_journal_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def counters(*words: str) -> Any:
        assert main(["counters", *words, "--data", str(switch.data), "--json"]) == ExitCode.DONE
        return json.loads(capsys.readouterr().out)

    def used() -> dict[str, int]:
        return {row["counter"]: row["used"] for row in counters("show", "buyer/ace")["counters"]}

    def moved() -> list[LimitMoved]:
        return [event for event in switch.journal_events() if isinstance(event, LimitMoved)]

    def change(zone: str, day: str) -> None:
        switch.write_config(config(zone, day))
        switch.signal(signal.SIGHUP)  # rather than to wait until it looks

    with SwitchProcess(config("America/New_York", "mon"), tmp_path) as switch:
        for name in ("connect:day", "convert:week"):
            assert counters("reset", f"buyer/ace:{name}", "--to", "4")["after"] == 4
        assert counters("adjust", "buyer/ace:spend:lifetime", "--by", "12.50")["after"] == "12.50"
        before = used()
        switch.stop()
        switch.restart()
        assert used() == before
        change("Asia/Tokyo", "mon")
        switch.until(lambda: len(moved()) == 2, "both windows to move")
        after = used()
        assert (after["buyer/ace:connect:day"], after["buyer/ace:convert:week"]) == (0, 0)
        assert after["buyer/ace:spend:lifetime"] == "12.50", "a lifetime is everywhere the same"
        told = {event.counter: event for event in moved()}
        daily = told["buyer/ace:connect:day"]
        assert (daily.zone_before, daily.zone, daily.used) == ("America/New_York", "Asia/Tokyo", 4)
        change("Asia/Tokyo", "thu")
        switch.until(lambda: len(moved()) == 3, "the week to move")
        weekly = moved()[-1]
        assert (weekly.counter, weekly.week_start_before, weekly.week_start) == ("buyer/ace:convert:week", "mon", "thu")
        change("America/New_York", "mon")
        switch.until(lambda: len(moved()) == 5, "both to move back")
        assert used() == before, "the windows of before are as they were"
