"""Claims the TrustedForm certificates of leads: before they are offered, or when a buyer has them, as configured.

A claim after the sale belongs to nobody who waits. That it is to be made is written with the sale, and that it was made
with what came of it: what a stop or a crash cuts off goes on with the next start. A certificate that was claimed before
that could be written is claimed twice, which TrustedForm takes for once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.config.lead_rules import TrustedForm
from trunkline.engine.leads.context import LeadContext
from trunkline.engine.leads.trustedform import Claim, claim_of, claim_read
from trunkline.events.changes import ClaimDrop, ClaimPut
from trunkline.events.entry import Entry
from trunkline.events.leads import LeadClaimed, LeadReceived
from trunkline.journal.reader import JournalReader
from trunkline.outbound.client import NoAnswer

if TYPE_CHECKING:
    from trunkline.switch.leads.orders import LeadOrder
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

log = logging.getLogger("trunkline.leads")

AT_ONCE_MAX: Final = 50
"""Claims after sales that are being asked for; the others wait their turn."""
TRIES: Final = 3
PAUSE_S: Final = 2.0
"""Between two tries of a claim after the sale, where TrustedForm may answer another time."""
GONE: Final = "nothing is known of the lead any more, or its campaign claims no certificates"
_FIELD: Final = "lead."


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """A lead that was sold, as far as its claim needs it. `values` are those of its form."""

    account: str
    campaign: str
    publisher: str
    lead: str
    contact: str
    certificate: str
    values: Mapping[str, str]


def read_unclaimed(folder: Path, claims: Sequence[ClaimPut]) -> list[Sold | ClaimPut]:
    """The leads whose claims a process before did not make, or what is left of them when they were erased."""
    if not claims:
        return []
    with JournalReader(folder) as reader:
        return [_read(reader, claim) for claim in claims]


def _read(reader: JournalReader, claim: ClaimPut) -> Sold | ClaimPut:
    for record in reader.records_of(claim.lead):
        event, contact = record.event, record.contact
        if isinstance(event, LeadReceived) and not record.erased and contact is not None:
            return Sold(
                account=event.account,
                campaign=event.campaign,
                publisher=event.publisher,
                lead=event.call,
                contact=contact,
                certificate=event.consent.get("certificate", ""),
                values=_values(event.attributes),
            )
    return claim


def _values(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(_FIELD): value for name, value in attributes.items() if name.startswith(_FIELD)}


class Claims:
    """All claims of one switch."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

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

    def noted(self, world: World, context: LeadContext) -> tuple[ClaimPut, ...]:
        """What is to be written with the sale of a lead, so that its claim is not forgotten."""
        setting = _setting(world, context.account, context.campaign)
        if setting is None or setting.before_sale or context.test or "certificate" not in context.consent:
            return ()
        return (ClaimPut(context.lead, context.account),)

    def after_sale(self, world: World, context: LeadContext) -> None:
        """A buyer has the lead: see to its certificate. Nobody waits for it."""
        if not self.noted(world, context):
            return
        sold = Sold(
            account=context.account,
            campaign=context.campaign,
            publisher=context.publisher,
            lead=context.lead,
            contact=context.contact,
            certificate=context.consent["certificate"],
            values=_values(context.attributes),
        )
        self._begin(world, sold)

    def go_on(self, unclaimed: Iterable[Sold | ClaimPut]) -> None:
        """Make the claims that a process before did not make."""
        for each in unclaimed:
            if isinstance(each, ClaimPut):
                claim = Claim(outcome="error", reason=GONE)
                told = self._told(claim, each.account, each.lead, 0)
                self._plant.write([Entry(told)], [ClaimDrop(each.lead)], patient=True)
            else:
                self._begin(self._plant.world, each)

    def _begin(self, world: World, sold: Sold) -> None:
        task = self._plant.loop.create_task(self._after_sale(world, sold))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, timeout_s: float) -> None:
        """Wait for the claims that are under way; those that take longer go on with the next start."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in late:
                task.cancel()
            if late:
                log.info("%d TrustedForm certificates are claimed when the switch is back", len(late))
                await asyncio.wait(late)

    async def _after_sale(self, world: World, sold: Sold) -> None:
        names = (sold.account, sold.campaign, sold.publisher)
        async with self._turns:
            began = self._plant.clock()
            claim = Claim(outcome="error", reason=GONE)
            setting = _setting(world, sold.account, sold.campaign)
            for place in range(TRIES if setting is not None else 0):
                if place:
                    await asyncio.sleep(PAUSE_S)
                assert setting is not None, "nothing is asked without it"
                claim = await self._ask(world, setting, sold.certificate, sold.lead, names, sold.values)
                if not claim.again:
                    break
        told = self._told(claim, sold.account, sold.lead, self._plant.clock().ms_since(began))
        self._plant.write([Entry(told, sold.contact)], [ClaimDrop(sold.lead)], patient=True)

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


def _setting(world: World, account: str, campaign: str) -> TrustedForm | None:
    """How certificates of the campaign are claimed, None when they are not."""
    index = world.accounts.get(account)
    found = None if index is None else index.campaigns.get(campaign)
    setting = None if found is None else found.leads.trustedform
    return setting if setting is not None and setting.claim else None
