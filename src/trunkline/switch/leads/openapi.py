"""OpenAPI 3.1 of what publishers may ask, made from the structs that requests are read into and answers are made of.

python -m scripts.pages     writes docs/reference/openapi.json
GET /v1/openapi.json        serves the same
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from trunkline import __version__
from trunkline.engine.leads import consent
from trunkline.switch.leads.bodies import BODY_BYTES_MAX, FORM, JSON, LeadBody
from trunkline.switch.leads.documents import (
    Accepted,
    Bidden,
    Duplicate,
    Held,
    Invalid,
    NoTarget,
    NotBidden,
    Refused,
    Unmatched,
)
from trunkline.switch.pings.bodies import ConfirmBody, PingBody, PostBody

Schema = dict[str, Any]
REF: Final = "#/components/schemas/{name}"


class StatedConsent(Struct, frozen=True, kw_only=True):
    """What is stated of the person's consent. What a campaign needs of it stands in its instructions."""

    certificate: Annotated[str, Meta(description="URL of the TrustedForm certificate.", max_length=512)] | None = None
    leadid: Annotated[str, Meta(description="Jornaya LeadiD, 8-4-4-4-12 hexadecimal digits.")] | None = None
    page_url: Annotated[str, Meta(description="Page of the form.", max_length=2_000)] | None = None
    ip: Annotated[str, Meta(description="The person's address, IPv4 or IPv6.")] | None = None
    user_agent: Annotated[str, Meta(description="The person's browser.", max_length=1_000)] | None = None
    at: Annotated[str, Meta(description="When the person agreed: ISO 8601 with offset.")] | None = None
    text: Annotated[str, Meta(description="The words that were shown.", max_length=10_000)] | None = None
    sellers: (
        Annotated[list[str], Meta(description="Whom they name.")]
        | Annotated[str, Meta(description="The same with bars between the names.")]
        | None
    ) = None
    form_seconds: (
        Annotated[float, Meta(description="Seconds that the form was before the person.", ge=0)] | str | None
    ) = None
    started_at: Annotated[str, Meta(description="When the form came up; another way to say `form_seconds`.")] | None = (
        None
    )


Answers = Mapping[int, tuple[str, type[Struct] | tuple[type[Struct], ...] | None]]
"""By status: what it means, and the document or documents that it may come with."""


class Operation(Struct, frozen=True, kw_only=True):
    """One thing that may be asked: `answers` by status, with what they hold (None: no document of ours)."""

    method: str
    path: str
    name: str
    summary: str
    answers: Answers
    body: type[Struct] | None = None
    example: Schema = {}
    headers: Mapping[str, str] = {}
    secured: bool = True


_REFUSALS: Final[Answers] = {
    400: ("The body cannot be read.", Refused),
    401: ("No key, or nobody's.", Refused),
    403: ("The key is not for this.", Refused),
    404: ("There is no such campaign, or it takes no leads.", Refused),
    413: (f"The body is longer than {BODY_BYTES_MAX} bytes.", Refused),
    415: ("The body is neither JSON nor a form.", Refused),
    429: ("Too much at once: come again after `Retry-After` seconds.", Refused),
    503: ("Nothing is taken now, or nothing was kept.", Refused),
}
_NAMELESS: Final[Answers] = {status: answer for status, answer in _REFUSALS.items() if status != 404}
_PING_EXAMPLE: Final[Schema] = {"campaign": "injury", "fields": {"phone": "512555XXXX", "zip": "78701"}}
_POST_EXAMPLE: Final[Schema] = {"ping_id": "ping_…", "fields": {"phone": "(512) 555-0100", "zip": "78701"}}
_CONFIRM_EXAMPLE: Final[Schema] = {"ping_id": "ping_…"}
OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        method="post",
        path="/v1/leads",
        name="postLead",
        summary="Send a lead and learn what came of it",
        body=LeadBody,
        headers={"Idempotency-Key": "The same key with the same body gets the answer of before, and nothing twice."},
        answers={
            200: ("Nobody took it.", Unmatched),
            201: ("A buyer took it.", Accepted),
            202: ("A person looks at it first.", Held),
            409: ("The campaign had it before, or the idempotency key came with another body.", Duplicate),
            422: ("Fields are missing or wrong.", Invalid),
            **_REFUSALS,
        },
    ),
    Operation(
        method="post",
        path="/v1/ping",
        name="ping",
        summary="Ask what a lead or a call is worth, before it is sent",
        body=PingBody,
        example=_PING_EXAMPLE,
        answers={
            200: ("What is bid, or why nothing is.", (Bidden, NotBidden)),
            422: ("Fields are missing or wrong.", Invalid),
            **_REFUSALS,
        },
    ),
    Operation(
        method="post",
        path="/v1/post",
        name="postPinged",
        summary="Send the lead that was asked about, for exactly the bid",
        body=PostBody,
        example=_POST_EXAMPLE,
        answers={
            200: ("Nobody took it.", Unmatched),
            201: ("A buyer took it.", Accepted),
            202: ("A person looks at it first.", Held),
            409: ("The campaign had it before, or another lead was posted for the ping.", Duplicate),
            410: ("The bid has ended.", Refused),
            422: ("Fields are missing or wrong, or not those of the ping.", Invalid),
            **_NAMELESS,
        },
    ),
    Operation(
        method="post",
        path="/v1/confirm",
        name="confirm",
        summary="Promise the call that was asked about: a seat is held for it",
        body=ConfirmBody,
        example=_CONFIRM_EXAMPLE,
        answers={
            200: ("A seat is held, or none is left.", (Bidden, NoTarget)),
            409: ("The call has come.", Refused),
            410: ("The bid has ended.", Refused),
            **_NAMELESS,
        },
    ),
    Operation(
        method="get",
        path="/v1/instructions",
        name="getInstructions",
        summary="Read how leads are posted with this key: a page for people",
        answers={200: ("The page.", None), 401: _REFUSALS[401], 404: ("There is no such campaign.", Refused)},
    ),
    Operation(
        method="get",
        path="/v1/openapi.json",
        name="getOpenApi",
        summary="Read this document",
        answers={200: ("The document.", None)},
        secured=False,
    ),
)
_MEDIA: Final = {"/v1/instructions": "text/html", "/v1/openapi.json": JSON}


def openapi() -> Schema:
    """The document."""
    structs = {struct for operation in OPERATIONS for struct in _structs(operation)} | {StatedConsent}
    _, schemas = msgspec.json.schema_components(sorted(structs, key=lambda each: each.__name__), ref_template=REF)
    _describe(schemas)
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Trunkline",
            "version": __version__,
            "description": "How publishers send leads and calls. The fields of a campaign stand in its instructions.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "The publisher's API key."},
            },
        },
    }


@lru_cache(maxsize=1)
def openapi_text() -> str:
    """The document as it is served and kept in the repository."""
    return json.dumps(openapi(), indent=1, ensure_ascii=False) + "\n"


def _structs(operation: Operation) -> list[type[Struct]]:
    found = [struct for _, each in operation.answers.values() for struct in _documents(each)]
    return found if operation.body is None else [operation.body, *found]


def _operation(operation: Operation) -> Schema:
    made: Schema = {"operationId": operation.name, "summary": operation.summary}
    if operation.headers:
        made["parameters"] = [
            {"name": name, "in": "header", "description": words, "schema": {"type": "string", "maxLength": 200}}
            for name, words in operation.headers.items()
        ]
    if operation.path == "/v1/instructions":
        made["parameters"] = [
            {"name": "campaign", "in": "query", "description": "Only this one.", "schema": {"type": "string"}}
        ]
    if operation.body is not None:
        reference = {"schema": {"$ref": REF.format(name=operation.body.__name__)}}
        example = operation.example or _EXAMPLE
        form = _FORM_BODY if operation.body is LeadBody else {"schema": {"type": "object"}}
        made["requestBody"] = {"required": True, "content": {JSON: reference | {"example": example}, FORM: form}}
    made["responses"] = {
        str(status): _response(operation, words, answer, status)
        for status, (words, answer) in sorted(operation.answers.items())
    }
    made["security"] = [{"key": []}] if operation.secured else []
    return made


def _documents(answer: type[Struct] | tuple[type[Struct], ...] | None) -> tuple[type[Struct], ...]:
    return () if answer is None else answer if isinstance(answer, tuple) else (answer,)


def _response(
    operation: Operation, words: str, answer: type[Struct] | tuple[type[Struct], ...] | None, status: int
) -> Schema:
    made: Schema = {"description": words}
    if status in {429, 503}:
        made["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    references = [{"$ref": REF.format(name=struct.__name__)} for struct in _documents(answer)]
    if not references:
        schema: Schema = {"type": "object"} if _MEDIA[operation.path] == JSON else {"type": "string"}
        made["content"] = {_MEDIA[operation.path]: {"schema": schema}}
    else:
        made["content"] = {JSON: {"schema": references[0] if len(references) == 1 else {"anyOf": references}}}
    return made


def _describe(schemas: dict[str, Schema]) -> None:
    """Say what the structs themselves leave open, because what is wrong with it is told field by field."""
    lead = schemas["LeadBody"]["properties"]
    for body in ("LeadBody", "PingBody", "PostBody"):
        stated = {"anyOf": [{"$ref": REF.format(name="StatedConsent")}, {"type": "null"}], "default": None}
        schemas[body]["properties"]["consent"] = stated
    lead["campaign"] |= {"description": "Key of the campaign.", "examples": ["injury"]}
    lead["fields"] |= {"description": "The fields of the campaign's form, by any of their names."}
    lead["source"] |= {"description": "The publisher's own name for where the lead comes from."}
    lead["test"] |= {"description": "Checked and decided, and sold to nobody."}
    schemas["PostBody"]["properties"]["consent"] = lead["consent"]
    for name, length in consent.LENGTHS.items():
        described = schemas["StatedConsent"]["properties"][name]
        assert all(each.get("maxLength", length) == length for each in described["anyOf"]), f"{name} has another length"


_EXAMPLE: Final[Schema] = {
    "campaign": "injury",
    "source": "fb-12",
    "fields": {"phone": "(512) 555-0100", "zip": "78701"},
    "consent": {"page_url": "https://quotes.example/injury", "ip": "198.51.100.7", "at": "2026-01-15T15:00:00Z"},
}
_FORM_BODY: Final[Schema] = {
    "schema": {
        "type": "object",
        "description": "Every name that is none of these is a field of the form; `consent.NAME` states consent.",
        "properties": {
            "campaign": {"type": "string"},
            "source": {"type": "string"},
            "test": {"enum": ["true", "false"]},
        },
        "required": ["campaign"],
        "additionalProperties": {"type": "string"},
    },
    "example": {"campaign": "injury", "phone": "(512) 555-0100", "zip": "78701", "consent.ip": "198.51.100.7"},
}
