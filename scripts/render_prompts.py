"""Render the prompts that come with the package: `python scripts/render_prompts.py`, with flite installed.

Reads src/trunkline/media/voices/texts.yaml, renders what is missing into the folder of its language, and removes
renderings of texts that are no longer listed. With `--check` nothing is changed and the exit status is 1 when
something would be.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from trunkline.media.prompts import SHIPPED, render, text_key
from trunkline.media.speech import speak


def main() -> int:
    """Bring the shipped prompts into line with their list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, only say what is out of line")
    check: bool = parser.parse_args().check
    texts: dict[str, list[str]] = yaml.safe_load((SHIPPED / "texts.yaml").read_text())
    wanted = {SHIPPED / lang / f"{text_key(lang, text)}.wav": (lang, text) for lang in texts for text in texts[lang]}
    present = set(SHIPPED.glob("*/*.wav"))
    for path in sorted(present - wanted.keys()):
        _say("remove", path, "")
        if not check:
            path.unlink()
    for path in sorted(wanted.keys() - present):
        lang, text = wanted[path]
        _say("render", path, text)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(render(speak(text, lang)))
    return 1 if check and present != wanted.keys() else 0


def _say(what: str, path: Path, text: str) -> None:
    print(what, path.relative_to(SHIPPED), text, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
