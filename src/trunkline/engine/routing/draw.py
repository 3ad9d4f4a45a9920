"""Chance that repeats: the same seed gives the same draws on every machine and in every run.

The generator is splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014); all
arithmetic is on integers, so no platform's floating point can move a draw.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1
_COUNTED_OFF_MAX = 12
"""So many bits are sooner counted off one by one than found by halving."""
_GAMMA = 0x9E3779B97F4A7C15
_UNIT = 1 / (1 << 53)


def mix(value: int) -> int:
    """Spread the bits of a 64-bit number."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def text_hash(text: str) -> int:
    """64-bit FNV-1a of the text's UTF-8 bytes."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & _MASK
    return value


class Draws:
    """A sequence of draws of its own for each (seed, name): what one tier draws does not move what another does."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, name_hash: int) -> None:
        value = (seed ^ name_hash) & _MASK  # as `mix`, without a call
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
        self._state = value ^ (value >> 31)

    def below(self, bound: int) -> int:
        """A number in [0, bound), every one equally likely; `bound` is at least 1."""
        assert 0 < bound <= 1 << 64
        while True:
            value = self._state = (self._state + _GAMMA) & _MASK
            value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK  # as `mix`, without a call
            value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
            value ^= value >> 31
            # Whole multiples of `bound` only, so that none is likelier; the first look is enough nearly always.
            if value <= _MASK - bound or value < (1 << 64) - (1 << 64) % bound:
                return value % bound

    def unit(self) -> float:
        """A number strictly between 0 and 1, every one of 2^53 equally likely."""
        value = self._state = (self._state + _GAMMA) & _MASK
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK  # as `mix`, without a call: drawn by the hundred
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
        return (((value ^ (value >> 31)) >> 11) + 0.5) * _UNIT


def nth_set_bit(mask: int, nth: int) -> int:
    """The position of the `nth` (from 0) set bit of `mask`, counted from the lowest."""
    assert 0 <= nth < mask.bit_count()
    if nth < _COUNTED_OFF_MAX:
        for _ in range(nth):
            mask &= mask - 1
        return (mask & -mask).bit_length() - 1
    base, width = 0, mask.bit_length()
    while width > 1:
        half = width >> 1
        low = mask & ((1 << half) - 1)
        count = low.bit_count()
        if nth < count:
            mask, width = low, half
        else:
            nth -= count
            mask >>= half
            base += half
            width -= half
    return base
