"""What a call has begun in the journal and not ended yet: what is still to be written if its machine fails.

It goes by what was written, as the belief of a machine that has failed is worth nothing.
"""

from __future__ import annotations

from trunkline.engine.calls.context import CallContext
from trunkline.engine.calls.outcomes import AttemptOutcome, CallOutcome
from trunkline.events.calls import AttemptEnded, CallEnded, OfferReserved, RecordingEnded
from trunkline.kernel.clock import Instant

REASON = "internal_error"


class Unfinished:
    """One call's open attempt, whether it is `connected`, its open recordings (id to path), whether it has `ended`."""

    __slots__ = ("attempt", "connected", "ended", "files")

    def __init__(self) -> None:
        self.attempt: OfferReserved | None = None
        self.connected = False
        self.ended = False
        self.files: dict[str, str] = {}

    def ends(self, context: CallContext, now: Instant) -> list[AttemptEnded | RecordingEnded | CallEnded]:
        """The end that each of them gets by an error of ours; what has an end already gets no second one."""
        account, call, at_ms = context.account, context.call, now.utc_ms
        ends: list[AttemptEnded | RecordingEnded | CallEnded] = []
        if self.attempt is not None:
            outcome = AttemptOutcome.CONNECTED if self.connected else AttemptOutcome.FAILED
            attempt = self.attempt.attempt
            ends.append(
                AttemptEnded(account=account, call=call, at_ms=at_ms, attempt=attempt, outcome=outcome, reason=REASON)
            )
        for recording, path in self.files.items():
            ends.append(
                RecordingEnded(
                    account=account,
                    call=call,
                    at_ms=at_ms,
                    recording=recording,
                    path=path,
                    duration_ms=0,
                    error=REASON,
                )
            )
        if not self.ended:
            ends.append(
                CallEnded(
                    account=account,
                    call=call,
                    at_ms=at_ms,
                    outcome=CallOutcome.FAILED,
                    reason=REASON,
                    ended_by="system",
                    duration_ms=0,
                )
            )
        return ends
