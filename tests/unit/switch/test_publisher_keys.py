"""Keys of publishers that commands make: which are good when, and what is refused."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.cli.keys import make_key
from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Account, AccountConfig, Publisher
from trunkline.events.changes import KeyDrop, KeyPut
from trunkline.journal.schema import migrate
from trunkline.journal.sqlite import connect_writing
from trunkline.journal.tables import read_publisher_keys, write_changes
from trunkline.kernel.clock import SECOND, Instant
from trunkline.switch.commands.command import CommandRefused, Done
from trunkline.switch.commands.keys import COMMANDS
from trunkline.switch.leads.keys import KEYS_MAX, SCOPES, KeyRing, key_id

pytestmark = pytest.mark.unit

START = Instant(0, 1_795_446_000_000)
HOUR = 3_600 * SECOND
CONFIGURED = hashlib.sha256(b"configured").hexdigest()


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


class Switch:
    """What commands about keys know of the switch."""

    def __init__(self) -> None:
        publishers = (Publisher(key="adwave", keys=(CONFIGURED,)), Publisher(key="own"))
        config = AccountConfig(account=Account(key="acme", timezone="UTC"), publishers=publishers)
        self.keys = KeyRing()
        self.plant: Any = SimpleNamespace(
            keys=self.keys, world=SimpleNamespace(accounts={"acme": AccountIndex(config)})
        )
        self.now = START

    def do(self, name: str, **args: Any) -> Done:
        command = next(command for command in COMMANDS if command.name == f"keys.{name}")
        return asyncio.run(command.run(self.plant, command.args(**args), self.now))

    def good(self, name: str) -> list[tuple[str, tuple[str, ...]]]:
        return [(key.publisher, key.scopes) for key in self.keys.find(digest(name), self.now.utc_ms)]


def test_a_key_is_good_until_it_is_revoked() -> None:
    switch = Switch()
    done = switch.do("add", publisher="adwave", sha256=digest("one"), scopes=("pings", "leads"))
    assert switch.good("one") == [("adwave", ("leads", "pings"))]
    assert done.changes == (KeyPut("acme", "adwave", digest("one"), ("leads", "pings"), START.utc_ms),)
    assert done.result["added"]["id"] == key_id(digest("one"))
    done = switch.do("revoke", publisher="adwave", id=key_id(digest("one")))
    assert switch.good("one") == []
    assert done.changes == (KeyDrop("acme", digest("one")),)


def test_a_rotated_key_stays_good_for_its_grace_and_not_longer() -> None:
    switch = Switch()
    switch.do("add", publisher="adwave", sha256=digest("one"), scopes=("leads",))
    switch.do("rotate", publisher="adwave", sha256=digest("two"), grace_hours=48)
    switch.now = START.later(HOUR)
    switch.do("rotate", publisher="adwave", sha256=digest("three"), grace_hours=72)
    assert switch.good("one") == switch.good("two") == switch.good("three") == [("adwave", ("leads",))]
    switch.now = START.later(48 * HOUR)
    assert switch.good("one") == [], "another rotation does not put its end off"
    assert switch.good("two") == [("adwave", ("leads",))]
    switch.now = START.later(73 * HOUR)
    assert switch.good("two") == []
    drops = switch.do("rotate", publisher="adwave", sha256=digest("four"), grace_hours=0).changes
    assert {change.sha256 for change in drops if isinstance(change, KeyDrop)} == {
        digest("one"),
        digest("two"),
        digest("three"),
    }
    assert switch.good("three") == []
    assert switch.good("four") == [("adwave", ("leads",))]


def test_one_of_several_is_rotated() -> None:
    switch = Switch()
    switch.do("add", publisher="own", sha256=digest("one"))
    switch.do("add", publisher="own", sha256=digest("two"))
    switch.do("rotate", publisher="own", sha256=digest("three"), grace_hours=0, id=key_id(digest("one")))
    assert switch.good("one") == []
    assert switch.good("two") == switch.good("three") == [("own", SCOPES)]


def test_what_the_disk_refuses_has_not_happened() -> None:
    switch = Switch()
    switch.do("add", publisher="own", sha256=digest("one"))
    for name, args in (
        ("rotate", {"publisher": "own", "sha256": digest("two"), "grace_hours": 0}),
        ("revoke", {"publisher": "own", "all": True}),
        ("add", {"publisher": "own", "sha256": digest("two")}),
    ):
        done = switch.do(name, **args)
        assert done.undo is not None
        done.undo()
        assert switch.good("one") == [("own", SCOPES)], name
        assert switch.good("two") == [], name


def test_the_list_shows_configured_keys_too_and_no_hash_whole() -> None:
    switch = Switch()
    switch.do("add", publisher="own", sha256=digest("one"))
    shown = switch.do("list").result
    assert [(row["publisher"], row["id"], row["from"]) for row in shown["keys"]] == [
        ("adwave", key_id(CONFIGURED), "configuration"),
        ("own", key_id(digest("one")), "command"),
    ]
    assert CONFIGURED not in str(shown)
    assert len(switch.do("list", publisher="own").result["keys"]) == 1


def test_keys_of_a_publisher_that_is_gone_are_shown_and_can_be_revoked() -> None:
    switch = Switch()
    switch.do("add", publisher="own", sha256=digest("one"))
    config = AccountConfig(account=Account(key="acme", timezone="UTC"), publishers=(Publisher(key="adwave"),))
    switch.plant.world.accounts["acme"] = AccountIndex(config)
    for args in ({}, {"publisher": "own"}):
        assert [row["publisher"] for row in switch.do("list", **args).result["keys"]] == ["own"]
    with pytest.raises(CommandRefused, match="no publisher"):
        switch.do("rotate", publisher="own", sha256=digest("two"))
    assert len(switch.do("revoke", publisher="own", all=True).result["revoked"]) == 1
    assert switch.good("one") == []
    with pytest.raises(CommandRefused, match="no publisher"):
        switch.do("revoke", publisher="own", all=True)


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("add", {"publisher": "adwaev", "sha256": digest("x")}, "no publisher"),
        ("add", {"publisher": "own", "sha256": "x" * 64}, "no SHA-256"),
        ("add", {"publisher": "own", "sha256": digest("x").upper()}, "no SHA-256"),
        ("add", {"publisher": "own", "sha256": CONFIGURED}, "in force already"),
        ("add", {"publisher": "own", "sha256": digest("x"), "scopes": ("leads", "all")}, "no scope all"),
        ("add", {"publisher": "own", "sha256": digest("x"), "scopes": ()}, "no scope"),
        ("rotate", {"publisher": "own", "sha256": digest("x")}, "no key that a command has made"),
        ("rotate", {"publisher": "adwave", "sha256": digest("x"), "grace_hours": -1}, "-1 hours"),
        ("revoke", {"publisher": "own"}, "say which"),
        ("revoke", {"publisher": "own", "id": "a", "all": True}, "say which"),
        ("revoke", {"publisher": "adwave", "id": key_id(CONFIGURED)}, "stands in the configuration"),
        ("list", {"publisher": "nobody"}, "no publisher"),
    ],
)
def test_what_is_refused(name: str, args: dict[str, Any], said: str) -> None:
    switch = Switch()
    with pytest.raises(CommandRefused, match=said):
        switch.do(name, **args)
    assert switch.keys.of("acme", None, START.utc_ms) == []


def test_a_publisher_has_so_many_keys_at_most() -> None:
    switch = Switch()
    for place in range(KEYS_MAX):
        switch.do("add", publisher="own", sha256=digest(str(place)))
    with pytest.raises(CommandRefused, match="the most"):
        switch.do("add", publisher="own", sha256=digest("more"))


def test_keys_outlive_the_process(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    connection = connect_writing(tmp_path / "journal.db")
    migrate(connection, tmp_path / "journal.db")
    one = KeyPut("acme", "own", digest("one"), ("leads", "pings"), 1, 0)
    two = KeyPut("acme", "own", digest("two"), ("returns",), 2, 0)
    ended = KeyPut("acme", "own", digest("one"), ("leads", "pings"), 1, 99)
    write_changes(connection, [one, two])
    assert read_publisher_keys(connection) == (one, two)
    write_changes(connection, [ended, KeyDrop("acme", digest("two"))])
    assert read_publisher_keys(connection) == (ended,)
    connection.close()


def test_every_key_is_another_and_long() -> None:
    keys = {make_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("tl_") and len(key) == 46 for key in keys)
