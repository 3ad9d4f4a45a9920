"""Hands e-mails to the mail server of the configuration (SMTP submission, RFC 6409).

A server's answer says whether it has the message. Only where the connection breaks after the last line of it was sent
can nobody know: then it is handed over again, under the same Message-ID.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import Final

import aiosmtplib

from trunkline.config.outbound import Smtp
from trunkline.engine.leads.mail import Mail
from trunkline.engine.leads.retries import DETAIL_MAX, Failed, Sent
from trunkline.outbound.addresses import AllowedAddresses, ForbiddenAddress
from trunkline.outbound.reaching import reach
from trunkline.outbound.words import written

SEND_S: Final = 60.0
"""How long the whole of one message may take."""
_FOR_GOOD: Final = range(500, 600)
"""Replies that say that the same will not do another time (RFC 5321, section 4.2.1)."""


class Mailer:
    """Sends each message over a connection of its own."""

    def __init__(self, networks: Sequence[str] = (), tls: ssl.SSLContext | None = None) -> None:
        """`networks` (CIDR) may be reached besides the public internet; `tls` verifies (None: as the system does)."""
        self._allowed = AllowedAddresses(networks)
        self._tls = tls

    async def send(self, smtp: Smtp, password: str | None, mail: Mail, *, timeout_s: float = SEND_S) -> Sent | Failed:
        """Hand over one message. Raises nothing but cancellation."""
        try:
            async with asyncio.timeout(timeout_s):
                refused = await self._hand_over(smtp, password, mail)
        except TimeoutError:
            return Failed(reason="timeout", detail=f"{smtp.host} has not taken it within {timeout_s:g} s")
        except aiosmtplib.SMTPAuthenticationError as error:
            return _refusal("auth", error.code, error.message)
        except aiosmtplib.SMTPConnectResponseError as error:
            return Failed(reason="refused", detail=_words(error.code, error.message))  # of us now, not of the message
        except aiosmtplib.SMTPRecipientsRefused as error:
            passing = [each for each in error.recipients if each.code not in _FOR_GOOD]
            first = (passing or error.recipients)[0]
            return _refusal("recipient", first.code, f"{first.recipient}: {first.message}")
        except aiosmtplib.SMTPResponseException as error:
            return _refusal("rejected", error.code, error.message)
        except aiosmtplib.SMTPNotSupported as error:
            return Failed(reason="not_supported", detail=written(str(error))[:DETAIL_MAX], permanent=True)
        except ForbiddenAddress as error:
            return Failed(reason="forbidden_address", detail=str(error.strerror), permanent=True)
        except ssl.SSLError as error:
            return Failed(reason="tls", detail=str(error)[:DETAIL_MAX])
        except (aiosmtplib.SMTPException, OSError) as error:
            return _unreachable(error)
        if refused:
            missed = ", ".join(f"{address} ({code})" for address, (code, _) in refused.items())
            return Sent(f"{mail.message_id}, but not for {missed}")
        return Sent(mail.message_id)

    async def _hand_over(self, smtp: Smtp, password: str | None, mail: Mail) -> dict[str, tuple[int, str]]:
        if self._tls is None and smtp.tls != "off":
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        connection = await reach(smtp.host, smtp.port, self._allowed)  # from here on the client closes it
        client = aiosmtplib.SMTP(
            hostname=smtp.host,
            sock=connection,
            username=smtp.username,
            password=password,
            local_hostname=smtp.sender.rpartition("@")[2],
            use_tls=smtp.tls == "implicit",
            start_tls=smtp.tls == "starttls",
            tls_context=self._tls,
            timeout=None,  # the deadline is ours
        )
        try:
            await client.connect()
            refused, _ = await client.sendmail(mail.sender, mail.recipients, mail.content)
            return {address: (answer.code, answer.message) for address, answer in refused.items()}
        finally:
            client.close()


def _refusal(reason: str, code: int, message: str) -> Failed:
    return Failed(reason=reason, detail=_words(code, message), permanent=code in _FOR_GOOD)


def _words(code: int, message: str) -> str:
    return written(f"{code} {' '.join(message.split())}")[:DETAIL_MAX]


def _unreachable(error: Exception) -> Failed:
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):
        return Failed(reason="tls", detail=str(cause)[:DETAIL_MAX])
    return Failed(reason="unreachable", detail=written(f"{type(error).__name__} {error}")[:DETAIL_MAX])
