"""What publishers may read: `GET /v1/openapi.json` for programs, `GET /v1/instructions` for people.

The instructions belong to a key. A browser asks its user for one (HTTP Basic, RFC 7617: any name, the key as password);
programs send it as they do with leads.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trunkline.switch.leads.instructions import campaigns_of, instructions_page
from trunkline.switch.leads.openapi import openapi_text

if TYPE_CHECKING:
    from trunkline.switch.leads.publishers import Sender
    from trunkline.switch.plant import Plant

_HIDDEN: Final = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
_POLICY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="the API key as password", charset="UTF-8"'}


def telling_routes(plant: Plant) -> list[Route]:
    """The two routes."""

    async def document(_request: Request) -> Response:
        return Response(openapi_text(), media_type="application/json")

    async def instructions(request: Request) -> Response:
        sender = _sender(plant, request.headers.get("authorization"))
        if sender is None:
            message = "send your API key: Authorization: Bearer YOUR_KEY, or as password in a browser"
            return JSONResponse({"status": "unauthorized", "message": message}, 401, {**_CHALLENGE, **_HIDDEN})
        index = plant.world.accounts[sender.account]
        publisher = index.publishers[sender.publisher]
        wanted = request.query_params.get("campaign")
        campaigns = campaigns_of(index.config, publisher, wanted)
        if wanted is not None and not campaigns:
            message = f"there is no campaign {wanted[:100]!r} that takes leads with this key"
            return JSONResponse({"status": "invalid", "message": message}, 404, _HIDDEN)
        page = instructions_page(index.config, publisher, campaigns, _url(request))
        return Response(page, media_type="text/html", headers={**_HIDDEN, **_POLICY})

    return [
        Route("/v1/openapi.json", document, methods=["GET"]),
        Route("/v1/instructions", instructions, methods=["GET"]),
    ]


def _sender(plant: Plant, authorization: str | None) -> Sender | None:
    """Whose key it is; of HTTP Basic the password counts."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return plant.publishers.of(authorization)
    try:
        key = base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
    return plant.publishers.of(f"Bearer {key}")


def _url(request: Request) -> str:
    """Where the publisher has asked, as far as the request and a proxy before us say."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    host = request.headers.get("x-forwarded-host") or request.headers.get("host") or "localhost"
    return f"{'https' if scheme == 'https' else 'http'}://{host[:200]}"
