"""From what a closed leg counted to the event that keeps it, and to the metrics."""

from __future__ import annotations

from trunkline.codec.quality import estimate
from trunkline.events.calls import LegMeasured
from trunkline.events.entry import Entry
from trunkline.media.port import LegStats
from trunkline.switch.plant import Plant
from trunkline.switch.registry import Whose


def keep(plant: Plant, whose: Whose, stats: LegStats) -> None:
    """Write how a leg's audio was, in company and without waiting. Of a leg that nothing came from there is nothing."""
    if not stats.packets_in:
        return
    event = measured(whose, stats, plant.clock().utc_ms)
    if event.mos is not None:
        plant.metrics.mos.labels(event.side).observe(event.mos)
    plant.write([Entry(event, whose.call.machine.context.contact)], patient=True)


def measured(whose: Whose, stats: LegStats, at_ms: int) -> LegMeasured:
    """The event of a leg's statistics."""
    context, reported = whose.call.machine.context, stats.peer_reports > 0
    lost = max(stats.lost, 0)
    received_there = max(stats.packets_out - stats.peer_lost, 0)
    return LegMeasured(
        account=context.account,
        call=context.call,
        at_ms=at_ms,
        side="caller" if whose.attempt is None else "buyer",
        attempt=whose.attempt,
        mos=estimate(stats.packets_in, lost, stats.jitter_ms, stats.round_trip_ms),
        peer_mos=estimate(received_there, stats.peer_lost, stats.peer_jitter_ms, stats.round_trip_ms)
        if reported
        else None,
        packets_in=stats.packets_in,
        packets_out=stats.packets_out,
        lost=lost,
        late=stats.late_or_duplicate,
        dropped=stats.foreign + stats.other_stream + stats.invalid + stats.unauthenticated,
        jitter_ms=round(stats.jitter_ms, 1),
        round_trip_ms=None if stats.round_trip_ms is None else round(stats.round_trip_ms, 1),
        peer_lost=stats.peer_lost if reported else None,
        peer_jitter_ms=round(stats.peer_jitter_ms, 1) if reported else None,
        encrypted=stats.encrypted,
    )
