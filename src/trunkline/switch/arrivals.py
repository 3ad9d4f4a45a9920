"""From an INVITE to a live call: who sent it, which number it is for, what is to be done with it.

Only calls of trunks to configured numbers are taken. Everybody else gets a refusal that says as little as possible,
and is counted.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trunkline.config.lookup import Dialled
from trunkline.config.schema import Campaign, Kind
from trunkline.config.trunks import Trunk
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.context import CallContext
from trunkline.engine.calls.machine import CallMachine
from trunkline.engine.flow.machine import FlowMachine
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.draw import Draws, text_hash
from trunkline.engine.routing.duplicates import counts_anonymous
from trunkline.engine.routing.offer import Query
from trunkline.engine.routing.profile import CallerProfile
from trunkline.engine.routing.router import Router
from trunkline.events.changes import ContactSeen
from trunkline.events.sealing import contact_hash
from trunkline.kernel.clock import Instant
from trunkline.media.errors import BadRemote, NoMediaPorts
from trunkline.sip import sdp
from trunkline.sip.errors import NoCommonCodec, RemoteSipError
from trunkline.sip.events import Incoming
from trunkline.sip.identity import Passport
from trunkline.sip.message import Header
from trunkline.switch.attestation import Attestations, Claim
from trunkline.switch.blocking import Blocking
from trunkline.switch.description import Description
from trunkline.switch.facts import FactBoard
from trunkline.switch.history import CallHistory
from trunkline.switch.legs import CallerLeg
from trunkline.switch.livecall import LiveCall
from trunkline.switch.plant import Plant
from trunkline.switch.registry import Registry
from trunkline.switch.searching import NewCursor
from trunkline.switch.sessions import remote_media
from trunkline.switch.world import World
from trunkline.telephony.sip.callers import Caller
from trunkline.telephony.sip.dial import terms_of
from trunkline.telephony.sip.doors import read_call

WITHHELD = "anonymous"
"""Stands for the number of all who withhold theirs, where a campaign takes them for one contact."""
RETRY_AFTER = (("Retry-After", "10"),)
TRYING_PATIENCE_S = 0.15
"""A caller is told 100 when it has heard nothing else for so long: with the tick of the timers within 0.2 s, which RFC
3261 17.2.1 allows. Most buyers ring sooner."""


class Arrivals:
    """Takes INVITEs, or refuses them."""

    def __init__(self, plant: Plant, registry: Registry, attestations: Attestations) -> None:
        self._plant = plant
        self._attestations = attestations
        self._registry = registry
        self._blocking = Blocking(plant)

    def take(self, event: Incoming) -> None:
        """Begin a call for an INVITE, or refuse it."""
        plant = self._plant
        world = plant.world
        trunk = self._trunk_of(event)
        if trunk is None:
            self._refuse(event.leg, 403, "unknown_source")
            return
        if not plant.journal.healthy:
            self._refuse(event.leg, 503, "not_ready", trunk)
            return
        try:
            called = read_call(event.request, trunk)
            offer = None if event.sdp is None else sdp.parse_audio(event.sdp, trunk.srtp)
            if offer is not None:
                plant.media.check(remote_media(sdp.agree(offer)))
        except NoCommonCodec as error:
            self._refuse(event.leg, error.status, "no_common_audio", trunk, error.headers)
            return
        except RemoteSipError as error:
            self._refuse(event.leg, error.status, "bad_request", trunk)
            return
        except BadRemote:
            self._refuse(event.leg, 488, "no_common_audio", trunk)
            return
        dialled = None if called.number is None else world.numbers.get(called.number)
        if dialled is None:
            self._refuse(event.leg, 404, "unknown_number", trunk)
            return
        plant.sip.endpoint.set_terms(event.leg, terms_of(trunk))
        plant.sip.endpoint.trying(event.leg, plant.sip.now(), TRYING_PATIENCE_S)
        now, load = plant.clock(), plant.loads.of(trunk.key)
        if load.full(trunk, now.mono_ns) is not None:
            self._refuse(event.leg, 503, "trunk_limit", trunk)
            return
        number, caller, call_id = dialled.number.number, called.caller.id, event.request.call_id
        blocked = self._blocking.judge(trunk, load, caller.number, number, call_id, now)
        if blocked is None:
            blocked = self._blocking.screen(dialled, caller.number, now)
        if blocked is not None:
            load.struck(now.mono_ns)
            self._blocking.block(event.leg, trunk, dialled, called.caller, blocked, now)
            return
        name = plant.ids.make("call", now.utc_ms)
        try:
            local = plant.media.open(name, name)
        except NoMediaPorts:
            self._refuse(event.leg, 503, "no_media_ports", trunk)
            return
        self._blocking.let_through(trunk, caller.number, number, call_id, now)
        login = world.logins.ours.get(trunk.key)
        if login is not None:
            plant.sip.endpoint.use_login(event.leg, login)
        description = Description(local, event.leg, trunk.srtp, plant.entropy)
        seat, hops = load.begin(now.mono_ns, caller.number), event.request.max_forwards - 1  # 0 has got 483 already
        leg = CallerLeg(event.leg, name, description, offer, trunk, seat, hops)
        try:
            call = self._begin(name, world, dialled, called.caller, leg, now)
        except Exception:
            leg.seat.ended(now.mono_ns)
            plant.media.close(name)
            raise
        call.tell(i.Arrived())
        if called.caller.passport is not None:
            self._have_checked(call.machine.context, trunk, called.caller.passport, now)

    def _trunk_of(self, event: Incoming) -> Trunk | None:
        """Whose call it is: the trunk's whose password it proves, that is registered at its sender, or allows it."""
        plant, host, request = self._plant, event.source.host, event.request
        proved = plant.sip.gate.proved_by(host, request)
        if proved is not None:
            trunk = plant.world.trunks.get(proved)
            return None if trunk is None or trunk.paused else trunk
        registered = plant.registrations.trunk_of(host, request)
        if registered is not None:
            return registered
        trunk = plant.world.doors.trunk_of(host)
        return None if trunk is None or trunk.auth is not None else trunk  # its address alone proves nothing

    def _have_checked(self, context: CallContext, trunk: Trunk, passport: Passport, now: Instant) -> None:
        """Have the signature of the caller's number checked beside the call, where the trunk wants that."""
        if trunk.identity is None or not trunk.identity.verify or context.caller is None:
            return
        claim = Claim(
            account=context.account,
            call=context.call,
            trunk=trunk,
            passport=passport,
            caller=context.caller,
            called=context.number,
            arrived_ms=now.utc_ms,
        )
        self._attestations.submit(claim)

    def _refuse(
        self, leg: int, status: int, reason: str, trunk: Trunk | None = None, why: tuple[Header, ...] = ()
    ) -> None:
        status = status if trunk is None else trunk.response_for(status)
        headers = RETRY_AFTER if status == 503 else why
        self._plant.sip.endpoint.reject(leg, status, self._plant.sip.now(), headers=headers)
        self._plant.metrics.refused.labels(reason).inc()

    def _begin(
        self, name: str, world: World, dialled: Dialled, claimed: Caller, leg: CallerLeg, now: Instant
    ) -> LiveCall:
        plant, number, caller = self._plant, dialled.number, claimed.id
        index = world.accounts[dialled.account.account.key]
        account = index.config.account
        router = world.routers[account.key]
        campaign = index.campaigns[number.campaign]
        contact, repeat, seen = name, None, None  # nobody can tell whether a withheld number has called before
        if caller.number is not None:
            contact = contact_hash(plant.contact_secret, account.key, caller.number)
            repeat = plant.contacts.see((account.key, campaign.key, contact), now.utc_ms)
            seen = ContactSeen(account.key, campaign.key, contact, now.utc_ms)
        history = self._history(name, world, account.key, campaign, contact, anonymous=caller.number is None)
        expected = None
        if caller.number is not None:
            expected = plant.called.expects(account.key, number.number, caller.number, contact, now)
        seed = int.from_bytes(plant.entropy(8)) >> 1
        origin = router.origin(
            caller.number,
            number.publisher,
            number.source,
            number.number,
            repeat,
            claimed.attestation,
            plant.geo.overlay,
        )
        profile = CallerProfile(index.config, origin, campaign.timezone or account.timezone, router.types)
        if expected is not None:
            expected.tell(profile)
        known = profile.attributes(now)
        plant.geo.notice(known)
        query = Query(
            account=account.key,
            kind=Kind.CALL,
            campaign=campaign.key,
            publisher=number.publisher,
            source=number.source,
            number=number.number,
            attributes=known,
            now=now,
            seed=seed,
            history=() if history is None else history.seen(),
            geo=origin.overlay.version,
        )
        if expected is not None:
            query = expected.promised(query)
        context = CallContext(
            call=name,
            account=account.key,
            number=number.number,
            campaign=campaign.key,
            publisher=number.publisher,
            source=number.source,
            caller=caller.number,
            caller_given=caller.given,
            contact=contact,
            trunk=leg.trunk.key,
            snapshot=world.snapshot.digest,
            answer=campaign.answer,
            refusal=router.receipt_guard(campaign.key, number.publisher, number.number),
            payout=None if expected is not None else router.incoming_payout(query),
            pays=expected is not None or bool(campaign.payouts),
            record=router.campaign_recording(campaign.key),
            ringback=campaign.ringback,
            hold_music=campaign.hold_music,
            early_media=campaign.early_media,
            attestation=claimed.attestation,
            attested_by=claimed.attested_by,
            diverted_from=claimed.diverted_from,
        )
        flow = FlowMachine(index.flows[campaign.flow], profile, _splits(seed))
        machine = CallMachine(context, flow, profile, lambda at: plant.ids.make("rec", at.utc_ms))
        cursors = _cursors(router, query, profile, plant.facts, history)
        call = LiveCall(plant, world, machine, router, cursors, leg, self._registry, seen, history)
        if expected is not None:
            plant.called.arrived(expected, call, now)
        return call

    def _history(
        self, call: str, world: World, account: str, campaign: Campaign, contact: str, *, anonymous: bool
    ) -> CallHistory | None:
        """The past of the call's contact; None when no rule of the account asks for it, or nobody can know it."""
        kept = world.contact_events.get(account)
        if kept is None:
            return None
        if anonymous:
            if not counts_anonymous(campaign):
                return None
            contact = contact_hash(self._plant.contact_secret, account, WITHHELD)
        return CallHistory(self._plant.histories, account, contact, campaign, call, kept, anonymous=anonymous)


def _splits(seed: int) -> Callable[[str, int], int]:
    """The draws of a call's splitter nodes: by its seed and the node, so that they can be repeated."""

    def split(node: str, total: int) -> int:
        return Draws(seed, text_hash(f"splitter {node}")).below(total)

    return split


def _cursors(
    router: Router, query: Query, profile: CallerProfile, facts: FactBoard, history: CallHistory | None
) -> NewCursor:
    """Makes a cursor when the flow reaches a route node: patience runs, hours, facts and past are judged from then."""

    def new_cursor(plan: str | None, taken: frozenset[str], hop: int, now: Instant) -> Cursor:
        known = profile.attributes(now)
        asked = msgspec.structs.replace(query, attributes=known, now=now, plan=plan, taken=taken, hop=hop)
        if history is not None:
            asked = msgspec.structs.replace(asked, history=history.seen())
        return router.cursor(asked, facts.of(query.account))

    return new_cursor
