"""A lead, or a table of leads, as an e-mail (RFC 5322, MIME).

Everything in it follows from the delivery and is the same at every try; so is its Message-ID, by which a mail server or
a person sees that it came twice.
"""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

import msgspec

from trunkline.config.deliveries import Email
from trunkline.engine.leads.sheets import Consignment, csv_of, file_name, table
from trunkline.engine.payloads.templates import render
from trunkline.kernel.clock import utc_datetime

SUBJECT_MAX: Final = 200
ATTACHED_AS: Final = "leads-[delivery.date]-[delivery.time].csv"


class Mail(msgspec.Struct, frozen=True):
    """What is handed to a mail server: the envelope, the message, and its id with angle brackets."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    message_id: str


def mail_of(email: Email, consignment: Consignment, default_sender: str) -> Mail:
    """The e-mail that takes the consignment to its buyer; `default_sender` is that of the mail server."""
    sender = email.sender or default_sender
    facts = consignment.facts(consignment.leads[0])
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(email.to)
    if email.cc:
        message["Cc"] = ", ".join(email.cc)
    message["Subject"] = _one_line(render(email.subject or _subject(consignment), facts))[:SUBJECT_MAX]
    message["Date"] = format_datetime(utc_datetime(consignment.slot_ms))
    message_id = f"<{consignment.id}@{sender.rpartition('@')[2]}>"
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice is to answer it
    heads, rows = table(consignment, email.columns)
    if email.body is not None:
        text = render(email.body, facts)
    elif email.format == "csv":
        text = f"{_counted(consignment)} attached.\n"
    else:
        text = "".join(f"{head}: {cell}\n" for head, cell in zip(heads, rows[0], strict=True))
    message.set_content(_lines(text), charset="utf-8", cte="quoted-printable")
    if email.format == "csv":
        name = file_name(consignment, ATTACHED_AS)
        message.add_attachment(
            csv_of(heads, rows), maintype="text", subtype="csv", filename=name, params={"charset": "utf-8"}
        )
        message.set_boundary(f"=_{hashlib.sha256(consignment.id.encode()).hexdigest()[:32]}")
    return Mail(sender, (*email.to, *email.cc), message.as_bytes(), message_id)


def _subject(consignment: Consignment) -> str:
    return "New lead [delivery.lead]" if len(consignment.leads) == 1 else "[delivery.count] leads of [delivery.date]"


def _counted(consignment: Consignment) -> str:
    count = len(consignment.leads)
    return "1 lead is" if count == 1 else f"{count} leads are"


def _one_line(text: str) -> str:
    """What may stand in a header: a line end would begin another one."""
    return "".join(each if each.isprintable() else " " for each in text)


def _lines(text: str) -> str:
    """Without what is neither text nor a line end; a lead may say anything."""
    return "".join(each for each in text if each in "\n\t" or each.isprintable())
