"""What is known of one caller while its call goes on: from SIP, from the number, from the flow."""

from __future__ import annotations

from typing import Protocol

from trunkline.engine.flow.facts import FlowFacts
from trunkline.kernel.clock import Instant


class Profile(FlowFacts, Protocol):
    """The caller's attributes: written by the flow, read by criteria, stored with the call."""

    def stored(self, now: Instant) -> tuple[dict[str, str], dict[str, str]]:
        """What may be stored of it at `now`: attribute to value, and attribute to how it is known."""
        ...
