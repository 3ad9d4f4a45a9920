"""Leads as tables, e-mails and short messages."""

from __future__ import annotations

import csv
import io
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.config.deliveries import AcceptWhen, BasicAuth, Email, Sftp, Sheet, Sms
from trunkline.engine.leads.mail import Mail, mail_of
from trunkline.engine.leads.messages import sms_judged, sms_of
from trunkline.engine.leads.retries import Failed, Sent
from trunkline.engine.leads.sheets import Consignment, QueuedLead, consign, csv_of, file_name, table
from trunkline.kernel.http import Answer

pytestmark = pytest.mark.unit

AT = 1_790_000_000_000  # 2026-09-21T14:13:20Z
ZONE = "America/Chicago"
ANN = {"lead.phone": "+15125550100", "lead.name": "Ann", "geo.state": "TX"}
BOB = {"lead.phone": "+15125550101", "lead.email": "bob@x.example"}
DAILY = Sheet(every="day")
FILE = Sftp.__struct_defaults__[-1]


def lead(attempt: str, values: dict[str, str], queued_ms: int = AT) -> QueuedLead:
    return QueuedLead(attempt, f"lead_{attempt[-1]}", "injury", queued_ms, values)


def two(sheet: Sheet = DAILY) -> Consignment:
    return consign([lead("att_2", BOB), lead("att_1", ANN)], sheet, ZONE)


def read(mail: Mail) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(mail.content, policy=default))


def test_one_lead_is_called_like_its_attempt_and_several_by_all_of_them() -> None:
    assert consign([lead("att_1", ANN)], Sheet(), ZONE).id == "att_1"
    assert two().id.startswith("att_1-")
    assert two().id == consign([lead("att_1", ANN), lead("att_2", BOB)], DAILY, ZONE).id
    assert two().id != consign([lead("att_1", ANN), lead("att_3", BOB)], DAILY, ZONE).id


def test_columns() -> None:
    assert table(two(), {}) == (
        ["lead_id", "phone", "name", "email"],
        [["lead_1", "+15125550100", "Ann", ""], ["lead_2", "+15125550101", "", "bob@x.example"]],
    )
    columns = {"Phone": "[lead.phone]", "St": "[geo.state|??]", "Id": "[delivery.lead]", "Of": "[delivery.count]"}
    assert table(two(), columns) == (
        ["Phone", "St", "Id", "Of"],
        [["+15125550100", "TX", "lead_1", "2"], ["+15125550101", "??", "lead_2", "2"]],
    )


@given(st.lists(st.lists(st.text(max_size=30), min_size=2, max_size=2), max_size=5))
def test_csv_holds_every_text(rows: list[list[str]]) -> None:
    made = csv_of(["a", "b"], rows).decode()
    found = list(csv.reader(io.StringIO(made, newline="")))
    assert found[0] == ["a", "b"]
    for row, back in zip(rows, found[1:], strict=True):
        assert [cell.lstrip("'") for cell in row] == [cell.lstrip("'") for cell in back]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("+1+1|x", "'+1+1|x"),
        ("-2+3", "'-2+3"),
        ("+15125550100", "+15125550100"),
        ("-97.74", "-97.74"),
        ("a=b", "a=b"),
    ],
)
def test_no_formula_is_handed_to_a_spreadsheet(cell: str, written: str) -> None:
    assert list(csv.reader(io.StringIO(csv_of(["x"], [[cell]]).decode())))[1] == [written]


def test_names_of_files_are_of_the_zone_and_lead_nowhere() -> None:
    assert file_name(two(), FILE) == f"leads-2026-09-22-06-00-{two().id}.csv"
    assert file_name(two(Sheet()), "[delivery.date] [delivery.time].csv") == "2026-09-21 09-13.csv"
    nasty = consign([lead("att_1", {"lead.name": "../../etc/passwd\x00"})], Sheet(), ZONE)
    assert file_name(nasty, "x-[lead.name].csv") == "x-.._.._etc_passwd_.csv"
    long = consign([lead("att_1", {"lead.name": "n" * 999})], Sheet(), ZONE)
    assert len(file_name(long, "[lead.name].csv")) == 154


def test_an_email_with_one_lead() -> None:
    email = Email(to=("a@b.example", "c@b.example"), cc=("d@b.example",), subject="For [lead.name] in [geo.state]")
    one = consign([lead("att_1", {**ANN, "lead.note": "two\nlines \x07 é"})], Sheet(), ZONE)
    mail = mail_of(email, one, "us@agency.example")
    message = read(mail)
    assert mail.recipients == ("a@b.example", "c@b.example", "d@b.example")
    assert (mail.sender, mail.message_id) == ("us@agency.example", "<att_1@agency.example>")
    assert message["Message-ID"] == "<att_1@agency.example>"
    assert message["To"] == "a@b.example, c@b.example"
    assert message["Subject"] == "For Ann in TX"
    assert message["Date"].datetime.timestamp() == AT / 1000
    assert message.get_content().replace("\r", "") == (
        "lead_id: lead_1\nphone: +15125550100\nname: Ann\nnote: two\nlines  é\n"
    )  # fmt: skip
    assert mail.content.isascii()


def test_an_email_with_a_table_is_the_same_at_every_try() -> None:
    email = Email(to=("a@b.example",), format="csv", every="day", sender="leads@other.example")
    mail = mail_of(email, two(), "us@agency.example")
    assert mail_of(email, two(), "us@agency.example").content == mail.content
    message = read(mail)
    assert message["From"] == "leads@other.example"
    assert message["Subject"] == "2 leads of 2026-09-22"
    (attached,) = list(message.iter_attachments())
    assert attached.get_filename() == "leads-2026-09-22-06-00.csv"
    assert attached.get_content_type() == "text/csv"
    content = cast(EmailMessage, attached).get_content()
    assert list(csv.reader(io.StringIO(content)))[1] == ["lead_1", "+15125550100", "Ann", ""]


def test_no_lead_writes_headers() -> None:
    nasty = {"lead.name": "x\r\nBcc: evil@x.example\r\n\r\nbody"}
    email = Email(to=("a@b.example",), subject="[lead.name]", body="Dear,\r\n.\r\n[lead.name]")
    message = read(mail_of(email, consign([lead("att_1", nasty)], Sheet(), ZONE), "us@agency.example"))
    assert message["Bcc"] is None
    assert "Bcc: evil" in message["Subject"]


SMS = Sms(
    url="https://sms.example/Accounts/AC1/Messages.json",
    to="+12125550123",
    text="New lead [lead.name]: [lead.phone]",
    format="form",
    fields={"To": "[sms.to]", "From": "+18335550100", "Body": "[sms.text]"},
    auth=BasicAuth(username="AC1", password="token"),
    buyers_id="sid",
)


def test_the_request_of_a_short_message() -> None:
    request = sms_of(SMS, ANN, "att_1")
    assert parse_qs((request.body or b"").decode()) == {
        "To": ["+12125550123"],
        "From": ["+18335550100"],
        "Body": ["New lead Ann: +15125550100"],
    }
    assert request.headers["Idempotency-Key"] == "att_1"
    assert request.headers["Authorization"] == "Basic QUMxOnRva2Vu"
    plain = sms_of(Sms(url="https://s.example/", to="+12125550123", text="[lead.name]"), ANN, "att_1")
    assert plain.body == b'{"to":"+12125550123","text":"Ann"}'
    told = sms_of(Sms(url="https://s.example/", to="+1", text="[lead.a]"), {"lead.a": "[sms.to]" * 999}, "att_1")
    assert len(told.body or b"") < 1_700


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (201, {}, b'{"sid": "SM1"}', Sent("SM1")),
        (204, {}, b"", Sent("")),
        (409, {}, b"", Sent("")),
        (400, {}, b'{"message": "no"}', Failed(reason="rejected", detail="status 400: no", permanent=True)),
        (401, {}, b"", Failed(reason="rejected", detail="status 401: status 401", permanent=True)),
        (503, {}, b"", Failed(reason="http_error", detail="status 503: status 503")),
        (
            429,
            {"retry-after": "90"},
            b"",
            Failed(reason="http_error", detail="status 429: status 429", after_ms=90_000),
        ),
        (429, {"retry-after": "later"}, b"", Failed(reason="http_error", detail="status 429: status 429")),
    ],
)
def test_what_a_provider_says(status: int, headers: dict[str, str], body: bytes, expected: Sent | Failed) -> None:
    answer = Answer(status=status, headers=headers, body=body, url=SMS.url)
    found = sms_judged(Sms(**_fields(SMS), reject_reason="message"), answer)
    assert found == expected


def test_a_provider_that_says_no_with_200() -> None:
    strict = Sms(**_fields(SMS), accept_when=AcceptWhen(json="ok", equals="true"))
    found = sms_judged(strict, Answer(status=200, headers={}, body=b'{"ok": false}', url=""))
    assert isinstance(found, Failed)
    assert found.permanent


def _fields(sms: Sms) -> dict[str, object]:
    names = ("url", "to", "text", "format", "fields", "auth", "buyers_id")
    return {name: getattr(sms, name) for name in names}
