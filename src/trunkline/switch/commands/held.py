"""`held.list`, `held.show`, `held.approve`, `held.reject`: leads that a person looks at before they are sold."""

from __future__ import annotations

from typing import Any, Final

from trunkline.engine.leads import inputs as i
from trunkline.events.changes import StoredLead
from trunkline.kernel.clock import Instant, iso
from trunkline.switch.commands.accounts import account_of
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done, SignedArgs
from trunkline.switch.plant import Plant

LISTED_MAX: Final = 500


class ListHeld(Args, frozen=True, kw_only=True):
    """Leads that wait: all of an account, or those of a campaign."""

    campaign: str | None = None
    account: str | None = None


class ShowHeld(Args, frozen=True, kw_only=True):
    """One of them, with what it says."""

    lead: str
    account: str | None = None


class ReviewHeld(SignedArgs, frozen=True, kw_only=True):
    """Let a lead through, or not."""

    lead: str
    account: str | None = None


async def listed(plant: Plant, args: ListHeld, _now: Instant) -> Done:
    """What waits, the longest waiting first."""
    account = account_of(plant, args.account).config.account.key
    found = [each for each in plant.held.of(account) if args.campaign in {None, each.campaign}]
    rows = [_row(plant, each) for each in found[:LISTED_MAX]]
    return Done({"account": account, "held": rows, "more": len(found) > LISTED_MAX})


async def show(plant: Plant, args: ShowHeld, _now: Instant) -> Done:
    """A lead that waits, with its fields and its consent."""
    account = account_of(plant, args.account).config.account.key
    stored = plant.held.find(account, args.lead)
    left = await plant.held.read(stored)
    if left.received is None or left.erased:
        raise CommandRefused(f"what {args.lead} said is erased", hint="reject it")
    received = left.received
    told = {
        "source": received.source,
        "attributes": received.attributes,
        "consent": received.consent,
        "ignored": received.ignored,
        "flags": received.flags,
    }
    return Done(_row(plant, stored) | told)


async def approve(plant: Plant, args: ReviewHeld, _now: Instant) -> Done:
    """Sell the lead as it would be sold now."""
    return await _review(plant, args, approved=True)


async def reject(plant: Plant, args: ReviewHeld, _now: Instant) -> Done:
    """End the lead: it is sold to nobody."""
    return await _review(plant, args, approved=False)


COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("held.list", ListHeld, listed, changes=False),
    Command("held.show", ShowHeld, show, changes=False),
    Command("held.approve", ReviewHeld, approve),
    Command("held.reject", ReviewHeld, reject),
)


async def _review(plant: Plant, args: ReviewHeld, *, approved: bool) -> Done:
    account = account_of(plant, args.account).config.account.key
    stored = plant.held.find(account, args.lead)
    answer = await plant.held.review(stored, i.Reviewed(args.actor, approved, paid=stored.paid))
    return Done(
        {
            "lead": answer.lead,
            "campaign": stored.campaign,
            "decision": "approved" if approved else "rejected",
            "status": answer.status,
            "payout": None if answer.payout is None else str(answer.payout),
            "reasons": answer.reasons,
        }
    )


def _row(plant: Plant, stored: StoredLead) -> dict[str, Any]:
    return {
        "lead": stored.lead,
        "campaign": stored.campaign,
        "publisher": stored.publisher,
        "reason": stored.held,
        "received": iso(stored.received_ms),
        "expires": iso(plant.held.expires_ms(stored)),
    }
