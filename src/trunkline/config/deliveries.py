"""What a configuration says of handing leads to buyers: a post that is answered at once, or what goes by the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from trunkline.config.struct import Struct

DeliveryKind = Literal["url", "email", "sftp", "sms"]
"""The ways to hand over a lead. All but `url` go by the outbox."""
QUEUED_KINDS: Final[tuple[DeliveryKind, ...]] = ("email", "sftp", "sms")
Every = Literal["hour", "day"]

SHEET_PLACES: Final = frozenset(
    {"delivery.id", "delivery.lead", "delivery.date", "delivery.time", "delivery.count", "delivery.campaign"}
)
"""What may stand in the templates of e-mails and files besides attributes.

The id of the delivery (the same at every try), the lead, date and time of the zone, how many leads are in it.
"""
SMS_PLACES: Final = frozenset({"sms.to", "sms.text"})
"""What may stand in the request of a short message besides attributes."""


class AcceptWhen(Struct, frozen=True, kw_only=True):
    """What an answer to a post must be. All that is said must hold."""

    json: str | None = None
    equals: str | None = None
    status: int | None = None
    text: str | None = None


class BasicAuth(Struct, frozen=True, kw_only=True):
    """User name and password in the header `Authorization` (RFC 7617). The password belongs into a variable."""

    username: str
    password: str


class Hook(Struct, frozen=True, kw_only=True):
    """A request that is made of a lead, and what its answer means."""

    url: str = ""
    method: Literal["POST", "PUT", "GET"] = "POST"
    format: Literal["json", "form", "xml"] = "json"
    fields: Mapping[str, str] = msgspec.field(default_factory=dict)
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    auth: BasicAuth | None = None
    accept_when: AcceptWhen | None = None
    duplicate_when: AcceptWhen | None = None
    reject_reason: str | None = None
    buyers_id: str | None = None
    deadline_ms: int = 5000


class Sms(Hook, frozen=True, kw_only=True):
    """A short message to the buyer, sent by a provider that is asked over HTTP.

    The request has `[sms.to]` and `[sms.text]` besides the attributes of the lead.
    """

    to: str
    text: str


class Sheet(Struct, frozen=True, kw_only=True):
    """How leads are written into a table, and when it goes out: at once with one lead, or every day or hour with all.

    `at` is a time of day (`06:00`), or with `every: hour` a minute (`:15`), in the zone of target, buyer or account.
    """

    columns: Mapping[str, str] = msgspec.field(default_factory=dict)
    every: Every | None = None
    at: str | None = None


class Email(Sheet, frozen=True, kw_only=True):
    """Leads by e-mail, in the text or as an attached CSV file, through the mail server of `outbound.smtp`."""

    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    sender: str | None = msgspec.field(name="from", default=None)
    subject: str | None = None
    body: str | None = None
    format: Literal["text", "csv"] = "text"


class Sftp(Sheet, frozen=True, kw_only=True):
    """Leads as CSV files in a folder of an SFTP server that proves itself by `host_key`."""

    host: str
    port: int = 22
    user: str
    password_env: str | None = None
    key_env: str | None = None
    host_key: str
    path: str = "."
    file: str = "leads-[delivery.date]-[delivery.time]-[delivery.id].csv"


class Deliver(Hook, frozen=True, kw_only=True):
    """How leads are handed to the target: exactly one of `url`, `email`, `sftp` and `sms`.

    A post to a `url` is answered while the lead waits, and the answer decides. What goes by e-mail, SFTP or SMS counts
    as accepted when it is durably queued. Everything that tells of requests and answers belongs to `url`.
    """

    email: Email | None = None
    sftp: Sftp | None = None
    sms: Sms | None = None
    concurrency: int | None = None
    per_minute: int | None = None
    tries: int = 16
    idempotent: bool = False

    @property
    def kind(self) -> DeliveryKind:
        """Which of the four it is, the first that is said."""
        return next((kind for kind in QUEUED_KINDS if getattr(self, kind) is not None), "url")

    @property
    def queued(self) -> bool:
        """Whether it goes by the outbox."""
        return self.kind != "url"

    @property
    def sheet(self) -> Sheet | None:
        """The table that it makes of leads, None for requests."""
        return self.email or self.sftp
