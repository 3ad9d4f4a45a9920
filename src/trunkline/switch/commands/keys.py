"""`keys.add`, `keys.rotate`, `keys.revoke`, `keys.list`: the API keys of publishers.

Whoever makes a key makes it on its own machine and sends its SHA-256: the key itself is in no journal, no log and no
answer that is kept for repetitions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, Final

from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Publisher
from trunkline.events.changes import KeyDrop, KeyPut
from trunkline.kernel.clock import Instant, iso
from trunkline.switch.commands.accounts import account_of
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done
from trunkline.switch.leads.keys import KEYS_MAX, SCOPES, SHA256, key_id
from trunkline.switch.plant import Plant

GRACE_HOURS_MAX: Final = 24 * 90
_HOUR_MS: Final = 3_600_000


class AddKey(Args, frozen=True, kw_only=True):
    """A key with this SHA-256 (64 hexadecimal digits) is good for `scopes`: all, when none are said."""

    publisher: str
    sha256: str
    scopes: tuple[str, ...] = SCOPES
    account: str | None = None


class RotateKey(Args, frozen=True, kw_only=True):
    """A new key with the scopes of those before, which end `grace_hours` from now; `id` names one of them."""

    publisher: str
    sha256: str
    grace_hours: int = 24
    id: str | None = None
    account: str | None = None


class RevokeKey(Args, frozen=True, kw_only=True):
    """The key called `id` ends now; with `all`, every key of the publisher that a command has made."""

    publisher: str
    id: str | None = None
    all: bool = False
    account: str | None = None


class ListKeys(Args, frozen=True, kw_only=True):
    """The keys of one publisher, or of all."""

    publisher: str | None = None
    account: str | None = None


async def add(plant: Plant, args: AddKey, now: Instant) -> Done:
    """One more key. Those before stay good."""
    account, publisher = _publisher(plant, args.account, args.publisher)
    _check_hash(plant, args.sha256, now)
    unknown = [scope for scope in args.scopes if scope not in SCOPES]
    if unknown or not args.scopes:
        raise CommandRefused(
            f"there is no scope {', '.join(unknown) or 'named'}", hint=f"there are {', '.join(SCOPES)}"
        )
    if len(plant.keys.of(account, publisher.key, now.utc_ms)) >= KEYS_MAX:
        raise CommandRefused(
            f"{publisher.key} has {KEYS_MAX} keys, the most there can be", hint="revoke old ones first"
        )
    scopes = tuple(scope for scope in SCOPES if scope in args.scopes)
    made = KeyPut(account, publisher.key, args.sha256, scopes, now.utc_ms)
    return _done(plant, account, [made, *_tidied(plant, account, now)], {"added": _row(made)}, [])


async def rotate(plant: Plant, args: RotateKey, now: Instant) -> Done:
    """A new key in the place of one, or of all, that commands have made."""
    account, publisher = _publisher(plant, args.account, args.publisher)
    _check_hash(plant, args.sha256, now)
    if not 0 <= args.grace_hours <= GRACE_HOURS_MAX:
        raise CommandRefused(
            f"the old key cannot stay good for {args.grace_hours} hours", hint=f"0 to {GRACE_HOURS_MAX}"
        )
    before = _named(plant, account, publisher, args.id, now)
    until_ms = now.utc_ms + args.grace_hours * _HOUR_MS
    scopes = tuple(scope for scope in SCOPES if any(scope in key.scopes for key in before))
    made = KeyPut(account, publisher.key, args.sha256, scopes, now.utc_ms)
    ending = [_ended(key, until_ms, now) for key in before]
    shown = {"added": _row(made), "ending": [_row(each) for each in ending if isinstance(each, KeyPut)]}
    return _done(plant, account, [made, *ending, *_tidied(plant, account, now)], shown, before)


async def revoke(plant: Plant, args: RevokeKey, now: Instant) -> Done:
    """End keys now."""
    account = account_of(plant, args.account).config.account.key
    if plant.keys.of(account, args.publisher, now.utc_ms):  # also of one that is not configured any more
        publisher = plant.world.accounts[account].publishers.get(args.publisher, Publisher(key=args.publisher))
    else:
        _, publisher = _publisher(plant, args.account, args.publisher)
    if (args.id is None) is not args.all:
        raise CommandRefused("say which key, or all of them", hint="./trunkline keys list shows the ids")
    before = _named(plant, account, publisher, args.id, now)
    drops = [KeyDrop(account, key.sha256) for key in before]
    shown = {"revoked": [_row(key) for key in before]}
    return _done(plant, account, [*drops, *_tidied(plant, account, now)], shown, before)


async def list_keys(plant: Plant, args: ListKeys, now: Instant) -> Done:
    """Keys that commands have made, and those of the configuration, none of them readable."""
    index = account_of(plant, args.account)
    account = index.config.account.key
    made = plant.keys.of(account, args.publisher, now.utc_ms)
    if args.publisher is not None and not made:
        _publisher(plant, args.account, args.publisher)
    # Publishers that are not configured any more come last: their keys open nothing until they are back.
    names = list(index.publishers) if args.publisher is None else [args.publisher]
    names = list(dict.fromkeys((*names, *(key.publisher for key in made))))
    rows = []
    for name in names:
        configured = () if name not in index.publishers else index.publishers[name].keys
        rows += [
            {"publisher": name, "id": key_id(sha256), "from": "configuration", "scopes": list(SCOPES),
             "made": None, "until": None}
            for sha256 in configured
        ]  # fmt: skip
        rows += [_row(key) for key in made if key.publisher == name]
    return Done({"account": account, "keys": rows[:1_000], "more": max(0, len(rows) - 1_000)})


COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("keys.add", AddKey, add),
    Command("keys.rotate", RotateKey, rotate),
    Command("keys.revoke", RevokeKey, revoke),
    Command("keys.list", ListKeys, list_keys, changes=False),
)


def _publisher(plant: Plant, account: str | None, key: str) -> tuple[str, Publisher]:
    index: AccountIndex = account_of(plant, account)
    found = index.publishers.get(key)
    if found is None:
        close = get_close_matches(key, index.publishers, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(list(index.publishers)[:20])}"
        raise CommandRefused(f"there is no publisher {key!r}", hint=hint)
    return index.config.account.key, found


def _check_hash(plant: Plant, sha256: str, now: Instant) -> None:
    if SHA256.fullmatch(sha256) is None:
        raise CommandRefused(
            "this is no SHA-256", hint="send the 64 hexadecimal digits, in lower case, of the key's hash"
        )
    configured = any(
        sha256 in publisher.keys for index in plant.world.accounts.values() for publisher in index.config.publishers
    )
    if configured or next(plant.keys.find(sha256, now.utc_ms), None) is not None:
        raise CommandRefused(f"the key {key_id(sha256)} is in force already", hint="make another one")


def _named(plant: Plant, account: str, publisher: Publisher, id_: str | None, now: Instant) -> list[KeyPut]:
    """The keys of the publisher of that id, or all of them. Raises CommandRefused when there is none."""
    keys = plant.keys.of(account, publisher.key, now.utc_ms)
    found = [key for key in keys if id_ is None or key_id(key.sha256) == id_]
    if found:
        return found
    if any(id_ is not None and key_id(sha256) == id_ for sha256 in publisher.keys):
        raise CommandRefused(f"the key {id_} stands in the configuration", hint="take it out there, and reload")
    ids = ", ".join(key_id(key.sha256) for key in keys) or "none"
    what = "key" if id_ is None else f"key {id_}"
    raise CommandRefused(f"{publisher.key} has no {what} that a command has made", hint=f"made by command: {ids}")


def _ended(key: KeyPut, until_ms: int, now: Instant) -> KeyPut | KeyDrop:
    """The key with its end, which is not put off when one was set before."""
    if until_ms <= now.utc_ms:
        return KeyDrop(key.account, key.sha256)
    until_ms = min(until_ms, key.until_ms) if key.until_ms else until_ms
    return KeyPut(key.account, key.publisher, key.sha256, key.scopes, key.made_ms, until_ms)


def _tidied(plant: Plant, account: str, now: Instant) -> list[KeyDrop]:
    """Keys whose time is over take no room any more."""
    return [KeyDrop(key.account, key.sha256) for key in plant.keys.over(account, now.utc_ms)]


def _done(
    plant: Plant, account: str, changes: Sequence[KeyPut | KeyDrop], shown: dict[str, Any], before: Sequence[KeyPut]
) -> Done:
    plant.keys.apply(changes)
    return Done({"account": account, **shown}, changes=tuple(changes), undo=_undoing(plant, changes, before))


def _undoing(plant: Plant, changes: Sequence[KeyPut | KeyDrop], before: Sequence[KeyPut]) -> Callable[[], None]:
    def undo() -> None:
        for change in changes:
            plant.keys.drop(change.account, change.sha256)
        plant.keys.apply(before)

    return undo


def _row(key: KeyPut) -> dict[str, Any]:
    return {
        "publisher": key.publisher,
        "id": key_id(key.sha256),
        "from": "command",
        "scopes": list(key.scopes),
        "made": iso(key.made_ms),
        "until": iso(key.until_ms) if key.until_ms else None,
    }
