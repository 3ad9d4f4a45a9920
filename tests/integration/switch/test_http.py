"""What a running switch tells over HTTP, and what it does on signals: health, metrics, reload, drain."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.peer.lab import configuration, target

from trunkline.events.switch import SnapshotLoaded, SnapshotRefused, SwitchStarted, SwitchStopped
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

MUTE = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
MUTE.bind(("127.0.0.1", 0))
SILENT = f"127.0.0.1:{MUTE.getsockname()[1]}"
"""Where a buyer is, and says nothing. Where nobody is at all, the system says so at once."""
FIRST = configuration(target("first", SILENT))
SECOND = configuration(target("second", SILENT))

PROMISED = (
    "trunkline_calls_total",
    "trunkline_attempts_total",
    "trunkline_live_legs",
    "trunkline_live_leases",
    "trunkline_live_calls",
    "trunkline_decision_seconds",
    "trunkline_post_dial_seconds",
    "trunkline_journal_seconds",
    "trunkline_sip_events",
    "trunkline_refused_total",
)
"""Names that dashboards and alarms are built on."""


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchProcess]:
    """One switch for the whole module; its tests leave it with the first configuration."""
    with SwitchProcess(FIRST, tmp_path_factory.mktemp("switch"), legs=4) as running:
        yield running


def digests(switch: SwitchProcess) -> set[str]:
    """The configurations that the metrics say are in force."""
    _, text = switch.get(switch.admin, "/metrics")
    return {line.split('"')[1] for line in text.splitlines() if line.startswith("trunkline_snapshot{")}


def events(switch: SwitchProcess, kind: type) -> list[Any]:
    return [event for event in switch.journal_events() if isinstance(event, kind)]


# -- health ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listener", ["http", "admin"])
def test_both_listeners_say_that_it_lives_and_takes_calls(switch: SwitchProcess, listener: str) -> None:
    address = getattr(switch, listener)
    assert switch.get(address, "/health/live") == (200, '{"status":"live"}')
    assert switch.get(address, "/health/ready") == (200, '{"status":"ready"}')


def test_metrics_are_on_the_admin_listener_alone(switch: SwitchProcess) -> None:
    assert switch.get(switch.admin, "/metrics")[0] == 200
    assert switch.get(switch.http, "/metrics")[0] == 404
    assert switch.admin.startswith("127.0.0.1:")


@pytest.mark.parametrize("path", ["/", "/health", "/health/", "/admin", "/%2e%2e/etc/passwd"])
def test_there_is_nothing_else(switch: SwitchProcess, path: str) -> None:
    assert switch.get(switch.http, path)[0] == 404


# -- metrics ---------------------------------------------------------------------------------------------------------


def test_the_promised_metrics_are_there_before_the_first_call(switch: SwitchProcess) -> None:
    _, text = switch.get(switch.admin, "/metrics")
    described = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert set(PROMISED) <= described | {f"{name}_total" for name in described}


@pytest.mark.parametrize(
    "name", ["trunkline_decision_seconds", "trunkline_post_dial_seconds", "trunkline_journal_seconds"]
)
def test_latencies_are_histograms(switch: SwitchProcess, name: str) -> None:
    metrics = switch.metrics()
    assert f"{name}_count" in metrics
    assert f'{name}_bucket{{le="+Inf"}}' in metrics


def test_gauges_of_an_idle_switch(switch: SwitchProcess) -> None:
    metrics = switch.metrics()
    idle = {f"trunkline_live_{what}": metrics[f"trunkline_live_{what}"] for what in ("calls", "legs", "leases")}
    assert set(idle.values()) == {0.0}
    assert metrics["trunkline_journal_healthy"] == 1
    assert metrics["trunkline_media_free_legs"] == 4
    assert metrics["trunkline_call_errors_total"] == metrics["trunkline_leases_expired_total"] == 0


# -- reload ----------------------------------------------------------------------------------------------------------


def test_a_change_of_the_file_is_in_force_within_seconds_and_metrics_name_one_configuration(
    switch: SwitchProcess,
) -> None:
    (before,) = digests(switch)
    switch.write_config(SECOND)
    switch.until(lambda: digests(switch) != {before}, "the second configuration")
    (after,) = digests(switch)
    switch.until(lambda: after in {event.snapshot for event in events(switch, SnapshotLoaded)}, "it in the journal")
    switch.write_config(FIRST)
    switch.until(lambda: digests(switch) == {before}, "the first configuration again")
    assert switch.metric("trunkline_reloads_total", result="loaded") >= 2


def test_an_invalid_file_changes_nothing_but_is_told(switch: SwitchProcess) -> None:
    before, refused = digests(switch), switch.metric("trunkline_reloads_total", result="refused")
    switch.write_config(json.dumps(json.loads(FIRST) | {"campaigns": []}))
    switch.until(lambda: switch.metric("trunkline_reloads_total", result="refused") > refused, "the refusal")
    assert digests(switch) == before
    assert switch.get(switch.http, "/health/ready")[0] == 200
    switch.until(lambda: events(switch, SnapshotRefused), "the refusal in the journal")
    switch.write_config(FIRST)


def test_sighup_reloads_a_file_that_looks_unchanged(switch: SwitchProcess) -> None:
    (before,) = digests(switch)
    stat = switch.config_path.stat()
    switch.config_path.write_text(FIRST.replace("first", "f1rst"))
    os.utime(switch.config_path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    switch.signal(signal.SIGHUP)
    switch.until(lambda: digests(switch) != {before}, "the changed configuration")
    switch.write_config(FIRST)
    switch.until(lambda: digests(switch) == {before}, "the first configuration again")


# -- what calls leave in the metrics ---------------------------------------------------------------------------------


def request(method: str, number: str, call: str, branch: str = "", sdp: str = "") -> bytes:
    lines = (
        f"{method} sip:{number}@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{branch or call}",
        "From: <sip:+15125550100@127.0.0.1>;tag=1",
        f"To: <sip:{number}@127.0.0.1>",
        f"Call-ID: {call}",
        f"CSeq: 1 {method}",
        "Contact: <sip:caller@127.0.0.1>",
        "Max-Forwards: 70",
        "Content-Type: application/sdp",
        f"Content-Length: {len(sdp)}",
    )
    return ("\r\n".join((*lines, "", "")) + sdp).encode()


SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


@pytest.fixture
def caller(switch: SwitchProcess) -> Iterator[socket.socket]:
    """A UDP socket that is connected to the switch."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.settimeout(10.0)
        made.connect(("127.0.0.1", switch.sip_port))
        yield made


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ")[1])


def test_refusals_are_counted_by_reason_and_repetitions_apart(switch: SwitchProcess, caller: socket.socket) -> None:
    for _ in range(2):
        caller.send(request("INVITE", "+19995550100", "unknown", sdp=SDP))
        assert status_of(caller.recv(65_535)) == 404
    caller.send(request("ACK", "+19995550100", "unknown"))
    assert switch.metric("trunkline_refused_total", reason="unknown_number") == 1
    assert switch.metric("trunkline_sip_events", kind="retransmissions_in") >= 1


def test_an_abandoned_call_is_counted_with_its_latencies_and_leaves_nothing_live(
    switch: SwitchProcess, caller: socket.socket
) -> None:
    before = switch.metrics()
    caller.send(request("INVITE", "+18335550100", "abandoned", sdp=SDP))
    assert status_of(caller.recv(65_535)) == 100
    switch.until(lambda: switch.metric("trunkline_post_dial_seconds_count"), "the INVITE to the buyer")
    assert switch.metric("trunkline_live_calls") == switch.metric("trunkline_live_leases") == 1
    caller.send(request("CANCEL", "+18335550100", "abandoned"))
    assert {status_of(caller.recv(65_535)) for _ in range(2)} == {200, 487}
    caller.send(request("ACK", "+18335550100", "abandoned"))
    metrics = switch.idle()
    assert metrics['trunkline_calls_total{outcome="abandoned"}'] == 1
    assert metrics['trunkline_attempts_total{outcome="caller_gone"}'] == 1
    for name in ("decision", "post_dial", "journal"):
        count = f"trunkline_{name}_seconds_count"
        assert metrics[count] > before[count], name


# -- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_switch_ends_at_once_in_order_and_its_journal_says_so(tmp_path: Path, number: signal.Signals) -> None:
    switch = SwitchProcess(FIRST, tmp_path, legs=2, drain_s=60).start()
    switch.signal(number)
    assert switch.wait() == 0
    first, last = switch.journal_events()
    assert isinstance(first, SwitchStarted)
    assert isinstance(last, SwitchStopped)
    assert last.calls_cut == 0
    assert "Traceback" not in switch.log()


def test_a_draining_switch_refuses_new_calls_says_why_and_lets_those_that_go_on_end(tmp_path: Path) -> None:
    switch = SwitchProcess(FIRST, tmp_path, legs=4, drain_s=30).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.settimeout(10.0)
        caller.connect(("127.0.0.1", switch.sip_port))
        caller.send(request("INVITE", "+18335550100", "goes-on", sdp=SDP))
        assert status_of(caller.recv(65_535)) == 100
        switch.until(lambda: switch.metric("trunkline_live_calls") == 1, "the call")
        switch.signal(signal.SIGTERM)
        switch.until(lambda: switch.get(switch.http, "/health/ready")[0] == 503, "the drain")
        assert switch.get(switch.http, "/health/ready")[1] == '{"status":"not_ready","reason":"draining"}'
        assert switch.get(switch.http, "/health/live")[0] == 200
        caller.send(request("INVITE", "+18335550100", "too-late", sdp=SDP))
        refused = caller.recv(65_535)
        assert status_of(refused) == 503
        assert b"\r\nRetry-After: " in refused
        caller.send(request("CANCEL", "+18335550100", "goes-on"))
        assert {status_of(caller.recv(65_535)) for _ in range(2)} == {200, 487}
    assert switch.wait() == 0
    (stopped,) = [event for event in switch.journal_events() if isinstance(event, SwitchStopped)]
    assert stopped.calls_cut == 0
    assert [call["outcome"] for call in switch.calls()] == ["abandoned"]
