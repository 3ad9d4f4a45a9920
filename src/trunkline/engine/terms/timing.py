"""When the timers of frozen terms fire, in nanoseconds of the monotonic clock."""

from __future__ import annotations

from trunkline.engine.terms.terms import ConversionTerms, PayoutTerms
from trunkline.kernel.clock import MS, Instant


def conversion_due_ns(
    terms: ConversionTerms, incoming: Instant, dialled: Instant | None, connected: Instant
) -> int | None:
    """When the buyer of an attempt that has just connected owes, if the attempt lasts that long.

    A timer from `incoming` or `dial` that ran out before the buyer connected fires at connect. None when nothing
    that happens on this attempt from now on makes the buyer owe: it owed at the attempt, or another event decides.
    """
    if terms.event == "connect":
        return connected.mono_ns
    if terms.event != "duration":
        return None
    if terms.timer == "connect":
        start = connected
    else:
        start = incoming if terms.timer == "incoming" else dialled or connected
    return max(start.mono_ns + terms.after_ms * MS, connected.mono_ns)


def payout_due_ns(terms: PayoutTerms, connected: Instant) -> int | None:
    """When the publisher earns for an attempt that has just connected; None when another event decides."""
    if terms.event == "connect":
        return connected.mono_ns
    return connected.mono_ns + terms.after_ms * MS if terms.event == "duration" else None
