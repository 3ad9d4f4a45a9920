"""`trunkline doctor`: is this machine able to run a switch, and what to do if not.

Each check looks at one thing, changes nothing that stays, and answers with a `Finding`. A switch makes the checks that
matter to it again when it starts; this command makes all of them at once and before.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import resource
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import trunkline
from trunkline.engine.geo.tables import area_code_table
from trunkline.journal.outbox import outbox
from trunkline.journal.reader import JournalReader
from trunkline.journal.schema import JOURNAL_FILE
from trunkline.journal.sqlite import VERSION, sqlite_version_problem
from trunkline.journal.store import MIN_FREE_MB
from trunkline.kernel.errors import ExitCode, TrunklineError
from trunkline.switch.geo_store import GeoStore
from trunkline.switch.options import DEFAULT_RTP_PORTS, Address, parse_address, parse_ports
from trunkline.worker.projections.plan import VIEWS
from trunkline.worker.projections.status import status_of

SUMMARY: Final = "check whether this machine is able to run a switch, and say what to do if not"

PYTHON_VERSION_MIN: Final = (3, 11)
OTHER_FILES: Final = 256
"""Open files a switch needs besides its RTP sockets: journal, recordings, HTTP connections."""
NETWORK_FILE_SYSTEMS: Final = frozenset({"9p", "afs", "ceph", "cifs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs"})
"""File systems without the shared memory and locks that SQLite's WAL mode rests on."""
BEHIND_MAX: Final = 10_000
"""Events that the views may lack of the journal before it is worth a word: seconds of a worker's time."""
LATE_MS: Final = 10 * 60_000
"""How long a lead may be due in the outbox before it is worth a word."""
CLOCK_TOLERANCE: Final = timedelta(days=1)

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw; `hint` says what to do when it is not ok."""

    check: str
    status: Status
    message: str
    hint: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The listeners are given as they would be to `switch`."""
    parser.add_argument("--data", metavar="DIR", type=Path, default=Path("data"), help="data folder (default: data)")
    parser.add_argument("--min-free-mb", metavar="N", type=int, default=MIN_FREE_MB, help="default: %(default)s")
    parser.add_argument("--sip", metavar="HOST:PORT", help="is this port free for UDP and TCP?")
    parser.add_argument("--http", metavar="HOST:PORT", help="is this TCP port free?")
    parser.add_argument("--admin", metavar="HOST:PORT", help="is this TCP port free?")
    parser.add_argument("--rtp", metavar="HOST:MIN-MAX", help="are there enough open files for these ports?")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Make all checks; exit 0 when none failed, 3 otherwise. A warning is no failure."""
    findings = list(examine(args))
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.status:<4}  {finding.check:<12} {finding.message}")
            if finding.hint:
                print(f"      {'':<12} -> {finding.hint}")
    failed = any(finding.status == "fail" for finding in findings)
    return ExitCode.ENVIRONMENT if failed else ExitCode.DONE


def examine(args: argparse.Namespace) -> Iterator[Finding]:
    """All findings for the arguments of `add_arguments`, in the order in which a person would fix them."""
    listeners = [
        (kind, flag, parse_address(value, flag))
        for kind, flag, value in (
            (socket.SOCK_DGRAM, "--sip", args.sip),
            (socket.SOCK_STREAM, "--sip", args.sip),
            (socket.SOCK_STREAM, "--http", args.http),
            (socket.SOCK_STREAM, "--admin", args.admin),
        )
        if value is not None
    ]
    rtp_ports = DEFAULT_RTP_PORTS if args.rtp is None else parse_ports(args.rtp, "--rtp")[1]
    yield check_python(sys.version_info[:3])
    yield check_sqlite(VERSION)
    yield check_zones()
    yield check_clock(datetime.now(UTC), newest_source())
    yield check_data_folder(args.data)
    yield check_file_system(args.data, Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace"))
    yield check_free_space(shutil.disk_usage(nearest_folder(args.data)).free // 2**20, args.min_free_mb)
    yield check_journal(args.data)
    yield check_views(args.data)
    yield check_outbox(args.data, time.time_ns() // 1_000_000)
    yield check_geo(args.data)
    yield check_voice(shutil.which("flite"))
    yield check_open_files(resource.getrlimit(resource.RLIMIT_NOFILE), rtp_ports)
    for kind, flag, address in listeners:
        yield check_port(kind, flag, address)


def check_python(version: tuple[int, ...]) -> Finding:
    """Is the interpreter new enough?"""
    text = ".".join(map(str, version))
    if version < PYTHON_VERSION_MIN:
        return Finding("python", "fail", f"Python {text} is too old", "install Python 3.11 or newer, remove .venv")
    return Finding("python", "ok", f"Python {text}")


def check_sqlite(version: tuple[int, ...]) -> Finding:
    """Is the journal's SQLite one that cannot lose what it has written?"""
    problem = sqlite_version_problem(version)
    if problem is not None:
        hint = "on x86_64 remove .venv and start ./trunkline again; elsewhere see docs/decisions/0005"
        return Finding("sqlite", "fail", problem, hint)
    return Finding("sqlite", "ok", f"SQLite {'.'.join(map(str, version))}")


def check_zones() -> Finding:
    """Is the time zone database there? Hours and limits are judged by it."""
    try:
        ZoneInfo("America/Chicago")
    except ZoneInfoNotFoundError:
        return Finding(
            "zones", "fail", "there is no time zone database", "pip install tzdata, or apt-get install tzdata"
        )
    return Finding("zones", "ok", "time zone database found")


def newest_source() -> datetime:
    """When the newest of our own files was written: no later now can be before it."""
    files = Path(trunkline.__file__).parent.glob("*.py")
    return datetime.fromtimestamp(max(file.stat().st_mtime for file in files), UTC)


def check_clock(now: datetime, written: datetime) -> Finding:
    """Is the clock behind the files of this very program?"""
    if now < written - CLOCK_TOLERANCE:
        hint = "set the clock and keep it by NTP: hours, caps and bills follow it"
        return Finding("clock", "fail", f"the clock says {now:%Y-%m-%d %H:%M} UTC, and that is past", hint)
    return Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def nearest_folder(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    absolute = path.absolute()
    return next(folder for folder in (absolute, *absolute.parents) if folder.is_dir())


def check_data_folder(data: Path) -> Finding:
    """May we create files there, force them to disk and lock them?"""
    folder = nearest_folder(data)
    if data.exists() and not data.is_dir():
        return Finding("data", "fail", f"{data} is a file", "name a folder with --data")
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"trunkline")
            probe.flush()
            os.fsync(probe.fileno())
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        hint = f"give this user the right to write there, or name another folder with --data (errno {error.errno})"
        return Finding("data", "fail", f"{folder}: {error.strerror}", hint)
    there = "writable" if folder == data.absolute() else f"will be created in {folder}"
    return Finding("data", "ok", f"{data}: {there}; files can be locked")


def check_file_system(data: Path, mounts: str) -> Finding:
    """Does the folder lie on a local disk? `mounts` is the text of /proc/self/mounts."""
    folder = nearest_folder(data).resolve()
    kind, longest = "unknown", -1
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        # The kernel writes a blank in a path as \040.
        point = Path(fields[1].replace("\\040", " "))
        if folder.is_relative_to(point) and len(point.parts) >= longest:
            kind, longest = fields[2], len(point.parts)
    if kind in NETWORK_FILE_SYSTEMS:
        hint = "SQLite's WAL mode needs a local disk: name a folder on one with --data"
        return Finding("file system", "fail", f"{folder} lies on {kind}", hint)
    return Finding("file system", "ok", kind)


def check_free_space(free_mb: int, free_mb_min: int) -> Finding:
    """Would a switch take calls, as far as the disk goes?"""
    if free_mb < free_mb_min:
        hint = "make room, or lower --min-free-mb: below it a switch answers new calls with 503"
        return Finding("disk", "fail", f"{free_mb} MB free, {free_mb_min} MB wanted", hint)
    if free_mb < 4 * free_mb_min:
        return Finding(
            "disk", "warn", f"{free_mb} MB free", "an hour of recording takes about 115 MB for each live call"
        )
    return Finding("disk", "ok", f"{free_mb} MB free")


def check_journal(data: Path) -> Finding:
    """Is every row of the journal what was written? Reads all of it: about a second for a hundred thousand events."""
    if not (data / JOURNAL_FILE).exists():
        return Finding("journal", "ok", "none yet")
    try:
        with JournalReader(data) as reader:
            verified = reader.verify()
    except TrunklineError as error:
        return Finding("journal", "fail", error.message, error.hint)
    return Finding("journal", "ok", f"{verified.events} events, none changed; last hash {verified.last_hash}")


def check_views(data: Path) -> Finding:
    """Are the tables for reports up with the journal, or is somebody bringing them up?"""
    if not (data / JOURNAL_FILE).exists() or not (data / VIEWS.file).exists():
        return Finding("views", "ok", "none yet")
    try:
        status = status_of(data, VIEWS)
    except TrunklineError as error:
        return Finding("views", "fail", error.message, error.hint)
    if status.seq is None:
        hint = "a worker makes them anew when it starts: ./trunkline worker --data DIR"
        return Finding("views", "warn", f"the tables are not of this journal and version {status.version}", hint)
    where = f"version {status.version}, up to event {status.seq}, {status.behind} behind"
    if status.behind > BEHIND_MAX:
        hint = "start one: ./trunkline worker --data DIR" if status.worker is None else "it is catching up, or too slow"
        who = "no worker is running" if status.worker is None else f"worker: process {status.worker}"
        return Finding("views", "warn", f"{where}; {who}", hint)
    return Finding("views", "ok", where)


def check_outbox(data: Path, now_ms: int) -> Finding:
    """Do leads that count as accepted reach their buyers?"""
    if not (data / JOURNAL_FILE).exists():
        return Finding("outbox", "ok", "none yet")
    try:
        with outbox(data) as reader:
            counts, due_ms = reader.counts(), reader.oldest_due_ms()
    except TrunklineError as error:
        return Finding("outbox", "fail", error.message, error.hint)
    where = f"{counts['waiting']} leads wait to be sent, {counts['dead']} could not be"
    if due_ms is not None and due_ms < now_ms - LATE_MS:
        late = f"{where}; the first for {(now_ms - due_ms) // 60_000} minutes"
        return Finding("outbox", "warn", late, "is a worker running, with the secrets of the configuration?")
    if counts["dead"]:
        return Finding("outbox", "warn", where, f"./trunkline dead-letters list --data {data} says why")
    return Finding("outbox", "ok", where)


def check_geo(data: Path) -> Finding:
    """Can what was imported of the numbering plan be read again?"""
    try:
        overlay = GeoStore(data).load()
    except TrunklineError as error:
        return Finding("geo", "fail", error.message, error.hint)
    imported = f"with import {overlay.version}" if overlay.version else "nothing imported"
    return Finding("geo", "ok", f"tables of {area_code_table().date}, {imported}")


def check_voice(flite: str | None) -> Finding:
    """Can texts of `say` be spoken?"""
    if flite is None:
        hint = "sudo apt-get install -y flite; uploaded prompts and the demo's own work without"
        return Finding("voice", "warn", "flite is not installed: new texts of `say` cannot be spoken", hint)
    return Finding("voice", "ok", flite)


def check_open_files(limits: tuple[int, int], rtp_ports: tuple[int, int]) -> Finding:
    """Do the open files of this user reach for every RTP and RTCP socket? `limits` is (soft, hard)."""
    soft, hard = limits
    wanted = OTHER_FILES + rtp_ports[1] - rtp_ports[0] + 1
    text = "unlimited" if soft == resource.RLIM_INFINITY else str(soft)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        reachable = hard == resource.RLIM_INFINITY or hard >= wanted
        hint = f"ulimit -n {wanted}" if reachable else f"raise the hard limit of {hard}, or give --rtp fewer ports"
        return Finding("open files", "warn", f"limit {text}, {wanted} needed when all ports are in use", hint)
    return Finding("open files", "ok", f"limit {text}, {wanted} needed")


def check_port(kind: socket.SocketKind, flag: str, address: Address) -> Finding:
    """Could a switch bind this port now?"""
    name = flag.removeprefix("--")
    transport = "UDP" if kind == socket.SOCK_DGRAM else "TCP"
    host, port = address
    where = f"{transport} {host}:{port}"
    try:
        for family, _, _, _, local in socket.getaddrinfo(host, port, type=kind):
            with socket.socket(family, kind) as probe:
                if kind == socket.SOCK_STREAM:
                    # As servers do: a port whose last connections linger in TIME_WAIT is free.
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(local)
    except OSError as error:
        hint = f"stop what uses it (ss -lnp | grep :{port} shows it), or give {flag} another address"
        return Finding(name, "fail", f"{where}: {error.strerror}", hint)
    return Finding(name, "ok", f"{where} is free")
