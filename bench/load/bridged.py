"""Bridged, recorded calls in the media backend, with callers who hear prompts beside them, under a load of RTP."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from bench.load.machine import LOAD_CORE, SERVER_CORE, cpu_s, pinned, stolen_s
from bench.load.rtp import FILLER, MARK, digits

from trunkline.codec import wav
from trunkline.codec.g711 import Law, encode
from trunkline.media.embedded.backend import EmbeddedMedia
from trunkline.media.port import MediaEvent, Prompt, Recorded, RemoteMedia
from trunkline.testing.ports import HOST, free_block

FRAME = 160
SETTLE_S = 0.4
ROOT = Path(__file__).resolve().parents[2]


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """What one round showed. Times in milliseconds; `gaps` are places in recordings where a frame is not behind the one
    before it; `core` is the share of one core that the media process used.
    """

    p50_ms: float
    p99_ms: float
    max_ms: float
    sent: int
    lost: int
    disordered: int
    prompts: int
    load_late_ms: float
    stolen_s: float
    gaps: int = 0
    frames: int = 0
    core: float = 0.0
    cpu_us_per_packet: float = 0.0


async def floor(streams: int, seconds: float) -> Passed:
    """The same packets with nothing between the parties: what the machine and the load itself take."""
    stolen = stolen_s()
    async with _load(streams, seconds) as (_, go):
        return _passed(await go(None), stolen)


async def ours(calls: int, prompted: int, seconds: float, folder: Path) -> Passed:
    """`calls` bridged and recorded calls on one core, and `prompted` callers who hear ringing tones without end."""
    ports = 2 * (2 * calls + prompted) + 2
    first = free_block(ports)
    media = EmbeddedMedia(HOST, HOST, first, first + ports - 1)
    events: list[MediaEvent] = []
    media.on_event = events.append
    with pinned(SERVER_CORE):
        await media.start()
    (child,) = media.pids()
    os.sched_setaffinity(child, {SERVER_CORE})
    try:
        async with _load(2 * calls, seconds) as (listening, go):
            destinations = _open(media, calls, prompted, listening, folder)
            await asyncio.sleep(SETTLE_S)
            before, stolen = cpu_s(child), stolen_s()
            figures = await go(destinations)
            used_s = cpu_s(child) - before
            passed = _passed(figures, stolen)
    finally:
        await media.stop()
    broken = [event for event in events if isinstance(event, Recorded) and event.error]
    gaps, frames = await asyncio.to_thread(_recorded, folder, calls)
    return msgspec.structs.replace(
        passed,
        gaps=gaps + len(broken),
        frames=frames,
        core=round(used_s / seconds, 2),
        cpu_us_per_packet=round(1e6 * used_s / passed.sent, 1),
    )


def _open(media: EmbeddedMedia, calls: int, prompted: int, listening: list[int], folder: Path) -> list[int]:
    """Open and join all legs; where each stream is to be sent."""
    destinations: list[int] = []
    for call in range(calls):
        for side in ("a", "b"):
            local = media.open(f"{call}{side}", f"call{call}")
            remote = RemoteMedia(HOST, listening[len(destinations) % len(listening)], "PCMU", 0, 101)
            media.connect(local.leg, remote)
            destinations.append(local.port)
        media.bridge(f"{call}a", f"{call}b")
        media.record(f"rec{call}", str(folder / f"{call}.wav"), f"{call}a", f"{call}b")
    for caller in range(prompted):
        local = media.open(f"prompted{caller}", f"prompted{caller}")
        media.connect(local.leg, RemoteMedia(HOST, listening[caller % len(listening)], "PCMU", 0, 101))
        media.play(local.leg, 1, [Prompt("ringback")], loop=True)
    return destinations


@asynccontextmanager
async def _load(streams: int, seconds: float) -> AsyncIterator[tuple[list[int], Any]]:
    """A load on the other core: the ports it listens on, and what starts it and gives its figures."""
    with pinned(LOAD_CORE):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.load.rtp",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        plan = {"host": HOST, "streams": streams, "seconds": seconds}
        process.stdin.write(json.dumps(plan).encode() + b"\n")
        listening: list[int] = json.loads(await process.stdout.readline())

        async def go(destinations: list[int] | None) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(destinations).encode() + b"\n")
            figures: dict[str, Any] = json.loads(await process.stdout.readline())
            return figures

        yield listening, go
    finally:
        if process.returncode is None:
            process.stdin.close()
            async with asyncio.timeout(10):
                await process.wait()


def _passed(figures: dict[str, Any], stolen_before_s: float) -> Passed:
    return Passed(
        p50_ms=round(figures["p50_ms"], 3),
        p99_ms=round(figures["p99_ms"], 3),
        max_ms=round(figures["max_ms"], 2),
        sent=figures["sent"],
        lost=figures["sent"] - figures["arrived"],
        disordered=figures["disordered"],
        prompts=figures["others"],
        load_late_ms=round(figures["load_late_ms"], 2),
        stolen_s=round(stolen_s() - stolen_before_s, 2),
    )


def _recorded(folder: Path, calls: int) -> tuple[int, int]:
    """Gaps and frames of all recordings: both channels of each must hold every frame behind the one before it."""
    gaps = frames = 0
    for call in range(calls):
        found = wav.parse((folder / f"{call}.wav").read_bytes())
        samples = memoryview(found.data).cast("h")
        for channel in range(2):
            codes = encode(Law.PCMU, samples[channel::2].tobytes())
            wrong, whole = gaps_of(codes, 2 * call + channel)
            gaps, frames = gaps + wrong, frames + whole
    return gaps, frames


def gaps_of(codes: bytes, stream: int) -> tuple[int, int]:
    """Where the recording of one stream is torn, and how many frames it holds. Nothing recorded is torn once."""
    mark = MARK + digits(stream, 2)
    at = codes.find(mark)
    if at < 0:
        return 1, 0
    gaps, frames = 0, 0
    frame = _number(codes[at + 6 : at + 9])
    while at + 9 <= len(codes) and codes[at : at + 6] == mark:
        if codes[at + 6 : at + 9] != digits(frame, 3) or codes[at + 9 : at + 20].strip(bytes([FILLER])):
            gaps += 1
            frame = _number(codes[at + 6 : at + 9])
        frame, frames, before = frame + 1, frames + 1, at
        at += FRAME
        if codes[at : at + 6] != mark and (later := codes.find(mark, before + 1)) >= 0:
            gaps, at = gaps + 1, later
            frame = _number(codes[at + 6 : at + 9])
    return gaps, frames


def _number(codes: bytes) -> int:
    return sum((code - 0x10 & 63) << 6 * place for place, code in enumerate(codes))
