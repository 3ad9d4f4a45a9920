"""One call of a scripted peer: what its script can do with it, and what it can wait for.

Every wait has a bound. A wait that ends without what was waited for raises: `PeerTimeout` when time ran out,
`CallOver` when the call ended first, `CallRefused` when it was never answered.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from trunkline.sip import dtmf_info, sdp
from trunkline.sip import events as sip
from trunkline.sip.endpoint import SipEndpoint
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.message import Request
from trunkline.testing.audio import KEYS_MAX, Audio

WAIT_S: Final = 60.0
"""How long a wait lasts that is not told."""
PROMPT_SOUND_S: Final = 0.2
"""What is heard of a prompt before it counts as one."""
PROMPT_QUIET_S: Final = 0.7
"""Silence after which a prompt is over; pauses between its sentences are shorter."""
POLL_S: Final = 0.02

INFO_DTMF: Final = "application/dtmf-relay"


class PeerTimeout(Exception):
    """What a script waited for did not happen in time."""


class CallOver(Exception):
    """The call ended while its script was still busy with it."""


class CallRefused(CallOver):
    """The call was never answered; `status` is the final response, 0 when there was none."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with {status}" if status else "no response")
        self.status = status


class Wire(msgspec.Struct, frozen=True):
    """What a call needs of its line: the core, the address of its audio, and what sends after an order."""

    endpoint: SipEndpoint
    host: str
    flush: Callable[[], None]


class PeerCall:
    """A call as one peer has it.

    `dialled` and `caller` are user parts: what was called, and who is shown as calling. `status` is the final response
    of an outgoing call, `rang` what came before it. `infos` are keys that came in INFO requests. `ended_by` is `us` or
    `peer`, None while it goes on. `fault` is the error that ended its script. Times are the monotonic seconds of the
    event loop: `started_at`, `answered_at`, `over_at`.
    """

    def __init__(self, wire: Wire, *, dialled: str, caller: str, outgoing: bool) -> None:
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._waiters: list[asyncio.Future[None]] = []
        self.dialled = dialled
        self.caller = caller
        self.outgoing = outgoing
        self.leg = 0
        self.request: Request | None = None
        self.status: int | None = None
        self.rang: list[int] = []
        self.infos: list[str] = []
        self.reason: str | None = None
        self.ended_by: Literal["us", "peer"] | None = None
        self.fault: BaseException | None = None
        self.started_at = self._loop.time()
        self.answered_at: float | None = None
        self.over_at: float | None = None
        self.gone = False
        self.audio = Audio(wire.host, _source_id(), self._wake)
        self._offer: sdp.AudioOffer | None = None
        self._codecs: tuple[str, ...] = sdp.CODECS
        self._direction = "sendrecv"
        self._version = 1
        self._hanging_up = False

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def answered(self) -> bool:
        """Whether it is up: answered and not over."""
        return self.answered_at is not None and self.over_at is None

    @property
    def over(self) -> bool:
        """Whether nothing more can happen: refused, given up, or hung up by either side."""
        return self.over_at is not None

    @property
    def talked_s(self) -> float:
        """Seconds from the answer to the end, or to now; 0 when it was never answered."""
        if self.answered_at is None:
            return 0.0
        return (self._loop.time() if self.over_at is None else self.over_at) - self.answered_at

    def now(self) -> float:
        """The clock of all times of a call."""
        return self._loop.time()

    def header(self, name: str) -> str | None:
        """A header of the INVITE that came in; None for calls of our own."""
        return self.request.header(name) if self.request is not None else None

    # -- what a called peer does ---------------------------------------------------------------------------------

    def ring(self, status: int = 180) -> None:
        """Send 100 and `status` (101 to 199)."""
        now = time.monotonic()
        self._wire.endpoint.trying(self.leg, now)
        self._wire.endpoint.ring(self.leg, now, status)
        self._wire.flush()

    def answer(self) -> None:
        """Pick up, and speak from now on. 488 is sent when the offer holds no audio we know."""
        if self.over or self.answered_at is not None:
            return
        if self._offer is None:
            text = sdp.offer(self._wire.host, self.audio.port)
        else:
            text, media = sdp.answer(self._offer, self._wire.host, self.audio.port)
            self.audio.connect(media)
        self.answered_at = self._loop.time()
        self._wire.endpoint.answer(self.leg, text, time.monotonic())
        self._wire.flush()
        self._wake()

    def refuse(self, status: int) -> None:
        """Refuse with 300 to 699."""
        if not self.over:
            self._wire.endpoint.reject(self.leg, status, time.monotonic())
            self._end("us")
            self._wire.flush()

    # -- what both do --------------------------------------------------------------------------------------------

    def hang_up(self) -> None:
        """End it whatever its state: BYE, CANCEL while it rings, 480 when we were called and never answered."""
        if self.over or self._hanging_up:
            return
        self._hanging_up = True
        self._wire.endpoint.hangup(self.leg, time.monotonic())
        if self.answered_at is not None or not self.outgoing:
            self._end("us")
        self._wire.flush()

    async def say(self, pcm: bytes) -> None:
        """Say 16-bit PCM of 8 kHz, and wait until it is said. Raises CallOver."""
        self.audio.say(pcm)
        await self._until(lambda: not self.audio.saying, WAIT_S + len(pcm) / 16_000, "to have spoken")

    async def press(self, digits: str, *, by: Literal["rtp", "info"] = "rtp", key_ms: int = 100) -> None:
        """Press keys and wait until they are sent, as RFC 4733 events or in INFO requests. Raises CallOver."""
        if by == "rtp":
            self.audio.press(digits, key_ms)
            await self._until(lambda: not self.audio.pressing, WAIT_S, "to have pressed keys")
            return
        for digit in digits:
            self._live()
            body = f"Signal={digit}\r\nDuration={key_ms}\r\n".encode()
            self._wire.endpoint.info(self.leg, INFO_DTMF, body, time.monotonic())
            self._wire.flush()
            await self.pause(key_ms / 1000)

    def echo(self, on: bool = True) -> None:
        """Say back whatever is heard from now on."""
        self.audio.echoing = on

    def hold(self, on: bool = True) -> None:
        """Put the other side on hold with a re-INVITE, or take it back. Raises LocalSipError while another is open."""
        self._live()
        self._direction = "sendonly" if on else "sendrecv"
        self._version += 1
        text = sdp.offer(
            self._wire.host, self.audio.port, (self.audio.law.value,), self._direction, version=self._version
        )
        self._wire.endpoint.reoffer(self.leg, text, time.monotonic())
        self._wire.flush()

    # -- what can be waited for ----------------------------------------------------------------------------------

    async def wait_answered(self, timeout_s: float = WAIT_S) -> None:
        """Until it is answered. Raises CallRefused, PeerTimeout."""
        await self._until(lambda: self.answered_at is not None, timeout_s, "an answer")

    async def wait_ringing(self, timeout_s: float = WAIT_S) -> None:
        """Until the called side rings, or answers at once. Raises CallRefused, PeerTimeout."""
        await self._until(lambda: bool(self.rang) or self.answered_at is not None, timeout_s, "ringing")

    async def wait_over(self, timeout_s: float = WAIT_S) -> None:
        """Until it is over, however it ends. Raises PeerTimeout."""
        await self._wait(lambda: self.over, timeout_s, "the end of the call")

    async def wait_heard(self, sound_s: float = PROMPT_SOUND_S, timeout_s: float = WAIT_S) -> None:
        """Until `sound_s` seconds of sound have been heard, counted from now. Raises CallOver, PeerTimeout."""
        wanted = self.audio.loud_frames + round(sound_s / 0.02)
        await self._until(lambda: self.audio.loud_frames >= wanted, timeout_s, "something to be heard")

    async def wait_prompt(self, quiet_s: float = PROMPT_QUIET_S, timeout_s: float = WAIT_S) -> None:
        """Until something has been said and then nothing for `quiet_s` seconds. Raises CallOver, PeerTimeout."""
        deadline = self._loop.time() + timeout_s
        await self.wait_heard(timeout_s=timeout_s)
        await self.wait_quiet(quiet_s, max(POLL_S, deadline - self._loop.time()))

    async def wait_quiet(self, quiet_s: float = PROMPT_QUIET_S, timeout_s: float = WAIT_S) -> None:
        """Until nothing has been heard for `quiet_s` seconds. Raises CallOver, PeerTimeout."""
        deadline = self._loop.time() + timeout_s
        while (quiet_for_s := self._loop.time() - (self.audio.last_loud_at or 0.0)) < quiet_s:
            if self._loop.time() > deadline:
                raise PeerTimeout(
                    f"{self.caller} to {self.dialled}: no silence of {quiet_s:g} s within {timeout_s:g} s"
                )
            await self.pause(max(POLL_S, quiet_s - quiet_for_s))

    async def wait_digits(self, count: int, timeout_s: float = WAIT_S) -> str:
        """Until `count` keys have been heard (RFC 4733) since the beginning; all of them. Raises CallOver."""
        await self._until(lambda: len(self.audio.digits_heard) >= count, timeout_s, f"{count} keys")
        return self.audio.digits_heard

    async def pause(self, seconds: float) -> None:
        """Let `seconds` pass. Raises CallOver when the call ends first."""
        try:
            await self._wait(lambda: self.over, seconds, "")
        except PeerTimeout:
            return
        self._live()

    async def _until(self, true: Callable[[], bool], timeout_s: float, what: str) -> None:
        await self._wait(lambda: self.over or true(), timeout_s, what)
        if not true():
            self._live()

    async def _wait(self, true: Callable[[], bool], timeout_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not true():
                    waiter = self._loop.create_future()
                    self._waiters.append(waiter)
                    await waiter
        except TimeoutError:
            raise PeerTimeout(f"{self.caller} to {self.dialled} waited {timeout_s:g} s for {what}") from None

    def _live(self) -> None:
        if self.over:
            if self.answered_at is None:
                raise CallRefused(self.status or 0)
            raise CallOver(f"{self.caller} to {self.dialled} is over")

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # -- for the line --------------------------------------------------------------------------------------------

    def offer(self, codecs: tuple[str, ...]) -> bytes:
        """The session description of our INVITE."""
        self._codecs = codecs
        return sdp.offer(self._wire.host, self.audio.port, codecs)

    def take_offer(self, text: bytes | None) -> None:
        """Note the offer of an INVITE; None asks for ours. Raises RemoteSipError for one we cannot take."""
        self._offer = None if text is None else sdp.parse_audio(text)

    def take(self, event: sip.SipEvent) -> None:
        """Act on what the core tells about this call."""
        try:
            self._take(event)
        except RemoteSipError as error:
            # A session description that cannot be used: whoever sent it does not get a call.
            self.fault = error
            self.hang_up()
        self._wake()

    def _take(self, event: sip.SipEvent) -> None:
        match event:
            case sip.Provisional():
                self.rang.append(event.status)
            case sip.Answered():
                self.status = event.status
                self.answered_at = self._loop.time()
                if event.sdp is not None:
                    self.audio.connect(sdp.accept(event.sdp, self._codecs))
            case sip.Acknowledged():
                if event.sdp is not None:
                    self.audio.connect(sdp.accept(event.sdp))
            case sip.Reanswered():
                if event.sdp is not None:
                    self.audio.connect(sdp.accept(event.sdp, direction=self._direction))
            case sip.InfoReceived():
                self.infos = [*self.infos, dtmf_info.parse(event.content_type, event.body).digit][-KEYS_MAX:]
            case sip.Reoffered():
                self._reanswer(event.sdp)
            case sip.Refused():
                self.status = event.status
                self._end("us" if self._hanging_up else "peer")
            case sip.Ended():
                self.reason, self.status = event.reason, event.status or self.status
                self._end("us" if self._hanging_up else "peer")
            case sip.Cancelled():
                self.reason = event.reason
                self._end("us" if self._hanging_up else "peer")
            case sip.NoResponse() | sip.TransportFailed() | sip.Unacknowledged() | sip.CancelledLate():
                self._end("us" if self._hanging_up else "peer")
            case sip.Gone():
                self._end("us" if self._hanging_up else "peer")
                self.gone = True
            case _:
                pass

    def forget(self) -> None:
        """The line closes: whatever goes on is over."""
        self._end("us")

    def _reanswer(self, offered: bytes | None) -> None:
        self._version += 1
        if offered is None:
            text = sdp.offer(self._wire.host, self.audio.port, (self.audio.law.value,), version=self._version)
        else:
            text, media = sdp.answer(
                sdp.parse_audio(offered),
                self._wire.host,
                self.audio.port,
                prefer=(self.audio.law.value,),
                version=self._version,
            )
            self.audio.connect(media)
        self._wire.endpoint.reanswer(self.leg, text, time.monotonic())

    def _end(self, by: Literal["us", "peer"]) -> None:
        if self.over_at is None:
            self.over_at = self._loop.time()
            self.ended_by = by
            self.audio.close()
            self._wake()


def _source_id() -> int:
    """A fresh RTP source identifier (RFC 3550 8.1); its bits also begin sequence and timestamp."""
    return int.from_bytes(os.urandom(4))
