"""Events as bytes and back: a public part in JSON, a personal part in MessagePack that is to be sealed.

JSON for the public part because people read it with any SQLite tool when something is wrong. Its personal fields are
null. A stored event keeps the version of its type: an older one is upgraded step by step when it is read, a newer one
is refused, because guessing at a changed meaning is worse than stopping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

import msgspec

from trunkline.events.entry import Event
from trunkline.kernel.errors import ExitCode, Fault, TrunklineError

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the fields of one version of an event into those of the next."""

UPGRADES: Final[Mapping[tuple[str, int], Upgrade]] = {}
"""By type and the version they start from. No event has changed its meaning yet."""


class EventNotUnderstood(TrunklineError):
    """The journal holds an event that this version of Trunkline does not know, or that is not what it says it is."""

    fault = Fault.OPERATOR
    exit_code = ExitCode.ENVIRONMENT


class Encoded(msgspec.Struct, frozen=True, gc=False):
    """An event as it is stored. `personal` is None for types without personal fields."""

    type: str
    version: int
    account: str | None
    call: str | None
    at_ms: int
    body: bytes
    personal: bytes | None


class _Shape:
    """What has to be known about one event type, looked up once."""

    __slots__ = ("blank", "decoder", "erased", "has_account", "has_call", "personal", "type", "version")

    def __init__(self, event_type: type[Event]) -> None:
        info = msgspec.inspect.type_info(event_type)
        assert isinstance(info, msgspec.inspect.StructType)
        fields = {field.name: field.type for field in info.fields}
        assert set(fields) >= event_type.PERSONAL, f"{event_type.__name__}: PERSONAL names a field that is not there"
        self.type = event_type
        self.version = event_type.VERSION
        self.personal = tuple(sorted(event_type.PERSONAL))
        self.blank: dict[str, Any] = dict.fromkeys(self.personal)
        self.erased = {name: _empty(fields[name]) for name in self.personal}
        self.decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(event_type)
        self.has_account = "account" in fields
        self.has_call = "call" in fields


class Codec:
    """Encoding and decoding of a family of events; the module's `encode` and `decode` are those of all of them."""

    __slots__ = ("_by_name", "_by_type", "_json", "_msgpack", "_upgrades")

    def __init__(self, types: tuple[type[Event], ...], upgrades: Mapping[tuple[str, int], Upgrade]) -> None:
        shapes = {event_type: _Shape(event_type) for event_type in types}
        self._by_type: dict[type, tuple[str, _Shape]] = {
            event_type: (str(event_type.__struct_config__.tag), shape) for event_type, shape in shapes.items()
        }
        self._by_name = dict(self._by_type.values())
        assert len(self._by_name) == len(types), "two event types share a name"
        self._upgrades = upgrades
        self._json = msgspec.json.Encoder()
        self._msgpack = msgspec.msgpack.Encoder()

    def encode(self, event: Event) -> Encoded:
        """The event's stored form. Raises TypeError when a field holds what can not be stored."""
        name, shape = self._by_type[type(event)]
        personal: bytes | None = None
        public: Event = event
        if shape.personal:
            personal = self._msgpack.encode({field: getattr(event, field) for field in shape.personal})
            public = msgspec.structs.replace(event, **shape.blank)
        account = event.account if shape.has_account else None  # type: ignore[union-attr]
        call = event.call if shape.has_call else None  # type: ignore[union-attr]
        return Encoded(name, shape.version, account, call, event.at_ms, self._json.encode(public), personal)

    def decode(self, name: str, version: int, body: bytes, personal: bytes | None) -> Event:
        """The event again. `personal` None leaves its personal fields empty: None, "", or nothing in the mapping.

        Raises EventNotUnderstood for an unknown type, a newer version or a body that does not fit its type.
        """
        shape = self._by_name.get(name)
        if shape is None or version > shape.version:
            raise EventNotUnderstood(
                f"the journal has events of type {name!r}, version {version}; this Trunkline does not know them",
                hint="they were written by a newer version: read the journal with that one, or a later one",
            )
        try:
            if version == shape.version and not shape.personal:
                return shape.decoder.decode(body)
            fields: dict[str, Any] = msgspec.json.decode(body)
            fields |= shape.erased if personal is None else msgspec.msgpack.decode(personal)
            for older in range(version, shape.version):
                fields = self._upgrades[name, older](fields)
            return msgspec.convert(fields, shape.type)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EventNotUnderstood(
                f"an event of type {name!r} in the journal can not be read: {error}",
                hint="`trunkline doctor` checks the whole journal and names damaged rows",
            ) from None


def _empty(field: msgspec.inspect.Type) -> Any:
    """What an erased field of this type holds: None where that is allowed, else the empty value."""
    match field:
        case msgspec.inspect.UnionType(types=types) if any(isinstance(t, msgspec.inspect.NoneType) for t in types):
            return None
        case msgspec.inspect.StrType():
            return ""
        case msgspec.inspect.DictType():
            return {}
    raise AssertionError(f"a personal field must be text, a mapping or optional, not {field}")


_ALL: Final = Codec(tuple(get_args(Event)), UPGRADES)
encode = _ALL.encode
decode = _ALL.decode
