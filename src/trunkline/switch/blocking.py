"""Calls that are refused before anything is done for them: by rules of their trunk, or by lists above the plan.

Such a call is on record like any other, but nothing is done for it: no seat, no audio port, no attempt, no contact.
Its whole life is one transaction, and the refusal waits until that is on disk.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from trunkline.config.lookup import Dialled
from trunkline.config.trunks import Trunk
from trunkline.engine.calls.outcomes import CallOutcome
from trunkline.engine.routing.reasons import Reason
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
LISTED_STATUS = 603
"""Declined, for good: another number would be of no use either."""


class Block(NamedTuple):
    """Why a call is refused, and by which status. `detail` names the level and the list."""

    reason: str
    detail: str | None = None
    status: int = STATUS


class Blocking:
    """Judges callers by the rules of the trunk they come by and by lists, and refuses those that it blocks."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._repeats = Repeats()

    def judge(
        self, trunk: Trunk, load: TrunkLoad, caller: str | None, number: str, call_id: str, now: Instant
    ) -> Block | None:
        """Why the call of `caller` (E.164, None when withheld: never blocked) is blocked, None when it is not."""
        if caller is None:
            return None
        if trunk.max_live_per_caller is not None and load.live_of(caller) >= trunk.max_live_per_caller:
            return Block(CALLER_LIVE)
        seconds = trunk.same_caller_seconds
        if seconds and self._repeats.again(caller, number, call_id, seconds, now.mono_ns):
            return Block(SAME_CALLER)
        return None

    def screen(self, dialled: Dialled, caller: str | None, now: Instant) -> Block | None:
        """Whether a list that stands above the plan keeps the caller away."""
        account, number = dialled.account.account.key, dialled.number
        router = self._plant.world.routers[account]
        facts = self._plant.facts.of(account)
        found = router.kept_away(number.campaign, number.publisher, number.number, caller, facts, now)
        return None if found is None else Block(Reason.SUPPRESSION.value, f"{found[0]}: {found[1]}", LISTED_STATUS)

    def let_through(self, trunk: Trunk, caller: str | None, number: str, call_id: str, now: Instant) -> None:
        """The call is taken: another one of the same two, soon, would be blocked."""
        if caller is not None and trunk.same_caller_seconds:
            self._repeats.let_through(caller, number, call_id, now.mono_ns)

    def block(self, leg: int, trunk: Trunk, dialled: Dialled, claimed: Caller, why: Block, now: Instant) -> None:
        """Put the call into the journal and then refuse it; 503 when the journal does not take it."""
        plant = self._plant
        written = plant.write(self._entries(trunk, dialled, claimed, why, now), finishing=False)
        assert written is not None, "there are events to write"

        def refuse(done: asyncio.Future[Any]) -> None:
            kept = not done.cancelled() and done.exception() is None
            status = trunk.response_for(why.status) if kept else 503
            plant.sip.endpoint.reject(leg, status, plant.sip.now())
            plant.sip.flush()

        written.add_done_callback(refuse)
        plant.metrics.calls.labels(CallOutcome.BLOCKED).inc()

    def _entries(self, trunk: Trunk, dialled: Dialled, claimed: Caller, why: Block, now: Instant) -> list[Entry]:
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
            reason=why.reason,
            ended_by="system",
            duration_ms=0,
            not_converted="not_connected",
            not_paid="blocked",
        )
        blocked = CallBlocked(account=account, call=call, at_ms=now.utc_ms, reason=why.reason, detail=why.detail)
        return [Entry(event, contact) for event in (received, blocked, ended)]
