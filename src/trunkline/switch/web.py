"""The switch's HTTP: whether it lives, whether it takes calls, and its metrics.

The public listener answers health only; metrics are on the admin listener, which is on loopback unless moved.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from trunkline.kernel.errors import EnvironmentFault
from trunkline.switch.http_guard import REQUEST_S_MAX, guarded
from trunkline.switch.metrics import Metrics
from trunkline.switch.options import Address


class HttpListenError(EnvironmentFault):
    """The HTTP address cannot be listened on."""


def health_routes(not_ready: Callable[[], str | None]) -> list[Route]:
    """`/health/live` is 200 while the process runs; `/health/ready` is 503 with a reason while it takes no calls."""

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_request: Request) -> Response:
        reason = not_ready()
        if reason is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not_ready", "reason": reason}, status_code=503, headers={"Retry-After": "5"})

    return [Route("/health/live", live), Route("/health/ready", ready)]


def metrics_route(metrics: Metrics, refresh: Callable[[], None]) -> Route:
    """`/metrics` in Prometheus' text format; `refresh` brings the gauges up to date."""

    async def read(_request: Request) -> Response:
        refresh()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", read)


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the switch decides when it stops."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Doors:
    """An ASGI application: routes that are applications themselves are entered at once, all others by Starlette.

    What Starlette does around each request nearly doubles the price of a lead's.
    """

    def __init__(self, routes: list[Route]) -> None:
        self._direct: dict[str, ASGIApp] = {route.path: route.app for route in routes if route.app is route.endpoint}
        self._rest: ASGIApp = Starlette(routes=routes)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        return self._direct.get(scope["path"], self._rest)(scope, receive, send)


class WebListener:
    """One HTTP listener in the switch's loop."""

    def __init__(self, bind: Address, routes: list[Route], flag: str, refused: Callable[[str], None]) -> None:
        """`flag` is that of the command line; `refused` is told why a connection was turned away."""
        self._socket = _listen(bind, flag)
        host, port = self._socket.getsockname()[:2]
        self.address: Address = (host, port)
        config = uvicorn.Config(
            Doors(routes),
            log_config=None,
            access_log=False,
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            server_header=False,
            http=guarded(refused),
            ws="none",
            timeout_keep_alive=REQUEST_S_MAX,
            limit_concurrency=1_000,
        )
        self._server = _Server(config)

    async def serve(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Take no more requests; `serve` returns when those in hand are answered."""
        self._server.should_exit = True


def _listen(bind: Address, flag: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(bind)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise HttpListenError(
            f"cannot listen for HTTP on {bind[0]}:{bind[1]}: {error.strerror or error}",
            hint=f"another program may use the port (`ss -tlnp` shows it); choose another with {flag}",
        ) from error
    return listener
