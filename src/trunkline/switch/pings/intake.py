"""`POST /v1/ping`, `/v1/post` and `/v1/confirm`: who asks, whether it may, then the desk, then the answer.

Like the endpoint of leads these speak ASGI themselves: pings come in far greater numbers than leads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from trunkline.config.schema import Campaign
from trunkline.switch.leads.answers import Answer, Scope, Send, header, refusal, reply
from trunkline.switch.leads.bodies import BadBody, Gone, Receive, read_body
from trunkline.switch.pings.bodies import ConfirmBody, PingBody, PostBody, read_shape
from trunkline.switch.pings.orders import CallPing, LeadPing
from trunkline.switch.pings.posting import Posting
from trunkline.switch.pings.replies import confirmed, told

if TYPE_CHECKING:
    from trunkline.switch.leads.publishers import Sender
    from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.pings")

IN_FLIGHT_MAX: Final = 1_000
"""Pings that wait for their answers at once; beyond, they are shed. Each may wait for bidders."""
SOURCE_CHARS_MAX: Final = 200

Handle = Callable[["Sender", Any], Awaitable[Answer]]


def ping_routes(plant: Plant, not_ready: Callable[[], str | None]) -> list[Route]:
    """The routes of the selling side; `not_ready` says why nothing is taken for now."""
    pings = Pings(plant)
    doors: tuple[tuple[str, type, Handle], ...] = (
        ("/v1/ping", PingBody, pings.ping),
        ("/v1/post", PostBody, pings.post),
        ("/v1/confirm", ConfirmBody, pings.confirm),
    )
    return [Route(path, Door(plant, not_ready, path, shape, handle)) for path, shape, handle in doors]


class Pings:
    """What is done with each kind of request, once it is known who sends it and what it says."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._posting = Posting(plant, plant.pings)

    async def ping(self, sender: Sender, body: PingBody) -> Answer:
        """Bid for a lead or a call."""
        found = self._campaign(sender, body.campaign)
        if isinstance(found, Answer):
            return found
        account, publisher, source = sender.account, sender.publisher, _source(body.source)
        if body.kind == "call":
            call = CallPing(
                account=account,
                campaign=found.key,
                publisher=publisher,
                source=source,
                caller=body.caller,
                caller_sha256=body.caller_sha256,
                caller_prefix=body.caller_prefix,
                facts=body.fields,
            )
            return told(await self._plant.pings.ask_for_call(call))
        if not found.lead_fields:
            return refusal(404, "invalid", f"the campaign {found.key} takes no leads; ask for calls with kind: call")
        lead = LeadPing(account=account, campaign=found.key, publisher=publisher, source=source, fields=body.fields)
        return told(await self._plant.pings.ask_for_lead(lead))

    async def post(self, sender: Sender, body: PostBody) -> Answer:
        """Sell the lead that a ping asked about."""
        return await self._posting.post(sender, body.ping_id, body.fields, body.consent)

    async def confirm(self, sender: Sender, body: ConfirmBody) -> Answer:
        """Hold a seat for the call that a ping asked about."""
        return confirmed(await self._plant.called.confirm(sender, body.ping_id))

    def _campaign(self, sender: Sender, key: str) -> Campaign | Answer:
        campaign = self._plant.world.accounts[sender.account].campaigns.get(key)
        if campaign is None:
            return refusal(404, "invalid", f"there is no campaign {key[:100]!r}")
        if not sender.may_send(campaign.key):
            return refusal(403, "forbidden", f"your key is not for the campaign {campaign.key}")
        return campaign


class Door:
    """One endpoint, an ASGI application."""

    def __init__(
        self, plant: Plant, not_ready: Callable[[], str | None], path: str, shape: type[Any], handle: Handle
    ) -> None:
        """`shape` is the struct that bodies are read as, `handle` answers them."""
        self._plant = plant
        self._not_ready = not_ready
        self._path = path
        self._shape = shape
        self._handle = handle
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began_ns = self._plant.clock().mono_ns
        self._in_flight += 1
        try:
            answer = await self._answer(scope, receive)
        except Gone:
            return
        except BadBody as error:
            answer = refusal(error.status, error.code, error.message)
        except asyncio.CancelledError:
            answer = refusal(503, "interrupted", "the switch stops; ask again when it is back", 5)
        except Exception:
            self._plant.metrics.lead_errors.inc()
            log.exception("a request to %s is answered with 500: an error of ours", self._path)
            answer = refusal(500, "failed", "an error of ours")
        finally:
            self._in_flight -= 1
        self._plant.metrics.ping_requests.labels(self._path, str(answer.status)).inc()
        self._plant.metrics.ping_seconds.observe((self._plant.clock().mono_ns - began_ns) / 1e9)
        await reply(send, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            return refusal(405, "method_not_allowed", f"send it by POST to {self._path}")
        if self._not_ready() is not None:
            return refusal(503, "not_ready", "nothing is taken for the moment", 5)
        sender = self._plant.publishers.of(header(scope, b"authorization"))
        if sender is None:
            return refusal(401, "unauthorized", "send the header Authorization: Bearer YOUR_KEY")
        if self._in_flight > IN_FLIGHT_MAX:
            return refusal(429, "overloaded", "too many pings are being answered; send it again", 1)
        if not sender.may("pings"):
            return refusal(403, "forbidden", "your key is not for pings")
        body = await read_body(receive, header(scope, b"content-length"))
        return await self._handle(sender, read_shape(header(scope, b"content-type"), body, self._shape))


def _source(source: str | None) -> str | None:
    """The publisher's own name for where the traffic comes from."""
    if source is None or not source.strip():
        return None
    if len(source) > SOURCE_CHARS_MAX or not source.isprintable():
        raise BadBody(400, "malformed", f"source has at most {SOURCE_CHARS_MAX} characters, all of them printable")
    return source.strip()
