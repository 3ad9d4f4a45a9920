"""The file of views on a real journal: followed or made anew it is the same; crashes, other journals, readers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from trunkline.cli import doctor
from trunkline.cli.doctor import check_views
from trunkline.cli.main import main
from trunkline.events.calls import CallReceived, Converted, OfferReserved
from trunkline.events.entry import Entry
from trunkline.events.returns import ReturnApproved
from trunkline.journal.lock import WORKER_LOCK_FILE, FolderLock
from trunkline.journal.reader import JournalReader
from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import connect_reading, connect_writing
from trunkline.journal.store import open_journal
from trunkline.testing.lives import Lived, lives
from trunkline.worker.penalties import read_sold
from trunkline.worker.projections import store
from trunkline.worker.projections.plan import VIEWS
from trunkline.worker.projections.projector import Projector, RebuildStopped
from trunkline.worker.projections.rows import Views
from trunkline.worker.projections.store import Place, Store, ViewsUnusable, current, place_of

pytestmark = pytest.mark.integration

Rows = dict[str, list[tuple[Any, ...]]]


def write(folder: Path, lived: list[Lived]) -> None:
    """Append events as a switch would."""

    async def run() -> None:
        journal, _ = open_journal(folder, "switch-1", os.urandom, now_ms=0, min_free_mb=0)
        await journal.append([Entry(event, contact) for event, contact in lived], finishing=True)
        await journal.close()

    asyncio.run(run())


def all_rows(folder: Path) -> Rows:
    """Everything that stands in the tables, and where they are."""
    path = current(folder, VIEWS)
    assert path is not None
    connection = connect_reading(path)
    try:
        found = {
            table.name: connection.execute(f"SELECT * FROM {table.name} ORDER BY {table.key}").fetchall()
            for table in VIEWS.tables
        }
        found["position"] = connection.execute("SELECT * FROM position").fetchall()
    finally:
        connection.close()
    return found


def rebuilt(folder: Path) -> Rows:
    Projector.open(folder, VIEWS, anew=True).close()
    return all_rows(folder)


@pytest.mark.parametrize("seed", range(3))
def test_followed_and_made_anew_are_the_same(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    lived = lives(random, calls=60, leads=40)
    cut = len(lived) // 3
    write(tmp_path, lived[:cut])
    projector = Projector.open(tmp_path, VIEWS)
    write(tmp_path, lived[cut : 2 * cut])
    while projector.behind():
        projector.step(random.randrange(1, 40))
    projector.close()
    write(tmp_path, lived[2 * cut :])
    projector = Projector.open(tmp_path, VIEWS)  # nothing of it is in memory
    while projector.behind():
        projector.step(random.randrange(1, 40))
    projector.close()
    followed = all_rows(tmp_path)
    assert followed == rebuilt(tmp_path)
    assert len(followed["calls"]) == 60
    assert len(followed["leads"]) == 40
    assert followed["attempts"]
    assert followed["deliveries"]


def test_one_worker_after_another_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "--data", str(tmp_path), "--once"]) == 3
    assert "no journal" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    lived = lives(Random(1), calls=10)
    write(tmp_path, lived[:50])
    assert main(["worker", "--data", str(tmp_path), "--once"]) == 0
    first = current(tmp_path, VIEWS)
    write(tmp_path, lived[50:])
    assert main(["worker", "--data", str(tmp_path), "--once"]) == 0
    assert current(tmp_path, VIEWS) == first, "it goes on with what is there"
    followed = all_rows(tmp_path)
    assert main(["worker", "--data", str(tmp_path), "--once", "--rebuild"]) == 0
    assert current(tmp_path, VIEWS) != first
    assert all_rows(tmp_path) == followed
    lock = FolderLock(tmp_path, WORKER_LOCK_FILE, "worker")
    assert main(["worker", "--data", str(tmp_path), "--once"]) == 3
    assert f"another worker is using {tmp_path} (process {os.getpid()})" in capsys.readouterr().err
    lock.release()


def test_a_reader_keeps_what_it_has_open(tmp_path: Path) -> None:
    write(tmp_path, lives(Random(2), calls=5))
    Projector.open(tmp_path, VIEWS).close()
    reading = connect_reading(tmp_path / VIEWS.file)
    before = reading.execute("SELECT count(*) FROM calls").fetchone()
    write(tmp_path, lives(Random(3), calls=7))
    rebuilt(tmp_path)
    assert reading.execute("SELECT count(*) FROM calls").fetchone() == before == (5,)
    reading.close()
    again = connect_reading(tmp_path / VIEWS.file)
    assert again.execute("SELECT count(*) FROM calls").fetchone() == (12,)
    again.close()
    assert len(list(tmp_path.glob("views-*.db"))) == 1
    assert not list(tmp_path.glob("views.db-*")), "log and index lie beside the file itself"


def test_tables_of_another_version_or_journal_are_made_anew(tmp_path: Path) -> None:
    write(tmp_path, lives(Random(4), calls=4))
    Projector.open(tmp_path, VIEWS).close()
    path = current(tmp_path, VIEWS)
    assert path is not None
    writing = connect_writing(path)
    writing.execute("PRAGMA user_version=999")
    writing.close()
    assert place_of(tmp_path, VIEWS) is None
    Projector.open(tmp_path, VIEWS).close()
    place = place_of(tmp_path, VIEWS)
    assert place is not None
    with JournalReader(tmp_path) as reader:
        assert place.seq == reader.end().seq

    for file in tmp_path.glob(f"{JOURNAL_FILE}*"):
        file.unlink()
    write(tmp_path, lives(Random(5), calls=9))  # another history of the same stream, and longer
    projector = Projector.open(tmp_path, VIEWS)
    projector.close()
    assert len(all_rows(tmp_path)["calls"]) == 9


@pytest.mark.parametrize("left", [b"", b"no database at all"])
def test_what_is_no_file_of_views_is_replaced(tmp_path: Path, left: bytes) -> None:
    write(tmp_path, lives(Random(6), calls=3))
    (tmp_path / VIEWS.file).write_bytes(left)
    Projector.open(tmp_path, VIEWS).close()
    assert len(all_rows(tmp_path)["calls"]) == 3


def test_a_write_that_failed_is_made_again_and_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, lives(Random(17), calls=30, leads=20))
    projector = Projector.empty(tmp_path, VIEWS)
    real, fails = Store.write, iter([False, True, True, False, True])

    def write_or_not(self: Store, views: Views, place: Place) -> None:
        if next(fails, False):
            raise ViewsUnusable("the disk is full")
        real(self, views, place)

    monkeypatch.setattr(Store, "write", write_or_not)
    failed = 0
    while projector.behind():
        try:
            projector.step(100)
        except ViewsUnusable:
            failed += 1
    projector.close()
    assert failed == 3
    assert all_rows(tmp_path) == rebuilt(tmp_path)


def test_a_rebuild_that_is_stopped_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path, lives(Random(13), calls=3))
    Projector.open(tmp_path, VIEWS).close()
    used, before = current(tmp_path, VIEWS), all_rows(tmp_path)
    with pytest.raises(RebuildStopped):
        Projector.open(tmp_path, VIEWS, anew=True, go_on=lambda: False)
    assert current(tmp_path, VIEWS) == used
    Projector.open(tmp_path, VIEWS).close()
    assert all_rows(tmp_path) == before
    assert [path for path in tmp_path.glob("views-*.db") if path != used] == []


class PowerCut(BaseException):
    """The process is gone at this instant."""


@pytest.mark.parametrize("survives", [0, 1])
def test_a_swap_that_is_cut_off_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    write(tmp_path, lives(Random(18), calls=3))
    Projector.open(tmp_path, VIEWS).close()
    used = current(tmp_path, VIEWS)
    flushes = []

    def cut(path: Path) -> None:
        flushes.append(path)
        if len(flushes) > survives:
            raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(store, "_flush", cut)
        with pytest.raises(PowerCut):
            Projector.open(tmp_path, VIEWS, anew=True)
    assert (current(tmp_path, VIEWS) == used) == (survives == 0)
    before = all_rows(tmp_path)
    Projector.open(tmp_path, VIEWS).close()
    assert all_rows(tmp_path) == before
    assert len(list(tmp_path.glob("views-*.db"))) == 1


def test_half_a_generation_is_removed_and_never_seen(tmp_path: Path) -> None:
    write(tmp_path, lives(Random(7), calls=3))
    Projector.open(tmp_path, VIEWS).close()
    used = current(tmp_path, VIEWS)
    (tmp_path / "views-7.db").write_bytes(b"half")
    (tmp_path / "views-7.db-wal").write_bytes(b"half")
    assert current(tmp_path, VIEWS) == used
    Projector.open(tmp_path, VIEWS).close()
    assert [path.name for path in tmp_path.glob("views-*") if path != used] == []


def worker(folder: Path) -> subprocess.Popen[bytes]:
    """A worker that is ready."""
    command = [sys.executable, "-m", "trunkline", "worker", "--data", str(folder)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline().startswith(b"ready views=")
    return child


def test_killed_at_any_moment_it_loses_nothing(tmp_path: Path) -> None:
    lived = lives(Random(8), calls=200, leads=100)
    write(tmp_path, lived[:100])
    Projector.open(tmp_path, VIEWS).close()

    async def run() -> None:
        journal, _ = open_journal(tmp_path, "switch-1", os.urandom, now_ms=0, min_free_mb=0)
        pieces = [lived[begin : begin + 60] for begin in range(100, len(lived), 60)]
        for number in range(3):
            child = await asyncio.to_thread(worker, tmp_path)
            for piece in pieces[number::3]:
                await journal.append([Entry(event, contact) for event, contact in piece], finishing=True)
            await asyncio.sleep(0.03 * number)
            child.kill()
            child.wait()
        await journal.close()

    asyncio.run(run())
    projector = Projector.open(tmp_path, VIEWS)
    while projector.behind():
        projector.step()
    projector.close()
    followed = all_rows(tmp_path)
    assert followed == rebuilt(tmp_path)
    assert len(followed["calls"]) == 200


def test_it_follows_and_stops_when_told(tmp_path: Path) -> None:
    lived = lives(Random(9), calls=20)
    write(tmp_path, lived[:30])
    child = worker(tmp_path)
    write(tmp_path, lived[30:])
    deadline = time.monotonic() + 10
    while (place := place_of(tmp_path, VIEWS)) is not None and place.seq < len(lived):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 0
    assert not list(tmp_path.glob("views-*-wal")), "closed in order"


def test_no_digit_of_a_caller_is_in_the_file(tmp_path: Path) -> None:
    lived = lives(Random(14), calls=30, leads=30)
    write(tmp_path, lived)
    Projector.open(tmp_path, VIEWS).close()
    numbers = {event.caller for event, _ in lived if isinstance(event, CallReceived) and event.caller}
    assert numbers
    with JournalReader(tmp_path) as reader:
        read = {record.event.caller for record in reader.tail() if isinstance(record.event, CallReceived)}
    assert read, "the journal has them, sealed"
    for path in tmp_path.glob("views*"):
        content = path.read_bytes()
        assert not [number for number in numbers if number.encode() in content]
        assert b"78701" not in content, "what a ping said of a person"


def test_what_targets_send_back_is_read_from_the_views(tmp_path: Path) -> None:
    lived = lives(Random(10), calls=10, leads=200)
    write(tmp_path, lived)
    assert read_sold(tmp_path, lived[-1][0].at_ms) is None, "the views are not made yet"
    Projector.open(tmp_path, VIEWS).close()
    sold: dict[str, int] = {}
    returned: dict[str, int] = {}
    targets = {event.attempt: event.target for event, _ in lived if isinstance(event, OfferReserved)}
    for event, _ in lived:
        if isinstance(event, Converted):
            sold[targets[event.attempt]] = sold.get(targets[event.attempt], 0) + event.amount.minor
        elif isinstance(event, ReturnApproved):
            returned[event.target] = returned.get(event.target, 0) + event.credit.minor
    assert returned
    found = read_sold(tmp_path, lived[-1][0].at_ms)
    assert found is not None
    assert {each.target: (each.minor, each.returned_minor) for each in found} == {
        target: (minor, returned.get(target, 0)) for target, minor in sold.items()
    }
    assert read_sold(tmp_path, lived[0][0].at_ms - 1) == []


def test_how_far_the_tables_are_can_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said() -> tuple[str, dict[str, Any]]:
        assert main(["worker", "--data", str(tmp_path), "--status"]) == 0
        line = capsys.readouterr().out
        assert main(["worker", "--data", str(tmp_path), "--status", "--json"]) == 0
        return line, json.loads(capsys.readouterr().out)

    lived = lives(Random(11), calls=10)
    write(tmp_path, lived[:40])
    assert check_views(tmp_path).message == "none yet"
    line, status = said()
    assert "none of this version yet, 40 events behind; no worker is running" in line
    assert status == {"version": VIEWS.version, "seq": None, "behind": 40, "worker": None}
    Projector.open(tmp_path, VIEWS).close()
    write(tmp_path, lived[40:])
    lock = FolderLock(tmp_path, WORKER_LOCK_FILE, "worker")
    line, status = said()
    assert f"up to event 40, {len(lived) - 40} events behind; kept by process {os.getpid()}" in line
    assert status["worker"] == os.getpid()
    lock.release()
    assert said()[1]["worker"] is None
    finding = check_views(tmp_path)
    assert finding.status == "ok"
    assert finding.message == f"version {VIEWS.version}, up to event 40, {len(lived) - 40} behind"
    assert main(["worker", "--data", str(tmp_path), "--once", "--json"]) == 2


def test_the_doctor_warns_of_views_that_nobody_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "BEHIND_MAX", 5)
    lived = lives(Random(12), calls=5)
    write(tmp_path, lived[:10])
    Projector.open(tmp_path, VIEWS).close()
    write(tmp_path, lived[10:])
    finding = check_views(tmp_path)
    assert (finding.status, "no worker is running" in finding.message) == ("warn", True)
    path = current(tmp_path, VIEWS)
    assert path is not None
    path.write_bytes(b"")
    assert check_views(tmp_path).status == "warn"


QUERIES = re.findall(
    r"```sql\n(.*?)```", (Path(__file__).parents[3] / "docs/how-to/report-on-sales.md").read_text(), re.S
)


def test_the_questions_of_the_documentation_have_answers(tmp_path: Path) -> None:
    write(tmp_path, lives(Random(16), calls=150, leads=100))
    Projector.open(tmp_path, VIEWS).close()
    connection = connect_reading(tmp_path / VIEWS.file)
    assert len(QUERIES) == 5
    for query in QUERIES:
        assert connection.execute(query).fetchall(), query
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query.strip()}")]
        read = [step for step in steps if step.startswith(("SCAN", "SEARCH")) and "subquery" not in step]
        assert read
        assert all("USING INDEX" in step or "USING COVERING INDEX" in step for step in read), (query, steps)
    connection.close()
