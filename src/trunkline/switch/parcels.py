"""A configuration on its way from the process that reads it to the switch, in parcels of a few objects each.

Every parcel is decoded in well under a millisecond, so calls go on between two of them. What the switch has already,
equal in all its parts, is taken from there: the new snapshot shares it with the one before, and so does what was
compiled of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, structs

from trunkline.config.contacts import ContactList
from trunkline.config.flows import Flow, Prompt
from trunkline.config.load import Loaded
from trunkline.config.problems import Problem
from trunkline.config.schema import (
    AccountConfig,
    Buyer,
    BuyerGroup,
    Campaign,
    Number,
    Plan,
    Platform,
    Publisher,
    Route,
    Snapshot,
    Target,
)
from trunkline.media.port import Prompt as Sound

OBJECTS_A_PARCEL: Final = 16
SIZE_MAX: Final = 1 << 30
"""Bytes of one parcel: a route may name a million values."""
_LENGTH_SIZE: Final = 4


class Opening(Struct, frozen=True, tag="opening"):
    """First: what is wrong, and if that is no error, what all accounts share.

    `files` are those that the configuration names and that were read with it; `unplayable` are words for the log.
    """

    problems: tuple[Problem, ...]
    files: tuple[str, ...]
    platform: Platform | None = None
    digest: str = ""
    base: str = ""
    unplayable: tuple[str, ...] = ()


class Beginning(Struct, frozen=True, tag="account"):
    """An account begins: `config` without any of its collections."""

    config: AccountConfig


class Objects(Struct, frozen=True, tag="objects"):
    """Some objects of the collection `name` of the account; plans come with their tiers and without routes."""

    name: str
    items: msgspec.Raw


class Routes(Struct, frozen=True, tag="routes"):
    """Some routes of a tier of the account, by their places."""

    plan: int
    tier: int
    items: tuple[Route, ...]


class Sounds(Struct, frozen=True, tag="sounds"):
    """Some prompts with the files that are played for them."""

    items: tuple[tuple[Prompt, Sound], ...]


class Failure(Struct, frozen=True, tag="failure"):
    """In place of everything: why the configuration could not be read. `ours` says that it is an error of ours."""

    message: str
    hint: str = ""
    ours: bool = False


class Closing(Struct, frozen=True, tag="closing"):
    """Last: nothing is missing."""


Parcel = Opening | Beginning | Objects | Routes | Sounds | Failure | Closing

_COLLECTIONS: Final[dict[str, type[Any]]] = {
    "lists": ContactList,
    "publishers": Publisher,
    "campaigns": Campaign,
    "numbers": Number,
    "buyers": Buyer,
    "buyer_groups": BuyerGroup,
    "targets": Target,
    "plans": Plan,
    "flows": Flow,
}
_encoder = msgspec.msgpack.Encoder()
_parcels: msgspec.msgpack.Decoder[Parcel] = msgspec.msgpack.Decoder(Parcel)
_objects: dict[str, msgspec.msgpack.Decoder[Any]] = {
    name: msgspec.msgpack.Decoder(tuple[kind, ...])  # type: ignore[valid-type]
    for name, kind in _COLLECTIONS.items()
}
_NAMES: Final[dict[str, Callable[[Any], str]]] = {"numbers": lambda number: number.number}

T = TypeVar("T")
Known = Callable[[str, str, str], object | None]
"""Account, collection and name (for routes PLAN.TIER.ROUTE) to what the switch has of that name."""


def packed(parcel: Parcel) -> bytes:
    """One parcel as it goes over the pipe: its length, then itself."""
    body = _encoder.encode(parcel)
    assert len(body) <= SIZE_MAX, f"a parcel of {len(body)} bytes"
    return len(body).to_bytes(_LENGTH_SIZE) + body


def parcels_of(loaded: Loaded, sounds: Mapping[Prompt, Sound], unplayable: Iterable[str]) -> Iterator[Parcel]:
    """All parcels of what was read, in order."""
    snapshot = loaded.snapshot
    if snapshot is None:
        yield Opening(loaded.problems, loaded.files)
    else:
        yield Opening(
            loaded.problems, loaded.files, snapshot.platform, snapshot.digest, snapshot.base, tuple(unplayable)
        )
        for config in snapshot.accounts:
            yield from _account(config)
        for some in _some(sounds.items()):
            yield Sounds(some)
    yield Closing()


def _account(config: AccountConfig) -> Iterator[Parcel]:
    yield Beginning(AccountConfig(account=config.account))
    for name in _COLLECTIONS:
        if name == "plans":
            continue
        for some in _some(getattr(config, name)):
            yield Objects(name, msgspec.Raw(_encoder.encode(some)))
    for place, plan in enumerate(config.plans):
        tiers = tuple(structs.replace(tier, routes=()) for tier in plan.tiers)
        yield Objects("plans", msgspec.Raw(_encoder.encode((structs.replace(plan, tiers=tiers),))))
        for at, tier in enumerate(plan.tiers):
            for routes in _some(tier.routes):
                yield Routes(place, at, routes)


def _some(items: Iterable[T]) -> Iterator[tuple[T, ...]]:
    source = iter(items)
    while some := tuple(islice(source, OBJECTS_A_PARCEL)):
        yield some


class _Account:
    """An account as far as it has come."""

    def __init__(self, config: AccountConfig) -> None:
        self.config = config
        self.found: dict[str, list[Any]] = {name: [] for name in _COLLECTIONS}
        self.routes: dict[tuple[int, int], list[Route]] = {}

    def whole(self) -> AccountConfig:
        plans = tuple(
            structs.replace(
                plan,
                tiers=tuple(
                    structs.replace(tier, routes=tuple(self.routes.get((place, at), ())))
                    for at, tier in enumerate(plan.tiers)
                ),
            )
            for place, plan in enumerate(self.found["plans"])
        )
        found = {name: tuple(items) for name, items in self.found.items()}
        return structs.replace(self.config, **(found | {"plans": plans}))


class Unpacking:
    """Puts parcels together. `known` finds what the switch has; what is equal is taken from there."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._accounts: list[_Account] = []
        self.opening: Opening | None = None
        self.sounds: dict[Prompt, Sound] = {}
        self.failure: Failure | None = None
        self.complete = False

    def take(self, body: bytes) -> None:
        """The next parcel, without its length."""
        parcel = _parcels.decode(body)
        match parcel:
            case Opening():
                self.opening = parcel
            case Beginning(config=config):
                self._accounts.append(_Account(config))
            case Objects(name=name, items=items):
                account = self._accounts[-1]
                key_of = _NAMES.get(name, _key)
                for item in _objects[name].decode(items):
                    account.found[name].append(self._same(account, name, key_of(item), item))
            case Routes(plan=place, tier=at, items=routes):
                account = self._accounts[-1]
                plan = account.found["plans"][place]
                above = f"{plan.key}.{plan.tiers[at].key}."
                kept = account.routes.setdefault((place, at), [])
                for route in routes:
                    kept.append(self._same(account, "routes", f"{above}{route.key}", route))
            case Sounds(items=sounds):
                self.sounds.update(sounds)
            case Failure():
                self.failure = parcel
            case Closing():
                self.complete = True

    def snapshot(self) -> Snapshot:
        """What came of it. Only when everything has come and nothing was wrong."""
        assert self.complete, "parcels are missing"
        assert self.opening is not None
        assert self.opening.platform is not None
        return Snapshot(
            platform=self.opening.platform,
            accounts=tuple(account.whole() for account in self._accounts),
            digest=self.opening.digest,
            base=self.opening.base,
            files=self.opening.files,
        )

    def _same(self, account: _Account, name: str, key: str, item: T) -> T:
        known = self._known(account.config.account.key, name, key)
        return known if known == item else item


def _key(item: Any) -> str:
    key: str = item.key
    return key
