"""`.venv/bin/python -m scripts.pages` writes every generated page anew; `--check` only names those that differ."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from scripts.pages import bidders, events, machines, metrics, views

from trunkline.config.json_schema import json_schema
from trunkline.config.reference import reference_page
from trunkline.engine.routing import reasons_page
from trunkline.switch.leads.openapi import openapi_text

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def schema_text() -> str:
    """The JSON Schema of a configuration, as `trunkline.config.reference schema` prints it."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "bidders.md": bidders.page,
    "configuration.md": reference_page,
    "configuration.schema.json": schema_text,
    "events.md": events.page,
    "machines.md": machines.page,
    "metrics.md": metrics.page,
    "openapi.json": openapi_text,
    "reasons.md": reasons_page.page,
    "views.md": views.page,
}
"""File below docs/reference/ and what makes it."""


def main(arguments: list[str]) -> int:
    """Write or check all pages; 1 when a check finds one that differs."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m scripts.pages [--check]\n")
        return 2
    changed = [name for name, make in PAGES.items() if _differs(name, make())]
    for name in changed:
        sys.stdout.write(f"docs/reference/{name}\n")
        if not arguments:
            (REFERENCE / name).write_text(PAGES[name](), encoding="utf-8")
    return 1 if arguments and changed else 0


def _differs(name: str, made: str) -> bool:
    path = REFERENCE / name
    return not path.is_file() or path.read_text(encoding="utf-8") != made


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
