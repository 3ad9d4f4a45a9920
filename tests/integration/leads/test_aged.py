"""Leads that nobody took are offered again later by another plan: exactly, over a crash, to nobody who had them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pysqlite3 import dbapi2
from scripts.erase_contact import main as erase
from tests.integration.leads.posts import CONFIG, TEXAN, configured, lead, post

from trunkline.cli.main import main
from trunkline.events.changes import StoredResale
from trunkline.events.leads import LeadAccepted
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Received
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

AGED = CONFIG.replace(
    "    payouts:",
    "    leads: {resale: {plan: aged, after_hours: 24, times: 2}}\n"
    "    duplicates: {mark: {event: incoming, days: 30}, route: nowhere}\n    payouts:",
    1,
).replace(
    "flows:",
    """\
  - key: aged
    tiers:
      - method: priority
        routes:
          - {target: ace-crm, price: "9.00"}
          - {target: bolt-crm, price: "5.00", priority: 2}
flows:""",
).replace("- {target: bolt-crm, price: \"20.00\", priority: 2, criteria", '- {target: bolt-crm, price: "20.00", weight: 0, criteria')  # fmt: skip  # noqa: E501


def events_of(switch: SwitchProcess, name: str) -> list[str]:
    return [event.__struct_config__.tag for event in switch.journal_events() if getattr(event, "call", None) == name]


def waiting(switch: SwitchProcess, *, due: bool = False) -> list[StoredResale]:
    """What waits in the journal of a switch that is down; with `due`, all of it is due from now on."""
    with dbapi2.connect(switch.data / "journal.db") as connection:
        rows = [data for (data,) in connection.execute("SELECT data FROM resales")]
        found = [msgspec.msgpack.decode(data, type=StoredResale) for data in rows]
        for each in found if due else ():
            now = msgspec.msgpack.encode(msgspec.structs.replace(each, due_ms=0))
            connection.execute("UPDATE resales SET data = ? WHERE lead = ?", (now, each.lead.lead))
    connection.close()
    return found


UNWANTED, WANTED, ERASED = "+15125550101", "+15125550102", "+15125550103"


def refuses_all(request: Received) -> tuple[int, Any]:
    return 400, {}


def wants_one(request: Received) -> tuple[int, Any]:
    return (200 if request.json()["phone"] == WANTED else 400), {}


def test_unsold_leads_are_offered_again_exactly_and_to_nobody_who_had_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ace, bolt = LeadBuyer(refuses_all), LeadBuyer(wants_one)
    with (
        answering({"/ace": ace, "/bolt": bolt}) as buyers,
        SwitchProcess(configured(f"{buyers.url}/ace", f"{buyers.url}/bolt", AGED), tmp_path) as switch,
    ):
        unwanted, wanted, erased = (
            post(switch, lead(TEXAN | {"phone": phone}))[1]["id"] for phone in (UNWANTED, WANTED, ERASED)
        )
        post(switch, lead(TEXAN | {"phone": "+15125550199"}, test=True))
        assert (len(ace.leads), len(bolt.leads)) == (3, 0)
        switch.kill()
        stored = waiting(switch, due=True)
        assert {(each.lead.lead, each.round) for each in stored} == {(unwanted, 1), (wanted, 1), (erased, 1)}
        assert all(0 <= each.due_ms - each.lead.received_ms - 24 * 3_600_000 < 60_000 for each in stored)
        assert erase([str(switch.data), "acme", ERASED]) == 0

        switch.restart()
        switch.until(lambda: "lead.aged_out" in events_of(switch, erased), "the erased lead to be let go")
        switch.until(lambda: "lead.accepted" in events_of(switch, wanted), "one lead to be sold")
        switch.until(lambda: events_of(switch, unwanted).count("lead.unmatched") == 2, "the other's second end")
        assert len(ace.leads) == 3, "ace has had all of them"
        assert sorted(each.json()["phone"] for each in bolt.leads) == [UNWANTED, WANTED]
        assert events_of(switch, unwanted)[-5:] == [
            "lead.aged", "offer.reserved", "delivery.ended", "call.routed", "lead.unmatched",
        ]  # fmt: skip
        events = [event for event in switch.journal_events() if isinstance(event, LeadAccepted)]
        assert [(event.call, str(event.payout)) for event in events] == [(wanted, "3.00")]

        switch.stop()
        (again,) = waiting(switch, due=True)
        assert (again.lead.lead, again.round) == (unwanted, 2)
        switch.start()
        switch.until(lambda: events_of(switch, unwanted).count("lead.unmatched") == 3, "the third end")
        assert (len(ace.leads), len(bolt.leads)) == (3, 2), "both have had it"
        switch.stop()
        assert waiting(switch) == [], "twice was said"
        for name, rounds in ((unwanted, 3), (wanted, 2)):
            assert main(["trace", name, "--data", str(switch.data), "--full", "--json"]) == 0
            decisions = json.loads(capsys.readouterr().out.splitlines()[-1])["decisions"]
            proved = [(each["proved"], each["differences"], each["notes"]) for each in decisions]
            assert proved == [(True, [], [])] * rounds
