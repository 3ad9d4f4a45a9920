"""Leads that nobody took are offered again later by another plan: exactly, over a crash, to nobody who had them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from pysqlite3 import dbapi2
from scripts.erase_contact import main as erase
from tests.integration.leads.posts import CONFIG, TEXAN, configured, lead, post

from trunkline.events.changes import StoredResale
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
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


def refuses_all(request: Any) -> tuple[int, Any]:
    return 400, {}


def test_an_unsold_lead_is_offered_again_to_whoever_did_not_have_it(tmp_path: Path) -> None:
    ace, bolt = LeadBuyer(refuses_all), LeadBuyer(refuses_all)
    with answering({"/ace": ace, "/bolt": bolt}) as buyers:
        switch = SwitchProcess(configured(f"{buyers.url}/ace", f"{buyers.url}/bolt", AGED), tmp_path)
        with switch:
            status, answer, _ = post(switch, lead())
            name = answer["id"]
            assert (status, answer["status"], len(ace.leads), len(bolt.leads)) == (200, "unmatched", 1, 0)
            post(switch, lead(TEXAN | {"phone": "+15125550199"}, test=True))
            switch.kill()
            (stored,) = waiting(switch, due=True)
            assert (stored.lead.lead, stored.round) == (name, 1)
            assert abs(stored.due_ms - stored.lead.received_ms - 24 * 3_600_000) < 60_000
            switch.restart()
            switch.until(lambda: events_of(switch, name).count("lead.unmatched") == 2, "the second end")
            assert (len(ace.leads), len(bolt.leads)) == (1, 1), "ace has had it"
            assert events_of(switch, name)[-5:] == [
                "lead.aged", "offer.reserved", "delivery.ended", "call.routed", "lead.unmatched",
            ]  # fmt: skip
            switch.stop()
            (stored,) = waiting(switch, due=True)
            assert stored.round == 2
            switch.start()
            switch.until(lambda: events_of(switch, name).count("lead.unmatched") == 3, "the third end")
            assert (len(ace.leads), len(bolt.leads)) == (1, 1), "both have had it"
            switch.stop()
            assert waiting(switch) == [], "twice was said"


def test_an_aged_lead_is_sold_and_paid_once_and_an_erased_one_is_gone(tmp_path: Path) -> None:
    ace, bolt = LeadBuyer(refuses_all), LeadBuyer()
    with answering({"/ace": ace, "/bolt": bolt}) as buyers:
        switch = SwitchProcess(configured(f"{buyers.url}/ace", f"{buyers.url}/bolt", AGED), tmp_path)
        with switch:
            names = [
                post(switch, lead(TEXAN | {"phone": phone}))[1]["id"] for phone in ("+15125550101", "+15125550102")
            ]
            switch.stop()
            assert len(waiting(switch, due=True)) == 2
            assert erase([str(switch.data), "acme", "+15125550102"]) == 0
            switch.start()
            switch.until(lambda: "lead.accepted" in events_of(switch, names[0]), "the lead to be sold")
            switch.until(lambda: "lead.aged_out" in events_of(switch, names[1]), "the other to be let go")
            assert [each.json()["phone"] for each in bolt.leads] == ["+15125550101"]
            accepted = next(
                event
                for event in switch.journal_events()
                if event.__struct_config__.tag == "lead.accepted" and event.call == names[0]  # type: ignore[union-attr]
            )
            assert str(accepted.payout) == "3.00"  # type: ignore[union-attr]
            switch.stop()
            assert waiting(switch) == []
