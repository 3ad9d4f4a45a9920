"""Checks of leads that go as e-mails and files: addresses, hosts, keys of hosts, names of files, times of day."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from email_validator import EmailNotValidError, validate_email

from trunkline.config.deliveries import SHEET_PLACES, Email, Sftp, Sheet
from trunkline.config.limit_checks import check_ranges
from trunkline.config.login_checks import check_login
from trunkline.config.outbound import Smtp
from trunkline.config.problems import Findings
from trunkline.config.template_checks import check_template
from trunkline.config.times import minutes_of
from trunkline.config.tree import Path

RECIPIENTS_MAX: Final = 20
_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}|[0-9A-Fa-f:.]{{2,45}}")
_ENV: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_KEY_TYPE: Final = re.compile(r"[a-z0-9@.-]{3,64}")


def check_email(findings: Findings, path: Path, email: Email, smtp: Smtp | None) -> None:
    """One delivery by e-mail; `smtp` is the server of the platform."""
    _check_sheet(findings, path, email)
    if not email.to and not findings.spoiled((*path, "to")):
        findings.error((*path, "to"), "missing", "nobody gets this e-mail", "write to: with the buyer's address")
    if len(email.to) + len(email.cc) > RECIPIENTS_MAX:
        message = f"more than {RECIPIENTS_MAX} people get this e-mail"
        findings.error((*path, "to"), "bad_delivery", message, "ask the buyer for a mailing list")
    for field in ("to", "cc"):
        for place, address in enumerate(getattr(email, field)):
            check_address(findings, (*path, field, place), address)
    if email.sender is not None:
        check_address(findings, (*path, "from"), email.sender)
    for field in ("subject", "body"):
        check_template(findings, (*path, field), getattr(email, field) or "", SHEET_PLACES)
    if email.subject is not None and not email.subject.isprintable():
        findings.error((*path, "subject"), "bad_text", "the subject holds a control character", "keep it on one line")
    if email.every is not None and email.format == "text":
        message = "many leads in one text cannot be told apart"
        findings.error((*path, "format"), "bad_delivery", message, "write format: csv beside `every`")
    if smtp is None:
        hint = "write outbound: {smtp: {host: …, from: …}} into the platform"
        findings.error(path, "missing_smtp", "there is no mail server that the e-mail could go through", hint)


def check_sftp(findings: Findings, path: Path, sftp: Sftp) -> None:
    """One delivery by SFTP."""
    _check_sheet(findings, path, sftp)
    check_host(findings, (*path, "host"), sftp.host)
    if (sftp.password_env is None) == (sftp.key_env is None):
        message = "nothing" if sftp.password_env is None else "a password and a key"
        hint = "write exactly one of password_env and key_env: the variable that holds the password, or the private key"
        findings.error((*path, "password_env"), "bad_delivery", f"the user proves itself with {message}", hint)
    for field in ("password_env", "key_env"):
        name = getattr(sftp, field)
        if name and _ENV.fullmatch(name) is None:
            message = "this is no name of an environment variable"
            findings.error((*path, field), "bad_env", message, "write the variable's name, never the secret itself")
    if sftp.host_key and not _is_host_key(sftp.host_key):
        message = "this is neither a host key nor the fingerprint of one"
        hint = 'write "ssh-ed25519 AAAA…" as ssh-keyscan prints it, or "SHA256:…" as ssh-keygen -l does'
        findings.error((*path, "host_key"), "bad_host_key", message, hint)
    check_template(findings, (*path, "file"), sftp.file, SHEET_PLACES)
    if "/" in sftp.file or sftp.file.startswith(".") or not sftp.file.isprintable():
        message = f"{sftp.file!r} is no name of a file"
        findings.error(
            (*path, "file"), "bad_file", message, "write the folder as `path`, and a name that is not hidden"
        )


def check_smtp(findings: Findings, path: Path, smtp: Smtp) -> None:
    """The mail server of the platform."""
    check_ranges(findings, path, smtp)
    check_host(findings, (*path, "host"), smtp.host)
    check_login(findings, path, smtp.username, smtp.password_env)
    check_address(findings, (*path, "from"), smtp.sender)
    if smtp.tls == "off" and smtp.username is not None:
        message = "a password is not proved without encryption"
        findings.error((*path, "tls"), "bad_delivery", message, "write tls: starttls or tls: implicit")


def check_address(findings: Findings, path: Path, address: str) -> None:
    """An e-mail address that every server takes: of ASCII alone."""
    if not address:
        return
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        message = f"{address!r} is no e-mail address that can be written to: {error}"
        findings.error(path, "bad_address", message, "write name@example.com")
        return
    if found.ascii_email != address and found.normalized != address:
        findings.error(
            path, "bad_address", f"{address!r} is not how this address is written", f"write {found.ascii_email}"
        )


def check_host(findings: Findings, path: Path, host: str) -> None:
    """A host name or an address."""
    if host and _HOST.fullmatch(host) is None:
        findings.error(path, "bad_host", f"{host!r} is neither a host name nor an address", "write files.example.com")


def _check_sheet(findings: Findings, path: Path, sheet: Sheet) -> None:
    for name, template in sheet.columns.items():
        check_template(findings, (*path, "columns", name), template, SHEET_PLACES)
    if sheet.at is not None and sheet.every is None:
        hint = "write every: day beside it, or leave it out: each lead goes at once"
        findings.error((*path, "at"), "bad_time", "`at` stands without `every`", hint)
    elif sheet.at is not None and sheet.every is not None and minutes_of(sheet.every, sheet.at) is None:
        hint = 'write "06:00" for every: day, and ":15" for every: hour'
        findings.error((*path, "at"), "bad_time", f"{sheet.at!r} is no time of every {sheet.every}", hint)


def _is_host_key(text: str) -> bool:
    """A key in the one-line form of OpenSSH, or a fingerprint of one."""
    if _FINGERPRINT.fullmatch(text) is not None:
        return True
    kind, _, rest = text.strip().partition(" ")
    encoded = rest.split(" ")[0]
    try:
        inner = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    named = inner[4 : 4 + int.from_bytes(inner[:4])]
    return _KEY_TYPE.fullmatch(kind) is not None and named == kind.encode()
