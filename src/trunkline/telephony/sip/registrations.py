"""The registrations of all trunks that want one: at whom, since when, and whose a call is that comes by one.

Each has the machine of `sip.register`; this file finds the proxy's address, sends what the machine asks for, and keeps
its timer. A change of the configuration takes back what is no longer wanted and asks for what is new.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import msgspec

from trunkline.config.trunks import Trunk
from trunkline.kernel.errors import TrunklineError
from trunkline.sip.digest import Credentials
from trunkline.sip.endpoint import Hop, OutsideRequest, SipEndpoint
from trunkline.sip.errors import LocalSipError, RemoteSipError
from trunkline.sip.events import OutsideEnded
from trunkline.sip.message import Request
from trunkline.sip.register import (
    Answered,
    Ask,
    Command,
    Event,
    Failed,
    Over,
    Registered,
    Registration,
    Start,
    Stop,
    Tick,
    granted_seconds,
    min_expires_seconds,
)
from trunkline.sip.uri import bracketed, parse_uri
from trunkline.telephony.sip.account import address_of_record, contact_user
from trunkline.telephony.sip.dial import Undiallable

log = logging.getLogger("trunkline.sip")

CSEQ_STEP: Final = 10
"""Between two requests, so that neither meets the further tries of the one before."""

FindHops = Callable[[str], Awaitable[tuple[Hop, ...]]]
"""The servers behind a SIP address, the one to try first. Raises Undiallable saying why there are none."""


class Wire(Protocol):
    """What is needed of the driver."""

    endpoint: SipEndpoint

    def now(self) -> float:
        """Monotonic seconds."""

    def flush(self) -> None:
        """Send what is pending."""


class _Wanted(msgspec.Struct, frozen=True):
    """What a registration is made of; another one is another registration."""

    proxy: str
    seconds: int
    user: str
    record: str
    login: Credentials


class _One:
    """One registration with what identifies its requests."""

    def __init__(self, trunk: Trunk, wanted: _Wanted, chance: Callable[[], float], call_id: str) -> None:
        self.trunk = trunk
        self.wanted = wanted
        self.machine = Registration(wanted.seconds, chance)
        self.call_id = call_id
        self.cseq = 1
        self.number: int | None = None  # of the request whose answer is waited for
        self.asked_s = 0
        self.hops: tuple[Hop, ...] = ()
        self.tries = 0
        self.well = False  # the last request was granted, so the next one that is need not be told of
        self.timer: asyncio.TimerHandle | None = None
        self.finding: asyncio.Task[None] | None = None


class Registrations:
    """All of them. For the loop's thread alone."""

    def __init__(
        self,
        wire: Wire,
        find: FindHops,
        entropy: Callable[[int], bytes],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._wire = wire
        self._find = find
        self._entropy = entropy
        self._loop = loop
        self._by_trunk: dict[str, _One] = {}
        self._leaving: list[_One] = []
        self._by_number: dict[int, _One] = {}

    def use(self, trunks: Mapping[str, Trunk], logins: Mapping[str, Credentials]) -> None:
        """Be registered for these trunks and no others."""
        wanted = {key: made for key, trunk in trunks.items() if (made := _wanted(trunk, logins.get(key))) is not None}
        for key, one in list(self._by_trunk.items()):
            if wanted.get(key) != one.wanted:
                del self._by_trunk[key]
                self._leaving.append(one)
                self._tell(one, Stop())
        for key, made in wanted.items():
            known = self._by_trunk.get(key)
            if known is not None:
                known.trunk = trunks[key]
                continue
            one = self._by_trunk[key] = _One(trunks[key], made, self._chance, self._entropy(12).hex())
            self._tell(one, Start())

    def leave(self) -> None:
        """Take all registrations back; `busy` says until when."""
        self.use({}, {})

    @property
    def busy(self) -> bool:
        """Whether answers to registrations that are taken back are waited for."""
        return bool(self._leaving)

    def states(self) -> dict[str, bool]:
        """Whether each trunk that wants to be registered is, by its key."""
        now = self._wire.now()
        return {key: one.machine.registered(now) for key, one in self._by_trunk.items()}

    def trunk_of(self, host: str, request: Request) -> Trunk | None:
        """The trunk whose registration brought a call: it comes from its registrar, to the address we registered."""
        if not self._by_trunk:
            return None
        try:
            user = parse_uri(request.uri).user
        except RemoteSipError:
            return None
        for one in self._by_trunk.values():
            if user == one.wanted.user and not one.trunk.paused and any(hop.host == host for hop in one.hops):
                return one.trunk
        return None

    def ended(self, event: OutsideEnded) -> bool:
        """An answer came, or none will; whether it was to one of ours."""
        one = self._by_number.pop(event.leg, None)
        if one is None:
            return False
        if one.number != event.leg:
            return True  # something newer has been asked for since
        one.number = None
        response = event.response
        if response is None or event.status is None:
            one.tries += 1  # another of its servers may be there
            self._tell(one, Answered(event.status))
            return True
        one.cseq = max(one.cseq, response.cseq.number)
        self._tell(
            one,
            Answered(
                event.status,
                granted_s=granted_seconds(response, one.wanted.user, one.asked_s),
                min_expires_s=min_expires_seconds(response),
                retry_after_s=response.retry_after_s,
            ),
        )
        return True

    # -- one of them ---------------------------------------------------------------------------------------------

    def _chance(self) -> float:
        return int.from_bytes(self._entropy(4)) / 2**32

    def _tell(self, one: _One, event: Event) -> None:
        for command in one.machine.handle(event, self._wire.now()):
            self._do(one, command)
        self._arm(one)

    def _do(self, one: _One, command: Command) -> None:
        key, proxy = one.trunk.key, one.wanted.proxy
        match command:
            case Ask(seconds=seconds):
                one.asked_s = seconds
                if one.finding is not None:
                    one.finding.cancel()
                one.finding = self._loop.create_task(self._ask(one))
            case Registered(seconds=seconds):
                if not one.well:
                    log.info("trunk %s is registered at %s for %d s", key, proxy, seconds)
                one.well = True
            case Failed(status=status, wait_s=wait_s):
                one.well = False
                what = "gives no answer" if status is None else f"refuses it with {status}"
                if status in (401, 403, 407):
                    what += ": `username` or the password is wrong"
                log.warning("trunk %s cannot be registered, %s %s; tried again in %.0f s", key, proxy, what, wait_s)
            case Over():
                if one in self._leaving:
                    self._leaving.remove(one)

    def _arm(self, one: _One) -> None:
        due = one.machine.next_timer()
        if one.timer is not None:
            one.timer.cancel()
            one.timer = None
        if due is not None:
            one.timer = self._loop.call_later(max(0.0, due - self._wire.now()), self._tell, one, Tick())

    async def _ask(self, one: _One) -> None:
        """Find the registrar, unless a binding there is taken back, and send the request."""
        try:
            if one.asked_s or not one.hops:
                one.hops = await self._find(one.wanted.proxy)
            self._send(one)
        except (TrunklineError, LocalSipError, RemoteSipError, OSError, Undiallable) as error:
            log.warning("trunk %s cannot be registered: %s", one.trunk.key, error)
            self._tell(one, Answered(None))
        except Exception:
            log.exception("an error of ours while trunk %s was registered", one.trunk.key)
            self._tell(one, Answered(None))

    def _send(self, one: _One) -> None:
        wanted = one.wanted
        if not one.hops:
            raise Undiallable("dns", f"{wanted.proxy} has no server")
        registrar = parse_uri(wanted.proxy)
        scheme = registrar.scheme
        identity = f"{scheme}:{wanted.record}"
        one.cseq += CSEQ_STEP
        one.number = self._wire.endpoint.ask(
            OutsideRequest(
                method="REGISTER",
                uri=f"{scheme}:{bracketed(registrar.host)}",
                destination=one.hops[one.tries % len(one.hops)],
                from_uri=identity,
                to_uri=identity,
                call_id=one.call_id,
                cseq=one.cseq,
                headers=(("Expires", str(one.asked_s)),),
                login=wanted.login,
                contact_user=wanted.user,
            ),
            self._wire.now(),
        )
        self._by_number[one.number] = one
        self._wire.flush()


def _wanted(trunk: Trunk, login: Credentials | None) -> _Wanted | None:
    outbound = trunk.outbound
    if trunk.paused or outbound is None or outbound.register is None or login is None:
        return None
    return _Wanted(
        outbound.proxy, outbound.register.seconds, contact_user(outbound), address_of_record(outbound), login
    )
