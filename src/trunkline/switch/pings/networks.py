"""Pings for calls in the words of a network: a publisher that sells its calls there asks us by changing an address.

    /v1/ping/ringba/CAMPAIGN            GET or POST, as the network takes it
    /v1/confirm/retreaver/PING.json     PUT or POST, where the network has a second step; or the ping in a field

What proves the publisher is the `Authorization` header, or the key where the network has it, or `key=` in the query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from trunkline.engine.bidders.dialect import INBOUNDS
from trunkline.engine.bidders.hearing import Heard, Inbound, Quote, Unheard, fields_of
from trunkline.engine.bidders.hops import hops_of
from trunkline.switch.leads.answers import Answer, Scope, header, refusal
from trunkline.switch.leads.bodies import BadBody, Receive, read_body
from trunkline.switch.leads.publishers import Sender
from trunkline.switch.pings.doors import HOPS_HEADER, SCOPE, Door, campaign_for, out_of_scope, source_of, unauthorized
from trunkline.switch.pings.orders import Bidding, CallPing, NoBidding, Refusal
from trunkline.switch.pings.questions import is_fact

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant

KEY: Final = "key"
CALLER_REQUIRED: Final = "caller_required"
_encode: Final = msgspec.json.Encoder().encode
_METHODS: Final = frozenset({"GET", "POST", "PUT"})
_PING_NAMES: Final = ("uuid", "ping_id")
"""What networks call a ping."""


class NetworkPing(Door):
    """Bids for calls."""

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """The bid in the network's words; what is wrong with who asks is told in ours."""
        network = _network(scope)
        fields = await _fields(scope, receive)
        if network is None:
            return _unknown()
        try:
            heard = network.heard(fields)
        except Unheard as error:
            raise BadBody(400, "malformed", str(error)) from None
        sender = _sender(self._plant, scope, heard.key, fields.get(KEY))
        if sender is None:
            return unauthorized()
        if not sender.may(SCOPE):
            return out_of_scope()
        found = campaign_for(self._plant, sender, scope["path_params"]["campaign"])
        if isinstance(found, Answer):
            return found
        order = CallPing(
            account=sender.account,
            campaign=found.key,
            publisher=sender.publisher,
            source=source_of(heard.source),
            hops=hops_of(header(scope, HOPS_HEADER)),
            caller=heard.caller,
            facts=_facts(heard),
            number=heard.number,
        )
        made = await self._plant.pings.ask_for_call(order)
        if isinstance(made, Bidding):
            return _said(network.bid(_quote(made), self._plant.clock().utc_ms))
        return _said(network.no_bid(_why(made)))


class NetworkConfirm(Door):
    """The second step of networks that have one: a seat is held for the call."""

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """What the seat is, or that there is none, in the network's words."""
        network = _network(scope)
        fields = await _fields(scope, receive)
        if network is None or network.taken is None or network.confirmed is None or network.gone is None:
            return _unknown()
        named = scope["path_params"].get("ping")
        if named is not None:
            fields |= dict.fromkeys(_PING_NAMES, named.removesuffix(".json"))
        try:
            taken = network.taken(fields)
        except Unheard as error:
            raise BadBody(400, "malformed", str(error)) from None
        sender = _sender(self._plant, scope, taken.key, fields.get(KEY))
        if sender is None:
            return unauthorized()
        if not sender.may(SCOPE):
            return out_of_scope()
        answer = await self._plant.called.confirm(sender, taken.ping)
        if isinstance(answer, Answer):
            return answer if answer.status == 503 else _said(network.gone(taken.ping, "expired"))
        if isinstance(answer, Refusal):
            return _said(network.gone(taken.ping, answer.code))
        if not answer.held:
            return _said(network.gone(taken.ping, "no_target"))
        return _said(network.confirmed(_quote(answer.bidding), self._plant.clock().utc_ms))


def _network(scope: Scope) -> Inbound | None:
    return INBOUNDS.get(scope["path_params"]["network"])


async def _fields(scope: Scope, receive: Receive) -> dict[str, str]:
    """What a request says, in its query and its body. Raises BadBody."""
    if scope["method"] not in _METHODS:
        raise BadBody(405, "method_not_allowed", "send it by GET, POST or PUT")
    body = await read_body(receive, header(scope, b"content-length"))
    try:
        return fields_of(scope["query_string"].decode("latin-1"), header(scope, b"content-type"), body)
    except Unheard as error:
        raise BadBody(400, "malformed", str(error)) from None


def _sender(plant: Plant, scope: Scope, *keys: str | None) -> Sender | None:
    """Whoever the header proves, else the first key that stands in the request."""
    sender = plant.publishers.of(header(scope, b"authorization"))
    for key in filter(None, keys):
        sender = sender or plant.publishers.of(f"Bearer {key}")
    return sender


def _facts(heard: Heard) -> dict[str, Any]:
    """What is known of the caller; a name that can be no tag is left out, as the network would do."""
    return {name: value for name, value in heard.facts.items() if name != KEY and is_fact(name)}


def _quote(bidding: Bidding) -> Quote:
    return Quote(
        ping=bidding.token,
        amount=bidding.bid,
        expires_ms=bidding.expires_ms,
        dial=bidding.number,
        seconds=bidding.after_ms // 1000 if bidding.event == "duration" else None,
        repeated=bidding.repeated,
    )


def _why(answer: NoBidding | Refusal) -> str:
    """One code for a network that has room for one."""
    if isinstance(answer, NoBidding):
        return answer.reasons[0] if answer.reasons else "no_buyer"
    return CALLER_REQUIRED if any(each.field == "caller" for each in answer.errors) else answer.code


def _said(document: dict[str, Any]) -> Answer:
    return Answer(200, _encode(document))


def _unknown() -> Answer:
    return refusal(404, "invalid", f"there is no such network here; there are {', '.join(sorted(INBOUNDS))}")
