"""Random small accounts, in which every rule meets every other, decided by the naive reference of the tests too."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

from bench.load.machine import USABLE

_SLICES_A_CORE = 8


def compare_cases(count: int) -> int:
    """Decide the first `count` cases both ways, on all cores. Raises AssertionError where the answers differ."""
    slices = _SLICES_A_CORE * len(USABLE)
    bounds = [count * part // slices for part in range(slices + 1)]
    with ProcessPoolExecutor(len(USABLE)) as pool:
        return sum(pool.map(_compare_slice, bounds[:-1], bounds[1:]))


def _compare_slice(first: int, after: int) -> int:
    from tests.properties.routing.test_reference import compare

    for seed in range(first, after):
        compare(seed)
    return after - first
