"""One carrier that takes everything, a journal that cannot be written under load, readers while it is written."""

from __future__ import annotations

import json
import resource
import threading
from collections import Counter

import pytest
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import Caller, Outgoing, answers, configuration

from trunkline.cli.main import main
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

MAX_LIVE = 4
FLOOD = 40
LOOKS = 6
LOAD_MAX = 5_000
LOG_LINES_A_CALL = 2
"""For what a call of which the disk has taken something could not write of its end."""


def test_a_trunk_at_its_limit_leaves_the_audio_ports_to_the_others(site: Site) -> None:
    buyer = site.peer(answers())
    whole = json.loads(configuration(buyer.target("good")))
    quiet = whole["trunks"][0]
    whole["trunks"] = [quiet, {**quiet, "key": "greedy", "allow": ["127.0.0.2/32"], "max_live": MAX_LIVE}]
    switch = site.switch(json.dumps(whole), legs=2 * MAX_LIVE + 2)
    greedy, other = site.caller(host="127.0.0.2"), site.caller()
    flood: list[Outgoing] = []
    for number in range(FLOOD):
        flood.append(greedy.call(switch, caller=f"+1512555{number:04d}"))
        flood[-1].final()
    taken = [call for call in flood if call.final().status == 200]
    assert len(taken) == MAX_LIVE
    assert {call.final().status for call in flood} == {200, 503}
    call = other.call(switch)
    call.connect()
    call.hang_up()
    for each in taken:
        each.connect()
        each.hang_up()
    switch.ended_calls(MAX_LIVE + 1)
    # Closed audio is told in company, a tenth of a second later.
    switch.until(lambda: switch.metric("trunkline_media_free_legs") == 2 * MAX_LIVE + 2, "the audio ports to be free")
    again = greedy.call(switch)
    again.connect()
    again.hang_up()
    switch.ended_calls(MAX_LIVE + 2)


class Load:
    """A thread that makes one call after another until told to stop; what became of each."""

    def __init__(self, caller: Caller, switch: SwitchProcess, most: int) -> None:
        self.statuses: list[int] = []
        self._caller, self._switch, self._most = caller, switch, most
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for number in range(self._most):
            if self._stop.is_set():
                return
            call = self._caller.call(self._switch, caller=f"+1512556{number % 10_000:04d}")
            status = call.final().status
            if status == 200:
                call.connect()
                call.hang_up()
            self.statuses.append(status)

    def until(self, status: int) -> None:
        """Wait for a call from now on that ends so."""
        before = len(self.statuses)
        self._switch.until(lambda: status in self.statuses[before:], f"a call that gets {status}")


def test_a_disk_that_fails_under_load_ends_no_call_and_takes_none_until_a_restart(site: Site) -> None:
    good = site.good_call(drain_s=1)
    switch = good.switch
    good.buyer.keep = lambda message: message.method != "BYE" or message["call-id"] == good.invite["call-id"]
    with Load(site.caller(), switch, LOAD_MAX) as load:
        load.until(200)
        _, hard = resource.prlimit(switch.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(switch.pid, resource.RLIMIT_FSIZE, (1, hard))
        load.until(503)
        switch.until(lambda: switch.get(switch.http, "/health/ready")[0] == 503, "the switch not to be ready")
        good.check()
        good.hang_up()
        resource.prlimit(switch.pid, resource.RLIMIT_FSIZE, (hard, hard))
        load.until(503)
    answered = 1 + load.statuses.count(200)
    assert switch.log().count("Traceback") == 0, switch.log()
    assert len(switch.log().splitlines()) < 20 + LOG_LINES_A_CALL * len(load.statuses), switch.log()
    switch.stop()
    switch.restart()
    with Load(site.caller(), switch, LOAD_MAX) as load:
        load.until(200)
    switch.idle()
    outcomes = Counter(call["outcome"] for call in switch.calls())
    assert set(outcomes) <= {"sold", "interrupted"}
    assert sum(outcomes.values()) == answered + load.statuses.count(200), "whoever was answered is on record"


def test_calls_are_listed_while_they_are_written(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    buyer = site.peer(answers())
    switch = site.switch(configuration(buyer.target("good")))
    seen = []
    with Load(site.caller(), switch, LOAD_MAX) as load:
        for look in range(LOOKS):
            load.until(200)
            assert main(["calls", "--data", str(switch.data), "--json"]) == 0
            listed = json.loads(capsys.readouterr().out)
            seen.append(len(listed))
            ended = [call for call in listed if call["outcome"] is not None]
            assert all(call["outcome"] == "sold" and call["attempts"] for call in ended), look
            assert main(["trace", listed[-1]["id"], "--data", str(switch.data), "--json"]) == 0
            capsys.readouterr()
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
