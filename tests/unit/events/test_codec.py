"""Every event type survives storage; personal fields are never in the public part."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from trunkline.events.calls import CallQualified, CallReceived
from trunkline.events.codec import Codec, EventNotUnderstood, decode, encode
from trunkline.events.entry import Event
from trunkline.events.switch import SwitchStarted

pytestmark = pytest.mark.unit

RECEIVED = CallReceived(
    account="acme",
    call="call_1",
    at_ms=1_700_000_000_000,
    number="+18335550100",
    campaign="injury",
    publisher="adwave",
    source=None,
    caller="+15125550100",
    caller_given="5125550100",
    trunk="carrier",
    snapshot="s1",
)
QUALIFIED = CallQualified(
    account="acme",
    call="call_1",
    at_ms=1,
    node="offer",
    attributes={"geo.zip": "78701"},
    basis={"geo.zip": "stated"},
)


def sample(field: msgspec.inspect.Type) -> Any:
    """Some value of a field's type."""
    match field:
        case msgspec.inspect.UnionType(types=types):
            return sample(types[0])
        case msgspec.inspect.LiteralType(values=values):
            return values[0]
        case msgspec.inspect.StructType(fields=fields):
            return {f.encode_name: sample(f.type) for f in fields}
        case msgspec.inspect.VarTupleType(item_type=item) | msgspec.inspect.ListType(item_type=item):
            return [sample(item)]
        case msgspec.inspect.DictType(value_type=value):
            return {"geo.state": sample(value)}
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.IntType():
            return 3
        case msgspec.inspect.FloatType():
            return 4.25
        case msgspec.inspect.StrType() | msgspec.inspect.AnyType():
            return "text"
        case msgspec.inspect.NoneType():
            return None
    raise AssertionError(f"no sample of {field}")


@pytest.mark.parametrize("event_type", get_args(Event), ids=lambda t: t.__struct_config__.tag)
def test_every_event_comes_back_as_it_was(event_type: type[Event]) -> None:
    info = msgspec.inspect.type_info(event_type)
    assert isinstance(info, msgspec.inspect.StructType)
    event = msgspec.convert({f.name: sample(f.type) for f in info.fields} | {"type": info.tag}, event_type)
    stored = encode(event)
    assert stored.type == info.tag
    assert (stored.personal is not None) == bool(event_type.PERSONAL)
    assert decode(stored.type, stored.version, stored.body, stored.personal) == event
    public = msgspec.json.decode(stored.body)
    assert all(public[name] is None for name in event_type.PERSONAL)


def test_the_row_knows_whose_event_it_is() -> None:
    stored = encode(RECEIVED)
    assert (stored.account, stored.call, stored.at_ms) == ("acme", "call_1", 1_700_000_000_000)
    stored = encode(SwitchStarted(at_ms=5, version="1", snapshot="s"))
    assert (stored.account, stored.call, stored.at_ms, stored.personal) == (None, None, 5, None)


def test_the_public_part_has_no_trace_of_personal_fields() -> None:
    assert b"5125550100" not in encode(RECEIVED).body
    assert b"78701" not in encode(QUALIFIED).body


def test_an_erased_event_keeps_everything_else() -> None:
    received, qualified = encode(RECEIVED), encode(QUALIFIED)
    assert decode(received.type, 1, received.body, None) == msgspec.structs.replace(
        RECEIVED, caller=None, caller_given=""
    )
    assert decode(qualified.type, 1, qualified.body, None) == msgspec.structs.replace(QUALIFIED, attributes={})


@pytest.mark.parametrize(("name", "version"), [("call.received", 2), ("call.teleported", 1)])
def test_what_a_newer_version_wrote_is_refused_by_name(name: str, version: int) -> None:
    with pytest.raises(EventNotUnderstood, match=f"{name}.*version {version}.*does not know") as caught:
        decode(name, version, encode(RECEIVED).body, None)
    assert "newer version" in caught.value.hint


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"type":"switch.started"}', b"\xff"])
def test_a_body_that_does_not_fit_its_type_is_refused(body: bytes) -> None:
    with pytest.raises(EventNotUnderstood, match="can not be read"):
        decode("switch.started", 1, body, None)


def test_an_older_version_is_upgraded_step_by_step() -> None:
    class Started(SwitchStarted, frozen=True, kw_only=True, tag="switch.started"):
        VERSION = 3

    steps = {
        ("switch.started", 1): lambda fields: {**fields, "snapshot": fields["digest"]},
        ("switch.started", 2): lambda fields: {**fields, "snapshot": f"{fields['snapshot']}-v3"},
    }
    old = b'{"type":"switch.started","at_ms":5,"version":"1","digest":"abc"}'
    assert Codec((Started,), steps).decode("switch.started", 1, old, None) == Started(
        at_ms=5, version="1", snapshot="abc-v3"
    )
