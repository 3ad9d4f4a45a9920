"""`scripts/erase_contact.py`: a caller is gone from the journal and from the disk, and nobody else is."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from scripts.erase_contact import main

from trunkline.events.calls import CallReceived, RecordingStarted
from trunkline.events.entry import Entry
from trunkline.events.sealing import contact_hash
from trunkline.journal.reader import JournalReader
from trunkline.journal.store import open_journal
from trunkline.kernel.errors import ExitCode

pytestmark = pytest.mark.integration

CALLERS = {"call_1": "+15125550100", "call_2": "+15125550199"}


def received(call: str, caller: str) -> CallReceived:
    return CallReceived(
        account="acme",
        call=call,
        at_ms=1,
        number="+18335550100",
        campaign="injury",
        publisher="adwave",
        source=None,
        caller=caller,
        caller_given=caller,
        trunk="carrier",
        snapshot="digest",
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    async def write() -> None:
        journal, state = open_journal(tmp_path, "switch-1", os.urandom, now_ms=0, min_free_mb=0)
        for call, caller in CALLERS.items():
            contact = contact_hash(state.contact_secret, "acme", caller)
            path = f"recordings/{call}.wav"
            started = RecordingStarted(account="acme", call=call, at_ms=2, recording="r", path=path, purpose="call")
            await journal.append([Entry(received(call, caller), contact), Entry(started, contact)])
            (tmp_path / "recordings").mkdir(exist_ok=True)
            (tmp_path / path).write_bytes(b"audio")
        await journal.close()

    asyncio.run(write())
    return tmp_path


def callers(data: Path) -> list[str | None]:
    with JournalReader(data) as reader:
        reader.verify()
        return [record.event.caller for record in reader.tail() if isinstance(record.event, CallReceived)]


def test_one_caller_is_erased(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(data), "acme", "+15125550100"]) == ExitCode.DONE
    assert capsys.readouterr().out == "2 events of +15125550100 erased, 1 recordings deleted\n"
    assert callers(data) == [None, "+15125550199"]
    assert [path.name for path in (data / "recordings").iterdir()] == ["call_2.wav"]


def test_the_same_number_of_another_account_is_somebody_else(data: Path) -> None:
    assert main([str(data), "other", "+15125550100"]) == ExitCode.DONE
    assert callers(data) == list(CALLERS.values())


def test_what_cannot_be_erased(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(data), "acme", "5125550100"]) == ExitCode.USAGE
    assert main([str(tmp_path / "nowhere"), "acme", "+15125550100"]) == ExitCode.ENVIRONMENT
    assert not (tmp_path / "nowhere").exists()
    assert "there is no journal" in capsys.readouterr().err
