"""The journal as the switch sees it: append, wait until durable, go on.

Group commit: what one turn of the event loop appends goes to the writer's thread as one batch, and everything that
came in while the disk was busy shares the next transaction. A hundred waiters cost one flush (docs/decisions/0007).
While the writer waits for the disk, the loop is free and already encodes the next batch.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

import msgspec

from trunkline.events.changes import Change
from trunkline.events.codec import encode
from trunkline.events.entry import Entry, Position
from trunkline.events.sealing import SECRET_BYTES
from trunkline.journal.contacts import Contact, Happening
from trunkline.journal.errors import JournalForeign, JournalMissing, JournalOverloaded, JournalUnavailable
from trunkline.journal.health import Health
from trunkline.journal.lock import FolderLock
from trunkline.journal.recovery import RecoveredState, read_end, read_state
from trunkline.journal.schema import JOURNAL_FILE, migrate
from trunkline.journal.sqlite import Connection, Error, connect_writing, one, require_sound_sqlite, unreadable
from trunkline.journal.tables import (
    forget_commands,
    forget_contact_events,
    forget_contacts,
    forget_posts,
    forget_rates,
    forget_windows,
)
from trunkline.journal.upkeep import LOG_PAGES_MAX, Upkeep
from trunkline.journal.writer import Append, Writer

MIN_FREE_MB: Final = 512
WAITING_MAX: Final = 8_192
"""Appends that may wait for the disk. Those that finish running calls may be this many again."""
BATCH_MAX: Final = 2_048
"""Appends in one transaction, so that the first of them does not wait for a thousandth."""
WINDOWS_KEPT_MS: Final = 2 * 24 * 3_600_000
"""How long counters stay after their window has ended; longer than any store keeps them in memory."""
RATES_KEPT_MS: Final = 60 * 24 * 3_600_000
"""How long a rate book stays after it was published, so that its decisions can be taken again."""
COMMANDS_KEPT_MS: Final = 30 * 24 * 3_600_000
"""How long the answer of a command is kept for whoever asks for it again."""
POSTS_KEPT_MS: Final = 3 * 24 * 3_600_000
"""How long the answer of a post is kept for whoever sends it again."""
LINGER_S: Final = 0.02
"""How long a patient append waits for company: at 100 calls a second a quarter of all transactions is saved."""
CONTACTS_KEPT_MS: Final = 400 * 24 * 3_600_000
"""How long a contact that does not call again is remembered."""


class Commit(msgspec.Struct, frozen=True, gc=False):
    """One transaction, for the metrics: who shared it, what it wrote, how long it took and whether it held."""

    appends: int
    events: int
    seconds: float
    durable: bool


class _Job:
    """Something other than appends for the writer's thread to do."""

    __slots__ = ("future", "work")

    def __init__(self, work: Callable[[], None], future: asyncio.Future[None] | None = None) -> None:
        self.work = work
        self.future = future


_NOTHING: Final = _Job(lambda: None)


class Journal:
    """The open journal of one switch. Every method belongs to the thread of the event loop that first appends.

    Made by `open_journal`, ended by `close`. `on_commit`, when set, is called in the loop after each transaction.
    """

    def __init__(
        self,
        stream: str,
        folder_lock: FolderLock,
        connection: Connection,
        upkeep_connection: Connection,
        writer: Writer,
        health: Health,
    ) -> None:
        self.stream = stream
        self.on_commit: Callable[[Commit], None] | None = None
        self._folder_lock = folder_lock
        self._connection = connection
        self._writer = writer
        self._health = health
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Future[None] | None = None
        self._turn: list[Append] = []
        self._handing_over = False
        self._lingering: asyncio.TimerHandle | None = None
        self._waiting = 0
        self._key_in_log = False
        self._queue: SimpleQueue[list[Append] | _Job | None] = SimpleQueue()
        self._thread = Thread(target=self._write_until_closed, name="journal-writer", daemon=True)
        self._thread.start()
        self._upkeep = Upkeep(upkeep_connection, health, self._watch_log, self._ask_forget)

    @property
    def healthy(self) -> bool:
        """Whether new work may be taken; `reason` says why not."""
        return self._health.reason is None and self._closing is None

    @property
    def reason(self) -> str | None:
        """Why no new work may be taken, in words for the operator."""
        return "the journal is closed" if self._closing is not None else self._health.reason

    @property
    def waiting(self) -> int:
        """Appends that are not durable yet."""
        return self._waiting

    def append(
        self,
        entries: Sequence[Entry],
        changes: Sequence[Change] = (),
        *,
        finishing: bool = False,
        patient: bool = False,
    ) -> asyncio.Future[Position]:
        """Write the events and changes in one transaction; the future resolves to the last event's position.

        What is appended first is written first. Events with personal fields need their contact. With `finishing` the
        append belongs to a call that is already going on and is tried even when the journal takes no new work. One
        that is `patient` has nobody waiting for it: it goes with what is appended next, after `LINGER_S` by itself.
        The future fails with JournalUnavailable (nothing of it was kept) and must be awaited or given a callback.
        Raises TypeError, at once, for an event that can not be encoded.
        """
        loop = self._loop or self._bind()  # asking for the running loop costs a system call
        future: asyncio.Future[Position] = loop.create_future()
        refusal = self._refusal(finishing)
        if refusal is not None:
            future.set_exception(refusal)
            return future
        stored = []
        for entry in entries:
            encoded = encode(entry.event)
            assert encoded.personal is None or entry.contact, f"{encoded.type} has personal fields but no contact"
            stored.append((encoded, entry.contact))
        if not patient:
            if not self._handing_over:
                self._handing_over = True
                loop.call_soon(self._hand_over)
        elif self._lingering is None and not self._handing_over:
            self._lingering = loop.call_later(LINGER_S, self._hand_over)
        self._turn.append(Append(stored, tuple(changes), future))
        self._waiting += 1
        return future

    def erase(self, contact: str) -> asyncio.Future[None]:
        """Delete the contact's key, durably: its personal fields are gone for good, from every event so far.

        Fails with JournalUnavailable when it could not be written.
        """
        loop = self._bind()
        future: asyncio.Future[None] = loop.create_future()
        if self._closing is not None:
            future.set_exception(JournalUnavailable("the journal is closed"))
            return future
        self._hand_over()

        def work() -> None:
            self._writer.erase(contact)
            self._key_in_log = True
            self._empty_log()

        self._queue.put(_Job(work, future))
        return future

    def forget_contacts(self, contacts: Sequence[Contact]) -> asyncio.Future[None]:
        """Forget that these have ever called. Fails with JournalUnavailable when it could not be written."""
        return self._run(partial(forget_contacts, contacts=contacts))

    def forget_contact_events(self, happenings: Sequence[Happening]) -> asyncio.Future[None]:
        """Forget what happened with contacts. Fails with JournalUnavailable when it could not be written."""
        return self._run(partial(forget_contact_events, happenings=happenings))

    def _run(self, work: Callable[[Connection], None]) -> asyncio.Future[None]:
        loop = self._bind()
        future: asyncio.Future[None] = loop.create_future()
        if self._closing is not None:
            future.set_exception(JournalUnavailable("the journal is closed"))
            return future
        self._queue.put(_Job(lambda: self._writer.run(work), future))
        return future

    async def close(self) -> None:
        """Write what was appended, then close the files and let the folder go. Closing again is harmless."""
        loop = self._bind()
        if self._closing is None:
            self._closing = asyncio.ensure_future(loop.run_in_executor(None, self._finish, self._take_turn()))
        await asyncio.shield(self._closing)

    def _bind(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        assert self._loop is loop, "a journal belongs to one event loop"
        return loop

    def _refusal(self, finishing: bool) -> JournalUnavailable | None:
        if self._closing is not None:
            return JournalUnavailable("the journal is closed", hint="the switch is stopping")
        if self._health.reason is not None and not finishing:
            return self._health.unavailable()
        if self._waiting >= (2 * WAITING_MAX if finishing else WAITING_MAX):
            return JournalOverloaded(
                f"{self._waiting} appends are waiting for the disk", hint="the disk is slower than the traffic"
            )
        return None

    def _take_turn(self) -> list[Append]:
        turn, self._turn = self._turn, []
        return turn

    def _hand_over(self) -> None:
        self._handing_over = False
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if self._turn:
            self._queue.put(self._take_turn())

    def _deliver(self, appends: list[Append], error: Exception | None, commit: Commit) -> None:
        self._waiting -= len(appends)
        for append in appends:
            future = append.future
            if future.done():  # the waiter was cancelled; what it wrote stays written
                continue
            if error is None:
                future.set_result(Position(self.stream, append.last_seq))
            else:
                future.set_exception(error)
        if self.on_commit is not None:
            self.on_commit(commit)

    # From here on: the writer's thread.

    def _write_until_closed(self) -> None:
        # On a core of both, a writer that wakes would push the loop aside only to wait for the interpreter lock.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        item = self._queue.get()
        while item is not None:
            if isinstance(item, _Job):
                self._do(item)
                item = self._queue.get()
            else:
                following = self._gather(item)
                self._commit(item)
                item = self._queue.get() if following is _NOTHING else following

    def _gather(self, batch: list[Append]) -> _Job | None:
        """Add to `batch` what else has come in by now. The answer is what came after it, or `_NOTHING` yet."""
        while len(batch) < BATCH_MAX:
            try:
                item = self._queue.get_nowait()
            except Empty:
                break
            if not isinstance(item, list):
                return item
            batch += item
        return _NOTHING

    def _commit(self, batch: list[Append]) -> None:
        started = time.perf_counter()
        self._health.check_before_commit()
        error = self._try_commit(batch)
        if error is not None and len(batch) > 1 and not isinstance(error, JournalUnavailable):
            for append in batch:  # a mistake in one of them; the others are not to suffer from it
                self._commit([append])
            return
        events = sum(len(append.entries) for append in batch)
        commit = Commit(len(batch), events, time.perf_counter() - started, error is None)
        self._in_loop(self._deliver, batch, error, commit)

    def _try_commit(self, batch: list[Append]) -> Exception | None:
        try:
            try:
                self._writer.commit(batch)
            except Error as error:
                # Once more, with the reserve freed: these were taken in before anybody knew.
                self._health.failed(error)
                self._writer.commit(batch)
        except Error as error:
            self._health.failed(error)
            return self._health.unavailable()
        except Exception as error:  # noqa: BLE001 - our bug; its waiter gets it, and the thread must live on
            return error
        return None

    def _do(self, job: _Job) -> None:
        error: Exception | None = None
        try:
            job.work()
        except Error as failure:
            self._health.failed(failure)
            error = self._health.unavailable()
        if job.future is not None:
            self._in_loop(_settle, job.future, error)

    def _in_loop(self, callback: Callable[..., None], *arguments: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(callback, *arguments)

    def _empty_log(self) -> None:
        self._key_in_log = not self._writer.empty_log() and self._key_in_log

    # From the upkeep's thread.

    def _watch_log(self, pages: int) -> None:
        if pages > LOG_PAGES_MAX or self._key_in_log:
            self._queue.put(_Job(self._empty_log))

    def _ask_forget(self) -> None:
        now_ms = time.time_ns() // 1_000_000
        self._queue.put(_Job(lambda: self._writer.run(lambda connection: _forget(connection, now_ms))))

    # In an executor's thread, while the loop goes on.

    def _finish(self, turn: list[Append]) -> None:
        if turn:
            self._queue.put(turn)
        self._queue.put(None)
        self._thread.join()
        self._upkeep.stop()
        with suppress(Error):  # no room to tidy up; what the log holds is durable and read at the next start
            self._writer.empty_log()
        self._connection.close()
        self._folder_lock.release()


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def open_journal(
    folder: Path,
    stream: str,
    entropy: Callable[[int], bytes],
    *,
    now_ms: int,
    min_free_mb: int = MIN_FREE_MB,
) -> tuple[Journal, RecoveredState]:
    """Open the journal of `stream` in `folder` for writing, making it when it is new, and read what it knew.

    `entropy(n)` gives `n` random bytes, for keys and nonces; `now_ms` is UTC. Below `min_free_mb` of free disk the
    journal opens but is not healthy. Raises SqliteTooOld, JournalLocked, JournalForeign, JournalMissing.
    """
    require_sound_sqlite()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder_lock = FolderLock(folder)
    except OSError as error:
        raise JournalMissing(
            f"the data folder {folder} can not be used: {error}", hint="--data names a folder this user may write in"
        ) from error
    path = folder / JOURNAL_FILE
    connections: list[Connection] = []
    try:
        _make_private(path)
        connection = connect_writing(path)
        connections.append(connection)
        migrate(connection, path)
        secret = _identify(connection, path, stream, entropy)
        _forget(connection, now_ms)
        state = read_state(connection, stream, secret)
        writer = Writer(connection, stream, *read_end(connection, stream), entropy)
        upkeep_connection = connect_writing(path)
        connections.append(upkeep_connection)
        journal = Journal(stream, folder_lock, connection, upkeep_connection, writer, Health(folder, min_free_mb))
    except BaseException as error:
        for opened in connections:
            opened.close()
        folder_lock.release()
        if isinstance(error, Error):
            raise unreadable(path, error) from error
        if isinstance(error, OSError):
            raise JournalMissing(
                f"the journal {path} can not be opened: {error.strerror or error}",
                hint="the files in the folder of --data belong to the user the switch runs as",
            ) from error
        raise
    return journal, state


def _forget(connection: Connection, now_ms: int) -> None:
    forget_windows(connection, now_ms - WINDOWS_KEPT_MS)
    forget_commands(connection, now_ms - COMMANDS_KEPT_MS)
    forget_rates(connection, now_ms - RATES_KEPT_MS)
    forget_posts(connection, now_ms - POSTS_KEPT_MS)


def _make_private(path: Path) -> None:
    """Make the file, readable for its owner alone: it holds the keys. SQLite gives its other files the same mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _identify(connection: Connection, path: Path, stream: str, entropy: Callable[[int], bytes]) -> bytes:
    """Write the stream's name and the contact secret into a new journal, compare the name of an old one."""
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING",
        [("stream", stream), ("contact_secret", entropy(SECRET_BYTES))],
    )
    connection.execute("COMMIT")
    found: str = one(connection, "SELECT value FROM meta WHERE name = 'stream'")
    if found != stream:
        raise JournalForeign(
            f"{path} is the journal of switch {found!r}, not of {stream!r}",
            hint="start with the data folder of this one",
        )
    secret: bytes = one(connection, "SELECT value FROM meta WHERE name = 'contact_secret'")
    return secret
