"""Claims the TrustedForm certificates of leads: before they are offered, or when a buyer has them, as configured.

A claim after the sale belongs to nobody who waits, so it is a task of its own; a stop of the switch waits for those
that are under way. One that a crash cuts off is not made again: its certificate can be claimed by hand for as long as
TrustedForm keeps it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from trunkline.config.lead_rules import TrustedForm
from trunkline.engine.leads.context import LeadContext
from trunkline.engine.leads.trustedform import Claim, claim_of, claim_read
from trunkline.events.entry import Entry
from trunkline.events.leads import LeadClaimed
from trunkline.outbound.client import NoAnswer

if TYPE_CHECKING:
    from trunkline.switch.leads.orders import LeadOrder
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

log = logging.getLogger("trunkline.leads")

WAITING_MAX: Final = 500
"""Claims after sales at once; what comes on top is told as an error, and is to be claimed by hand."""
TRIES: Final = 3
PAUSE_S: Final = 2.0
"""Between two tries of a claim after the sale, where TrustedForm may answer another time."""


class Claims:
    """All claims of one switch."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._tasks: set[asyncio.Task[None]] = set()

    async def before_sale(self, world: World, order: LeadOrder, lead: str) -> LeadClaimed | None:
        """Claim the certificate of a lead that is not offered without; None where nothing is claimed now."""
        setting = _setting(world, order.account, order.campaign)
        certificate = order.consent.get("certificate")
        if setting is None or not setting.before_sale or certificate is None or order.test or order.block:
            return None
        began_ms = self._plant.clock()
        names = (order.account, order.campaign, order.publisher)
        claim = await self._ask(world, setting, certificate, lead, names, order.values)
        return self._told(claim, order.account, lead, self._plant.clock().ms_since(began_ms))

    def after_sale(self, world: World, context: LeadContext) -> None:
        """A buyer has the lead: see to its certificate. Nobody waits for it."""
        setting = _setting(world, context.account, context.campaign)
        if setting is None or setting.before_sale or context.test or "certificate" not in context.consent:
            return
        if len(self._tasks) >= WAITING_MAX:
            claim = Claim(outcome="error", reason="too many certificates were being claimed")
            self._write(self._told(claim, context.account, context.lead, 0), context)
            return
        task = self._plant.loop.create_task(self._after_sale(world, setting, context))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, timeout_s: float) -> None:
        """Wait for the claims that are under way; those that take longer are given up, and told so."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in late:
                task.cancel()
            if late:
                log.warning("%d TrustedForm certificates were not claimed when the switch stopped", len(late))
                await asyncio.wait(late)

    async def _after_sale(self, world: World, setting: TrustedForm, context: LeadContext) -> None:
        began = self._plant.clock()
        names = (context.account, context.campaign, context.publisher)
        certificate = context.consent["certificate"]
        values = {
            name.removeprefix("lead."): value for name, value in context.attributes.items() if name.startswith("lead.")
        }
        claim = await self._ask(world, setting, certificate, context.lead, names, values)
        for _ in range(TRIES - 1):
            if not claim.again:
                break
            await asyncio.sleep(PAUSE_S)
            claim = await self._ask(world, setting, certificate, context.lead, names, values)
        self._write(self._told(claim, context.account, context.lead, self._plant.clock().ms_since(began)), context)

    async def _ask(
        self,
        world: World,
        setting: TrustedForm,
        certificate: str,
        lead: str,
        names: tuple[str, str, str],
        values: Mapping[str, str],
    ) -> Claim:
        account, campaign, publisher = names
        form = world.form(account, campaign)
        email, phone = form.email(values), form.phone(values)
        if not certificate.startswith(f"{setting.certificates.rstrip('/')}/"):
            return Claim(outcome="error", reason="the certificate is not where certificates are, by the configuration")
        if email is None and phone is None:
            return Claim(outcome="error", reason="the lead has neither e-mail nor phone to be compared with")
        key = world.secrets.value(setting.key_env)
        request = claim_of(certificate, key, email=email, phone=phone, reference=lead, vendor=publisher)
        deadline_s = self._plant.loop.time() + setting.deadline_ms / 1000
        answer = await self._plant.http.exchange(request, deadline_s)
        if isinstance(answer, NoAnswer):
            return Claim(outcome="error", reason=f"{answer.why.value}: {answer.detail}"[:200], again=True)
        return claim_read(answer)

    def _told(self, claim: Claim, account: str, lead: str, took_ms: int) -> LeadClaimed:
        self._plant.metrics.claims.labels(claim.outcome).inc()
        return LeadClaimed(
            account=account,
            call=lead,
            at_ms=self._plant.clock().utc_ms,
            outcome=claim.outcome,
            reason=claim.reason,
            status=claim.status,
            took_ms=took_ms,
            expires_at=claim.expires_at,
            share_url=claim.share_url,
            email_match=claim.email_match,
            phone_match=claim.phone_match,
        )

    def _write(self, event: LeadClaimed, context: LeadContext) -> None:
        self._plant.write([Entry(event, context.contact)], patient=True)


def _setting(world: World, account: str, campaign: str) -> TrustedForm | None:
    """How certificates of the campaign are claimed, None when they are not."""
    index = world.accounts.get(account)
    found = None if index is None else index.campaigns.get(campaign)
    setting = None if found is None else found.leads.trustedform
    return setting if setting is not None and setting.claim else None
