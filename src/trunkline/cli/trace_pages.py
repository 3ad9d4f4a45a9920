"""A retraced decision for people and for programs: all of it, or what a buyer or a publisher may see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from trunkline.cli.retrace import Retraced
from trunkline.engine.routing.compared import Compared
from trunkline.engine.routing.explain import attribute_json, rejection_json
from trunkline.engine.routing.routes import RouteTrace
from trunkline.engine.routing.telling import why_rejected
from trunkline.engine.routing.views import for_buyer, for_publisher
from trunkline.kernel.clock import iso


def as_document(retraced: Retraced) -> dict[str, Any]:
    """One decision of `trace --full --json`."""
    routed, rebuilt = retraced.search.routed, retraced.rebuilt
    return {
        "plan": routed.plan,
        "at": iso(retraced.search.began_ms),
        "hop": routed.hop,
        "seed": routed.seed,
        "versions": msgspec.to_builtins(routed.versions),
        "outcome": routed.outcome,
        "reason": routed.reason,
        "attributes": {name: attribute_json(fact) for name, fact in sorted(retraced.attributes.items())},
        "routes": [] if rebuilt is None else [_route(route, retraced.currency or "") for route in rebuilt.routes],
        "proved": retraced.proved,
        "differences": [] if rebuilt is None else list(rebuilt.differences),
        "notes": list(retraced.notes),
    }


def as_lines(retraced: Retraced) -> Iterator[str]:
    """The same in words."""
    routed, rebuilt = retraced.search.routed, retraced.rebuilt
    hop = f", rerouted {routed.hop} times" if routed.hop else ""
    at = iso(retraced.search.began_ms)
    yield f"decision of {at} by plan {routed.plan}{hop}, seed {routed.seed}: {_verdict(retraced)}"
    yield from (f"  note: {note}" for note in retraced.notes)
    if rebuilt is None:
        return
    yield from (f"  differs: {each}" for each in rebuilt.differences)
    for route in rebuilt.routes:
        yield f"  {_place(route)} {route.route}: {'; '.join(_said(route))}"


def seen_by_buyer(retraced: Retraced, buyer: str) -> dict[str, Any]:
    """What the buyer may see of one decision."""
    at, rebuilt = iso(retraced.search.began_ms), retraced.rebuilt
    routes = () if rebuilt is None else for_buyer(buyer, rebuilt.routes)
    return {"at": at, "known": rebuilt is not None, "routes": msgspec.to_builtins(routes)}


def seen_by_publisher(retraced: Retraced) -> dict[str, Any]:
    """What the publisher of the call may see of one decision."""
    routed, rebuilt = retraced.search.routed, retraced.rebuilt
    reasons = [each.reason for each in routed.rejected]
    if rebuilt is not None:
        reasons = [each.rejection.reason for each in rebuilt.routes if each.rejection is not None]
    seen = for_publisher(routed.outcome, routed.reason, reasons)
    return {"at": iso(retraced.search.began_ms), **msgspec.to_builtins(seen)}


def _verdict(retraced: Retraced) -> str:
    if retraced.rebuilt is None:
        return "it cannot be made again"
    if retraced.proved:
        return "made again, it is the same"
    return "made again, it differs" if retraced.rebuilt.differences else "made again, it is the same as far as is known"


def _place(route: RouteTrace) -> str:
    return f"{route.rank:>3}." if route.rank is not None else "  - " if route.outcome == "rejected" else "  … "


def _said(route: RouteTrace) -> Iterator[str]:
    if route.outcome == "waiting":
        yield "not reached" if route.rejection is None else "not reached, and would not have been offered"
    if route.rejection is not None:
        yield why_rejected(route.rejection)
    if route.compared is not None:
        yield _compared(route.compared)
    if route.price is not None:
        yield f"price {route.price} {route.price.currency}"
    if route.outcome != "offered":
        return
    numbers = (("number", route.priority), ("weight", route.weight))
    yield route.method + "".join(f", {name} {value}" for name, value in numbers if value is not None)
    if (odds := route.odds) is not None:
        trial = ", on trial" if odds.trial else ""
        yield f"chance {odds.p:.3f} by {odds.basis} of {odds.samples} offers, propensity {odds.propensity:.3f}{trial}"
    if route.open_until_ms is not None:
        yield f"open until {iso(route.open_until_ms)}"


def _compared(compared: Compared) -> str:
    found = "unknown" if compared.found is None else f"{compared.found}"
    basis = f" ({compared.basis})" if compared.basis else ""
    also = f", and {compared.also} more conditions" if compared.also else ""
    return f"{compared.what} is {found}{basis}, asked is {compared.asked}{also}"


def _route(route: RouteTrace, currency: str) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(route)
    document["price"] = None if route.price is None else str(route.price)
    document.pop("open_until_ms", None)
    if route.open_until_ms is not None:
        document["open_until"] = iso(route.open_until_ms)
    if route.rejection is not None:
        document |= rejection_json(route.rejection, currency)
    document.pop("rejection", None)
    return document
