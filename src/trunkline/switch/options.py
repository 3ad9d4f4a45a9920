"""What a switch is started with."""

from __future__ import annotations

from pathlib import Path

import msgspec

from trunkline.kernel.errors import UsageError

Address = tuple[str, int]

DEFAULT_RTP_PORTS = (16_384, 17_383)
"""Two ports a leg: 500 legs, 250 bridged calls. Below the ports that systems hand out by themselves (32768 and up on
Linux), which any program may hold for a moment."""


class SwitchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses, folders and bounds. Port 0 takes any free port; the `ready` line tells which."""

    config: Path
    data: Path
    sip: Address
    http: Address
    admin: Address = ("127.0.0.1", 0)
    rtp_host: str | None = None
    rtp_ports: tuple[int, int] = DEFAULT_RTP_PORTS
    public_address: str | None = None
    drain_s: int = 30
    min_free_mb: int = 512
    media_processes: int = 1


def parse_address(text: str, flag: str) -> Address:
    """`HOST:PORT`, IPv6 in brackets. Raises UsageError naming the flag."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65_535 or not host:
        raise UsageError(f"{flag} {text} is not HOST:PORT", hint=f"for example {flag} 127.0.0.1:5060")
    return host.strip("[]"), int(port)


def parse_ports(text: str, flag: str) -> tuple[str, tuple[int, int]]:
    """`HOST:MIN-MAX`. Raises UsageError naming the flag."""
    host, separator, ports = text.rpartition(":")
    first, dash, last = ports.partition("-")
    if not separator or not dash or not first.isdigit() or not last.isdigit():
        raise UsageError(f"{flag} {text} is not HOST:MIN-MAX", hint=f"for example {flag} 127.0.0.1:16384-17383")
    low, high = int(first), int(last)
    if not 1024 <= low < high <= 65_535:
        raise UsageError(f"{flag} {text}: ports lie between 1024 and 65535, the lower one first")
    return host.strip("[]"), (low, high)
