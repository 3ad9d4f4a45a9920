"""A SIP driver with real sockets on loopback, and a peer that sends bytes by hand."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

from trunkline.config.schema import Platform
from trunkline.config.trunks import Trunk
from trunkline.sip.endpoint import Hop, InviteTarget
from trunkline.sip.events import SipEvent
from trunkline.telephony.sip.doors import Doors
from trunkline.telephony.sip.driver import SipDriver
from trunkline.telephony.sip.listening import Places

WAIT_S_MAX = 10.0
OPEN, SHUT = ("127.0.0.0/8",), ("192.0.2.0/24",)
"""Networks that loopback is in, and is not in."""


class Peer:
    """A UDP socket on loopback."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    def send(self, driver: SipDriver, data: bytes) -> None:
        """Send the driver a datagram."""
        self.socket.sendto(data, driver.address)

    async def receive(self) -> str:
        """The next datagram."""
        data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.socket, 65_535), WAIT_S_MAX)
        return data.decode()

    def has_mail(self) -> bool:
        """Whether a datagram lies in the socket."""
        try:
            self.socket.recv(65_535, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        return True


class Wire:
    """One driver, what it told, and a peer."""

    def __init__(self, allow: tuple[str, ...] = OPEN) -> None:
        self.told: list[SipEvent] = []
        self.on_event: Callable[[SipEvent], None] = self.told.append
        doors = Doors(Platform(trunks=(Trunk(key="lo", allow=allow),)))
        self.driver = SipDriver(Places((("127.0.0.1", 0),)), doors, os.urandom, lambda event: self.on_event(event))
        self.peer = Peer()

    def invite(self, port: int, host: str = "127.0.0.1", first_response_s: float = 4.0) -> int:
        """Call somebody; the leg."""
        target = InviteTarget(
            request_uri=f"sip:desk@{host}",
            destination=Hop(host, port),
            to=None,
            from_uri="sip:us@127.0.0.1",
            from_display=None,
            sdp=b"",
            first_response_s=first_response_s,
        )
        leg = self.driver.endpoint.invite(target, self.driver.now())
        self.driver.flush()
        return leg

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop run until `condition` holds."""
        async with asyncio.timeout(WAIT_S_MAX):
            while not condition():  # noqa: ASYNC110 - the driver tells nobody that it has dropped something
                await asyncio.sleep(0.001)


def on_wire(work: Callable[[Wire], Awaitable[None]], allow: tuple[str, ...] = OPEN) -> None:
    """Run `work` with a driver that listens."""

    async def run() -> None:
        wire = Wire(allow)
        wire.driver.start()
        try:
            await work(wire)
        finally:
            wire.driver.close()
            wire.peer.socket.close()

    asyncio.run(run())


def options(number: int = 1, via: str = "127.0.0.1") -> bytes:
    """An OPTIONS request."""
    lines = (
        "OPTIONS sip:127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP {via};rport;branch=z9hG4bK{number}",
        "From: <sip:peer@127.0.0.1>;tag=1",
        "To: <sip:127.0.0.1>",
        f"Call-ID: options-{number}",
        f"CSeq: {number} OPTIONS",
        "Max-Forwards: 70",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def answer(request: str, status: str) -> bytes:
    """A response to a request as it was received."""
    echoed = [line for line in request.split("\r\n") if line.split(":")[0] in {"Via", "From", "Call-ID", "CSeq"}]
    (to,) = [line for line in request.split("\r\n") if line.startswith("To:")]
    return "\r\n".join((f"SIP/2.0 {status}", *echoed, f"{to};tag=peer", "Content-Length: 0", "", "")).encode()
