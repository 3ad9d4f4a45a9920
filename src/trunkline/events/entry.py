"""What goes into the journal and what comes out of it."""

from __future__ import annotations

import msgspec

from trunkline.events.calls import AnyCallEvent
from trunkline.events.deliveries import AnyDeliveryEvent
from trunkline.events.leads import AnyLeadEvent
from trunkline.events.pings import AnyPingEvent
from trunkline.events.returns import AnyReturnEvent
from trunkline.events.switch import AnySwitchEvent

Event = AnyCallEvent | AnyLeadEvent | AnyDeliveryEvent | AnyPingEvent | AnyReturnEvent | AnySwitchEvent


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An event to be written. `contact` is the keyed hash under whose key personal fields are sealed."""

    event: Event
    contact: str | None = None


class Position(msgspec.Struct, frozen=True, gc=False, order=True):
    """A place in the journal: the stream (one per switch) and the sequence number within it, from 1."""

    stream: str
    seq: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """A written event. `erased` says that its personal fields are gone because the contact's key was deleted."""

    position: Position
    event: Event
    contact: str | None
    erased: bool = False
