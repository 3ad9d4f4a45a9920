"""Secrets that a configuration names and does not hold: `${ENV:NAME}` is the value of an environment variable.

The configuration keeps the name everywhere: in its files, in the copies beside the journal, in what is compared and
shown. The value is put in its place in a copy of the one object that is about to be used (`Secrets.of`), which nobody
stores; and whatever others say, who may repeat what they were sent, is shown with the name again (`Secrets.masked`).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus

import msgspec

from trunkline.config.schema import AccountConfig, Snapshot
from trunkline.config.walk import walk
from trunkline.kernel.errors import EnvironmentFault

S = TypeVar("S", bound=msgspec.Struct | None)
Named = tuple[str, msgspec.Struct | str | None]
"""Where an object, or one text, stands, and what stands there."""

MASKED_FROM: Final = 4
"""Characters from which on a value is masked: what is shorter stands in any text."""
COPIES_MAX: Final = 100_000
_HOLDERS_A_STEP: Final = 20
"""Each takes some 20 µs to look through."""
_REFERENCE: Final = re.compile(r"\$\{ENV:([A-Za-z_][A-Za-z0-9_]{0,127})\}")
_LOOKS_LIKE_ONE: Final = re.compile(r"\$\{[^}]*\}?")
_NO_TEMPLATES: Final = frozenset({"host", "password", "to", "user", "username"})
"""Fields that are used as they are. Everywhere else a bracket begins a place (`templates.py`)."""


class MissingSecret(EnvironmentFault):
    """An environment variable that the configuration takes a secret from is not set, is empty, or cannot be sent."""


def variables(text: str) -> tuple[str, ...]:
    """The variables that a text names."""
    return tuple(_REFERENCE.findall(text)) if "${" in text else ()


def unresolved(text: str) -> str:
    """A text with something plain in place of each reference, for checks of all else in it."""
    return _REFERENCE.sub("x", text) if "${" in text else text


def misspelt(text: str) -> str | None:
    """The first thing in a text that was meant as a reference and is none; None when there is none."""
    if "${" not in text:
        return None
    return next((found for found in _LOOKS_LIKE_ONE.findall(text) if _REFERENCE.fullmatch(found) is None), None)


def texts(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text inside a struct with its path, by the names that the file has for them."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from texts(getattr(value, name), (*path, _WRITTEN.get(name, name)))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts(inner, (*path, key))
    elif isinstance(value, tuple):
        for place, inner in enumerate(value):
            yield from texts(inner, (*path, place))


_WRITTEN: Final = {"sender": "from"}


class Secrets:
    """The secrets of one configuration: values by the name of their variable. Shown, it shows the names alone."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        shown = {
            form: f"${{ENV:{name}}}"
            for name, value in values.items()
            if len(value) >= MASKED_FROM
            for form in (value, quote(value, safe=""), quote_plus(value))
        }
        self._masks = sorted(shown.items(), key=lambda pair: len(pair[0]), reverse=True)
        self._copies: dict[int, tuple[msgspec.Struct, msgspec.Struct]] = {}

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values))})"

    def of(self, value: S) -> S:
        """The object with its secrets in place, the same one when it names none. For use now, not to be kept."""
        if value is None:
            return value
        known = self._copies.get(id(value))
        if known is not None and known[0] is value:
            return known[1]  # type: ignore[return-value]
        filled: S = self._filled(value, "")
        if len(self._copies) >= COPIES_MAX:
            self._copies.clear()  # somebody asks for objects that are none of the configuration's own
        self._copies[id(value)] = (value, filled)  # type: ignore[assignment]
        return filled

    def template(self, text: str) -> str:
        """A template that stands alone, with its secrets in place."""
        return self._text(text, "")

    def value(self, variable: str) -> str:
        """The value of a variable that a field called `…_env` names. Raises KeyError for one that nothing names."""
        return self._values[variable]

    def masked(self, text: str) -> str:
        """What somebody else has said, without the values of our secrets."""
        for value, name in self._masks:
            text = text.replace(value, name)
        return text

    def _filled(self, value: Any, field: str) -> Any:
        if isinstance(value, str):
            return self._text(value, field) if "${" in value else value
        if isinstance(value, msgspec.Struct):
            changed = {
                name: filled
                for name in value.__struct_fields__
                if (filled := self._filled(inner := getattr(value, name), name)) is not inner
            }
            return msgspec.structs.replace(value, **changed) if changed else value
        if isinstance(value, Mapping):
            mapping = {key: self._filled(inner, field) for key, inner in value.items()}
            return mapping if any(mapping[key] is not value[key] for key in mapping) else value
        if isinstance(value, tuple):
            items = tuple(self._filled(inner, field) for inner in value)
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        return value

    def _text(self, text: str, field: str) -> str:
        def value_of(match: re.Match[str]) -> str:
            value = self._values[match[1]]
            return value if field in _NO_TEMPLATES else value.replace("[", "[[")

        return _REFERENCE.sub(value_of, text)


def secrets_of(snapshot: Snapshot, environment: Mapping[str, str]) -> Secrets:
    """The secrets that a configuration names. Raises MissingSecret with every missing variable and its place."""
    steps = gathering(snapshot, environment)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Secrets = end.value
            return found


def gathering(snapshot: Snapshot, environment: Mapping[str, str]) -> Generator[None, None, Secrets]:
    """The same in small steps, for whoever has something else to do meanwhile. Raises MissingSecret."""
    gathered = Gathering(environment)
    gathered.add(platform_holders(snapshot))
    for config in snapshot.accounts:
        for place, holder in enumerate(account_holders(config)):
            if place % _HOLDERS_A_STEP == 0:
                yield
            gathered.add((holder,))
    return gathered.secrets()


def platform_holders(snapshot: Snapshot) -> Iterator[Named]:
    """The objects of the platform that may name secrets."""
    yield "outbound.smtp", snapshot.platform.outbound.smtp


def account_holders(config: AccountConfig) -> Iterator[Named]:
    """The objects of an account that may name secrets, with where they stand."""
    for campaign in config.campaigns:
        if campaign.leads.trustedform is not None or campaign.leads.lookups:
            yield f"account {config.account.key}, campaigns[{campaign.key}].leads", campaign.leads
    for target in config.targets:
        if target.deliver is not None or target.bid is not None:
            place = f"account {config.account.key}, targets[{target.key}]"
            yield f"{place}.deliver", target.deliver
            yield f"{place}.bid", target.bid
            yield f"{place}.test_url", target.test_url


class Gathering:
    """Looks up what objects name, one after the other."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._values: dict[str, str] = {}
        self._missing: list[str] = []
        self._unfit: list[str] = []

    def add(self, holders: Iterable[Named]) -> None:
        """Look up what these objects name in their texts, and in fields that are called `…_env`."""
        for place, value in holders:
            for path, text in texts(value):
                for name in variables(text):
                    self._look_up(name, ".".join((place, *map(str, path))), one_line=True)
            for path, holder in walk(value):
                for field in holder.__struct_fields__:
                    if field.endswith("_env") and (name := getattr(holder, field)):
                        self._look_up(name, f"{place}.{'.'.join(map(str, (*path, field)))}", one_line=False)

    def _look_up(self, name: str, place: str, *, one_line: bool) -> None:
        value = self._environment.get(name, "")
        if not value:
            self._missing.append(f"{name} ({place})")
        elif one_line and not value.isprintable():
            self._unfit.append(f"{name} ({place})")
        else:
            self._values[name] = value

    def secrets(self) -> Secrets:
        """All that was found. Raises MissingSecret."""
        if self._missing:
            raise MissingSecret(
                f"no value is set for {', '.join(self._missing)}",
                hint="set each in the environment of switch and worker, for example in the unit file of the service",
            )
        if self._unfit:
            raise MissingSecret(
                f"there is a line end, or another control character, in {', '.join(self._unfit)}",
                hint="set each variable to one line without anything around the value",
            )
        return Secrets(self._values)
