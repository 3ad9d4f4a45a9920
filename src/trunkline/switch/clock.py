"""The one place that reads the clocks for the engine."""

from __future__ import annotations

import time

from trunkline.kernel.clock import Instant


def read_clock() -> Instant:
    """This moment on both clocks."""
    return Instant(time.monotonic_ns(), time.time_ns() // 1_000_000)
