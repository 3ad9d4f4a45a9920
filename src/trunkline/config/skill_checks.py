"""Skills that callers are given and no target has: such callers could never be sold."""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.config.flows import SetNode
from trunkline.config.folds import fold_text
from trunkline.config.subject import Subject
from trunkline.config.tree import Path

SKILLS = "caller.skills"


def check_skills(subject: Subject) -> None:
    """Warn of skills that a flow or a number states and that no target has."""
    had = {fold_text(skill) for target in subject.config.targets for skill in target.skills}
    for path, text in _stated(subject):
        missing = [each.strip() for each in text.split(",") if fold_text(each) and fold_text(each) not in had]
        if missing:
            message = f"no target has the skill {', '.join(missing)}: such a caller can never be sold"
            subject.findings.warning(path, "never_matches", message, "write it into the `skills` of a target")


def _stated(subject: Subject) -> Iterator[tuple[Path, str]]:
    for place, number in enumerate(subject.config.numbers):
        if SKILLS in number.tags:
            yield ("numbers", place, "tags", SKILLS), number.tags[SKILLS]
    for place, flow in enumerate(subject.config.flows):
        for name, node in flow.nodes.items():
            if isinstance(node, SetNode) and SKILLS in node.values:
                yield ("flows", place, "nodes", name), node.values[SKILLS]
