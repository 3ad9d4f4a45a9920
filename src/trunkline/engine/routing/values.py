"""How the text of an attribute is brought into the one form in which values compare.

Text is trimmed, normalised to NFC and case-folded in full. Attributes of type number compare as numbers (`09` is
`9`), those of type yes_no by meaning (`true` is `yes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from unicodedata import normalize

from trunkline.config.attributes import type_of
from trunkline.config.schema import Campaign
from trunkline.engine.routing.offer import Attributes

Fold = Callable[[str], str | None]
"""Turns a text into its comparable form; None when it is no value of the type."""

_YES_NO = {"yes": "yes", "true": "yes", "1": "yes", "no": "no", "false": "no", "0": "no"}
_NUMBER_LENGTH_MAX = 40


@lru_cache(maxsize=65_536)
def fold_text(text: str) -> str:
    """Trimmed, NFC, full Unicode case folding."""
    return normalize("NFC", text.strip()).casefold()


@lru_cache(maxsize=4_096)
def fold_number(text: str) -> str | None:
    """A decimal number in one spelling, None for anything else."""
    text = text.strip()
    if len(text) > _NUMBER_LENGTH_MAX:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    return "0" if number == 0 else str(number.normalize())


@lru_cache(maxsize=256)
def fold_yes_no(text: str) -> str | None:
    """`yes` or `no`, None for anything else."""
    return _YES_NO.get(fold_text(text))


_FOLDS: dict[str, Fold] = {"number": fold_number, "yes_no": fold_yes_no}


class Types:
    """The types of an account's attributes: the built-in ones and what campaigns declare for tags and lead fields.

    Two campaigns of one account that declare different types for one name leave it text: plans are shared by campaigns.
    """

    __slots__ = ("_declared",)

    def __init__(self, campaigns: Iterable[Campaign] = ()) -> None:
        declared: dict[str, str] = {}
        for campaign in campaigns:
            named = [(attribute.name, str(attribute.type)) for attribute in campaign.attributes]
            named += [(f"lead.{field.name}", field.type) for field in campaign.lead_fields]
            for name, kind in named:
                declared[name] = "text" if declared.get(name, kind) != kind else kind
        self._declared = declared

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Types) and other._declared == self._declared

    __hash__ = None  # type: ignore[assignment]

    def fold_of(self, name: str) -> Fold:
        """How values of the attribute `name` are folded."""
        return _FOLDS.get(type_of(name, self._declared) or "text", fold_text)


class Known:
    """What is known of a caller, folded as it is asked for. A value that is none of its type is unknown."""

    __slots__ = ("_attributes", "_folded", "_types")

    def __init__(self, attributes: Attributes, types: Types) -> None:
        self._attributes = attributes
        self._types = types
        self._folded: dict[str, str | None] = {}

    def get(self, name: str) -> str | None:
        """The folded value of an attribute, None when it is unknown."""
        try:
            return self._folded[name]
        except KeyError:
            attribute = self._attributes.get(name)
            value = None if attribute is None else self._types.fold_of(name)(attribute.value)
            if value == "":  # an empty text says nothing
                value = None
            self._folded[name] = value
            return value
