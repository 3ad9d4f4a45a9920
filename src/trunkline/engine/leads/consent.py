"""What a publisher states of a person's consent to be contacted, checked and in one form.

It comes as `consent` in the body, or under the names that the scripts of TrustedForm and Jornaya give to the hidden
fields of a form. Nothing of it is believed because it is well formed: it is kept as what was stated, and a TrustedForm
certificate can be claimed (`trustedform.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from trunkline.config.folds import fold_number, fold_text, trimmed
from trunkline.config.lead_rules import CERTIFICATES
from trunkline.engine.leads.field_codes import FIELD_CODES, FieldCode
from trunkline.engine.leads.form import STATED, FieldError, unclean
from trunkline.engine.routing.named_sellers import BAR, SELLERS
from trunkline.engine.routing.offer import Attribute
from trunkline.kernel.clock import utc_datetime

Needed = Literal["none", "required", "named"]

SELLERS_MAX: Final = 200
SELLER_LENGTH_MAX: Final = 200
SKEW_MAX: Final = timedelta(minutes=5)
"""How far a publisher's clock may be ahead of ours."""
FORM_SECONDS_MAX: Final = 30 * 86_400
NAMES: Final = (
    "certificate",
    "leadid",
    "page_url",
    "ip",
    "user_agent",
    "at",
    "text",
    "sellers",
    "form_seconds",
    "started_at",
)
"""What a consent can hold."""
LENGTHS: Final = {
    "certificate": 512,
    "leadid": 36,
    "page_url": 2_000,
    "ip": 45,
    "user_agent": 1_000,
    "at": 40,
    "text": 10_000,
    "form_seconds": 40,
    "started_at": 40,
}
"""The most characters of each text."""
HIDDEN_FIELDS: Final = {
    "xxtrustedformcerturl": "certificate",
    "leadid_token": "leadid",
    "universal_leadid": "leadid",
}
"""Folded names of the fields that the scripts of TrustedForm and Jornaya add to a form."""
_LEADID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_CERTIFICATE_ID: Final = re.compile(r"/[A-Za-z0-9._~-]{1,255}")


class Consent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A checked consent: times in UTC as ISO 8601 with milliseconds, the LeadiD in upper case, sellers as written.

    `form_seconds` is how long the form was before the person, stated, or from `started_at` to `at` (else to now).
    """

    certificate: str | None = None
    leadid: str | None = None
    page_url: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    at: str | None = None
    text: str | None = None
    sellers: tuple[str, ...] = ()
    form_seconds: Decimal | None = None

    def stated(self) -> dict[str, str]:
        """All of it as texts, for the journal."""
        found = {name: value for name in NAMES[:7] if (value := getattr(self, name)) is not None}
        if self.sellers:
            found["sellers"] = BAR.join(self.sellers)
        if self.form_seconds is not None:
            found["form_seconds"] = f"{self.form_seconds:f}"
        return found


_ATTRIBUTES: Final = {
    "certificate": "caller.certificate",
    "leadid": "caller.leadid",
    "page_url": "caller.page_url",
    "ip": "caller.ip",
    "user_agent": "caller.user_agent",
    "at": "caller.consent_at",
    "text": "caller.consent_text",
    "sellers": SELLERS,
}


def consent_attributes(stated: Mapping[str, str]) -> dict[str, Attribute]:
    """What routing and the posts to buyers know by a consent, given its texts."""
    return {_ATTRIBUTES[name]: Attribute(text, STATED) for name, text in stated.items() if name in _ATTRIBUTES}


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """A consent that was read. The lead is only taken when there are no `errors`; `ignored` are names of nothing."""

    consent: Consent
    errors: tuple[FieldError, ...] = ()
    ignored: tuple[str, ...] = ()


_NOTHING: Final = Stated(consent=Consent())


NOTHING_STATED: Final = Stated(consent=Consent())


def gathered(consent: Any, fields: Mapping[str, Any]) -> tuple[Any, frozenset[str]]:
    """The consent of a body, with what stands among its fields: `consent.NAME`, and the hidden fields of scripts.

    Also gives the names of those fields, folded: they are no strangers to the form. What `consent` says wins.
    """
    if consent is not None and not isinstance(consent, Mapping):
        return consent, frozenset()
    found: dict[str, Any] = {}
    taken: set[str] = set()
    for name, folded, meant in _hidden(tuple(fields)):
        taken.add(folded)
        value = fields[name]
        if value not in (None, ""):
            found.setdefault(meant, value)
    said: dict[str, Any] = {}
    for name, value in (consent or {}).items():
        if value not in (None, ""):
            said.setdefault(fold_text(name), value)
    return found | said, frozenset(taken)


@lru_cache(maxsize=1_024)
def _hidden(names: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """Of the names of fields, those of a consent: each with its folded form and what it means. Publishers send the same
    names each time.
    """
    found = []
    for name in names:
        folded = fold_text(name)
        meant = HIDDEN_FIELDS.get(folded) or folded.removeprefix("consent.")
        if folded in HIDDEN_FIELDS or (folded.startswith("consent.") and meant in NAMES):
            found.append((name, folded, meant))
    return tuple(found)


def read_consent(sent: Any, needed: Needed, now_ms: int, certificates: str = CERTIFICATES) -> Stated:
    """Read what `gathered` gave. Never raises: what is wrong is in `errors`, by `consent.NAME`.

    `now_ms` is UTC; certificates are URLs that begin with `certificates`.
    """
    if not sent and needed == "none" and (sent is None or isinstance(sent, Mapping)):
        return _NOTHING
    if not sent and needed == "none" and isinstance(sent, Mapping | None):
        return NOTHING_STATED
    if sent is None:
        sent = {}
    if not isinstance(sent, Mapping):
        return Stated(consent=Consent(), errors=(_error(None, FieldCode.NOT_A_VALUE),))
    reader = _Reader(sent, now_ms, certificates)
    consent = reader.read()
    errors = list(reader.errors)
    if needed != "none" and not errors and not _is_proof(consent):
        errors.append(_error(None, FieldCode.CONSENT_MISSING))
    if needed == "named" and not consent.sellers and not any(error.field == "consent.sellers" for error in errors):
        errors.append(_error("sellers", FieldCode.SELLERS_MISSING))
    ignored = tuple(f"consent.{name}"[:100] for name in list(sent)[:SELLERS_MAX] if name not in NAMES)
    return Stated(consent=consent, errors=tuple(errors), ignored=ignored)


def _is_proof(consent: Consent) -> bool:
    """Whether something is stated by which the consent could be shown later."""
    shown = consent.text is not None and consent.page_url is not None and consent.at is not None
    return consent.certificate is not None or consent.leadid is not None or shown


class _Reader:
    """Reads one consent, collecting what is wrong."""

    def __init__(self, sent: Mapping[str, Any], now_ms: int, certificates: str) -> None:
        self._sent = sent
        self._now = utc_datetime(now_ms)
        self._certificates = certificates.rstrip("/")
        self.errors: list[FieldError] = []

    def read(self) -> Consent:
        at, started_at = self._time("at"), self._time("started_at")
        return Consent(
            certificate=self._checked("certificate", self._certificate, FieldCode.CERTIFICATE_INVALID),
            leadid=self._checked("leadid", _leadid, FieldCode.LEADID_INVALID),
            page_url=self._checked("page_url", _url, FieldCode.URL_INVALID),
            ip=self._checked("ip", _ip, FieldCode.IP_INVALID),
            user_agent=self._text("user_agent"),
            at=None if at is None else _written(at),
            text=self._text("text"),
            sellers=self._sellers(),
            form_seconds=self._form_seconds(started_at, at),
        )

    def _text(self, name: str) -> str | None:
        value = self._sent.get(name)
        if value is None:
            return None
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and name == "form_seconds":
            return f"{value}"[: LENGTHS[name]]
        if not isinstance(value, str):
            self._wrong(name, FieldCode.NOT_A_VALUE)
            return None
        text = trimmed(value)
        if len(text) > LENGTHS[name]:
            self._wrong(name, FieldCode.TOO_LONG)
            return None
        if unclean(text):
            self._wrong(name, FieldCode.CONTROL_CHARACTERS)
            return None
        return text or None

    def _checked(self, name: str, read: Any, code: FieldCode) -> str | None:
        text = self._text(name)
        if text is None:
            return None
        value: str | None = read(text)
        if value is None:
            self._wrong(name, code)
        return value

    def _certificate(self, text: str) -> str | None:
        url = _url(text)
        if url is None or not text.startswith(f"{self._certificates}/"):
            return None
        path = text[len(self._certificates) :].partition("?")[0].partition("#")[0]
        return self._certificates + path if _CERTIFICATE_ID.fullmatch(path) else None

    def _time(self, name: str) -> datetime | None:
        text = self._text(name)
        if text is None:
            return None
        time = _instant(text)
        if time is None:
            self._wrong(name, FieldCode.TIME_INVALID)
            return None
        if time > self._now + SKEW_MAX:
            self._wrong(name, FieldCode.TIME_IN_FUTURE)
            return None
        return min(time, self._now)

    def _sellers(self) -> tuple[str, ...]:
        value = self._sent.get("sellers")
        if value is None:
            return ()
        names = value.split(BAR) if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            self._wrong("sellers", FieldCode.NOT_A_VALUE)
            return ()
        found = dict.fromkeys(_sellers_of(names))
        if len(names) > SELLERS_MAX or any(len(name) > SELLER_LENGTH_MAX for name in found):
            self._wrong("sellers", FieldCode.TOO_LONG)
            return ()
        if any(map(unclean, found)):
            self._wrong("sellers", FieldCode.CONTROL_CHARACTERS)
            return ()
        return tuple(found)

    def _form_seconds(self, started_at: datetime | None, at: datetime | None) -> Decimal | None:
        text = self._text("form_seconds")
        if text is not None:
            number = fold_number(text)
            seconds = None if number is None else Decimal(number)
            if seconds is None or not 0 <= seconds <= FORM_SECONDS_MAX:
                self._wrong("form_seconds", FieldCode.SECONDS_INVALID)
                return None
            return seconds
        if started_at is None:
            return None
        passed_ms = ((at or self._now) - started_at) // timedelta(milliseconds=1)
        return Decimal(max(0, passed_ms)).scaleb(-3)

    def _wrong(self, name: str, code: FieldCode) -> None:
        self.errors.append(_error(name, code))


def _sellers_of(names: list[str] | tuple[str, ...]) -> Iterator[str]:
    """Names without what is around them; a bar in one parts it, here as in the attribute."""
    for name in names:
        for part in name.split(BAR):
            if text := trimmed(part):
                yield text


def _instant(text: str) -> datetime | None:
    """A time that says its offset."""
    try:
        time = datetime.fromisoformat(text)
        return None if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _leadid(text: str) -> str | None:
    return text.upper() if _LEADID.fullmatch(text) else None


def _url(text: str) -> str | None:
    if not text.isascii() or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return text if fine and parts.username is None else None


def _ip(text: str) -> str | None:
    try:
        return str(ip_address(text)) if "%" not in text else None  # a zone means something on one machine only
    except ValueError:
        return None


def _written(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(name: str | None, code: FieldCode) -> FieldError:
    return FieldError("consent" if name is None else f"consent.{name}", code.value, FIELD_CODES[code])
