"""The buyers' legs of one live call: made ready, rung, answered, let go."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from trunkline.engine.calls import inputs as i
from trunkline.engine.routing.offer import Ring
from trunkline.events.calls import AttemptMoved
from trunkline.events.changes import LegDrop, LegPut, StoredLeg
from trunkline.journal.errors import JournalUnavailable
from trunkline.kernel.errors import TrunklineError
from trunkline.media.errors import BadRemote
from trunkline.sip import sdp
from trunkline.sip.endpoint import Hop
from trunkline.sip.errors import LocalSipError, RemoteSipError
from trunkline.sip.uri import bracketed
from trunkline.switch.description import Description
from trunkline.switch.farewells import farewell
from trunkline.switch.legs import BuyerLeg
from trunkline.switch.part import Part
from trunkline.switch.registry import Whose
from trunkline.switch.sessions import remote_media
from trunkline.switch.tries import Tries, Try
from trunkline.telephony.sip.dial import Shown, Undiallable, Way, invite_to, srtp_of, ways_to
from trunkline.telephony.sip.names import Unresolved
from trunkline.telephony.sip.servers import Place

if TYPE_CHECKING:
    from trunkline.switch.livecall import LiveCall

log = logging.getLogger("trunkline.calls")


class Buyers(Part):
    """All attempts' legs of one call that are not over: for each attempt one, or those of its group by number."""

    def __init__(self, call: LiveCall) -> None:
        super().__init__(call)
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
            ways = ways_to(leg.ring, self._call.world.trunks)
        except Undiallable as error:
            log.error("%s: %s", leg.media, error)
            leg.failure = error.reason
            return
        leg.tries = Tries(ways, float(leg.ring.first_response_seconds))
        step = self._following(leg)
        if isinstance(step, Way):
            leg.resolving = self._plant.loop.create_task(self._try_late(leg, step))
        elif step is not None:
            self._make_invite(leg, step)
        else:
            leg.failure = leg.tries.failure

    def _following(self, leg: BuyerLeg) -> Try | Way | None:
        """See `Tries.following`."""
        return leg.tries.following(self._full, self._servers)

    def _full(self, way: Way) -> bool:
        if way.trunk is None:
            return False
        return self._plant.loads.of(way.trunk.key).full(way.trunk, self._plant.clock().mono_ns) is not None

    def _servers(self, place: Place) -> tuple[Hop, ...] | None:
        hops = self._plant.names.servers(place)
        return None if hops is None else tuple(self._plant.health.usable(hops))

    async def _try_late(self, leg: BuyerLeg, step: Try | Way) -> None:
        """Make the INVITE while the offer, or what becomes of it, gets durable, then go on as if it had been known."""
        call = self._call  # which is not to go before
        news: i.Input | None = None
        try:
            await self._make_late_invite(leg, step)
            if leg.wanted and not leg.gone:
                news = self._launch(leg)
        except Exception:
            log.exception("%s cannot be rung", leg.media)
            leg.invite, leg.failure = None, "internal_error"
            if leg.wanted and not leg.gone:
                news = i.BuyerUnreachable(leg.attempt, leg.failure, leg.number)
        leg.resolving = None
        call.tell(news)
        self._plant.sip.flush()

    async def _make_late_invite(self, leg: BuyerLeg, step: Try | Way | None) -> None:
        """Make the INVITE when there is a server; done when what identifies it is durable, as the offer is."""
        while isinstance(step, Way):
            try:
                hops = await self._plant.names.resolve(step.place)
            except Unresolved as error:
                log.warning("%s: %s", leg.media, error)
                leg.tries.missing("dns")
            else:
                if self._full(step):  # by calls that have begun meanwhile
                    leg.tries.missing("trunk_limit")
                else:
                    leg.tries.found(step, self._plant.health.usable(hops))
            step = self._following(leg)
        if step is None:
            leg.failure = leg.tries.failure
        if leg.gone or step is None:
            return  # nobody wants it any more, or nobody is left to ask
        self._make_invite(leg, step)
        if leg.invite is not None and leg.news is not None:
            self._note_move(leg, step)
        saved = self._call.save()
        if saved is None:
            return
        try:
            await saved
        except JournalUnavailable:  # which is in the log already
            leg.invite, leg.news, leg.failure = None, None, "journal"

    def _make_invite(self, leg: BuyerLeg, step: Try) -> None:
        plant, context, way = self._plant, self._call.machine.context, step.way
        try:
            local = leg.local = leg.local or plant.media.open(leg.media, context.call)
            session = int.from_bytes(plant.entropy(4))
            leg.description = Description(local, session, srtp_of(way), plant.entropy)
            first = self._call.caller.codec
            body = leg.description.offer((first, *(name for name in sdp.CODECS if name != first)))
            leg.description.said(body)
            shown = Shown(context.caller, context.number)
            login = None if way.trunk is None else self._call.world.logins.ours.get(way.trunk.key)
            local_address, hops = plant.sip.public, self._call.caller.hops
            target = invite_to(leg.ring, way, step.hop, shown, local_address, body, login, step.patience_s, hops)
            leg.invite = plant.sip.endpoint.prepare(target)
        except LocalSipError as error:
            log.error("target of %s cannot be dialled: %s", leg.media, error)
            leg.failure = "bad_address"
        except TrunklineError as error:
            log.error("%s: %s", leg.media, error.message)
            leg.failure = "no_media"
        else:
            self._take_seat(leg, way)
            self._keep(leg, msgspec.json.encode(leg.invite.identifiers()), confirmed=False)

    def _take_seat(self, leg: BuyerLeg, way: Way) -> None:
        """The call is on this way's trunk from now on."""
        now_ns = self._plant.clock().mono_ns
        if leg.seat is not None:
            leg.seat.ended(now_ns)
        leg.seat = None if way.trunk is None else self._plant.loads.of(way.trunk.key).begin(now_ns)

    def _note_move(self, leg: BuyerLeg, step: Try) -> None:
        context, hop = self._call.machine.context, step.hop
        moved = AttemptMoved(
            account=context.account,
            call=context.call,
            at_ms=self._plant.clock().utc_ms,
            attempt=leg.attempt,
            reason=leg.moved_by,
            server=f"{bracketed(hop.host)}:{hop.port}",
            trunk=None if step.way.trunk is None else step.way.trunk.key,
            leg=leg.number,
        )
        self._call.note(moved)
        self._plant.metrics.moves.labels(leg.moved_by).inc()

    def _keep(self, leg: BuyerLeg, identifiers: bytes, *, confirmed: bool) -> None:
        context = self._call.machine.context
        stored = StoredLeg(
            leg=leg.stored,
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
            elif (said := self._launch(leg)) is not None:
                news.append(said)
        return news

    def _launch(self, leg: BuyerLeg) -> i.Input | None:
        """Send the INVITE. What the machine is to be told: nothing when another server has been tried before."""
        if leg.invite is None:
            return leg.news or i.BuyerUnreachable(leg.attempt, leg.failure or "bad_address", leg.number)
        leg.sip = self._plant.sip.endpoint.launch(leg.invite, self._plant.sip.now())
        self._call.registry.sip[leg.sip] = Whose(self._call, leg.attempt, leg.number, leg.stored)
        if leg.dialled:
            return None
        leg.dialled = True
        took_ns = time.perf_counter_ns() - self._call.routing_ns
        if not self._dialled:
            self._dialled = True
            self._plant.metrics.post_dial.observe(took_ns / 1e9)
        return i.Dialled(leg.attempt, took_ns // 1000, leg.number)

    def lives(self, leg: BuyerLeg) -> None:
        """The server has answered something that is neither silence nor 503."""
        if leg.tries.trying is not None:
            self._plant.health.worked(leg.tries.trying.hop)

    def failed(self, leg: BuyerLeg, status: int | None, reason: str, news: i.Input) -> bool:
        """The server has not taken the call: ask the next one, if there is one that may be asked.

        `status` is None when there was no answer; `news` is what the machine is told if no other takes it either.
        """
        tries = leg.tries
        if tries.trying is None:
            return False
        if status is None or status == 503:
            self._plant.health.failed(tries.trying.hop, reason)
        else:
            self.lives(leg)
        if status is not None and not tries.refused(status):
            return False
        if reason == "no_response":
            tries.silent()
        step = self._following(leg)
        if step is None:
            return False
        leg.sip, leg.invite, leg.wanted = None, None, True
        leg.news, leg.moved_by = news, reason
        leg.stored = f"{leg.media}~{tries.number}"
        leg.resolving = self._plant.loop.create_task(self._try_late(leg, step))
        if leg.early:
            leg.early = False
            self._call.tell(i.BuyerMoved(leg.attempt, leg.number))
        return True

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
        if leg.seat is not None:
            leg.seat.answered(self._plant.clock().mono_ns)
        leg.answered = True
        identifiers = msgspec.json.encode(self._plant.sip.endpoint.identifiers(leg.sip))
        self._keep(leg, identifiers, confirmed=True)
        return i.BuyerAnswered(attempt, number)

    def ended(self, attempt: str, number: int) -> None:
        """The SIP core has ended the leg, or its peer has: there is nothing left to hang up."""
        leg = self.get(attempt, number)
        if leg is not None:
            leg.ended = True

    def drop(self, attempt: str, number: int, reason: str | None) -> None:
        """Let one leg of a group go, whatever its state; `reason` is a code."""
        leg = self.get(attempt, number)
        if leg is not None:
            self._let_go(leg, farewell(reason))

    def hang_up(self, attempt: str, reason: str | None = None) -> None:
        """Let all legs of the attempt go, whatever their state; `reason` is a code."""
        for leg in self._attempts.pop(attempt, ()):
            if not leg.gone:
                self._let_go(leg, farewell(reason))

    def _let_go(self, leg: BuyerLeg, reason: str | None) -> None:
        leg.gone = True
        if leg.sip is None:
            self._call.keep(LegDrop(leg.stored))
        elif not leg.ended:
            self._plant.sip.endpoint.hangup(leg.sip, self._plant.sip.now(), reason)
        if leg.seat is not None:
            leg.seat.ended(self._plant.clock().mono_ns)
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
