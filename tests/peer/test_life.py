"""The switch's own life while calls go on: drain, reload, a media process that dies."""

from __future__ import annotations

import os
import signal

import pytest
from tests.peer.lab import (
    TALKS,
    TALKS_UNTIL_TOLD,
    Lab,
    attempts,
    calls_and_hangs_up,
    configuration,
    target,
)

from trunkline.events.switch import SnapshotLoaded, SnapshotRefused, SwitchStopped
from trunkline.testing.sipp import Sipp
from trunkline.testing.sipp_steps import ack, byed, expect, invite, provisional, refused
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.acceptance


def talking(lab: Lab, switch: SwitchProcess, buyer: Sipp) -> Sipp:
    """A caller who is connected to the buyer and stays until `go_on`."""
    caller = lab.caller(switch, *TALKS_UNTIL_TOLD, name="talking")
    switch.until(lambda: "ACK" in buyer.names(), "the call to be connected")
    return caller


def test_sigterm_refuses_new_calls_and_lets_the_others_end(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)), drain_s=60)
    caller = talking(lab, switch, buyer)
    switch.signal(signal.SIGTERM)
    switch.until(lambda: switch.get(switch.http, "/health/ready")[0] == 503, "the switch to say that it drains")
    assert switch.get(switch.http, "/health/live")[0] == 200
    late = lab.caller(switch, invite(), refused(503), name="late")
    late.succeed()
    (refusal,) = [message for message in late.messages() if message.status == 503]
    assert int(refusal.header("Retry-After")) > 0
    assert switch.running, "the live call goes on"
    caller.go_on()
    caller.succeed()
    assert switch.wait() == 0
    (call,) = switch.calls()
    assert (call["outcome"], call["ended_by"]) == ("sold", "caller")
    stopped = switch.journal_events()[-1]
    assert isinstance(stopped, SwitchStopped)
    assert stopped.calls_cut == 0


def test_a_drain_whose_time_is_over_ends_the_calls_that_are_left(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)), drain_s=0)
    caller = lab.caller(switch, invite(), provisional(), expect(200), ack(), byed())
    switch.until(lambda: "ACK" in buyer.names(), "the call to be connected")
    assert switch.stop() == 0
    caller.succeed()
    assert buyer.stop().successful == 1
    (call,) = switch.calls()
    assert (call["outcome"], call["ended_by"], call["duration_ms"] is not None) == ("sold", "system", True)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_cuts_the_drain_short(lab: Lab, second: signal.Signals) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)), drain_s=600)
    caller = lab.caller(switch, invite(), provisional(), expect(200), ack(), byed())
    switch.until(lambda: "ACK" in buyer.names(), "the call to be connected")
    switch.signal(signal.SIGTERM)
    switch.until(lambda: "draining 1 calls" in switch.log(), "the drain")
    assert switch.running, "the live call goes on"
    switch.signal(second)
    assert switch.wait() == 0
    caller.succeed()
    assert buyer.stop().successful == 1
    assert "told to stop a second time: the 1 calls that go on are ended" in switch.log()
    (call,) = switch.calls()
    assert (call["outcome"], call["ended_by"]) == ("sold", "system")
    stopped = switch.journal_events()[-1]
    assert isinstance(stopped, SwitchStopped)
    assert stopped.calls_cut == 1


def test_a_changed_file_is_taken_and_calls_keep_what_they_began_with(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)))
    caller = talking(lab, switch, buyer)
    switch.write_config(configuration(target("second", buyer.address)))
    switch.until(lambda: any(isinstance(event, SnapshotLoaded) for event in switch.journal_events()), "the new file")
    assert switch.metric("trunkline_reloads_total", result="loaded") == 1
    lab.caller(switch, *calls_and_hangs_up(0)).succeed()
    caller.go_on()
    caller.succeed()
    assert [call["target"] for call in switch.ended_calls(2)] == ["first", "second"]


def test_an_invalid_file_changes_nothing_and_is_told(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    good = configuration(target("first", buyer.address))
    switch = lab.switch(good)
    switch.write_config(good.replace('"plan": "injury"', '"plan": "no-such-plan"'))
    switch.signal(signal.SIGHUP)
    switch.until(lambda: any(isinstance(event, SnapshotRefused) for event in switch.journal_events()), "the refusal")
    assert switch.metric("trunkline_reloads_total", result="refused") >= 1
    assert "no-such-plan" in switch.log()
    assert switch.get(switch.http, "/health/ready")[0] == 200
    lab.caller(switch, *calls_and_hangs_up(0)).succeed()
    switch.write_config("{")
    switch.signal(signal.SIGHUP)
    switch.until(lambda: switch.metric("trunkline_reloads_total", result="refused") >= 2, "the second refusal")
    lab.caller(switch, *calls_and_hangs_up(0)).succeed()
    assert len(switch.ended_calls(2)) == 2


def test_sighup_takes_a_change_at_once(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)))
    switch.write_config(configuration(target("second", buyer.address)))
    switch.signal(signal.SIGHUP)
    switch.until(lambda: switch.metric("trunkline_reloads_total", result="loaded") == 1, "the new file to be in force")
    lab.caller(switch, *calls_and_hangs_up(0)).succeed()
    (call,) = switch.ended_calls(1)
    assert attempts(call) == [("second", "connected", 200)]


def test_calls_of_a_media_process_that_dies_end_and_the_next_call_works(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address)))
    caller = lab.caller(switch, invite(), provisional(), expect(200), ack(), byed(), name="cut")
    switch.until(lambda: "ACK" in buyer.names(), "the call to be connected")
    (media,) = switch.media_pids()
    os.kill(media, signal.SIGKILL)
    caller.succeed()
    (call,) = switch.ended_calls(1)
    assert (call["outcome"], call["ended_by"], call["ended_reason"]) == ("failed", "system", "media_lost")
    switch.until(lambda: switch.media_pids() not in ([], [media]), "another media process")
    switch.until(lambda: switch.metric("trunkline_media_free_legs") > 0, "its ports")
    lab.caller(switch, *calls_and_hangs_up(0)).succeed()
    assert [each["outcome"] for each in switch.ended_calls(2)] == ["failed", "sold"]
    assert buyer.stop().successful == 2


def test_a_restart_in_order_leaves_nothing_to_recover(lab: Lab) -> None:
    buyer = lab.buyer(*TALKS)
    switch = lab.switch(configuration(target("first", buyer.address), buyer_limits=[{"measure": "live", "max": 1}]))
    lab.caller(switch, *calls_and_hangs_up(0)).succeed()
    switch.ended_calls(1)
    assert switch.stop() == 0
    switch.restart()
    lab.caller(switch, *calls_and_hangs_up(0)).succeed()
    assert [call["outcome"] for call in switch.ended_calls(2)] == ["sold", "sold"]
    assert "SwitchRecovered" not in [type(event).__name__ for event in switch.journal_events()]
