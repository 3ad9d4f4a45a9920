"""One load on its way: made by the configuration of the moment, handed over, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from trunkline.config.deliveries import Deliver, Email, Sftp, Sms
from trunkline.config.schema import Target
from trunkline.engine.leads.mail import mail_of
from trunkline.engine.leads.messages import sms_judged, sms_of
from trunkline.engine.leads.queueing import zone_for
from trunkline.engine.leads.retries import DETAIL_MAX, Failed, Sent
from trunkline.engine.leads.sheets import Consignment, QueuedLead, consign, csv_of, file_name, table
from trunkline.outbound.client import HttpClient, NoAnswer, Why
from trunkline.outbound.files import FileDrop
from trunkline.outbound.mailer import Mailer
from trunkline.worker.outbox.settings import Settings

_FOR_GOOD: Final = frozenset({Why.FORBIDDEN, Why.REDIRECTED})
ERASED: Final = Failed(reason="erased", detail="what was known of the lead has been erased", permanent=True)
MASKED_FROM: Final = 4
"""Characters from which on a value of a lead is masked in what others say of it."""


class Carrier:
    """Everything that a load can go by. For one configuration; close it at the end."""

    def __init__(self, settings: Settings, mailer: Mailer | None = None) -> None:
        networks = settings.outbound.allow_networks
        self.settings = settings
        self._http = HttpClient(networks)
        self._mailer = mailer or Mailer(networks)
        self._files = FileDrop(networks)

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    async def carry(self, account: str, target: Target | None, leads: Sequence[QueuedLead]) -> Sent | Failed:
        """Send the leads as one. Raises nothing but cancellation and errors of ours."""
        deliver = None if target is None else target.deliver
        if target is None or deliver is None or not deliver.queued:
            return Failed(reason="target_gone", detail="the target takes no leads by this way any more", permanent=True)
        if not leads:
            return ERASED
        zone = zone_for(self.settings.accounts[account], target)
        found = await self._send(self.settings.secrets.of(deliver), leads, zone)
        if isinstance(found, Failed):
            return msgspec.structs.replace(found, detail=self._harmless(found.detail, leads))
        return Sent(self.settings.secrets.masked(found.name))

    async def _send(self, deliver: Deliver, leads: Sequence[QueuedLead], zone: str) -> Sent | Failed:
        if deliver.email is not None:
            return await self._mail(deliver.email, consign(leads, deliver.email, zone))
        if deliver.sftp is not None:
            return await self._file(deliver.sftp, consign(leads, deliver.sftp, zone))
        assert deliver.sms is not None
        (lead,) = leads
        return await self._message(deliver.sms, lead)

    async def _mail(self, email: Email, consignment: Consignment) -> Sent | Failed:
        smtp = self.settings.outbound.smtp
        if smtp is None:
            return Failed(reason="no_mail_server", detail="outbound.smtp is not configured", permanent=True)
        password = None if smtp.password_env is None else self.settings.secrets.value(smtp.password_env)
        return await self._mailer.send(smtp, password, mail_of(email, consignment, smtp.sender))

    async def _file(self, sftp: Sftp, consignment: Consignment) -> Sent | Failed:
        variable = sftp.key_env or sftp.password_env
        assert variable is not None, "one of the two is checked for"
        content = csv_of(*table(consignment, sftp.columns))
        secret = self.settings.secrets.value(variable)
        return await self._files.put(sftp, secret, file_name(consignment, sftp.file), content)

    async def _message(self, sms: Sms, lead: QueuedLead) -> Sent | Failed:
        deadline_s = asyncio.get_running_loop().time() + sms.deadline_ms / 1000
        answer = await self._http.exchange(sms_of(sms, lead.values, lead.attempt), deadline_s)
        if isinstance(answer, NoAnswer):
            return Failed(reason=answer.why.value, detail=answer.detail, permanent=answer.why in _FOR_GOOD)
        return sms_judged(sms, answer)

    def _harmless(self, detail: str, leads: Sequence[QueuedLead]) -> str:
        """What somebody else has said, without our secrets and without what it repeats of a lead."""
        detail = self.settings.secrets.masked(detail)
        values = {
            (value, name)
            for lead in leads
            for name, value in lead.values.items()
            if len(value) >= MASKED_FROM and value in detail
        }
        for value, name in sorted(values, key=lambda pair: -len(pair[0])):
            detail = detail.replace(value, f"[{name}]")
        return detail[:DETAIL_MAX]
