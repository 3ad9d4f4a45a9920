"""Several callers one after another, against capacity that is really taken: what a scenario's `steps` describe.

Each caller goes through the cursor of the switch and a store of leases. An offer holds its seats; a refused one gives
them back but for what counts attempts; who is taken keeps them for as long as it stays. What happened with a contact is
remembered for the next step, by the rules of the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from trunkline.capacity.memory import MemoryCapacity
from trunkline.config.schema import Snapshot
from trunkline.engine.routing.duplicates import ANONYMOUS, counts_anonymous, events_asked_for
from trunkline.engine.routing.explain import attribute_json, rejection_json
from trunkline.engine.routing.offer import Attribute, Auction, Exhausted, Offer, Query
from trunkline.events.contacts import ContactEvent, Seen
from trunkline.kernel.clock import MS, Instant
from trunkline.kernel.errors import UsageError
from trunkline.kernel.leases import DECIDED_LATER, FUNDS
from trunkline.testing.asking import Asked, Oracle, question_of
from trunkline.testing.scenario_form import Step

_STATED = ("live", "used", "funds", "last")


def walk(snapshot: Snapshot, steps: Sequence[Step]) -> Iterator[dict[str, Any]]:
    """What came of each step, in the form of `explain --json`. Raises UsageError for a step that cannot be run."""
    walk = _Walk(snapshot)
    for place, step in enumerate(steps, start=1):
        try:
            yield walk.take(place, step)
        except UsageError as error:
            raise UsageError(f"step {place}: {error.message}", hint=error.hint) from error


class _Walk:
    """Capacity and contacts, from step to step."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._oracle = Oracle(snapshot)
        self._accounts = {config.account.key: config for config in snapshot.accounts}
        self._capacity = MemoryCapacity()
        self._seen: dict[tuple[str, str], list[Seen]] = {}
        self._staying: list[tuple[int, Offer, Step]] = []
        self._now_ms = 0
        self._offered: frozenset[str] = frozenset()

    def take(self, place: int, step: Step) -> dict[str, Any]:
        """One caller, until somebody takes it or nobody is left."""
        question = question_of(step.query)
        if question.at is None:
            raise UsageError("say `at`: steps happen one after another")
        if any(step.query.get(name) for name in _STATED):
            raise UsageError(f"{', '.join(_STATED)} are not stated: steps use what those before them took")
        asked = self._oracle.prepare(question)
        utc_ms = asked.query.now.utc_ms
        if utc_ms < self._now_ms:
            raise UsageError("this step is earlier than the one before it", hint="sort them by `at`")
        self._pass(utc_ms)
        query, contact = self._as_known(asked, step, Instant(utc_ms * MS, utc_ms))
        return self._offer(place, step, asked._replace(query=query), contact)

    def _pass(self, utc_ms: int) -> None:
        """Time goes on: who has stayed long enough leaves."""
        staying, self._staying, self._now_ms = self._staying, [], utc_ms
        for until_ms, offer, step in sorted(staying, key=lambda each: each[0]):
            if until_ms <= utc_ms:
                self._leave(until_ms, offer, step)
            else:
                self._staying.append((until_ms, offer, step))
                self._capacity.renew(offer.lease.id, _instant(utc_ms))
        self._capacity.sweep(_instant(utc_ms))

    def _as_known(self, asked: Asked, step: Step, now: Instant) -> tuple[Query, str | None]:
        """The query with what the steps before mean for it, and the name of its contact."""
        query, config = asked.query, self._accounts[asked.query.account]
        number = query.attributes.get("caller.number")
        campaign = next(each for each in config.campaigns if each.key == query.campaign)
        contact = None if number is None else number.value
        if contact is None and counts_anonymous(campaign):
            contact = ANONYMOUS
        before = tuple(self._seen.get((query.account, contact), ())) if contact is not None else ()
        known = dict(query.attributes)
        if number is not None and "caller.repeat" not in known:
            known["caller.repeat"] = Attribute("yes" if before else "no", "history")
        plan = asked.router.programs[query.plan or campaign.plan].plan
        taken = self._offered if step.hop and not plan.reroute_again else frozenset()
        history = tuple(sorted((*query.history, *before), key=lambda seen: seen.at_ms))
        made = msgspec.structs.replace(query, attributes=known, now=now, history=history, hop=step.hop, taken=taken)
        if not step.hop:
            self._offered = frozenset()
            self._remember(made, contact, "incoming", None, now)
        return made, contact

    def _offer(self, place: int, step: Step, asked: Asked, contact: str | None) -> dict[str, Any]:
        query, now = asked.query, asked.query.now
        config = self._accounts[query.account]
        cursor = asked.router.cursor(query, asked.facts)
        attempt, reason = 0, None
        while True:
            attempt += 1
            lease = f"{place}.{attempt}"
            found = cursor.next(self._capacity, lease, lease, str(place), now)
            if isinstance(found, Auction):
                cursor.settle({})  # nobody is asked
                continue
            if isinstance(found, Exhausted):
                reason = found.reason
                break
            self._offered |= {found.candidate.target}
            self._capacity.settle(lease, "attempt", now)
            if found.candidate.target in step.accepts:
                self._taken(found, step, query, contact, now)
                break
            self._capacity.release(lease, now)
            now = _instant(now.utc_ms + 1_000 * step.rings)
        self._now_ms = now.utc_ms
        decision = cursor.decision()
        return {
            "offers": [{"route": route} for route in decision.offered],
            "rejected": [rejection_json(each, config.account.currency) for each in decision.rejected],
            "attributes": {name: attribute_json(fact) for name, fact in query.attributes.items()},
            "unsold_reason": reason,
            "duplicate": cursor.duplicate,
        }

    def _taken(self, offer: Offer, step: Step, query: Query, contact: str | None, now: Instant) -> None:
        """Somebody has the caller: it is connected, stays, and may convert."""
        lease, candidate = offer.lease.id, offer.candidate
        self._capacity.settle(lease, "connect", now)
        self._remember(query, contact, "connect", candidate.buyer, now)
        if step.converts:
            price = candidate.terms.price.minor
            self._capacity.settle(lease, "convert", now)
            self._capacity.settle(lease, "spend", now, price)
            self._capacity.settle(lease, FUNDS, now, price)
            self._remember(query, contact, "convert", candidate.buyer, now)
        self._staying.append((now.utc_ms + 1_000 * step.seconds, offer, step))

    def _leave(self, utc_ms: int, offer: Offer, step: Step) -> None:
        """The attempt is over; seats of a conversion that may still come are kept for as long as the buyer may take."""
        keep_s = 0 if step.converts else offer.candidate.terms.conversion.decide_within_s
        keep = DECIDED_LATER if keep_s else frozenset()
        self._capacity.release(offer.lease.id, _instant(utc_ms), keep, 1_000 * keep_s)

    def _remember(
        self, query: Query, contact: str | None, event: ContactEvent, buyer: str | None, now: Instant
    ) -> None:
        """Something has happened with a contact; for the rules, with its arrival."""
        if contact is not None and event in events_asked_for(self._accounts[query.account]):
            seen = Seen(event, now.utc_ms, query.campaign, buyer)
            self._seen.setdefault((query.account, contact), []).append(seen)


def _instant(utc_ms: int) -> Instant:
    return Instant(utc_ms * MS, utc_ms)
