"""The page of dialects: what is said of each in the texts beside this file, and the golden files that tests run."""

from __future__ import annotations

from pathlib import Path

from trunkline.engine.bidders.dialect import DIALECTS

HERE = Path(__file__).parent
GOLDEN = HERE.parents[2] / "tests" / "golden" / "bidders" / "exemplary"


def page() -> str:
    """The whole page."""
    parts = [_text("head")]
    for name in DIALECTS:
        parts.append(f"## {name}\n\n{_text(name)}")
        for path in sorted(GOLDEN.glob(f"{name}-*.yaml")):
            about, _, rest = path.read_text(encoding="utf-8").partition("\n")
            parts.append(f"{about.removeprefix('about: ')}\n\n```yaml\n{rest.strip()}\n```\n")
    return "\n".join(parts)


def _text(name: str) -> str:
    return (HERE / f"{name}.md").read_text(encoding="utf-8")
