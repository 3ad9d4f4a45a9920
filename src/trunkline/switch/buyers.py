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
from trunkline.switch.legs import BuyerLeg
from trunkline.switch.registry import Whose
from trunkline.switch.sessions import remote_media
from trunkline.telephony.sip.dial import Shown, Undiallable, Way, invite_to, srtp_of, ways_to

if TYPE_CHECKING:
    from trunkline.switch.livecall import LiveCall

log = logging.getLogger("trunkline.calls")


class Buyers:
    """All attempts' legs of one call that are not over, by attempt."""

    def __init__(self, call: LiveCall) -> None:
        self._call = call
        self._plant = call.plant
        self._legs: dict[str, BuyerLeg] = {}
        self._dialled = False

    def __contains__(self, attempt: str) -> bool:
        return attempt in self._legs

    def get(self, attempt: str) -> BuyerLeg | None:
        """The leg of an attempt that is not over."""
        return self._legs.get(attempt)

    def prepare(self, attempt: str, ring: Ring) -> None:
        """Make the INVITE, and keep what identifies it with what is written next."""
        leg = self._legs[attempt] = BuyerLeg(attempt, ring)
        self._call.registry.media[leg.media] = Whose(self._call, attempt)
        self._plant.metrics.live_legs.inc()
        try:
            way = ways_to(ring, self._call.world.trunks)[0]
        except Undiallable as error:
            log.error("attempt %s: %s", attempt, error)
            leg.failure = error.reason
            return
        host = self._plant.names.address(way.hop.host)
        if host is not None:
            self._make_invite(attempt, leg, way, host)
        else:
            leg.resolving = self._plant.loop.create_task(self._resolve(attempt, leg, way))

    async def _resolve(self, attempt: str, leg: BuyerLeg, way: Way) -> None:
        """Find the target's address while the offer becomes durable, then go on as if it had been known."""
        news: i.Input | None = None
        try:
            await self._make_late_invite(attempt, leg, way)
            if leg.wanted and attempt in self._legs:
                news = self._launch(attempt, leg)
        except Exception:
            log.exception("attempt %s cannot be rung", attempt)
            leg.invite, leg.failure = None, "internal_error"
            if leg.wanted and attempt in self._legs:
                news = i.BuyerUnreachable(attempt, leg.failure)
        leg.resolving = None
        self._call.tell(news)

    async def _make_late_invite(self, attempt: str, leg: BuyerLeg, way: Way) -> None:
        """Make the INVITE when the address is found; done when what identifies it is durable, as the offer is."""
        try:
            host = await self._plant.names.resolve(way.hop.host)
        except Undiallable as error:
            leg.failure = error.reason
            return
        if attempt not in self._legs:
            return  # the caller has gone meanwhile
        self._make_invite(attempt, leg, way, host)
        saved = self._call.save()
        if saved is None:
            return
        try:
            await saved
        except JournalUnavailable:  # which is in the log already
            leg.invite, leg.failure = None, "journal"

    def _make_invite(self, attempt: str, leg: BuyerLeg, way: Way, host: str) -> None:
        plant, context = self._plant, self._call.machine.context
        try:
            local = plant.media.open(leg.media, context.call)
            session = int.from_bytes(plant.entropy(4))
            leg.description = Description(local, session, srtp_of(way), plant.entropy)
            first = self._call.caller.codec
            body = leg.description.offer((first, *(name for name in sdp.CODECS if name != first)))
            shown = Shown(context.caller, context.number)
            leg.invite = plant.sip.endpoint.prepare(invite_to(leg.ring, way, host, shown, plant.sip.public, body))
        except LocalSipError as error:
            log.error("target of attempt %s cannot be dialled: %s", attempt, error)
            leg.failure = "bad_address"
        except TrunklineError as error:
            log.error("attempt %s: %s", attempt, error.message)
            leg.failure = "no_media"
        else:
            self._keep(attempt, leg, msgspec.json.encode(leg.invite.identifiers()), confirmed=False)

    def _keep(self, attempt: str, leg: BuyerLeg, identifiers: bytes, *, confirmed: bool) -> None:
        context = self._call.machine.context
        stored = StoredLeg(
            leg=leg.media,
            account=context.account,
            call=context.call,
            contact=context.contact,
            attempt=attempt,
            confirmed=confirmed,
            identifiers=identifiers,
        )
        self._call.keep(LegPut(stored))

    def ring(self, attempt: str) -> i.Input | None:
        """Send the INVITE; what came of it, None when the target's address is still being looked up."""
        leg = self._legs[attempt]
        if leg.resolving is not None:
            leg.wanted = True
            return None
        return self._launch(attempt, leg)

    def _launch(self, attempt: str, leg: BuyerLeg) -> i.Input:
        if leg.invite is None:
            return i.BuyerUnreachable(attempt, leg.failure or "bad_address")
        leg.sip = self._plant.sip.endpoint.launch(leg.invite, self._plant.sip.now())
        self._call.registry.sip[leg.sip] = Whose(self._call, attempt)
        took_ns = time.perf_counter_ns() - self._call.routing_ns
        if not self._dialled:
            self._dialled = True
            self._plant.metrics.post_dial.observe(took_ns / 1e9)
        return i.Dialled(attempt, took_ns // 1000)

    def answered(self, attempt: str, body: bytes | None) -> i.Input | None:
        """The buyer's 2xx is there: agree on the audio. What the machine is to be told."""
        leg = self._legs.get(attempt)
        if leg is None or leg.sip is None or leg.description is None:
            return None
        try:
            self._plant.media.connect(leg.media, remote_media(leg.description.accept(body)))
        except (RemoteSipError, BadRemote) as error:
            log.warning("attempt %s: %s", attempt, error)
            return i.BuyerUnreachable(attempt, "no_common_audio")
        identifiers = msgspec.json.encode(self._plant.sip.endpoint.identifiers(leg.sip))
        self._keep(attempt, leg, identifiers, confirmed=True)
        return i.BuyerAnswered(attempt)

    def ended(self, attempt: str) -> None:
        """The SIP core has ended the leg, or its peer has: there is nothing left to hang up."""
        leg = self._legs.get(attempt)
        if leg is not None:
            leg.ended = True

    def hang_up(self, attempt: str) -> None:
        """Let the leg go, whatever its state."""
        leg = self._legs.pop(attempt, None)
        if leg is None:
            return
        if leg.sip is None:
            self._call.keep(LegDrop(leg.media))
        elif not leg.ended:
            self._plant.sip.endpoint.hangup(leg.sip, self._plant.sip.now())
        self._plant.metrics.live_legs.dec()
        self._call.registry.media.pop(leg.media, None)
        self._plant.media.close(leg.media)

    def hang_up_all(self) -> None:
        """Let every leg go."""
        for attempt in tuple(self._legs):
            self.hang_up(attempt)
