"""A command that cannot be carried out ends its own call, in order, and nothing of it is left."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.switch.audio import Audio
from trunkline.switch.livecall import LiveCall
from trunkline.telephony.sip.driver import SipDriver
from trunkline.telephony.sip.listening import Places

pytestmark = pytest.mark.unit


class Count:
    """A counter of the metrics."""

    def __init__(self) -> None:
        self.value = 0

    def inc(self) -> None:
        """One more."""
        self.value += 1


def test_a_failing_command_is_counted_and_the_machine_told_to_end_the_call() -> None:
    call: Any = LiveCall.__new__(LiveCall)
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
    call: Any = SimpleNamespace(
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
