"""The HTTP client against servers that do all that servers do to those who wait for them, over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.integration.switch.certificates import Authority

from trunkline.kernel.http import Answer, Request
from trunkline.outbound.client import BODY_BYTES_MAX, REDIRECTS_MAX, HttpClient, NoAnswer, Why

pytestmark = pytest.mark.integration

HERE = ("127.0.0.1/32",)
PATIENT_S = 30.0
SHORT_S = 0.1

Handler = Callable[["Peer", bytes], Awaitable[None]]


class Peer:
    """One connection to a server that writes what its test wants, byte by byte if need be."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, text: str | bytes) -> None:
        """Write, whether or not anybody still listens."""
        try:
            self.writer.write(text.encode() if isinstance(text, str) else text)
            await self.writer.drain()
        except ConnectionError:
            raise asyncio.CancelledError from None

    async def answer(self, status: str, *headers: str, body: bytes = b"") -> None:
        """A whole answer."""
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
        await self.say("\r\n".join(lines).encode() + body)

    async def for_ever(self) -> None:
        """Hold the connection until the other side leaves."""
        while await self.reader.read(65_536):
            pass


class Server:
    """What was asked, and where it listens."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                               if line.startswith(b"content-length:")), 0)  # fmt: skip
                server.requests.append(head + await reader.readexactly(length))
                await handler(Peer(reader, writer), server.requests[-1])
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    scheme = "http" if tls is None else "https"
    server.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


def asked(
    handler: Handler,
    path: str = "/",
    *,
    method: str = "POST",
    seconds: float = PATIENT_S,
    tls: ssl.SSLContext | None = None,
    trusting: ssl.SSLContext | None = None,
    headers: dict[str, str] | None = None,
    times: int = 1,
) -> tuple[Answer | NoAnswer, Server]:
    """What one client says after asking a server so often, and the server."""

    async def run() -> tuple[Answer | NoAnswer, Server]:
        client = HttpClient(HERE, trusting)
        async with serving(handler, tls) as server:
            try:
                for _ in range(times):
                    body = b'{"zip": "78701"}' if method == "POST" else None
                    request = Request(method=method, url=server.url + path, headers=headers or {}, body=body)
                    found = await client.exchange(request, asyncio.get_running_loop().time() + seconds)
            finally:
                await client.close()
        return found, server

    return asyncio.run(run())


def no_answer(found: Answer | NoAnswer) -> NoAnswer:
    assert isinstance(found, NoAnswer), found
    return found


async def refused(url: str) -> NoAnswer:
    """Why asking for `url` gives no answer."""
    client = HttpClient(HERE)
    try:
        request = Request(method="GET", url=url)
        return no_answer(await client.exchange(request, asyncio.get_running_loop().time() + PATIENT_S))
    finally:
        await client.close()


async def takes(peer: Peer, request: bytes) -> None:
    await peer.answer("200 OK", "Content-Type: application/json", body=b'{"status": "ok"}')


def test_an_answer_is_what_came_whatever_its_status() -> None:
    async def refuses(peer: Peer, request: bytes) -> None:
        await peer.answer("503 Busy", "Retry-After: 3", body=b"later")

    found, server = asked(takes, "/leads?x=1", headers={"Authorization": "Bearer secret", "X-Id": "7"})
    assert isinstance(found, Answer)
    assert (found.status, found.body, found.headers["content-type"]) == (200, b'{"status": "ok"}', "application/json")
    sent = server.requests[0]
    assert sent.startswith(b"POST /leads?x=1 HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret\r\n" in sent
    assert sent.endswith(b'{"zip": "78701"}')
    assert b"Accept-Encoding" not in sent
    found, _ = asked(refuses)
    assert isinstance(found, Answer)
    assert (found.status, found.body, found.headers["retry-after"]) == (503, b"later", "3")


def test_connections_are_used_again() -> None:
    _, server = asked(takes, times=3)
    assert (len(server.requests), server.connections) == (3, 1)


async def hangs(peer: Peer, request: bytes) -> None:
    await peer.for_ever()


async def drips_its_head(peer: Peer, request: bytes) -> None:
    await peer.say("HTTP/1.1 200 OK\r\n")
    while True:
        await peer.say("X-More: 1\r\n"[:1])
        await asyncio.sleep(0.01)


async def drips_its_body(peer: Peer, request: bytes) -> None:
    await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        await peer.say("x")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("handler", [hangs, drips_its_head, drips_its_body])
def test_whoever_takes_too_long_costs_the_deadline(handler: Handler) -> None:
    found, _ = asked(handler, seconds=SHORT_S)
    assert no_answer(found).why is Why.TIMEOUT
    assert no_answer(found).sent


def test_a_deadline_that_has_passed_sends_nothing() -> None:
    found, server = asked(takes, seconds=-1.0)
    assert no_answer(found).why is Why.TIMEOUT
    assert not no_answer(found).sent
    assert server.requests == []


@pytest.mark.parametrize("chunked", [False, True])
def test_gigabytes_are_not_read(chunked: bool) -> None:
    written = 0

    async def floods(peer: Peer, request: bytes) -> None:
        nonlocal written
        kind = "Transfer-Encoding: chunked" if chunked else "Content-Length: 8000000000"
        await peer.say(f"HTTP/1.1 200 OK\r\n{kind}\r\n\r\n")
        piece = b"x" * 65_536
        while True:
            await peer.say(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" if chunked else piece)
            written += len(piece)

    found, _ = asked(floods)
    assert no_answer(found).why is Why.TOO_LARGE
    assert written < 64 * BODY_BYTES_MAX


def test_redirects_are_followed_when_they_repeat_the_request_and_end() -> None:
    async def moves(peer: Peer, request: bytes) -> None:
        if request.startswith(b"POST /new "):
            await takes(peer, request)
        else:
            await peer.answer("307 Moved", "Location: /new")

    found, server = asked(moves, "/old")
    assert isinstance(found, Answer)
    assert found.url == f"{server.url}/new"
    assert server.requests[1].endswith(b'{"zip": "78701"}')

    async def circles(peer: Peer, request: bytes) -> None:
        await peer.answer("308 Moved", "Location: /again")

    found, server = asked(circles)
    assert no_answer(found).why is Why.REDIRECTED
    assert len(server.requests) == REDIRECTS_MAX + 1

    async def found_elsewhere(peer: Peer, request: bytes) -> None:
        await peer.answer("302 Found", "Location: /new")

    found, server = asked(found_elsewhere)
    assert no_answer(found).why is Why.REDIRECTED
    assert len(server.requests) == 1


def test_a_redirect_takes_no_secrets_to_others_and_nothing_to_private_networks() -> None:
    async def run() -> None:
        client = HttpClient(HERE)
        try:
            async with serving(takes) as other:

                async def points(peer: Peer, request: bytes) -> None:
                    place = f"{other.url}/x" if b"/other" in request else "http://127.0.0.2:1/x"
                    await peer.answer("307 Moved", f"Location: {place}")

                async with serving(points) as first:
                    headers = {"Authorization": "Bearer secret", "X-Api-Key": "secret", "Idempotency-Key": "7"}
                    deadline_s = asyncio.get_running_loop().time() + PATIENT_S
                    request = Request(method="POST", url=f"{first.url}/other", headers=headers, body=b"{}")
                    found = await client.exchange(request, deadline_s)
                    assert isinstance(found, Answer)
                    assert b"secret" not in other.requests[0]
                    assert b"Idempotency-Key: 7" in other.requests[0]
                    request = Request(method="POST", url=f"{first.url}/private", headers=headers, body=b"{}")
                    refused = no_answer(await client.exchange(request, deadline_s))
                    assert refused.why is Why.FORBIDDEN
                    assert refused.sent  # to the first, who may have acted
        finally:
            await client.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2:9/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:9/",
        "http://[::ffff:127.0.0.2]:9/",
        "http://10.0.0.1/",
        "http://0x7f000002/",
        "http://127\u30020\u30020\u30022:9/",
        "http://[64:ff9b::7f00:2]:9/",
        "http://[64:ff9b:1::7f00:2]:9/",
        "http://[2002:7f00:2::]:9/",
        "http://[::127.0.0.2]:9/",
        "http://[fec0::1]:9/",
    ],
)
def test_addresses_that_requests_may_not_go_to(url: str) -> None:
    found = asyncio.run(refused(url))
    assert found.why is Why.FORBIDDEN
    assert not found.sent


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://", "nonsense", "http://127.0.0.1:99999/", "http://2130706433/", "http://a b/"]
)
def test_what_is_no_url(url: str) -> None:
    assert asyncio.run(refused(url)).why is Why.UNREACHABLE


async def speaks_no_http(peer: Peer, request: bytes) -> None:
    await peer.say(b"\x00\x01 hello \r\n\r\n")


async def breaks_off(peer: Peer, request: bytes) -> None:
    await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    peer.writer.close()


async def leaves(peer: Peer, request: bytes) -> None:
    peer.writer.close()


async def has_endless_headers(peer: Peer, request: bytes) -> None:
    await peer.say("HTTP/1.1 200 OK\r\nX-Long: " + "x" * 100_000 + "\r\n\r\n")


@pytest.mark.parametrize("handler", [speaks_no_http, breaks_off, leaves, has_endless_headers])
def test_broken_answers(handler: Handler) -> None:
    found, server = asked(handler)
    assert no_answer(found).why is Why.BROKEN
    assert no_answer(found).sent
    assert len(server.requests) == 1, "what may have acted is not asked twice"


@pytest.mark.parametrize("place", [b"http://\xff.example/", b"ftp://\xff.example/", b"//\xff\xfe"])
def test_a_redirect_to_bytes_that_are_no_text_can_be_written_down(place: bytes) -> None:
    async def points(peer: Peer, request: bytes) -> None:
        await peer.say(b"HTTP/1.1 307 Go\r\nContent-Length: 0\r\nLocation: " + place + b"\r\n\r\n")

    found = no_answer(asked(points)[0])
    assert found.why is Why.UNREACHABLE
    assert "\\udcff" in found.detail.encode().decode(), "a lone surrogate could not be encoded"


def test_what_was_asked_is_not_told_with_a_broken_answer() -> None:
    found = no_answer(asked(speaks_no_http, "/ping?key=secret")[0])
    assert "secret" not in found.detail


def test_nobody_listens() -> None:
    async def run() -> NoAnswer:
        async with serving(takes) as server:
            url = server.url
        return await refused(url)

    found = asyncio.run(run())
    assert found.why is Why.UNREACHABLE
    assert not found.sent


def test_certificates_are_verified(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("127.0.0.1")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    assert files.certificate is not None
    tls.load_cert_chain(files.certificate, files.key)
    trusting = ssl.create_default_context(cafile=str(authority.file))
    found, _ = asked(takes, tls=tls, trusting=trusting)
    assert isinstance(found, Answer)
    found, server = asked(takes, tls=tls, trusting=ssl.create_default_context())
    assert no_answer(found).why is Why.TLS
    assert server.requests == []


def test_what_was_not_sent_in_time_is_not_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is sent a lead that somebody else has bought meanwhile: neither from the queue nor after a redirect."""
    monkeypatch.setattr("trunkline.outbound.client.CONNECTIONS_PER_HOST_MAX", 1)

    async def run() -> None:
        free, late = asyncio.Event(), []

        async def busy(peer: Peer, request: bytes) -> None:
            await free.wait()
            if b"/moved" in request:
                await peer.answer("307 Elsewhere", "Location: /there")
            else:
                await peer.answer("200 OK")

        client = HttpClient(HERE)
        async with serving(busy) as server:
            now_s = asyncio.get_running_loop().time

            async def post(path: str) -> Answer | NoAnswer:
                request = Request(method="POST", url=server.url + path, headers={}, body=b"{}")
                return await client.exchange_or_later(request, now_s() + SHORT_S, PATIENT_S, late.append)

            moved = await post("/moved")
            queued = await post("/queued")  # the only connection is taken
            assert isinstance(moved, NoAnswer)
            assert isinstance(queued, NoAnswer)
            assert (moved.sent, queued.sent) == (True, False)
            free.set()
            request = Request(method="POST", url=server.url + "/next", headers={}, body=b"{}")
            assert isinstance(await client.exchange(request, now_s() + PATIENT_S), Answer)
            paths = [head.split()[1] for head in server.requests]
            assert (paths, late) == ([b"/moved", b"/next"], [])
        await client.close()

    asyncio.run(asyncio.wait_for(run(), PATIENT_S))
