"""`targets.show`, `targets.away`, `targets.available`, `targets.resume`: who takes traffic, and saying so."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Final

from trunkline.config.lookup import AccountIndex
from trunkline.engine.routing.availability import Status
from trunkline.kernel.clock import Instant, iso
from trunkline.switch.commands.accounts import account_of
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done
from trunkline.switch.plant import Plant


class ShowTargets(Args, frozen=True, kw_only=True):
    """All targets of an account; with one account it need not be named."""

    account: str | None = None


class SayTarget(Args, frozen=True, kw_only=True):
    """One target; `actor` is who says so."""

    target: str
    account: str | None = None


async def show(plant: Plant, args: ShowTargets, now: Instant) -> Done:
    """Every target with its status."""
    index = account_of(plant, args.account)
    account = index.config.account.key
    facts = plant.facts.of(account)
    until = {target: until_ms for target, _, until_ms in plant.presence.statuses(account, now)}
    rows = []
    for key, target in index.targets.items():
        status = "down" if key in facts.down else facts.unavailable.get(key, "available")
        until_ms = until.get(key)
        rows.append(
            {
                "target": key,
                "buyer": target.buyer,
                "status": status,
                "until": None if until_ms is None or status == "available" else iso(until_ms),
            }
        )
    return Done({"account": account, "targets": rows})


def _saying(status: Status) -> Any:
    async def say(plant: Plant, args: SayTarget, now: Instant) -> Done:
        index = account_of(plant, args.account)
        name = _known(index, args.target)
        before = plant.facts.of(name[0]).unavailable.get(args.target, "available")
        entries, changes, undo = plant.presence.say(name, status, "command", now)
        after = plant.facts.of(name[0]).unavailable.get(args.target, "available")
        return Done(
            {"account": name[0], "target": args.target, "before": before, "after": after},
            entries=tuple(entries),
            changes=changes,
            undo=undo,
        )

    return say


COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("targets.show", ShowTargets, show, changes=False),
    Command("targets.away", SayTarget, _saying("away")),
    Command("targets.available", SayTarget, _saying("available")),
    Command("targets.resume", SayTarget, _saying("auto_paused")),
)


def _known(index: AccountIndex, target: str) -> tuple[str, str]:
    if target in index.targets:
        return index.config.account.key, target
    close = get_close_matches(target, index.targets, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(list(index.targets)[:20])}"
    raise CommandRefused(f"there is no target {target!r}", hint=hint)
