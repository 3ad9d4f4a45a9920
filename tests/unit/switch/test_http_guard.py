"""One address elsewhere gets its share of the HTTP connections, a proxy on this machine all of them."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from starlette.applications import Starlette
from uvicorn.server import ServerState

from trunkline.switch.http_guard import CONNECTIONS_MAX, CONNECTIONS_PER_SOURCE_MAX, GuardedProtocol, guarded

pytestmark = pytest.mark.unit


class Transport(asyncio.Transport):
    def __init__(self, host: str) -> None:
        super().__init__({"peername": (host, 40_000), "sockname": ("192.0.2.1", 80)})
        self.aborted = False

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(
    ("host", "share", "why"),
    [
        ("198.51.100.1", CONNECTIONS_PER_SOURCE_MAX, "too_many_connections_of_source"),
        ("127.0.0.1", CONNECTIONS_MAX, "too_many_connections"),
        ("::1", CONNECTIONS_MAX, "too_many_connections"),
    ],
)
def test_the_share_of_one_address(host: str, share: int, why: str) -> None:
    async def connect() -> None:
        refused: list[str] = []
        kind = guarded(refused.append)
        config, state = uvicorn.Config(Starlette(), log_config=None), ServerState()
        made: list[tuple[GuardedProtocol, Transport]] = []
        for _ in range(share + 2):
            protocol, transport = kind(config, state, {}), Transport(host)
            protocol.connection_made(transport)
            made.append((protocol, transport))
        assert [transport.aborted for _, transport in made] == [False] * share + [True] * 2
        assert refused == [why] * 2
        for protocol, _ in made:
            protocol.connection_lost(None)
        assert not kind.of_source
        assert not state.connections
        again = Transport(host)
        protocol = kind(config, state, {})
        protocol.connection_made(again)
        assert not again.aborted
        protocol.connection_lost(None)

    asyncio.run(connect())
