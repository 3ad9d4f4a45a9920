"""A command that cannot be carried out ends its own call, in order, and nothing of it is left."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.events.calls import (
    AttemptConnected,
    AttemptEnded,
    CallEnded,
    OfferReserved,
    RecordingEnded,
    RecordingStarted,
)
from trunkline.kernel.clock import Instant
from trunkline.kernel.money import Money
from trunkline.switch.audio import Audio
from trunkline.switch.livecall import LiveCall
from trunkline.switch.unfinished import Unfinished
from trunkline.telephony.sip.driver import SipDriver
from trunkline.telephony.sip.listening import Places

pytestmark = pytest.mark.unit


class Whole(SimpleNamespace):
    """What stands for a live call: its parts know it weakly."""


class Count:
    """A counter of the metrics."""

    def __init__(self) -> None:
        self.value = 0

    def inc(self) -> None:
        """One more."""
        self.value += 1


def test_a_failing_command_is_counted_and_the_machine_told_to_end_the_call() -> None:
    call: Any = LiveCall.__new__(LiveCall)
    call._history = None
    errors = Count()
    call.plant = SimpleNamespace(metrics=SimpleNamespace(call_errors=errors), media=None)
    call.machine = SimpleNamespace(context=SimpleNamespace(call="call"))
    call._inbox = []
    call._do(c.StopRecord("rec"), None)
    assert call._inbox == [i.HangUp("internal_error", fault=True)]
    assert errors.value == 1


def test_a_folder_that_cannot_be_made_costs_the_recording_and_not_the_call(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("a file where the folder should be")
    recordings: dict[str, object] = {}
    call: Any = Whole(
        plant=SimpleNamespace(media=None),
        registry=SimpleNamespace(recordings=recordings),
        machine=SimpleNamespace(context=SimpleNamespace(call="call")),
    )
    told = Audio(call).record(c.Record("rec", "recordings/acme/call.wav", ("caller",)), tmp_path)
    assert told == i.Recorded("rec", 0, "the folder cannot be made")
    assert not recordings


def test_news_that_fails_to_be_taken_keeps_no_other_news_from_its_call() -> None:
    async def run() -> None:
        taken: list[object] = []

        def on_event(event: Any) -> None:
            if event == "bad":
                raise RuntimeError("a bug of ours")
            taken.append(event)

        driver = SipDriver(Places((("127.0.0.1", 0),)), None, lambda n: bytes(n), on_event)  # type: ignore[arg-type]
        driver.start()
        try:
            driver.endpoint.events = lambda told=["bad", "good"]: [told.pop(0) for _ in tuple(told)]  # type: ignore[method-assign, misc]
            driver.flush()
        finally:
            driver.close()
        assert taken == ["good"]
        assert driver.dropped["event_error"] == 1

    asyncio.run(run())


class Presence:
    def ended(self, account: str, target: str, outcome: str) -> tuple[list[Any], tuple[Any, ...]]:
        """Nothing is kept."""
        return [], ()


class Queues:
    def leave(self, call: Any) -> None:
        """Nobody waits."""


class Labelled(Count):
    """A counter with labels."""

    def labels(self, *_labels: str) -> Labelled:
        """All alike."""
        return self


def failing(*written: Any) -> list[Any]:
    """What is written of a call whose machine fails after it has written these, and holds no attempt any more."""
    call: Any = LiveCall.__new__(LiveCall)
    call._history = None
    kept: list[Any] = []
    metrics = SimpleNamespace(calls=Labelled(), attempts=Labelled())
    call.plant = SimpleNamespace(metrics=metrics, clock=lambda: Instant(0, 0), presence=Presence(), queues=Queues())
    call.machine = SimpleNamespace(
        context=SimpleNamespace(account="acme", call="call", contact="contact"), attempt=None
    )
    call._inbox, call._entries, call._changes, call.lease = [], [], [], None
    call._unfinished = Unfinished()
    stopped: list[str] = []
    call.plant.media = SimpleNamespace(stop_record=stopped.append)
    call._finish = lambda: None
    call._append = lambda *, patient: kept.extend(entry.event for entry in call._entries)
    call._hang_up_caller = lambda _command, _now: None
    for event in written:
        call._write(c.Write(event), Instant(0, 0))
    call._fail()
    begun = {event.recording for event in written if isinstance(event, RecordingStarted)}
    over = {event.recording for event in written if isinstance(event, RecordingEnded)}
    assert set(stopped) == begun - over
    return [event for event in kept if event not in written]


def test_a_machine_that_fails_leaves_each_attempt_and_each_call_one_outcome() -> None:
    of: dict[str, Any] = {"account": "acme", "call": "call", "at_ms": 0}
    reserved = OfferReserved(
        **of, attempt="att", lease="lease", rank=1, route="p.t.r", target="t", buyer="b", tier="t1", method="priority",
        price=Money(100, "USD"), conversion="c", decision_us=1, snapshot="s",
    )  # fmt: skip
    connected = AttemptConnected(**of, attempt="att", ring_ms=1)
    over = AttemptEnded(**of, attempt="att", outcome="busy")
    ended = CallEnded(**of, outcome="unsold", reason=None, ended_by="system", duration_ms=1)
    told = [(type(event), event.outcome) for event in failing(reserved)]
    assert told == [(AttemptEnded, "failed"), (CallEnded, "failed")]
    told = [(type(event), event.outcome) for event in failing(reserved, connected)]
    assert told == [(AttemptEnded, "connected"), (CallEnded, "failed")]
    assert [type(event) for event in failing(reserved, over)] == [CallEnded]
    assert failing(reserved, over, ended) == []


def test_a_machine_that_fails_leaves_no_recording_without_an_end() -> None:
    of: dict[str, Any] = {"account": "acme", "call": "call", "at_ms": 0, "recording": "rec", "path": "recordings/a.wav"}
    started = RecordingStarted(**of, purpose="call")
    closed = RecordingEnded(**of, duration_ms=5)
    ended, _ = failing(started)
    assert ended == RecordingEnded(**of, duration_ms=0, error="internal_error")
    assert [type(event) for event in failing(started, closed)] == [CallEnded]
