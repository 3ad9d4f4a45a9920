"""One configuration, ready to decide calls: routers, numbers, trunks, prompts. Replaced whole, never changed.

A call keeps the world it arrived in, so a reload changes no call that is going on.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Final

from trunkline.config.flows import Prompt
from trunkline.config.lookup import AccountIndex, NumbersIndex, trunks_by_key
from trunkline.config.schema import Snapshot
from trunkline.config.secrets import Secrets, gathering
from trunkline.engine.leads.form import Form
from trunkline.engine.lists.table import ContactList
from trunkline.engine.routing.duplicates import events_asked_for
from trunkline.engine.routing.router import Router, compiling
from trunkline.media.port import Prompt as Sound
from trunkline.switch.watched import Watched, watching
from trunkline.telephony.sip.authorities import read_authorities
from trunkline.telephony.sip.dial import places_to_resolve
from trunkline.telephony.sip.doors import Doors
from trunkline.telephony.sip.logins import Logins
from trunkline.telephony.sip.servers import Place

FileLists = Mapping[str, Mapping[str, ContactList]]
"""Contact lists by account and key."""
_NUMBERS_A_STEP: Final = 200


class World:
    """Everything that a new call needs of one snapshot. `sounds` maps every prompt of it to a file to be played."""

    numbers: NumbersIndex
    watched: Watched
    places: frozenset[Place]
    secrets: Secrets

    def __init__(self, snapshot: Snapshot, sounds: Mapping[Prompt, Sound], lists: FileLists) -> None:
        """What is quickly made of it; `building` makes the rest. `lists` are those that it reads from files.

        Raises MissingPassword when the environment lacks a password that the configuration names, and
        AuthoritiesUnreadable.
        """
        self.logins = Logins(snapshot.platform, os.environ)
        self.snapshot = snapshot
        self.doors = Doors(snapshot.platform)
        self.trunks = trunks_by_key(snapshot.platform)
        self.accounts: dict[str, AccountIndex] = {}
        self.routers: dict[str, Router] = {}
        self.contact_events = {
            config.account.key: asked for config in snapshot.accounts if (asked := events_asked_for(config))
        }
        """For accounts with rules about duplicates: what has to be kept of their contacts."""
        self._forms: dict[tuple[str, str], Form] = {}
        self.sounds = sounds
        self.lists = lists
        self.authorities = read_authorities(snapshot.platform, Path(snapshot.base))

    def form(self, account: str, campaign: str) -> Form:
        """The lead form of a campaign; made when it is first asked for."""
        form = self._forms.get((account, campaign))
        if form is None:
            form = self._forms[account, campaign] = Form(self.accounts[account].campaigns[campaign].lead_fields)
        return form

    def known(self, account: str, collection: str, key: str) -> object | None:
        """The object of that name, for whoever puts the next snapshot together; routes by PLAN.TIER.ROUTE."""
        index = self.accounts.get(account)
        if index is None:
            return None
        if collection == "routes":
            return self.routers[account].route(key)
        if collection in {"plans", "buyer_groups", "lists"}:
            return None  # small, and put together anew
        named: dict[str, Any] = getattr(index, collection)
        return named.get(key)


def building(
    snapshot: Snapshot, sounds: Mapping[Prompt, Sound], lists: FileLists, earlier: World | None = None
) -> Generator[None, None, World]:
    """The world of a snapshot, in small steps; what was compiled of the same objects comes from `earlier`.

    Raises MissingPassword, MissingSecret and AuthoritiesUnreadable.
    """
    world = World(snapshot, sounds, lists)
    world.secrets = yield from gathering(snapshot, os.environ)
    yield
    world.numbers = NumbersIndex()
    for config in snapshot.accounts:
        for place, number in enumerate(config.numbers):
            if place % _NUMBERS_A_STEP == 0:
                yield
            world.numbers.add(config, number)
    if earlier is not None and earlier.trunks == world.trunks:
        world.watched = yield from watching(snapshot.accounts, world.trunks, earlier.watched, earlier.accounts)
    else:
        world.watched = yield from watching(snapshot.accounts, world.trunks)
    world.places = places_to_resolve(snapshot.platform, ()) | frozenset(world.watched.named)
    for config in snapshot.accounts:
        key = config.account.key
        before = None if earlier is None else earlier.routers.get(key)
        router = yield from compiling(config, snapshot.platform, snapshot.digest, earlier=before)
        world.routers[key] = router
        world.accounts[key] = router.index
    return world
