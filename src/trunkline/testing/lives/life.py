"""What the lives of calls and leads have in common: when, offers, and how a search ends."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from trunkline.events.calls import CallRouted, Converted, OfferReserved, Rejection, RoutingOutcome, Versions
from trunkline.kernel.money import Money

SOURCES: Final = ("search-tx", "fb-12", None)
_BUYERS: Final = tuple(f"buyer-{number}" for number in range(20))
_PUBLISHERS: Final = ("adwave", "leadflow", "northside")
_VERSIONS: Final = Versions("5" * 64, "none", "1.0")


class Life:
    """One call, lead or ping on its way."""

    def __init__(self, random: Random, name: str, at_ms: int) -> None:
        self._random = random
        self._name = name
        self._at_ms = at_ms
        self._attempts = 0
        self._campaign = random.choice(("injury", "storm"))
        self._publisher = random.choice(_PUBLISHERS)

    def _about(self, later_ms: int) -> dict[str, Any]:
        self._at_ms += later_ms
        return {"account": "acme", "call": self._name, "at_ms": self._at_ms}

    def _offer(self, offered: list[str], hop: int) -> OfferReserved:
        buyer = self._random.choice(_BUYERS)
        offered.append(f"plan.contract.{buyer}")
        self._attempts += 1
        name = f"att_{self._name.partition('_')[2]}{self._attempts}"
        return OfferReserved(
            **self._about(1),
            attempt=name,
            lease=f"lease_{name}",
            rank=len(offered),
            route=offered[-1],
            target=f"{buyer}-intake",
            buyer=buyer,
            tier="contract",
            method="priority",
            price=Money(self._random.randrange(1_000, 15_000), "USD"),
            conversion="duration:90",
            decision_us=self._random.randrange(8, 60),
            snapshot="5" * 64,
            hop=hop,
        )

    def _converted(self, offer: OfferReserved, later_ms: int, rule: str) -> Converted:
        return Converted(
            **self._about(later_ms),
            attempt=offer.attempt,
            buyer=offer.buyer,
            route=offer.route,
            amount=offer.price,
            rule=rule,
        )

    def _routed(self, outcome: RoutingOutcome, reason: str | None, offered: list[str], hop: int) -> CallRouted:
        others = [f"plan.contract.other-{number}" for number in range(self._random.randrange(8))]
        rejected = tuple(Rejection(route, route.rpartition(".")[2], "criteria") for route in others)
        return CallRouted(
            **self._about(0),
            plan="plan",
            seed=self._random.randrange(2**32),
            versions=_VERSIONS,
            routed_ms=1,
            outcome=outcome,
            reason=reason,
            offered=tuple(offered),
            rejected=rejected,
            hop=hop,
        )
