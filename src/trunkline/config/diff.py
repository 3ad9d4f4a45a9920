"""What differs between two configurations, object by object.

Objects that have a key are matched by it, so that reordering a list shows nothing but the order where that counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from trunkline.config.schema import Snapshot
from trunkline.kernel.money import Money

_NAMES = ("key", "number", "name")
_ORDERED = frozenset({"tiers", "payouts"})
"""Lists of keyed objects whose order decides."""


class Change(msgspec.Struct, frozen=True):
    """One difference: `path` as in messages of `check`, `before` and `after` as JSON values (None: not there)."""

    path: str
    change: Literal["added", "removed", "changed", "reordered"]
    before: Any = None
    after: Any = None


def differences(before: Snapshot, after: Snapshot) -> list[Change]:
    """Every difference, in the order of the format; empty for configurations that decide the same."""
    return [*_between("", _plain(before), _plain(after))]


def _plain(snapshot: Snapshot) -> dict[str, Any]:
    whole = {"platform": snapshot.platform, "accounts": {each.account.key: each for each in snapshot.accounts}}
    plain: dict[str, Any] = msgspec.to_builtins(_readable(whole))
    return plain


def _readable(value: Any) -> Any:
    """Structs as dictionaries without what says nothing, amounts as texts in major units."""
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return {name: _readable(each) for name, each in fields.items() if each not in (None, (), {}, False)}
    if isinstance(value, dict):
        return {str(name): _readable(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_readable(each) for each in value]
    return value


def _between(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys((*before, *after)):
            yield from _field(f"{path}.{name}" if path else name, name, before.get(name), after.get(name))
        return
    yield Change(path, "changed", before, after)


def _field(path: str, name: str, before: Any, after: Any) -> Iterator[Change]:
    if before is None or after is None:
        yield from _appearance(path, before, after)
        return
    if not (isinstance(before, list) and isinstance(after, list)):
        yield from _between(path, before, after)
        return
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None:
        yield from _between(path, before, after)
        return
    for key in dict.fromkeys((*old, *new)):
        here = f"{path}[{key}]"
        yield from (
            _field(here, key, old.get(key), new.get(key))
            if key in old and key in new
            else _appearance(here, old.get(key), new.get(key))
        )
    if name in _ORDERED and [key for key in old if key in new] != [key for key in new if key in old]:
        yield Change(path, "reordered", list(old), list(new))


def _appearance(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before is None and after is not None:
        yield Change(path, "added", None, after)
    elif after is None and before is not None:
        yield Change(path, "removed", before, None)


def _by_name(items: Sequence[Any]) -> dict[str, Any] | None:
    """The items by key, None when they have none or it is not unique."""
    found: dict[str, Any] = {}
    for item in items:
        name = next((item[field] for field in _NAMES if field in item), None) if isinstance(item, dict) else None
        if not isinstance(name, str) or name in found:
            return None
        found[name] = item
    return found
