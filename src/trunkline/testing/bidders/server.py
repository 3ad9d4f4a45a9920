"""An HTTP server on loopback that does with each request what its script says, byte by byte if need be.

    async with serving({"/ping": bids("25.00"), "/leads": LeadBuyer()}) as bidder:
        ...  # configure `url: {bidder.url}/ping`
        assert bidder.received[0].json()["zip"] == "78701"

A script is a behaviour, several of them (one for each request in turn, the last one for all that follow), or a mapping
of paths to either. It is no web server: it reads what HTTP clients write (a head, a body of `Content-Length`), keeps
connections, and lets a behaviour break every rule that a bidder can break.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from trunkline.testing.ports import HOST

HEAD_BYTES_MAX: Final = 65_536
BODY_BYTES_MAX: Final = 1_048_576
TLS_HANDSHAKE: Final = b"\x16"
"""How a client begins that wants to speak TLS (RFC 8446, section 5.1). It gets an answer in plain words."""
KEPT_MAX: Final = 10_000
"""Requests that are remembered; a benchmark sends more."""


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came. Header names are in lower case; `at_s` is of the loop's clock."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at_s: float

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    def query(self) -> dict[str, str]:
        """The fields of the query."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def form(self) -> dict[str, str]:
        """The fields of a form in the body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON. Raises msgspec.DecodeError when it is none."""
        return msgspec.json.decode(self.body)


class Peer:
    """The connection that a request came on, for the behaviour that answers it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        """Write, and end the connection's task when nobody listens any more."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            raise Left from None

    async def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """A whole answer."""
        lines = [f"HTTP/1.1 {status} {'OK' if status < 400 else 'No'}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.say("\r\n".join([*lines, "", ""]).encode() + body)

    async def json(self, status: int, value: Any) -> None:
        """A whole answer in JSON."""
        await self.answer(status, msgspec.json.encode(value), {"Content-Type": "application/json"})

    async def until_left(self) -> None:
        """Say nothing until the other side goes away."""
        while await self.reader.read(65_536):
            pass
        raise Left

    def drop(self) -> None:
        """Break the connection off."""
        self.writer.transport.abort()
        raise Left


class Left(Exception):
    """The other side has gone, or the behaviour has broken the connection off."""


Behaviour = Callable[[Peer, Received], Awaitable[None]]
Script = Behaviour | Sequence[Behaviour]


class Bidder:
    """A running server: where it is, and what was asked of it."""

    def __init__(self, script: Script | Mapping[str, Script]) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.open_now = 0
        """Requests that are being answered."""
        self.open_most = 0
        self.port = 0
        self._turns: dict[str, int] = {}
        self._scripts: Mapping[str, Script] = script if isinstance(script, Mapping) else {"": script}

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://{HOST}:{self.port}"

    @property
    def tls_url(self) -> str:
        """The same with https. Without a certificate of its own the server cannot speak TLS: a broken bidder."""
        return f"https://{HOST}:{self.port}"

    def at(self, path: str) -> list[Received]:
        """What came for one path."""
        return [each for each in self.received if each.path == path]

    def script(self, script: Script, path: str = "") -> None:
        """From now on, do this with requests for `path` (nothing said: for paths that have no script)."""
        self._scripts = {**self._scripts, path: script}
        self._turns.pop(path, None)

    async def met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        self.connections += 1
        peer = Peer(reader, writer)
        try:
            while (request := await _read(peer)) is not None:
                if len(self.received) < KEPT_MAX:
                    self.received.append(request)
                self.open_now += 1
                self.open_most = max(self.open_most, self.open_now)
                try:
                    await self._next(request.path)(peer, request)
                finally:
                    self.open_now -= 1
        except (Left, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # it left, or it writes what is no HTTP: the connection is over
        finally:
            writer.close()

    def _next(self, path: str) -> Behaviour:
        name = path if path in self._scripts else ""
        script = self._scripts.get(name, unknown)
        if callable(script):
            return script
        turn = self._turns.get(name, 0)
        self._turns[name] = turn + 1
        return script[min(turn, len(script) - 1)]


async def unknown(peer: Peer, request: Received) -> None:
    """What a path without a script answers."""
    await peer.json(404, {"reason": f"nothing is scripted for {request.path}"})


async def _read(peer: Peer) -> Received | None:
    """The next request of a connection, None when it has ended between two."""
    reader = peer.reader
    try:
        begin = await reader.readexactly(1)
        if begin == TLS_HANDSHAKE:
            await peer.answer(400)
            raise Left
        head = begin + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        raise Left
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length) > BODY_BYTES_MAX:
        raise Left
    body = await reader.readexactly(int(length))
    now_s = asyncio.get_running_loop().time()
    return Received(method=words[0], target=words[1], headers=headers, body=body, at_s=now_s)


@asynccontextmanager
async def serving(
    script: Script | Mapping[str, Script], *, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[Bidder]:
    """A bidder at a port of loopback (one that is free, unless said), until the block ends."""
    bidder = Bidder(script)
    running: set[asyncio.Task[None]] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await bidder.met(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # the block is over; asyncio would report a cancelled handler as an error
        finally:
            running.discard(task)

    server = await asyncio.start_server(met, HOST, port, ssl=tls, limit=HEAD_BYTES_MAX)
    bidder.port = server.sockets[0].getsockname()[1]
    try:
        yield bidder
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
