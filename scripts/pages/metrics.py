"""The metrics, from the registry that a switch is started with."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from trunkline.switch.metrics import Metrics

_HEAD = """\
# Metrics

<!-- Made from `trunkline.switch.metrics` by `python -m scripts.pages`; edit that file, not this page. -->

What `/metrics` on the admin listener tells Prometheus. Counters begin at 0 with every start of the switch.

| metric | kind | labels | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"{row}\n" for row in _rows(Metrics()))


def _rows(metrics: Metrics) -> list[str]:
    found = [value for value in vars(metrics).values() if isinstance(value, Counter | Gauge | Histogram)]
    return [_row(metric) for metric in found]


def _row(metric: Counter | Gauge | Histogram) -> str:
    name = metric._name + ("_total" if isinstance(metric, Counter) else "")
    labels = " ".join(f"`{label}`" for label in metric._labelnames)
    return f"| `{name}` | {type(metric).__name__.lower()} | {labels} | {metric._documentation} |"
