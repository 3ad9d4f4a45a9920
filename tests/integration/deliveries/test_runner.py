"""The outbox runner between a real journal and real servers: what is queued goes out once, or is a dead letter."""

from __future__ import annotations

import asyncio
import csv
import io
import os
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.integration.deliveries.servers import HERE, PASSWORD, USER, mail_server, sftp_server
from tests.unit.config.sample import broken, load

from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Snapshot
from trunkline.engine.leads.queueing import queued
from trunkline.events.entry import Entry
from trunkline.journal.configurations import Configurations
from trunkline.journal.outbox import outbox
from trunkline.journal.reader import JournalReader
from trunkline.journal.store import open_journal
from trunkline.kernel.clock import Instant
from trunkline.kernel.errors import EnvironmentFault
from trunkline.switch.commands.command import Done
from trunkline.switch.commands.deliveries import COMMANDS
from trunkline.switch.outbox import OutboxCount
from trunkline.switch.plant import Plant
from trunkline.testing.bidders.behaviours import says
from trunkline.testing.bidders.server import serving
from trunkline.worker.outbox.runner import OutboxRunner
from trunkline.worker.outbox.settings import SettingsSource

pytestmark = pytest.mark.integration

NOW = 1_790_000_000_000
DAY = 24 * 3_600_000
DIAL = 'dial: "sip:intake@127.0.0.1:5081", caller_id: caller, whisper: "A call."'
NETWORKS = 'outbound: {allow_networks: ["127.0.0.0/8"]}'


class House:
    """A journal, the switch's commands on it, and the runner, with a clock that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = NOW
        self.journal, _ = open_journal(folder, "sw1", os.urandom, now_ms=NOW, min_free_mb=1)
        self.runner = OutboxRunner(
            folder, SettingsSource(folder, {"KEY": "s3cret-value", "P": PASSWORD}), self.tell,
            clock_ms=lambda: self.now_ms, poll_s=0.01,
        )  # fmt: skip
        self.index: AccountIndex
        self.reports: list[str] = []
        self.keys: set[str] = set()
        self.unheard: set[str | None] = set()
        self.away = 0
        self.count = OutboxCount()
        self.running: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        self.running.append(asyncio.create_task(self.runner.run()))

    def configure(self, deliver: str, smtp_port: int = 1) -> None:
        outbound = f"{NETWORKS[:-1]}, smtp: {{host: {HERE}, port: {smtp_port}, tls: off, from: us@agency.example}}}}"
        loaded = load(broken((DIAL, f"deliver: {deliver}"), (NETWORKS, outbound)))
        assert loaded.snapshot is not None, loaded.problems
        snapshot: Snapshot = loaded.snapshot
        Configurations(self.folder).keep(snapshot, self.folder / "config.yaml")
        self.index = AccountIndex(snapshot.accounts[0])

    async def queue(self, *attempts: str) -> None:
        for attempt in attempts:
            known = {"lead.phone": "+15125550100", "lead.name": f"Ann {attempt}"}
            made = queued(
                self.index, self.index.targets["star"], known, lead=f"lead_{attempt}", attempt=attempt,
                campaign="injury", now_ms=self.now_ms,
            )  # fmt: skip
            await self.journal.append([Entry(made.event, "c" * 32)], [made.change])

    async def tell(self, name: str, args: dict[str, Any], key: str | None) -> Any:
        if self.away:
            self.away -= 1
            self.unheard.add(key)
            raise EnvironmentFault("no switch is running")
        (command,) = (each for each in COMMANDS if each.name == name)
        assert key is not None
        assert key not in self.keys
        self.keys.add(key)
        typed = command.args(**{k: tuple(v) if isinstance(v, list) else v for k, v in args.items()})
        done: Done = await command.run(
            cast(Plant, SimpleNamespace(data=self.folder, outbox=self.count)), typed, Instant(0, self.now_ms)
        )
        if done.entries:
            await self.journal.append(done.entries, done.changes)
        self.reports.append(name.removeprefix("deliveries."))
        return done.result

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not done():  # noqa: ASYNC110 - what is waited for happens in files and servers
                await asyncio.sleep(0.005)

    async def reported(self, *names: str) -> None:
        await self.until(lambda: self.reports == list(names))

    def counts(self) -> dict[str, int]:
        with outbox(self.folder) as reader:
            return reader.counts()

    def events(self, attempt: str) -> list[Any]:
        with JournalReader(self.folder) as reader:
            return [record.event for record in reader.records_of(f"lead_{attempt}")][1:]


def in_house(folder: Path, work: Callable[[House], Awaitable[None]], *, begun: bool = True) -> None:
    """Do `work` beside a runner, which has begun already unless the work is to begin it."""

    async def run() -> None:
        house = House(folder)
        try:
            if begun:
                house.begin()
            await work(house)
        finally:
            for task in house.running:
                task.cancel()
            await asyncio.gather(*house.running, return_exceptions=True)
            await house.journal.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_mail_goes_out_once_and_the_journal_knows(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        async with mail_server() as inbox:
            house.configure("{email: {to: leads@buyer.example, subject: 'Lead [lead.name]'}}", inbox.port)
            house.away = 1  # the switch does not take the first report
            await house.queue("att_1")
            await house.reported("sent")
            await asyncio.sleep(0.05)  # rounds in which nothing is left to do
            ((_, content),) = inbox.mails
            assert message_from_bytes(content)["Subject"] == "Lead Ann att_1"
            (sent,) = house.events("att_1")
            assert (sent.name, sent.delivery, sent.tries) == ("<att_1@agency.example>", "att_1", 0)
            assert house.counts() == {"waiting": 0, "dead": 0}

    in_house(tmp_path, work)


def test_many_go_out_beside_each_other_and_each_once(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        async with mail_server() as inbox:
            house.configure("{email: {to: leads@buyer.example}, concurrency: 8}", inbox.port)
            await house.queue(*(f"att_{number:02}" for number in range(60)))
            await house.until(lambda: len(house.reports) == 60)
            ids = [message_from_bytes(content)["Message-ID"] for _, content in inbox.mails]
            assert len(ids) == len(set(ids)) == 60
            assert house.counts() == {"waiting": 0, "dead": 0}

    in_house(tmp_path, work)


def test_no_more_is_sent_than_could_be_forgotten_while_the_switch_is_away(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        async with mail_server() as inbox:
            house.configure("{email: {to: leads@buyer.example}, concurrency: 3}", inbox.port)
            house.away = 10**6
            await house.queue(*(f"att_{number}" for number in range(9)))
            await house.until(lambda: len(inbox.mails) == 3)
            await asyncio.sleep(0.1)
            assert len(inbox.mails) == 3
            house.away = 0
            await house.until(lambda: len(house.reports) == 9)
            assert len(inbox.mails) == 9

    in_house(tmp_path, work)


def test_what_fails_is_tried_later_and_then_a_dead_letter_that_can_be_replayed(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        async with mail_server() as inbox:
            inbox.answers = ["451 later, +15125550100", "554 never"]
            house.configure("{email: {to: leads@buyer.example}}", inbox.port)
            await house.queue("att_1")
            await house.reported("tried")
            (tried,) = house.events("att_1")
            assert (tried.reason, tried.detail, tried.tries) == ("rejected", "451 later, [lead.phone]", 1)
            assert NOW + 45_000 <= tried.next_ms <= NOW + 75_000
            await asyncio.sleep(0.05)
            assert house.reports == ["tried"]
            house.now_ms += 75_000
            await house.reported("tried", "dead")
            assert house.counts() == {"waiting": 0, "dead": 1}
            house.now_ms += 1
            await house.tell("deliveries.replay", {"attempts": ("att_1",)}, "by hand")
            await house.reported("tried", "dead", "replay", "sent")
            assert len(inbox.mails) == 1

    in_house(tmp_path, work)


def test_a_day_of_leads_is_one_file(tmp_path: Path) -> None:
    shelf_folder = tmp_path / "shelf"
    shelf_folder.mkdir()

    async def work(house: House) -> None:
        async with sftp_server(shelf_folder) as shelf:
            house.configure(
                f"{{sftp: {{host: {HERE}, port: {shelf.port}, user: {USER}, password_env: P, every: day, "
                f"host_key: '{shelf.host_key}', file: 'leads-[delivery.date].csv'}}}}"
            )
            await house.queue("att_1", "att_2", "att_3")
            await asyncio.sleep(0.05)
            assert house.reports == []
            shelf.full = True
            house.now_ms += DAY
            await house.reported("tried")
            shelf.full = False
            house.now_ms += 75_000
            await house.reported("tried", "sent")
            ((name, content),) = shelf.files().items()
            assert name == "leads-2026-09-22.csv"
            rows = list(csv.reader(io.StringIO(content.decode())))
            assert [row[2] for row in rows[1:]] == ["Ann att_1", "Ann att_2", "Ann att_3"]
            names = {house.events(attempt)[-1].delivery for attempt in ("att_1", "att_2", "att_3")}
            assert len(names) == 1

    in_house(tmp_path, work)


def test_a_worker_that_died_before_it_could_report_makes_no_second_file(tmp_path: Path) -> None:
    shelf_folder = tmp_path / "shelf"
    shelf_folder.mkdir()

    async def work(house: House) -> None:
        async with sftp_server(shelf_folder) as shelf:
            house.configure(
                f"{{sftp: {{host: {HERE}, port: {shelf.port}, user: {USER}, password_env: P, "
                f"host_key: '{shelf.host_key}'}}}}"
            )
            house.away = 10**6
            await house.queue("att_1")
            await house.until(lambda: len(shelf.files()) == 1 and house.away < 10**6)
            dying = asyncio.create_task(_die(house))
            await dying
            assert house.reports == []
            house.away = 0
            second = OutboxRunner(
                tmp_path, SettingsSource(tmp_path, {"P": PASSWORD}), house.tell, clock_ms=lambda: NOW, poll_s=0.01
            )
            running = asyncio.create_task(second.run())
            await house.reported("sent")
            assert len(shelf.files()) == 1
            assert len(house.unheard) == 1, "a report that is repeated is the same"
            assert not house.unheard & house.keys, "what a switch may have taken at last is not in the way of the next"
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    in_house(tmp_path, work)


async def _die(house: House) -> None:
    """What kill -9 does to what a runner has on its way."""
    for task in tuple(house.runner._tasks):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    house.runner._busy.add("att_1")  # this one looks at it no more


def test_a_short_message_with_a_secret_that_shows_nowhere(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        async with serving(says({"why": "no such key s3cret-value for Ann att_1"}, 400)) as provider:
            house.configure(
                f"{{sms: {{url: '{provider.url}/sms', to: '+12125550123', text: 'New: [lead.name]', "
                "headers: {X-Api-Key: '${ENV:KEY}'}, reject_reason: why}}"
            )
            await house.queue("att_1")
            await house.reported("dead")
            (dead,) = house.events("att_1")
            assert dead.detail == "status 400: no such key ${ENV:KEY} for [lead.name]"
            (request,) = provider.received
            assert request.headers["x-api-key"] == "s3cret-value"
            assert request.headers["idempotency-key"] == "att_1"

    in_house(tmp_path, work)
    assert b"s3cret-value" not in b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_targets_and_contacts_that_are_gone(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        house.configure("{email: {to: leads@buyer.example}, tries: 3}")
        await house.queue("att_1")
        house.configure("{url: 'https://buyer.example/'}")
        house.begin()
        await house.reported("dead")
        (dead,) = house.events("att_1")
        assert dead.reason == "target_gone"

    in_house(tmp_path, work, begun=False)


def test_who_has_been_erased_is_not_sent_and_others_are(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        async with mail_server() as inbox:
            house.configure("{email: {to: a@b.example, format: csv, every: day}}", inbox.port)
            await house.queue("att_1")
            await house.journal.erase("c" * 32)
            await house.queue("att_2")
            house.now_ms += DAY
            house.begin()
            await house.reported("sent", "dead")
            (dead,), (sent,) = house.events("att_1"), house.events("att_2")
            assert (dead.reason, sent.delivery) == ("erased", "att_2")
            ((_, content),) = inbox.mails
            assert b"Ann att_1" not in message_from_bytes(content).get_payload(1).get_payload(decode=True)  # type: ignore[union-attr, operator]

    in_house(tmp_path, work, begun=False)


def test_nothing_is_sent_while_a_secret_is_missing(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        house.configure("{sms: {url: 'https://x.example/${ENV:NOWHERE}', to: '+12125550123', text: Hi}}")
        await house.queue("att_1")
        await asyncio.sleep(0.1)
        assert house.reports == []
        assert house.counts() == {"waiting": 1, "dead": 0}

    in_house(tmp_path, work)
