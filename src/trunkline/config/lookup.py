"""Finds the objects of a snapshot by their keys, for whoever decides calls by it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import Protocol, TypeVar

import msgspec

from trunkline.config.flows import Flow
from trunkline.config.folds import fold_text
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
T = TypeVar("T")

_OBJECTS_A_STEP = 500


def by_key(items: Iterable[K]) -> dict[str, K]:
    """The items under their keys, in their order."""
    return {item.key: item for item in items}


class AccountIndex:
    """One account's objects by key. `groups_of` names for each buyer the groups it is in, in the order of the file.

    `buyers_called` has the buyers of each folded key or name, where a campaign sells only to sellers that are named.
    """

    __slots__ = (
        "buyers",
        "buyers_called",
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
        self.publishers: dict[str, Publisher] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.buyers: dict[str, Buyer] = {}
        self.groups: dict[str, BuyerGroup] = {}
        self.targets: dict[str, Target] = {}
        self.plans: dict[str, Plan] = {}
        self.flows: dict[str, Flow] = {}
        self.numbers: dict[str, Number] = {}
        self.groups_of: dict[str, tuple[BuyerGroup, ...]] = {}
        yield from _adding(self.publishers, config.publishers)
        yield from _adding(self.campaigns, config.campaigns)
        yield from _adding(self.buyers, config.buyers)
        yield from _adding(self.groups, config.buyer_groups)
        yield from _adding(self.targets, config.targets)
        yield from _adding(self.plans, config.plans)
        yield from _adding(self.flows, config.flows)
        for some in _some(config.numbers):
            yield
            self.numbers.update((number.number, number) for number in some)
        self.buyers_called: dict[str, tuple[str, ...]] = {}
        if any(campaign.leads.consent == "named" for campaign in config.campaigns):
            for some_buyers in _some(config.buyers):
                yield
                for buyer in some_buyers:
                    for name in {fold_text(buyer.key), fold_text(buyer.name or buyer.key)}:
                        self.buyers_called[name] = (*self.buyers_called.get(name, ()), buyer.key)
        for group in config.buyer_groups:
            for keys in _some(group.buyers):
                yield
                for key in keys:
                    self.groups_of[key] = (*self.groups_of.get(key, ()), group)


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


def _adding(found: dict[str, K], items: Iterable[K]) -> Iterator[None]:
    for some in _some(items):
        yield
        found.update((item.key, item) for item in some)


def _some(items: Iterable[T]) -> Iterator[list[T]]:
    source = iter(items)
    while some := list(islice(source, _OBJECTS_A_STEP)):
        yield some
