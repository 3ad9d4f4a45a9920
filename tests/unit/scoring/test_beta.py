"""Draws have the distribution that they are said to have."""

from __future__ import annotations

from math import comb, sqrt

import pytest

from trunkline.engine.routing.draw import Draws, text_hash
from trunkline.engine.scoring.beta import draw_beta

pytestmark = pytest.mark.unit

DRAWS = 6_000


def sample(alpha: float, beta: float) -> list[float]:
    name = text_hash(f"{alpha} {beta}")
    return sorted(draw_beta(alpha, beta, Draws(seed, name)) for seed in range(DRAWS))


def below(x: float, alpha: int, beta: int) -> float:
    """P(Beta <= x) for whole parameters: at least alpha of alpha + beta - 1 uniform numbers are below x."""
    n = alpha + beta - 1
    return sum(comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(alpha, n + 1))


@pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (1, 9), (2, 7), (30, 70), (9, 1)])
def test_the_distribution_is_that_of_beta(alpha: int, beta: int) -> None:
    """Kolmogorov and Smirnov: the largest distance is below what one fair sample in a thousand exceeds."""
    drawn = sample(alpha, beta)
    distance = max(
        max(abs(below(x, alpha, beta) - n / DRAWS), abs(below(x, alpha, beta) - (n + 1) / DRAWS))
        for n, x in enumerate(drawn)
    )
    assert distance < 1.95 / sqrt(DRAWS)


@pytest.mark.parametrize(("alpha", "beta"), [(0.4, 7.6), (0.02, 8.0), (12.5, 3_000.25), (0.5, 0.5)])
def test_mean_and_variance_with_broken_parameters(alpha: float, beta: float) -> None:
    drawn = sample(alpha, beta)
    whole = alpha + beta
    mean, variance = alpha / whole, alpha * beta / (whole * whole * (whole + 1))
    found = sum(drawn) / DRAWS
    assert abs(found - mean) < 4 * sqrt(variance / DRAWS)
    spread = sum((x - found) ** 2 for x in drawn) / DRAWS
    assert 0.6 < spread / variance < 1.5
    assert 0.0 <= drawn[0] <= drawn[-1] <= 1.0


def test_the_same_seed_draws_the_same() -> None:
    assert draw_beta(0.7, 3.0, Draws(9, 4)) == draw_beta(0.7, 3.0, Draws(9, 4))
    assert draw_beta(0.7, 3.0, Draws(9, 4)) == pytest.approx(0.1322158697946213, rel=1e-12)
