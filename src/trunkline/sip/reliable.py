"""Reliable provisional responses of ours: RSeq, their repetition, the PRACK that ends it (RFC 3262 3).

One is open at a time; what is to be said meanwhile waits. A 2xx waits as well while one with a session description is
open, so that its answer cannot be overtaken. Without a PRACK in 64*T1 the call is refused with 504.
"""

from __future__ import annotations

import re
from collections import deque
from math import inf

from trunkline.sip.core import Core, ServerTx
from trunkline.sip.events import Ended, Reanswered, Reoffered
from trunkline.sip.hops import Hop
from trunkline.sip.legs import Leg, LegState, Trigger
from trunkline.sip.message import Request
from trunkline.sip.timers import T1

PRACK_WAIT = 64 * T1
QUEUE_MAX = 8
_RACK = re.compile(r"([0-9]{1,10})[ \t]+([0-9]{1,10})[ \t]+([A-Za-z0-9.!%*_+`'~-]+)")


class Reliable:
    """The reliable provisional responses of one leg, to the INVITE with the number `cseq`.

    All `_at` are monotonic seconds, inf when off.
    """

    __slots__ = (
        "answer", "cseq", "data", "deadline_at", "destination", "has_sdp", "interval_s", "open", "queue", "repeat_at",
        "required", "rseq",
    )  # fmt: skip

    def __init__(self, required: bool, rseq: int, cseq: int) -> None:
        self.required = required
        self.rseq = rseq
        self.cseq = cseq
        self.open = False
        self.has_sdp = False
        self.data = b""
        self.destination: Hop | None = None
        self.queue: deque[tuple[int, bytes | None]] = deque(maxlen=QUEUE_MAX)
        self.answer: bytes | None = None  # of a 2xx that waits for the PRACK
        self.interval_s = T1
        self.repeat_at = inf
        self.deadline_at = inf

    def next_timer(self) -> float:
        """When to repeat or give up, inf when nothing is open."""
        return min(self.repeat_at, self.deadline_at)

    def stop(self) -> None:
        """Repeat no more; a PRACK is still known."""
        self.repeat_at = self.deadline_at = inf


class Provisionals:
    """Sends provisional responses reliably and takes their PRACKs."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def begin(self, leg: Leg, invite: Request, required: bool) -> None:
        """Send the leg's provisional responses reliably from now on; the first RSeq is random (3)."""
        if leg.reliable is None:
            leg.reliable = Reliable(required, 1 + int.from_bytes(self._core.entropy(3)), invite.cseq.number)

    def send(self, leg: Leg, tx: ServerTx, status: int, sdp: bytes | None, lines: list[str], now: float) -> bool:
        """Send 101 to 199 reliably, or queue it; whether that was possible.

        Without an offer in the INVITE the first reliable response would have to make one (RFC 3261 13.2.1): one that
        has none is sent plainly, or not at all to a caller that takes no other.
        """
        reliable = leg.reliable
        assert reliable is not None
        if sdp is None and not leg.heard and not leg.exchanged:
            return reliable.required
        if reliable.open:
            if (status, sdp) not in reliable.queue:
                reliable.queue.append((status, sdp))
            return True
        reliable.rseq += 1
        extra = [*lines, "Require: 100rel", f"RSeq: {reliable.rseq}"]
        reliable.data = self._core.respond(tx, status, now, extra, sdp or b"")
        reliable.destination = tx.destination
        reliable.open, reliable.has_sdp = True, sdp is not None
        if sdp is not None:
            leg.said = sdp
        reliable.interval_s = T1
        reliable.repeat_at, reliable.deadline_at = now + T1, now + PRACK_WAIT
        return True

    def holds_answer(self, leg: Leg, sdp: bytes) -> bool:
        """Keep a 2xx back until the open response is acknowledged; whether it has to wait (3, 5)."""
        reliable = leg.reliable
        if reliable is None:
            return False
        if (reliable.open and reliable.has_sdp) or leg.reoffer_in is not None:
            reliable.answer = sdp
            return True
        reliable.stop()
        reliable.queue.clear()
        return False

    def fire(self, leg: Leg, now: float) -> None:
        """The open response is to be repeated, or given up with the call."""
        reliable = leg.reliable
        if reliable is None or reliable.next_timer() > now or leg.state != LegState.INCOMING:
            return
        if reliable.deadline_at <= now:
            invite = leg.invite_tx
            assert isinstance(invite, ServerTx)
            reliable.stop()
            self._core.counters["unacknowledged_provisionals"] += 1
            self._core.respond(invite, 504, now)
            self._core.move(leg, Trigger.REJECT)
            if not leg.cancelled:
                self._core.tell(Ended(leg.id, "PRACK", None, 504))
            self._core.gone(leg, now)
            return
        # Doubles without a cap, as the requests do (3).
        reliable.interval_s *= 2
        reliable.repeat_at = now + reliable.interval_s
        self._core.counters["retransmissions_out"] += 1
        assert reliable.destination is not None
        self._core.send(reliable.data, reliable.destination)

    def acknowledged(self, leg: Leg, tx: ServerTx, now: float) -> bool:
        """A PRACK came; whether it is the one that is waited for. What it answers or offers is told."""
        core, reliable, request = self._core, leg.reliable, tx.request
        if reliable is None or not reliable.open or not _acknowledges(request, reliable):
            core.counters["refused_prack"] += 1
            core.respond(tx, 481, now)
            return False
        reliable.open = False
        reliable.stop()
        sdp = request.sdp
        offered = reliable.has_sdp and not leg.exchanged and not leg.heard
        leg.exchanged = leg.exchanged or reliable.has_sdp
        if offered:
            leg.heard = sdp
            core.tell(Reanswered(leg.id, sdp))
        elif sdp is not None and leg.exchanged and leg.state == LegState.INCOMING and not leg.has_open_offer():
            leg.reoffer_in = tx
            core.tell(Reoffered(leg.id, sdp))
            return True
        core.respond(tx, 200, now)
        return True

    def take_waiting(self, leg: Leg) -> tuple[int, bytes | None] | None:
        """What may be sent now that nothing is open: a status and its description; 200 for the answer kept back."""
        reliable = leg.reliable
        if reliable is None or reliable.open or leg.reoffer_in is not None or leg.state != LegState.INCOMING:
            return None
        if leg.cancelled:
            return None  # its owner has been told, and will refuse it (RFC 3261 9.2)
        if reliable.answer is not None:
            answer, reliable.answer = reliable.answer, None
            return 200, answer
        return reliable.queue.popleft() if reliable.queue else None


def _acknowledges(request: Request, reliable: Reliable) -> bool:
    """Whether a PRACK names the open response, and the INVITE that it responded to (RFC 3262 3, 7.2)."""
    match = _RACK.fullmatch((request.header("RAck") or "").strip())
    if match is None:
        return False
    return (int(match.group(1)), int(match.group(2)), match.group(3)) == (reliable.rseq, reliable.cseq, "INVITE")
