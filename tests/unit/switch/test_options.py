"""What a switch is started with: addresses and bounds that cannot work are bad use, named by their flag."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.kernel.errors import UsageError
from trunkline.switch.options import SwitchOptions, parse_address, parse_ports
from trunkline.telephony.sip.tls import TlsFiles

pytestmark = pytest.mark.unit


def options(**changed: Any) -> SwitchOptions:
    usual: dict[str, Any] = {"sip": (("127.0.0.1", 5060),), "http": ("127.0.0.1", 8080)}
    return SwitchOptions(config=Path("c.yaml"), data=Path("data"), **(usual | changed))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"sip": (("localhost", 5060),), "rtp_host": "127.0.0.1"},
        {"sip": (("0.0.0.0", 5060),), "public_address": "203.0.113.7"},
        {"sip": (("::1", 5060),)},
        {"drain_s": 0, "min_free_mb": 0, "media_processes": 64},
    ],
)
def test_what_can_be_run_with(changed: dict[str, Any]) -> None:
    assert options(**changed).data == Path("data")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sip": (("0.0.0.0", 5060),)}, "--sip 0.0.0.0 listens on every address"),
        ({"sip": (("::", 5060),)}, "--sip :: listens on every address"),
        ({"sip": (("127.0.0.1", 5060), ("0.0.0.0", 5060))}, "--sip 0.0.0.0 listens on every address"),
        ({"sip": (("::", 5060),), "public_address": "203.0.113.7"}, "--sip :: listens on every address"),
        ({"sip_tls": (("127.0.0.1", 5061),)}, "--sip-tls needs a certificate"),
        ({"sip_tls": (("0.0.0.0", 5061),), "tls": TlsFiles(Path("a.pem"))}, "--sip-tls 0.0.0.0 listens on every"),
        ({"rtp_host": "0.0.0.0"}, "--rtp 0.0.0.0 listens on every address"),
        ({"public_address": "example.com"}, "--public-address example.com is no address"),
        ({"public_address": "0.0.0.0"}, "--public-address 0.0.0.0 is no address"),
        ({"sip": (("localhost", 5060),)}, "audio cannot be received on 'localhost'"),
        ({"rtp_host": "example.com"}, "audio cannot be received on 'example.com'"),
        ({"drain_s": -1}, "--drain-seconds -1"),
        ({"min_free_mb": -1}, "--min-free-mb -1"),
        ({"media_processes": 0}, "--media-processes 0"),
        ({"media_processes": 65}, "--media-processes 65"),
    ],
)
def test_what_cannot(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        options(**changed)
    assert words in caught.value.message


@pytest.mark.parametrize("text", ["5060", ":5060", "127.0.0.1:", "127.0.0.1:sip", "127.0.0.1:70000"])
def test_an_address_that_is_none_names_its_flag(text: str) -> None:
    with pytest.raises(UsageError, match="--sip"):
        parse_address(text, "--sip")


def test_addresses_of_both_families() -> None:
    assert parse_address("127.0.0.1:5060", "--sip") == ("127.0.0.1", 5060)
    assert parse_address("[::1]:5060", "--sip") == ("::1", 5060)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:1-2", "127.0.0.1:5000-4000", "127.0.0.1:5000-70000"])
def test_a_range_of_ports_that_is_none_names_its_flag(text: str) -> None:
    with pytest.raises(UsageError, match="--rtp"):
        parse_ports(text, "--rtp")


@pytest.mark.parametrize("dns", [("ns.example", 53), ("192.0.2.53", 0)])
def test_a_dns_server_is_named_by_its_address(dns: tuple[str, int]) -> None:
    with pytest.raises(UsageError, match="--dns"):
        options(dns=dns)
    assert options(dns=("192.0.2.53", 53)).dns == ("192.0.2.53", 53)
