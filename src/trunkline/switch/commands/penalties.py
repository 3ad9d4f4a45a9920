"""`penalties.publish`: auctions lower the ranks of targets by what they send back. `penalties.show`: by how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from trunkline.engine.routing.auction import WHOLE
from trunkline.events.changes import PenaltiesPut
from trunkline.events.entry import Entry
from trunkline.events.switch import PenaltiesPublished
from trunkline.kernel.clock import Instant
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done
from trunkline.switch.plant import Plant

TARGETS_MAX: Final = 2_000
"""Targets with a penalty in one account: a request is one line."""
DAYS_MAX: Final = 400


class PublishPenalties(Args, frozen=True, kw_only=True):
    """`penalties` are hundredths of a percent by target, counted over the last `days`; the others have none."""

    account: str
    penalties: dict[str, int]
    days: int


class ShowPenalties(Args, frozen=True, kw_only=True):
    """Nothing to say."""


async def publish(plant: Plant, args: PublishPenalties, now: Instant) -> Done:
    """Have these penalties in force in the place of those before."""
    account = args.account
    if account not in plant.world.accounts:
        raise CommandRefused(f"there is no account {account!r}", hint="penalties are published for one account")
    if len(args.penalties) > TARGETS_MAX:
        raise CommandRefused(f"{len(args.penalties)} targets have penalties; {TARGETS_MAX} are the most")
    for target, penalty in args.penalties.items():
        if not 0 <= penalty <= WHOLE:
            raise CommandRefused(
                f"the penalty of {target!r} is {penalty}",
                hint=f"it is a share of its bids in hundredths of a percent: 0 to {WHOLE}",
            )
    if not 1 <= args.days <= DAYS_MAX:
        raise CommandRefused(f"penalties over {args.days} days: from 1 to {DAYS_MAX}")
    before = plant.facts.of(account).penalties
    facts = plant.facts.change(account, penalties=args.penalties)
    penalties = dict(sorted(facts.penalties.items()))
    event = PenaltiesPublished(
        at_ms=now.utc_ms, account=account, penalties=penalties, days=args.days, facts=facts.version
    )
    return Done(
        {"account": account, "penalties": len(penalties), "before": len(before), "facts": facts.version},
        entries=(Entry(event),),
        changes=(PenaltiesPut(account, now.utc_ms, msgspec.json.encode(penalties)),),
        undo=lambda: _put_back(plant, account, before),
    )


async def show(plant: Plant, args: ShowPenalties, now: Instant) -> Done:
    """The penalties in force, by account and target."""
    return Done({account: dict(plant.facts.of(account).penalties) for account in plant.world.accounts})


def _put_back(plant: Plant, account: str, before: Mapping[str, int]) -> None:
    plant.facts.change(account, penalties=before)


COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("penalties.publish", PublishPenalties, publish),
    Command("penalties.show", ShowPenalties, show, changes=False),
)
