"""Facts: what decisions need to know that is not configuration: targets out of service, rates, return penalties, lists.

A decision names the version of the facts it was taken with. The version is made from what they say, so that whoever
states the same facts, as `explain --down` does, gets the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from trunkline.engine.lists.table import ContactList
from trunkline.engine.scoring.rate_book import NO_RATES, RateBook


class Facts(msgspec.Struct, frozen=True):
    """One account's facts; `version` says which.

    `down` are the keys of targets that are out of service; `unavailable` are those that take no traffic for now, and
    why: `away`, `wrap_up` or `auto_paused`; `out` are all of both. `rates` say how often offers convert. `penalties`
    are by target the hundredths of a percent of a bid that its rank in an auction is lowered by, for what it sends
    back. `lists` are the contact lists that are loaded, by key.
    """

    down: frozenset[str] = frozenset()
    rates: RateBook = NO_RATES
    penalties: Mapping[str, int] = {}
    lists: Mapping[str, ContactList] = {}
    unavailable: Mapping[str, str] = {}
    out: frozenset[str] = frozenset()
    version: str = "none"


NO_FACTS: Final = Facts()
"""Nothing is out of service, nothing is known of rates, and nobody sends anything back; no list is loaded."""


def facts_of(
    down: Iterable[str] = (),
    rates: RateBook = NO_RATES,
    penalties: Mapping[str, int] | None = None,
    lists: Mapping[str, ContactList] | None = None,
    unavailable: Mapping[str, str] | None = None,
) -> Facts:
    """These facts, with the version that follows from them. Penalties are between 0 and 10000."""
    more = {"penalties": penalties or {}, "lists": lists or {}, "unavailable": unavailable or {}}
    return changed(NO_FACTS, down=frozenset(down), rates=rates, **more)


def changed(facts: Facts, **fields: Any) -> Facts:
    """The facts with other values in these fields, and the version that follows from all of them."""
    made = msgspec.structs.replace(facts, **fields)
    lowered = {target: penalty for target, penalty in made.penalties.items() if penalty}
    assert all(0 < penalty <= 10_000 for penalty in lowered.values()), "a penalty is a share of the bid"
    said: list[str] = []
    if made.down:
        said += ["down", *sorted(made.down)]
    if made.unavailable:
        said += ["unavailable", *(f"{target}={why}" for target, why in sorted(made.unavailable.items()))]
    if made.rates != NO_RATES:
        said += ["rates", made.rates.version]
    if lowered:
        said += ["penalties", *(f"{target}={penalty}" for target, penalty in sorted(lowered.items()))]
    if made.lists:
        said += ["lists", *(f"{key}={held.digest}" for key, held in sorted(made.lists.items()))]
    if not said:
        return NO_FACTS
    version = hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
    out = made.down.union(made.unavailable) if made.unavailable else made.down
    return msgspec.structs.replace(made, penalties=lowered, out=out, version=version)
