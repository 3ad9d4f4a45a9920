"""The outbox in a real journal: what is queued is there, until it went out or somebody drops it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.config.sample import broken, load

from trunkline.cli.doctor import check_outbox
from trunkline.cli.main import main
from trunkline.config.lookup import AccountIndex
from trunkline.engine.leads.queueing import queued
from trunkline.events.deliveries import DeliveryDead, DeliveryQueued, DeliverySent, DeliveryTried
from trunkline.events.entry import Entry
from trunkline.journal.outbox import OutboxReader, outbox
from trunkline.journal.reader import JournalReader
from trunkline.journal.store import Journal, open_journal
from trunkline.kernel.clock import Instant
from trunkline.switch.commands.command import CommandRefused, Done
from trunkline.switch.commands.deliveries import (
    ATTEMPTS_MAX,
    COMMANDS,
    NameAttempts,
    ReportDead,
    ReportSent,
    ReportTried,
)
from trunkline.switch.outbox import LEADS_MAX, OutboxCount
from trunkline.switch.plant import Plant

pytestmark = pytest.mark.integration

NOW = 1_790_000_000_000
CONTACT = "c" * 32
KNOWN = {"lead.phone": "+15125550100", "lead.name": "Ann"}
DIAL = 'dial: "sip:intake@127.0.0.1:5081", caller_id: caller, whisper: "A call."'
SMTP = "outbound: {smtp: {host: mail.example, from: us@agency.example}}"
_RUN: dict[str, Any] = {command.name: command.run for command in COMMANDS}


def account(deliver: str) -> AccountIndex:
    loaded = load(broken((DIAL, f"deliver: {deliver}"), ('outbound: {allow_networks: ["127.0.0.0/8"]}', SMTP)))
    assert loaded.snapshot is not None, loaded.problems
    return AccountIndex(loaded.snapshot.accounts[0])


MAIL = account("{email: {to: leads@buyer.example}}")
DAILY = account("{email: {to: leads@buyer.example, format: csv, every: day}}")


async def queue(journal: Journal, *attempts: str, index: AccountIndex = MAIL) -> None:
    for attempt in attempts:
        made = queued(
            index, index.targets["star"], KNOWN, lead=f"lead_{attempt}", attempt=attempt, campaign="injury", now_ms=NOW
        )
        await journal.append([Entry(made.event, CONTACT)], [made.change])


def in_journal(folder: Path, work: Callable[[Journal, OutboxReader], Awaitable[None]]) -> None:
    async def run() -> None:
        journal, _ = open_journal(folder, "sw1", os.urandom, now_ms=NOW, min_free_mb=1)
        try:
            with outbox(folder) as reader:
                await work(journal, reader)
        finally:
            await journal.close()

    asyncio.run(asyncio.wait_for(run(), 30))


async def command(
    folder: Path, journal: Journal, name: str, args: Any, at_ms: int = NOW, count: OutboxCount | None = None
) -> Any:
    plant = cast(Plant, SimpleNamespace(data=folder, outbox=count or OutboxCount()))
    done: Done = await _RUN[name](plant, args, Instant(0, at_ms))
    if done.entries:
        await journal.append(done.entries, done.changes)
    return done.result


def test_what_is_queued_is_due_and_sealed(tmp_path: Path) -> None:
    async def work(journal: Journal, reader: OutboxReader) -> None:
        await queue(journal, "att_1")
        (row,) = reader.due("acme", "star", NOW, 10)
        assert reader.targets() == [("acme", "star")]
        assert reader.due("acme", "desk", NOW, 10) == []
        assert (row.attempt, row.call, row.target, row.kind, row.tries) == ("att_1", "lead_att_1", "star", "email", 0)
        assert reader.due("acme", "star", NOW - 1, 10) == []
        with JournalReader(tmp_path) as journal_reader:
            (record,) = journal_reader.records_of("lead_att_1")
        assert isinstance(record.event, DeliveryQueued)
        assert record.event.values == KNOWN

    in_journal(tmp_path, work)
    assert b"+15125550100" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_a_collection_is_due_together_at_its_time(tmp_path: Path) -> None:
    async def work(journal: Journal, reader: OutboxReader) -> None:
        await queue(journal, "att_1", "att_2", index=DAILY)
        assert reader.due("acme", "star", NOW, 10) == []
        rows = reader.due("acme", "star", NOW + 24 * 3_600_000, 10)
        assert [row.attempt for row in rows] == ["att_1", "att_2"]
        assert len({row.due_ms for row in rows}) == 1

    in_journal(tmp_path, work)


def test_the_life_of_a_dead_letter(tmp_path: Path) -> None:
    async def work(journal: Journal, reader: OutboxReader) -> None:
        await queue(journal, "att_1", "att_2")
        both = ("att_1", "att_2", "att_9")
        tried = ReportTried(attempts=both, reason="unreachable", detail="no", next_ms=NOW + 60_000)
        assert await command(tmp_path, journal, "deliveries.tried", tried) == {
            "attempts": ["att_1", "att_2"],
            "unknown": 1,
        }
        assert reader.due("acme", "star", NOW, 10) == []
        assert [row.tries for row in reader.due("acme", "star", NOW + 60_000, 10)] == [1, 1]
        dead = ReportDead(attempts=("att_1",), reason="rejected", detail="x" * 999)
        await command(tmp_path, journal, "deliveries.dead", dead)
        (letter,) = reader.dead()
        assert (letter.attempt, letter.reason, letter.tries, len(letter.detail)) == ("att_1", "rejected", 2, 200)
        assert reader.dead(account="other") == reader.dead(target="desk") == reader.dead(after="att_1") == []
        assert reader.counts() == {"waiting": 1, "dead": 1}
        # A report that comes late is about nothing.
        late = await command(tmp_path, journal, "deliveries.tried", tried)
        assert late == {"attempts": ["att_2"], "unknown": 2}
        await command(tmp_path, journal, "deliveries.replay", NameAttempts(attempts=("att_1",)), NOW + 5)
        (again,) = reader.due("acme", "star", NOW + 5, 10)
        assert (again.attempt, again.state, again.tries) == ("att_1", "waiting", 0)
        sent = ReportSent(attempts=("att_1",), delivery="att_1", name="<att_1@x>")
        await command(tmp_path, journal, "deliveries.sent", sent)
        await command(tmp_path, journal, "deliveries.drop", NameAttempts(attempts=("att_2",)))
        assert reader.counts() == {"waiting": 0, "dead": 0}
        assert await command(tmp_path, journal, "deliveries.sent", sent) == {"attempts": [], "unknown": 1}
        with JournalReader(tmp_path) as journal_reader:
            told = [type(record.event) for record in journal_reader.records_of("lead_att_1")]
        assert told[:3] == [DeliveryQueued, DeliveryTried, DeliveryDead]
        assert told[-1] is DeliverySent

    in_journal(tmp_path, work)


def test_dead_letters_are_listed_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def work(journal: Journal, reader: OutboxReader) -> None:
        await queue(journal, "att_1", "att_2")
        dead = ReportDead(attempts=("att_1",), reason="rejected", detail="554 never")
        await command(tmp_path, journal, "deliveries.dead", dead)

    in_journal(tmp_path, work)
    data = ["--data", str(tmp_path)]

    def told(*arguments: str, status: int = 0) -> str:
        assert main(["dead-letters", *arguments, *data]) == status
        return capsys.readouterr().out

    assert check_outbox(tmp_path, NOW).status == "warn"
    assert "could not be" in check_outbox(tmp_path, NOW).message
    assert "for 20 minutes" in check_outbox(tmp_path, NOW + 20 * 60_000).message
    assert check_outbox(tmp_path / "none", NOW).status == "ok"
    assert "1 dead, 1 waiting" in told("list")
    listed = json.loads(told("list", "--json"))
    (letter,) = listed["dead_letters"]
    assert (letter["attempt"], letter["lead"], letter["target"]) == ("att_1", "lead_att_1", "star")
    assert (letter["reason"], letter["detail"], letter["tries"]) == ("rejected", "554 never", 1)
    assert json.loads(told("list", "--target", "desk", "--json"))["dead_letters"] == []
    shown = told("show", "att_1")
    assert "delivery.dead" in shown
    assert "554 never" in shown
    assert "+15125550100" not in shown
    assert "+15125550100" in told("show", "att_1", "--personal")
    assert json.loads(told("show", "att_2", "--json"))["state"] == "waiting"
    told("show", "att_3", status=2)
    told("replay", status=2)
    told("replay", "att_1", "--all", status=2)
    told("drop", "att_1", "--target", "star", status=2)
    told("replay", "att_1", status=3)  # no switch runs
    assert json.loads(told("list", "--json"))["dead"] == 1


def test_what_is_in_the_outbox_is_counted_and_bounded(tmp_path: Path) -> None:
    async def work(journal: Journal, reader: OutboxReader) -> None:
        count = OutboxCount()
        count.restore({"waiting": 3})
        await queue(journal, "att_1", "att_2", "att_3")
        for name, args, expected in (
            ("dead", ReportDead(attempts=("att_1", "att_2"), reason="x"), {"waiting": 1, "dead": 2}),
            ("replay", NameAttempts(attempts=("att_1",)), {"waiting": 2, "dead": 1}),
            ("drop", NameAttempts(attempts=("att_2",)), {"waiting": 2, "dead": 0}),
            ("sent", ReportSent(attempts=("att_1", "att_3"), delivery="d", name="n"), {"waiting": 0, "dead": 0}),
        ):
            await command(tmp_path, journal, f"deliveries.{name}", args, count=count)
            assert count.counts == reader.counts() == expected
        count.restore({"waiting": LEADS_MAX - 1})
        assert not count.full
        count.queued()
        assert count.full

    in_journal(tmp_path, work)


def test_what_goes_out_while_somebody_wants_it_sent_again_does_not_come_back(tmp_path: Path) -> None:
    async def work(journal: Journal, reader: OutboxReader) -> None:
        await queue(journal, "att_1")
        plant = cast(Plant, SimpleNamespace(data=tmp_path, outbox=OutboxCount()))
        sent: Done = await _RUN["deliveries.sent"](
            plant, ReportSent(attempts=("att_1",), delivery="d", name="n"), Instant(0, NOW)
        )
        again = NameAttempts(attempts=("att_1",))  # the end of it is not on disk yet
        replayed: Done = await _RUN["deliveries.replay"](plant, again, Instant(0, NOW))
        assert (replayed.result["unknown"], replayed.entries, replayed.changes) == (1, (), ())
        assert sent.undo is not None
        sent.undo()  # nor does it come there
        replayed = await _RUN["deliveries.replay"](plant, again, Instant(0, NOW))
        assert replayed.result["attempts"] == ["att_1"]

    in_journal(tmp_path, work)


def test_commands_name_some_attempts_and_not_too_many(tmp_path: Path) -> None:
    async def work(journal: Journal, reader: OutboxReader) -> None:
        for attempts in ((), tuple(f"att_{n}" for n in range(ATTEMPTS_MAX + 1))):
            with pytest.raises(CommandRefused):
                await command(tmp_path, journal, "deliveries.replay", NameAttempts(attempts=attempts))
        every = NameAttempts(attempts=tuple(f"att_{n}" for n in range(ATTEMPTS_MAX)))
        assert (await command(tmp_path, journal, "deliveries.replay", every))["unknown"] == ATTEMPTS_MAX
        assert reader.counts() == {"waiting": 0, "dead": 0}

    in_journal(tmp_path, work)
