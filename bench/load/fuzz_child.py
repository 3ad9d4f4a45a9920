"""One target under atheris: coverage of our readers guides what is tried next. Started by `bench/fuzz.py`.

    python fuzz_child.py TARGET CORPUS_FOLDER [libFuzzer's own flags]

The first thing that breaks ends it, its input in a file `crash-…` where libFuzzer is told to put it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["trunkline.sip", "trunkline.codec"]):
    from trunkline.testing.fuzz.targets import targets


def main(name: str, folder: str, *flags: str) -> None:
    """Search until libFuzzer's flags end it."""
    target = targets()[name]
    for number, data in enumerate(target.corpus):
        (Path(folder) / f"seed-{number:03}").write_bytes(data)
    atheris.Setup([sys.argv[0], folder, *flags], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
