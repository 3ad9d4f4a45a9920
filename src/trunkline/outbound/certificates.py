"""Signers' certificates, fetched over HTTPS from named hosts and kept for a while."""

from __future__ import annotations

import re
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

import aiohttp

from trunkline.outbound.addresses import AllowedAddresses, ForbiddenAddress, GuardedResolver, is_literal

FETCH_S = 5.0
BYTES_MAX = 65_536
KEPT_MAX = 1_000
KEPT_S = (60.0, 86_400.0)
"""What a server may say of how long its answer is good for, at least and at most; and without its word, the middle."""
KEPT_UNSAID_S = 3_600.0
FAILURE_KEPT_S = 60.0

_MAX_AGE = re.compile(r"\bmax-age=([0-9]{1,9})\b", re.IGNORECASE)


class CertificateUnavailable(Exception):
    """The certificates cannot be had; `reason` is a code: host_not_allowed, fetch_failed, too_large."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Certificates:
    """A bounded cache in front of HTTPS. Failures are kept as well, so a dead server is not asked for every call."""

    def __init__(
        self,
        networks: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`networks` may be asked besides the public internet; `tls` verifies servers (None: the system's way)."""
        self._allowed = AllowedAddresses(networks)
        self._tls = tls
        self._clock_s = clock_s
        self._kept: OrderedDict[str, tuple[float, bytes | CertificateUnavailable]] = OrderedDict()
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, url: str, hosts: Collection[str]) -> bytes:
        """The PEM at `url`, whose host must be one of `hosts`. Raises CertificateUnavailable."""
        _check_url(url, hosts)
        kept = self._kept.get(url)
        if kept is not None and kept[0] > self._clock_s():
            return _given(kept[1])
        found: bytes | CertificateUnavailable
        try:
            found, kept_s = await self._download(url)
        except CertificateUnavailable as error:
            found, kept_s = error, FAILURE_KEPT_S
        except (aiohttp.ClientError, ForbiddenAddress, TimeoutError, OSError) as error:
            words = f"{url[:200]!r}: {type(error).__name__} {str(error)[:200]!r}"
            found, kept_s = CertificateUnavailable("fetch_failed", words), FAILURE_KEPT_S
        self._kept[url] = (self._clock_s() + kept_s, found)
        self._kept.move_to_end(url)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return _given(found)

    async def _download(self, url: str) -> tuple[bytes, float]:
        host = urlsplit(url).hostname or ""
        if is_literal(host) and host not in self._allowed:
            raise CertificateUnavailable("host_not_allowed", f"{host} is not an address that requests may go to")
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=GuardedResolver(self._allowed),
                socket_factory=self._allowed.socket_for,
                limit=4,
                ssl=self._tls or True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=aiohttp.ClientTimeout(total=FETCH_S), cookie_jar=aiohttp.DummyCookieJar()
            )
        async with self._session.get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise CertificateUnavailable("fetch_failed", f"{url[:200]!r} answers {answer.status}")
            body = await answer.content.read(BYTES_MAX + 1)
            while len(body) <= BYTES_MAX and (more := await answer.content.read(BYTES_MAX + 1 - len(body))):
                body += more
            if len(body) > BYTES_MAX:
                raise CertificateUnavailable("too_large", f"{url[:200]!r} has more than {BYTES_MAX} bytes")
            said = _MAX_AGE.search(answer.headers.get("Cache-Control", ""))
        return body, KEPT_UNSAID_S if said is None else min(max(float(said.group(1)), KEPT_S[0]), KEPT_S[1])

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _check_url(url: str, hosts: Collection[str]) -> None:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError as error:
        raise CertificateUnavailable("host_not_allowed", f"{url[:200]!r} is no URL") from error
    if parts.scheme != "https" or parts.username is not None or host not in {each.lower() for each in hosts}:
        raise CertificateUnavailable("host_not_allowed", f"{url[:200]!r} is not of a host that certificates come from")


def _given(found: bytes | CertificateUnavailable) -> bytes:
    if isinstance(found, CertificateUnavailable):
        raise found
    return found
