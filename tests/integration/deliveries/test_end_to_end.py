"""A lead from its publisher to a buyer's mailbox: a real switch, a real worker, a real mail server, and kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from tests.integration.deliveries.servers import HERE, Inbox
from tests.integration.leads.posts import CONFIG, NOBODY, configured, lead, post

import trunkline
from trunkline.cli.main import main
from trunkline.events.deliveries import DeliveryQueued, DeliverySent, DeliveryTried
from trunkline.events.leads import DeliveryEnded, LeadAccepted
from trunkline.journal.outbox import outbox
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.behaviours import breaks_off, fails, says
from trunkline.testing.ports import free_block
from trunkline.testing.switch import SwitchFailed, SwitchProcess

pytestmark = pytest.mark.integration

MAIL = CONFIG.replace('{url: "ACE", deadline_ms: 2000, reject_reason: why, buyers_id: id}', "{DELIVER}").replace(
    'outbound: {allow_networks: ["127.0.0.0/8"]}',
    'outbound: {allow_networks: ["127.0.0.0/8"], smtp: {host: 127.0.0.1, port: PORT, tls: off, from: us@x.example}}',
)


@contextmanager
def mailbox(port: int) -> Iterator[Inbox]:
    """A mail server in a thread."""
    inbox = Inbox()
    controller: Any = Controller(inbox, hostname=HERE, port=port)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


@contextmanager
def working(data: Path) -> Iterator[subprocess.Popen[str]]:
    """`trunkline worker` beside the switch of a data folder."""
    source = str(Path(trunkline.__file__).resolve().parents[1])
    command = [sys.executable, "-m", "trunkline", "worker", "--data", str(data)]
    with (data / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "PYTHONPATH": source}
        )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)
        assert process.stdout is not None
        process.stdout.close()


def mail_config(deliver: str, port: int) -> str:
    return configured(NOBODY, NOBODY, MAIL.replace("{DELIVER}", deliver).replace("PORT", str(port)))


def test_a_lead_reaches_a_mailbox_whoever_dies_on_the_way(tmp_path: Path) -> None:
    port = free_block(1, HERE)
    config = mail_config("{email: {to: leads@buyer.example, subject: 'Lead [lead.phone]'}}", port)
    with SwitchProcess(config, tmp_path) as switch:
        status, answer, _ = post(switch, lead())
        assert (status, answer["status"], answer["payout"]) == (201, "accepted", "21.00")
        switch.kill()  # the lead counts as accepted: it must go on
        switch.restart()
        assert switch.metric("trunkline_outbox", state="waiting") == 1
        events = switch.journal_events()
        (queued,) = (event for event in events if isinstance(event, DeliveryQueued))
        assert queued.values["lead.phone"] == "+15125550100"
        assert [event.outcome for event in events if isinstance(event, DeliveryEnded)] == ["queued"]
        assert sum(isinstance(event, LeadAccepted) for event in events) == 1
        with working(switch.data) as worker:
            switch.until(lambda: any(isinstance(event, DeliveryTried) for event in switch.journal_events()))
            worker.send_signal(signal.SIGKILL)  # nobody listens at the port yet: it waits for its next try
        with mailbox(port) as inbox, working(switch.data):
            assert main(["dead-letters", "replay", queued.attempt, "--data", str(switch.data)]) == 0
            switch.until(lambda: any(isinstance(event, DeliverySent) for event in switch.journal_events()))
            ((recipients, content),) = inbox.mails
            assert recipients == ["leads@buyer.example"]
            assert switch.metric("trunkline_outbox", state="waiting") == 0
            assert message_from_bytes(content)["Subject"] == "Lead +15125550100"
            assert message_from_bytes(content)["Message-ID"] == f"<{queued.attempt}@x.example>"


def test_workers_that_are_killed_lose_nothing_and_repeat_what_they_could_not_report(tmp_path: Path) -> None:
    port, leads, kills = free_block(1, HERE), 30, 2
    config = mail_config("{email: {to: leads@buyer.example}, concurrency: 1}", port)
    with SwitchProcess(config, tmp_path) as switch, mailbox(port) as inbox:
        for number in range(leads):
            assert post(switch, lead({"phone": f"(512) 555-01{number:02}", "zip": "78701"}))[0] == 201
        for kill in range(1, kills + 1):
            with working(switch.data) as worker:
                switch.until(lambda kill=kill: len(inbox.mails) >= kill * leads // (kills + 1))  # type: ignore[misc]
                worker.send_signal(signal.SIGKILL)
        with working(switch.data):
            switch.until(lambda: outbox_counts(switch.data) == {"waiting": 0, "dead": 0})
    queued = {event.attempt for event in switch.journal_events() if isinstance(event, DeliveryQueued)}
    sent = [event.attempt for event in switch.journal_events() if isinstance(event, DeliverySent)]
    assert sorted(sent) == sorted(queued)
    got = [message_from_bytes(content)["Message-ID"] for _, content in inbox.mails]
    assert set(got) == {f"<{attempt}@x.example>" for attempt in queued}
    assert len(got) <= leads + kills  # one for each worker that died between the server's answer and its report


def outbox_counts(data: Path) -> dict[str, int]:
    with outbox(data) as reader:
        return reader.counts()


def test_posts_are_repeated_where_that_makes_no_second_lead_and_their_key_shows_nowhere(tmp_path: Path) -> None:
    taken = says({"status": "ok", "id": 7})
    deliver = 'deliver: {idempotent: true, headers: {X-Api-Key: "${ENV:ACE_KEY}"}, url: "ACE",'
    with (
        answering({"/leads": [breaks_off(), fails(503), taken]}) as ace,
        answering({"/leads": [breaks_off(), taken]}) as bolt,
    ):
        config = CONFIG.replace('deliver: {url: "ACE",', deliver)
        config = configured(f"{ace.url}/leads", f"{bolt.url}/leads", config)
        with pytest.raises(SwitchFailed, match=r"no value is set for ACE_KEY \(account acme, targets\[ace-crm\]"):
            SwitchProcess(config, tmp_path).start()
        with SwitchProcess(config, tmp_path, environment={"ACE_KEY": "s3cret-key"}) as switch:
            assert post(switch, lead())[0] == 201
            assert [request.headers["x-api-key"] for request in ace.received] == ["s3cret-key"] * 3
            assert len({request.headers["idempotency-key"] for request in ace.received}) == 1
            assert bolt.received == []
            ace.script(says({"why": "no such key s3cret-key", "id": "for s3cret-key"}, 403), "/leads")
            status, answer, _ = post(switch, lead({"phone": "(512) 555-0199", "zip": "78701"}))
            assert (status, answer["status"]) == (200, "unmatched")
            assert len(bolt.received) == 1  # it may have the lead, and does not say that it takes one twice as once
            _, refused, broken = [event for event in switch.journal_events() if isinstance(event, DeliveryEnded)]
            assert (refused.outcome, refused.reason) == ("rejected", "no such key ${ENV:ACE_KEY}")
            assert refused.buyers_id == "for ${ENV:ACE_KEY}"
            assert (broken.outcome, broken.sent) == ("http_error", True)
    assert b"s3cret-key" not in b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
