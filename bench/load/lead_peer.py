"""The peers of the bench `leads`: a web application that reads the same body and makes one event of it durable.

    python lead_peer.py [one-]starlette|[one-]fastapi HOST:PORT FOLDER [FURTHER SITE-PACKAGES]

It reads the fields into a typed shape, appends to a journal like ours (the same code: encoded, sealed, chained, group
commit) what ours appends for a lead that nobody buys, and answers when that is durable. What it appends is made of the
fields and of constants: it checks no field, knows no publisher, looks for no duplicate, decides nothing and sells
nothing. With `one` before its name it appends `lead.received` alone.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from bench.load.lead_form import ROUTES
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline import __version__
from trunkline.events.calls import CallRouted, Rejection, Versions
from trunkline.events.changes import ContactSeen
from trunkline.events.entry import Entry
from trunkline.events.leads import LeadReceived, LeadUnmatched
from trunkline.events.sealing import contact_hash
from trunkline.journal.store import Journal, open_journal
from trunkline.switch.clock import read_clock


class Fields(msgspec.Struct):
    """The 18 fields, as they are sent."""

    phone: str
    email: str
    first_name: str
    last_name: str
    address: str
    city: str
    state: str
    zip: str
    born_on: str
    move_on: str
    homeowner: str
    roof_age: str
    budget: str
    roof_type: str
    property: str
    language: str
    best_time: str
    comment: str


class Body(msgspec.Struct):
    """What is posted."""

    campaign: str
    source: str
    fields: Fields


class Keeper:
    """Writes leads."""

    def __init__(self, journal: Journal, secret: bytes, *, whole: bool) -> None:
        self._journal = journal
        self._whole = whole
        self._secret = secret
        self._numbers = itertools.count()

    async def keep(self, campaign: str, source: str, fields: Mapping[str, str]) -> bytes:
        """Make a lead durable; the answer."""
        lead = f"lead_{next(self._numbers):012d}"
        event = LeadReceived(
            account="bench",
            call=lead,
            at_ms=time.time_ns() // 1_000_000,
            campaign=campaign,
            publisher="sender",
            source=source,
            via="post",
            attributes={f"lead.{name}": value for name, value in fields.items()},
            basis={f"lead.{name}": "stated" for name in fields},
            consent={},
            ignored=(),
            snapshot="",
        )
        contact = contact_hash(self._secret, "bench", fields["phone"])
        if self._whole:
            await self._journal.append(
                [Entry(event, contact), Entry(_routed(event), contact), Entry(_unmatched(event), contact)],
                [ContactSeen("bench", campaign, contact, event.at_ms)],
            )
        else:
            await self._journal.append([Entry(event, contact)])
        return msgspec.json.encode({"id": lead, "status": "accepted"})


_REJECTED = tuple(
    Rejection(f"roofing.t1.crm{n}", f"crm{n}", "criteria", level="route", detail="geo.state") for n in range(ROUTES)
)
_VERSIONS = Versions(snapshot="0" * 64, facts="none", engine=__version__)


def _routed(event: LeadReceived) -> CallRouted:
    return CallRouted(
        account=event.account,
        call=event.call,
        at_ms=event.at_ms,
        plan="roofing",
        seed=event.at_ms,
        versions=_VERSIONS,
        routed_ms=0,
        outcome="unsold",
        reason="no_route",
        offered=(),
        rejected=_REJECTED,
        began_ms=event.at_ms,
    )


def _unmatched(event: LeadReceived) -> LeadUnmatched:
    return LeadUnmatched(account=event.account, call=event.call, at_ms=event.at_ms, reason="no_route", took_ms=0)


def starlette_app(keeper: Keeper) -> Any:
    """Bare Starlette and msgspec."""
    decoder = msgspec.json.Decoder(Body)

    async def post(request: Request) -> Response:
        body = decoder.decode(await request.body())
        fields = msgspec.structs.asdict(body.fields)
        answer = await keeper.keep(body.campaign, body.source, fields)
        return Response(answer, status_code=201, media_type="application/json")

    return Starlette(routes=[Route("/v1/leads", post, methods=["POST"])])


def fastapi_app(keeper: Keeper) -> Any:
    """FastAPI as its documentation has it: models of pydantic for the body and the answer."""
    from fastapi import FastAPI  # type: ignore[import-not-found]
    from pydantic import BaseModel, create_model  # type: ignore[import-not-found]

    names = [field.name for field in msgspec.structs.fields(Fields)]
    fields_model = create_model("Fields", **dict.fromkeys(names, (str, ...)))
    body_model = create_model("Body", campaign=(str, ...), source=(str, ...), fields=(fields_model, ...))

    class Answer(BaseModel):  # type: ignore[misc]
        id: str
        status: str

    app = FastAPI()

    async def post(body: Any) -> Any:
        answer = await keeper.keep(body.campaign, body.source, body.fields.model_dump())
        return msgspec.json.decode(answer)

    post.__annotations__ = {"body": body_model, "return": Answer}
    app.post("/v1/leads", status_code=201)(post)
    return app


async def serve(kind: str, host: str, port: int, folder: Path) -> None:
    """Serve until killed."""
    journal, state = open_journal(folder, "peer", os.urandom, now_ms=read_clock().utc_ms, min_free_mb=1)
    keeper = Keeper(journal, state.contact_secret, whole=not kind.startswith("one-"))
    app = starlette_app(keeper) if kind.endswith("starlette") else fastapi_app(keeper)
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, lifespan="off", server_header=False,
        loop="none", http="httptools", ws="none", timeout_keep_alive=60,
    )  # fmt: skip
    await uvicorn.Server(config).serve()


def main(kind: str, address: str, folder: str, *more: str) -> None:
    """Serve on the loop that the switch uses."""
    import uvloop

    sys.path.extend(more)
    Path(folder).mkdir(parents=True, exist_ok=True)
    host, _, port = address.rpartition(":")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(kind, host, int(port), Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
