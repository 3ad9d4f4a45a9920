"""Secrets that a configuration names: where they are put, and where they never show."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.config.sample import GOOD, broken, load, told

from trunkline.config.deliveries import BasicAuth, Deliver, Sms
from trunkline.config.load import load_sources
from trunkline.config.reading import Source
from trunkline.config.schema import Snapshot
from trunkline.config.secrets import MissingSecret, Secrets, misspelt, secrets_of, variables

pytestmark = pytest.mark.unit

DIAL = 'dial: "sip:intake@127.0.0.1:5081", caller_id: caller, whisper: "A call."'
TARGET = "targets[star].deliver"
HOOK = Deliver(
    url="https://${ENV:HOST}/[lead.zip]?key=${ENV:KEY}",
    headers={"Authorization": "Bearer ${ENV:KEY}"},
    fields={"key": "${ENV:KEY}", "zip": "[lead.zip]"},
    auth=BasicAuth(username="us", password="${ENV:KEY}"),
)


def snapshot_with(deliver: str) -> Snapshot:
    loaded = load(broken((DIAL, f"deliver: {deliver}")))
    assert loaded.snapshot is not None, loaded.problems
    return loaded.snapshot


def warned_of(deliver: str) -> list[tuple[str, str, str]]:
    found = told(load(broken((DIAL, f"deliver: {deliver}"))).problems)
    return [each for each in found if each[1] != "not_built"]


def test_references() -> None:
    assert variables("a${ENV:A_1}b${ENV:b}") == ("A_1", "b")
    assert variables("$ENV:A {ENV:A}") == ()
    assert misspelt("${ENV:A} ${ENV:a-b}") == "${ENV:a-b}"
    assert misspelt("${A} costs $5") == "${A}"
    assert misspelt("${ENV:A") == "${ENV:A"
    assert misspelt("costs $5 {or so}") is None


def test_values_are_put_in_a_copy_for_use() -> None:
    secrets = Secrets({"KEY": "s3cr[et]", "HOST": "buyer.example"})
    filled = secrets.of(HOOK)
    assert filled.url == "https://buyer.example/[lead.zip]?key=s3cr[[et]"
    assert filled.headers == {"Authorization": "Bearer s3cr[[et]"}
    assert filled.fields == {"key": "s3cr[[et]", "zip": "[lead.zip]"}
    assert filled.auth == BasicAuth(username="us", password="s3cr[et]")
    assert HOOK.headers == {"Authorization": "Bearer ${ENV:KEY}"}
    assert secrets.of(HOOK) is filled
    plain = Deliver(url="https://buyer.example/")
    assert secrets.of(plain) is plain
    assert secrets.of(None) is None
    inner = Deliver(sms=Sms(url="https://x.example/", to="+12125550123", text="[lead.zip] ${ENV:KEY}"))
    sms = secrets.of(inner).sms
    assert sms is not None
    assert sms.text == "[lead.zip] s3cr[[et]"


def test_what_others_say_is_shown_without_them() -> None:
    secrets = Secrets({"LONG": "abc def/123", "PART": "abc d", "PIN": "123"})
    assert secrets.masked("no: abc def/123") == "no: ${ENV:LONG}"
    assert secrets.masked("?k=abc%20def%2F123&l=abc+def%2F123") == "?k=${ENV:LONG}&l=${ENV:LONG}"
    assert secrets.masked("abc d 123") == "${ENV:PART} 123"
    assert repr(secrets) == "Secrets(LONG, PART, PIN)"


def test_they_are_looked_up_once_and_the_configuration_keeps_their_names() -> None:
    snapshot = snapshot_with('{url: "https://buyer.example/", headers: {X-Api-Key: "${ENV:BUYER_KEY}"}}')
    secrets = secrets_of(snapshot, {"BUYER_KEY": "0123456789"})
    assert secrets.value("BUYER_KEY") == "0123456789"
    assert b"0123456789" not in msgspec.json.encode(snapshot)
    (deliver,) = (target.deliver for target in snapshot.accounts[0].targets if target.deliver is not None)
    assert secrets.of(deliver).headers["X-Api-Key"] == "0123456789"


def test_every_missing_one_is_named_with_its_place() -> None:
    snapshot = snapshot_with(
        '{url: "https://buyer.example/${ENV:PATH_KEY}", headers: {X-Api-Key: "${ENV:BUYER_KEY}"}, '
        'fields: {a: "${ENV:SET}", test_env: staging}}'
    )
    with pytest.raises(MissingSecret) as caught:
        secrets_of(snapshot, {"BUYER_KEY": "", "SET": "x"})
    assert caught.value.message == (
        "no value is set for PATH_KEY (account acme, targets[star].deliver.url), "
        "BUYER_KEY (account acme, targets[star].deliver.headers.X-Api-Key)"
    )
    with pytest.raises(MissingSecret, match="control character, in BUYER_KEY"):
        secrets_of(snapshot, {"BUYER_KEY": "a\r\nX-Evil: 1", "SET": "x", "PATH_KEY": "x"})


def test_variables_of_files_and_mail_are_looked_up_too() -> None:
    key = f"SHA256:{'A' * 43}"
    snapshot = snapshot_with(f'{{sftp: {{host: files.example, user: us, key_env: SFTP_KEY, host_key: "{key}"}}}}')
    with pytest.raises(MissingSecret, match=r"SFTP_KEY \(account acme, targets\[star\].deliver.sftp.key_env\)"):
        secrets_of(snapshot, {})
    assert secrets_of(snapshot, {"SFTP_KEY": "-----BEGIN\nKEY"}).value("SFTP_KEY") == "-----BEGIN\nKEY"
    smtp = "outbound: {smtp: {host: mail.example, from: us@agency.example, username: us, password_env: MAIL}}"
    loaded = load(broken(('outbound: {allow_networks: ["127.0.0.0/8"]}', smtp), base=GOOD))
    assert loaded.snapshot is not None
    with pytest.raises(MissingSecret, match=r"MAIL \(outbound.smtp.password_env\)"):
        secrets_of(loaded.snapshot, {})


@pytest.mark.parametrize(
    ("deliver", "place"),
    [
        ('{url: "https://b.example/", headers: {authorization: "Bearer 0123456789"}}', "headers.authorization"),
        ('{url: "https://b.example/", headers: {X-Auth-Token: "0123456789"}}', "headers.X-Auth-Token"),
        ('{url: "https://b.example/?a=1&api_key=0123456789"}', "url"),
        ('{url: "https://us:0123456789@b.example/"}', "url"),
        ('{url: "https://b.example/", auth: {username: us, password: "1234"}}', "auth.password"),
    ],
)
def test_secrets_in_the_clear_are_warned_of(deliver: str, place: str) -> None:
    assert warned_of(deliver) == [("warning", "literal_secret", f"{TARGET}.{place}")]


@pytest.mark.parametrize(
    "deliver",
    [
        '{url: "https://b.example/?api_key=${ENV:K}", headers: {Authorization: "Bearer ${ENV:K}"}}',
        '{url: "https://b.example/?key=[lead.zip]", headers: {X-Key: "[lead.phone]", X-Source: "0123456789"}}',
        '{url: "https://${ENV:HOST}/x", auth: {username: us, password: "${ENV:K}"}}',
        '{url: "${ENV:URL}"}',
        '{url: "https://b.example/", auth: {username: "${ENV:USER}", password: "${ENV:K}"}}',
    ],
)
def test_what_is_no_secret_is_not_warned_of(deliver: str) -> None:
    assert warned_of(deliver) == []


def test_accounts_that_share_an_installation_have_variables_of_their_own() -> None:
    text = """
version: 1
account: {key: KEY, timezone: UTC}
buyers: [{key: ann}]
targets:
  - key: post
    buyer: ann
    test_url: "https://b.example/${ENV:ACME_EAST_TEST}"
    deliver: {url: "https://b.example/", headers: {X-Api-Key: "${ENV:ACME_EAST_KEY}"}, fields: {some_env: staging}}
  - key: files
    buyer: ann
    deliver: {sftp: {host: f.example, user: us, key_env: ACME_EAST_SSH, host_key: "SHA256:HASH"}}
"""

    def loaded(*keys: str) -> list[tuple[str, str, str]]:
        made = [text.replace("KEY,", f"{key},").replace("HASH", "A" * 43).encode() for key in keys]
        sources = [Source(f"{key}.yaml", content, role="account") for key, content in zip(keys, made, strict=True)]
        return [each for each in told(load_sources(sources, "/base").problems) if each[0] == "error"]

    assert loaded("other") == []
    assert loaded("acme-east") == []
    assert loaded("acme-east", "other") == [
        ("error", "foreign_secret", "targets[post].test_url"),
        ("error", "foreign_secret", "targets[post].deliver.headers.X-Api-Key"),
        ("error", "foreign_secret", "targets[files].deliver.sftp.key_env"),
    ]


def test_references_that_are_none() -> None:
    (found,) = warned_of('{url: "https://b.example/", headers: {X-Api-Key: "${BUYER_KEY}"}}')
    assert found == ("error", "bad_env", f"{TARGET}.headers.X-Api-Key")
    desk = broken(('headers: {X-Desk: "1"}', 'headers: {X-Desk: "${ENV:DESK}"}'))
    assert told(load(desk).problems) == [("error", "bad_header", "targets[desk].headers.X-Desk")]
