"""How buyers behave in a simulation: who takes what is offered, after how long, and for how long they talk.

What was observed for a caller at a target counts before the model. The model's draws depend on the run's seed, the
caller's place in the traffic and the target, and on nothing else: two configurations that offer the same caller to the
same target see the same answer, so what differs between them is the configuration's doing.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from statistics import NormalDist

import msgspec

from trunkline.engine.routing.draw import Draws, text_hash
from trunkline.kernel.errors import UsageError

_NORMAL = NormalDist()
_FINE = 1 << 53
DURATION_S_MAX = 24 * 3600.0


class Spread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds whose logarithm is normally distributed: half are above `median`; with `sigma` 0 all are `median`."""

    median: float
    sigma: float = 0.0


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a target behaves; None: as the default does.

    `answer` is the share of offers that it takes, `busy` the share of the others that it refuses at once instead of
    letting them ring, `answer_s` the least and most seconds until it answers, `duration_s` how long it then talks;
    `bid` is what it bids in auctions, or `none`.
    """

    answer: float | None = None
    busy: float | None = None
    answer_s: tuple[float, float] | None = None
    duration_s: Spread | None = None
    bid: str | None = None


BUILT_IN = Model(answer=1.0, busy=0.0, answer_s=(2.0, 8.0), duration_s=Spread(120.0, 1.0))
"""What is assumed where a file says nothing."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What a target really did with a caller; None: not known, so the model says."""

    answered: bool | None = None
    answer_s: float | None = None
    duration_s: float | None = None


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What comes of one offer: taken or not, after how many milliseconds, and how many the call then lasts."""

    taken: bool
    after_ms: int
    duration_ms: int


class Behaviour:
    """How all targets behave. Raises UsageError when shares or durations are none."""

    def __init__(self, targets: Mapping[str, Model], default: Model, seed: int) -> None:
        base = _over(default, BUILT_IN)
        self._base = base
        self._models = {key: _over(model, base) for key, model in targets.items()}
        self._hashes: dict[str, int] = {}
        self._seed = seed
        for key, model in (("default", base), *self._models.items()):
            _check(key, model)

    @property
    def bids(self) -> dict[str, str]:
        """What targets usually bid, by target, of those of which that is said."""
        return {key: model.bid for key, model in self._models.items() if model.bid is not None}

    @property
    def named(self) -> frozenset[str]:
        """The targets that have a model of their own."""
        return frozenset(self._models)

    def reply(self, target: str, place: int, ring_s: int, observed: Observed | None) -> Reply:
        """What the target does with the caller at `place` in the traffic; `ring_s` is how long it is rung at most."""
        model = self._models.get(target, self._base)
        name = self._hashes.get(target)
        if name is None:
            name = self._hashes[target] = text_hash(target)
        draws = Draws(self._seed ^ (place << 1), name)
        chance, wait, talk = draws.below(_FINE) / _FINE, draws.below(_FINE) / _FINE, draws.below(_FINE) / _FINE
        assert model.answer is not None
        assert model.busy is not None
        assert model.answer_s is not None
        assert model.duration_s is not None
        taken = chance < model.answer
        answer_s: float | None = None
        duration_s: float | None = None
        if observed is not None:
            taken = taken if observed.answered is None else observed.answered
            answer_s, duration_s = observed.answer_s, observed.duration_s
        if not taken:
            rest = 1 - model.answer
            busy = (chance - model.answer) / rest < model.busy if rest > 0 and chance >= model.answer else False
            seconds = 0.0 if busy else float(ring_s) if answer_s is None else answer_s
            return Reply(False, int(1000 * min(seconds, ring_s)), 0)
        if answer_s is None:
            low, high = model.answer_s
            answer_s = low + wait * (high - low)
        if answer_s >= ring_s and (observed is None or observed.answered is None):
            return Reply(False, 1000 * ring_s, 0)  # it would have answered, but was not rung for so long
        if duration_s is None:
            duration_s = model.duration_s.median
            if model.duration_s.sigma > 0:
                duration_s *= exp(model.duration_s.sigma * _NORMAL.inv_cdf(max(talk, 1 / _FINE)))
        return Reply(True, int(1000 * answer_s), int(1000 * min(duration_s, DURATION_S_MAX)))


def _over(model: Model, base: Model) -> Model:
    return Model(
        **{
            name: getattr(base, name) if getattr(model, name) is None else getattr(model, name)
            for name in Model.__struct_fields__
        }
    )


def _check(key: str, model: Model) -> None:
    for name in ("answer", "busy"):
        share = getattr(model, name)
        if not 0 <= share <= 1:
            raise UsageError(f"{key}: {name} {share} is no share", hint="write a number from 0 to 1")
    assert model.answer_s is not None
    assert model.duration_s is not None
    low, high = model.answer_s
    if not 0 <= low <= high <= DURATION_S_MAX:
        raise UsageError(f"{key}: answer_s [{low}, {high}] is no time", hint="write [least, most] in seconds")
    if not (0 <= model.duration_s.median <= DURATION_S_MAX and 0 <= model.duration_s.sigma <= 10):
        raise UsageError(f"{key}: duration_s is no time", hint='write {"median": 110, "sigma": 0.9}')
