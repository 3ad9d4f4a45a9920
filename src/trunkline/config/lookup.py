"""Finds the objects of a snapshot by their keys, for whoever decides calls by it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Protocol, TypeVar

import msgspec

from trunkline.config.flows import Flow
from trunkline.config.schema import (
    AccountConfig,
    Buyer,
    BuyerGroup,
    Campaign,
    Number,
    Plan,
    Platform,
    Publisher,
    Target,
)
from trunkline.config.trunks import Trunk


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


K = TypeVar("K", bound=_Keyed)


def by_key(items: Iterable[K]) -> dict[str, K]:
    """The items under their keys, in their order."""
    return {item.key: item for item in items}


class AccountIndex:
    """One account's objects by key. `groups_of` names for each buyer the groups it is in, in the order of the file."""

    __slots__ = (
        "buyers",
        "campaigns",
        "config",
        "flows",
        "groups",
        "groups_of",
        "numbers",
        "plans",
        "publishers",
        "targets",
    )

    def __init__(self, config: AccountConfig) -> None:
        for _ in self._indexing(config):
            pass

    @classmethod
    def indexing(cls, config: AccountConfig) -> Generator[None, None, AccountIndex]:
        """The same in small steps."""
        index = cls.__new__(cls)
        yield from index._indexing(config)
        return index

    def _indexing(self, config: AccountConfig) -> Iterator[None]:
        self.config = config
        self.publishers: dict[str, Publisher] = by_key(config.publishers)
        self.campaigns: dict[str, Campaign] = by_key(config.campaigns)
        yield
        self.buyers: dict[str, Buyer] = by_key(config.buyers)
        self.groups: dict[str, BuyerGroup] = by_key(config.buyer_groups)
        yield
        self.targets: dict[str, Target] = by_key(config.targets)
        yield
        self.plans: dict[str, Plan] = by_key(config.plans)
        self.flows: dict[str, Flow] = by_key(config.flows)
        self.numbers: dict[str, Number] = {number.number: number for number in config.numbers}
        yield
        self.groups_of: dict[str, tuple[BuyerGroup, ...]] = _groups_of(config.buyer_groups)


class Dialled(msgspec.Struct, frozen=True):
    """Whose tracking number was called."""

    account: AccountConfig
    number: Number


class NumbersIndex:
    """All tracking numbers of an installation: E.164 to account and number."""

    __slots__ = ("_dialled",)

    def __init__(self, accounts: Iterable[AccountConfig] = ()) -> None:
        self._dialled: dict[str, Dialled] = {}
        for config in accounts:
            for number in config.numbers:
                self.add(config, number)

    def add(self, config: AccountConfig, number: Number) -> None:
        """One more number, of that account."""
        self._dialled[number.number] = Dialled(config, number)

    def get(self, e164: str) -> Dialled | None:
        """Whose number `e164` is, or None when it is nobody's here."""
        return self._dialled.get(e164)

    def __len__(self) -> int:
        return len(self._dialled)


def trunks_by_key(platform: Platform) -> dict[str, Trunk]:
    """The carriers of an installation by key."""
    return by_key(platform.trunks)


def route_id(plan: str, tier: str, route: str) -> str:
    """The name of a route outside the file: `injury.contract.lone-star-es`."""
    return f"{plan}.{tier}.{route}"


def _groups_of(groups: Iterable[BuyerGroup]) -> dict[str, tuple[BuyerGroup, ...]]:
    found: dict[str, tuple[BuyerGroup, ...]] = {}
    for group in groups:
        for buyer in group.buyers:
            found[buyer] = (*found.get(buyer, ()), group)
    return found
