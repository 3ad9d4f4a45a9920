"""`./trunkline switch`: the process that takes calls."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvloop

from trunkline.kernel.errors import ExitCode
from trunkline.switch.options import DEFAULT_RTP_PORTS, SwitchOptions, parse_address, parse_ports
from trunkline.switch.service import run_switch
from trunkline.telephony.sip.tls import TlsFiles

SUMMARY = "take calls by a configuration: SIP, media, routing, journal"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `switch`."""
    parser.add_argument(
        "--config", type=Path, required=True, metavar="PATH", help="file or folder of the configuration"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where journal and recordings are kept")
    add_listeners(parser)


def add_listeners(parser: argparse.ArgumentParser, *, sip: str | None = None, http: str | None = None) -> list[str]:
    """The flags that `up` has as well: their names. `--sip` and `--http` must be given where there is no default."""
    low, high = DEFAULT_RTP_PORTS
    actions = [
        _repeated(parser, "--sip", "SIP over UDP and TCP; may be repeated", sip),
        _repeated(parser, "--sip-tls", "SIP over TLS; may be repeated", None, required=False),
        parser.add_argument("--tls-certificate", type=Path, metavar="FILE", help="our certificate with its chain, PEM"),
        parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key, PEM (default: in the same file)"),
        parser.add_argument(
            "--tls-ca", type=Path, metavar="FILE", help="whom to trust of those we dial, PEM (default: the system's)"
        ),
        parser.add_argument(
            "--http",
            required=http is None,
            default=http,
            metavar="HOST:PORT",
            help="public HTTP: /health/live, /health/ready" + _default(http),
        ),
        parser.add_argument(
            "--admin",
            default="127.0.0.1:0",
            metavar="HOST:PORT",
            help="health and /metrics (default: a free port of loopback)",
        ),
        parser.add_argument(
            "--rtp", metavar="HOST:MIN-MAX", help=f"addresses of audio (default: the SIP host, {low}-{high})"
        ),
        parser.add_argument("--public-address", metavar="IP", help="what peers are told to reach us by, behind NAT"),
        parser.add_argument("--dns", metavar="HOST:PORT", help="DNS server to ask (default: those the system asks)"),
        _number(parser, "--drain-seconds", 30, "how long calls may go on after SIGTERM (default 30)"),
        _number(parser, "--min-free-mb", 512, "take no calls with less free disk (default 512)"),
        _number(parser, "--media-processes", 1, "processes that carry audio (default 1)"),
        _number(
            parser,
            "--dead-media-seconds",
            60,
            "end a call when a party sends no audio for so long (default 60; 0: never)",
        ),
    ]
    return [action.option_strings[0] for action in actions]


def _repeated(
    parser: argparse.ArgumentParser, flag: str, help_: str, default: str | None, *, required: bool = True
) -> argparse.Action:
    return parser.add_argument(
        flag,
        required=required and default is None,
        default=[],
        action="append",
        metavar="HOST:PORT",
        help=help_ + _default(default),
    )


def _number(parser: argparse.ArgumentParser, flag: str, default: int, help_: str) -> argparse.Action:
    return parser.add_argument(flag, type=int, default=default, metavar="N", help=help_)


def _default(value: str | None) -> str:
    return "" if value is None else f" (default {value})"


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM."""
    rtp_host, rtp_ports = (None, DEFAULT_RTP_PORTS) if args.rtp is None else parse_ports(args.rtp, "--rtp")
    options = SwitchOptions(
        config=args.config,
        data=args.data.resolve(),
        sip=tuple(parse_address(text, "--sip") for text in args.sip),
        sip_tls=tuple(parse_address(text, "--sip-tls") for text in args.sip_tls),
        tls=TlsFiles(args.tls_certificate, args.tls_key, args.tls_ca),
        http=parse_address(args.http, "--http"),
        admin=parse_address(args.admin, "--admin"),
        rtp_host=rtp_host,
        rtp_ports=rtp_ports,
        public_address=args.public_address,
        dns=None if args.dns is None else parse_address(args.dns, "--dns"),
        drain_s=args.drain_seconds,
        min_free_mb=args.min_free_mb,
        media_processes=args.media_processes,
        dead_media_s=args.dead_media_seconds,
    )
    uvloop.run(run_switch(options))
    return ExitCode.DONE
