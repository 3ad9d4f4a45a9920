"""House rules of the suite: every module says what it costs, property tests repeat exactly, CI skips nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

CATEGORIES = frozenset({"unit", "property", "integration", "peer", "acceptance"})

# Derandomized: the same inputs on every machine and every run. `--hypothesis-profile=explore` looks for new ones.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", deadline=None, database=None, max_examples=2000)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that belongs to no category, or to two."""
    refused = sorted(
        {item.nodeid.split("::")[0] for item in items if len(CATEGORIES & {m.name for m in item.iter_markers()}) != 1}
    )
    if refused:
        wanted = ", ".join(sorted(CATEGORIES))
        raise pytest.UsageError(
            f"no category: {', '.join(refused)}. Set `pytestmark = pytest.mark.<category>` at the head of the module, "
            f"with exactly one of {wanted}."
        )


def _skips_are_failures() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skipped test into a failed one in CI: what did not run proves nothing."""
    report = yield
    if _skips_are_failures() and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI runs everything: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """The same for a whole module that skips itself while it is imported."""
    report = yield
    if _skips_are_failures() and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, and CI runs everything: {report.longrepr}"
    return report
