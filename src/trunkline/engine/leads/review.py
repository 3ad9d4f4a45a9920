"""Whether a person looks at a lead before it is sold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.config.review_rules import Review
from trunkline.engine.routing.criteria import holds
from trunkline.engine.routing.offer import Attribute
from trunkline.engine.routing.values import Known, Types

REVIEW: Final = "review"
"""Why a lead is held that its campaign wants to be looked at."""


def held_for(rules: Review | None, attributes: Mapping[str, Attribute], types: Types) -> tuple[str, str | None] | None:
    """Why the lead is held, and by what rule; None when it is sold at once."""
    if rules is None or rules.paused:
        return None
    if rules.all:
        return REVIEW, "all"
    assert rules.criteria is not None, "a review has criteria, or is of all leads"
    return (REVIEW, "criteria") if holds(rules.criteria, Known(attributes, types), types) else None
