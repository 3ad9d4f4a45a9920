"""A media process is killed under live calls: its calls end as ours to answer for, others go on, and it comes back."""

from __future__ import annotations

import os
import signal

import pytest
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import GoodCall, answers, configuration

from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration


def carriers(switch: SwitchProcess, call: GoodCall) -> list[int]:
    """The media processes that hold a call's audio ports."""
    return [pid for pid in switch.media_pids() if _holds(pid, call.ports[0])]


def _holds(pid: int, port: int) -> bool:
    with open("/proc/net/udp", encoding="ascii") as file:
        rows = [line.split() for line in file][1:]
    inodes = {row[9] for row in rows if int(row[1].partition(":")[2], 16) == port}
    folder = f"/proc/{pid}/fd"
    links = (os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder))
    return any(link == f"socket:[{inode}]" for link in links for inode in inodes)


def test_only_the_calls_of_a_killed_media_process_end(site: Site) -> None:
    voices = [site.voices() for _ in range(3)]
    buyers = [site.peer(answers(buyers_voice.port)) for _, buyers_voice in voices]
    once = [{"measure": "attempt", "per": "lifetime", "max": 1}]
    targets = [buyer.target(f"desk{n}", limits=once) for n, buyer in enumerate(buyers)]
    switch = site.switch(configuration(*targets), flags=["--media-processes", "2"])
    doomed, spared = (GoodCall(site.caller(), switch, voices[n], buyers[n]) for n in range(2))
    [victim] = carriers(switch, doomed)
    assert carriers(switch, spared) != [victim]
    free = switch.metric("trunkline_media_free_legs")

    os.kill(victim, signal.SIGKILL)

    doomed.call.peer.wait(lambda m: m.method == "BYE" and not m.status, "BYE to the caller")
    doomed.buyer.wait(lambda m: m.method == "BYE" and not m.status, "BYE to the buyer")
    spared.check()
    for voice in voices[0]:
        voice.connect(9)  # they have hung up and speak to these ports no more
    (lost,) = switch_ended(switch, 1)
    assert (lost["outcome"], lost["ended_reason"], lost["ended_by"]) == ("failed", "media_lost", "system")
    assert (lost["converted"], lost["revenue"]) == (True, "20.00"), "the buyer had taken the call"
    assert switch.metric("trunkline_live_leases") == 1, "the seat of the lost call is free again"

    # Another is back with all its ports, and takes the next call, having the most of them free.
    switch.until(lambda: switch.metric("trunkline_media_free_legs") == free + 2, "the audio ports to be back")
    again = GoodCall(site.caller(), switch, voices[2], buyers[2])
    [pid] = carriers(switch, again)
    assert pid != victim
    again.check()
    again.hang_up()
    spared.check()
    spared.hang_up()
    ended = switch.ended_calls(3)
    assert sorted(call["outcome"] for call in ended) == ["failed", "sold", "sold"]
    assert "a media process died" in switch.log()


def test_how_each_party_was_heard_is_kept_with_the_call(site: Site) -> None:
    good = site.good_call()
    good.talk(60)
    good.hang_up()
    good.switch.until(lambda: len(good.switch.calls()[0]["quality"]) == 2, "both legs to be measured")
    (call,) = good.switch.ended_calls(1)
    for side in ("caller", "buyer"):
        heard = call["quality"][side]
        assert heard["mos"] > 4.0, heard
        assert heard["packets_in"] >= 60, heard
        assert heard["lost"] <= heard["packets_in"] // 20, heard
        assert heard["peer_mos"] is None, "these parties send no reports"
        assert good.switch.metric("trunkline_leg_mos_count", side=side) == 1
    kinds = [type(event).__name__ for event in good.switch.journal_events()]
    assert kinds.count("LegMeasured") == 2


def switch_ended(switch: SwitchProcess, count: int) -> list[dict[str, object]]:
    """The calls that have ended while others go on."""
    switch.until(lambda: sum(call["outcome"] is not None for call in switch.calls()) >= count, "the lost call's end")
    return [call for call in switch.calls() if call["outcome"] is not None]
