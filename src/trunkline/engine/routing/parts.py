"""Criteria cut into parts that can be tabulated, and predicates that have to be asked.

A route's criteria are cut into the pieces that must all hold. A piece that asks one attribute only is judged once, at
compile time, for every class of values that it treats alike, by the same questions that decide everything else:

- a value that it names, any other value, and "unknown";
- where it names beginnings, also the values whose longest named beginning is the same;
- where it compares, also the values between two neighbouring bounds.

A choice (`any`) between pieces that can all be tabulated is a `Choice`: one of them has to hold. What searches inside a
text (`contains`, `regex`) and what looks at several attributes in any other way stays a predicate, asked once for each
caller however many routes share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Context
from typing import Any

from trunkline.config.criteria import CONFIDENCE, ORDERED, All, AnyOf, Condition, Node, Not, Operator
from trunkline.config.criteria_checks import conditions_of
from trunkline.config.folds import Value, View
from trunkline.config.questions import Caller, Question, pieces_of, reaches, size_of
from trunkline.engine.routing.criteria import judge
from trunkline.engine.routing.values import Types

_OTHER = "\x00other"
"""A value that no configuration can name: control characters are refused when it is read."""
LARGE = 2_000
"""Values that are judged together; a list of more keeps a table of its own."""
_CHOICES_MAX = 16
"""Every part of a choice is looked up for every caller; one of more is asked where a route is left."""
_FORGOTTEN_A_STEP = 200
_KEYED_BY_IDENTITY = 256
"""A longer list of values is known again by being the same object, not by its content."""
_EXACT = Context(prec=100)
"""Bounds have at most 40 digits, on either side of the point."""
_SEARCHES = frozenset({Operator.CONTAINS, Operator.REGEX})
_ALONE = _SEARCHES | {Operator.NEAR}
"""What looks at an attribute in a way of its own is not judged together with others."""


class Part:
    """A piece about one attribute, tabulated: what it says of each value that it treats unlike others.

    `named` are values that it names, `by_prefix` its verdicts on the values with a named beginning (the longest
    counts), `other` on all that is neither, `unknown` when nothing is known. The verdict on a named value is in
    `_by_value`, or where that is a single one, the same for all: a list of 100,000 is kept once, by its question.
    """

    __slots__ = ("_by_value", "_confidence", "_judge", "attr", "by_prefix", "named", "other", "unknown", "view")

    def __init__(
        self,
        attr: str,
        view: View,
        judged: Callable[[Value | None], bool],
        named: frozenset[str],
        alike: bool | None = None,
        confidence: float = CONFIDENCE,
    ) -> None:
        self.attr = attr
        self.view: View = view
        self._judge = judged
        self.named = named
        self._confidence = confidence
        self._by_value = {value: judged(value) for value in named} if alike is None else alike
        self.by_prefix: dict[str, bool] = {}
        self.other = judged(_OTHER)
        self.unknown = judged(None)

    @property
    def alike(self) -> bool:
        """Whether its verdict on all values that it names is the same."""
        return isinstance(self._by_value, bool)

    @property
    def only_named(self) -> bool:
        """Whether it lets through nothing but what it names."""
        return self._by_value is True and not self.other

    def probable(self, chance: float, total: float) -> bool:
        """Whether it holds when what it names has this chance, of all that it may be."""
        return reaches(chance if self._by_value is True else total - chance, self._confidence)

    def verdict(self, named: str) -> bool:
        """Whether it lets through a value that it names."""
        return self._by_value if isinstance(self._by_value, bool) else self._by_value[named]

    def passes(self, value: Value) -> bool:
        """Whether it lets through a value that is not in its tables, or several."""
        return self._judge(value)


class Steps:
    """A piece that compares one attribute: what it says of each bound, and of all between two bounds.

    `bounds` ascend; `verdicts[2 * i + 1]` is about the bound i itself and `verdicts[2 * i]` about what lies before it.
    """

    __slots__ = ("attr", "bounds", "kind", "unknown", "verdicts")

    def __init__(self, attr: str, kind: str, bounds: list[Any], verdicts: list[bool], unknown: bool) -> None:
        self.attr = attr
        self.kind = kind
        self.bounds = bounds
        self.verdicts = verdicts
        self.unknown = unknown


class Choice:
    """A piece of which one of several parts has to hold."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Part | Steps, ...]) -> None:
        self.parts = parts


Piece = Part | Steps | Choice
"""What tables answer."""


class Predicate:
    """A piece that no table answers. Routes with the same piece share one."""

    __slots__ = ("_any", "_plain", "node")

    def __init__(self, node: Node) -> None:
        self.node = node
        self._any: tuple[Question, ...] | None = None
        self._plain: tuple[tuple[str, Question], ...] = ()

    def holds(self, known: Caller, types: Types) -> bool:
        """Whether it is true of this caller. Most are a choice of conditions, which is asked without a tree."""
        if self._any is None:
            nodes = self.node.nodes if isinstance(self.node, AnyOf) else ()
            conditions = [node for node in nodes if isinstance(node, Condition)]
            self._any = tuple(map(types.question, conditions)) if len(conditions) == len(nodes) else ()
            if all(each.view == "value" and each.dear is None and each.exists is None for each in self._any):
                self._plain = tuple((each.attr, each) for each in self._any)
        if self._plain:
            for attr, question in self._plain:
                value = known.get(attr)
                if value.__class__ is str:
                    if question.passes(value):
                        return True
                elif question.judge(value) is True:
                    return True
            return False
        if not self._any:
            return judge(self.node, known, types) is True
        return any(question.ask(known) is True for question in self._any)


Cut = tuple[tuple[Piece, ...], tuple[Predicate, ...]]


class Cutter:
    """Cuts criteria into parts and predicates; equal pieces give the same objects."""

    __slots__ = ("_done", "_parts", "_predicates", "_types")

    def __init__(self, types: Types) -> None:
        self._types = types
        self._done: dict[int, tuple[Node, Cut]] = {}
        self._parts: dict[object, Piece | None] = {}
        self._predicates: dict[object, Predicate] = {}

    def forgetting(self) -> Iterator[None]:
        """Forget everything in small steps: at once it would take as long as some routes take to be compiled."""
        known: tuple[dict[Any, Any], ...] = (self._done, self._parts, self._predicates)
        for each in known:
            while each:
                for _ in range(min(len(each), _FORGOTTEN_A_STEP)):
                    each.popitem()
                yield

    def cut(self, node: Node) -> Cut:
        """The parts about single attributes and the predicates that are left."""
        done = self._done.get(id(node))
        if done is None:
            done = self._done[id(node)] = (node, self._cut(node))  # keeping the node keeps its id
        return done[1]

    def one_of(self, attr: str, values: frozenset[str]) -> Part:
        """The part that an attribute must have one of these folded values."""
        part = self._parts.get((attr, values))
        if part is None:
            part = self._parts[attr, values] = Part(attr, "value", lambda value: value in values, values, True)
        assert isinstance(part, Part), "a list of values is no step"
        return part

    def _cut(self, node: Node) -> Cut:
        parts: list[Piece] = []
        rest: list[Predicate] = []
        for piece in _grouped(node):
            part = self._piece(piece)
            if part is not None:
                parts.append(part)
            else:
                rest.append(self._predicates.setdefault(_key(piece), Predicate(piece)))
        return tuple(parts), tuple(rest)

    def _piece(self, node: Node) -> Piece | None:
        """What tables can be made of, None when it has to be asked."""
        key = _key(node)
        if key not in self._parts:
            self._parts[key] = tabulate(node, self._types) or self._choice(node)
        return self._parts[key]

    def _choice(self, node: Node) -> Choice | None:
        if not isinstance(node, AnyOf) or len(node.nodes) > _CHOICES_MAX:
            return None
        parts: list[Part | Steps] = []
        for child in node.nodes:
            part = self._piece(child)
            if part is None:
                return None
            parts += part.parts if isinstance(part, Choice) else (part,)
        return Choice(tuple(parts))


def tabulate(node: Node, types: Types) -> Part | Steps | None:
    """The table of a piece, None when it has to be asked."""
    asked = list(conditions_of(node))
    attr, operators = asked[0].attr, {condition.op for condition in asked}
    questions = [types.question(condition) for condition in asked]
    views = {question.view for question in questions}
    if any(condition.attr != attr for condition in asked) or operators & _SEARCHES or len(views) > 1:
        return None
    view: View = views.pop()

    def judged(value: Value | None) -> bool:
        return judge(node, _Single(value), types) is True

    fold = types.fold_of(attr)
    if operators & ORDERED:
        return _steps(attr, types.kind_of(attr), asked, fold, judged)
    if isinstance(node, Condition) and node.op is not Operator.PREFIX:
        return Part(attr, view, judged, questions[0].among, node.op is not Operator.NOT_IN, node.confidence)
    part = Part(attr, view, judged, frozenset[str]().union(*(question.among for question in questions)))
    for condition in asked:
        if condition.op is Operator.PREFIX:
            for prefix in pieces_of(condition, fold):
                part.by_prefix[prefix] = judged(prefix + _OTHER)
    return part


def _steps(
    attr: str,
    kind: str,
    asked: list[Condition],
    fold: Callable[[str], str | None],
    judged: Callable[[Value | None], bool],
) -> Steps | None:
    size = size_of(kind)
    named = {
        size(value): value
        for condition in asked
        if condition.op is not Operator.EXISTS
        for text in condition.values
        if (value := fold(text)) is not None
    }
    bounds = sorted(named)
    verdicts = []
    for place, bound in enumerate(bounds):
        verdicts += [judged(_before(bounds, place, kind)), judged(named[bound])]
    verdicts.append(judged(_before(bounds, len(bounds), kind)))
    return Steps(attr, kind, bounds, verdicts, judged(None))


def _before(bounds: list[Any], place: int, kind: str) -> str:
    """Some value between the bounds `place - 1` and `place`, written as its type is."""
    if kind != "number":
        # Dates compare as text, and text always has room: a blank sorts below every digit.
        return f"{bounds[place - 1]} " if place else " "
    if place == 0:
        return f"{_EXACT.subtract(bounds[0], 1):f}"
    if place == len(bounds):
        return f"{_EXACT.add(bounds[-1], 1):f}"
    return f"{_EXACT.divide(_EXACT.add(bounds[place - 1], bounds[place]), 2):f}"


class _Single:
    """A caller of whom one attribute is asked, whatever its name and however it is looked at."""

    __slots__ = ("_value", "answers")

    def __init__(self, value: Value | None) -> None:
        self._value = value
        self.answers: dict[object, bool | None] = {}

    def get(self, name: str) -> Value | None:
        return self._value

    def look(self, view: View, name: str) -> Value | None:
        return self._value


def _grouped(node: Node) -> Iterator[Node]:
    """The pieces that must all hold, those about one attribute put together."""
    by_attr: dict[str, list[Node]] = {}
    sizes: dict[str, int] = {}
    for piece in _conjuncts(node):
        asked = list(conditions_of(piece))
        attr, size = asked[0].attr, sum(len(condition.values) for condition in asked)
        alone = any(condition.attr != attr or condition.op in _ALONE for condition in asked)
        if alone or sizes.get(attr, 0) + size > LARGE:
            yield piece
            continue
        by_attr.setdefault(attr, []).append(piece)
        sizes[attr] = sizes.get(attr, 0) + size
    for pieces in by_attr.values():
        yield pieces[0] if len(pieces) == 1 else All(tuple(pieces))


def _conjuncts(node: Node) -> Iterator[Node]:
    """What must all be true. A choice is not true when all of it is false: De Morgan holds with "unknown" as well."""
    inner = node.node if isinstance(node, Not) else None
    if isinstance(node, All):
        for child in node.nodes:
            yield from _conjuncts(child)
    elif isinstance(inner, Not):
        yield from _conjuncts(inner.node)
    elif isinstance(inner, AnyOf):
        for child in inner.nodes:
            yield from _conjuncts(Not(child))
    elif isinstance(inner, All):
        yield AnyOf(tuple(Not(child) for child in inner.nodes))
    else:
        yield node


def _key(node: Node) -> object:
    """Equal for equal nodes; a long list counts by its identity, which its node keeps."""
    if isinstance(node, Condition):
        values: object = node.values if len(node.values) <= _KEYED_BY_IDENTITY else id(node.values)
        return (node.attr, node.op.value, values, node.confidence)
    if isinstance(node, Not):
        return ("not", _key(node.node))
    return ("any" if isinstance(node, AnyOf) else "all", *map(_key, node.nodes))
