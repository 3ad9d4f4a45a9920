"""Calls that a rule of their trunk refuses: the same caller too soon, or too many calls of one caller.

Such a call is on record like any other, but nothing is done for it: no seat, no audio port, no attempt, no contact.
Its whole life is one transaction, and the refusal waits until that is on disk.
"""

from __future__ import annotations

import asyncio
from typing import Any

from trunkline.config.lookup import Dialled
from trunkline.config.trunks import Trunk
from trunkline.engine.calls.outcomes import CallOutcome
from trunkline.events.calls import CallBlocked, CallEnded, CallReceived
from trunkline.events.entry import Entry
from trunkline.events.sealing import contact_hash
from trunkline.kernel.clock import Instant
from trunkline.switch.plant import Plant
from trunkline.switch.repeats import Repeats
from trunkline.switch.trunk_load import TrunkLoad
from trunkline.telephony.sip.callers import Caller

SAME_CALLER = "same_caller"
CALLER_LIVE = "caller_live"
"""The reasons that `call.blocked` gives."""
STATUS = 486


class Blocking:
    """Judges callers by the rules of the trunk they come by, and refuses those that it blocks."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._repeats = Repeats()

    def judge(
        self, trunk: Trunk, load: TrunkLoad, caller: str | None, number: str, call_id: str, now: Instant
    ) -> str | None:
        """Why the call of `caller` (E.164, None when withheld: never blocked) is blocked, None when it is not."""
        if caller is None:
            return None
        if trunk.max_live_per_caller is not None and load.live_of(caller) >= trunk.max_live_per_caller:
            return CALLER_LIVE
        seconds = trunk.same_caller_seconds
        if seconds and self._repeats.again(caller, number, call_id, seconds, now.mono_ns):
            return SAME_CALLER
        return None

    def let_through(self, trunk: Trunk, caller: str | None, number: str, call_id: str, now: Instant) -> None:
        """The call is taken: another one of the same two, soon, would be blocked."""
        if caller is not None and trunk.same_caller_seconds:
            self._repeats.let_through(caller, number, call_id, now.mono_ns)

    def block(self, leg: int, trunk: Trunk, dialled: Dialled, claimed: Caller, reason: str, now: Instant) -> None:
        """Put the call into the journal and then refuse it; 503 when the journal does not take it."""
        plant = self._plant
        written = plant.write(self._entries(trunk, dialled, claimed, reason, now), finishing=False)
        assert written is not None, "there are events to write"

        def refuse(done: asyncio.Future[Any]) -> None:
            kept = not done.cancelled() and done.exception() is None
            status = trunk.response_for(STATUS) if kept else 503
            plant.sip.endpoint.reject(leg, status, plant.sip.now())
            plant.sip.flush()

        written.add_done_callback(refuse)
        plant.metrics.calls.labels(CallOutcome.BLOCKED).inc()

    def _entries(self, trunk: Trunk, dialled: Dialled, claimed: Caller, reason: str, now: Instant) -> list[Entry]:
        account, number, caller = dialled.account.account.key, dialled.number, claimed.id
        call = self._plant.ids.make("call", now.utc_ms)
        contact = call
        if caller.number is not None:
            contact = contact_hash(self._plant.contact_secret, account, caller.number)
        received = CallReceived(
            account=account,
            call=call,
            at_ms=now.utc_ms,
            number=number.number,
            campaign=number.campaign,
            publisher=number.publisher,
            source=number.source,
            caller=caller.number,
            caller_given=caller.given,
            trunk=trunk.key,
            snapshot=self._plant.world.snapshot.digest,
            attestation=claimed.attestation,
            attested_by=claimed.attested_by,
            diverted_from=claimed.diverted_from,
        )
        ended = CallEnded(
            account=account,
            call=call,
            at_ms=now.utc_ms,
            outcome=CallOutcome.BLOCKED,
            reason=reason,
            ended_by="system",
            duration_ms=0,
            not_converted="not_connected",
            not_paid="blocked",
        )
        blocked = CallBlocked(account=account, call=call, at_ms=now.utc_ms, reason=reason)
        return [Entry(event, contact) for event in (received, blocked, ended)]
