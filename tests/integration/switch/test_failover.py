"""A real switch whose targets have several servers: by DNS, and by several trunks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import main
from trunkline.events.calls import AttemptMoved, CallRouted
from trunkline.events.switch import OrphanEnded, TargetDown, TargetUp
from trunkline.telephony.sip.circuits import FAILURES
from trunkline.testing.dns import DnsServer
from trunkline.testing.peers import Buyer, Caller, answers, busy, calls, only_rings, refuses, silent
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: adwave}]
campaigns: [{key: roofing, flow: sell, plan: all, conversion: {call: {event: connect}}}]
numbers: [{number: "+18335550100", campaign: roofing, publisher: adwave}]
buyers: [{key: ace}, {key: bolt}]
targets:
  - {key: desk, buyer: ace, DESK}
  - {key: other, buyer: bolt, dial: "OTHER"}
plans:
  - key: all
    tiers:
      - method: priority
        routes: [{target: desk, price: "25.00"}, {target: other, priority: 2, price: "20.00"}]
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks:
  - {key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}
TRUNKS
"""
NUMBER = "+18335550100"


class Stage:
    """A switch with its DNS server and a caller."""

    def __init__(self, folder: Path) -> None:
        self.dns = DnsServer()
        self.caller = Caller()
        self.folder = folder
        self.switch: SwitchProcess

    async def stop(self) -> None:
        """Stop the switch."""
        await asyncio.to_thread(self.switch.stop)

    async def start(self, desk: str, other: str = "sip:nobody@127.0.0.1:9", trunks: str = "") -> None:
        """Start the switch; `desk` is what the first target says besides its key and buyer."""
        config = CONFIG.replace("DESK", desk).replace("OTHER", other).replace("TRUNKS", trunks)
        self.switch = SwitchProcess(config, self.folder, flags=("--dns", self.dns.hostport))
        await asyncio.to_thread(self.switch.start)

    async def call(self, **talk: Any) -> dict[str, Any]:
        """One call from beginning to end, as `calls --json` shows it."""
        done = len(self.switch.calls())
        await self.caller.call(f"sip:{NUMBER}@{self.switch.sip}", "+15125550100", calls(**talk))
        ended = await asyncio.to_thread(self.switch.ended_calls, done + 1)
        return ended[-1]

    async def until_down(self, count: int) -> None:
        """Wait until so many targets are out of service."""

        def reached() -> bool:
            return self.switch.metrics()["trunkline_targets_down"] == count

        await asyncio.to_thread(self.switch.until, reached, f"{count} targets out of service", 30.0)

    def moves(self) -> list[tuple[str, str, str | None]]:
        """Why, to which server and by which trunk calls went on."""
        events = self.switch.journal_events()
        return [(each.reason, each.server, each.trunk) for each in events if isinstance(each, AttemptMoved)]


def on_stage(folder: Path, work: Callable[[Stage], Awaitable[None]]) -> Stage:
    async def run() -> Stage:
        stage = Stage(folder)
        async with stage.dns, stage.caller:
            await work(stage)
            await asyncio.to_thread(stage.switch.idle)
            await stage.stop()
        return stage

    return asyncio.run(run())


def attempts(call: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    return [(each["target"], each["outcome"], each["sip_status"]) for each in call["attempts"]]


def test_a_call_goes_on_to_the_next_server_of_the_name_within_one_attempt(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        async with Buyer(refuses(503)) as full, Buyer(silent()) as dead, Buyer(answers()) as alive:
            stage.dns.add("pbx.example", "NAPTR", '10 10 "s" "SIP+D2U" "" _sip._udp.pbx.example.')
            stage.dns.add(
                "_sip._udp.pbx.example",
                "SRV",
                f"10 0 {full.port} a.pbx.example.",
                f"20 0 {dead.port} a.pbx.example.",
                f"30 0 {alive.port} a.pbx.example.",
            )
            stage.dns.add("a.pbx.example", "A", "127.0.0.1")
            await stage.start('dial: "sip:desk@pbx.example"')
            call = await stage.call(hang_up_after_s=0.2)
            assert attempts(call) == [("desk", "connected", 200)]
            assert call["attempts"][0]["duration_ms"] > 0
            assert [len(line.calls) for line in (full, dead, alive)] == [1, 1, 1]
            moved = [("sip_503", f"127.0.0.1:{dead.port}", None), ("no_response", f"127.0.0.1:{alive.port}", None)]
            assert stage.moves() == moved
            assert stage.switch.metrics()['trunkline_attempts_moved_total{reason="no_response"}'] == 1
            assert ("pbx.example.", "NAPTR") in stage.dns.asked

    stage = on_stage(tmp_path, work)
    assert main(["trace", stage.switch.calls()[0]["id"], "--data", str(stage.switch.data)]) == 0


def test_a_number_goes_by_the_next_trunk_when_the_first_fails_and_not_when_the_target_is_busy(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        async with Buyer(refuses(500)) as first, Buyer(busy()) as second, Buyer(answers()) as third:
            trunks = "\n".join(
                f'  - {{key: {key}, default_country: US, outbound: {{proxy: "sip:127.0.0.1:{line.port}"}}}}'
                for key, line in (("one", first), ("two", second), ("three", third))
            )
            await stage.start('dial: "+12125550123", trunk: [one, two, three]', third.uri(), trunks)
            call = await stage.call(hang_up_after_s=0.1)
            assert attempts(call) == [("desk", "busy", 486), ("other", "connected", 200)]
            assert stage.moves() == [("sip_500", f"127.0.0.1:{second.port}", "two")]

    on_stage(tmp_path, work)


def test_a_trunk_at_its_limit_is_passed_over_and_without_another_the_attempt_fails(tmp_path: Path) -> None:
    def trunk(key: str, line: Buyer, limit: str) -> str:
        outbound = f'outbound: {{proxy: "sip:127.0.0.1:{line.port}"}}'
        return f"  - {{key: {key}, default_country: US, {limit}, {outbound}}}\n"

    async def work(stage: Stage) -> None:
        async with Buyer(answers()) as first, Buyer(answers()) as second, Buyer(busy()) as other:
            both = 'dial: "+12125550123", trunk: [one, two]'
            closed = trunk("one", first, "max_live: 0")
            await stage.start(both, other.uri(), trunks=closed + trunk("two", second, "max_live: 1"))
            call = await stage.call(hang_up_after_s=0.1)
            assert attempts(call) == [("desk", "connected", 200)]
            assert (len(first.calls), len(second.calls)) == (0, 1)
            await stage.stop()
            await stage.start(both, other.uri(), trunks=closed + trunk("two", second, "max_per_second: 0"))
            call = await stage.call()
            assert (call["attempts"][0]["outcome"], call["attempts"][0]["reason"]) == ("failed", "trunk_limit")
            assert (len(first.calls), len(second.calls)) == (0, 1)

    on_stage(tmp_path, work)


def test_a_target_that_fails_again_and_again_is_passed_over_until_it_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work(stage: Stage) -> None:
        async with Buyer(refuses(503)) as desk, Buyer(busy()) as other:
            await stage.start(f'dial: "{desk.uri()}"', other.uri())
            for _ in range(FAILURES):
                assert attempts(await stage.call())[0] == ("desk", "failed", 503)
            assert attempts(await stage.call()) == [("other", "busy", 486)], "down: not offered"
            assert len(desk.calls) == FAILURES
            assert stage.switch.metrics()["trunkline_targets_down"] == 1
            await asyncio.to_thread(
                stage.switch.until,
                lambda: stage.switch.metrics()["trunkline_targets_down"] == 0,
                "OPTIONS to be answered",
            )
            assert attempts(await stage.call())[0] == ("desk", "failed", 503), "offered again"

    switch = on_stage(tmp_path, work).switch
    events = switch.journal_events()
    (down,) = [event for event in events if isinstance(event, TargetDown)]
    (up,) = [event for event in events if isinstance(event, TargetUp)]
    assert (down.target, down.reason, up.facts) == ("desk", "sip_503", "none")
    routed = [event for event in events if isinstance(event, CallRouted)][FAILURES]
    assert [(each.target, each.reason) for each in routed.rejected] == [("desk", "target_down")]
    assert routed.versions.facts == down.facts
    asked = ["explain", "--config", str(switch.config_path), "--to", NUMBER, "--from", "+15125550100", "--json"]
    assert main([*asked, "--down", "desk"]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert explained["versions"]["facts"] == down.facts
    assert [(each["target"], each["reason"]) for each in explained["rejected"]] == [("desk", "target_down")]


def test_keepalives_find_a_dead_target_before_any_call_does_and_notice_its_return(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        async with Buyer(answers()) as other:
            gone = Buyer(answers())
            async with gone:
                address = gone.uri()
            await stage.start(f'dial: "{address}", keepalive_seconds: 1', other.uri())
            await stage.until_down(1)
            assert attempts(await stage.call(hang_up_after_s=0.1)) == [("other", "connected", 200)]
            async with Buyer(answers(), port=gone.port) as back:
                await stage.until_down(0)
                assert attempts(await stage.call(hang_up_after_s=0.1)) == [("desk", "connected", 200)]
                assert len(back.calls) == 1

    on_stage(tmp_path, work)


def test_after_a_crash_every_server_that_was_asked_is_told(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        async with Buyer(silent()) as first, Buyer(only_rings()) as second:
            trunks = "\n".join(
                f'  - {{key: {key}, default_country: US, outbound: {{proxy: "sip:127.0.0.1:{line.port}"}}}}'
                for key, line in (("one", first), ("two", second))
            )
            desk = 'dial: "+12125550123", trunk: [one, two], first_response_seconds: 2'
            await stage.start(desk, trunks=trunks)
            call = stage.caller.dial(f"sip:{NUMBER}@{stage.switch.sip}", "+15125550100")
            stage.caller.play(call, calls())
            await asyncio.to_thread(stage.switch.until, lambda: len(second.calls) == 1, "the second server to be asked")
            await asyncio.to_thread(stage.switch.kill)
            await asyncio.to_thread(stage.switch.restart)
            for line in (first, second):
                await line.calls[0].wait_over(20)
                assert line.calls[0].ended_by == "peer"
            call.hang_up()
            assert stage.moves() == [("no_response", f"127.0.0.1:{second.port}", "two")]

    switch = on_stage(tmp_path, work).switch
    told = {event.leg for event in switch.journal_events() if isinstance(event, OrphanEnded)}
    (call,) = switch.calls()
    assert told == {call["attempts"][0]["attempt"], f"{call['attempts'][0]['attempt']}~2"}
    assert call["outcome"] == "interrupted"
