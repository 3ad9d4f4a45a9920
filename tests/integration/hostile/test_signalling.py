"""Twenty thousand hostile datagrams at the SIP port while a call goes on: counted, refused, forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import GOOD, SINK, Outgoing, ping, rss_mb, sdp

from trunkline.testing.hostile import Aim, Hostile

pytestmark = pytest.mark.integration

DATAGRAMS = 20_000
BATCH = 100
"""Datagrams between two questions whether they have been taken: they fit into the socket's buffer."""
GROWTH_MB_MAX = 12
"""What the second half of them may add to the memory: refused calls are remembered for 32 s to absorb duplicates."""
LOG_LINES_MAX = 20
LEGS_MAX = 10
"""Of the good call, and of refused ones whose final response still waits for its ACK."""
TRANSACTIONS_MAX = 2_000
"""Of the requests that are no nonsense, at most one in ten; each is remembered for 32 s."""


def test_hostile_datagrams_disturb_nobody_and_leave_nothing(site: Site) -> None:
    good = site.good_call()
    switch, caller = good.switch, good.call.peer
    attacker = site.caller()
    attacker.keep = lambda message: message.method == "OPTIONS"
    hostile = Hostile(1, Aim(SINK, attacker.host, attacker.port, (good.call.known(),)))
    before = switch.metrics()
    grown = []
    for half in range(2):
        start = rss_mb(switch.pid)
        for sent in range(DATAGRAMS // 2):
            attacker.send(hostile.sip(), good.call.switch)
            if sent % BATCH == 0:
                ping(attacker, switch)
        ping(attacker, switch)
        grown.append(rss_mb(switch.pid) - start)
        good.check()
        assert "Traceback" not in switch.log(), f"half {half}: {switch.log()[-4000:]}"
    after = switch.metrics()
    for kind in ("malformed", "unmatched", "refused_no_dialog", "refused_method", "refused_rfc2543", "unanswerable"):
        label = f'trunkline_sip_events{{kind="{kind}"}}'
        assert after.get(label, 0) > before.get(label, 0), kind
    assert grown[1] < GROWTH_MB_MAX, f"memory grew by {grown} MB"
    assert after["trunkline_sip_legs"] <= LEGS_MAX
    assert after["trunkline_sip_transactions"] <= TRANSACTIONS_MAX
    assert after["trunkline_live_calls"] == after["trunkline_live_leases"] == 1
    assert len(switch.log().splitlines()) <= LOG_LINES_MAX, switch.log()
    second = caller.call(switch, body=sdp(9))
    second.connect()
    second.hang_up()
    good.hang_up()


def test_a_live_call_ends_only_for_those_who_know_it(site: Site) -> None:
    good = site.good_call()
    switch, call = good.switch, good.call
    attacker = site.caller()

    def attempt(method: str, **fields: Any) -> int:
        forged = Outgoing(attacker, switch, GOOD, b"", "+15125550199")
        forged.call_id = fields.pop("call_id", call.call_id)
        forged.sequence = fields.pop("sequence", 100)
        forged.send(method, **fields)
        status = forged.final(forged.sequence, method).status
        attacker.inbox.clear()
        return status

    tags = {"from_tag": call.tag, "to_tag": call.to_tag}
    wrong: dict[str, dict[str, str]] = {
        "from": {**tags, "from_tag": "x"},
        "to": {**tags, "to_tag": "x"},
        "swapped": {"from_tag": call.to_tag, "to_tag": call.tag},
        "call": {**tags, "call_id": "x"},
    }
    for method in ("BYE", "INVITE", "UPDATE", "INFO"):
        for name, fields in wrong.items():
            assert attempt(method, **fields) == 481, (method, name)
    assert attempt("BYE", call_id=good.invite["call-id"], from_tag=good.buyer.tag, to_tag="x") == 481
    assert attempt("BYE", **tags, sequence=0) == 500, "a number the dialog has left behind"
    assert attempt("CANCEL", to_tag="", branch="z9hG4bKguessed") == 481
    call.send("CANCEL", branch=call.branch, to_tag="")
    call.peer.wait(lambda m: m.method == "CANCEL" and m.status == 200, "200 to a CANCEL that comes too late")
    for status in (487, 603, 200, 180):
        lines = [f"SIP/2.0 {status} Forged", f"Via: {good.invite['via'].partition('branch=')[0]}branch=z9hG4bKguessed"]
        lines += [f"{name}: {good.invite[name.lower()]}" for name in ("From", "To", "Call-ID", "CSeq")]
        attacker.send("\r\n".join([*lines, "", ""]).encode(), call.switch)
    ping(attacker, switch)
    good.check()
    good.hang_up()


def test_strangers_get_no_reply_at_all(site: Site) -> None:
    good = site.good_call()
    stranger = site.caller(host="127.0.0.9")
    hostile = Hostile(2, Aim(SINK, stranger.host, stranger.port, (good.call.known(),)))
    before = good.switch.metric("trunkline_sip_events", kind="dropped_unknown_source")
    for _ in range(300):
        stranger.send(hostile.sip(), good.call.switch)
    stranger.call(good.switch)
    good.switch.until(
        lambda: good.switch.metric("trunkline_sip_events", kind="dropped_unknown_source") == before + 301,
        "all of them to be counted",
    )
    assert stranger.inbox == []
    good.check()
    good.hang_up()
