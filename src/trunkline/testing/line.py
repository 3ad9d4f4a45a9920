"""A SIP address of a scripted peer: one UDP socket around the SIP core, any number of calls in and out."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from trunkline.sip.endpoint import EndpointConfig, Hop, InviteTarget, SipEndpoint
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.events import Incoming, SipEvent
from trunkline.sip.uri import DEFAULT_PORT, bracketed, parse_uri
from trunkline.testing.call import CallOver, PeerCall, PeerTimeout, Wire

Script = Callable[[PeerCall], Awaitable[None]]
"""What a peer does with a call, from its first moment on. The call goes on when it returns, until somebody hangs up."""

CALLS_KEPT: Final = 256
"""Ended calls that a line remembers, with what they heard."""
CALLS_AT_ONCE_MAX: Final = 1_000
CLOSE_S_MAX: Final = 2.0
"""How long the calls of a line get to hang up when it is closed."""
SOCKET_BUFFER_BYTES: Final = 1024 * 1024
READS_PER_WAKE: Final = 16
BUSY_EVERYWHERE: Final = 600


class Line:
    """One listening peer; `async with` opens and closes it.

    `script` plays each incoming call; without one they are refused. `calls` are the latest, oldest first.
    """

    def __init__(
        self, script: Script | None = None, *, host: str = "127.0.0.1", port: int = 0, calls_kept: int = CALLS_KEPT
    ) -> None:
        """`port` 0 takes any free one."""
        self.calls: deque[PeerCall] = deque(maxlen=calls_kept)
        self._script = script
        self._bind = (host, port)
        self._live: dict[int, PeerCall] = {}
        self._scripts: set[asyncio.Task[None]] = set()
        self._faults: list[BaseException] = []
        self._timer: asyncio.TimerHandle | None = None
        self._flushing = False

    async def __aenter__(self) -> Self:
        """Listening. Raises OSError when the port is taken."""
        family = socket.AF_INET6 if ":" in self._bind[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
            self._socket.bind(self._bind)
        except OSError:
            self._socket.close()
            raise
        self.host: str = self._bind[0]
        self.port: int = self._socket.getsockname()[1]
        self.endpoint = SipEndpoint(EndpointConfig(self.host, self.port, user_agent="Trunkline test peer"), os.urandom)
        self._wire = Wire(self.endpoint, self.host, self._flush)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closed; an error of a script comes out here unless there is one already."""
        await self.close()
        if error is None and self._faults:
            raise self._faults[0]

    def uri(self, user: str = "peer") -> str:
        """The address others call this line by."""
        return f"sip:{user}@{bracketed(self.host)}:{self.port}"

    def dial(self, uri: str, caller: str = "anonymous", *, codecs: tuple[str, ...] = ("PCMU", "PCMA")) -> PeerCall:
        """Call `uri`, whose host must be an IP address, as `caller` (an E.164 number, or `anonymous`).

        Returns at once; the call's `wait_answered` tells what came of it. Raises RemoteSipError for a bad address.
        """
        to = parse_uri(uri)
        call = PeerCall(self._wire, dialled=to.user or "", caller=caller, outgoing=True)
        target = InviteTarget(
            request_uri=uri,
            destination=Hop(to.host, to.port or DEFAULT_PORT),
            to=None,
            from_uri=f"sip:{caller}@{bracketed(self.host)}:{self.port}",
            from_display=None,
            sdp=call.offer(codecs),
            first_response_s=None,
        )
        self._adopt(call, self.endpoint.invite(target, time.monotonic()))
        self._flush()
        return call

    async def close(self) -> None:
        """Hang up whatever goes on, stop the scripts, and release the port."""
        for task in self._scripts:
            task.cancel()
        await asyncio.gather(*self._scripts, return_exceptions=True)
        live = list(self._live.values())
        for call in live:
            call.hang_up()
        deadline = time.monotonic() + CLOSE_S_MAX
        while any(call.talked_s for call in self._live.values()) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # their BYE waits for its answer, and the core tells nobody but us
        for call in live:
            call.forget()
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    # -- the core's loop -----------------------------------------------------------------------------------------

    def _readable(self) -> None:
        for _ in range(READS_PER_WAKE):
            try:
                data, source = self._socket.recvfrom(65_535)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                # An ICMP error of something sent before; the transaction's timers decide what it means.
                continue
            self.endpoint.receive(data, Hop(source[0], source[1]), time.monotonic())
        self._flush()

    def _flush(self) -> None:
        """Send and act on events, until nothing is pending; then set the timer."""
        if self._flushing:
            return  # an order given while an event is acted on goes out with what that event led to
        self._flushing = True
        try:
            while True:
                events, datagrams = self.endpoint.events(), self.endpoint.datagrams()
                if not events and not datagrams:
                    break
                for datagram in datagrams:
                    self._send(datagram.data, datagram.destination)
                for event in events:
                    self._take(event)
        finally:
            self._flushing = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.endpoint.next_timer()
        if due is not None and self._socket.fileno() >= 0:
            self._timer = self._loop.call_later(max(0.0, due - time.monotonic()), self._wake)

    def _send(self, data: bytes, destination: Hop) -> None:
        try:
            self._socket.sendto(data, destination[:2])
        except OSError:
            # As lost on the way: the transaction sends it again or gives up.
            return

    def _wake(self) -> None:
        self._timer = None
        self.endpoint.handle_timer(time.monotonic())
        self._flush()

    def _take(self, event: SipEvent) -> None:
        if isinstance(event, Incoming):
            self._arrive(event)
            return
        call = self._live.get(event.leg)
        if call is not None:
            call.take(event)
            if call.gone:
                del self._live[event.leg]

    def _arrive(self, event: Incoming) -> None:
        if self._script is None or len(self._live) >= CALLS_AT_ONCE_MAX:
            self.endpoint.reject(event.leg, BUSY_EVERYWHERE, time.monotonic())
            return
        call = PeerCall(
            self._wire,
            dialled=_user(event.request.uri),
            caller=_user(event.request.from_.uri),
            outgoing=False,
        )
        call.request = event.request
        self._adopt(call, event.leg)
        try:
            call.take_offer(event.sdp)
        except RemoteSipError as error:
            call.refuse(error.status)
        else:
            self.play(call, self._script)

    def _adopt(self, call: PeerCall, leg: int) -> None:
        call.leg = leg
        self._live[leg] = call
        self.calls.append(call)

    def play(self, call: PeerCall, script: Script) -> asyncio.Task[None]:
        """Run a script on a call beside whatever else runs; `close` ends it."""
        task = self._loop.create_task(_play(call, script))
        self._scripts.add(task)
        task.add_done_callback(self._played)
        return task

    def _played(self, task: asyncio.Task[None]) -> None:
        self._scripts.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._faults.append(fault)


async def _play(call: PeerCall, script: Script) -> None:
    try:
        await script(call)
    except CallOver:
        # The other side hung up in the middle of the script, as people do.
        return
    except PeerTimeout as error:
        call.fault = error
        call.hang_up()
    except BaseException as error:
        call.fault = error
        call.hang_up()
        raise


def _user(uri: str) -> str:
    try:
        return parse_uri(uri).user or ""
    except RemoteSipError:
        return ""
