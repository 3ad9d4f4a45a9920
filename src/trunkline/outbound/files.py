"""Puts files into a folder of an SFTP server: under a hidden name first, then renamed, so whole or not there.

What was put there before and not heard of is recognized: a file of that name with the same content is the same
delivery. A name that is taken by another content gets a number. Whoever takes files away at once makes that impossible:
when the answer to the rename is lost as well, the file comes twice.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, cast

import asyncssh

from trunkline.config.deliveries import Sftp
from trunkline.engine.leads.retries import DETAIL_MAX, Failed, Sent
from trunkline.outbound.addresses import AllowedAddresses, ForbiddenAddress
from trunkline.outbound.reaching import addresses_of
from trunkline.outbound.words import written

PUT_S: Final = 120.0
"""How long the whole of one file may take."""
NAMES_MAX: Final = 20
"""Files of one name, numbered, before something is wrong with the name."""
_KEEPALIVE_S: Final = 15


_RSA: Final = ("rsa-sha2-512", "rsa-sha2-256")
_KINDS: Final = (
    ("ssh-ed25519", "ssh-ed448"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    _RSA,
)
"""Kinds of host keys, by the algorithms that prove them (RFC 8332 for RSA)."""


class _NameTaken(Exception):
    """There are files of other content under all names that are tried."""


class FileDrop:
    """Puts each file over a connection of its own."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        """`networks` (CIDR) may be reached besides the public internet."""
        self._allowed = AllowedAddresses(networks)

    async def put(
        self, sftp: Sftp, secret: str, name: str, content: bytes, *, timeout_s: float = PUT_S
    ) -> Sent | Failed:
        """Put one file; `secret` is the password or the private key. Raises nothing but cancellation."""
        try:
            async with asyncio.timeout(timeout_s):
                return Sent(await self._put(sftp, secret, name, content))
        except TimeoutError:
            return Failed(reason="timeout", detail=f"{sftp.host} has not taken it within {timeout_s:g} s")
        except ForbiddenAddress as error:
            return Failed(reason="forbidden_address", detail=str(error.strerror), permanent=True)
        except asyncssh.KeyImportError as error:
            return _failed("bad_key", error, permanent=True)
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed) as error:
            detail = f"{sftp.host} does not prove itself by the key of `host_key`: {error}"[:DETAIL_MAX]
            return Failed(reason="host_key", detail=detail, permanent=True)
        except asyncssh.PermissionDenied as error:
            return _failed("auth", error, permanent=True)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
            return _failed("no_such_folder", error, permanent=True)
        except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect) as error:
            return _failed("not_allowed", error, permanent=True)
        except _NameTaken as error:
            return _failed("name_taken", error, permanent=True)
        except asyncssh.SFTPError as error:
            return _failed("rejected", error)
        except (asyncssh.Error, OSError) as error:
            return _failed("unreachable", error)

    async def _put(self, sftp: Sftp, secret: str, name: str, content: bytes) -> str:
        keys = [asyncssh.import_private_key(secret)] if sftp.key_env is not None else None
        *others, last = await addresses_of(sftp.host, sftp.port, self._allowed)
        for address in others:
            with suppress(OSError):
                return await self._put_at(address, sftp, keys, secret, name, content)
        return await self._put_at(last, sftp, keys, secret, name, content)

    async def _put_at(
        self, address: str, sftp: Sftp, keys: list[asyncssh.SSHKey] | None, secret: str, name: str, content: bytes
    ) -> str:
        """Put it at one address, asking the server for a key of the kind that is known: it may have several."""
        *others, last = _kinds_of(sftp.host_key)
        for kind in others:
            with suppress(asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
                return await self._put_knowing(kind, address, sftp, keys, secret, name, content)
        return await self._put_knowing(last, address, sftp, keys, secret, name, content)

    async def _put_knowing(
        self,
        kind: tuple[str, ...],
        address: str,
        sftp: Sftp,
        keys: list[asyncssh.SSHKey] | None,
        secret: str,
        name: str,
        content: bytes,
    ) -> str:
        async with (
            asyncssh.connect(
                address,
                sftp.port,
                client_factory=lambda: _Trusting(sftp.host_key),
                known_hosts=b"",
                server_host_key_algs=kind,
                username=sftp.user,
                password=None if keys else secret,
                client_keys=keys,
                agent_path=None,
                config=None,
                preferred_auth="publickey" if keys else "password,keyboard-interactive",
                keepalive_interval=_KEEPALIVE_S,
            ) as session,
            session.start_sftp_client() as client,
        ):
            return await _place(client, sftp.path, name, content)


class _Trusting(asyncssh.SSHClient):
    """Believes one host key, written as a key or as its fingerprint."""

    def __init__(self, host_key: str) -> None:
        self._host_key = host_key

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Whether it is the one."""
        if self._host_key.startswith("SHA256:"):
            return key.get_fingerprint() == self._host_key
        return asyncssh.import_public_key(self._host_key).public_data == key.public_data


def _kinds_of(host_key: str) -> tuple[tuple[str, ...], ...]:
    """What a server is asked to prove itself with; a fingerprint does not say of what kind its key is."""
    if host_key.startswith("SHA256:"):
        return _KINDS
    kind = host_key.split(" ")[0]
    return (_RSA if kind == "ssh-rsa" else (kind,),)


async def _place(client: asyncssh.SFTPClient, folder: str, name: str, content: bytes) -> str:
    """The name under which the file lies there in the end."""
    stem, dot, ending = name.rpartition(".")
    for number in range(1, NAMES_MAX + 1):
        numbered = name if number == 1 else f"{stem}-{number}{dot}{ending}" if dot else f"{name}-{number}"
        path = posixpath.join(folder, numbered)
        there = await _content(client, path, len(content))
        if there is None:
            break
        if there == content:
            return path
    else:
        raise _NameTaken(f"{name} and {NAMES_MAX - 1} names like it are taken by other files")
    hidden = posixpath.join(folder, f".{name}.part")
    async with client.open(hidden, "wb") as file:
        await file.write(content)
    written = (await client.stat(hidden)).size
    if written is not None and written != len(content):
        raise asyncssh.SFTPFailure(f"{written} of {len(content)} bytes are there")
    await client.rename(hidden, path)
    return path


async def _content(client: asyncssh.SFTPClient, path: str, size: int) -> bytes | None:
    """What lies at `path`, None for nothing; of a file of another size nothing is read."""
    try:
        if (await client.stat(path)).size != size:
            return b"" if size else b"another"
        async with client.open(path, "rb") as file:
            return cast(bytes, await file.read(size + 1))  # opened for bytes
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied):
        return None  # one that may not be read cannot be compared either: the rename says whether the name is free


def _failed(reason: str, error: Exception, *, permanent: bool = False) -> Failed:
    return Failed(reason=reason, detail=written(f"{type(error).__name__} {error}")[:DETAIL_MAX], permanent=permanent)
