"""`returns.request`, `returns.approve`, `returns.reject`, `returns.list`: sales that buyers send back."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from trunkline.config.lookup import AccountIndex
from trunkline.config.return_rules import REASON
from trunkline.config.return_rules import Returns as Rules
from trunkline.engine.leads.returns import (
    REFUSAL_WORDS,
    Decided,
    Refusal,
    Request,
    ReturnMachine,
    Sold,
    refusals,
    requested,
)
from trunkline.events.changes import ReturnPut
from trunkline.events.entry import Entry
from trunkline.events.returns import AnyReturnEvent, Role, StoredReturn
from trunkline.kernel.clock import Instant, iso
from trunkline.kernel.windows import Per, window_at
from trunkline.switch.commands.accounts import account_of
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done, SignedArgs
from trunkline.switch.plant import Plant

NOTE_LENGTH_MAX: Final = 1_000
LISTED_MAX: Final = 200
_STATES: Final = ("requested", "approved", "rejected", "expired")


class RequestReturn(SignedArgs, frozen=True, kw_only=True):
    """Send back the sale of the call or lead `call` to `buyer`, for whom (`role`) it is asked.

    `anyway` sets aside the policy, which only an operator may.
    """

    PRIVATE: ClassVar[frozenset[str]] = frozenset({"note"})
    call: str
    reason: str
    buyer: str | None = None
    note: str | None = None
    role: Role = "operator"
    anyway: bool = False
    account: str | None = None


class DecideReturn(SignedArgs, frozen=True, kw_only=True):
    """Decide upon the return `id`."""

    PRIVATE: ClassVar[frozenset[str]] = frozenset({"note"})
    id: str
    note: str | None = None
    account: str | None = None


class ListReturns(Args, frozen=True, kw_only=True):
    """The newest returns: all, or those of a buyer, a call or lead, or a state."""

    account: str | None = None
    buyer: str | None = None
    call: str | None = None
    state: str | None = None


async def request(plant: Plant, args: RequestReturn, _now: Instant) -> Done:
    """Take a request that the policy allows."""
    index = account_of(plant, args.account)
    _check_note(args.note)
    if REASON.fullmatch(args.reason) is None:
        raise CommandRefused(f"{args.reason[:60]!r} is no code of a reason", hint="write it as bad_contact")
    if args.anyway and args.role != "operator":
        raise CommandRefused("only an operator may set the policy aside", hint="leave `anyway` out")
    sold = await _sale(plant, index, args)
    rules = rules_of(index, sold.buyer)
    buyer = index.buyers.get(sold.buyer)
    zone = (buyer.timezone if buyer is not None else None) or index.config.account.timezone
    month = window_at(Per.MONTH, sold.sold_ms, zone)
    standing, earlier = await plant.returns.standing(sold, month)
    # From here on nothing is waited for.
    if earlier is not None:
        raise CommandRefused(f"a return of this sale is {earlier} already", hint="a sale is asked about once")
    if plant.returns.full:
        raise CommandRefused("too many returns wait for a decision", hint="decide upon some: `returns list`")
    now = plant.clock()
    broken = refusals(rules, sold, args.reason, standing, now.utc_ms)
    if broken and not args.anyway:
        raise CommandRefused(_why(broken[0], rules), hint=f"reason {broken[0].value}; an operator may do it --anyway")
    asked = Request(
        id=plant.ids.make("ret", now.utc_ms),
        sold=sold,
        reason=args.reason,
        role=args.role,
        by=args.actor,
        cycle_ms=month.start_ms,
        note=args.note,
        set_aside=tuple(each.value for each in broken),
    )
    machine, events = requested(asked, rules, now.utc_ms)
    return _done(plant, machine.stored, events, None)


async def approve(plant: Plant, args: DecideReturn, now: Instant) -> Done:
    """The buyer is to be credited."""
    return _decide(plant, args, now, approved=True)


async def reject(plant: Plant, args: DecideReturn, now: Instant) -> Done:
    """The sale stands."""
    return _decide(plant, args, now, approved=False)


async def show(plant: Plant, args: ListReturns, _now: Instant) -> Done:
    """The newest returns."""
    index = account_of(plant, args.account)
    if args.state is not None and args.state not in _STATES:
        raise CommandRefused(f"{args.state!r} is no state of a return", hint=f"one of {', '.join(_STATES)}")
    account = index.config.account.key
    found = await plant.returns.listed(account, args.buyer, args.call, args.state, LISTED_MAX + 1)
    shown = found[:LISTED_MAX]
    return Done({"account": account, "returns": [_row(each) for each in shown], "more": len(found) > LISTED_MAX})


COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("returns.request", RequestReturn, request),
    Command("returns.approve", DecideReturn, approve),
    Command("returns.reject", DecideReturn, reject),
    Command("returns.list", ListReturns, show, changes=False),
)


def rules_of(index: AccountIndex, buyer: str) -> Rules | None:
    """The policy for a buyer: its own, else the account's."""
    own = index.buyers.get(buyer)
    return (own.returns if own is not None else None) or index.config.account.returns


async def _sale(plant: Plant, index: AccountIndex, args: RequestReturn) -> Sold:
    found = await plant.returns.sales(index.config.account.key, args.call)
    if not found:
        raise CommandRefused(f"nothing was sold of {args.call!r}", hint="name a call or lead that converted")
    mine = [each for each in found if args.buyer in {None, each.buyer}]
    if not mine:
        buyers = ", ".join(sorted({each.buyer for each in found}))
        raise CommandRefused(f"{args.call} was not sold to {args.buyer!r}", hint=f"it was sold to {buyers}")
    if len({each.buyer for each in mine}) > 1:
        buyers = ", ".join(sorted({each.buyer for each in mine}))
        raise CommandRefused(f"{args.call} was sold to several buyers", hint=f"say which sends it back: {buyers}")
    return mine[-1]


def _decide(plant: Plant, args: DecideReturn, now: Instant, *, approved: bool) -> Done:
    index = account_of(plant, args.account)
    _check_note(args.note)
    before = plant.returns.open(index.config.account.key, args.id)
    if before is None:
        raise CommandRefused(f"no return {args.id!r} waits for a decision", hint="`returns list` shows them")
    machine = ReturnMachine(before)
    events = machine.handle(Decided(approved, args.actor, args.note), now.utc_ms)
    return _done(plant, machine.stored, events, before)


def _done(plant: Plant, stored: StoredReturn, events: list[AnyReturnEvent], before: StoredReturn | None) -> Done:
    plant.returns.put(stored)
    contact = stored.contact or None
    return Done(
        _row(stored),
        entries=tuple(Entry(event, contact if event.PERSONAL else None) for event in events),
        changes=(ReturnPut(stored),),
        undo=lambda: plant.returns.take_back(stored, before),
    )


def _why(refusal: Refusal, rules: Rules | None) -> str:
    words = REFUSAL_WORDS[refusal]
    if refusal is Refusal.UNKNOWN_REASON and rules is not None:
        return f"{words}: {', '.join(rules.reasons)}"
    if refusal is Refusal.TOO_LATE and rules is not None:
        return f"{words}: returns are taken for {rules.within_days} days"
    return words


def _check_note(note: str | None) -> None:
    if note is not None and len(note) > NOTE_LENGTH_MAX:
        raise CommandRefused(f"the note has more than {NOTE_LENGTH_MAX} characters")


def _row(stored: StoredReturn) -> dict[str, Any]:
    return {
        "id": stored.id,
        "state": stored.state,
        "call": stored.call,
        "buyer": stored.buyer,
        "target": stored.target,
        "route": stored.route,
        "publisher": stored.publisher,
        "reason": stored.reason,
        "role": stored.role,
        "by": stored.by,
        "set_aside": stored.set_aside,
        "credit": str(stored.credit),
        "clawback": None if stored.clawback is None else str(stored.clawback),
        "currency": stored.credit.currency,
        "sold": iso(stored.sold_ms),
        "requested": iso(stored.requested_ms),
        "expires": iso(stored.expires_ms) if stored.decided_ms is None else None,
        "decided": None if stored.decided_ms is None else iso(stored.decided_ms),
        "decided_by": stored.decided_by,
    }
