"""Which servers a configuration dials and which of them are asked regularly whether they live, found out in steps."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import AccountConfig, Target
from trunkline.config.trunks import Trunk
from trunkline.sip.endpoint import Hop
from trunkline.telephony.sip.dial import Undiallable, destination, is_address, places_of
from trunkline.telephony.sip.servers import Place, hop_of

log = logging.getLogger("trunkline.health")

_TARGETS_A_STEP: Final = 16


class Watched(msgspec.Struct, frozen=True):
    """What is asked about an installation: for each target its phones' places, for each place the keepalive."""

    targets: Mapping[tuple[str, str], tuple[tuple[Place, ...], ...]]
    keepalives: Mapping[Place, int]
    reached_by: Mapping[Place, Sequence[tuple[str, str]]]
    at: Mapping[Hop, Sequence[Place]]
    """The places that are IP literals, by their one server; those in `named` stand for other servers now and then."""
    named: Sequence[Place]


NOTHING_WATCHED: Final = Watched({}, {}, {}, {}, ())


def watching(
    accounts: Iterable[AccountConfig],
    trunks: Mapping[str, Trunk],
    before: Watched = NOTHING_WATCHED,
    indexes: Mapping[str, AccountIndex] | None = None,
) -> Generator[None, None, Watched]:
    """What these accounts dial, by these trunks.

    `before` is what was watched by the same trunks, of the accounts in `indexes`: targets that are the same dial the
    same places.
    """
    targets: dict[tuple[str, str], tuple[tuple[Place, ...], ...]] = {}
    keepalives: dict[Place, int] = {}
    reached_by: dict[Place, list[tuple[str, str]]] = {}
    at: dict[Hop, list[Place]] = {}
    for config in accounts:
        index = None if indexes is None else indexes.get(config.account.key)
        known: Mapping[str, Target] = {} if index is None else index.targets
        for count, target in enumerate(config.targets):
            if count % _TARGETS_A_STEP == 0:
                yield
            name = (config.account.key, target.key)
            phones = before.targets.get(name) if known.get(target.key) is target else None
            if phones is None:
                phones = places_of(target, trunks)
            if not phones:
                continue
            targets[name] = phones
            for place in dict.fromkeys(place for places in phones for place in places):
                if place not in reached_by and place.literal:
                    at.setdefault(hop_of(place, place.host), []).append(place)
                reached_by.setdefault(place, []).append(name)
            if target.keepalive_seconds is not None:
                for dial, places in zip((target.dial, *target.also_dial), phones, strict=False):
                    if dial is not None and is_address(dial):
                        keepalives |= dict.fromkeys(places, target.keepalive_seconds)
    for trunk in trunks.values():
        if trunk.keepalive_seconds is not None and trunk.outbound is not None and not trunk.paused:
            try:
                keepalives[destination(trunk.outbound.proxy)[1]] = trunk.keepalive_seconds
            except Undiallable as error:
                log.warning("trunk %s: %s", trunk.key, error)
    yield
    named = [place for place in reached_by if not place.literal]
    return Watched(targets, keepalives, reached_by, at, named)
