"""The bodies of the selling side: JSON, or a form whose fields stand beside each other."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec

from trunkline.switch.leads.bodies import FORM, FORM_FIELDS_MAX, JSON, BadBody, read_json, shaped, yes_or_no

_FIELD: Final = re.compile(r"(fields|consent)[.\[]([^\]]{1,200})\]?")

T = TypeVar("T", bound=msgspec.Struct)


class PingBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked: of a lead by its fields, of a call by who calls (number, SHA-256 sum of it, its beginning).

    `consent` need not be whole yet: the sellers that it names decide who may be asked. A `test` is decided like any
    other ping, and its lead is a test lead: no bidder is asked, nothing is sold.
    """

    campaign: str
    kind: Literal["lead", "call"] = "lead"
    source: str | None = None
    fields: dict[str, Any] = {}
    caller: str | None = None
    caller_sha256: str | None = None
    caller_prefix: str | None = None
    test: bool = False
    consent: dict[str, Any] | None = None


class PostBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lead of a ping, whole."""

    ping_id: str
    fields: dict[str, Any]
    consent: dict[str, Any] | None = None


class ConfirmBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The call of a ping will be sent."""

    ping_id: str


def read_shape(content_type: str | None, body: bytes, shape: type[T]) -> T:
    """What a body says, as `shape`. Of a form, what is no field of the shape is one of `fields`. Raises BadBody."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == JSON:
        return shaped(read_json(body), shape)
    if kind == FORM:
        return shaped(_read_form(body, shape), shape)
    raise BadBody(415, "unsupported_media_type", f"send it as {JSON} or {FORM}")


def _read_form(body: bytes, shape: type[msgspec.Struct]) -> dict[str, Any]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS_MAX)
    except (UnicodeDecodeError, ValueError) as error:
        raise BadBody(400, "malformed", f"the body is not a form: {str(error)[:200]}") from None
    own = frozenset(shape.__struct_fields__)
    inner: dict[str, dict[str, str]] = {name: {} for name in ("fields", "consent") if name in own}
    sent: dict[str, Any] = dict(inner)
    for name, value in pairs:
        match = _FIELD.fullmatch(name)
        within = None if match is None else inner.get(match[1])
        if within is not None and match is not None:
            place, key = within, match[2]
        elif name in own - inner.keys() or "fields" not in inner:
            place, key = sent, name
        else:
            place, key = inner["fields"], name
        if key in place:
            raise BadBody(400, "malformed", f"the field {name[:100]!r} stands twice")
        place[key] = value
    if "test" in sent:
        sent["test"] = yes_or_no(sent["test"])
    return sent
