"""What the tables of all blocks of a plan say of one attribute, put together and remembered by what was said of it."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.config.folds import View
from trunkline.engine.routing.index import ChoiceTable, Table
from trunkline.engine.routing.values import Known

Said = str | tuple[tuple[str, float], ...] | None
"""What is said of an attribute: its text, or its chances where there are some; None when nothing is known."""
_KEPT_MIN = 64
_KEPT_MAX = 1_024
_KEPT_BYTES = 1 << 22
"""A column keeps the rows of as many values as fit into four megabytes, in these bounds."""


class Column:
    """One attribute as all blocks of a plan look at it: the routes of the whole plan that a value leaves.

    A caller's value has been seen before nearly always, and the blocks need not be asked again, nor the value folded.
    What they said is kept in a bounded space; it holds as long as they do.
    """

    __slots__ = ("_blocks", "_choice", "_most", "attr", "rows", "view")

    def __init__(
        self, attr: str, view: View, blocks: Sequence[tuple[int, Sequence[Table]]], *, choice: bool = False
    ) -> None:
        """`blocks` are the counts of all blocks, the last first, with their tables of this attribute and view.

        A route must be in all of its tables, or by `choice` in one.
        """
        self.attr = attr
        self.view: View = view
        self._choice = choice
        self.rows: dict[Said, int] = {}
        """By what is said of the attribute the routes that it leaves, where it has been said before."""
        self._blocks = blocks
        count = sum(count for count, _ in blocks)
        self._most = max(_KEPT_MIN, min(_KEPT_MAX, 8 * _KEPT_BYTES // (count + 1)))

    def row(self, said: Said, known: Known) -> int:
        """The routes that are left by what is said of this caller; they are kept."""
        mask = 0
        for count, tables in self._blocks:
            if self._choice:
                left = 0
                for table in tables:
                    left |= table.mask(known)
            else:
                left = (1 << count) - 1
                for table in tables:
                    left &= table.mask(known)
            mask = mask << count | left
        if len(self.rows) >= self._most:
            self.rows.clear()
        self.rows[said] = mask
        return mask


class Choosing:
    """Choices of a whole plan, at most one of each route: the routes without one, and the columns of all parts."""

    __slots__ = ("columns", "free")

    def __init__(self, free: int, columns: tuple[Column, ...]) -> None:
        self.free = free
        self.columns = columns


Blocks = Sequence[tuple[int, Sequence[Table | ChoiceTable]]]
"""The counts of all blocks, the last first, with their tables."""


def columns_of(blocks: Blocks) -> tuple[Column, ...]:
    """The tables of all blocks put together by what they look at."""
    return _columns(
        [(count, [each for each in tables if not isinstance(each, ChoiceTable)]) for count, tables in blocks]
    )


def choices_of(blocks: Blocks) -> tuple[Choosing, ...]:
    """The choices of all blocks, the first of each block together, and so on."""
    layers = [(count, [each for each in tables if isinstance(each, ChoiceTable)]) for count, tables in blocks]
    made = []
    for layer in range(max((len(tables) for _, tables in layers), default=0)):
        free = 0
        for count, tables in layers:
            free = free << count | (tables[layer].free if layer < len(tables) else (1 << count) - 1)
        here = [(count, tables[layer].tables if layer < len(tables) else ()) for count, tables in layers]
        made.append(Choosing(free, _columns(here, choice=True)))
    return tuple(made)


def _columns(blocks: Sequence[tuple[int, Sequence[Table]]], *, choice: bool = False) -> tuple[Column, ...]:
    asked = dict.fromkeys((table.attr, table.view) for _, tables in blocks for table in tables)
    return tuple(
        Column(
            attr,
            view,
            [
                (count, tuple(table for table in tables if (table.attr, table.view) == (attr, view)))
                for count, tables in blocks
            ],
            choice=choice,
        )
        for attr, view in asked
    )
