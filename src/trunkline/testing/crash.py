"""A storm of crashes: calls arrive all the time, the switch is killed at random instants and started again.

What must be true afterwards is judged from outside, by what sipp saw on the wire and by what the journal says:

- a caller who was answered above 100 is in the journal exactly once for that life of the switch, with an outcome;
- every attempt and every call has exactly one end;
- every leg that stood in the tables when the switch was killed has been told: BYE, or CANCEL where it only rang;
- seats are held by nobody but peers that have not said that they are off the line, for a minute after the last kill;
- the counters of attempts, connects, conversions and money are what the events add up to;
- every recording can be read, and the journal's chain of hashes holds.
"""

from __future__ import annotations

import itertools
import json
import random
import time
import wave
from bisect import bisect_right
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.capacity.memory import RECOVERED_TTL_S
from trunkline.codec import wav
from trunkline.events.calls import (
    AttemptConnected,
    AttemptEnded,
    CallEnded,
    CallReceived,
    Converted,
    OfferReserved,
    RecordingEnded,
    RecordingStarted,
)
from trunkline.events.changes import StoredLeg
from trunkline.events.entry import Event
from trunkline.events.switch import SwitchStarted
from trunkline.journal.reader import JournalReader
from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import connect_reading
from trunkline.journal.tables import read_counters, read_leases, read_legs
from trunkline.sip.dialog import LegIdentifiers
from trunkline.switch.service import STREAM
from trunkline.testing.sipp import SipMessage, Sipp
from trunkline.testing.sipp_steps import (
    ack,
    acked,
    answer,
    buyer,
    bye,
    byed,
    caller,
    cancel,
    cancelled,
    expect,
    go_to,
    invite,
    invited,
    label,
    pause,
    provisional,
)
from trunkline.testing.switch import SwitchProcess

DIRECT, GREETED = "+18335550100", "+18335550101"
PRICE_MINOR: Final = 2_000
LIFE_S: Final = (0.2, 2.2)
"""The switch is killed so long after it got ready."""
CALLERS_MAX: Final = 20_000
BUYERS: Final = ("busy", "taker")
OURS_TO_REFUSE: Final = frozenset({404, 481, 503})
"""Refusals that take no call: they need not be in the journal."""

_BUSY: Final = (invited(), answer(486), acked())
_TAKER: Final = (
    *(invited(), answer(180), cancelled(150, "take"), go_to("end")),
    *(label("take"), answer(200), acked(), byed(), label("end")),
)
_VAIN: Final = (invited(), answer(180), cancelled())
"""A second phone of the taker's, which rings along and is never answered."""
_TALK: Final = (expect(200), ack(), pause(1_200), bye())
_CALLERS: Final = (
    (DIRECT, 0.4, (invite(), provisional(), *_TALK)),
    (GREETED, 0.4, (invite(), provisional(), *_TALK)),
    (DIRECT, 0.2, (invite(), expect(100, optional=True), expect(180), cancel())),
)
"""Number, share of the calls, what such a caller does: talk, talk after a greeting, leave while it rings."""

_identifiers: Final = msgspec.json.Decoder(LegIdentifiers).decode


class StormResult(msgspec.Struct, frozen=True):
    """What a storm did and found. `violations` are sentences; none is the aim."""

    instants: int
    calls_answered: int
    calls_in_journal: int
    legs_told: int
    recordings: int
    violations: tuple[str, ...]


class _Kill(msgspec.Struct, frozen=True):
    """One instant: when, which legs stood in the tables then, and which attempts held seats without a leg."""

    at_s: float
    legs: tuple[StoredLeg, ...]
    without_leg: frozenset[str]


class Storm:
    """One storm in `folder`. `rate` is calls a second over both numbers."""

    def __init__(self, folder: Path, seed: int, instants: int, rate: float = 15) -> None:
        self._folder = folder
        self._draw = random.Random(seed)
        self._instants = instants
        self._rate = rate
        self._kills: list[_Kill] = []
        self._ready_s = 0.0

    def run(self) -> StormResult:
        """Live through all instants, then drain and judge. Raises SwitchFailed when the switch does not come back."""
        seconds = 120 + 10 * self._instants
        with ExitStack() as stack:
            busy = stack.enter_context(Sipp(buyer(*_BUSY), self._folder, "busy", seconds=seconds))
            taker = stack.enter_context(Sipp(buyer(*_TAKER), self._folder, "taker", seconds=seconds))
            vain = stack.enter_context(Sipp(buyer(*_VAIN), self._folder, "vain", seconds=seconds))
            configuration = _configuration(busy.address, taker.address, vain.address)
            switch = SwitchProcess(configuration, self._folder / "switch", legs=250)
            (switch.folder / "greeting.wav").write_bytes(wav.write(wav.Encoding.ULAW, 1, bytes([0x40]) * 2_400))
            stack.callback(switch.kill)
            switch.start()
            callers = [
                stack.enter_context(
                    Sipp(
                        caller(*steps),
                        self._folder,
                        f"caller{place}",
                        to=switch.sip,
                        number=number,
                        calls=CALLERS_MAX,
                        rate=self._rate * share,
                        callers=[f"+1512{place}{n:06}" for n in range(CALLERS_MAX)],
                        seconds=seconds,
                    )
                )
                for place, (number, share, steps) in enumerate(_CALLERS)
            ]
            for _ in range(self._instants):
                self._crash(switch)
            for each in callers:
                each.no_more()
            switch.until(lambda: switch.metric("trunkline_live_calls") == 0, "all calls to end", 60)
            held = self._held()
            switch.stop()
            return self._judge(switch, [*callers, busy, taker, vain], held)

    def _crash(self, switch: SwitchProcess) -> None:
        """One instant: let it live for a while, kill it, read what it left, start it."""
        time.sleep(self._draw.uniform(*LIFE_S))  # the instant is the test's to choose, nothing is waited for
        switch.kill()
        self._kills.append(_killed(switch.data))
        switch.restart()
        self._ready_s = time.time()

    def _held(self) -> frozenset[str]:
        """Attempts that may still hold seats though nobody waits for their peer: for a minute after the last start."""
        if not self._kills or time.time() - self._ready_s > RECOVERED_TTL_S:
            return frozenset()
        return self._kills[-1].without_leg

    # -- judging -----------------------------------------------------------------------------------------------------

    def _judge(self, switch: SwitchProcess, peers: list[Sipp], held: frozenset[str]) -> StormResult:
        events = switch.journal_events()
        seen = {peer.name: peer.messages() for peer in peers}
        from_callers = [message for name, all_ in seen.items() if name.startswith("caller") for message in all_]
        answered, lost = _answered_and_lost(from_callers, events)
        told, untold = self._told([message for messages in seen.values() for message in messages])
        files, unreadable = _recordings(events, switch.data)
        with JournalReader(switch.data) as reader:
            reader.verify()
        violations = [*lost, *_ends(events), *untold, *_counters(events, switch.data, held), *unreadable]
        if "Traceback" in switch.log():
            violations.append(f"an error of ours: {switch.log()[switch.log().index('Traceback') :][:2_000]}")
        return StormResult(
            instants=len(self._kills),
            calls_answered=answered,
            calls_in_journal=sum(isinstance(event, CallReceived) for event in events),
            legs_told=told,
            recordings=files,
            violations=tuple(violations),
        )

    def _told(self, messages: list[SipMessage]) -> tuple[int, list[str]]:
        """How many orphan legs got their BYE or CANCEL, and a sentence for each that did not."""
        came: dict[tuple[str, str], list[float]] = {}
        for each in messages:
            if not each.sent and each.status is None:
                came.setdefault((each.call_id, each.name), []).append(each.at_s)
        # A leg whose peer does not answer stands in the tables over several crashes; it was left behind at the first.
        left: dict[str, tuple[StoredLeg, float]] = {}
        for kill in self._kills:
            for leg in kill.legs:
                left.setdefault(leg.leg, (leg, kill.at_s))
        told, untold = 0, []
        for leg, killed_s in left.values():
            assert leg.identifiers is not None, "nobody is erased in a storm"
            known = _identifiers(leg.identifiers)
            if not leg.confirmed and not known.outgoing:
                continue  # a caller who was not answered has nothing to be told
            method = "BYE" if leg.confirmed else "CANCEL"
            if any(at_s > killed_s for at_s in came.get((known.call_id, method), ())):
                told += 1
            else:
                untold.append(f"leg {leg.leg} of {leg.call} never got its {method}")
        return told, untold


def _killed(data: Path) -> _Kill:
    """What a switch that was just killed has left."""
    at_s = time.time()
    connection = connect_reading(data / JOURNAL_FILE)
    try:
        legs, leases = read_legs(connection, STREAM), read_leases(connection)
    finally:
        connection.close()
    return _Kill(at_s, legs, frozenset(lease.attempt for lease in leases) - {leg.attempt for leg in legs})


def _answered_and_lost(messages: list[SipMessage], events: list[Event]) -> tuple[int, list[str]]:
    """Calls that were answered above 100, by number and life of the switch, against those the journal has."""
    starts_s = [event.at_ms / 1000 for event in events if isinstance(event, SwitchStarted)]
    answered = {
        (_number(message), bisect_right(starts_s, message.at_s))
        for message in messages
        if not message.sent and message.method == "INVITE" and (message.status or 0) > 100
        if message.status not in OURS_TO_REFUSE
    }
    received: Counter[tuple[str, int]] = Counter()
    life = 0
    for event in events:
        if isinstance(event, SwitchStarted):
            life += 1
        elif isinstance(event, CallReceived):
            received[event.caller_given, life] += 1
    lost = [
        f"caller {number} was answered in life {which} and is {received[number, which]} times in the journal"
        for number, which in sorted(answered)
        if received[number, which] != 1
    ]
    return len(answered), lost


def _number(message: SipMessage) -> str:
    return message.header("From").split("sip:", 1)[1].split("@", 1)[0]


def _ends(events: list[Event]) -> list[str]:
    """Sentences for calls and attempts that do not end exactly once."""
    calls = [event.call for event in events if isinstance(event, CallReceived)]
    ends = Counter(event.call for event in events if isinstance(event, CallEnded))
    attempts = [event.attempt for event in events if isinstance(event, OfferReserved)]
    attempt_ends = Counter(event.attempt for event in events if isinstance(event, AttemptEnded))
    found = [f"call {call} has {ends[call]} ends" for call in calls if ends[call] != 1]
    found += [f"attempt {each} has {attempt_ends[each]} ends" for each in attempts if attempt_ends[each] != 1]
    if len(calls) != len(ends) or len(attempts) != len(attempt_ends):
        found.append("something has ended that never began")
    return found


def _counters(events: list[Event], data: Path, held: frozenset[str]) -> list[str]:
    """Sentences for counters that differ from the sum of their events, and for seats that are held by nobody.

    `held` names attempts whose seats are held though they have no leg.
    """
    buyer_of = {event.attempt: event.buyer for event in events if isinstance(event, OfferReserved)}
    expected: Counter[tuple[str, str]] = Counter()
    for event in events:
        match event:
            case OfferReserved():
                expected[event.buyer, "attempt"] += 1
            case AttemptEnded() if event.ring_ms is None and event.reason != "crash":
                # Over before its INVITE was written, which is what is counted. What a crash cut off may have been sent.
                expected[buyer_of[event.attempt], "attempt"] -= 1
            case AttemptConnected():
                expected[buyer_of[event.attempt], "connect"] += 1
            case Converted():
                expected[event.buyer, "convert"] += 1
                expected[event.buyer, "spend"] += event.amount.minor
    connection = connect_reading(data / JOURNAL_FILE)
    try:
        used = {(row.counter.key, str(row.counter.measure)): row.used for row in read_counters(connection)}
        # Seats of a leg that was told to end are held until its peer has said that it did.
        rightly = held | {leg.attempt for leg in read_legs(connection, STREAM)}
        forgotten = sum(lease.attempt not in rightly for lease in read_leases(connection))
    finally:
        connection.close()
    found = [
        f"{measure} of {key}: the counter says {used.get((key, measure), 0)}, the events {expected[key, measure]}"
        for key, measure in itertools.product(BUYERS, ("attempt", "connect", "convert", "spend"))
        if used.get((key, measure), 0) != expected[key, measure]
    ]
    return [*found, *([f"{forgotten} leases are held by nobody"] if forgotten else [])]


def _recordings(events: list[Event], data: Path) -> tuple[int, list[str]]:
    """How many recordings can be read, and a sentence for each that cannot."""
    started = {event.recording for event in events if isinstance(event, RecordingStarted)}
    ended = {event.recording: event for event in events if isinstance(event, RecordingEnded)}
    found = [f"recording {each} was never closed" for each in started - set(ended)]
    readable = 0
    for event in ended.values():
        path = data / event.path
        if not path.exists():
            if event.duration_ms:
                found.append(f"{event.path} is in the journal with {event.duration_ms} ms and does not exist")
            continue
        try:
            with wave.open(str(path), "rb") as file:
                length_ms = file.getnframes() // 8
                audio = file.readframes(file.getnframes())
        except (wave.Error, EOFError) as error:
            found.append(f"{event.path} cannot be read: {error}")
            continue
        readable += 1
        if len(audio) != path.stat().st_size - wav.HEADER_SIZE or abs(length_ms - event.duration_ms) > 1:
            found.append(f"{event.path}: its header, its length and the journal's {event.duration_ms} ms disagree")
    return readable, found


def _configuration(busy: str, taker: str, vain: str) -> str:
    """Two numbers, one through a greeting; a buyer who is always busy, then one who takes every call, recorded.

    The second has two phones, which ring at once.
    """
    limits = [{"measure": measure, "per": "lifetime", "max": 10**6} for measure in ("attempt", "connect", "convert")]
    limits += [{"measure": "spend", "per": "lifetime", "max": "9000000.00"}, {"measure": "live", "max": 200}]
    recording = {"mode": "from_connect", "announce_file": "greeting.wav"}
    common = {"plan": "only", "conversion": {"call": {"event": "connect"}}, "recording": recording}
    whole: dict[str, Any] = {
        "version": 1,
        "account": {"key": "storm", "currency": "USD", "timezone": "America/New_York"},
        "publishers": [{"key": "sea"}],
        "campaigns": [{"key": "direct", "flow": "direct", **common}, {"key": "greeted", "flow": "greeted", **common}],
        "numbers": [
            {"number": DIRECT, "campaign": "direct", "publisher": "sea"},
            {"number": GREETED, "campaign": "greeted", "publisher": "sea"},
        ],
        "buyers": [{"key": key, "limits": limits} for key in BUYERS],
        "targets": [
            {"key": "busy", "buyer": "busy", "dial": f"sip:busy@{busy}"},
            {"key": "taker", "buyer": "taker", "dial": f"sip:taker@{taker}", "also_dial": [f"sip:vain@{vain}"]},
        ],
        "plans": [
            {
                "key": "only",
                "tiers": [
                    {
                        "method": "priority",
                        "routes": [
                            {"target": key, "priority": place, "price": f"{PRICE_MINOR // 100}.00"}
                            for place, key in enumerate(BUYERS, 1)
                        ],
                    }
                ],
            }
        ],
        "flows": [
            {"key": "direct", "start": "sell", "nodes": {"sell": {"route": {}}}},
            {
                "key": "greeted",
                "start": "greet",
                "nodes": {"greet": {"play": {"file": "greeting.wav"}, "next": "sell"}, "sell": {"route": {}}},
            },
        ],
        "trunks": [{"key": "carrier", "allow": ["127.0.0.0/8"], "default_country": "US"}],
    }
    return json.dumps(whole, indent=1)
