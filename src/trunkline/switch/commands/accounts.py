"""Which account a command is about."""

from __future__ import annotations

from trunkline.config.lookup import AccountIndex
from trunkline.switch.commands.command import CommandRefused
from trunkline.switch.plant import Plant


def account_of(plant: Plant, account: str | None) -> AccountIndex:
    """The account of that key; None stands for the only one there is. Raises CommandRefused."""
    accounts = plant.world.accounts
    if account is None:
        if len(accounts) == 1:
            return next(iter(accounts.values()))
        raise CommandRefused("several accounts are configured", hint=f"say which: {', '.join(sorted(accounts))}")
    if account not in accounts:
        raise CommandRefused(f"there is no account {account!r}", hint=f"there are: {', '.join(sorted(accounts))}")
    return accounts[account]
