"""Everything that live calls share: the stores, the drivers, the clock, the numbers that are measured."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.capacity.memory import MemoryCapacity
from trunkline.events.changes import Change
from trunkline.events.entry import Entry, Position
from trunkline.journal.store import Journal
from trunkline.kernel.clock import Instant
from trunkline.kernel.ids import Ids
from trunkline.media.port import Media
from trunkline.outbound.client import HttpClient
from trunkline.sip.hops import Hop
from trunkline.switch.bidding.desk import BiddingDesk
from trunkline.switch.contacts import Contacts
from trunkline.switch.facts import FactBoard
from trunkline.switch.geo import Geo
from trunkline.switch.health import Health
from trunkline.switch.history import Histories
from trunkline.switch.leads.claims import Claims
from trunkline.switch.leads.desk import LeadDesk
from trunkline.switch.leads.held import HeldLeads
from trunkline.switch.leads.idempotency import Posts
from trunkline.switch.leads.keys import KeyRing
from trunkline.switch.leads.publishers import Publishers
from trunkline.switch.leads.resale import Resales
from trunkline.switch.lists import Lists
from trunkline.switch.metrics import Metrics
from trunkline.switch.outbox import OutboxCount
from trunkline.switch.pings.calls import CallBook
from trunkline.switch.pings.desk import PingDesk
from trunkline.switch.presence import Presence
from trunkline.switch.queues import Queues
from trunkline.switch.returns import Returns
from trunkline.switch.trunk_load import TrunkLoads
from trunkline.switch.world import World
from trunkline.telephony.sip.dial import Undiallable, destination
from trunkline.telephony.sip.driver import SipDriver
from trunkline.telephony.sip.names import Asked, Names, Unresolved
from trunkline.telephony.sip.registrations import Registrations

if TYPE_CHECKING:
    from trunkline.switch.reload import Reloader

log = logging.getLogger("trunkline.switch")


HTTP_KEPT_S = 90.0
"""Longer than any post may take."""
SOON_S = 0.1
"""How long a change that nobody waits for waits for company on its way to the disk."""


class Plant:
    """Wired once at start. `world` is replaced by a reload; calls keep the one they began with."""

    _soon: tuple[Change, ...] = ()

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
        resolver: Asked,
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
        self.names = Names(resolver, self.chance)
        self.facts = FactBoard()
        self.lists = Lists(data, self.facts)
        self.health = Health(self)
        self.geo = Geo(data, metrics)
        self.loads = TrunkLoads()
        self.queues = Queues(loop)
        self.presence = Presence(self)
        self.keys = KeyRing()
        self.contacts = Contacts()
        self.histories = Histories()
        self.returns = Returns(self)
        self.outbox = OutboxCount()
        self.listeners: dict[str, tuple[str, int]] = {}
        self.publishers = Publishers(self.keys, clock)
        self.claims = Claims(self)
        self.leads = LeadDesk(self)
        self.held = HeldLeads(self)
        self.resales = Resales(self)
        self.posts = Posts(data)
        self.pings = PingDesk(self)
        self.called = CallBook(self, self.pings)
        self.http = HttpClient(world.snapshot.platform.outbound.allow_networks)
        self._networks = world.snapshot.platform.outbound.allow_networks
        self._retired: dict[HttpClient, asyncio.Task[None]] = {}
        self.bidding = BiddingDesk(self)
        self.sip: SipDriver  # set when the listener is open
        self.registrations: Registrations  # likewise
        self.reloader: Reloader  # likewise

    async def hops_of(self, proxy: str) -> tuple[Hop, ...]:
        """The servers behind a trunk's proxy, the one to try first. Raises Undiallable."""
        _, place = destination(proxy)
        try:
            return await self.names.resolve(place)
        except Unresolved as error:
            raise Undiallable("dns", str(error)) from error

    def use_networks(self, networks: Sequence[str]) -> None:
        """Ask over HTTP nobody outside the internet but these. What is being asked goes on for `HTTP_KEPT_S`."""
        if tuple(networks) == tuple(self._networks):
            return
        before, self.http, self._networks = self.http, HttpClient(networks), tuple(networks)
        self._retired[before] = self.loop.create_task(self._retire(before))

    async def _retire(self, client: HttpClient) -> None:
        await asyncio.sleep(HTTP_KEPT_S)
        await client.close()
        del self._retired[client]

    async def close_http(self) -> None:
        """Close all connections to whom we ask."""
        for client, retiring in [*self._retired.items()]:
            retiring.cancel()
            await client.close()
        await self.http.close()

    def chance(self, limit: int) -> int:
        """A random whole number from 0 up to, but without, `limit`; close enough to uniform to share out calls."""
        return int.from_bytes(self.entropy(4)) % limit

    def write(
        self,
        entries: Sequence[Entry],
        changes: Sequence[Change] = (),
        *,
        finishing: bool = True,
        patient: bool = False,
    ) -> asyncio.Future[Position] | None:
        """Put into the journal, in one transaction, the events, the changes, and what has changed of seats since.

        None when there is nothing of all that. When it cannot be kept, that is reported, and the seats are written
        with whatever is written next. `finishing` is False for what begins something new, `patient` is True when
        nobody waits for it to be durable (see `Journal.append`).
        """
        seats = self.capacity.take_changes()
        if not (entries or changes or seats or self._soon):
            return None
        soon, self._soon = self._soon, ()
        future = self.journal.append(entries, [*soon, *seats, *changes], finishing=finishing, patient=patient)

        def look(done: asyncio.Future[Position]) -> None:
            if not done.cancelled() and (error := done.exception()) is not None:
                log.error("the journal did not keep an event: %s", error)
                self.capacity.put_back(seats)
                self._soon = (*soon, *self._soon)

        future.add_done_callback(look)
        return future

    def write_soon(self, change: Change) -> None:
        """Change a state table with whatever is written next, `SOON_S` from now at the latest.

        For what nobody waits for and a crash may forget: that a leg is over, which its peer then says once more.
        """
        if not self._soon:
            self.loop.call_later(SOON_S, self._write_patiently)
        self._soon = (*self._soon, change)

    def _write_patiently(self) -> None:
        """Write what has been kept for company and did not find any."""
        if self._soon:
            self.write((), patient=True)
