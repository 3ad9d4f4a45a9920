"""Whether an answer is what a rule of the configuration asks for."""

from __future__ import annotations

from trunkline.config.bids import BidsWhen
from trunkline.config.folds import fold_text
from trunkline.engine.payloads.documents import Document, Unusable


def holds(rule: BidsWhen, document: Document) -> bool:
    """Whether all that the rule says is so. A value that is no text is not the one that is asked for."""
    if rule.status is not None and document.status != rule.status:
        return False
    if rule.text is not None and rule.text not in document.text:
        return False
    if rule.path is None:
        return True
    try:
        found = document.words(rule.path)
    except Unusable:
        return False
    if rule.equals is None:
        return found is not None and found not in {"", "false"}
    return found is not None and fold_text(found) == fold_text(rule.equals)
