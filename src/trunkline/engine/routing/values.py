"""What is known of a caller, and the types by which it compares.

A value that is none of its attribute's type is unknown: a word is not a number that is smaller or larger than another.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from functools import lru_cache
from sys import intern

from trunkline.config.attributes import type_of
from trunkline.config.criteria import Condition
from trunkline.config.folds import Fold, Several, Value, View, fold_named, trimmed
from trunkline.config.questions import Question
from trunkline.config.schema import Campaign
from trunkline.engine.geo.places import five_digits, place_of_zip, zips_within
from trunkline.engine.routing.offer import Attribute, Attributes

_SET_MAX = 100
"""Members of a set that are looked at."""


_WAYS_MAX = 4_096
_NOT_ASKED = object()


class Types:
    """The types of an account's attributes: the built-in ones and what campaigns declare for tags and lead fields.

    Two campaigns of one account that declare different types for one name leave it text: plans are shared by campaigns.
    """

    __slots__ = ("_declared", "_questions", "_ways")

    def __init__(self, campaigns: Iterable[Campaign] = ()) -> None:
        declared: dict[str, str] = {}
        for campaign in campaigns:
            named = [(attribute.name, str(attribute.type)) for attribute in campaign.attributes]
            named += [(f"lead.{field.name}", field.type) for field in campaign.lead_fields]
            for name, kind in named:
                declared[name] = "text" if declared.get(name, kind) != kind else kind
        self._declared = declared
        self._ways: dict[str, tuple[Fold, bool]] = {}
        self._questions: dict[int, tuple[weakref.ref[Condition], Question]] = {}

    def kind_of(self, name: str) -> str:
        """The type of the attribute `name`; text for one that does not exist."""
        return type_of(name, self._declared) or "text"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Types) and other._declared == self._declared

    __hash__ = None  # type: ignore[assignment]

    def fold_of(self, name: str) -> Fold:
        """How values of the attribute `name` are folded."""
        return fold_named(name, self._declared.get(name) or self.kind_of(name))

    def way(self, name: str) -> tuple[Fold, bool]:
        """How values of the attribute are folded, and whether it is a set; found out once for each name."""
        way = self._ways.get(name)
        if way is None:
            if len(self._ways) >= _WAYS_MAX:
                self._ways.clear()
            way = self._ways[name] = (self.fold_of(name), self.kind_of(name) == "set")
        return way

    def question(self, condition: Condition) -> Question:
        """The condition made ready to be asked, once. It is forgotten with the condition: snapshots come and go."""
        key = id(condition)
        made = self._questions.get(key)
        if made is None:
            questions = self._questions
            ref = weakref.ref(condition, lambda _: questions.pop(key, None) and None)
            name = condition.attr
            made = questions[key] = (ref, Question(condition, self.fold_of(name), self.kind_of(name), _nearby))
        return made[1]


class Known:
    """What is known of a caller, folded as it is asked for. A value that is none of its type is unknown."""

    __slots__ = ("_seen", "_types", "answers", "attributes")

    def __init__(self, attributes: Attributes, types: Types) -> None:
        self.attributes = attributes
        self._types = types
        self._seen: dict[str | tuple[View, str], Value | object | None] = {}
        self.answers: dict[object, bool | None] = {}
        """Answers to questions that are too dear to be asked twice of one caller."""

    def get(self, name: str) -> Value | None:
        """The folded value of an attribute, None when it is unknown."""
        value = self._seen.get(name, _NOT_ASKED)
        if value is _NOT_ASKED:
            attribute = self.attributes.get(name)
            value = None
            if attribute is not None:
                fold, is_set = self._types.way(name)
                # An empty text says nothing.
                value = _several(attribute, fold) if is_set or attribute.chances else fold(attribute.value) or None
            self._seen[name] = value
        return value  # type: ignore[return-value]

    def text(self, name: str) -> str | None:
        """The same of an attribute that has one value at most."""
        value = self.get(name)
        assert not isinstance(value, Several), f"{name} has several values"
        return value

    def look(self, view: View, name: str) -> Value | None:
        """The value of an attribute as a condition looks at it, None when it is unknown."""
        if view == "value":
            return self.get(name)
        key = (view, name)
        if key not in self._seen:
            self._seen[key] = self._plain(name) if view == "plain" else self._placed(name)
        return self._seen[key]  # type: ignore[return-value]

    def _placed(self, name: str) -> Value | None:
        """The five digits of a ZIP code whose place is known; of any other nobody knows what is near it."""
        value = self.get(name)
        code = five_digits(value) if isinstance(value, str) else None
        place = None if code is None else place_of_zip(code)
        return None if place is None or place.lat is None else code

    def _plain(self, name: str) -> Value | None:
        """The trimmed text in NFC; unknown when the folded value is."""
        attribute = self.attributes.get(name)
        if attribute is None or self.get(name) is None:
            return None
        if attribute.chances or self._types.kind_of(name) == "set":
            return _several(attribute, trimmed)
        return trimmed(attribute.value)


@lru_cache(maxsize=1_024)
def _nearby(code: str, miles: int) -> frozenset[str]:
    """Routes that ask for the same surroundings share them, and all of them share the names of ZIP codes."""
    return frozenset(map(intern, zips_within(code, miles)))


def _several(attribute: Attribute, fold: Fold) -> Several | None:
    if attribute.chances:
        found: dict[str, float] = {}
        for text, chance in attribute.chances:
            value = fold(text)
            if value:
                found[value] = found.get(value, 0.0) + chance
        return Several(tuple(found), tuple(found.values())) if found else None
    members = [value for text in attribute.value.split(",")[:_SET_MAX] if (value := fold(text))]
    return Several(tuple(sorted(set(members)))) if members else None
