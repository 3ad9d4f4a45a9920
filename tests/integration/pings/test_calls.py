"""A real switch that bids for calls: the seat that is held, the terms that bind, and calls that come without."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.integration.leads.posts import OTHER_KEY
from tests.integration.pings.market import NUMBER, ask, confirm, market, ping

from trunkline.cli.retrace import retrace
from trunkline.events.calls import CallReceived, PayoutEarned
from trunkline.events.pings import PingUsed
from trunkline.journal.reader import JournalReader
from trunkline.testing.peers import Buyer, Caller, answers, calls
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

ME, YOU, HIM = "+15125550100", "+15125550101", "+15125550102"
BRIEF_S = 0.05
LONG_S = 1.3
"""The buyer owes after a second."""


def payout_of(switch: SwitchProcess, call: str) -> list[tuple[str, str]]:
    return [
        (str(event.amount), event.rule.partition("_")[0])
        for event in switch.journal_events()
        if isinstance(event, PayoutEarned) and event.call == call
    ]


def test_bids_confirmations_and_the_calls_that_follow(tmp_path: Path) -> None:
    async def run() -> None:
        async with Buyer(answers()) as buyer, Caller() as caller:
            with SwitchProcess(market(phone=buyer.uri()), tmp_path) as switch:

                async def dial(who: str, seconds: float) -> dict[str, Any]:
                    before = len(switch.calls())
                    await caller.call(f"sip:{NUMBER}@{switch.sip}", who, calls(hang_up_after_s=seconds))
                    await asyncio.to_thread(switch.until, lambda: ended(switch) > before, "the call to end")
                    return switch.calls()[-1]

                await asyncio.to_thread(refused, switch)
                status, bid, _ = await asyncio.to_thread(ask, switch, ME)
                assert (status, bid["status"], bid["bid"], bid["number"]) == (200, "bid", "40.00", NUMBER)
                assert bid["terms"] == {"event": "duration", "seconds": 1}
                assert bid["sip"] == f"sip:{NUMBER}@{switch.sip}"
                again = (await asyncio.to_thread(ask, switch, "(512) 555-0100"))[1]
                assert again["ping_id"] == bid["ping_id"]

                # The only seat goes to who confirms first, and nobody else's call or confirmation gets it.
                other = (await asyncio.to_thread(ask, switch, YOU))[1]
                held = (await asyncio.to_thread(confirm, switch, bid["ping_id"]))[1]
                assert (held["status"], held["number"], held["bid"]) == ("confirmed", NUMBER, "40.00")
                assert (await asyncio.to_thread(confirm, switch, bid["ping_id"]))[1]["status"] == "confirmed"
                assert (await asyncio.to_thread(confirm, switch, other["ping_id"]))[1]["status"] == "no_target"
                assert (await asyncio.to_thread(confirm, switch, other["ping_id"]))[1]["status"] == "expired"
                assert (await asyncio.to_thread(ask, switch, HIM))[1] == {
                    "status": "no_bid",
                    "reasons": ["no_capacity"],
                }
                assert (await dial(YOU, BRIEF_S))["outcome"] == "unsold"

                mine = await dial(ME, LONG_S)
                assert (mine["outcome"], mine["payout"]) == ("sold", "40.00")
                assert payout_of(switch, mine["id"]) == [("40.00", "ping ping")]
                assert (await asyncio.to_thread(confirm, switch, bid["ping_id"]))[1]["status"] == "used"
                used = [each for each in switch.journal_events() if isinstance(each, PingUsed)]
                assert [(each.by, each.held) for each in used] == [(mine["id"], True)]

                # A call that was bid for and not confirmed: earned when a buyer owes, else not.
                sum_ = hashlib.sha256(HIM.encode()).hexdigest()
                hashed = (
                    await asyncio.to_thread(lambda: ask(switch, None, caller_sha256=sum_, fields={"zip": "78701"}))
                )[1]
                assert hashed["status"] == "bid"
                brief = await dial(HIM, BRIEF_S)
                assert (brief["outcome"], brief["payout"]) == ("sold", None)
                unbid = await dial(HIM, LONG_S)
                assert (unbid["outcome"], unbid["payout"]) == ("sold", None), "the campaign pays by bids only"

    asyncio.run(run())
    with JournalReader(tmp_path / "data") as reader:
        for call in switch_calls(tmp_path):
            for search in retrace(tmp_path / "data", reader, list(reader.records_of(call))):
                assert search.rebuilt is not None
                assert (search.rebuilt.differences, search.notes) == ((), ())


def switch_calls(folder: Path) -> list[str]:
    """The calls that a switch, which is gone, has taken."""
    with JournalReader(folder / "data") as reader:
        return [record.event.call for record in reader.tail(None) if isinstance(record.event, CallReceived)]


def ended(switch: SwitchProcess) -> int:
    """How many calls are over; a seat may be held for another one."""
    return sum(call["outcome"] is not None for call in switch.calls())


def refused(switch: SwitchProcess) -> None:
    """What cannot be asked."""
    assert ask(switch, "12")[1]["field_errors"][0]["code"] == "phone_invalid"
    assert ask(switch, None)[1]["field_errors"][0] == {
        "field": "caller",
        "code": "required",
        "message": "The campaign needs this field and it is missing or empty.",
    }
    wrong = {"zip": "x", "state": "Nowhere", "a b": 1, "long": "x" * 300, "list": [1]}
    codes = {each["field"]: each["code"] for each in ask(switch, ME, fields=wrong)[1]["field_errors"]}
    assert codes == {
        "zip": "zip_invalid",
        "state": "state_unknown",
        "a b": "not_a_value",
        "long": "too_long",
        "list": "not_a_value",
    }
    assert ask(switch, "+12125550100")[1] == {"status": "no_bid", "reasons": ["no_buyer_area"]}
    assert ask(switch, ME, OTHER_KEY)[1] == {"status": "no_bid", "reasons": ["no_number"]}
    closed = {"campaign": "closed"}
    assert ask(switch, ME, **closed)[1] == {"status": "no_bid", "reasons": ["not_bought_by_ping"]}
    lead = ping(switch, {"zip": "78701"})[1]["ping_id"]
    assert confirm(switch, lead)[0] == 400
    assert confirm(switch, lead, OTHER_KEY)[0] == 403


def test_a_seat_is_held_across_a_crash(tmp_path: Path) -> None:
    with SwitchProcess(market(), tmp_path) as switch:
        token = ask(switch, ME, fields={"points": 3})[1]["ping_id"]
        with ThreadPoolExecutor(4) as pool:
            confirmed = list(pool.map(lambda _: confirm(switch, token)[1], range(4)))
        assert confirmed == [confirmed[0]] * 4
        assert confirmed[0]["status"] == "confirmed"
        assert switch.metric("trunkline_live_leases") == 1, "confirmed at once, held once"
        switch.kill()
        switch.restart()
        assert confirm(switch, token)[1]["status"] == "confirmed"
        assert ask(switch, YOU)[1]["reasons"] == ["no_capacity"]
        assert switch.metric("trunkline_live_leases") == 1
        switch.kill()
