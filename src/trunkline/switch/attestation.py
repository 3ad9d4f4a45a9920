"""Checks the signatures of callers' numbers beside the calls: what comes of it is written, and changes no call.

A call is routed by the level that its carrier or its PASSporT claims. Whether the claim was signed by whom it says is
found out afterwards, because certificates come over the network and no caller waits for that.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from trunkline.config.trunks import Trunk
from trunkline.events.calls import CallAttested
from trunkline.events.entry import Entry
from trunkline.outbound.certificates import Certificates, CertificateUnavailable
from trunkline.sip.identity import Passport
from trunkline.switch.plant import Plant
from trunkline.telephony.sip.stir import UnreadableCertificates, Verdict, judge, read_certificates

log = logging.getLogger("trunkline.attestation")

WAITING_MAX = 1_000
"""Claims that wait to be checked; with more, new ones are left unchecked and counted."""


class Claim(msgspec.Struct, frozen=True):
    """One call's claim; numbers in E.164, arrival in milliseconds of UTC."""

    account: str
    call: str
    trunk: Trunk
    passport: Passport
    caller: str
    called: str
    arrived_ms: int


class Attestations:
    """One queue, one worker."""

    def __init__(self, plant: Plant, certificates: Certificates | None = None) -> None:
        """`certificates` is where signers' certificates come from; None: over HTTPS."""
        self._plant = plant
        self._certificates = certificates or Certificates(plant.world.snapshot.platform.outbound.allow_networks)
        self._waiting: asyncio.Queue[Claim] = asyncio.Queue(WAITING_MAX)

    def submit(self, claim: Claim) -> None:
        """Have a claim checked some time."""
        try:
            self._waiting.put_nowait(claim)
        except asyncio.QueueFull:
            self._plant.metrics.attestations.labels("unchecked").inc()

    async def run(self) -> None:
        """Check what is waiting, until cancelled."""
        try:
            while True:
                claim = await self._waiting.get()
                try:
                    self._write(claim, await self._judge(claim))
                except Exception:
                    log.exception("the claim of call %s could not be checked", claim.call)
        finally:
            await self._certificates.close()

    async def _judge(self, claim: Claim) -> Verdict:
        rule = claim.trunk.identity
        assert rule is not None
        authorities = self._plant.world.authorities.get(claim.trunk.key, ())
        try:
            chain = read_certificates(
                await self._certificates.fetch(claim.passport.certificate, rule.certificate_hosts)
            )
        except CertificateUnavailable as error:
            log.warning("call %s: %s", claim.call, error)
            return Verdict("unknown", error.reason)
        except UnreadableCertificates:
            return Verdict("unknown", "unreadable_certificate")
        arrived_s = claim.arrived_ms // 1000
        return await asyncio.to_thread(judge, claim.passport, chain, authorities, claim.caller, claim.called, arrived_s)

    def _write(self, claim: Claim, verdict: Verdict) -> None:
        self._plant.metrics.attestations.labels(verdict.result).inc()
        event = CallAttested(
            account=claim.account,
            call=claim.call,
            at_ms=self._plant.clock().utc_ms,
            attestation=claim.passport.attestation,
            result=verdict.result,
            reason=verdict.reason,
            origin_id=claim.passport.origin_id,
            certificate=claim.passport.certificate[:500],
        )
        self._plant.write([Entry(event)])
