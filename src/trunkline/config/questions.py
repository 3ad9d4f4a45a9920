"""One condition made ready to be asked: its wanted values folded, its pattern compiled, once for all callers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final, Protocol

from trunkline.config.criteria import Condition, Operator
from trunkline.config.folds import Fold, Several, Value, View, decimal_of, fold_text
from trunkline.config.patterns import compile_pattern
from trunkline.config.place_names import fold_piece, fold_place

_ROUNDING: Final = 1e-9
"""Probabilities are sums of fractions: 0.5 + 0.3 reaches 0.8."""
_FEW_PREFIXES: Final = 8

Passes = Callable[[str], bool]
Nearby = Callable[[str, int], frozenset[str]]
"""The ZIP codes within so many miles of one."""


class Caller(Protocol):
    """What is known of a caller, as `Known` tells it."""

    @property
    def answers(self) -> dict[object, bool | None]: ...

    def get(self, name: str) -> Value | None: ...

    def look(self, view: View, name: str) -> Value | None: ...


class Question:
    """A condition that can be asked of one value after another.

    `view` says how it looks at its attribute; `passes` judges one value, and does so by `among` where a list decides.
    `dear` is set when asking costs more than remembering: then the answer for one caller is kept under this key.
    """

    __slots__ = ("_confidence", "_every", "among", "attr", "dear", "exists", "passes", "view")

    def __init__(self, condition: Condition, fold: Fold, kind: str, nearby: Nearby | None = None) -> None:
        self.attr = condition.attr
        self.exists: bool | None = None
        self.view: View = "value"
        self.dear: object = None
        self._confidence = condition.confidence
        self._every = condition.op is Operator.NOT_IN  # of several values, all must be none of those refused
        if condition.op is Operator.EXISTS:
            self.exists = condition.values[0] == "true"
        if condition.op is Operator.REGEX:
            self.view = "plain"
        if condition.op in {Operator.REGEX, Operator.CONTAINS}:
            self.dear = (condition.op, condition.attr, condition.values, condition.confidence)
        self.among: frozenset[str] = frozenset()
        if condition.op in {Operator.EQ, Operator.IN, Operator.NOT_IN}:
            self.among = wanted(condition, fold)
        elif condition.op is Operator.NEAR:
            assert nearby is not None, "who asks what is near says what is"
            self.among = nearby(condition.values[0], int(condition.values[1]))
            self.view = "place"
        self.passes = _passes(condition, fold, kind, self.among)

    def judge(self, value: Value | None) -> bool | None:
        """True, false, or None for unknown; `value` is the attribute's in this question's view."""
        if self.exists is not None:
            return (value is not None) is self.exists
        if value is None:
            return None
        return self.passes(value) if isinstance(value, str) else self._of_several(value)

    def ask(self, caller: Caller) -> bool | None:
        """The same of a caller."""
        if self.dear is None:
            return self.judge(caller.look(self.view, self.attr))
        answers = caller.answers
        if self.dear not in answers:
            answers[self.dear] = self.judge(caller.look(self.view, self.attr))
        return answers[self.dear]

    def _of_several(self, several: Several) -> bool | None:
        if not several.chances:
            passing = map(self.passes, several.values)
            return all(passing) if self._every else any(passing)
        probable = sum(
            chance for value, chance in zip(several.values, several.chances, strict=True) if self.passes(value)
        )
        if reaches(probable, self._confidence):
            return True
        return False if reaches(1 - probable, self._confidence) else None


def reaches(probable: float, confidence: float) -> bool:
    """Whether a probability is enough."""
    return probable >= confidence - _ROUNDING


def wanted(condition: Condition, fold: Fold) -> frozenset[str]:
    """The folded values of a condition; what is none of the attribute's type is left out."""
    return frozenset(value for text in condition.values if (value := fold(text)))


def size_of(kind: str) -> Callable[[str], Decimal | str]:
    """By what folded values of an ordered type compare: numbers by size, dates by their text."""
    return decimal_of if kind == "number" else str


def _passes(condition: Condition, fold: Fold, kind: str, among: frozenset[str]) -> Passes:
    match condition.op:
        case Operator.EXISTS:
            return lambda _: True
        case Operator.EQ | Operator.IN | Operator.NEAR:
            return among.__contains__
        case Operator.NOT_IN:
            return lambda value: value not in among
        case Operator.PREFIX:
            return _starting(pieces_of(condition, fold))
        case Operator.CONTAINS:
            inner = pieces_of(condition, fold)
            return lambda value: any(piece in value for piece in inner)
        case Operator.REGEX:
            pattern = compile_pattern(condition.values[0])
            return lambda value: pattern.search(_sound(value)) is not None
        case _:
            return _compared(condition, fold, kind)


def pieces_of(condition: Condition, fold: Fold) -> tuple[str, ...]:
    """The folded texts that values begin with or contain: a piece of a ZIP code is none, one of a name may end in a
    word."""
    found: list[str] = []
    for text in condition.values:
        found += fold_piece(text) if fold is fold_place else (fold_text(text),)
    return tuple(dict.fromkeys(filter(None, found)))


def _starting(beginnings: Iterable[str]) -> Passes:
    each = tuple(beginnings)
    if len(each) <= _FEW_PREFIXES:
        return lambda value: value.startswith(each)
    among = frozenset(each)
    lengths = sorted({len(one) for one in each})
    return lambda value: any(value[:length] in among for length in lengths)


def _sound(text: str) -> str:
    """Text that can be written as UTF-8: half of a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _compared(condition: Condition, fold: Fold, kind: str) -> Passes:
    assert kind in {"number", "date"}, f"{condition.attr} has no order: validation lets no such condition through"
    size = size_of(kind)
    bounds = [size(value) for text in condition.values if (value := fold(text))]
    first = bounds[0]
    match condition.op:
        case Operator.LT:
            return lambda value: size(value) < first  # type: ignore[operator]
        case Operator.LTE:
            return lambda value: size(value) <= first  # type: ignore[operator]
        case Operator.GT:
            return lambda value: size(value) > first  # type: ignore[operator]
        case Operator.GTE:
            return lambda value: size(value) >= first  # type: ignore[operator]
        case _:
            assert condition.op is Operator.BETWEEN, f"{condition.op} compares nothing"
            last = bounds[1]
            return lambda value: first <= size(value) <= last  # type: ignore[operator]
