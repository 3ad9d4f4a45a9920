"""The journal on a real disk: what is appended is there, in order, sealed, chained, and state stands beside it."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trunkline.events.calls import CallEnded, CallReceived
from trunkline.events.changes import (
    CallDrop,
    CallPut,
    ContactHad,
    ContactSeen,
    LegDrop,
    LegPut,
    StoredCall,
    StoredLeg,
)
from trunkline.events.contacts import Seen
from trunkline.events.entry import Entry, Position
from trunkline.journal import schema, store
from trunkline.journal.contacts import Contact, ContactsReader
from trunkline.journal.errors import (
    JournalDamaged,
    JournalForeign,
    JournalLocked,
    JournalMissing,
    JournalOverloaded,
    JournalUnavailable,
    SqliteTooOld,
)
from trunkline.journal.reader import JournalReader
from trunkline.journal.recovery import RecoveredState
from trunkline.journal.schema import APPLICATION_ID, JOURNAL_FILE
from trunkline.journal.sqlite import connect_writing, library, sqlite_version_problem
from trunkline.journal.store import Commit, Journal, open_journal
from trunkline.kernel.leases import CounterId, CounterSet, Demand, HoldDrop, HoldPut, Lease, TurnId, TurnSet
from trunkline.switch.history import packed, unpacked

pytestmark = pytest.mark.integration

NOW_MS = 1_700_000_000_000
CONTACT = "c" * 32


def received(call: str = "call_1", caller: str = "+15125550100") -> Entry:
    event = CallReceived(
        account="acme",
        call=call,
        at_ms=NOW_MS,
        number="+18335550100",
        campaign="injury",
        publisher="adwave",
        source=None,
        caller=caller,
        caller_given=caller,
        trunk="carrier",
        snapshot="s1",
    )
    return Entry(event, CONTACT)


def ended(call: str = "call_1") -> Entry:
    return Entry(
        CallEnded(
            account="acme", call=call, at_ms=NOW_MS, outcome="sold", reason=None, ended_by="caller", duration_ms=5
        )
    )


def opened(folder: Path, **options: Any) -> tuple[Journal, RecoveredState]:
    return open_journal(folder, "sw1", os.urandom, now_ms=NOW_MS, **{"min_free_mb": 1, **options})


def in_loop(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def files_of(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.iterdir()}


def contacts_in(folder: Path) -> dict[Contact, int]:
    reader = ContactsReader(folder)
    try:
        return reader.newest(0, 1_000, lambda: True)
    finally:
        reader.close()


async def write(folder: Path, *entries: Entry) -> None:
    journal, _ = opened(folder)
    await journal.append(entries)
    await journal.close()


def test_appends_are_numbered_in_order_and_read_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, state = opened(tmp_path)
        assert state.position == Position("sw1", 0)
        futures = [journal.append([received(f"call_{n}"), ended(f"call_{n}")]) for n in range(50)]
        assert [await future for future in futures] == [Position("sw1", 2 * n + 2) for n in range(50)]
        with JournalReader(tmp_path) as reader:  # while the journal is open
            first = reader.tail(limit=3)
            assert [(r.position.seq, r.event, r.contact) for r in first] == [
                (1, received("call_0").event, CONTACT),
                (2, ended("call_0").event, None),
                (3, received("call_1").event, CONTACT),
            ]
            assert len(reader.tail(first[-1].position)) == 97
            assert reader.tail(reader.end()) == []
            assert [r.event for r in reader.records_of("call_7")] == [received("call_7").event, ended("call_7").event]
            assert reader.records_of("call_99") == []
        await journal.close()
        journal, state = opened(tmp_path)
        assert state.position == Position("sw1", 100)
        assert await journal.append([ended()]) == Position("sw1", 101)
        await journal.close()
        with JournalReader(tmp_path) as reader:
            assert reader.verify().events == 101

    in_loop(scenario())


def test_those_who_wait_together_share_transactions(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        commits: list[Commit] = []
        journal.on_commit = commits.append
        await asyncio.gather(*(journal.append([ended(f"call_{n}")]) for n in range(500)))
        await journal.close()
        assert sum(commit.events for commit in commits) == 500
        assert len(commits) == 1
        assert all(commit.durable for commit in commits)

    in_loop(scenario())


def test_what_nobody_waits_for_goes_with_the_next_append_and_in_order(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        commits: list[Commit] = []
        journal.on_commit = commits.append
        patient = [journal.append([ended(f"call_{n}")], patient=True) for n in range(3)]
        await asyncio.sleep(0)
        assert journal.waiting == 3
        assert await journal.append([ended("call_3")]) == Position("sw1", 4)
        assert [future.result().seq for future in patient] == [1, 2, 3]
        assert [commit.events for commit in commits] == [4]
        # Alone it waits its while and no longer; what is still waiting when the journal is closed is written.
        assert await journal.append([ended("call_4")], patient=True) == Position("sw1", 5)
        last = journal.append([ended("call_5")], patient=True)
        await journal.close()
        assert last.result() == Position("sw1", 6)

    in_loop(scenario())


def test_state_comes_back_as_it_was_left(tmp_path: Path) -> None:
    counter = CounterId("acme", "buyer", "b", "connect", "day", "both")
    demands = (Demand(counter, 1, 9, 0, NOW_MS + 1), Demand(CounterId("acme", "buyer", "b", "live", "", "call"), 1, 2))
    lease = Lease("l1", "acme", "call_1", "att_1", demands, NOW_MS)
    call = StoredCall("call_1", "acme", CONTACT)
    leg = StoredLeg("leg_1", "acme", "call_1", CONTACT, None, True, b"\x00\xff")
    turn = TurnSet(TurnId("acme", "p", "t", "r"), 4)
    seen = ContactSeen("acme", "injury", CONTACT, NOW_MS)

    async def scenario() -> None:
        journal, state = opened(tmp_path)
        assert (state.counters, state.leases, state.turns, state.legs, state.calls) == ((), (), (), (), ())
        used = CounterSet(counter, 0, NOW_MS + 1, 3)
        await journal.append([ended()], [HoldPut(lease), CallPut(call), LegPut(leg), turn, seen, used])
        await journal.append([], [msgspec.structs.replace(used, used=5), HoldPut(Lease("l2", "a", "c", "a", (), 1))])
        await journal.append([], [HoldDrop("l2"), LegPut(msgspec.structs.replace(leg, leg="leg_2")), LegDrop("leg_2")])
        await journal.close()
        journal, state = opened(tmp_path)
        assert state.counters == (msgspec.structs.replace(used, used=5),)
        assert (state.leases, state.turns, state.legs, state.calls) == ((lease,), (turn,), (leg,), (call,))
        assert contacts_in(tmp_path) == {("acme", "injury", CONTACT): NOW_MS}
        await journal.append([], [HoldDrop("l1"), CallDrop("call_1"), LegDrop("leg_1")])
        await journal.close()
        journal, state = opened(tmp_path)
        assert (state.leases, state.legs, state.calls) == ((), (), ())
        await journal.close()

    in_loop(scenario())


LEG = StoredLeg("leg_1", "acme", "call_1", CONTACT, None, True, b"From: <sip:+15125550100@carrier.example>")


def test_what_identifies_a_leg_is_readable_in_no_file_and_comes_back(tmp_path: Path) -> None:
    anonymous = msgspec.structs.replace(LEG, leg="leg_2", call="call_2", contact="call_2")

    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        await journal.append([received()], [LegPut(LEG)])
        await journal.append([], [LegPut(LEG), LegPut(anonymous)])
        for file, data in files_of(tmp_path).items():
            assert b"5125550100" not in data, file
        await journal.close()
        journal, state = opened(tmp_path)
        assert state.legs == (LEG, anonymous)
        await journal.close()

    in_loop(scenario())


def test_a_leg_of_an_erased_contact_has_no_identifiers_and_a_new_one_has_them_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        await journal.append([received()], [LegPut(LEG)])
        await journal.erase(CONTACT)
        await journal.close()
        journal, state = opened(tmp_path)
        assert state.legs == (msgspec.structs.replace(LEG, identifiers=None),)
        again = msgspec.structs.replace(LEG, leg="leg_2")
        await journal.append([], [LegPut(again)])
        await journal.close()
        journal, state = opened(tmp_path)
        assert state.legs == (msgspec.structs.replace(LEG, identifiers=None), again)
        await journal.close()

    in_loop(scenario())


def test_sealed_identifiers_open_in_their_own_row_only_and_keep_no_switch_from_starting(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        await journal.append([], [LegPut(LEG), LegPut(msgspec.structs.replace(LEG, leg="leg_2"))])
        await journal.close()
        connection = connect_writing(tmp_path / JOURNAL_FILE)
        ((data,),) = connection.execute("SELECT data FROM legs WHERE leg = 'leg_1'").fetchall()
        connection.execute("UPDATE legs SET data = ? WHERE leg = 'leg_2'", (data.replace(b"leg_1", b"leg_2"),))
        connection.close()
        journal, state = opened(tmp_path)
        assert [leg.identifiers for leg in state.legs] == [LEG.identifiers, None]
        await journal.close()

    in_loop(scenario())


def test_legs_that_an_earlier_version_stored_in_the_clear_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        (tmp_path / JOURNAL_FILE).touch()
        connection = connect_writing(tmp_path / JOURNAL_FILE)
        with monkeypatch.context() as earlier:
            earlier.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
            schema.migrate(connection, tmp_path / JOURNAL_FILE)
        connection.execute("INSERT INTO legs VALUES ('leg_1', '+15125550100')")
        connection.close()
        journal, state = opened(tmp_path)
        assert state.legs == ()
        await journal.close()
        for file, data in files_of(tmp_path).items():
            assert b"5125550100" not in data, file

    in_loop(scenario())


def test_the_contact_secret_is_made_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        secrets = []
        for _ in range(2):
            journal, state = opened(tmp_path)
            secrets.append(state.contact_secret)
            await journal.close()
        assert secrets[0] == secrets[1]
        assert len(secrets[0]) == 32

    in_loop(scenario())


def test_windows_and_contacts_long_past_are_forgotten_at_the_next_start(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        past, kept = (CounterId("acme", "buyer", key, "connect", "day", "both") for key in ("past", "kept"))
        since_ms = NOW_MS - store.CONTACTS_KEPT_MS
        happened = [
            ContactHad("acme", "aa", Seen("connect", since_ms - 1, "injury", "ann", "c1")),
            ContactHad("acme", "aa", Seen("incoming", since_ms + 9, "injury", None, "c2")),
            ContactHad("acme", "bb", Seen("incoming", since_ms + 5, "injury", None, "c3")),
            ContactHad("acme", "bb", Seen("incoming", since_ms + 7, "injury", None, "c4")),
        ]
        await journal.append(
            [],
            [
                CounterSet(past, 0, NOW_MS - store.WINDOWS_KEPT_MS - 1, 1),
                CounterSet(kept, 0, NOW_MS - store.WINDOWS_KEPT_MS, 1),
                CounterSet(kept, 0, 0, 1),
                ContactSeen("acme", "injury", "old", NOW_MS - store.CONTACTS_KEPT_MS - 1),
                *happened,
            ],
        )
        await journal.close()
        journal, state = opened(tmp_path)
        assert {counter.counter.key for counter in state.counters} == {"kept"}
        contacts = ContactsReader(tmp_path)
        assert contacts.newest(NOW_MS - store.CONTACTS_KEPT_MS, 9, lambda: True) == {}
        assert contacts.knows(("acme", "injury", "old"))
        for piece in contacts.older(NOW_MS - store.CONTACTS_KEPT_MS):
            assert piece == [("acme", "injury", "old")]
            await journal.forget_contacts(piece)
        assert not contacts.knows(("acme", "injury", "old"))
        assert [seen.call for seen in contacts.happened("acme", "aa")] == ["c1", "c2"]
        assert contacts.happened("acme", "bb") == (happened[3].seen,), "the newest of its kind"
        assert list(contacts.histories(since_ms, 9, packed, lambda: True)) == [b"\xbb", b"\xaa"]
        newest = contacts.histories(since_ms, 1, packed, lambda: True)
        assert {key: unpacked(value) for key, value in newest.items()} == {b"\xaa": (happened[1].seen,)}
        for rows in contacts.happened_before(since_ms):
            await journal.forget_contact_events(rows)
        assert [seen.call for seen in contacts.happened("acme", "aa")] == ["c2"]
        contacts.close()
        await journal.close()
        with pytest.raises(JournalUnavailable):
            await journal.forget_contacts([("acme", "injury", "old")])

    in_loop(scenario())


def test_no_personal_field_is_readable_in_any_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        await journal.append([received()])
        for file, data in files_of(tmp_path).items():
            assert b"5125550100" not in data, file
            assert stat.S_IMODE(os.stat(file).st_mode) == 0o600, file
        await journal.close()

    in_loop(scenario())


def test_erasing_a_contact_removes_its_key_from_every_file_and_breaks_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        await journal.append([received(), Entry(received("call_2").event, "other")])
        connection = connect_writing(tmp_path / JOURNAL_FILE)
        ((key,),) = connection.execute("SELECT key FROM contact_keys WHERE contact = ?", (CONTACT,)).fetchall()
        connection.close()
        await journal.erase(CONTACT)
        await journal.erase("nobody")
        for file, data in files_of(tmp_path).items():
            assert key not in data, file
        await journal.append([received("call_3", "+15125550199")])
        with JournalReader(tmp_path) as reader:
            first, other, again = reader.tail()
            assert first.erased
            assert isinstance(first.event, CallReceived)
            assert (first.event.caller, first.event.caller_given, first.event.campaign) == (None, "", "injury")
            assert not other.erased
            assert not again.erased
            assert again.event == received("call_3", "+15125550199").event
            assert reader.verify().events == 3
        await journal.close()

    in_loop(scenario())


@pytest.mark.parametrize(
    ("damage", "row"),
    [
        ("UPDATE events SET at_ms = at_ms + 1 WHERE seq = 2", 2),
        ("UPDATE events SET body = replace(body, 'sold', 'free') WHERE seq = 4", 4),
        ("DELETE FROM events WHERE seq = 3", 3),
        ("UPDATE events SET hash = zeroblob(32) WHERE seq = 1", 1),
    ],
)
def test_a_changed_or_missing_row_is_found(tmp_path: Path, damage: str, row: int) -> None:
    in_loop(write(tmp_path, *(ended(f"call_{n}") for n in range(5))))
    connection = connect_writing(tmp_path / JOURNAL_FILE)
    assert connection.execute(damage).rowcount == 1
    connection.close()
    with JournalReader(tmp_path) as reader, pytest.raises(JournalDamaged, match=f"row {row} "):
        reader.verify()


def test_following_gives_what_is_there_and_then_what_comes(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        await journal.append([ended("call_0")])
        with JournalReader(tmp_path) as reader:
            done = False
            records = reader.follow(until=lambda: done, poll_s=0.001)
            assert next(records).position.seq == 1
            await journal.append([ended("call_1")])
            assert next(records).position.seq == 2
            done = True
            assert list(records) == []
        await journal.close()

    in_loop(scenario())


def test_a_second_switch_is_told_who_the_first_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        with pytest.raises(JournalLocked, match=f"process {os.getpid()}"):
            opened(tmp_path)
        await journal.close()
        journal, _ = opened(tmp_path)
        await journal.close()
        await journal.close()

    in_loop(scenario())


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_FILE
    path.write_bytes(b"these are not the bytes of a database, but there are enough of them" * 50)
    before = path.read_bytes()
    for attempt in (lambda: opened(tmp_path), lambda: JournalReader(tmp_path)):
        with pytest.raises(JournalForeign, match="not a journal"):
            attempt()
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    connection = library.connect(tmp_path / JOURNAL_FILE)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    for attempt in (lambda: opened(tmp_path), lambda: JournalReader(tmp_path)):
        with pytest.raises(JournalForeign, match="another program"):
            attempt()


def test_the_journal_of_another_switch_or_a_newer_version_is_refused(tmp_path: Path) -> None:
    in_loop(write(tmp_path, ended()))
    with pytest.raises(JournalForeign, match="switch 'sw1', not of 'sw2'"):
        open_journal(tmp_path, "sw2", os.urandom, now_ms=NOW_MS)
    connection = connect_writing(tmp_path / JOURNAL_FILE)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    for attempt in (lambda: opened(tmp_path), lambda: JournalReader(tmp_path)):
        with pytest.raises(JournalForeign, match=r"newer Trunkline.*99"):
            attempt()


def test_reading_where_there_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalMissing, match="no journal in"):
        JournalReader(tmp_path / "nowhere")
    (tmp_path / JOURNAL_FILE).touch()
    with pytest.raises(JournalMissing, match="is empty"):
        JournalReader(tmp_path)


def test_a_data_folder_that_can_not_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalMissing, match="can not be used"):
        opened(tmp_path / "file")


def test_a_position_of_another_stream_is_refused(tmp_path: Path) -> None:
    in_loop(write(tmp_path, ended()))
    with JournalReader(tmp_path) as reader, pytest.raises(JournalForeign, match="'sw9'"):
        reader.tail(Position("sw9", 1))


@pytest.mark.parametrize(("version", "sound"), [((3, 40, 1), False), ((3, 51, 2), False), ((3, 51, 3), True)])
def test_a_sqlite_that_damages_journals_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], sound: bool
) -> None:
    problem = sqlite_version_problem(version)
    assert (problem is None) == sound
    if not sound:
        monkeypatch.setattr("trunkline.journal.sqlite.VERSION", version)
        with pytest.raises(SqliteTooOld, match=r"3\.51\.3 or newer"):
            opened(tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_a_closed_journal_takes_nothing_and_what_was_appended_before_is_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        last = journal.append([ended()])
        closing = asyncio.ensure_future(journal.close())
        await asyncio.sleep(0)
        assert not journal.healthy
        with pytest.raises(JournalUnavailable, match="closed"):
            await journal.append([ended()], finishing=True)
        with pytest.raises(JournalUnavailable, match="closed"):
            await journal.erase(CONTACT)
        await closing
        assert (await last).seq == 1

    in_loop(scenario())


def test_a_waiter_that_is_cancelled_disturbs_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        gone, stays = journal.append([ended("call_1")]), journal.append([ended("call_2")])
        gone.cancel()
        assert (await stays).seq == 2
        assert journal.waiting == 0
        await journal.close()

    in_loop(scenario())


def test_more_waiters_than_allowed_are_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "WAITING_MAX", 3)

    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        taken = [journal.append([ended()]) for _ in range(3)]
        with pytest.raises(JournalOverloaded, match="3 appends"):
            await journal.append([ended()])
        taken += [journal.append([ended()], finishing=True) for _ in range(3)]
        with pytest.raises(JournalOverloaded):
            await journal.append([ended()], finishing=True)
        assert journal.healthy
        assert [position.seq for position in await asyncio.gather(*taken)] == [1, 2, 3, 4, 5, 6]
        await journal.append([ended()])
        await journal.close()

    in_loop(scenario())


def test_an_event_that_can_not_be_encoded_is_its_authors_problem_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        broken = msgspec.structs.replace(ended().event, outcome=object())
        good = journal.append([ended()])
        with pytest.raises(TypeError):
            journal.append([Entry(broken)])
        with pytest.raises(AssertionError, match="no contact"):
            journal.append([Entry(received().event)])
        assert (await good).seq == 1
        assert (await journal.append([ended()])).seq == 2
        await journal.close()

    in_loop(scenario())


def test_a_change_that_can_not_be_written_fails_its_waiter_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal, _ = opened(tmp_path)
        before = journal.append([ended("call_1")])
        bad = journal.append([ended("call_2")], ["no change"])  # type: ignore[list-item]
        after = journal.append([ended("call_3")])
        with pytest.raises(KeyError):
            await bad
        assert [(await before).seq, (await after).seq] == [1, 2]
        assert journal.healthy
        await journal.close()

    in_loop(scenario())
