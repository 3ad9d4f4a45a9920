"""The admin socket: a UNIX socket in the data folder that only the switch's own user may open.

Whoever connects sends requests one after another and gets the answers in order. All is bounded: connections, the length
of a line, and how long a connection may be idle or not read. The folder's lock is ours, so a socket that lies there at
the start belongs to nobody.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path
from typing import Final

from trunkline.kernel.errors import EnvironmentFault, UsageError
from trunkline.switch.commands.executor import Executor, refused
from trunkline.switch.commands.wire import LINE_BYTES_MAX, reachable, socket_path

log = logging.getLogger("trunkline.commands")

CONNECTIONS_MAX: Final = 32
IDLE_S_MAX: Final = 30.0
"""How long a request may take to arrive, and an answer to be read."""


class AdminSocketUnusable(EnvironmentFault):
    """The admin socket cannot be made in the data folder."""


class AdminSocket:
    """Listens from `open` to `close`."""

    def __init__(self, data: Path, executor: Executor, *, idle_s: float = IDLE_S_MAX) -> None:
        self._data = data
        self._executor = executor
        self._idle_s = idle_s
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. Raises AdminSocketUnusable."""
        try:
            listener = _listen(self._data)
        except OSError as error:
            raise AdminSocketUnusable(
                f"the admin socket cannot be made in {self._data}: {error.strerror or error}",
                hint="--data must be a folder of a file system that knows UNIX sockets, writable for this user",
            ) from error
        self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=LINE_BYTES_MAX)

    async def close(self) -> None:
        """Take no more requests, and wait for those that are being done. Closing again is harmless."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        socket_path(self._data).unlink(missing_ok=True)
        await self._executor.finish()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if len(self._connections) > CONNECTIONS_MAX:
                busy = UsageError(f"{CONNECTIONS_MAX} commands are connected already", hint="try again in a moment")
                await self._say(writer, refused(busy))
                return
            while (line := await self._line(reader, writer)) is not None and self._server is not None:
                await self._say(writer, await self._executor.answer(line))
        except (ConnectionError, TimeoutError):
            log.debug("somebody who sent a command did not wait for the answer")
            writer.transport.abort()  # closing would wait for the answer to be read
        finally:
            self._connections.discard(task)
            writer.close()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        """The next request; None at the end, after a line that is too long, or when nothing comes."""
        try:
            async with asyncio.timeout(self._idle_s):
                return await reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, TimeoutError):
            return None
        except asyncio.LimitOverrunError:
            await self._say(writer, refused(UsageError(f"a request has at most {LINE_BYTES_MAX} bytes")))
            return None

    async def _say(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        writer.write(answer + b"\n")
        async with asyncio.timeout(self._idle_s):
            await writer.drain()


def _listen(data: Path) -> socket.socket:
    """The listening socket; it takes nobody before its mode is set."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path = socket_path(data)
        path.unlink(missing_ok=True)
        with reachable(path) as short:
            listener.bind(short)
        path.chmod(0o600)
        listener.listen(CONNECTIONS_MAX)
    except BaseException:
        listener.close()
        raise
    return listener
