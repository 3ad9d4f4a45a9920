"""The one HTTP client for what buyers, bidders and look-ups are asked: a request, one deadline, an answer or why none.

Whoever is asked may hang, drip, send gigabytes, point elsewhere for ever or break off. Nothing of that is an exception
here, and nothing lasts longer than the deadline, which holds for the whole exchange: name, connection, TLS, redirects
and the last byte. Addresses are judged after they are resolved, at every redirect again (`addresses.py`).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from enum import StrEnum
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec
from aiohttp.connector import Connection

from trunkline.kernel.http import Answer, Request
from trunkline.outbound.addresses import AllowedAddresses, ForbiddenAddress, GuardedResolver, is_literal
from trunkline.outbound.words import written

BODY_BYTES_MAX: Final = 262_144
"""The longest answer that is read; bids and acceptances are hundreds of bytes."""
HEADER_BYTES_MAX: Final = 16_384
REDIRECTS_MAX: Final = 3
CONNECTIONS_MAX: Final = 1_000
CONNECTIONS_PER_HOST_MAX: Final = 100
NAMES_KEPT_S: Final = 10
JUDGED_MAX: Final = 10_000
LATE_MAX: Final = 200
"""Answers that are waited for although their time is over."""
IDLE_S: Final = 30.0
"""How long a connection without requests is kept."""
_SAME_AGAIN: Final = frozenset({307, 308})
"""Redirects that repeat method and body (RFC 9110, sections 15.4.8 and 15.4.9)."""
_REDIRECTS: Final = frozenset({301, 302, 303}) | _SAME_AGAIN
_FOR_ANYBODY: Final = frozenset({"accept", "content-type", "idempotency-key"})
"""Headers that go along when we are pointed elsewhere. Any other may hold a key that is meant for the first alone."""


class Why(StrEnum):
    """Why there is no answer."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    FORBIDDEN = "forbidden_address"
    BROKEN = "broken"
    TOO_LARGE = "too_large"
    REDIRECTED = "redirected"


class NoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing that could be used: why, and in words for operators.

    `sent` says whether the request may have reached the other side, or one that pointed elsewhere: then it may have
    acted, and asking again, or somebody else, is a second time.
    """

    why: Why
    detail: str
    sent: bool


class HttpClient:
    """Pooled connections to everybody we ask. For one event loop; close it at the end."""

    def __init__(self, networks: Sequence[str] = (), tls: ssl.SSLContext | None = None) -> None:
        """`networks` (CIDR) may be asked besides the public internet; `tls` verifies (None: as the system does)."""
        self._allowed = AllowedAddresses(networks)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        self._late: set[asyncio.Task[Answer | NoAnswer]] = set()
        self._judged: set[tuple[str, str]] = set()
        """Schemes and places that there is no objection to: judging one takes as long as writing to it."""

    async def exchange(self, request: Request, deadline_s: float) -> Answer | NoAnswer:
        """Ask, and wait until `deadline_s` of the loop's clock at most. Raises nothing but cancellation."""
        return await self._within(request, deadline_s, _Way())

    async def exchange_or_later(
        self, request: Request, deadline_s: float, grace_s: float, on_late: Callable[[Answer], None]
    ) -> Answer | NoAnswer:
        """The same, but what is answered within `grace_s` after the deadline is told to `on_late`, while there is room.

        The caller is answered at the deadline all the same.
        """
        state = _Way()
        task = asyncio.create_task(self._within(request, deadline_s + grace_s, state))
        wait_s = deadline_s - asyncio.get_running_loop().time()
        try:
            done, _ = await asyncio.wait({task}, timeout=max(0.0, wait_s))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done:
            return task.result()
        state.over = True
        if not state.sent or len(self._late) >= LATE_MAX:
            task.cancel()
        self._late.add(task)

        def tell(answered: asyncio.Task[Answer | NoAnswer]) -> None:
            self._late.discard(answered)
            if not answered.cancelled() and isinstance(answer := answered.result(), Answer):
                on_late(answer)

        task.add_done_callback(tell)
        return NoAnswer(why=Why.TIMEOUT, detail=f"no whole answer from {_host(state.url)} in time", sent=state.sent)

    async def _within(self, request: Request, deadline_s: float, state: _Way) -> Answer | NoAnswer:
        try:
            async with asyncio.timeout_at(deadline_s):
                return await self._follow(request, state)
        except TimeoutError:
            return NoAnswer(why=Why.TIMEOUT, detail=f"no whole answer from {_host(state.url)} in time", sent=state.sent)
        except aiohttp.ClientSSLError as error:
            return NoAnswer(why=Why.TLS, detail=_words(error), sent=state.sent)
        except ForbiddenAddress as error:
            return NoAnswer(why=Why.FORBIDDEN, detail=str(error), sent=state.sent)
        except aiohttp.ClientConnectorError as error:
            cause = error.os_error
            if isinstance(cause, ForbiddenAddress):
                return NoAnswer(why=Why.FORBIDDEN, detail=cause.strerror or str(cause), sent=state.sent)
            return NoAnswer(why=Why.UNREACHABLE, detail=_words(error), sent=state.sent)
        except (aiohttp.InvalidURL, ValueError) as error:
            detail = f"the URL of {_host(state.url)} cannot be asked: {type(error).__name__}"
            return NoAnswer(why=Why.UNREACHABLE, detail=detail, sent=state.sent)
        except (aiohttp.ClientError, OSError) as error:
            return NoAnswer(why=Why.BROKEN, detail=_words(error), sent=state.sent)

    async def close(self) -> None:
        """Close all connections."""
        for task in list(self._late):
            task.cancel()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _follow(self, request: Request, state: _Way) -> Answer | NoAnswer:
        url, headers = request.url, dict(request.headers)
        for _ in range(REDIRECTS_MAX + 1):
            state.url = url
            answer = await self._once(request, url, headers, state)
            if isinstance(answer, NoAnswer) or answer.status not in _REDIRECTS:
                return answer
            place = answer.headers.get("location", "")
            if answer.status not in _SAME_AGAIN and request.method not in {"GET", "HEAD"}:
                detail = f"{_host(url)} answers {answer.status}; only 307 and 308 repeat a {request.method}"
                return NoAnswer(why=Why.REDIRECTED, detail=detail, sent=True)
            further = urljoin(url, place)
            if urlsplit(url).scheme == "https" and urlsplit(further).scheme != "https":
                return NoAnswer(why=Why.REDIRECTED, detail=f"{_host(url)} points away from https", sent=True)
            if _origin(further) != _origin(url):
                headers = {name: value for name, value in headers.items() if name.lower() in _FOR_ANYBODY}
            url = further
        detail = f"{_host(request.url)} points elsewhere more than {REDIRECTS_MAX} times"
        return NoAnswer(why=Why.REDIRECTED, detail=detail, sent=True)

    async def _once(self, request: Request, url: str, headers: Mapping[str, str], state: _Way) -> Answer | NoAnswer:
        parts = urlsplit(url)
        place = (parts.scheme, parts.netloc)
        if place not in self._judged:
            objection = self._objection(url, state)
            if objection is not None:
                return objection
            if len(self._judged) >= JUDGED_MAX:
                self._judged.clear()
            self._judged.add(place)
        _WAY.set(state)
        context = self._open().request(request.method, url, headers=headers, data=request.body, allow_redirects=False)
        async with context as reply:
            body = bytearray()
            async for piece in reply.content.iter_any():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    reply.close()  # the rest is not wanted, nor the connection that it comes on
                    detail = f"{_host(url)} sends more than {BODY_BYTES_MAX} bytes"
                    return NoAnswer(why=Why.TOO_LARGE, detail=detail, sent=True)
            found = {name.lower(): value for name, value in reply.headers.items()}
            return Answer(status=reply.status, headers=found, body=bytes(body), url=url)

    def _objection(self, url: str, state: _Way) -> NoAnswer | None:
        """Why nothing is sent there, as far as the URL says so itself."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            detail = f"a URL of {_host(url)} is none of http or https"
            return NoAnswer(why=Why.UNREACHABLE, detail=detail, sent=state.sent)
        if is_literal(parts.hostname) and parts.hostname not in self._allowed:
            detail = f"{_host(url)} is not an address that requests may go to"
            return NoAnswer(why=Why.FORBIDDEN, detail=detail, sent=state.sent)
        return None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=GuardedResolver(self._allowed),
                socket_factory=self._allowed.socket_for,
                limit=CONNECTIONS_MAX,
                limit_per_host=CONNECTIONS_PER_HOST_MAX,
                ttl_dns_cache=NAMES_KEPT_S,
                keepalive_timeout=IDLE_S,
                ssl=self._tls or True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None),  # the deadline is ours
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                max_line_size=HEADER_BYTES_MAX,
                max_field_size=HEADER_BYTES_MAX,
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept-Encoding"),
                request_class=_NotedRequest,
            )
        return self._session


class _Way:
    """How far an exchange has come: whom it asks, whether anything has been sent, whether nothing more may be."""

    def __init__(self) -> None:
        self.url = ""
        self.sent = False
        self.over = False


_WAY: Final[ContextVar[_Way]] = ContextVar("way")
"""The exchange that the running task is making."""


class _NotedRequest(aiohttp.ClientRequest):
    """Notes that it is being written. Tracing would tell the same, for a fifth of a request's processor time."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write the request to a connection that stands."""
        way = _WAY.get()
        if way.over:  # whoever asked has gone on to somebody else
            raise aiohttp.ClientConnectionError("its time was over before it could be sent")
        way.sent = True
        return await super().send(conn)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _host(url: str) -> str:
    """Whom a URL names. Not more of it is told to anybody: it may hold a secret."""
    try:
        return written(urlsplit(url).hostname or "nobody")
    except ValueError:
        return "nobody"


def _words(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):  # whose text has the whole URL
        return written(f"{type(error).__name__} {error.message[:200]}").strip()
    return written(f"{type(error).__name__} {str(error)[:200]}").strip()
