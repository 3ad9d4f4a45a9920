"""The buyers' legs of one live call: made ready, rung, answered, let go."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from trunkline.engine.calls import inputs as i
from trunkline.engine.routing.offer import Ring
from trunkline.events.changes import LegDrop, LegPut, StoredLeg
from trunkline.journal.errors import JournalUnavailable
from trunkline.kernel.errors import TrunklineError
from trunkline.media.errors import BadRemote
from trunkline.sip import sdp
from trunkline.sip.errors import LocalSipError, RemoteSipError
from trunkline.switch.description import Description
from trunkline.switch.farewells import ELSEWHERE, farewell
from trunkline.switch.legs import BuyerLeg
from trunkline.switch.registry import Whose
from trunkline.switch.sessions import remote_media
from trunkline.telephony.sip.dial import Shown, Undiallable, Way, invite_to, srtp_of, ways_to

if TYPE_CHECKING:
    from trunkline.switch.livecall import LiveCall

log = logging.getLogger("trunkline.calls")


class Buyers:
    """All attempts' legs of one call that are not over: for each attempt one, or those of its group by number."""

    def __init__(self, call: LiveCall) -> None:
        self._call = call
        self._plant = call.plant
        self._attempts: dict[str, tuple[BuyerLeg, ...]] = {}
        self._dialled = False

    def get(self, attempt: str, number: int = 0) -> BuyerLeg | None:
        """A leg that was not let go."""
        legs = self._attempts.get(attempt)
        return None if legs is None or legs[number].gone else legs[number]

    def prepare(self, attempt: str, ring: Ring) -> None:
        """Make the INVITEs, and keep what identifies them with what is written next."""
        rings = [ring, *(msgspec.structs.replace(ring, dial=dial) for dial in ring.also_dial)]
        legs = self._attempts[attempt] = tuple(BuyerLeg(attempt, number, each) for number, each in enumerate(rings))
        for leg in legs:
            self._prepare(leg)

    def _prepare(self, leg: BuyerLeg) -> None:
        self._call.registry.media[leg.media] = Whose(self._call, leg.attempt, leg.number)
        self._plant.metrics.live_legs.inc()
        try:
            way = ways_to(leg.ring, self._call.world.trunks)[0]
        except Undiallable as error:
            log.error("%s: %s", leg.media, error)
            leg.failure = error.reason
            return
        host = self._plant.names.address(way.hop.host)
        if host is not None:
            self._make_invite(leg, way, host)
        else:
            leg.resolving = self._plant.loop.create_task(self._resolve(leg, way))

    async def _resolve(self, leg: BuyerLeg, way: Way) -> None:
        """Find the target's address while the offer becomes durable, then go on as if it had been known."""
        news: i.Input | None = None
        try:
            await self._make_late_invite(leg, way)
            if leg.wanted and not leg.gone:
                news = self._launch(leg)
        except Exception:
            log.exception("%s cannot be rung", leg.media)
            leg.invite, leg.failure = None, "internal_error"
            if leg.wanted and not leg.gone:
                news = i.BuyerUnreachable(leg.attempt, leg.failure, leg.number)
        leg.resolving = None
        self._call.tell(news)

    async def _make_late_invite(self, leg: BuyerLeg, way: Way) -> None:
        """Make the INVITE when the address is found; done when what identifies it is durable, as the offer is."""
        try:
            host = await self._plant.names.resolve(way.hop.host)
        except Undiallable as error:
            leg.failure = error.reason
            return
        if leg.gone:
            return  # nobody wants it any more
        self._make_invite(leg, way, host)
        saved = self._call.save()
        if saved is None:
            return
        try:
            await saved
        except JournalUnavailable:  # which is in the log already
            leg.invite, leg.failure = None, "journal"

    def _make_invite(self, leg: BuyerLeg, way: Way, host: str) -> None:
        plant, context = self._plant, self._call.machine.context
        try:
            local = plant.media.open(leg.media, context.call)
            session = int.from_bytes(plant.entropy(4))
            leg.description = Description(local, session, srtp_of(way), plant.entropy)
            first = self._call.caller.codec
            body = leg.description.offer((first, *(name for name in sdp.CODECS if name != first)))
            leg.description.said(body)
            shown = Shown(context.caller, context.number)
            login = None if way.trunk is None else self._call.world.logins.ours.get(way.trunk.key)
            target = invite_to(leg.ring, way, host, shown, plant.sip.public, body, login)
            leg.invite = plant.sip.endpoint.prepare(target)
        except LocalSipError as error:
            log.error("target of %s cannot be dialled: %s", leg.media, error)
            leg.failure = "bad_address"
        except TrunklineError as error:
            log.error("%s: %s", leg.media, error.message)
            leg.failure = "no_media"
        else:
            self._keep(leg, msgspec.json.encode(leg.invite.identifiers()), confirmed=False)

    def _keep(self, leg: BuyerLeg, identifiers: bytes, *, confirmed: bool) -> None:
        context = self._call.machine.context
        stored = StoredLeg(
            leg=leg.media,
            account=context.account,
            call=context.call,
            contact=context.contact,
            attempt=leg.attempt,
            confirmed=confirmed,
            identifiers=identifiers,
        )
        self._call.keep(LegPut(stored))

    def ring(self, attempt: str) -> list[i.Input]:
        """Send the INVITEs; what came of each, nothing yet of those whose target's address is being looked up."""
        news: list[i.Input] = []
        for leg in self._attempts[attempt]:
            if leg.resolving is not None:
                leg.wanted = True
            else:
                news.append(self._launch(leg))
        return news

    def _launch(self, leg: BuyerLeg) -> i.Input:
        if leg.invite is None:
            return i.BuyerUnreachable(leg.attempt, leg.failure or "bad_address", leg.number)
        leg.sip = self._plant.sip.endpoint.launch(leg.invite, self._plant.sip.now())
        self._call.registry.sip[leg.sip] = Whose(self._call, leg.attempt, leg.number)
        took_ns = time.perf_counter_ns() - self._call.routing_ns
        if not self._dialled:
            self._dialled = True
            self._plant.metrics.post_dial.observe(took_ns / 1e9)
        return i.Dialled(leg.attempt, took_ns // 1000, leg.number)

    def answered(self, attempt: str, number: int, body: bytes | None) -> i.Input | None:
        """The buyer's 2xx is there: agree on the audio. What the machine is to be told."""
        leg = self.get(attempt, number)
        if leg is None or leg.sip is None or leg.description is None:
            return None
        try:
            self._plant.media.connect(leg.media, remote_media(leg.description.accept(body)))
        except (RemoteSipError, BadRemote) as error:
            log.warning("%s: %s", leg.media, error)
            return i.BuyerUnreachable(attempt, "no_common_audio", number)
        identifiers = msgspec.json.encode(self._plant.sip.endpoint.identifiers(leg.sip))
        self._keep(leg, identifiers, confirmed=True)
        return i.BuyerAnswered(attempt, number)

    def ended(self, attempt: str, number: int) -> None:
        """The SIP core has ended the leg, or its peer has: there is nothing left to hang up."""
        leg = self.get(attempt, number)
        if leg is not None:
            leg.ended = True

    def drop(self, attempt: str, number: int, *, elsewhere: bool) -> None:
        """Let one leg of a group go, whatever its state."""
        leg = self.get(attempt, number)
        if leg is not None:
            self._let_go(leg, ELSEWHERE if elsewhere else None)

    def hang_up(self, attempt: str, reason: str | None = None) -> None:
        """Let all legs of the attempt go, whatever their state; `reason` is a code."""
        for leg in self._attempts.pop(attempt, ()):
            if not leg.gone:
                self._let_go(leg, farewell(reason))

    def _let_go(self, leg: BuyerLeg, reason: str | None) -> None:
        leg.gone = True
        if leg.sip is None:
            self._call.keep(LegDrop(leg.media))
        elif not leg.ended:
            self._plant.sip.endpoint.hangup(leg.sip, self._plant.sip.now(), reason)
        self._plant.metrics.live_legs.dec()
        if leg.description is None:
            self._call.registry.lose(leg.media)
        else:
            self._call.registry.part(leg.media)
        self._plant.media.close(leg.media)

    def hang_up_all(self) -> None:
        """Let every leg go."""
        for attempt in tuple(self._attempts):
            self.hang_up(attempt)
