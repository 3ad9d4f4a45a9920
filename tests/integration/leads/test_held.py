"""Leads that a person looks at first: held durably, shown, sold or not when somebody has decided, over a crash."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pysqlite3 import dbapi2
from tests.integration.leads.posts import CONFIG, TEXAN, configured, lead, post

from trunkline.cli import admin
from trunkline.cli.main import main
from trunkline.events.changes import StoredLead
from trunkline.kernel.errors import TrunklineError
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Peer, Received
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

REVIEWED = CONFIG.replace(
    "    payouts:",
    "    leads: {review: {criteria: {all: [{attr: lead.story, contains: lawyer}]}, expire_hours: 2}}\n"
    "    duplicates: {mark: {event: incoming, days: 30}, route: nowhere}\n    payouts:",
    1,
)
SLOW = "+15125550106"
SUSPICIOUS = TEXAN | {"story": "My lawyer told me to"}


class Thinker(LeadBuyer):
    """A buyer that takes its time for one lead, so that a crash finds its post open."""

    thinking = False

    async def __call__(self, peer: Peer, request: Received) -> None:
        if request.json()["phone"] == SLOW:
            self.thinking = True
            await asyncio.sleep(0.5)
        await super().__call__(peer, request)


@pytest.fixture
def market(tmp_path: Path) -> Iterator[tuple[SwitchProcess, Thinker]]:
    buyer = Thinker()
    with (
        answering({"/ace": buyer}) as buyers,
        SwitchProcess(configured(f"{buyers.url}/ace", config=REVIEWED), tmp_path) as switch,
    ):
        yield switch, buyer


def held(switch: SwitchProcess, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The answer of `trunkline held`, or the error's first line."""
    code = main(["held", *arguments, "--data", str(switch.data), "--json"])
    told = capsys.readouterr()
    return json.loads(told.out) if code == 0 else told.err.splitlines()[0]


def events_of(switch: SwitchProcess, name: str) -> list[str]:
    return [event.__struct_config__.tag for event in switch.journal_events() if getattr(event, "call", None) == name]


def approve_until_it_dies(switch: SwitchProcess, name: str) -> None:
    with suppress(TrunklineError):
        admin.tell(switch.data, "held.approve", {"lead": name}, "a2")


def suspicious(phone: str, **more: Any) -> dict[str, Any]:
    return lead(SUSPICIOUS | {"phone": phone}, **more)


def test_held_leads_wait_over_a_crash_until_somebody_decides_or_they_have_waited_too_long(
    market: tuple[SwitchProcess, Thinker], capsys: pytest.CaptureFixture[str]
) -> None:
    switch, buyer = market
    headers = {"Idempotency-Key": "k1", "X-Trunkline-Via": "batch"}
    status, answer, _ = post(switch, suspicious("+15125550101"), headers=headers)
    assert (status, answer["status"]) == (202, "held")
    first = answer["id"]
    _, answer, _ = post(switch, suspicious("+15125550102"))
    second = answer["id"]
    status, answer, _ = post(switch, lead(TEXAN | {"phone": "+15125550103"}))
    assert (status, len(buyer.leads)) == (201, 1), "what nobody is suspicious of is sold at once"
    status, answer, _ = post(switch, suspicious("+15125550104", test=True))
    assert answer["status"] == "unmatched", "a test lead waits for nobody"

    switch.kill()
    switch.restart()
    assert [row["lead"] for row in held(switch, capsys, "list")["held"]] == [first, second]
    shown = held(switch, capsys, "show", first)
    assert (shown["attributes"]["lead.story"], shown["publisher"]) == ("My lawyer told me to", "adwave")
    assert "no lead 'lead_none' waits" in held(switch, capsys, "approve", "lead_none")

    sold = held(switch, capsys, "approve", first, "--key", "a1")
    assert (sold["decision"], sold["status"], sold["payout"]) == ("approved", "accepted", "21.00")
    assert held(switch, capsys, "approve", first, "--key", "a1") == sold, "the same key decides once"
    assert "waits to be looked at" in held(switch, capsys, "reject", first)
    assert [each.json()["phone"] for each in buyer.leads] == ["+15125550103", "+15125550101"]
    assert [name for name in events_of(switch, first) if not name.startswith("call.")] == [
        "lead.received",
        "lead.held",
        "lead.reviewed",
        "offer.reserved",
        "delivery.ended",
        "converted",
        "payout",
        "lead.accepted",
    ]
    repeated = post(switch, suspicious("+15125550101"), headers=headers)
    assert (repeated[0], repeated[1]) == (202, {"id": first, "status": "held"}), "its sender was answered before"

    assert held(switch, capsys, "reject", second)["status"] == "unmatched"
    assert events_of(switch, second)[-2:] == ["lead.reviewed", "lead.ended"]
    assert len(buyer.leads) == 2
    assert held(switch, capsys, "list")["held"] == []
    again = post(switch, suspicious("+15125550101"))[1]
    assert again["status"] == "held", "it is looked at before it is found to be a duplicate"

    slow = post(switch, suspicious(SLOW))[1]["id"]
    approving = threading.Thread(target=approve_until_it_dies, args=(switch, slow))
    approving.start()
    switch.until(lambda: buyer.thinking, "the post of the lead that was let through")
    switch.kill()
    approving.join()
    switch.restart()
    switch.until(lambda: "lead.accepted" in events_of(switch, slow), "the sale to go on")
    assert [each.json()["phone"] for each in buyer.leads].count(SLOW) == 1
    assert [row["lead"] for row in held(switch, capsys, "list")["held"]] == [again["id"]]

    asked = ["returns", "request", first, "--reason", "other", "--anyway", "--json"]
    assert main([*asked, "--data", str(switch.data)]) == 0
    returned = json.loads(capsys.readouterr().out)
    assert (returned["buyer"], returned["credit"], returned["clawback"]) == ("ace", "35.00", "21.00")

    name = again["id"]
    switch.stop()
    with dbapi2.connect(switch.data / "journal.db") as connection:
        ((data,),) = connection.execute("SELECT data FROM leads").fetchall()
        stored = msgspec.msgpack.decode(data, type=StoredLead)
        older = msgspec.structs.replace(stored, received_ms=stored.received_ms - 3 * 3_600_000)
        connection.execute("UPDATE leads SET data = ?", (msgspec.msgpack.encode(older),))
    connection.close()
    switch.start()
    switch.until(lambda: "lead.ended" in events_of(switch, name), "the lead to end")
    ended = [event for event in switch.journal_events() if getattr(event, "call", None) == name][-1]
    assert (ended.outcome, ended.reason) == ("unsold", "review_expired")  # type: ignore[union-attr]
    assert held(switch, capsys, "list")["held"] == []
    assert len(buyer.leads) == 3
