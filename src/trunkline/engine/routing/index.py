"""Criteria of many routes as bitmaps: one look-up and one AND per attribute, however many routes there are.

A `ValueTable` has a row for every value and every beginning that some route names, a `StepTable` one for every bound
that some route compares with and for what lies between. A row is the set of routes that pass. A route stands in each
table with one part; a second part about the same attribute (its plan's and its own) goes to a second table, and both
must hold. A long list has a table to itself. Of the parts of a choice one must hold: they stand in tables of their own,
in which routes without a choice are not (`ChoiceTable`).

A bitmap is a Python integer whose bit i stands for the route of rank i. A row that hardly differs from that of "any
other value" is kept as the ranks that differ: 100,000 routes with ZIP codes of their own would need gigabytes else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from trunkline.config.folds import Several, View
from trunkline.config.questions import size_of
from trunkline.engine.routing.parts import LARGE, Choice, Part, Piece, Steps
from trunkline.engine.routing.values import Known

Row = int | tuple[int, ...]
"""A bitmap, or the ranks in which it differs from the bitmap for any other value."""

_SPARSE_MAX = 64
_SPARSE_SHARE = 128
"""A row is kept as ranks when they are at most 64, and fewer than one in 128 routes."""
_SEVERAL_MAX = 1_024
_STRIDE = 32
"""A table of steps keeps every 32nd row whole when rows are large."""
_STEP_BYTES_MAX = 1 << 24
_VALUES_A_STEP = 400
"""Values looked at between two of the moments in which something else may go on."""
_CELLS_A_STEP = 100


class ValueTable:
    """The routes that one attribute leaves: by its value, by its longest named beginning, for all others."""

    __slots__ = ("_count", "_lengths", "_named", "_other", "_parts", "_prefixes", "_rows", "_several",
                 "_unknown", "_wary", "attr", "view")  # fmt: skip

    def __init__(self, attr: str, view: View, parts: dict[Part, list[int]], count: int, *, choice: bool) -> None:
        """Without its rows: `filling` makes them. Routes with no part are in all of them, in a `choice` in none."""
        self.attr = attr
        self.view: View = view
        self._count = count
        self._parts = parts
        free = 0 if choice else _others(parts, count)
        self._other = free | self._mask(part for part in parts if part.other)
        self._unknown = free | self._mask(part for part in parts if part.unknown)
        self._named: Mapping[str, Sequence[Part]] = {}
        """By value the parts that name it."""
        self._prefixes: dict[str, Row] = {}
        self._lengths: list[int] = []
        self._rows: dict[str | None, Row] = {None: self._unknown}
        self._wary = [part for part in parts if not part.only_named]
        """Parts that may refuse what they do not name, when what else it may be is not sure."""
        self._several: dict[Several, int] = {}

    def filling(self) -> Iterator[None]:
        """Make the rows, in small steps."""
        if (one := _only_large(self._parts)) is not None:
            verdict = one.verdict(next(iter(one.named)))
            self._named = dict.fromkeys(one.named, (one,))
            yield
            self._rows |= dict.fromkeys(one.named, self._row(() if verdict is one.other else (one,), {}))
            return
        named: dict[str, list[Part]] = {}
        work = 0
        for part in self._parts:
            for value in part.named:
                named.setdefault(value, []).append(part)
            work += len(part.named) + 1
            if work >= _VALUES_A_STEP:
                work = 0
                yield
        self._named = named
        rows: dict[tuple[Part, ...], Row] = {}
        begun = yield from _differing_by_prefix(self._parts)
        yield
        for prefix, differing in begun.items():
            made = len(rows)
            self._prefixes[prefix] = self._row(tuple(differing), rows)
            work += len(differing) + 1 + self._cost(len(rows) - made)
            if work >= _VALUES_A_STEP:
                work = 0
                yield
        self._lengths = sorted({len(prefix) for prefix in begun}, reverse=True)
        for value, naming in named.items():
            above = _longest(value, begun, self._lengths)
            differing = {} if above is None else dict(begun[above])
            for part in naming:
                _note(differing, part, part.verdict(value))
            made = len(rows)
            self._rows[value] = self._row(tuple(differing), rows)
            work += len(differing) + 1 + self._cost(len(rows) - made)
            if work >= _VALUES_A_STEP:
                work = 0
                yield

    def _cost(self, rows: int) -> int:
        """What making so many rows costs at most, in values that could be looked at meanwhile."""
        return rows * self._count >> 4

    def mask(self, known: Known) -> int:
        """The routes that this caller's value leaves."""
        value = known.look(self.view, self.attr)
        row = self._rows.get(value)  # type: ignore[arg-type]
        if row.__class__ is int:  # as it is nearly always
            return row
        if value is None:
            return self._unknown
        if not isinstance(value, str):
            return self._mask_of_several(value)
        row = self._rows.get(value)
        if row is None:
            prefix = _longest(value, self._prefixes, self._lengths) if self._lengths else None
            if prefix is None:
                return self._other
            row = self._prefixes[prefix]
        return row if isinstance(row, int) else self._other ^ bitmap(row, self._count)

    def _mask_of_several(self, several: Several) -> int:
        mask = self._several.get(several)
        if mask is None:
            if len(self._several) >= _SEVERAL_MAX:
                self._several.clear()
            differing = [part for part, chance in self._touched(several).items() if _says(part, several, chance)]
            mask = self._several[several] = self._other ^ self._mask(differing)
        return mask

    def _touched(self, several: Several) -> dict[Part, float]:
        """The parts that may say of these values what they do not say of others, with the chance of what they name."""
        chances = several.chances or (0.0,) * len(several.values)
        touched = dict.fromkeys(self._parts, 0.0) if self._lengths else {}
        if several.chances:
            touched |= dict.fromkeys(self._wary, 0.0)
        for value, chance in zip(several.values, chances, strict=True):
            for part in self._named.get(value, ()):
                touched[part] = touched.get(part, 0.0) + chance
        return touched

    def _row(self, differing: tuple[Part, ...], rows: dict[tuple[Part, ...], Row]) -> Row:
        """The row in which these parts say the opposite of what they say of other values; equal rows are one."""
        row = rows.get(differing)
        if row is None:
            ranks = [rank for part in differing for rank in self._parts[part]]
            if len(ranks) <= min(_SPARSE_MAX, self._count // _SPARSE_SHARE):
                row = tuple(ranks)
            else:
                row = self._other ^ bitmap(ranks, self._count)
            rows[differing] = row
        return row

    def _mask(self, parts: Iterable[Part]) -> int:
        return bitmap((rank for part in parts for rank in self._parts[part]), self._count)


class StepTable:
    """The routes that a number or date leaves, by where it lies among the bounds that routes compare with."""

    __slots__ = ("_bounds", "_changes", "_count", "_free", "_rows", "_size", "_stride", "_unknown", "attr")
    view: View = "value"

    def __init__(self, attr: str, parts: dict[Steps, list[int]], count: int, *, choice: bool) -> None:
        """Without its rows: `filling` makes them. Routes with no part are in all of them, in a `choice` in none."""
        kind = next(iter(parts)).kind
        self.attr = attr
        self._count = count
        self._size: Callable[[str], Any] = size_of(kind)
        self._bounds: list[Any] = sorted({bound for part in parts for bound in part.bounds})
        self._free = 0 if choice else _others(parts, count)
        self._changes: list[tuple[int, ...]] = []
        self._rows: list[int] = []
        self._stride = 1 if (2 * len(self._bounds) + 1) * count <= 8 * _STEP_BYTES_MAX else _STRIDE
        self._unknown = 0

    def filling(self, parts: dict[Steps, list[int]]) -> Iterator[None]:
        """Make the rows of the parts that it was made for, in small steps."""
        count, free = self._count, self._free
        self._unknown = free | bitmap((rank for part, ranks in parts.items() if part.unknown for rank in ranks), count)
        places = {bound: place for place, bound in enumerate(self._bounds)}
        changes: list[list[int]] = [[] for _ in range(2 * len(self._bounds) + 1)]
        """For each cell the ranks whose verdict is not that of the cell before."""
        work = 0
        for part, ranks in parts.items():
            for place, bound in enumerate(part.bounds):
                at = 2 * places[bound] + 1
                before, on, after = part.verdicts[2 * place : 2 * place + 3]
                if on is not before:
                    changes[at] += ranks
                if after is not on:
                    changes[at + 1] += ranks
            work += len(part.bounds) + 1
            if work >= _VALUES_A_STEP:
                work = 0
                yield
        yield
        row = free | bitmap((rank for part, ranks in parts.items() if part.verdicts[0] for rank in ranks), count)
        for cell, changed in enumerate(changes):
            if cell % _CELLS_A_STEP == 0:
                yield
            if changed:
                row ^= bitmap(changed, count)
            if cell % self._stride == 0:
                self._rows.append(row)
            if self._stride > 1:
                self._changes.append(tuple(changed))

    def mask(self, known: Known) -> int:
        """The routes that this caller's value leaves."""
        value = known.get(self.attr)
        if value is None:
            return self._unknown
        assert isinstance(value, str), "a set has no order"
        size = self._size(value)
        place = bisect_left(self._bounds, size)
        on = place < len(self._bounds) and self._bounds[place] == size
        cell = 2 * place + (1 if on else 0)
        if self._stride == 1:
            return self._rows[cell]
        start = cell // self._stride
        row = self._rows[start]
        changed = [rank for ranks in self._changes[start * self._stride + 1 : cell + 1] for rank in ranks]
        return row ^ _toggled(changed, self._count) if changed else row


Table = ValueTable | StepTable


class ChoiceTable:
    """The routes whose choice one of its parts meets, and those that have none (`free`)."""

    __slots__ = ("free", "tables")

    def __init__(self, free: int, tables: tuple[Table, ...]) -> None:
        self.free = free
        self.tables = tables

    def mask(self, known: Known) -> int:
        """The routes that this caller's values leave."""
        mask = self.free
        for table in self.tables:
            mask |= table.mask(known)
        return mask


def build_tables(parts: Sequence[tuple[int, Piece]], count: int) -> tuple[Table | ChoiceTable, ...]:
    """Tables over `count` routes from (rank, piece) pairs."""
    tables: list[Table | ChoiceTable] = []
    for _ in building_tables(parts, count, tables):
        pass
    return tuple(tables)


def building_tables(
    pieces: Sequence[tuple[int, Piece]], count: int, tables: list[Table | ChoiceTable]
) -> Iterator[None]:
    """The same in small steps, into `tables`."""
    parts: list[tuple[int, Part | Steps]] = []
    choices: list[list[tuple[int, Choice]]] = []  # the first of each route, the second, and so on
    seen: dict[int, int] = {}
    for place, (rank, piece) in enumerate(pieces):
        if place % _VALUES_A_STEP == 0:
            yield
        if isinstance(piece, Choice):
            layer = seen.get(rank, 0)
            seen[rank] = layer + 1
            if layer == len(choices):
                choices.append([])
            choices[layer].append((rank, piece))
        else:
            parts.append((rank, piece))
    made: list[Table] = []
    yield from _building(parts, count, made, choice=False)
    tables += made
    for chosen in choices:
        some: list[Table] = []
        yield from _building(
            [(rank, part) for rank, choice in chosen for part in choice.parts], count, some, choice=True
        )
        tables.append(ChoiceTable(_others({rank: (rank,) for rank, _ in chosen}, count), tuple(some)))


def _building(
    parts: Sequence[tuple[int, Part | Steps]], count: int, tables: list[Table], *, choice: bool
) -> Iterator[None]:
    values: dict[tuple[str, View, int], dict[Part, list[int]]] = {}  # by attribute, view, and layer or large part
    steps: dict[tuple[str, int], dict[Steps, list[int]]] = {}
    layers: dict[tuple[int, str, str], int] = {}  # how many parts of a route are in tables of this kind already
    for place, (rank, part) in enumerate(parts):
        if place % _VALUES_A_STEP == 0:
            yield
        if isinstance(part, Part) and len(part.named) >= LARGE:
            values.setdefault((part.attr, part.view, -id(part)), {}).setdefault(part, []).append(rank)
            continue
        kind = "step" if isinstance(part, Steps) else part.view
        layer = layers.get((rank, part.attr, kind), 0)
        layers[rank, part.attr, kind] = layer + 1
        if isinstance(part, Steps):
            steps.setdefault((part.attr, layer), {}).setdefault(part, []).append(rank)
        else:
            values.setdefault((part.attr, part.view, layer), {}).setdefault(part, []).append(rank)
    for (attr, view, _), held in values.items():
        yield
        table = ValueTable(attr, view, held, count, choice=choice)
        yield from table.filling()
        tables.append(table)
    for (attr, _), compared in steps.items():
        yield
        ordered = StepTable(attr, compared, count, choice=choice)
        yield from ordered.filling(compared)
        tables.append(ordered)


def _says(part: Part, several: Several, chance: float) -> bool:
    """Whether a part says of several values what it does not say of others; `chance` is that of those it names."""
    if several.chances and part.alike and part.named:
        return part.probable(chance, sum(several.chances)) is not part.other
    return part.passes(several) is not part.other


def _only_large(parts: Iterable[Part]) -> Part | None:
    """The part of a table that is made for one long list: all of its values are alike."""
    one, *others = parts
    return one if not others and one.alike and not one.by_prefix and len(one.named) >= LARGE else None


def _others(parts: Mapping[Any, Iterable[int]], count: int) -> int:
    """The routes that have none of these."""
    return ((1 << count) - 1) & ~bitmap((rank for ranks in parts.values() for rank in ranks), count)


def bitmap(ranks: Iterable[int], count: int) -> int:
    """The bitmap with these bits set, of `count` routes."""
    data = bytearray((count >> 3) + 1)
    for rank in ranks:
        data[rank >> 3] |= 1 << (rank & 7)
    return int.from_bytes(data, "little")


def _toggled(ranks: Iterable[int], count: int) -> int:
    """The bitmap of the ranks that stand there an odd number of times."""
    data = bytearray((count >> 3) + 1)
    for rank in ranks:
        data[rank >> 3] ^= 1 << (rank & 7)
    return int.from_bytes(data, "little")


def bits(mask: int) -> Iterator[int]:
    """The positions of the set bits from the lowest."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _differing_by_prefix(parts: Iterable[Part]) -> Generator[None, None, dict[str, dict[Part, None]]]:
    """For each beginning the parts that say of its values what they do not say of others; found in small steps.

    A longer beginning has what its own beginning has, but for the parts that name it themselves.
    """
    by_length: dict[int, dict[str, list[Part]]] = {}
    work = 0
    for part in parts:
        for prefix in part.by_prefix:
            by_length.setdefault(len(prefix), {}).setdefault(prefix, []).append(part)
        work += len(part.by_prefix)
        if work >= _VALUES_A_STEP:
            work = 0
            yield
    lengths = sorted(by_length, reverse=True)
    found: dict[str, dict[Part, None]] = {}
    for length in reversed(lengths):  # every beginning comes before what begins with it
        for prefix, naming in by_length[length].items():
            above = _longest(prefix[:-1], found, lengths)
            differing = {} if above is None else dict(found[above])
            for part in naming:
                _note(differing, part, part.by_prefix[prefix])
            found[prefix] = differing
            work += len(differing) + 1
            if work >= _VALUES_A_STEP:
                work = 0
                yield
    return found


def _note(differing: dict[Part, None], part: Part, verdict: bool) -> None:
    if verdict is part.other:
        differing.pop(part, None)
    else:
        differing[part] = None


def _longest(value: str, named: dict[str, Any], lengths: Sequence[int]) -> str | None:
    """The longest named beginning of `value`; `lengths` descend."""
    for length in lengths:
        if length <= len(value):
            prefix = value[:length]
            if prefix in named:
                return prefix
    return None
