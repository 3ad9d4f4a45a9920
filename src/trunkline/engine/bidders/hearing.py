"""The other side of a dialect: others ask us in it, and get our bid in its words.

A publisher that already sends its calls to a network can send them to us by changing an address. Every network's folder
says in `inbound.py` what its requests mean and how its answers look; what is bid is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from trunkline.engine.payloads.json_values import read_json, words
from trunkline.engine.payloads.xml_values import read_xml
from trunkline.kernel.money import Money

FIELDS_MAX: Final = 100
NAME_MAX: Final = 64
VALUE_MAX: Final = 1_000
_FORM: Final = "application/x-www-form-urlencoded"


class Unheard(ValueError):
    """A request that is none in the network's own form; the text says what to do."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A ping in our words: who calls, where the publisher has the traffic from, and what is known besides.

    `key` is what the sender proves itself with, `facts` are `zip`, `state` and tags by their own names. `sip` says that
    a SIP address may be answered in place of a number, `number` that the call will come on this one.
    """

    caller: str | None = None
    source: str | None = None
    key: str | None = None
    number: str | None = None
    sip: bool = False
    facts: Mapping[str, str] = {}


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A confirmation in our words: the id of the ping that is taken up, and what came with it."""

    ping: str
    key: str | None = None
    caller: str | None = None


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """Our bid: the ping's id, what the publisher gets for a call of at least `seconds`, and where it sends the call.

    `dial` is a number in E.164 or a SIP address; the bid ends at `expires_ms` (UTC). `repeated` says that it is the
    same as was bid for this caller before.
    """

    ping: str
    amount: Money
    expires_ms: int
    dial: str | None = None
    seconds: int | None = None
    repeated: bool = False


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """One network's way to ask and to be answered.

    `heard(fields)` reads a ping, `taken(fields)` a confirmation (both raise Unheard); `bid(quote, utc_ms)` and
    `no_bid(reason)` are the answers to the first, `confirmed(quote, utc_ms)` and `gone(ping, reason)` to the second.
    Answers are JSON values. `taken` is None where a ping is all there is.
    """

    name: str
    heard: Callable[[Mapping[str, str]], Heard]
    bid: Callable[[Quote, int], dict[str, Any]]
    no_bid: Callable[[str], dict[str, Any]]
    taken: Callable[[Mapping[str, str]], Taken] | None = None
    confirmed: Callable[[Quote, int], dict[str, Any]] | None = None
    gone: Callable[[str, str], dict[str, Any]] | None = None


def fields_of(query: str, content_type: str | None, body: bytes) -> dict[str, str]:
    """The fields of a request, those of the query first: JSON, a form or XML, each one level deep.

    Texts, numbers and truth values are fields; anything else is left out. Raises Unheard for a body of another kind,
    and for more or longer fields than a ping has.
    """
    found: dict[str, str] = {}
    _add(found, _pairs(query))
    kind = (content_type or "").partition(";")[0].strip().lower()
    if body.strip():
        if kind == _FORM:
            _add(found, _pairs(body.decode(errors="replace")))
        elif kind.endswith("xml"):
            root = read_xml(body)
            if root is None:
                raise Unheard("the body is no XML, or has a document type")
            _add(found, [(str(each.tag).rpartition("}")[2], (each.text or "").strip()) for each in root])
        else:
            value = read_json(body)
            if not isinstance(value, dict):
                raise Unheard("the body is no JSON object; send the fields beside each other in one")
            _add(found, [(name, text) for name, inner in value.items() if (text := words(inner)) is not None])
    return found


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Unheard(f"a ping has at most {FIELDS_MAX} fields") from None


def _add(found: dict[str, str], pairs: list[tuple[str, str]]) -> None:
    for name, value in pairs:
        if len(name) > NAME_MAX or len(value) > VALUE_MAX:
            raise Unheard(f"names have at most {NAME_MAX} characters, values {VALUE_MAX}")
        if value.strip():
            found[name] = value.strip()
    if len(found) > FIELDS_MAX:
        raise Unheard(f"a ping has at most {FIELDS_MAX} fields")


def taken_out(fields: Mapping[str, str], *names: str) -> tuple[list[str | None], dict[str, str]]:
    """The values of some fields, by names without regard to case, and the other fields."""
    rest = dict(fields)
    by_fold = {name.casefold(): name for name in fields}
    values = [rest.pop(by_fold[name], None) if name in by_fold else None for name in map(str.casefold, names)]
    return values, rest


def exact(amount: Money) -> msgspec.Raw:
    """An amount as a JSON number, with its digits as they are."""
    return msgspec.Raw(str(amount).encode())


def facts_of(rest: Mapping[str, str], **known: str) -> dict[str, str]:
    """The tags of a ping, those of `known` under our own names: `facts_of(rest, zipcode="zip")`."""
    return {known.get(name.casefold(), name): value for name, value in rest.items()}
