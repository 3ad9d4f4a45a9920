"""One caller's attributes while the call goes on: fixed at arrival, added to by the flow, read by criteria."""

from __future__ import annotations

from trunkline.config.criteria import Node
from trunkline.config.hours import Hours
from trunkline.config.schema import AccountConfig
from trunkline.engine.routing.attributes import Origin, derive
from trunkline.engine.routing.criteria import holds
from trunkline.engine.routing.hours import is_open
from trunkline.engine.routing.offer import Attribute
from trunkline.engine.routing.values import Known, Types
from trunkline.kernel.clock import Instant

_SAME_DIGITS = {"geo.zip": ("geo.zip3",)}
"""What is derived from an attribute by repeating some of its digits."""


class CallerProfile:
    """What is known of one caller. `zone` is where hours without a zone of their own are read.

    `types` are those of the account's router, which have the criteria of flows ready when one call has asked them.
    """

    __slots__ = ("_latest", "_latest_s", "_origin", "_sensitive", "_stated", "_types", "_zone")

    def __init__(self, account: AccountConfig, origin: Origin, zone: str, types: Types | None = None) -> None:
        self._origin = origin
        self._zone = zone
        self._types = types or Types(account.campaigns)
        self._stated: dict[str, Attribute] = {}
        self._sensitive: set[str] = set()
        self._latest: dict[str, Attribute] = {}
        self._latest_s = -1

    def learn(self, attribute: str, value: str, basis: str, *, sensitive: bool = False) -> None:
        """Take what the caller said or the flow decided. Sensitive values decide like others but are never stored."""
        self._stated[attribute] = Attribute(value, basis)
        self._latest_s = -1
        if sensitive:
            self._sensitive.update((attribute, *_SAME_DIGITS.get(attribute, ())))

    def attributes(self, now: Instant) -> dict[str, Attribute]:
        """All that is known at `now`. Not to be changed: it is given again while nothing is learned."""
        now_s = now.utc_ms // 1000  # what changes with time does so with whole minutes
        if self._latest_s != now_s:
            self._latest = derive(self._origin, self._stated, now.utc_ms)
            self._latest_s = now_s
        return self._latest

    def holds(self, criteria: Node, now: Instant) -> bool:
        """Whether the criteria are true."""
        return holds(criteria, Known(self.attributes(now), self._types), self._types)

    def is_open(self, hours: Hours, zone: str | None, now: Instant) -> bool:
        """Whether the hours are open in `zone`, else in the campaign's or account's."""
        return is_open(hours, zone or self._zone, now.utc_ms)

    def stored(self, now: Instant) -> tuple[dict[str, str], dict[str, str]]:
        """What may be stored of it: attribute to value, and attribute to how it is known.

        What has only probabilities is left out: it follows from the area code, which is stored.
        """
        known = {
            name: value
            for name, value in self.attributes(now).items()
            if name not in self._sensitive and not value.chances
        }
        return {name: each.value for name, each in known.items()}, {name: each.basis for name, each in known.items()}
