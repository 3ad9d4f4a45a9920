"""Signals that reach a media child because they were sent to the switch's whole group of processes."""

from __future__ import annotations

import os
import signal

import pytest
from tests.integration.media.test_backend import child_pid, hears_something, run, switch

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_audio_goes_on_while_the_switch_drains(number: signal.Signals) -> None:
    async def scenario() -> None:
        async with switch() as running:
            caller, buyer = running.leg("caller", "call"), running.leg("buyer", "call")
            running.media.bridge("caller", "buyer")
            await hears_something(caller, buyer)
            os.kill(child_pid(running.media), number)
            await hears_something(buyer, caller)
            assert running.events == []

    run(scenario)
