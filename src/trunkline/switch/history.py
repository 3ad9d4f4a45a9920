"""What happened with contacts before, for the rules that ask: packed in memory, bounded.

Only accounts with a rule about duplicates have any. Memory is a cache of the table `contact_events`: what a call adds
is known here at once, so that a second call of the same caller sees it, and durable with the event it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from trunkline.config.schema import Campaign
from trunkline.engine.routing.duplicates import duplicate_of
from trunkline.events.calls import AnyCallEvent, AttemptConnected, CallReceived, CallRepeated, Converted, OfferReserved
from trunkline.events.changes import Change, ContactHad
from trunkline.events.contacts import ContactEvent, Seen
from trunkline.events.entry import Entry, Event
from trunkline.events.leads import DeliveryEnded, LeadAged, LeadReceived, LeadReviewed

HISTORIES_MAX: Final = 2_000_000
"""Contacts whose past is in memory at once: about 260 bytes each, and 140 for each event after the first."""
EVENTS_MAX: Final = 100
"""Events of one contact that are kept in memory, the newest: of each kind, campaign and buyer there is one."""

_TAKEN: Final = frozenset({"accepted", "queued"})
"""Deliveries by which a buyer has got a lead."""
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(list[tuple[str, int, str, str | None, str | None]]).decode


class Histories:
    """The past of contacts by their keyed hash (32 hex digits, which name the account too), newest events last.

    `earlier` is asked about contacts that are not known, until those of before the start have been read.
    """

    def __init__(
        self, earlier: Callable[[str, str], tuple[Seen, ...]] | None = None, most: int = HISTORIES_MAX
    ) -> None:
        self._packed: dict[bytes, bytes] = {}
        self._earlier = earlier
        self._most = most

    def __len__(self) -> int:
        return len(self._packed)

    def of(self, account: str, contact: str) -> tuple[Seen, ...]:
        """What happened with the contact, newest last."""
        packed = self._packed.get(bytes.fromhex(contact))
        if packed is not None:
            return unpacked(packed)
        return () if self._earlier is None else self._earlier(account, contact)

    def add(self, account: str, contact: str, seen: Seen) -> None:
        """Something has happened: it replaces what was the same before, but for its time and call."""
        same = (seen.event, seen.campaign, seen.buyer)
        kept = [each for each in self.of(account, contact) if (each.event, each.campaign, each.buyer) != same]
        key = bytes.fromhex(contact)
        self._packed.pop(key, None)
        if len(self._packed) >= self._most:
            del self._packed[next(iter(self._packed))]
        self._packed[key] = packed([*kept, seen])

    def put_back(self, account: str, contact: str, call: str, before: tuple[Seen, ...]) -> None:
        """The call or lead has not happened: what it did is forgotten, what that replaced stands again."""
        now = self.of(account, contact)
        kept = [each for each in now if each.call != call]
        if len(kept) == len(now):
            return
        known = {(each.event, each.campaign, each.buyer) for each in kept}
        kept += [each for each in before if (each.event, each.campaign, each.buyer) not in known]
        key = bytes.fromhex(contact)
        if kept:
            self._packed[key] = packed(kept)
        else:
            self._packed.pop(key, None)

    def learn(self, earlier: dict[bytes, bytes]) -> None:
        """Take over the past of before the start, the longest unseen first; nobody is asked any more."""
        for key in self._packed:
            earlier.pop(key, None)
        earlier.update(self._packed)
        self._packed, self._earlier = earlier, None
        while len(self._packed) > self._most:
            del self._packed[next(iter(self._packed))]


def packed(history: list[Seen]) -> bytes:
    """A contact's past as it lies in memory: its newest events, oldest first."""
    history.sort(key=lambda seen: seen.at_ms)
    return _pack([(each.event, each.at_ms, each.campaign, each.buyer, each.call) for each in history[-EVENTS_MAX:]])


def unpacked(data: bytes) -> tuple[Seen, ...]:
    """The opposite."""
    return tuple(Seen(*each) for each in _unpack(data))  # type: ignore[arg-type]


class CallHistory:
    """The past of one call's contact, as that call may know it, and what the call adds to it.

    What other calls did before this one came counts, and whom they connected and sold to while it goes on; what came
    after it does not make it a duplicate, and neither does what it did itself.
    """

    __slots__ = ("_account", "_anonymous", "_before", "_call", "_campaign", "_contact", "_histories", "_kept", "_told")

    def __init__(
        self,
        histories: Histories,
        account: str,
        contact: str,
        campaign: Campaign,
        call: str,
        kept: frozenset[ContactEvent],
        *,
        anonymous: bool,
        past: tuple[Seen, ...] = (),
    ) -> None:
        """`past` is what was known of the contact when the call or lead came in, to a process that is gone."""
        self._histories = histories
        self._account = account
        self._contact = contact
        self._campaign = campaign
        self._call = call
        self._kept = kept
        self._anonymous = anonymous
        self._before = _without(call, past, histories.of(account, contact))
        self._told = past

    def seen(self) -> tuple[Seen, ...]:
        """What happened with the contact before and beside this call, newest last."""
        now = self._histories.of(self._account, self._contact)
        beside = [
            seen for seen in now if seen.call != self._call and seen.event != "incoming" and seen not in self._before
        ]
        if not beside:
            return self._before
        return tuple(sorted((*self._before, *beside), key=lambda seen: seen.at_ms))

    def follow(
        self, event: AnyCallEvent, attempt: OfferReserved | None, entries: list[Entry], changes: list[Change]
    ) -> None:
        """The call writes `event` while `attempt` is open: add what is to be written with it, in the same transaction.

        What is known of the past goes behind the call's arrival, what the event means for the future beside it.
        """
        change: ContactHad | None = None
        if isinstance(event, CallReceived):
            self.tell(event.at_ms, entries)
            change = self._keep("incoming", event.at_ms, None)
        elif isinstance(event, AttemptConnected):
            change = self._keep("connect", event.at_ms, None if attempt is None else attempt.buyer)
        elif isinstance(event, Converted):
            change = self._keep("convert", event.at_ms, event.buyer)
        if change is not None:
            changes.append(change)

    def follow_lead(
        self, event: Event, buyer: str | None, entries: list[Entry], changes: list[Change], *, tells: bool
    ) -> None:
        """The same for a lead that writes `event` while it is offered to `buyer`; `tells`: what is known goes there."""
        change: ContactHad | None = None
        if tells and isinstance(event, LeadReceived | LeadReviewed | LeadAged):
            self.tell(event.at_ms, entries)
        if isinstance(event, LeadReceived):
            change = self._keep("incoming", event.at_ms, None)
        elif isinstance(event, DeliveryEnded):
            if event.outcome in _TAKEN:
                change = self._keep("connect", event.at_ms, buyer)
        elif isinstance(event, Converted):
            change = self._keep("convert", event.at_ms, event.buyer)
        if change is not None:
            changes.append(change)

    def forget(self) -> None:
        """Nothing was kept of the call or lead: whoever sends it again repeats nothing."""
        self._histories.put_back(self._account, self._contact, self._call, self._before)

    def repeats(self, at_ms: int) -> str | None:
        """The call or lead that this one repeats on its campaign; None when it repeats none."""
        of = duplicate_of(self.seen(), self._campaign, anonymous=self._anonymous, utc_ms=at_ms)
        return None if of is None else of.call

    def tell(self, at_ms: int, entries: list[Entry]) -> None:
        """Add an event that says what is known of the contact's past, unless that is nothing or has been said."""
        seen = self.seen()
        if seen == self._told:
            return
        self._told = seen
        of = duplicate_of(seen, self._campaign, anonymous=self._anonymous, utc_ms=at_ms)
        repeated = CallRepeated(
            account=self._account,
            call=self._call,
            at_ms=at_ms,
            duplicate=of is not None,
            duplicate_of=None if of is None else of.call,
            seen=seen,
        )
        entries.append(Entry(repeated))

    def _keep(self, event: ContactEvent, at_ms: int, buyer: str | None) -> ContactHad | None:
        if event not in self._kept:
            return None
        seen = Seen(event, at_ms, self._campaign.key, buyer, self._call)
        self._histories.add(self._account, self._contact, seen)
        return ContactHad(self._account, self._contact, seen)


def _without(call: str, past: tuple[Seen, ...], now: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """What is known now, and what was before `call` itself took its place; newest last."""
    if not past and all(seen.call != call for seen in now):
        return now
    newest: dict[tuple[str, str, str | None], Seen] = {}
    for seen in sorted((*past, *now), key=lambda each: each.at_ms):
        if seen.call != call:
            newest[seen.event, seen.campaign, seen.buyer] = seen
    return tuple(sorted(newest.values(), key=lambda each: each.at_ms))
