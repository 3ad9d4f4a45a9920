"""Everything that live calls share: the stores, the drivers, the clock, the numbers that are measured."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trunkline.capacity.memory import MemoryCapacity
from trunkline.journal.store import Journal
from trunkline.kernel.clock import Instant
from trunkline.kernel.ids import Ids
from trunkline.media.port import Media
from trunkline.switch.metrics import Metrics
from trunkline.switch.world import World
from trunkline.telephony.sip.dial import Names
from trunkline.telephony.sip.driver import SipDriver

log = logging.getLogger("trunkline.switch")


def observe(future: asyncio.Future[Any]) -> None:
    """Look at an append that nobody waits for, so that its error is reported, once."""
    if not future.cancelled() and (error := future.exception()) is not None:
        log.error("the journal did not keep an event: %s", error)


class Plant:
    """Wired once at start. `world` is replaced by a reload; calls keep the one they began with."""

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], Instant],
        entropy: Callable[[int], bytes],
        data: Path,
        contact_secret: bytes,
        world: World,
        journal: Journal,
        capacity: MemoryCapacity,
        media: Media,
        metrics: Metrics,
    ) -> None:
        self.loop = loop
        self.clock = clock
        self.entropy = entropy
        self.ids = Ids(entropy)
        self.data = data
        self.contact_secret = contact_secret
        self.world = world
        self.journal = journal
        self.capacity = capacity
        self.media = media
        self.metrics = metrics
        self.names = Names()
        self.contacts: dict[tuple[str, str, str], int] = {}
        self.sip: SipDriver  # set when the listener is open
