"""The servers of the host names in targets and proxies, asked for ahead of the calls that need them.

An answer is used for as long as it says, within bounds, and asked for again before that time is over. When nobody
answers then, the old one is used for an hour more: servers move seldom, and resolvers fail sooner than carriers. That
there is no such server is remembered for half a minute.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from trunkline.sip.hops import Hop
from trunkline.telephony.sip.resolver import Found, NoServers
from trunkline.telephony.sip.servers import Chance, Place, Server, hop_of, in_order

log = logging.getLogger("trunkline.sip")

NAMES_MAX = 10_000
LOOKUPS_AT_ONCE = 8
"""Names asked for at once ahead of calls."""
MISSING_S = 30.0
"""How long it is remembered that an address stands for no server."""
UNANSWERED_S = 5.0
"""The same when nobody has answered: calls do not wait for that once more."""
STALE_S = 3600.0
"""How long an answer is used beyond its time while nobody gives another."""
AHEAD_S = 10.0
"""How long before its end an answer is asked for again, at most; a fifth of its time when that is less."""
LOOK_S = 1.0


class Unresolved(Exception):
    """The name stands for no server, as far as anybody says."""


class Asked(Protocol):
    """Whoever knows what names stand for."""

    async def look_up(self, place: Place) -> Found:
        """The servers of a place. Raises NoServers."""
        ...


class _Known(msgspec.Struct, frozen=True):
    """Monotonic seconds: until when it is used, and from when it is asked for again."""

    servers: tuple[Server, ...]
    until_s: float
    again_s: float


class Names:
    """What is known. `chance` draws among equal servers, for each call anew."""

    def __init__(self, resolver: Asked, chance: Chance) -> None:
        self._resolver = resolver
        self._chance = chance
        self._known: dict[Place, _Known] = {}
        self._missing: dict[Place, tuple[float, str]] = {}

    def servers(self, place: Place) -> tuple[Hop, ...] | None:
        """The hops of a place in the order in which one call tries them; None when its name must be asked for."""
        if place.literal:
            return (hop_of(place, place.host),)
        known = self._known.get(place)
        if known is None or known.until_s + STALE_S < time.monotonic():
            return None
        return in_order(known.servers, self._chance)

    def all_servers(self, place: Place) -> tuple[Hop, ...]:
        """The hops of a place in no order; none when its name must be asked for."""
        if place.literal:
            return (hop_of(place, place.host),)
        known = self._known.get(place)
        return () if known is None else tuple(hop for server in known.servers for hop in server.hops)

    async def resolve(self, place: Place) -> tuple[Hop, ...]:
        """The same, asked for when it is not known. Raises Unresolved."""
        found = self.servers(place)
        if found is not None:
            return found
        missing = self._missing.get(place)
        if missing is not None and missing[0] > time.monotonic():
            raise Unresolved(missing[1])
        await self._ask(place)
        found = self.servers(place)
        assert found is not None, "an answer lives longer than a moment"
        return found

    async def _ask(self, place: Place) -> None:
        try:
            found = await self._resolver.look_up(place)
        except NoServers as error:
            if error.known:
                self._known.pop(place, None)
            self._make_room(self._missing)
            kept_s = MISSING_S if error.known else UNANSWERED_S
            self._missing[place] = (time.monotonic() + kept_s, str(error))
            raise Unresolved(str(error)) from error
        self._missing.pop(place, None)
        self._make_room(self._known)
        now_s = time.monotonic()
        ahead_s = min(AHEAD_S, found.ttl_s / 5)
        self._known[place] = _Known(found.servers, now_s + found.ttl_s, now_s + found.ttl_s - ahead_s)

    def _make_room(self, kept: dict[Place, _Known] | dict[Place, tuple[float, str]]) -> None:
        if len(kept) >= NAMES_MAX:
            kept.clear()

    async def keep_fresh(self, places: Callable[[], Collection[Place]]) -> None:
        """Ask for all of `places` whenever it is time, so that no call has to wait for it. Until cancelled."""
        tried_s: dict[Place, float] = {}
        while True:
            now_s = time.monotonic()
            due = [place for place in places() if self._due(place, now_s) and tried_s.get(place, 0.0) <= now_s]
            if due:
                await self.refresh(due)
                tried_s = {
                    place: time.monotonic() + MISSING_S / 2 for place in due if self._due(place, time.monotonic())
                }
            await asyncio.sleep(LOOK_S)

    def _due(self, place: Place, now_s: float) -> bool:
        known, missing = self._known.get(place), self._missing.get(place)
        if known is not None:
            return known.again_s <= now_s
        return missing is None or missing[0] <= now_s

    async def refresh(self, places: Collection[Place]) -> None:
        """Ask for all of `places`, some at once: a name that gets no answer, or fails otherwise, holds up no other."""
        waiting = iter(places)

        async def ask_in_turn() -> None:
            for place in waiting:
                try:
                    await self._ask(place)
                except Unresolved as error:
                    log.warning("%s", error)
                except Exception:
                    log.exception("an error of ours while the servers of %s were asked for", place)

        await asyncio.gather(*(ask_in_turn() for _ in range(min(LOOKUPS_AT_ONCE, len(places)))))
