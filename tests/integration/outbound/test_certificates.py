"""Signers' certificates over real HTTPS on loopback: named hosts only, kept, bounded, never redirected."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from tests.integration.switch.certificates import Authority

from trunkline.outbound.certificates import BYTES_MAX, FAILURE_KEPT_S, Certificates, CertificateUnavailable

pytestmark = pytest.mark.integration

LOOPBACK = ("127.0.0.0/8",)
PEM = b"-----BEGIN CERTIFICATE-----\nno real one\n"


class Library:
    """An HTTPS server that counts what it is asked for."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        self.files = authority.issue("localhost", "127.0.0.1")
        self.authority = authority.file
        self.asked: list[str] = []
        self._connections: set[asyncio.BaseTransport] = set()
        self.headers: dict[str, str] = {}

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        self._connections.add(request.transport)
        return await self.answer(request)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """What is sent for a request."""
        self.asked.append(request.path)
        match request.path:
            case "/signer.pem":
                return web.Response(body=PEM, headers=self.headers)
            case "/moved.pem":
                raise web.HTTPFound("/signer.pem")
            case "/huge.pem":
                return web.Response(body=b"x" * (BYTES_MAX + 1))
            case _:
                raise web.HTTPNotFound

    async def start(self) -> int:
        """Serve; the port."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        assert self.files.certificate is not None
        context.load_cert_chain(self.files.certificate, self.files.key)
        self._runner = web.ServerRunner(web.Server(self._answer))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        await self._runner.cleanup()
        for connection in self._connections:
            connection.abort()  # type: ignore[attr-defined]
        for _ in range(4):  # turns of the loop until the sockets below TLS are closed
            await asyncio.sleep(0)


def with_library(
    folder: Path,
    check: Callable[[Library, Certificates, str, list[float]], Awaitable[None]],
    networks: tuple[str, ...] = LOOPBACK,
) -> None:
    async def go() -> None:
        library, clock = Library(folder), [0.0]
        port = await library.start()
        tls = ssl.create_default_context(cafile=str(library.authority))
        certificates = Certificates(networks, tls, lambda: clock[0])
        try:
            await check(library, certificates, f"https://localhost:{port}", clock)
        finally:
            await certificates.close()
            await library.stop()

    asyncio.run(go())


async def refusal(certificates: Certificates, url: str, hosts: tuple[str, ...] = ("localhost",)) -> str:
    with pytest.raises(CertificateUnavailable) as caught:
        await certificates.fetch(url, hosts)
    return caught.value.reason


def test_a_certificate_is_fetched_once_and_again_when_it_has_aged(tmp_path: Path) -> None:
    async def check(library: Library, certificates: Certificates, at: str, clock: list[float]) -> None:
        library.headers = {"Cache-Control": "public, max-age=120"}
        for _ in range(3):
            assert await certificates.fetch(f"{at}/signer.pem", ["LOCALHOST"]) == PEM
        assert library.asked == ["/signer.pem"]
        clock[0] = 121.0
        await certificates.fetch(f"{at}/signer.pem", ["localhost"])
        assert library.asked == ["/signer.pem"] * 2

    with_library(tmp_path, check)


def test_a_failure_is_remembered_for_a_while(tmp_path: Path) -> None:
    async def check(library: Library, certificates: Certificates, at: str, clock: list[float]) -> None:
        for _ in range(3):
            assert await refusal(certificates, f"{at}/none.pem") == "fetch_failed"
        assert library.asked == ["/none.pem"]
        clock[0] = FAILURE_KEPT_S + 1
        await refusal(certificates, f"{at}/none.pem")
        assert library.asked == ["/none.pem"] * 2

    with_library(tmp_path, check)


def test_redirects_are_not_followed_and_size_is_bounded(tmp_path: Path) -> None:
    async def check(library: Library, certificates: Certificates, at: str, clock: list[float]) -> None:
        assert await refusal(certificates, f"{at}/moved.pem") == "fetch_failed"
        assert await refusal(certificates, f"{at}/huge.pem") == "too_large"
        assert library.asked == ["/moved.pem", "/huge.pem"]

    with_library(tmp_path, check)


def test_nobody_is_asked_who_is_not_named(tmp_path: Path) -> None:
    async def check(library: Library, certificates: Certificates, at: str, clock: list[float]) -> None:
        port = at.rpartition(":")[2]
        for url in (
            f"{at}/signer.pem".replace("https", "http"),
            f"https://127.0.0.1:{port}/signer.pem",
            f"https://user@localhost:{port}/signer.pem",
            "https://[::1/x",
            "file:///etc/hostname",
            "",
        ):
            assert await refusal(certificates, url) == "host_not_allowed"
        assert library.asked == []

    with_library(tmp_path, check)


def test_named_hosts_at_private_addresses_are_not_asked_either(tmp_path: Path) -> None:
    async def check(library: Library, certificates: Certificates, at: str, clock: list[float]) -> None:
        port = at.rpartition(":")[2]
        assert await refusal(certificates, f"{at}/signer.pem") == "fetch_failed"
        literal = f"https://127.0.0.1:{port}/signer.pem"
        assert await refusal(certificates, literal, ("127.0.0.1",)) == "host_not_allowed"
        assert library.asked == []

    with_library(tmp_path, check, networks=())


def test_a_server_that_cannot_prove_its_name_is_not_believed(tmp_path: Path) -> None:
    async def check(library: Library, certificates: Certificates, at: str, clock: list[float]) -> None:
        strangers = Certificates(LOOPBACK, ssl.create_default_context())
        assert await refusal(strangers, f"{at}/signer.pem") == "fetch_failed"
        await strangers.close()
        assert library.asked == []

    with_library(tmp_path, check)
