"""The highest rate that a side carries cleanly: both sides climb the same rungs by turns, each until it falls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.load.round import Round

RUNGS = (50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 700, 800, 1000)
RUNGS_LONG = (*range(50, 400, 25), *range(400, 600, 50), *range(600, 1001, 100))
TRIES = 2
"""A rung is held when one try is clean: neighbours on the machine spoil a run, but never make one."""


def climb(
    names: Sequence[str], rungs: Sequence[int], attempt: Callable[[str, int], Round]
) -> tuple[Mapping[str, Round], list[Round]]:
    """The highest clean round of every side that had one, and all rounds that were made."""
    highest: dict[str, Round] = {}
    rounds: list[Round] = []
    climbing = list(names)
    for rung in rungs:
        for name in tuple(climbing):
            for _ in range(TRIES):
                rounds.append(attempt(name, rung))
                if rounds[-1].clean:
                    highest[name] = rounds[-1]
                    break
            else:
                climbing.remove(name)
    return highest, rounds
