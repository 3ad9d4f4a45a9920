"""Mail and files handed to real servers, kind and hostile ones."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from pathlib import Path

import asyncssh
import msgspec
import pytest
from tests.integration.deliveries.servers import HERE, PASSWORD, USER, Inbox, Shelf, mail_server, sftp_server
from tests.integration.switch.certificates import Authority

from trunkline.config.deliveries import Sftp
from trunkline.config.outbound import Smtp
from trunkline.engine.leads.mail import Mail
from trunkline.engine.leads.retries import Failed, Sent
from trunkline.outbound.files import FileDrop
from trunkline.outbound.mailer import Mailer

pytestmark = pytest.mark.integration

NETWORKS = ("127.0.0.1/32",)
MAIL = Mail(
    "us@agency.example",
    ("a@buyer.example", "b@buyer.example"),
    b"From: us@agency.example\r\nMessage-ID: <att_1@agency.example>\r\n\r\n.one\r\nlead\r\n",
    "<att_1@agency.example>",
)


def smtp_of(inbox: Inbox, **changes: object) -> Smtp:
    plain = Smtp(host=HERE, port=inbox.port, tls="off", sender="us@agency.example")
    return msgspec.structs.replace(plain, **changes)


def with_mail(work: Callable[[Inbox], Awaitable[None]]) -> None:
    async def run() -> None:
        async with mail_server() as inbox:
            await work(inbox)

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_mail_is_taken_as_it_is() -> None:
    async def work(inbox: Inbox) -> None:
        found = await Mailer(NETWORKS).send(smtp_of(inbox), None, MAIL)
        assert found == Sent("<att_1@agency.example>")
        ((recipients, content),) = inbox.mails
        assert recipients == ["a@buyer.example", "b@buyer.example"]
        message = message_from_bytes(content)
        assert message["Message-ID"] == "<att_1@agency.example>"
        assert message.get_payload() == ".one\r\nlead\r\n"

    with_mail(work)


@pytest.mark.parametrize(
    ("answer", "permanent"), [("452 4.3.1 full", False), ("554 5.7.1 you are spam", True), ("451 later", False)]
)
def test_what_a_server_says_decides(answer: str, *, permanent: bool) -> None:
    async def work(inbox: Inbox) -> None:
        inbox.answers.append(answer)
        found = await Mailer(NETWORKS).send(smtp_of(inbox), None, MAIL)
        assert found == Failed(reason="rejected", detail=answer, permanent=permanent)
        assert inbox.mails == []

    with_mail(work)


def test_an_answer_that_is_no_utf_8_can_be_reported() -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            writer.write(b"250 yes\r\n" if line.startswith((b"EHLO", b"RSET")) else b"550 bo\xeete pleine\r\n")
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(old, HERE, 0) as server:
            smtp = Smtp(host=HERE, port=server.sockets[0].getsockname()[1], tls="off", sender="us@agency.example")
            found = await Mailer(NETWORKS).send(smtp, None, MAIL)
            assert found == Failed(reason="rejected", detail="550 bo\\udceete pleine", permanent=True)
            msgspec.json.encode(found)

    asyncio.run(asyncio.wait_for(run(), 30))


def test_recipients_that_are_refused() -> None:
    async def work(inbox: Inbox) -> None:
        inbox.refused = {"b@buyer.example"}
        found = await Mailer(NETWORKS).send(smtp_of(inbox), None, MAIL)
        assert found == Sent("<att_1@agency.example>, but not for b@buyer.example (550)")
        inbox.refused = {"a@buyer.example", "b@buyer.example"}
        found = await Mailer(NETWORKS).send(smtp_of(inbox), None, MAIL)
        assert isinstance(found, Failed)
        assert (found.reason, found.permanent) == ("recipient", True)

    with_mail(work)


def test_servers_that_hang_drop_or_are_not_there() -> None:
    async def work(inbox: Inbox) -> None:
        inbox.drops = True
        found = await Mailer(NETWORKS).send(smtp_of(inbox), None, MAIL)
        assert isinstance(found, Failed)
        assert (found.reason, found.permanent) == ("unreachable", False)
        inbox.drops, inbox.hangs = False, True
        found = await Mailer(NETWORKS).send(smtp_of(inbox), None, MAIL, timeout_s=0.2)
        assert isinstance(found, Failed)
        assert (found.reason, found.permanent) == ("timeout", False)
        found = await Mailer(NETWORKS).send(smtp_of(inbox, port=1), None, MAIL)
        assert isinstance(found, Failed)
        assert (found.reason, found.permanent) == ("unreachable", False)
        for host in ("127.0.0.2", "localhost.localdomain.invalid"):
            found = await Mailer(NETWORKS).send(smtp_of(inbox, host=host), None, MAIL)
            assert isinstance(found, Failed)
            assert found.reason in {"forbidden_address", "unreachable"}
        found = await Mailer().send(smtp_of(inbox), None, MAIL)
        assert isinstance(found, Failed)
        assert (found.reason, found.permanent) == ("forbidden_address", True)

    with_mail(work)


def test_passwords_are_proved_over_tls_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    made = authority.issue("localhost", HERE)
    assert made.certificate is not None
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(made.certificate, made.key)
    client_tls = ssl.create_default_context(cafile=str(authority.file))

    async def run() -> None:
        async with mail_server(server_tls, login=True) as inbox:
            smtp = smtp_of(inbox, tls="starttls", username=USER)
            mailer = Mailer(NETWORKS, client_tls)
            assert await mailer.send(smtp, PASSWORD, MAIL) == Sent("<att_1@agency.example>")
            assert inbox.logins == [USER]
            found = await mailer.send(smtp, "wrong", MAIL)
            assert isinstance(found, Failed)
            assert (found.reason, found.permanent) == ("auth", True)
            assert "wrong" not in found.detail
            found = await Mailer(NETWORKS).send(smtp, PASSWORD, MAIL)
            assert isinstance(found, Failed)
            assert (found.reason, found.permanent) == ("tls", False)
        async with mail_server() as inbox:
            found = await mailer.send(smtp_of(inbox, tls="starttls", username=USER), PASSWORD, MAIL)
            assert isinstance(found, Failed)
            assert "STARTTLS" in found.detail
            assert (inbox.logins, inbox.mails) == ([], [])

    asyncio.run(asyncio.wait_for(run(), 30))


def sftp_of(shelf: Shelf, **changes: object) -> Sftp:
    plain = Sftp(host=HERE, port=shelf.port, user=USER, password_env="P", host_key=shelf.host_key, path="in")
    return msgspec.structs.replace(plain, **changes)


def with_files(folder: Path, work: Callable[[Shelf], Awaitable[None]]) -> None:
    (folder / "in").mkdir()

    async def run() -> None:
        async with sftp_server(folder) as shelf:
            shelf.folder = folder / "in"
            await work(shelf)

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_file_is_whole_or_not_there_and_once(tmp_path: Path) -> None:
    async def work(shelf: Shelf) -> None:
        drop, sftp = FileDrop(NETWORKS), sftp_of(shelf)
        assert await drop.put(sftp, PASSWORD, "leads.csv", b"a,b\r\n") == Sent("in/leads.csv")
        # The answer was lost: the same again is recognized.
        assert await drop.put(sftp, PASSWORD, "leads.csv", b"a,b\r\n") == Sent("in/leads.csv")
        assert shelf.files() == {"leads.csv": b"a,b\r\n"}
        # Another file of that name, of the same size or not, gets another name.
        assert await drop.put(sftp, PASSWORD, "leads.csv", b"c,d\r\n") == Sent("in/leads-2.csv")
        by_fingerprint = sftp_of(shelf, host_key=shelf.fingerprint)
        assert await drop.put(by_fingerprint, PASSWORD, "leads.csv", b"c,d,e\r\n") == Sent("in/leads-3.csv")
        # What a broken try has left behind is written over.
        (shelf.folder / ".new.csv.part").write_bytes(b"longer than what comes now")
        assert await drop.put(sftp, PASSWORD, "new.csv", b"x") == Sent("in/new.csv")
        assert shelf.files() == {
            "leads.csv": b"a,b\r\n", "leads-2.csv": b"c,d\r\n", "leads-3.csv": b"c,d,e\r\n", "new.csv": b"x",
        }  # fmt: skip

    with_files(tmp_path, work)


def test_servers_that_are_not_ours_or_do_not_want_us(tmp_path: Path) -> None:
    async def work(shelf: Shelf) -> None:
        drop = FileDrop(NETWORKS)

        async def failed(sftp: Sftp, secret: str = PASSWORD) -> tuple[str, bool]:
            found = await drop.put(sftp, secret, "x.csv", b"a,b\r\n", timeout_s=10)
            assert isinstance(found, Failed)
            assert PASSWORD not in found.detail
            return found.reason, found.permanent

        logins = shelf.logins
        other = asyncssh.generate_private_key("ssh-ed25519")
        assert await failed(sftp_of(shelf, host_key=other.get_fingerprint())) == ("host_key", True)
        assert await failed(sftp_of(shelf, host_key=other.export_public_key().decode().strip())) == ("host_key", True)
        assert shelf.logins == logins  # the password was not shown to a stranger
        assert await failed(sftp_of(shelf), "wrong") == ("auth", True)
        assert await failed(sftp_of(shelf, path="nowhere")) == ("no_such_folder", True)
        assert await failed(sftp_of(shelf, key_env="K", password_env=None), "no key") == ("bad_key", True)
        assert await failed(sftp_of(shelf, port=1)) == ("unreachable", False)
        assert await failed(sftp_of(shelf, host="127.0.0.2")) == ("forbidden_address", True)
        shelf.full = True
        assert await failed(sftp_of(shelf)) == ("rejected", False)
        assert "x.csv" not in shelf.files()
        shelf.full = False
        assert await drop.put(sftp_of(shelf), PASSWORD, "x.csv", b"a,b\r\n") == Sent("in/x.csv")

    with_files(tmp_path, work)


def test_a_key_in_place_of_a_password(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def run() -> None:
        async with sftp_server(tmp_path, key) as shelf:
            sftp = sftp_of(shelf, key_env="K", password_env=None, path=".")
            drop = FileDrop(NETWORKS)
            assert await drop.put(sftp, key.export_private_key().decode(), "x.csv", b"1") == Sent("./x.csv")
            stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
            found = await drop.put(sftp, stranger, "y.csv", b"1")
            assert isinstance(found, Failed)
            assert found.reason == "auth"

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_server_with_several_keys_is_known_by_any_of_them(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")

    async def run() -> None:
        async with sftp_server(tmp_path, more_keys=(key,)) as shelf:
            drop = FileDrop(NETWORKS)
            for host_key in (key.export_public_key().decode().strip(), key.get_fingerprint(), shelf.fingerprint):
                found = await drop.put(sftp_of(shelf, host_key=host_key), PASSWORD, "x.csv", b"1")
                assert found == Sent("in/x.csv")

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_server_that_says_nothing() -> None:
    async def run() -> None:
        hang = asyncio.Event()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await hang.wait()
            writer.close()

        server = await asyncio.start_server(connected, HERE, 0)
        port = server.sockets[0].getsockname()[1]
        sftp = Sftp(host=HERE, port=port, user=USER, password_env="P", host_key=f"SHA256:{'A' * 43}")
        found = await FileDrop(NETWORKS).put(sftp, PASSWORD, "x.csv", b"1", timeout_s=0.2)
        assert isinstance(found, Failed)
        assert (found.reason, found.permanent) == ("timeout", False)
        mail = Smtp(host=HERE, port=port, tls="off", sender="us@agency.example")
        found = await Mailer(NETWORKS).send(mail, None, MAIL, timeout_s=0.2)
        assert isinstance(found, Failed)
        assert (found.reason, found.permanent) == ("timeout", False)
        hang.set()
        server.close()
        await server.wait_closed()

    asyncio.run(asyncio.wait_for(run(), 30))
