"""What a flow knows of the caller, and the two questions it asks of the routing rules."""

from __future__ import annotations

from typing import Protocol

from trunkline.config.criteria import Node
from trunkline.config.hours import Hours
from trunkline.kernel.clock import Instant


class FlowFacts(Protocol):
    """The caller's attributes while a flow runs; criteria and hours are judged by the rules that routing uses."""

    def learn(self, attribute: str, value: str, basis: str, *, sensitive: bool = False) -> None:
        """Set what the caller said (basis `ivr`) or the flow decided (`set`); sensitive values are never stored."""
        ...

    def holds(self, criteria: Node, now: Instant) -> bool:
        """Whether the criteria are true (not false, not unknown)."""
        ...

    def is_open(self, hours: Hours, zone: str | None, now: Instant) -> bool:
        """Whether `now` lies in the hours, in `zone` or else the campaign's or account's."""
        ...
