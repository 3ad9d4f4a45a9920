"""Somebody sets the machine's clock while calls go on: audio, timers and durations do not notice, windows follow.

libfaketime stands between the switch and the system's wall clock, read anew at every look; the monotonic clock is left
alone, as it is when a real clock is set.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.peer.lab import configuration, target

from trunkline.testing.byhand import Caller, Peer, answers, sdp
from trunkline.testing.switch import SwitchProcess
from trunkline.testing.voices import GoodCall, Voice

pytestmark = pytest.mark.peer

DAY_S = 86_400
NOON_S = 16 * 3600
"""Seconds of the UTC day at which the faked clock starts: eleven in the morning in New York, far from midnight."""
MAX = 2
SLACK_S = 30.0
LIMITS = [{"measure": "connect", "per": "day", "max": MAX}, {"measure": "live", "max": 2}]


class Clock:
    """The wall clock of a switch."""

    def __init__(self, file: Path) -> None:
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        assert libraries, "./trunkline test installs faketime"
        self._file = file
        self._base_s = NOON_S - time.time() % DAY_S
        self.environment = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.set(0)

    def set(self, offset_s: int) -> float:
        """Set it to so many seconds after noon of today; the time it shows now."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{self._base_s + offset_s:+.0f}\n")
        new.replace(self._file)
        return time.time() + self._base_s + offset_s


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def shown_s(call: dict[str, Any]) -> float:
    return datetime.fromisoformat(call["at"]).astimezone(UTC).timestamp()


def test_a_clock_that_is_set_disturbs_no_call_and_moves_only_the_windows(stack: ExitStack, tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    voices = stack.enter_context(Voice("caller", of="buyer")), stack.enter_context(Voice("buyer", of="caller"))
    buyer = stack.enter_context(Peer(answers(voices[1].port)))
    config = json.loads(configuration(target("b", f"{buyer.host}:{buyer.port}"), buyer_limits=LIMITS))
    switch = SwitchProcess(json.dumps(config), tmp_path / "switch", environment=clock.environment)
    stack.callback(switch.kill)
    switch.start()
    caller = stack.enter_context(Caller())
    began_s = time.monotonic()
    good = GoodCall(caller, switch, voices, buyer)
    buyer.keep = lambda message: message.method != "BYE" or message["call-id"] == good.invite["call-id"]
    calls = 1

    def sells() -> bool:
        """One more call, hung up at once; whether there was a seat for it. It is dated by the clock as it stands."""
        nonlocal calls
        call = caller.call(switch, body=sdp(9))
        sold = call.final().status == 200
        if sold:
            call.connect()
            call.hang_up()
        calls += 1
        switch.until(lambda: len(switch.calls()) == calls and switch.calls()[-1]["outcome"], "the call's end")
        return sold

    days: dict[int, list[bool]] = {}
    for offset_s in (0, 3600, DAY_S, -DAY_S, DAY_S, 0, -3600):
        now_s = clock.set(offset_s)
        days.setdefault(offset_s // DAY_S if offset_s > 3600 or offset_s < -3600 else 0, []).append(sells())
        assert abs(shown_s(switch.calls()[-1]) - now_s) < SLACK_S, "the clock was set"
        good.check()
    assert days == {0: [True, False, False, False], 1: [True, True], -1: [True]}
    lasted_s = time.monotonic() - began_s
    good.hang_up()
    ended = switch.ended_calls(calls)
    assert 0.5 < ended[0]["duration_ms"] / 1000 <= lasted_s + 1
    talked_ms = [call["duration_ms"] for call in ended[1:] if call["outcome"] == "sold"]
    assert len(talked_ms) == 4
    assert all(0 <= each < 10_000 for each in talked_ms)
    metrics = switch.idle()
    assert metrics["trunkline_leases_expired_total"] == 0
    assert metrics.get("trunkline_call_errors_total", 0) == 0
    assert switch.stop() == 0
    assert "Traceback" not in switch.log()
