"""Leads that a person looks at before they are sold: what waits, letting it through or not, and the end of waiting.

A held lead lies in the table of leads that a restart goes on with; memory is its cache. What it says is read from its
`lead.received` when somebody asks. Letting it through sells it as it would be sold that moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from trunkline.config.review_rules import Review
from trunkline.engine.leads import inputs as i
from trunkline.events.changes import StoredLead
from trunkline.kernel.errors import Fault, TrunklineError
from trunkline.kernel.windows import HOUR_MS
from trunkline.switch.leads.orders import LeadAnswer
from trunkline.switch.leads.preparing import names_of, prepared
from trunkline.switch.leads.recovery import LeftLead, give_up, order_of, read_left

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.leads")

HELD_MAX: Final = 100_000
"""Leads that may wait at once; more are not taken in."""
LOOK_S: Final = 30.0
"""How often it is looked for leads that have waited too long."""
EXPIRY: Final = "policy"
"""Who has looked at a lead that nobody looked at."""


class HeldGone(TrunklineError):
    """The lead does not wait, or cannot be sold any more: its person is erased, or its campaign is gone."""

    fault = Fault.OPERATOR


class HeldLeads:
    """The leads that wait, by id."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._waiting: dict[str, StoredLead] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether no more may wait."""
        return len(self._waiting) >= HELD_MAX

    def restore(self, stored: Iterable[StoredLead]) -> None:
        """Take over what waited when the process before this one ended."""
        self._waiting = {each.lead: each for each in stored if each.held is not None}

    def add(self, stored: StoredLead) -> None:
        """A lead waits from now on, durably."""
        self._waiting[stored.lead] = stored

    def of(self, account: str) -> list[StoredLead]:
        """What waits of an account, the longest waiting first."""
        return sorted((each for each in self._waiting.values() if each.account == account), key=lambda each: each.lead)

    def find(self, account: str, lead: str) -> StoredLead:
        """A lead that waits. Raises HeldGone."""
        found = self._waiting.get(lead)
        if found is None or found.account != account:
            raise HeldGone(f"no lead {lead!r} waits to be looked at", hint="`held list` shows those that do")
        return found

    def expires_ms(self, stored: StoredLead) -> int:
        """When its waiting ends (UTC milliseconds), by the configuration in force."""
        index = self._plant.world.accounts.get(stored.account)
        campaign = None if index is None else index.campaigns.get(stored.campaign)
        rules = Review() if campaign is None or campaign.leads.review is None else campaign.leads.review
        return stored.received_ms + rules.expire_hours * HOUR_MS

    async def read(self, stored: StoredLead) -> LeftLead:
        """What the lead says, from the journal."""
        (left,) = await asyncio.to_thread(read_left, self._plant.data, (stored,))
        return left

    async def review(self, stored: StoredLead, reviewed: i.Reviewed) -> LeadAnswer:
        """Let a lead through, or not; what came of it, durably. Raises HeldGone."""
        plant = self._plant
        del self._waiting[stored.lead]
        try:
            left = await self.read(stored)
            index = plant.world.accounts.get(stored.account)
            campaign = None if index is None else index.campaigns.get(stored.campaign)
            if left.received is None or left.erased or index is None or campaign is None:
                reason = "erased" if left.erased else "campaign_gone"
                give_up(plant, left, reason, plant.clock())
                raise HeldGone(f"{stored.lead} cannot be sold any more: {reason}", hint="it has ended")
            order = order_of(left, left.received, index.config.account.currency, answer=False)
            names = names_of(plant, plant.world, order, stored.lead)
            async with plant.leads.alone(names.same):
                before = left.before(index)
                live = prepared(plant, plant.world, order, stored.lead, names, plant.clock(), left.looked_up(), before)
                live.first_ms = stored.received_ms
                return await plant.leads.run(live, reviewed)
        except HeldGone:
            raise
        except BaseException:
            self._waiting[stored.lead] = stored  # unless it was let through on disk, it waits on there too
            raise

    async def run(self) -> None:
        """End the waiting of what nobody looks at, for ever."""
        while True:
            await self.expire()
            await asyncio.sleep(LOOK_S)

    async def expire(self) -> None:
        """End the leads that have waited too long."""
        now_ms = self._plant.clock().utc_ms
        if not self._plant.journal.healthy:
            return
        for stored in [each for each in self._waiting.values() if self.expires_ms(each) <= now_ms]:
            if stored.lead not in self._waiting:
                continue
            log.info("lead %s has waited too long to be looked at", stored.lead)
            try:
                await self.review(stored, i.Reviewed(EXPIRY, False, i.EXPIRED, stored.paid))
            except HeldGone as error:
                log.info("%s", error.message)
            except Exception:  # one lead must not end the switch, nor keep the others waiting
                self._plant.metrics.lead_errors.inc()
                log.exception("held lead %s cannot be ended: an error of ours; it is tried again", stored.lead)
