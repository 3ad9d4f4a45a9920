"""The journal's vocabulary, from the event types themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import msgspec
from msgspec import inspect

from trunkline.events.auctions import Ping
from trunkline.events.calls import AnyCallEvent, LegEnded, Rejection, Versions
from trunkline.events.contacts import Seen
from trunkline.events.deliveries import AnyDeliveryEvent
from trunkline.events.leads import AnyLeadEvent
from trunkline.events.pings import AnyPingEvent
from trunkline.events.returns import AnyReturnEvent
from trunkline.events.switch import AnySwitchEvent
from trunkline.kernel.money import Money

_HEAD = """\
# Events

<!-- Made from `trunkline.events` by `python -m scripts.pages`; edit the types, not this page. -->

What [the journal](journal.md) can hold. An event is a fact: it is written once and never changed. All of them have
`at_ms`, milliseconds since 1970-01-01 UTC; those of a call or a lead also have `account` and `call`, its id. Names that
end in a unit are in it. **Sealed** fields are personal: in the column `body` they are null, and their values are in
`sealed`, under the contact's key.
"""
_COMMON = frozenset({"account", "call", "at_ms"})
_WORDS = {
    inspect.AnyType: "any JSON",
    inspect.StrType: "text",
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.BoolType: "`true` `false`",
}


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## Of a call\n"]
    parts += [_event(kind, _COMMON) for kind in get_args(AnyCallEvent)]
    parts.append("## Of a lead\n")
    parts += [_event(kind, _COMMON) for kind in get_args(AnyLeadEvent)]
    parts.append("## Of a delivery in the outbox\n")
    parts += [_event(kind, _COMMON) for kind in get_args(AnyDeliveryEvent)]
    parts.append("## Of a ping\n")
    parts += [_event(kind, _COMMON) for kind in get_args(AnyPingEvent)]
    parts.append("## Of a return\n")
    parts += [_event(kind, _COMMON) for kind in get_args(AnyReturnEvent)]
    parts.append("## Of the switch\n")
    parts += [_event(kind, frozenset({"at_ms"})) for kind in get_args(AnySwitchEvent)]
    parts.append("## Parts of events\n")
    parts += [_part(kind) for kind in (LegEnded, Ping, Rejection, Seen, Versions, Money)]
    return "\n".join(parts)


def _event(kind: type[msgspec.Struct], common: frozenset[str]) -> str:
    sealed: frozenset[str] = kind.PERSONAL  # type: ignore[attr-defined]
    version: int = kind.VERSION  # type: ignore[attr-defined]
    name = str(kind.__struct_config__.tag)
    return "\n".join([f"### {name}", "", f"Version {version}. {_doc(kind)}", "", *_rows(kind, common, sealed), ""])


def _part(kind: type[msgspec.Struct]) -> str:
    return "\n".join([f"### {kind.__name__}", "", _doc(kind), "", *_rows(kind, frozenset(), frozenset()), ""])


def _rows(kind: type[msgspec.Struct], hidden: frozenset[str], sealed: frozenset[str]) -> Iterator[str]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    fields = [field for field in info.fields if field.name not in hidden]
    if not fields:
        return
    yield "| field | value | |"
    yield "|---|---|---|"
    for field in fields:
        yield f"| `{field.name}` | {_words(field.type)} | {'sealed' if field.name in sealed else ''} |"


def _words(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.UnionType):
        members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
        return " or ".join(_words(member) for member in members) + (" or null" if kind.includes_none else "")
    if isinstance(kind, inspect.LiteralType):
        return " ".join(f"`{value}`" for value in kind.values)
    if isinstance(kind, inspect.VarTupleType):
        return f"list of {_words(kind.item_type)}"
    if isinstance(kind, inspect.DictType):
        return f"mapping of {_words(kind.value_type)}"
    if isinstance(kind, inspect.StructType):
        return f"[{kind.cls.__name__}](#{kind.cls.__name__.lower()})"
    return _WORDS[type(kind)]


def _doc(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split())
