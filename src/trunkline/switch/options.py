"""What a switch is started with."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import msgspec

from trunkline.kernel.errors import UsageError
from trunkline.telephony.sip.tls import TlsFiles

Address = tuple[str, int]

DEFAULT_RTP_PORTS = (16_384, 19_383)
"""Two ports a leg: 1,500 legs, 750 bridged calls. Below the ports that systems hand out by themselves (32768 and up on
Linux), which any program may hold for a moment."""
DRAIN_S_MAX = 24 * 3600
FREE_MB_MAX = 1_000_000_000
MEDIA_PROCESSES_MAX = 64
DEAD_MEDIA_S_MAX = 24 * 3600


class SwitchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses, folders and bounds. Port 0 takes any free port; the `ready` line tells which.

    `dead_media_s` is how long a party may be silent before its call is ended; 0: for ever.
    """

    config: Path
    data: Path
    sip: tuple[Address, ...]
    sip_tls: tuple[Address, ...] = ()
    tls: TlsFiles = TlsFiles()
    http: Address
    admin: Address = ("127.0.0.1", 0)
    rtp_host: str | None = None
    rtp_ports: tuple[int, int] = DEFAULT_RTP_PORTS
    public_address: str | None = None
    dns: Address | None = None
    drain_s: int = 30
    min_free_mb: int = 512
    media_processes: int = 1
    dead_media_s: int = 60

    def __post_init__(self) -> None:
        """Refuse what no switch can run with. Raises UsageError naming the flag."""
        for flag, value, least, most in (
            ("--drain-seconds", self.drain_s, 0, DRAIN_S_MAX),
            ("--min-free-mb", self.min_free_mb, 0, FREE_MB_MAX),
            ("--media-processes", self.media_processes, 1, MEDIA_PROCESSES_MAX),
            ("--dead-media-seconds", self.dead_media_s, 0, DEAD_MEDIA_S_MAX),
        ):
            if not least <= value <= most:
                raise UsageError(f"{flag} {value} is not a whole number from {least} to {most}")
        if self.public_address is not None and not _can_be_told(self.public_address):
            raise UsageError(
                f"--public-address {self.public_address} is no address that peers could send to",
                hint="give an IP address, for example --public-address 203.0.113.7",
            )
        if self.sip_tls and self.tls.certificate is None:
            raise UsageError("--sip-tls needs a certificate", hint="add --tls-certificate FILE and --tls-key FILE")
        audio = self.rtp_host or self.sip[0][0]
        if not _is_ip(audio):
            raise UsageError(
                f"audio cannot be received on {audio!r}: it is not an IP address",
                hint="give --rtp HOST:MIN-MAX with an IP address of this machine",
            )
        if self.dns is not None and not (_is_ip(self.dns[0]) and self.dns[1]):
            raise UsageError(
                f"--dns {self.dns[0]}:{self.dns[1]} is no server that can be asked",
                hint="give the IP address and port of a DNS server, for example --dns 192.0.2.53:53",
            )
        self._refuse_wildcards()

    def _refuse_wildcards(self) -> None:
        listens = [("--sip", host) for host, _ in self.sip] + [("--sip-tls", host) for host, _ in self.sip_tls]
        for flag, host in (*listens, ("--rtp", self.rtp_host)):
            if host is not None and _is_ip(host) and not _can_be_told(host) and not self._is_told_for(host):
                raise UsageError(
                    f"{flag} {host} listens on every address, and none of them can be told to peers",
                    hint="add --public-address IP, the address at which carriers and buyers reach this machine",
                )

    def _is_told_for(self, host: str) -> bool:
        told = self.public_address
        return told is not None and ip_address(told).version == ip_address(host).version


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _can_be_told(host: str) -> bool:
    return _is_ip(host) and not ip_address(host).is_unspecified


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
        raise UsageError(f"{flag} {text} is not HOST:MIN-MAX", hint=f"for example {flag} 127.0.0.1:16384-19383")
    low, high = int(first), int(last)
    if not 1024 <= low < high <= 65_535:
        raise UsageError(f"{flag} {text}: ports lie between 1024 and 65535, the lower one first")
    return host.strip("[]"), (low, high)
