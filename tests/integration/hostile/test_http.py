"""HTTP of strangers: connections that say nothing, heads without an end, nonsense. Health is told all the while."""

from __future__ import annotations

import socket
import time

import pytest
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import configuration, rss_mb
from tests.integration.hostile.test_connections import Attacker, ended, send

from trunkline.switch.http_guard import CONNECTIONS_MAX, CONNECTIONS_PER_SOURCE_MAX, HEAD_BYTES_MAX, REQUEST_S_MAX
from trunkline.testing.ports import HOST

pytestmark = pytest.mark.integration

SILENT = CONNECTIONS_MAX - 100
MORE = 40
NONSENSE = 200
ENDLESS = 20
GROWTH_MB_MAX = 30.0
CUT_S_MAX = REQUEST_S_MAX + 8.0
TARGET = {"key": "good", "dial": f"sip:good@{HOST}:9"}
STRANGER = "127.0.0.9"
"""Another address, but of loopback too, where a proxy may have as many connections as there are."""


def test_health_is_told_whatever_strangers_do(site: Site) -> None:
    switch, attacker = site.switch(configuration(TARGET)), Attacker(site.stack)
    host, _, port = switch.http.rpartition(":")
    address = host, int(port)
    before_mb, began_s = rss_mb(switch.pid), time.monotonic()
    silent = attacker.open(address, SILENT, STRANGER)
    for each in silent[::2]:
        send(each, b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    for each in attacker.open(address, NONSENSE, STRANGER)[:NONSENSE]:
        send(each, b"\x16\x03\x01\0\0 nonsense \xff\r\n\r\n")
        each.close()
    assert switch.get(switch.http, "/health/ready")[0] == 200
    endless = attacker.open(address, ENDLESS, STRANGER)
    for each in endless:
        for _ in range(4):
            send(each, b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES_MAX)
    switch.until(lambda: ended(endless) == ENDLESS, "heads without an end to be cut off")
    drip = iter(b"y" * 10_000)
    while ended(silent) < SILENT:
        byte = bytes((next(drip),))
        for each in silent[::4]:
            send(each, byte)
        assert switch.get(switch.http, "/health/live")[0] == 200
        assert time.monotonic() - began_s < CUT_S_MAX
    assert switch.metric("trunkline_http_refused_total", reason="slow") >= SILENT
    assert switch.metric("trunkline_http_refused_total", reason="head_too_large") == ENDLESS
    assert switch.metric("trunkline_http_refused_total", reason="malformed") >= NONSENSE // 2
    assert rss_mb(switch.pid) - before_mb < GROWTH_MB_MAX
    assert switch.log().count("\n") < 10, switch.log()


def test_connections_beyond_the_limit_are_cut_off_and_kept_ones_are_served(site: Site) -> None:
    switch, attacker = site.switch(configuration(TARGET)), Attacker(site.stack)
    host, _, port = switch.http.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10.0) as kept:
        kept.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.recv(12) == b"HTTP/1.1 200"
        many = attacker.open((host, int(port)), CONNECTIONS_MAX + MORE, STRANGER)
        switch.until(lambda: ended(many) >= MORE, "those beyond the limit to be cut off")
        kept.recv(65_536)
        kept.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.recv(12) == b"HTTP/1.1 200"
    assert CONNECTIONS_PER_SOURCE_MAX < CONNECTIONS_MAX
