"""Draws from a Beta distribution, from a given source of chance.

With both parameters above 1.01: algorithm BB of Cheng, Generating Beta Variates with Nonintegral Shape Parameters, CACM
21 (1978). It proposes a variate whose odds have a logistic logarithm and takes it with the right chance.
Otherwise a Beta variate is X / (X + Y) of two Gamma variates. Gamma: Marsaglia and Tsang, A Simple Method for
Generating Gamma Variables, ACM TOMS 26 (2000); normal variates by Marsaglia's polar method, SIAM Review 6 (1964).
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Protocol


class Chance(Protocol):
    """A source of chance."""

    def unit(self) -> float:
        """A number strictly between 0 and 1, every one equally likely."""
        ...


def draw_beta(alpha: float, beta: float, chance: Chance) -> float:
    """A draw from Beta(alpha, beta), in [0, 1]. Both parameters are above 0 and one of them at least 0.1."""
    if alpha > 1.01 and beta > 1.01:  # nearer to 1 its constants are a difference of almost equal numbers
        return _cheng(alpha, beta, chance)
    one = _gamma(alpha, chance)
    other = _gamma(beta, chance)
    whole = one + other
    return one / whole if whole > 0.0 else alpha / (alpha + beta)


def _cheng(alpha: float, beta: float, chance: Chance) -> float:
    low, high = (alpha, beta) if alpha < beta else (beta, alpha)
    whole = alpha + beta
    scale = sqrt((whole - 2.0) / (2.0 * low * high - whole))
    shift = low + 1.0 / scale
    unit = chance.unit
    while True:
        u, v = unit(), unit()
        logit = scale * log(u / (1.0 - u))
        odds = low * exp(logit)
        z = u * u * v
        r = shift * logit - _LOG_4
        s = low + r - odds
        if s + _LOG_5_AND_1 >= 5.0 * z or r + whole * log(whole / (high + odds)) >= log(z):
            return (odds if low == alpha else high) / (high + odds)


_LOG_4 = log(4.0)
_LOG_5_AND_1 = log(5.0) + 1.0


def _gamma(shape: float, chance: Chance) -> float:
    """A draw from Gamma(shape, 1)."""
    if shape < 1.0:  # Gamma(shape) is Gamma(shape + 1) times a uniform variate to the power 1/shape
        return float(_gamma(shape + 1.0, chance) * chance.unit() ** (1.0 / shape))
    d = shape - 1.0 / 3.0
    c = 1.0 / sqrt(9.0 * d)
    while True:
        x = _normal(chance)
        v = 1.0 + c * x
        if v <= 0.0:
            continue
        v = v * v * v
        u = chance.unit()
        square = x * x
        if u < 1.0 - 0.0331 * square * square or log(u) < 0.5 * square + d * (1.0 - v + log(v)):
            return d * v


def _normal(chance: Chance) -> float:
    while True:
        x = 2.0 * chance.unit() - 1.0
        y = 2.0 * chance.unit() - 1.0
        s = x * x + y * y
        if 0.0 < s < 1.0:
            return x * sqrt(-2.0 * log(s) / s)
