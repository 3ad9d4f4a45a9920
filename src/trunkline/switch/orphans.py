"""After a crash: calls that were cut are ended in the journal, and peers that still think they talk are told.

The state tables say what was open. Every open call gets its outcome `interrupted`, every open attempt likewise; what
was durably converted stays owed, nothing else becomes so. A leg whose dialog was durable is hung up with BYE, one
that was ringing is cancelled. Until its peer has answered, or a minute has passed, a leg keeps its seats: the buyer
may still be on the line. A peer that gives no answer keeps them for the whole minute, however soon we give it up, and
so does one that knows nothing to cancel: it may have answered the call in the moment of the crash. Seats of an attempt
without a leg to be told of are kept as long.

An INVITE that its peer wanted a password for has left more than once, and only the process that died knew which of its
tries was the last. Each gets a CANCEL; the one that is taken ends the leg.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Sequence

import msgspec

from trunkline.capacity.memory import RECOVERED_TTL_S
from trunkline.engine.calls.outcomes import AttemptOutcome, CallOutcome
from trunkline.events.calls import AttemptEnded, CallEnded, RecordingEnded
from trunkline.events.changes import CallDrop, Change, LegDrop, StoredCall, StoredLeg
from trunkline.events.entry import Entry
from trunkline.events.switch import OrphanEnded, SwitchRecovered
from trunkline.journal.recovery import RecoveredState
from trunkline.kernel.clock import SECOND, Instant
from trunkline.kernel.leases import Lease
from trunkline.media.recordings import length_ms, repair_if_there
from trunkline.sip.endpoint import LegIdentifiers
from trunkline.sip.errors import LocalSipError
from trunkline.switch.pings.book import is_seat
from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.switch")

_decode = msgspec.json.Decoder(LegIdentifiers).decode

AT_ONCE = 20
PAUSE_S = 0.1
"""How many peers are told at once, and how long until the next: 200 a second."""


class _Told:
    """A leg whose peer was told, the numbers of the SIP legs it was told in, and how the first of these ended."""

    __slots__ = ("leg", "method", "open", "silent")

    def __init__(self, leg: StoredLeg, method: str) -> None:
        self.leg = leg
        self.method = method
        self.open: set[int] = set()
        self.silent = False


class Orphans:
    """Legs of the process before this one."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._legs: dict[int, _Told] = {}
        self._leases: dict[str, str] = {}
        self._left: Counter[str | None] = Counter()  # legs of each attempt that are not known to be over
        self._silent: list[StoredLeg] = []
        self._waiting: deque[StoredLeg] = deque()
        # Before the leases are restored, so that they are let go before they could run out.
        self._kept_until_ns = plant.clock().mono_ns + RECOVERED_TTL_S * SECOND

    def __len__(self) -> int:
        return len({id(told) for told in self._legs.values()}) + len(self._waiting)

    async def end_calls(self, state: RecoveredState) -> None:
        """Write the ends of everything that was open, durably, before anything new begins."""
        leases = [lease for lease in state.leases if not lease.kept_until_ms and not is_seat(lease)]
        selling = sum(lead.held is None for lead in state.leads)
        if not (state.calls or state.legs or leases or selling):
            return
        plant, now = self._plant, self._plant.clock()
        entries: list[Entry] = []
        changes: list[Change] = []
        for lease in leases:
            # The INVITE may have left: an attempt with a durable offer and no durable end counts as attempted.
            plant.capacity.settle(lease.id, "attempt", now)
        recordings = 0
        for call in state.calls:
            recordings += self._end_call(call, now, entries)
            changes.append(CallDrop(call.call))
        entries.append(
            Entry(
                SwitchRecovered(
                    at_ms=now.utc_ms,
                    calls=sum(not call.ended for call in state.calls),
                    attempts=sum(call.attempt is not None for call in state.calls),
                    legs=len(state.legs),
                    recordings=recordings,
                    leads=selling,
                )
            )
        )
        written = plant.write(entries, changes)
        assert written is not None
        await written
        log.warning("ended %d calls and %d legs that a crash had left open", len(state.calls), len(state.legs))

    def _end_call(self, call: StoredCall, now: Instant, entries: list[Entry]) -> int:
        """Write the events that the call still lacks; how many recordings were looked after."""
        for recording, path in call.recordings:
            file = self._plant.data / path
            error = repair_if_there(file)
            length = 0 if error is not None else length_ms(file)
            entries.append(
                Entry(
                    RecordingEnded(
                        account=call.account,
                        call=call.call,
                        at_ms=now.utc_ms,
                        recording=recording,
                        path=path,
                        duration_ms=length,
                        error=error or "interrupted",
                    ),
                    call.contact,
                )
            )
        if call.ended:
            return len(call.recordings)
        if call.attempt is not None:
            entries.append(
                Entry(
                    AttemptEnded(
                        account=call.account,
                        call=call.call,
                        at_ms=now.utc_ms,
                        attempt=call.attempt,
                        outcome=AttemptOutcome.INTERRUPTED,
                        reason="crash",
                    ),
                    call.contact,
                )
            )
        entries.append(
            Entry(
                CallEnded(
                    account=call.account,
                    call=call.call,
                    at_ms=now.utc_ms,
                    outcome=CallOutcome.INTERRUPTED,
                    reason="crash",
                    ended_by="system",
                    duration_ms=0,
                ),
                call.contact,
            )
        )
        return len(call.recordings)

    def hang_up(self, legs: Sequence[StoredLeg], leases: Sequence[Lease]) -> None:
        """Tell the peers of all orphan legs, some at a time. All seats are held from here on, for a minute at most."""
        plant = self._plant
        self._leases = {lease.attempt: lease.id for lease in leases if not lease.kept_until_ms and not is_seat(lease)}
        if self._leases:
            wait_s = max(0, self._kept_until_ns - plant.clock().mono_ns) / SECOND
            plant.loop.call_later(wait_s, self._minute_over)
        self._left.update(leg.attempt for leg in legs)
        self._waiting.extend(legs)
        self._hang_up_some()

    def _hang_up_some(self) -> None:
        """A carrier that gets thousands of BYEs in one instant drops most of them, and bars their sender."""
        for _ in range(min(AT_ONCE, len(self._waiting))):
            self._hang_up(self._waiting.popleft())
        if self._waiting:
            self._plant.loop.call_later(PAUSE_S, self._hang_up_some)
        self._plant.write([], [])
        self._plant.sip.flush()

    def _hang_up(self, leg: StoredLeg) -> None:
        plant, endpoint = self._plant, self._plant.sip.endpoint
        if leg.identifiers is None:
            log.warning("leg %s of %s cannot be ended: what identifies it cannot be unsealed", leg.leg, leg.call)
            self._unknown(leg)
            return
        identifiers = _decode(leg.identifiers)
        if not leg.confirmed and not identifiers.outgoing:
            self._dropped(leg)
            return
        login = None if identifiers.login is None else plant.world.logins.ours.get(identifiers.login)
        told = _Told(leg, "BYE" if leg.confirmed else "CANCEL")
        try:
            if leg.confirmed:
                told.open = {endpoint.orphan_bye(identifiers, plant.sip.now(), login)}
            else:
                for each in identifiers.tries():
                    told.open.add(endpoint.orphan_cancel(each, plant.sip.now(), login))
        except LocalSipError as error:
            log.error("orphan leg %s cannot be ended: %s", leg.leg, error)
            self._unknown(leg)
            return
        self._legs.update(dict.fromkeys(told.open, told))

    def ended(self, number: int, status: int | None) -> None:
        """A peer has answered, or never will."""
        told = self._legs.pop(number, None)
        if told is None:
            return
        told.open.discard(number)
        told.silent = told.silent or status is None
        if status is None or _not_the_last_try(told.method, status):
            if told.open:
                return
            status = None if told.silent else status
        for other in told.open:
            del self._legs[other]
        plant, leg, method = self._plant, told.leg, told.method
        event = OrphanEnded(
            at_ms=plant.clock().utc_ms,
            account=leg.account,
            call=leg.call,
            leg=leg.leg,
            method=method,
            status=status,
        )
        seated = leg.attempt in self._leases
        unknown = status is None or (seated and _not_there_to_cancel(method, status))
        plant.metrics.orphans.labels("unknown" if unknown else "ended").inc()
        if unknown and seated:
            self._silent.append(leg)
            plant.write([Entry(event)], [])
            return
        self._left[leg.attempt] -= 1
        if self._left[leg.attempt] <= 0:
            self._release(leg.attempt)
        plant.write([Entry(event)], [LegDrop(leg.leg)])

    def _release(self, attempt: str | None) -> None:
        lease = self._leases.pop(attempt, None) if attempt is not None else None
        if lease is not None:
            self._plant.capacity.release(lease, self._plant.clock())

    def _minute_over(self) -> None:
        """Whoever has not answered by now will not be waited for any longer."""
        if self._leases:
            log.warning(
                "nobody has said that %d attempts of before the crash are over; their seats are free again",
                len(self._leases),
            )
        for attempt in tuple(self._leases):
            self._release(attempt)
        silent, self._silent = self._silent, []
        self._plant.write([], [LegDrop(leg.leg) for leg in silent])

    def _unknown(self, leg: StoredLeg) -> None:
        self._plant.metrics.orphans.labels("unknown").inc()
        self._dropped(leg)

    def _dropped(self, leg: StoredLeg) -> None:
        self._plant.write([], [LegDrop(leg.leg)])


def _not_the_last_try(method: str, status: int) -> bool:
    """Whether this is said of an INVITE that was never sent, or that was sent again with a password."""
    return method == "CANCEL" and status in (401, 407, 481)


def _not_there_to_cancel(method: str, status: int) -> bool:
    """Whether the peer may still be on the line after this answer.

    481 to a CANCEL is said of an INVITE that came to nothing and of one that was answered alike (RFC 3261 9.2); when
    its 2xx was not on disk yet, no dialog is known in which a BYE could be sent.
    """
    return method == "CANCEL" and status == 481
