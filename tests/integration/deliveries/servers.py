"""Real mail and SFTP servers on loopback, in the test's own loop, that can be told to do what servers do."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

HERE = "127.0.0.1"
USER, PASSWORD = "us", "hunter2hunter2"


class Inbox:
    """What a mail server got, and what it is to say. `answers` are taken first, then everything is accepted."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []
        self.answers: list[str] = []
        self.refused: set[str] = set()
        self.hang = asyncio.Event()
        self.hangs = False
        self.drops = False
        self.logins: list[str] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return f"550 5.1.1 {address} is not here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hangs:
            await self.hang.wait()
        if self.drops:
            assert server.transport is not None
            server.transport.abort()
            return "250 never heard"
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append((list(envelope.rcpt_tos), content))
        return "250 taken"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)


@asynccontextmanager
async def mail_server(tls: ssl.SSLContext | None = None, *, login: bool = False) -> AsyncIterator[Inbox]:
    """A mail server; with `tls` it offers STARTTLS and insists on it."""
    inbox = Inbox()

    def protocol() -> SMTP:
        extra: dict[str, Any] = {"authenticator": inbox.authenticate, "auth_required": True} if login else {}
        return SMTP(inbox, hostname="mail.test", tls_context=tls, require_starttls=tls is not None, **extra)

    server = await asyncio.get_running_loop().create_server(protocol, HERE, 0)
    inbox.port = server.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        inbox.hang.set()
        server.close()
        await server.wait_closed()


class Shelf:
    """The folder of an SFTP server, and how it behaves."""

    def __init__(self, folder: Path, host_key: asyncssh.SSHKey) -> None:
        self.folder = folder
        self.host_key = host_key.export_public_key().decode().strip()
        self.fingerprint = host_key.get_fingerprint()
        self.full = False
        self.port = 0
        self.logins = 0

    def files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self.folder.iterdir()}


@asynccontextmanager
async def sftp_server(
    folder: Path, client_key: asyncssh.SSHKey | None = None, more_keys: tuple[asyncssh.SSHKey, ...] = ()
) -> AsyncIterator[Shelf]:
    """An SFTP server that keeps its files in `folder`, for USER with PASSWORD or with `client_key`."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    shelf = Shelf(folder, host_key)

    class Door(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return client_key is None

        def validate_password(self, username: str, password: str) -> bool:
            shelf.logins += 1
            return (username, password) == (USER, PASSWORD)

        def public_key_auth_supported(self) -> bool:
            return client_key is not None

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return client_key is not None and key.public_data == client_key.public_data

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(folder))

        def write(self, file_obj: object, offset: int, data: bytes) -> int:
            if shelf.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(file_obj, offset, data)  # type: ignore[return-value]

    server = await asyncssh.listen(
        HERE, 0, server_factory=Door, server_host_keys=[host_key, *more_keys], sftp_factory=Files
    )
    shelf.port = server.get_port()
    try:
        yield shelf
    finally:
        server.close()
        await server.wait_closed()
