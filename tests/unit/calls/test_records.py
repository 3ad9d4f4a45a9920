"""What people and programs are shown of a call: from fixed events to the exact JSON and the exact words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from trunkline.engine.calls.records import CallFold, CallRecord, fold
from trunkline.engine.calls.story import tell
from trunkline.events.calls import (
    AnyCallEvent,
    AttemptConnected,
    AttemptEnded,
    AttemptMoved,
    CallAnswered,
    CallBlocked,
    CallEnded,
    CallQualified,
    CallReceived,
    CallRepeated,
    CallRouted,
    Converted,
    LegEnded,
    LegMeasured,
    OfferReserved,
    PayoutEarned,
    RecordingEnded,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    Rejection,
    Versions,
)
from trunkline.events.contacts import Seen
from trunkline.events.switch import SwitchStarted
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit

T0 = 1_795_446_000_123
"""2026-11-23T15:00:00.123Z."""
VERSIONS = Versions(snapshot="5eed" * 16, facts="0", engine="0.1.0")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def at(ms: int, call: str = "call_1") -> dict[str, Any]:
    return {"account": "acme", "call": call, "at_ms": T0 + ms}


def received(call: str = "call_1", **fields: object) -> CallReceived:
    given: dict[str, Any] = {
        "number": "+18335550100",
        "campaign": "injury",
        "publisher": "adwave",
        "source": "search-tx",
        "caller": "+15125550100",
        "caller_given": "5125550100",
        "trunk": "carrier",
        "snapshot": VERSIONS.snapshot,
    }
    return CallReceived(**(at(0, call) | given | fields))


def offer(ms: int, attempt: str, rank: int, target: str, price: int) -> OfferReserved:
    return OfferReserved(
        **at(ms),
        attempt=attempt,
        lease=f"lease_{rank}",
        rank=rank,
        route=f"injury.contract.{target}",
        target=target,
        buyer="lone-star",
        tier="contract",
        method="priority",
        price=usd(price),
        conversion="campaign injury: duration",
        decision_us=13 + rank,
        snapshot=VERSIONS.snapshot,
    )


def unsold(reason: str) -> CallRouted:
    return CallRouted(
        **at(60_000),
        plan="injury",
        seed=1,
        versions=VERSIONS,
        routed_ms=60_000,
        outcome="unsold",
        reason=reason,
        offered=("injury.contract.a",),
        rejected=(Rejection("injury.last.b", "b", "limit", None, "convert", "day", 50, 50),),
    )


def ended(ms: int, outcome: str, **fields: object) -> CallEnded:
    given: dict[str, Any] = {"outcome": outcome, "reason": None, "ended_by": "caller", "duration_ms": ms}
    return CallEnded(**(at(ms) | given | fields))


RECORDING = "recordings/acme/2026/11/23/call_1.wav"
SOLD: list[AnyCallEvent] = [
    received(),
    CallAnswered(**at(2), by="flow"),
    CallQualified(
        **at(8_000),
        node="sell",
        attributes={"geo.state": "TX", "ivr.injured": "1", "time.hour": "10"},
        basis={"geo.state": "area_code", "ivr.injured": "ivr", "time.hour": "clock"},
    ),
    offer(8_000, "att_1", 1, "lone-star-es", 13_000),
    AttemptEnded(**at(8_041), attempt="att_1", outcome="busy", sip_status=486, ring_ms=40),
    offer(8_041, "att_2", 2, "lone-star-intake", 12_000),
    AttemptConnected(**at(12_142), attempt="att_2", ring_ms=4_100),
    CallRouted(
        **at(12_142),
        plan="injury",
        seed=7,
        versions=VERSIONS,
        routed_ms=4_142,
        outcome="sold",
        reason=None,
        offered=("injury.contract.lone-star-es", "injury.contract.lone-star-intake"),
        rejected=(
            Rejection("injury.last.house-desk", "house-desk", "limit", "target", "live", None, 1, 1),
            Rejection("injury.last.night", "night", "hours", "buyer", detail="opens 20:00"),
        ),
        more=2,
    ),
    RecordingStarted(**at(12_150), recording="rec_1", path=RECORDING, purpose="call"),
    Converted(
        **at(102_142),
        attempt="att_2",
        buyer="lone-star",
        route="injury.contract.lone-star-intake",
        amount=usd(12_000),
        rule="campaign injury: duration",
    ),
    PayoutEarned(
        **at(102_142),
        attempt="att_2",
        publisher="adwave",
        amount=usd(4_500),
        rule="campaign injury: payout 1",
    ),
    AttemptEnded(
        **at(107_262),
        attempt="att_2",
        outcome="connected",
        ring_ms=4_100,
        duration_ms=95_120,
    ),
    ended(107_262, "sold", post_dial_us=1_204),
    RecordingEnded(**at(107_300), recording="rec_1", path=RECORDING, duration_ms=95_100),
]
"""A call that one target refuses and another takes."""


def measured(attempt: str | None, **changes: Any) -> LegMeasured:
    """How a party was heard."""
    values: dict[str, Any] = {
        "mos": 4.3,
        "peer_mos": None,
        "packets_in": 1_000,
        "packets_out": 900,
        "lost": 10,
        "late": 1,
        "dropped": 2,
        "jitter_ms": 2.5,
        "round_trip_ms": 40.0,
        "peer_lost": None,
        "peer_jitter_ms": None,
    }
    return LegMeasured(**at(108_000), side="buyer" if attempt else "caller", attempt=attempt, **{**values, **changes})


SOLD_JSON = {
    "id": "call_1",
    "account": "acme",
    "kind": "call",
    "at": "2026-11-23T15:00:00.123Z",
    "caller": "+15125550100",
    "number": "+18335550100",
    "campaign": "injury",
    "publisher": "adwave",
    "source": "search-tx",
    "outcome": "sold",
    "unsold_reason": None,
    "ended_reason": None,
    "ended_by": "caller",
    "buyer": "lone-star",
    "target": "lone-star-intake",
    "route": "injury.contract.lone-star-intake",
    "price": "120.00",
    "currency": "USD",
    "converted": True,
    "revenue": "120.00",
    "payout": "45.00",
    "duration_ms": 95_120,
    "recording": RECORDING,
    "decision_us": 14,
    "post_dial_ms": 1.204,
}
"""The fields that other programs build on, exactly."""
ATTEMPTS_JSON = [
    {
        "route": "injury.contract.lone-star-es",
        "target": "lone-star-es",
        "buyer": "lone-star",
        "at": "2026-11-23T15:00:08.123Z",
        "outcome": "busy",
        "reason": None,
        "sip_status": 486,
        "ring_ms": 40,
        "price": "130.00",
    },
    {
        "route": "injury.contract.lone-star-intake",
        "target": "lone-star-intake",
        "buyer": "lone-star",
        "at": "2026-11-23T15:00:08.164Z",
        "outcome": "connected",
        "reason": None,
        "sip_status": 200,
        "ring_ms": 4_100,
        "price": "120.00",
    },
]
MORE_JSON = {
    "quality": {},
    "returns": [],
    "trunk": "carrier",
    "attestation": None,
    "attestation_check": None,
    "diverted_from": None,
    "duplicate": False,
    "duplicate_of": None,
    "not_converted": None,
    "not_paid": None,
    "answered": "2026-11-23T15:00:00.125Z",
    "call_ms": 107_262,
    "voicemail": None,
    "attributes": {
        "geo.state": {"value": "TX", "basis": "area_code"},
        "ivr.injured": {"value": "1", "basis": "ivr"},
        "time.hour": {"value": "10", "basis": "clock"},
    },
    "routing": "sold",
    "seed": 7,
    "versions": {"snapshot": VERSIONS.snapshot, "facts": "0", "engine": "0.1.0", "geo": ""},
}
"""What a record says besides."""


def as_json(*events: AnyCallEvent) -> dict[str, Any]:
    shown: dict[str, object] = msgspec.json.decode(msgspec.json.encode(fold(events)["call_1"]))
    return shown


def test_a_sold_call_as_programs_read_it() -> None:
    shown = as_json(*SOLD)
    attempts = shown.pop("attempts")
    rejected = shown.pop("rejected")
    assert shown.pop("auctions") == []
    assert shown == SOLD_JSON | MORE_JSON
    assert isinstance(attempts, list)
    assert [{name: each[name] for name in ATTEMPTS_JSON[0]} for each in attempts] == ATTEMPTS_JSON
    assert isinstance(rejected, list)
    assert [(each["route"], each["reason"]) for each in rejected] == [
        ("injury.last.house-desk", "limit"),
        ("injury.last.night", "hours"),
    ]


def test_the_promised_fields_are_there_from_the_first_event_on() -> None:
    shown = as_json(received())
    assert SOLD_JSON.keys() | MORE_JSON.keys() | {"attempts", "auctions", "rejected"} == shown.keys()
    assert (shown["outcome"], shown["attempts"], shown["converted"], shown["revenue"]) == (None, [], False, None)


def test_an_attempt_that_goes_on_has_no_outcome() -> None:
    (attempt,) = fold([received(), offer(1, "att_1", 1, "a", 100)])["call_1"].attempts
    assert (attempt.outcome, attempt.ring_ms, attempt.price) == (None, None, "1.00")


def test_an_unsold_call_says_why() -> None:
    record = fold([received(), ended(5_000, "unsold", reason="no_capacity", ended_by="system")])["call_1"]
    assert (record.outcome, record.unsold_reason, record.ended_by) == ("unsold", "no_capacity", "system")


def test_a_call_cut_at_its_longest_duration_is_no_unsold_one() -> None:
    record = fold([received(), ended(5_000, "sold", reason="max_duration", ended_by="system")])["call_1"]
    assert (record.outcome, record.unsold_reason, record.ended_reason) == ("sold", None, "max_duration")


@pytest.mark.parametrize("outcome", ["failed", "interrupted", "ivr_ended", "abandoned"])
def test_what_ended_a_call_is_no_reason_for_its_not_being_sold(outcome: str) -> None:
    record = fold([received(), ended(5_000, outcome, reason="drain", ended_by="system")])["call_1"]
    assert (record.unsold_reason, record.ended_reason) == (None, "drain")


def test_an_unsold_call_that_was_cut_has_both_reasons() -> None:
    events = [received(), unsold("no_capacity"), ended(5_000, "unsold", reason="drain", ended_by="system")]
    record = fold(events)["call_1"]
    assert (record.unsold_reason, record.ended_reason) == ("no_capacity", "drain")


def test_a_recording_that_never_was_is_not_shown_and_a_broken_one_is() -> None:
    started = RecordingStarted(**at(1), recording="r", path=RECORDING, purpose="call")

    def closed(duration_ms: int, error: str | None) -> RecordingEnded:
        return RecordingEnded(**at(2), recording="r", path=RECORDING, duration_ms=duration_ms, error=error)

    def shown(end: RecordingEnded) -> str | None:
        return fold([received(), started, end])["call_1"].recording

    assert shown(closed(0, "disk full")) is None
    assert shown(closed(700, "disk full")) == RECORDING
    assert shown(closed(0, None)) == RECORDING


def test_revenue_is_the_sum_of_what_all_attempts_owe() -> None:
    def owes(attempt: str, minor: int) -> Converted:
        return Converted(**at(9), attempt=attempt, buyer="b", route="r", amount=usd(minor), rule="attempt")

    offers = [offer(1, "att_1", 1, "a", 1_250), offer(2, "att_2", 2, "b", 775)]
    record = fold([received(), *offers, owes("att_1", 1_250), owes("att_2", 775)])["call_1"]
    assert record.revenue == "20.25"


def test_events_that_are_about_no_known_call_change_nothing() -> None:
    folding = CallFold()
    assert folding.apply(SwitchStarted(at_ms=T0, version="1", snapshot="s")) is None
    assert folding.apply(ended(1, "sold")) is None
    assert folding.calls == {}


def test_calls_that_go_on_at_once_do_not_mix() -> None:
    other = received("call_2", caller=None, caller_given="anonymous", source=None)
    records = fold([received(), other, ended(5, "abandoned")])
    assert (records["call_1"].outcome, records["call_2"].outcome) == ("abandoned", None)
    assert records["call_2"].caller is None


def test_a_record_can_be_read_back() -> None:
    text = msgspec.json.encode(fold(SOLD)["call_1"])
    assert msgspec.json.encode(msgspec.json.decode(text, type=CallRecord)) == text


SHUT = "hours [buyer]: Outside the opening hours that stand at this level. (opens 20:00)"


# -- in words --------------------------------------------------------------------------------------------------------


def test_a_sold_call_in_words() -> None:
    assert tell(SOLD) == [
        "+   0.000s  2026-11-23T15:00:00.123Z: +15125550100 called +18335550100 by trunk carrier",
        "            campaign injury, publisher adwave, source search-tx; configuration 5eed5eed5eed",
        "+   0.002s  answered: something was to be heard",
        "+   8.000s  at sell: ready to be sold; geo.state = TX (area_code), ivr.injured = 1 (ivr)",
        "+   8.000s  offer 1 to lone-star (injury.contract.lone-star-es) at 130.00 USD, found in 14 µs",
        "+   8.041s  lone-star was busy (SIP 486) after 0.0 s",
        "+   8.041s  offer 2 to lone-star (injury.contract.lone-star-intake) at 120.00 USD, found in 15 µs",
        "+  12.142s  lone-star took the call after ringing 4.1 s",
        "+  12.142s  routing by plan injury ended with a sale (seed 7, facts 0, engine 0.1.0)",
        "              not offered: injury.last.house-desk: target has 1 of 1 live in use",
        "              not offered: injury.last.night: " + SHUT,
        "              and 2 more routes that were not offered",
        f"+  12.150s  recording into {RECORDING}",
        "+ 102.142s  converted: lone-star owes 120.00 USD by campaign injury: duration",
        "+ 102.142s  payout: adwave earns 45.00 USD by campaign injury: payout 1",
        "+ 107.262s  lone-star was on the line 95.1 s",
        "+ 107.262s  sold; ended by caller after 107.3 s",
        f"+ 107.300s  recorded 95.1 s into {RECORDING}",
    ]


def test_a_call_that_nobody_took_in_words() -> None:
    routed = unsold("out_of_patience")
    told = tell(
        [
            received(caller=None, caller_given="anonymous", source=None),
            offer(0, "att_1", 1, "a", 100),
            AttemptEnded(**at(25_000), attempt="att_1", outcome="no_answer", reason="ring_seconds", ring_ms=25_000),
            routed,
            ended(
                60_001,
                "unsold",
                reason="out_of_patience",
                ended_by="system",
                not_converted="not_connected",
                not_paid="no_rule",
            ),
        ]
    )
    assert told == [
        "+   0.000s  2026-11-23T15:00:00.123Z: a caller without a number called +18335550100 by trunk carrier",
        "            campaign injury, publisher adwave; configuration 5eed5eed5eed",
        "+   0.000s  offer 1 to lone-star (injury.contract.a) at 1.00 USD, found in 14 µs",
        "+  25.000s  lone-star did not answer (ring_seconds) after 25.0 s",
        "+  60.000s  routing by plan injury found no buyer: out_of_patience (seed 1, facts 0, engine 0.1.0)",
        "              not offered: injury.last.b: there is 50 of 50 convert per day in use",
        "+  60.001s  not sold (out_of_patience); ended by system after 60.0 s",
        "            the buyer owes nothing: not_connected",
        "            the publisher earns nothing: no_rule",
    ]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (CallBlocked(**at(0), reason="suppressed"), "blocked: suppressed"),
        (
            CallBlocked(**at(0), reason="caller_live"),
            "blocked: the caller has as many calls going on as the trunk allows",
        ),
        (
            AttemptMoved(**at(0), attempt="a", reason="no_response", server="192.0.2.7:5060", trunk="reserve"),
            "a: no response; 192.0.2.7:5060 is asked by trunk reserve",
        ),
        (
            AttemptMoved(**at(0), attempt="a", reason="sip_503", server="192.0.2.7:5060", trunk=None),
            "a: sip_503; 192.0.2.7:5060 is asked",
        ),
        (CallAnswered(**at(0), by="buyer"), "answered: a buyer took the call"),
        (
            CallQualified(**at(0), node="sell", attributes={}, basis={}),
            "at sell: ready to be sold; nothing is known of the caller",
        ),
        (
            PayoutEarned(**at(0), attempt=None, publisher="pub", amount=usd(100), rule="r", loss=True),
            "payout: pub earns 1.00 USD by r, more than the buyer pays",
        ),
        (
            RecordingEnded(**at(0), recording="r", path="p.wav", duration_ms=10, error="disk full"),
            "recorded 0.0 s into p.wav, but not whole: disk full",
        ),
        (
            measured(None, peer_mos=4.1),
            (
                "the caller was heard at 4.3 of 4.4 (10 of 1010 packets lost, jitter 2.5 ms, round trip 40 ms)"
                " and heard us at 4.1"
            ),
        ),
        (
            measured("att_9", mos=None, round_trip_ms=None),
            "att_9 was heard not at all (10 of 1010 packets lost, jitter 2.5 ms)",
        ),
        (AttemptConnected(**at(0), attempt="att_9", ring_ms=10), "att_9 took the call after ringing 0.0 s"),
        (
            AttemptEnded(**at(0), attempt="att_9", outcome="interrupted", reason="crash"),
            "att_9 was cut off (crash) after an unknown time",
        ),
        (RecordingPaused(**at(0), recording="r", by="buyer"), "recording paused by the buyer"),
        (RecordingResumed(**at(0), recording="r", by="flow"), "recording goes on"),
    ],
)
def test_one_event_in_words(event: AnyCallEvent, words: str) -> None:
    assert tell([event]) == [f"+   0.000s  {words}"]


def test_the_lines_of_the_two_who_talked_are_measured_though_the_call_has_ended() -> None:
    record = fold([*SOLD, measured(None), measured("att_2", mos=3.1), measured("att_1", mos=1.0)])["call_1"]
    assert record.outcome == "sold"
    assert {side: each.mos for side, each in record.quality.items()} == {"caller": 4.3, "buyer": 3.1}
    assert fold(SOLD)["call_1"].quality == {}


def test_each_phone_of_a_group_has_its_line() -> None:
    phones = (
        LegEnded("sip:desk@a", "busy", None, 486, 40),
        LegEnded("sip:mobile@a", "connected", None, 200, 4_000),
        LegEnded("+12125550123", "elsewhere", None, None, 4_000),
    )
    told = tell([AttemptEnded(**at(0), attempt="att_9", outcome="connected", duration_ms=7_000, legs=phones)])
    assert [line[12:].strip() for line in told] == [
        "att_9 was on the line 7.0 s",
        "sip:desk@a was busy (SIP 486) after 0.0 s",
        "sip:mobile@a took the call (SIP 200) after 4.0 s",
        "+12125550123 was let go: another phone took the call after 4.0 s",
    ]


def test_no_events_make_no_story() -> None:
    assert tell([]) == []


def test_a_call_is_a_duplicate_by_what_was_told_last() -> None:
    before = Seen("incoming", T0 - 5, "injury", None, "call_before")
    later = Seen("connect", T0 + 5, "injury", "lone-star", "call_beside")
    first = CallRepeated(**at(0), duplicate=False, duplicate_of=None, seen=(before,))
    again = CallRepeated(**at(9), duplicate=True, duplicate_of="call_beside", seen=(before, later))
    shown = as_json(received(), first, again)
    assert (shown["duplicate"], shown["duplicate_of"]) == (True, "call_beside")
    told = "\n".join(tell([received(), first, again]))
    assert "no duplicate, but the contact was here before: incoming on injury" in told
    assert "a duplicate of call_beside: connect with lone-star on injury" in told
