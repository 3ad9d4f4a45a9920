"""A disk that is nearly full, full, or refuses to write: new work is turned away, running calls are finished."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trunkline.events.calls import CallEnded
from trunkline.events.entry import Entry
from trunkline.journal.errors import JournalUnavailable
from trunkline.journal.health import RESERVE_BYTES, RESERVE_FILE
from trunkline.journal.reader import JournalReader
from trunkline.journal.store import Journal, open_journal
from trunkline.kernel.errors import Fault

pytestmark = pytest.mark.integration


def entry(call: str, size: int = 10) -> Entry:
    return Entry(
        CallEnded(
            account="acme",
            call=call,
            at_ms=1,
            outcome="failed",
            reason="x" * size,
            ended_by="system",
            duration_ms=0,
        )
    )


def opened(folder: Path, min_free_mb: int = 1) -> Journal:
    return open_journal(folder, "sw1", os.urandom, now_ms=0, min_free_mb=min_free_mb)[0]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes: the kernel answers EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def calls_in(folder: Path) -> list[str]:
    with JournalReader(folder) as reader:
        reader.verify()
        return [record.event.call for record in reader.tail() if isinstance(record.event, CallEnded)]


def test_below_the_minimum_new_work_is_refused_and_running_calls_are_finished(tmp_path: Path) -> None:
    too_much_mb = shutil.disk_usage(tmp_path).total // 2**20 + 1

    async def scenario() -> None:
        journal = opened(tmp_path, too_much_mb)
        assert not journal.healthy
        assert journal.reason is not None
        assert f"{too_much_mb} MB is the least" in journal.reason
        with pytest.raises(JournalUnavailable, match="MB are free") as caught:
            await journal.append([entry("new")])
        assert caught.value.fault is Fault.OPERATOR
        assert "free space" in caught.value.hint
        assert (await journal.append([entry("running")], finishing=True)).seq == 1
        await journal.close()

    asyncio.run(asyncio.wait_for(scenario(), 30))
    assert calls_in(tmp_path) == ["running"]


def test_a_full_disk_frees_the_reserve_and_the_journal_recovers_when_there_is_room(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = opened(tmp_path)
        reserve = tmp_path / RESERVE_FILE
        assert await asyncio.to_thread(os.path.getsize, reserve) == RESERVE_BYTES
        await journal.append([entry("first")])
        pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
        journal._connection.execute(f"PRAGMA max_page_count={pages}")  # SQLite answers as for a full disk
        pending = [journal.append([entry(f"lost-{n}", 100_000)]) for n in range(3)]
        errors = await asyncio.gather(*pending, return_exceptions=True)
        assert all(isinstance(error, JournalUnavailable) and "is full" in error.message for error in errors)
        assert not journal.healthy
        assert not await asyncio.to_thread(os.path.exists, reserve)
        with pytest.raises(JournalUnavailable, match="is full"):
            await journal.append([entry("new")])
        journal._connection.execute("PRAGMA max_page_count=1000000")
        assert (await journal.append([entry("running")], finishing=True)).seq == 2
        await journal.append([], finishing=True)  # each commit looks at the disk first
        assert journal.healthy
        assert journal.reason is None
        assert await asyncio.to_thread(os.path.getsize, reserve) == RESERVE_BYTES
        assert (await journal.append([entry("new")])).seq == 3
        await journal.close()

    asyncio.run(asyncio.wait_for(scenario(), 30))
    assert calls_in(tmp_path) == ["first", "running", "new"]


def test_a_disk_that_does_not_take_writes_is_not_trusted_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = opened(tmp_path)
        await journal.append([entry("first")])
        with file_size_limit(8_192), pytest.raises(JournalUnavailable, match="does not take writes") as caught:
            await journal.append([entry("lost", 100_000)])
        assert "restart" in caught.value.hint
        with pytest.raises(JournalUnavailable, match="does not take writes"):
            await journal.append([entry("new")])
        assert (await journal.append([entry("running")], finishing=True)).seq == 2
        assert not journal.healthy
        await journal.close()

    asyncio.run(asyncio.wait_for(scenario(), 30))
    assert calls_in(tmp_path) == ["first", "running"]
