"""The four ways in which a target takes leads, read from files."""

from __future__ import annotations

import pytest
from tests.unit.config.sample import broken, load, told

from trunkline.config.deliveries import Deliver, Email, Sftp, Sms
from trunkline.config.schema import Limit, Measure, Target
from trunkline.config.times import minutes_of

pytestmark = pytest.mark.unit

DIAL = 'dial: "sip:intake@127.0.0.1:5081", caller_id: caller, whisper: "A call."'
NETWORKS = 'outbound: {allow_networks: ["127.0.0.0/8"]}'
SMTP = "outbound: {smtp: {host: mail.example, from: us@agency.example}}"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q"


def read(deliver: str, *, limits: str = "", smtp: str = SMTP) -> tuple[list[tuple[str, str, str]], Target | None]:
    loaded = load(broken((DIAL, f"deliver: {deliver}{limits}"), (NETWORKS, smtp)))
    found = [each for each in told(loaded.problems) if each[1] != "not_built"]
    targets = () if loaded.snapshot is None else loaded.snapshot.accounts[0].targets
    return found, next((target for target in targets if target.key == "star"), None)


def problems(deliver: str, smtp: str = SMTP) -> list[tuple[str, str, str]]:
    return [(severity, code, path.removeprefix("targets[star].deliver.")) for severity, code, path in
            read(deliver, smtp=smtp)[0]]  # fmt: skip


def delivery(deliver: str) -> Deliver:
    found, target = read(deliver)
    assert found == []
    assert target is not None
    assert target.deliver is not None
    return target.deliver


def test_each_kind_is_read() -> None:
    assert delivery("{url: 'https://b.example/'}").kind == "url"
    mail = delivery("{email: {to: a@b.example, cc: [c@b.example], from: us@x.example, subject: 'For [lead.zip]'}}")
    assert (mail.kind, mail.queued) == ("email", True)
    assert mail.email == Email(
        to=("a@b.example",), cc=("c@b.example",), sender="us@x.example", subject="For [lead.zip]"
    )
    files = delivery(
        f"{{sftp: {{host: f.example, user: us, password_env: P, host_key: '{HOST_KEY}', path: in, every: hour, "
        "at: ':15', columns: {Phone: '[lead.phone]', N: '[delivery.count]'}}}"
    )
    assert files.sftp == Sftp(
        host="f.example", user="us", password_env="P", host_key=HOST_KEY, path="in", every="hour", at=":15",
        columns={"Phone": "[lead.phone]", "N": "[delivery.count]"},
    )  # fmt: skip
    text = delivery(
        "{sms: {url: 'https://sms.example/', to: '+12125550123', text: 'New lead [lead.phone]', format: form, "
        "fields: {To: '[sms.to]', Body: '[sms.text]'}}, tries: 3, per_minute: 10}"
    )
    assert text.sms == Sms(
        url="https://sms.example/", to="+12125550123", text="New lead [lead.phone]", format="form",
        fields={"To": "[sms.to]", "Body": "[sms.text]"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("deliver", "expected"),
    [
        ("{tries: 3}", [("error", "bad_delivery", "targets[star].deliver")]),
        ("{url: 'https://b.example/', email: {to: a@b.example}}", [("error", "bad_delivery", "targets[star].deliver")]),
        ("{url: 'https://b.example/', tries: 3}", [("warning", "no_effect", "tries")]),
        ("{email: {to: a@b.example}, fields: {a: b}}", [("warning", "no_effect", "fields")]),
        ("{email: {to: a@b.example}, idempotent: true}", [("warning", "no_effect", "idempotent")]),
        ("{email: {to: a@b.example}, tries: 0}", [("error", "out_of_range", "tries")]),
        ("{email: {to: []}}", [("error", "missing", "email.to")]),
        ("{email: {to: a@b.example, subject: '[lead]'}}", []),
        ("{email: {to: a@b.example, subject: '[geo.planet]'}}", [("error", "unknown_attribute", "email.subject")]),
        ("{email: {to: a@b.example, every: day}}", [("error", "bad_delivery", "email.format")]),
        ("{email: {to: a@b.example, at: '06:00'}}", [("error", "bad_time", "email.at")]),
        ("{email: {to: a@b.example, from: 'nobody'}}", [("error", "bad_address", "email.from")]),
        ("{email: {to: ä@b.example}}", [("error", "bad_address", "email.to[0]")]),
        ("{sms: {to: '+12125550123', text: Hello}}", [("error", "missing", "sms.url")]),
        ("{sms: {url: 'https://s.example/', to: '2125550123', text: Hello}}", [("error", "bad_number", "sms.to")]),
        ("{sms: {url: 'ftp://s.example/', to: '+12125550123', text: Hello}}", [("error", "bad_url", "sms.url")]),
        ("{sms: {url: 'https://s.example/', to: '+12125550123', text: '[sms.to]'}}",
         [("error", "unknown_attribute", "sms.text")]),
        ("{sms: {url: 'https://s.example/', to: '+12125550123', text: Hi, fields: {a: '[sms.to]'}}}",
         [("error", "bad_delivery", "sms.fields")]),
    ],
)  # fmt: skip
def test_what_does_not_fit(deliver: str, expected: list[tuple[str, str, str]]) -> None:
    assert problems(deliver) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("host: f.example", "host: 'f example'"), ("error", "bad_host", "sftp.host")),
        (("password_env: P", "password_env: P, key_env: K"), ("error", "bad_delivery", "sftp.password_env")),
        (("password_env: P, ", ""), ("error", "bad_delivery", "sftp.password_env")),
        (("password_env: P", "password_env: 'hunter two'"), ("error", "bad_env", "sftp.password_env")),
        (("ssh-ed25519", "ssh-rsa"), ("error", "bad_host_key", "sftp.host_key")),
        (("user: us", "user: us, file: a/b.csv"), ("error", "bad_file", "sftp.file")),
        (("user: us", "user: us, file: .hidden"), ("error", "bad_file", "sftp.file")),
        (("user: us", "user: us, port: 0"), ("error", "out_of_range", "sftp.port")),
        (("user: us", "user: us, columns: {a: '[lead]', b: '[no.such]'}"),
         ("error", "unknown_attribute", "sftp.columns.b")),
        (("user: us", "user: us, every: day, at: '25:00'"), ("error", "bad_time", "sftp.at")),
    ],
)  # fmt: skip
def test_files_that_cannot_be_sent(change: tuple[str, str], expected: tuple[str, str, str]) -> None:
    good = f"{{sftp: {{host: f.example, user: us, password_env: P, host_key: '{HOST_KEY}'}}}}"
    assert problems(good) == []
    assert problems(good.replace(*change)) == [expected]


@pytest.mark.parametrize(
    ("smtp", "expected"),
    [
        ("{host: mail.example, from: us}", ("error", "bad_address", "outbound.smtp.from")),
        ("{host: 'a b', from: us@x.example}", ("error", "bad_host", "outbound.smtp.host")),
        ("{host: mail.example, from: us@x.example, username: us}",
         ("error", "missing", "outbound.smtp.password_env")),
        ("{host: mail.example, from: us@x.example, username: us, password_env: P, tls: off}",
         ("error", "bad_delivery", "outbound.smtp.tls")),
        ("{host: mail.example, from: us@x.example, port: 70000}", ("error", "out_of_range", "outbound.smtp.port")),
    ],
)  # fmt: skip
def test_mail_servers_that_cannot_be_used(smtp: str, expected: tuple[str, str, str]) -> None:
    assert problems("{email: {to: a@b.example}}", f"outbound: {{smtp: {smtp}}}") == [expected]


def test_how_many_posts_at_once_is_a_limit_of_the_target() -> None:
    url = "{url: 'https://b.example/', concurrency: 4}"
    expected = {
        "": (4,),
        ", limits: [{measure: in_flight, max: 9}]": (4,),
        ", limits: [{measure: in_flight, max: 2}]": (2,),
    }
    for limits, most in expected.items():
        _, target = read(url, limits=limits)
        assert target is not None
        assert target.limits == tuple(Limit(measure=Measure.IN_FLIGHT, max=each) for each in most)
    _, target = read("{email: {to: a@b.example}, concurrency: 4}")
    assert target is not None
    assert target.limits == ()


def test_times() -> None:
    assert minutes_of("day", None) == 360
    assert minutes_of("day", "23:59") == 1439
    assert minutes_of("hour", None) == 0
    assert minutes_of("hour", ":15") == 15
    for every, at in (("day", "24:00"), ("day", ":15"), ("hour", "06:15"), ("hour", ":60")):
        assert minutes_of(every, at) is None  # type: ignore[arg-type]
