"""A world for one call machine, without sockets, files or clocks: what the switch does for it, in virtual time.

The real machine, flow, router and capacity store are used; only the drivers are played. For model checks, and for
anybody who wants to see what the machine says when.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from trunkline.capacity.memory import MemoryCapacity
from trunkline.config.load import Source, load_sources
from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Kind
from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.context import CallContext
from trunkline.engine.calls.legs import Phase, leg_name
from trunkline.engine.calls.machine import CallMachine
from trunkline.engine.calls.table import State
from trunkline.engine.flow.machine import FlowMachine
from trunkline.engine.routing.attributes import Origin
from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.draw import Draws, text_hash
from trunkline.engine.routing.offer import Auction, Offer, Query, unasked
from trunkline.engine.routing.profile import CallerProfile
from trunkline.engine.routing.router import compile_router
from trunkline.events.calls import AnyCallEvent, AttemptEnded, CallEnded, OfferReserved
from trunkline.kernel.clock import MS, Instant
from trunkline.kernel.leases import DECIDED_LATER
from trunkline.kernel.phone import parse_caller

START = Instant(1_000_000_000_000, 1_795_359_600_000)
"""2026-11-22 15:00 UTC, a Sunday; the monotonic clock somewhere."""


def attempt_of(leg: str) -> str:
    """The attempt of a leg of that name."""
    return leg.partition(".")[0]


def leg_number(leg: str) -> int:
    """The number of a leg of that name: that of an attempt's first is 0."""
    return int(leg.partition(".")[2] or "1") - 1


def hearer(side: i.Side, leg: int) -> str:
    """The name under which `CallWorld.playing` keeps what is heard: `caller`, `buyer`, `buyer.2`, …"""
    return leg_name(side, leg)


class CallWorld:
    """One call in a world whose every event is chosen by the test.

    `text` is a configuration with one account; the call goes to its first number. After each `tell` the commands are
    obeyed; what the world knows then is in its public attributes. Where offers are slow, `auctions` has bidders be
    asked meanwhile; with `confirms` every offer is a bid that is to be confirmed.
    """

    auctions = confirms = False
    confirming: str | None = None

    def __init__(self, text: str, caller: str = "+15125550100", seed: int = 7, *, slow_offers: bool = False) -> None:
        """With `slow_offers` an offer that is sought is found when `find` is called, as from a store elsewhere."""
        self._slow_offers = slow_offers
        self.sought: list[c.Seek] = []
        loaded = load_sources([Source("test.yaml", text.encode())], "/nowhere")
        assert loaded.snapshot is not None, loaded.problems
        config = loaded.snapshot.accounts[0]
        index, number = AccountIndex(config), config.numbers[0]
        self.router = compile_router(config, loaded.snapshot.platform, "digest")
        campaign = index.campaigns[number.campaign]
        who = parse_caller(caller, "US")
        origin = Origin(zone=config.account.timezone, caller=who.number, publisher=number.publisher)
        self.profile = CallerProfile(config, origin, config.account.timezone)
        self.plan = campaign.plan
        self.now = START
        self.capacity = MemoryCapacity()
        self._query = Query(
            account=config.account.key,
            kind=Kind.CALL,
            campaign=campaign.key,
            publisher=number.publisher,
            source=None,
            number=number.number,
            attributes=self.profile.attributes(self.now),
            now=self.now,
            seed=seed,
        )
        context = CallContext(
            call="call",
            account=config.account.key,
            number=number.number,
            campaign=campaign.key,
            publisher=number.publisher,
            source=None,
            caller=who.number,
            caller_given=who.given,
            contact="contact",
            trunk="lo",
            snapshot="digest",
            answer=campaign.answer,
            refusal=self.router.receipt_guard(campaign.key, number.publisher, number.number),
            payout=self.router.incoming_payout(self._query),
            record=self.router.campaign_recording(campaign.key),
            ringback=campaign.ringback,
            hold_music=campaign.hold_music,
            early_media=campaign.early_media,
        )
        flow = FlowMachine(
            index.flows[campaign.flow], self.profile, lambda node, total: Draws(seed, text_hash(node)).below(total)
        )
        self._serial = 0
        self.machine = CallMachine(context, flow, self.profile, lambda _now: self._name("rec"))
        self._cursor: Cursor | None = None
        self._taken: set[str] = set()
        self._taken_here: set[str] = set()
        self._hop = 0
        self._wanted: c.Enqueue | None = None
        self.ahead = 0
        self.crowded = False
        self.others = 0
        self._inbox: deque[i.Input] = deque()
        self.written: list[AnyCallEvent] = []
        self.said: list[c.Command] = []
        self.tickets: list[int] = []
        self.prepared: set[str] = set()
        self.ringing: set[str] = set()
        self.rung = ""
        self.playing: dict[str, int] = {}
        self.digits: list[tuple[i.Side, str]] = []
        self.bridged = False
        self.early: str | None = None
        self.recording: dict[str, tuple[i.Side, ...]] = {}
        self.closing: list[str] = []
        self.caller_open = True
        self.answered = False
        self.remembered = False
        self.done = False

    def _name(self, kind: str) -> str:
        self._serial += 1
        return f"{kind}{self._serial}"

    def pass_time(self, ms: int) -> None:
        """Let time pass without telling anybody."""
        self.now = self.now.later(ms * MS)

    def tell(self, event: i.Input) -> None:
        """Tell the machine, and obey."""
        self._inbox.append(event)
        while self._inbox:
            for command in self.machine.handle(self._inbox.popleft(), self.now):
                self.said.append(command)
                _OBEY[type(command)](self, command)

    def next_tick(self) -> None:
        """Let time pass until the machine's next timer, and tell it."""
        due = self.machine.next_timer()
        assert due is not None, "no timer is running"
        self.now = self.now.later(max(0, due - self.now.mono_ns))
        self.tell(i.Tick())

    def durable(self) -> None:
        """Everything written is on disk."""
        while self.tickets:
            self.tell(i.Durable(self.tickets.pop(0)))

    def finish_playing(self, hears: str, completed: bool = True) -> None:
        """What the caller, the buyer, or a further phone of the buyer's (`buyer.2`) hears has ended."""
        self.tell(i.Played(self.playing.pop(hears), completed))

    def close_files(self) -> None:
        """The files that were stopped are closed."""
        while self.closing:
            self.tell(i.Recorded(self.closing.pop(), 1000, None))

    def events(self, kind: type[msgspec.Struct]) -> list[Any]:
        """The events of one type that were written."""
        return [event for event in self.written if isinstance(event, kind)]

    @property
    def attempt(self) -> str:
        """The running attempt."""
        assert self.machine.attempt is not None
        return self.machine.attempt.id

    def check(self) -> None:
        """What must hold at any moment."""
        ended = [event.attempt for event in self.written if isinstance(event, AttemptEnded)]
        offered = [event.attempt for event in self.written if isinstance(event, OfferReserved)]
        assert len(ended) == len(set(ended)), "an attempt ended twice"
        assert set(ended) <= set(offered)
        assert len(self.events(CallEnded)) <= 1
        running = self.machine.attempt
        assert set(offered) - set(ended) == (set() if running is None else {running.id})
        assert {attempt_of(leg) for leg in self.ringing} <= set(offered) - set(ended), "a leg was left"
        assert self.capacity.leases() - self.others == (0 if running is None else 1), "leases differ from attempts"

    def check_over(self) -> None:
        """What must hold when the call is over: nothing is left, everything has an outcome."""
        self.check()
        assert self.machine.state is State.OVER
        assert self.done
        assert len(self.events(CallEnded)) == 1
        assert self.capacity.leases() == self.others
        assert not self.ringing
        assert not self.recording
        assert not self.caller_open
        assert not self.remembered
        assert self.machine.next_timer() is None

    # -- obeying ---------------------------------------------------------------------------------------------------

    def _write(self, command: c.Write) -> None:
        assert not self.done, "written after the end"
        self.written.append(command.event)

    def _remember(self, command: c.Remember) -> None:
        self.remembered = command.call is not None

    def _await(self, command: c.Await) -> None:
        self.tickets.append(command.ticket)

    def _seek(self, command: c.Seek) -> None:
        if self._slow_offers:
            self.sought.append(command)
            if self.auctions:
                self._inbox.append(i.Asking())
        else:
            self._inbox.append(self._found(command))

    def rings(self, leg: int) -> bool:
        """Whether that leg of the running attempt was rung and has neither answered nor ended."""
        attempt = self.machine.attempt
        open_leg = None if attempt is None else attempt.legs.open(leg)
        return open_leg is not None and open_leg.phase is Phase.RINGING

    def find(self) -> None:
        """Answer the oldest `Seek` that waits, even if the call is long over."""
        self.tell(self._found(self.sought.pop(0)))

    def _found(self, command: c.Seek) -> i.Input:
        if self.crowded:
            return i.Exhausted("no_capacity", self.router.no_buyer(self.plan), waits=True)
        cursor = self._cursor
        if cursor is None or command.hop != self._hop:
            if command.hop != self._hop:
                self._taken_here = set()
            self._hop = command.hop
            query = msgspec.structs.replace(
                self._query,
                attributes=self.profile.attributes(self.now),
                now=self.now,
                plan=command.plan,
                taken=frozenset(self._taken_here if command.again else self._taken),
                hop=command.hop,
            )
            cursor = self._cursor = self.router.cursor(query)
        attempt = self._name("att")
        lease = self._name("lease")
        while isinstance(found := cursor.next(self.capacity, lease, attempt, "call", self.now), Auction):
            cursor.settle(unasked(found))
        if isinstance(found, Offer):
            self._taken.add(found.candidate.target)
            self._taken_here.add(found.candidate.target)
            if self.confirms:
                bid = Bid("bid", found.candidate.terms.price, confirm=True)
                found = msgspec.structs.replace(found, candidate=msgspec.structs.replace(found.candidate, bid=bid))
            return i.Offered(found, attempt, 1)
        self._cursor = None
        return i.Exhausted(found.reason, self.router.no_buyer(cursor.decision().plan), found.waits)

    def _enqueue(self, command: c.Enqueue) -> None:
        """Whoever cannot be served at once waits, as the only one, until `look` finds somebody with room."""
        self._cursor = None
        news = self._found(c.Seek(command.plan, command.hop, command.again))
        waits = isinstance(news, i.Exhausted) and news.waits
        self._wanted = command if waits else None
        self._inbox.append(i.Queued(self.ahead + 1, self.plan) if waits else news)

    def look(self) -> None:
        """Somebody may have room for the caller, if it waits."""
        if self._wanted is None:
            return
        self._cursor = None
        news = self._found(c.Seek(self._wanted.plan, self._wanted.hop, self._wanted.again))
        if not isinstance(news, i.Exhausted) or not news.waits:
            self._wanted = None
            self.tell(news)

    def _dequeue(self, command: c.Dequeue) -> None:
        self._wanted = None
        self._inbox.append(i.Exhausted(command.reason, self.router.no_buyer(self.plan)))

    def _tell_place(self, _command: c.TellPlace) -> None:
        self._inbox.append(i.Placed(self.ahead + 1))

    def _ignore(self, command: c.Command) -> None:
        pass

    def _settle(self, command: c.Settle) -> None:
        self.capacity.settle(command.lease, command.measure, self.now, command.amount)

    def _release(self, command: c.Release) -> None:
        self.capacity.release(
            command.lease, self.now, DECIDED_LATER if command.keep_s else frozenset(), 1000 * command.keep_s
        )

    def _answer(self, _command: c.AnswerCaller) -> None:
        assert self.caller_open
        assert not self.answered
        self.answered = True

    def _hang_up_caller(self, _command: c.HangUpCaller) -> None:
        assert self.caller_open
        self.caller_open = False

    def _confirm(self, command: c.Confirm) -> None:
        assert command.attempt not in self.prepared, "what is not confirmed is prepared"
        self.confirming = command.attempt

    def _prepare(self, command: c.PrepareBuyer) -> None:
        self.prepared.add(command.attempt)

    def _ring(self, command: c.RingBuyer) -> None:
        self.prepared.remove(command.attempt)
        self.rung = command.attempt
        assert self.machine.attempt is not None
        for number in range(1 + len(self.machine.attempt.ring.also_dial)):
            self.ringing.add(leg_name(command.attempt, number))
            self._inbox.append(i.Dialled(command.attempt, 1, number))

    def _hang_up_buyer(self, command: c.HangUpBuyer) -> None:
        self.confirming = None
        self.ringing -= {name for name in self.ringing if attempt_of(name) == command.attempt}
        self.prepared.discard(command.attempt)
        self.early = None
        for heard in [heard for heard in self.playing if heard != "caller"]:
            del self.playing[heard]
        self.bridged = False

    def _drop_leg(self, command: c.DropLeg) -> None:
        self.ringing.discard(leg_name(command.attempt, command.leg))
        self.playing.pop(hearer("buyer", command.leg), None)

    def _send_digits(self, command: c.SendDigits) -> None:
        assert command.side == "caller" or leg_name(self.rung, command.leg) in self.ringing, "keys sent to nobody"
        self.digits.append((command.side, command.digits))

    def _play(self, command: c.Play) -> None:
        assert command.side != "caller" or self.answered, "played to a caller who was not answered"
        assert command.side == "caller" or leg_name(self.rung, command.leg) in self.ringing, "played to nobody"
        self.playing[hearer(command.side, command.leg)] = command.tag

    def _stop_play(self, command: c.StopPlay) -> None:
        tag = self.playing.pop(hearer(command.side, command.leg), None)
        if tag is not None:
            self._inbox.append(i.Played(tag, completed=False))

    def _hold_music(self, command: c.HoldMusic) -> None:
        assert self.bridged or not self.ringing, "music before anybody was joined"
        self.playing.pop(command.side, None)

    def _pass_early(self, command: c.PassEarly) -> None:
        assert leg_name(command.attempt, command.leg) in self.ringing, "nobody there to be heard"
        assert self.early is None, "two phones are heard at once"
        self.early = leg_name(command.attempt, command.leg)

    def _end_early(self, command: c.EndEarly) -> None:
        assert self.early == leg_name(command.attempt, command.leg)
        self.early = None

    def _bridge(self, _command: c.Bridge) -> None:
        assert self.answered
        self.bridged = True
        self.early = None

    def _record(self, command: c.Record) -> None:
        assert self.answered
        self.recording[command.recording] = command.sides

    def _stop_record(self, command: c.StopRecord) -> None:
        del self.recording[command.recording]
        self.closing.append(command.recording)

    def _finish(self, _command: c.Done) -> None:
        self.done = True


_OBEY: dict[type, Callable[[CallWorld, Any], None]] = {
    c.Write: CallWorld._write,
    c.Remember: CallWorld._remember,
    c.Await: CallWorld._await,
    c.Seek: CallWorld._seek,
    c.Enqueue: CallWorld._enqueue,
    c.Dequeue: CallWorld._dequeue,
    c.TellPlace: CallWorld._tell_place,
    c.WriteRouting: CallWorld._ignore,
    c.Settle: CallWorld._settle,
    c.Release: CallWorld._release,
    c.Alert: CallWorld._ignore,
    c.PassEarly: CallWorld._pass_early,
    c.EndEarly: CallWorld._end_early,
    c.AnswerCaller: CallWorld._answer,
    c.HangUpCaller: CallWorld._hang_up_caller,
    c.Confirm: CallWorld._confirm,
    c.PrepareBuyer: CallWorld._prepare,
    c.RingBuyer: CallWorld._ring,
    c.HangUpBuyer: CallWorld._hang_up_buyer,
    c.DropLeg: CallWorld._drop_leg,
    c.SendDigits: CallWorld._send_digits,
    c.Play: CallWorld._play,
    c.Ringback: CallWorld._ignore,
    c.HoldMusic: CallWorld._hold_music,
    c.StopPlay: CallWorld._stop_play,
    c.Bridge: CallWorld._bridge,
    c.Record: CallWorld._record,
    c.PauseRecord: CallWorld._ignore,
    c.ResumeRecord: CallWorld._ignore,
    c.StopRecord: CallWorld._stop_record,
    c.Done: CallWorld._finish,
}
