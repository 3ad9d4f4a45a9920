"""Free ports of loopback for programs that have to be told their ports beforehand."""

from __future__ import annotations

import os
import random
import socket
from collections import deque
from typing import Final

HOST: Final = "127.0.0.1"
LOWEST: Final = 10_000
HIGHEST: Final = 32_000
"""Below the range that systems hand out by themselves (32768 and up on Linux), so that nobody gets one in passing."""
LANES: Final = 2
"""Test processes that run side by side have ports of their own: what one has asked for, the other never takes."""
TRIES_MAX: Final = 500
TRIES_APART: Final = 250
"""Tries that keep off the blocks given last; large blocks leave no other place after a few."""
_GIVEN: Final[deque[tuple[str, range]]] = deque(maxlen=64)
"""The last blocks of this process: who got one may bind it only after somebody else has asked for another."""


class NoFreePorts(Exception):
    """No block of free ports of the wanted size was found."""


def free_block(count: int, host: str = HOST) -> int:
    """The first of `count` neighbouring UDP ports, even, that nobody has at this moment. Raises NoFreePorts.

    The start is drawn, so that test runs side by side seldom meet; who binds them later must still expect a loss.
    """
    draw = random.SystemRandom()
    lowest, highest = _lane(os.environ.get("PYTEST_XDIST_WORKER", ""))
    for tried in range(TRIES_MAX):
        first = draw.randrange(lowest, highest - count) & ~1
        block = range(first, first + count)
        if tried < TRIES_APART and any(given == host and _overlap(block, other) for given, other in _GIVEN):
            continue
        if _all_free(host, block):
            _GIVEN.append((host, block))
            return first
    raise NoFreePorts(f"no {count} free UDP ports in a row between {lowest} and {highest} of {host}")


def _lane(worker: str) -> tuple[int, int]:
    """The range of a worker of pytest-xdist (`gw0`, `gw1`, …); all ports where there are no workers."""
    if not worker:
        return LOWEST, HIGHEST
    width = (HIGHEST - LOWEST) // LANES
    lowest = LOWEST + int(worker.removeprefix("gw")) % LANES * width
    return lowest, lowest + width


def _overlap(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop


def _all_free(host: str, ports: range) -> bool:
    held: list[socket.socket] = []
    try:
        for port in ports:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            held.append(one)
            one.bind((host, port))
    except OSError:
        return False
    else:
        return True
    finally:
        for one in held:
            one.close()
