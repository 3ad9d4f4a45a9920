"""The legs of one attempt: one, or several phones that ring together for one offer.

The group is one attempt with one outcome. It is taken by the leg that accepts first: by answering, or, where a key is
asked for, by pressing it; each leg that answers is asked on its own, while the others ring on. All other legs are then
let go, which their journal entries call `elsewhere`. When every leg has failed, the attempt's outcome is the failure
that came nearest to a sale, in the order of `NEAREST`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from trunkline.engine.calls.digits import KeyStep
from trunkline.engine.calls.outcomes import AttemptOutcome
from trunkline.engine.routing.offer import Ring
from trunkline.events.calls import LegEnded
from trunkline.kernel.clock import Instant

NEAREST = (
    AttemptOutcome.NOT_ACCEPTED,
    AttemptOutcome.BUSY,
    AttemptOutcome.DECLINED,
    AttemptOutcome.NO_ANSWER,
    AttemptOutcome.FAILED,
    AttemptOutcome.TIMEOUT,
)
"""Of several failures the one that counts: what people did before what machines said, silence last."""
ELSEWHERE = "elsewhere"
"""How a leg has ended that was let go because another one took the call."""


class Phase(Enum):
    """Where one leg stands."""

    RINGING = "ringing"
    KEYING = "keying"
    ASKED = "asked"
    CHOOSING = "choosing"
    TAKEN = "taken"
    OVER = "over"


def leg_name(attempt: str, number: int) -> str:
    """The name of an attempt's leg in the drivers, the registry and the journal: the first bears the attempt's own."""
    return attempt if number == 0 else f"{attempt}.{number + 1}"


def dials_of(ring: Ring) -> tuple[str, ...]:
    """What is dialled for one attempt, by number of the leg."""
    return (ring.dial, *ring.also_dial)


class Leg:
    """One leg. `due_ns` is when its phase ends by itself, `tag` what it hears, `heard` whether it heard that whole.

    `holds`: it has put us on hold. `steps` are the keys still to be sent to it, `over_at` when it had done ringing:
    over, or taken.
    """

    __slots__ = (
        "due_ns",
        "heard",
        "holds",
        "number",
        "outcome",
        "over_at",
        "phase",
        "reason",
        "sip_status",
        "steps",
        "tag",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.phase = Phase.RINGING
        self.due_ns: int | None = None
        self.steps: tuple[KeyStep, ...] = ()
        self.tag = 0
        self.heard = False
        self.holds = False
        self.outcome: str | None = None
        self.reason: str | None = None
        self.sip_status: int | None = None
        self.over_at: Instant | None = None

    def end(self, outcome: str, now: Instant, reason: str | None = None, sip_status: int | None = None) -> None:
        """The leg is over."""
        self.phase, self.due_ns, self.over_at = Phase.OVER, None, now
        self.outcome, self.reason, self.sip_status = outcome, reason, sip_status


class Legs:
    """All legs of one attempt. `taken` is the one that took the call."""

    __slots__ = ("_all", "_dials", "taken")

    def __init__(self, ring: Ring) -> None:
        self._dials = dials_of(ring)
        self._all = [Leg(number) for number in range(len(self._dials))]
        self.taken: Leg | None = None

    def ring_until(self, due_ns: int) -> None:
        """All legs ring from now on, at most until then."""
        for leg in self._all:
            leg.due_ns = due_ns

    def open(self, number: int) -> Leg | None:
        """A leg that is not over."""
        leg = self._all[number] if number < len(self._all) else None
        return None if leg is None or leg.phase is Phase.OVER else leg

    def all_open(self) -> list[Leg]:
        """Every leg that is not over."""
        return [leg for leg in self._all if leg.phase is not Phase.OVER]

    def hearing(self, tag: int) -> Leg | None:
        """The leg that hears what is played under `tag`."""
        return next((leg for leg in self._all if tag and leg.tag == tag and leg.phase is not Phase.OVER), None)

    def next_ns(self) -> int | None:
        """The monotonic nanosecond at which the first leg's phase ends by itself."""
        if len(self._all) == 1:
            return self._all[0].due_ns
        return min((leg.due_ns for leg in self._all if leg.due_ns is not None), default=None)

    def due(self, now_ns: int) -> list[Leg]:
        """The legs whose phase ends by now."""
        return [leg for leg in self._all if leg.due_ns is not None and leg.due_ns <= now_ns]

    @property
    def asking(self) -> bool:
        """Whether a leg has answered and does not have the call yet."""
        return any(leg.phase in (Phase.KEYING, Phase.ASKED, Phase.CHOOSING) for leg in self._all)

    def take(self, winner: Leg, now: Instant) -> list[Leg]:
        """One leg has the call; the others that were let go for it."""
        self.taken = winner
        winner.phase, winner.due_ns, winner.over_at = Phase.TAKEN, None, now
        others = [leg for leg in self.all_open() if leg is not winner]
        for leg in others:
            leg.end(ELSEWHERE, now)
        return others

    def nearest(self) -> Leg:
        """When all have failed: the leg whose failure is the attempt's."""
        return min(self._all, key=lambda leg: _distance(leg.outcome))

    def ended(self, outcome: AttemptOutcome, rang_at: Instant | None, now: Instant) -> tuple[LegEnded, ...] | None:
        """How each leg of a group has ended, for the journal; None for a single leg, whose end is the attempt's."""
        if len(self._all) == 1:
            return None
        for leg in self.all_open():
            leg.end(outcome, leg.over_at or now, sip_status=200 if leg is self.taken else None)
        return tuple(_told(zip(self._dials, self._all, strict=True), rang_at))


def _distance(outcome: str | None) -> int:
    return next((place for place, each in enumerate(NEAREST) if each == outcome), len(NEAREST))


def _told(legs: Iterable[tuple[str, Leg]], rang_at: Instant | None) -> Iterable[LegEnded]:
    for dial, leg in legs:
        assert leg.outcome is not None
        assert leg.over_at is not None
        ring_ms = None if rang_at is None else leg.over_at.ms_since(rang_at)
        yield LegEnded(dial, leg.outcome, leg.reason, leg.sip_status, ring_ms)
