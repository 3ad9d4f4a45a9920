"""Where news from the drivers finds its call: SIP events by leg number, media events by leg name."""

from __future__ import annotations

import logging

from trunkline.engine.calls import inputs as i
from trunkline.events.changes import LegDrop
from trunkline.media import port as media
from trunkline.media.errors import BadRemote
from trunkline.sip import dtmf_info, events
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.reason import cause_of
from trunkline.switch.arrivals import Arrivals
from trunkline.switch.legs import BuyerLeg, CallerLeg
from trunkline.switch.livecall import LiveCall
from trunkline.switch.measuring import keep
from trunkline.switch.orphans import Orphans
from trunkline.switch.plant import Plant
from trunkline.switch.registry import Registry, Whose
from trunkline.switch.sessions import remote_media, unheard

log = logging.getLogger("trunkline.switch")


class Switchboard:
    """What the drivers' news means for the calls."""

    def __init__(self, plant: Plant, registry: Registry, arrivals: Arrivals, orphans: Orphans) -> None:
        self._plant = plant
        self._registry = registry
        self._arrivals = arrivals
        self._orphans = orphans

    # -- SIP -------------------------------------------------------------------------------------------------------

    def on_sip(self, event: events.SipEvent) -> None:
        """News from the SIP core, in order."""
        if isinstance(event, events.Incoming):
            self._arrived(event)
            return
        if isinstance(event, events.OutsideEnded):
            if not self._plant.registrations.ended(event):
                self._plant.health.answered(event.leg, event.status)
            return
        if isinstance(event, events.OrphanEnded):
            self._orphans.ended(event.leg, event.status)
            return
        if isinstance(event, events.ForeignRealm):
            log.warning(
                "trunk %s: a challenge for the realm %r was not answered, as the trunk's server has not asked for it "
                "first; if it is the carrier's, write it as outbound.realm",
                event.login,
                event.realm,
            )
            return
        whose = self._registry.sip.get(event.leg)
        if whose is None:
            return
        if isinstance(event, events.Gone):
            self._gone(event.leg, whose)
        elif isinstance(event, events.Reoffered):
            self._reoffered(event, whose)
        elif isinstance(event, events.InfoReceived):
            self._info(event, whose)
        elif whose.attempt is None:
            self._about_caller(event, whose.call)
        else:
            self._about_buyer(event, whose.call, whose.attempt, whose.leg)

    def _arrived(self, event: events.Incoming) -> None:
        """A call: one that an error of ours keeps from being taken is refused, or it would wait for us for ever."""
        try:
            self._arrivals.take(event)
        except Exception:
            self._plant.metrics.call_errors.inc()
            log.exception("a call from %s is refused for an error of ours", event.source.host)
            self._plant.sip.endpoint.reject(event.leg, 500, self._plant.sip.now())

    def _gone(self, leg: int, whose: Whose) -> None:
        """Nobody has to be told any more that this leg is over, not even after a crash."""
        del self._registry.sip[leg]
        self._plant.write_soon(LegDrop(whose.stored or whose.call.caller.media))

    def _about_caller(self, event: events.SipEvent, call: LiveCall) -> None:
        match event:
            case events.Cancelled():
                call.cancelled()
            case events.Ended() | events.Unacknowledged() | events.TransportFailed():
                call.tell(i.CallerLeft(_why(event)))
            case events.AnswerSent():
                call.answer_left()
            case events.Acknowledged() if call.caller.offer is None:
                self._late_answer(call.caller, event.sdp, call)
            case events.Reanswered():
                self._late_answer(call.caller, event.sdp, call)
            case _:
                pass

    def _late_answer(self, leg: CallerLeg | BuyerLeg, body: bytes | None, call: LiveCall) -> None:
        """A party answers our offer in its ACK, as it must; without an answer nobody knows where its audio is."""
        if leg.description is None:
            return
        try:
            self._plant.media.connect(leg.media, remote_media(leg.description.accept(body)))
        except (RemoteSipError, BadRemote) as error:
            log.warning("call %s: %s", call.machine.context.call, error)
            call.tell(i.HangUp("no_common_audio"))
        else:
            self._tell_hold(leg, call)

    def _tell_hold(self, leg: CallerLeg | BuyerLeg, call: LiveCall) -> None:
        """Tell the machine when a party has begun or ended to hold us."""
        assert leg.description is not None
        held = leg.description.held
        if held != leg.held:
            leg.held = held
            call.tell(i.Held("caller", held) if isinstance(leg, CallerLeg) else i.Held("buyer", held, leg.number))

    def _about_buyer(self, event: events.SipEvent, call: LiveCall, attempt: str, number: int) -> None:
        leg = call.buyers.get(attempt, number)
        if leg is None or leg.sip != event.leg:
            return  # let go, or a server that another one was asked after
        match event:
            case events.Provisional():
                call.buyers.lives(leg)
                early = call.early.hears(leg, event.sdp)
                call.tell(i.BuyerRings(attempt, number, early))
            case events.Answered():
                call.buyers.lives(leg)
                call.tell(call.buyers.answered(attempt, number, event.sdp))
            case events.Refused(status=status):
                if status in (401, 407):
                    log.warning(
                        "attempt %s: the far side refuses us with %d: its trunk's `username` and password are "
                        "missing or wrong",
                        attempt,
                        status,
                    )
                told = None if event.response is None else event.response.header("Reason")
                refused = i.BuyerRefused(attempt, status, number, cause_of(told))
                if event.response is None or not call.buyers.failed(leg, status, f"sip_{status}", refused):
                    call.buyers.ended(attempt, number)
                    call.tell(refused)
            case events.NoResponse():
                silent = i.BuyerSilent(attempt, number)
                if not call.buyers.failed(leg, None, "no_response", silent):
                    call.tell(silent)
            case events.TransportFailed():
                unreachable = i.BuyerUnreachable(attempt, "transport", number)
                if not call.buyers.failed(leg, None, "transport", unreachable):
                    call.tell(unreachable)
            case events.Ended() | events.Unacknowledged():
                call.buyers.ended(attempt, number)
                call.tell(i.BuyerLeft(attempt, number, _why(event)))
            case events.Reanswered():
                self._late_answer(leg, event.sdp, call)
            case _:
                pass

    def _info(self, event: events.InfoReceived, whose: Whose) -> None:
        try:
            digit = dtmf_info.parse(event.content_type, event.body).digit
        except RemoteSipError:
            return  # the core has answered 415 or 400
        self._key(whose, digit, by_event=False)

    def _key(self, whose: Whose, digit: str, *, by_event: bool) -> None:
        """A key, as a telephone-event or not: events cross a bridge by themselves to whoever takes them."""
        call, attempt = whose.call, whose.call.machine.attempt
        if whose.attempt is None:
            other = None if attempt is None else call.buyers.get(attempt.id, attempt.leg)
            call.tell(i.KeyPressed("caller", digit, relay=not (by_event and _takes_events(other))))
        elif attempt is not None and attempt.id == whose.attempt:
            relay = not (by_event and _takes_events(call.caller))
            call.tell(i.KeyPressed("buyer", digit, whose.leg, relay))

    def _reoffered(self, event: events.Reoffered, whose: Whose) -> None:
        """A party holds, resumes or moves its audio: take it as it is, on this leg alone."""
        call, endpoint, now_s = whose.call, self._plant.sip.endpoint, self._plant.sip.now()
        leg: CallerLeg | BuyerLeg | None
        leg = call.caller if whose.attempt is None else call.buyers.get(whose.attempt, whose.leg)
        if leg is None or leg.description is None:
            endpoint.refuse_reoffer(event.leg, 481, now_s)
            return
        if event.sdp is None:
            body = leg.description.offer()
            leg.description.said(body)
            endpoint.reanswer(event.leg, body, now_s)
            return
        try:
            offered = leg.description.read(event.sdp)
            body, agreed = leg.description.answer(offered)
            remote = remote_media(agreed)
            early = isinstance(leg, BuyerLeg) and not leg.answered
            self._plant.media.connect(leg.media, unheard(remote) if early else remote)
        except (RemoteSipError, BadRemote) as error:
            endpoint.refuse_reoffer(event.leg, error.status if isinstance(error, RemoteSipError) else 488, now_s)
            return
        leg.description.said(body)
        if isinstance(leg, CallerLeg) and not call.answered:
            leg.offer = offered  # what our 200 answers, where an early exchange has not answered it already
        endpoint.reanswer(event.leg, body, now_s)
        self._tell_hold(leg, call)

    # -- media -----------------------------------------------------------------------------------------------------

    def on_media(self, event: media.MediaEvent) -> None:
        """News from the media backend, in order."""
        match event:
            case media.Recorded(recording=recording):
                call = self._registry.recordings.pop(recording, None)
                if call is not None:
                    call.tell(i.Recorded(recording, event.duration_ms, event.error))
            case media.BackendLost(legs=legs):
                self._media_lost(legs)
            case media.Closed(leg=leg, stats=stats):
                parted = self._registry.closing.pop(leg, None)
                if parted is not None:
                    keep(self._plant, parted, stats)
            case media.Played() | media.Digit() | media.DeadMedia():
                whose = self._registry.media.get(event.leg)
                if whose is not None:
                    self._heard(event, whose)

    def _heard(self, event: media.Played | media.Digit | media.DeadMedia, whose: Whose) -> None:
        match event:
            case media.Played(tag=tag, completed=completed):
                whose.call.tell(whose.call.audio.played(tag, completed))
            case media.Digit(digit=digit):
                self._key(whose, digit, by_event=True)
            case media.DeadMedia():
                if _must_talk(whose):
                    whose.call.tell(i.HangUp("dead_media"))

    def _media_lost(self, legs: tuple[str, ...]) -> None:
        """A media process is gone: every call that had a leg in it ends."""
        lost = {id(whose.call): whose.call for leg in legs if (whose := self._registry.lose(leg)) is not None}
        log.error("a media process was lost with %d calls", len(lost))
        for call in lost.values():
            call.tell(i.MediaLost())


def _takes_events(leg: CallerLeg | BuyerLeg | None) -> bool:
    return leg is not None and leg.description is not None and leg.description.takes_events


def _must_talk(whose: Whose) -> bool:
    """Whether silence means that a party is gone: not while early media is all that was agreed on."""
    if whose.attempt is None:
        return whose.call.answered and not whose.call.answer_waits
    attempt = whose.call.machine.attempt
    return attempt is not None and attempt.connected is not None


def _why(event: events.SipEvent) -> str | None:
    """Why a leg has ended, as a reason code: by its peer's word, or as we found it; None for a plain goodbye."""
    match event:
        case events.Ended(method="SESSION"):
            return "session_expired"
        case events.Ended(method="PRACK") | events.Unacknowledged():
            return "not_acknowledged"
        case events.Ended(method="BYE", reason=reason):
            return cause_of(reason)
        case events.Ended(method="CANCEL"):
            return None
        case events.Ended():
            return "dialog_lost"
        case _:
            return None
