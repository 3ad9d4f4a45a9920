"""`POST /v1/ping`, `/v1/post` and `/v1/confirm`: who asks, whether it may, then the desk, then the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from trunkline.engine.bidders.hops import hops_of
from trunkline.switch.leads.admission import consent_of
from trunkline.switch.leads.answers import Answer, Scope, header, invalid, refusal
from trunkline.switch.leads.bodies import Receive, read_body
from trunkline.switch.pings.bodies import ConfirmBody, PingBody, PostBody, read_shape
from trunkline.switch.pings.doors import HOPS_HEADER, SCOPE, Door, campaign_for, out_of_scope, source_of, unauthorized
from trunkline.switch.pings.networks import NetworkConfirm, NetworkPing
from trunkline.switch.pings.orders import CallPing, LeadPing
from trunkline.switch.pings.posting import Posting
from trunkline.switch.pings.replies import confirmed, told

if TYPE_CHECKING:
    from trunkline.switch.leads.publishers import Sender
    from trunkline.switch.plant import Plant

Handle = Callable[["Sender", Any, tuple[str, ...] | None], Awaitable[Answer]]


def ping_routes(plant: Plant, not_ready: Callable[[], str | None]) -> list[Route]:
    """The routes of the selling side; `not_ready` says why nothing is taken for now."""
    pings = Pings(plant)
    own: tuple[tuple[str, type, Handle], ...] = (
        ("/v1/ping", PingBody, pings.ping),
        ("/v1/post", PostBody, pings.post),
        ("/v1/confirm", ConfirmBody, pings.confirm),
    )
    network = NetworkConfirm(plant, not_ready, "/v1/confirm/NETWORK")
    return [
        *(Route(path, OwnDoor(plant, not_ready, path, shape, handle)) for path, shape, handle in own),
        Route("/v1/ping/{network}/{campaign}", NetworkPing(plant, not_ready, "/v1/ping/NETWORK")),
        Route("/v1/confirm/{network}", network),
        Route("/v1/confirm/{network}/{ping}", network),
    ]


class Pings:
    """What is done with each kind of request, once it is known who sends it and what it says."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._posting = Posting(plant, plant.pings)

    async def ping(self, sender: Sender, body: PingBody, hops: tuple[str, ...] | None) -> Answer:
        """Bid for a lead or a call."""
        found = campaign_for(self._plant, sender, body.campaign)
        if isinstance(found, Answer):
            return found
        account, publisher, source = sender.account, sender.publisher, source_of(body.source)
        if body.kind == "call" and body.test:
            return refusal(400, "malformed", "only leads can be tested; a test of a call would need a caller")
        if body.kind == "call":
            call = CallPing(
                account=account,
                campaign=found.key,
                publisher=publisher,
                source=source,
                hops=hops,
                caller=body.caller,
                caller_sha256=body.caller_sha256,
                caller_prefix=body.caller_prefix,
                facts=body.fields,
            )
            return told(await self._plant.pings.ask_for_call(call))
        if not found.lead_fields:
            return refusal(404, "invalid", f"the campaign {found.key} takes no leads; ask for calls with kind: call")
        stated, _ = consent_of(found, body.fields, body.consent, self._plant.clock().utc_ms, "none")
        if stated.errors:
            return invalid(stated.errors)
        lead = LeadPing(
            account=account,
            campaign=found.key,
            publisher=publisher,
            source=source,
            hops=hops,
            fields=body.fields,
            consent=stated.consent.stated(),
            test=body.test,
        )
        return told(await self._plant.pings.ask_for_lead(lead))

    async def post(self, sender: Sender, body: PostBody, _hops: tuple[str, ...] | None) -> Answer:
        """Sell the lead that a ping asked about."""
        return await self._posting.post(sender, body.ping_id, body.fields, body.consent)

    async def confirm(self, sender: Sender, body: ConfirmBody, _hops: tuple[str, ...] | None) -> Answer:
        """Hold a seat for the call that a ping asked about."""
        return confirmed(await self._plant.called.confirm(sender, body.ping_id))


class OwnDoor(Door):
    """An endpoint that is asked in our own words."""

    def __init__(
        self, plant: Plant, not_ready: Callable[[], str | None], path: str, shape: type[Any], handle: Handle
    ) -> None:
        """`shape` is the struct that bodies are read as, `handle` answers them."""
        super().__init__(plant, not_ready, path)
        self._shape = shape
        self._handle = handle

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """Who sends it, what it says, what comes of it."""
        if scope["method"] != "POST":
            return refusal(405, "method_not_allowed", f"send it by POST to {self._path}")
        sender = self._plant.publishers.of(header(scope, b"authorization"))
        if sender is None:
            return unauthorized()
        if not sender.may(SCOPE):
            return out_of_scope()
        body = await read_body(receive, header(scope, b"content-length"))
        read = read_shape(header(scope, b"content-type"), body, self._shape)
        return await self._handle(sender, read, hops_of(header(scope, HOPS_HEADER)))
