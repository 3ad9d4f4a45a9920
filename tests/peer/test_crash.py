"""kill -9 at ten random instants under load (`bench crash --long` does a hundred), and what it leaves on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.peer.lab import TALKS, Lab, configuration, target

from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import connect_reading
from trunkline.journal.tables import read_legs
from trunkline.switch.service import STREAM
from trunkline.testing.crash import Storm
from trunkline.testing.sipp_steps import ack, byed, expect, invite, provisional

pytestmark = pytest.mark.acceptance


def test_ten_crashes_lose_no_answered_call_and_miscount_nothing(tmp_path: Path) -> None:
    result = Storm(tmp_path, seed=1, instants=10).run()
    assert result.violations == ()
    assert result.instants == 10
    assert result.calls_answered > 100
    assert result.legs_told > 20, "the switch was killed with calls going on"
    assert result.recordings > 20


def test_no_file_tells_who_calls_neither_during_the_call_nor_after_a_crash(lab: Lab) -> None:
    digits = b"5125550177"
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)))
    steps = (invite(), provisional(), expect(200), ack(), byed())
    caller = lab.caller(switch, *steps, callers=[f"+1{digits.decode()}"])
    switch.until(lambda: sum(confirmed for confirmed, _ in legs(switch.data)) == 2, "both legs in the journal")
    assert all(digits in identifiers for _, identifiers in legs(switch.data)), "the switch itself can read them"
    assert files_with(digits, switch.data) == []
    switch.kill()
    assert files_with(digits, switch.data) == []
    switch.restart()
    caller.succeed()
    assert buyer.stop().successful == 1
    switch.until(lambda: legs(switch.data) == [], "both peers' answers")
    assert files_with(digits, switch.data) == []


def legs(data: Path) -> list[tuple[bool, bytes]]:
    """Of the legs in the state tables: whether they are answered, and what identifies them."""
    connection = connect_reading(data / JOURNAL_FILE)
    try:
        return [(leg.confirmed, leg.identifiers or b"") for leg in read_legs(connection, STREAM)]
    finally:
        connection.close()


def files_with(content: bytes, folder: Path) -> list[str]:
    """Names of the files below `folder` that hold `content`."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"journal.db", "journal.db-wal"} <= {path.name for path in files}
    return [path.name for path in files if content in path.read_bytes()]
