"""The reference page and the JSON Schema are made from the schema, and are so in the repository."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from tests.unit.config.sample import GOOD, broken

from trunkline.config import flows, schema
from trunkline.config.json_schema import json_schema
from trunkline.config.meanings import MEANINGS, OF_STRUCT, meaning_of
from trunkline.config.reference import OBJECTS, main, reference_page
from trunkline.config.shapes_flow import ALL_NODES

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
ALL = (*OBJECTS, *ALL_NODES.values(), schema.AccountConfig, schema.Platform, flows.Share)


def test_the_committed_page_is_the_one_that_is_made() -> None:
    made = reference_page()
    assert (REFERENCE / "configuration.md").read_text() == made, "run: python -m trunkline.config.reference page"


def test_the_committed_schema_is_the_one_that_is_made() -> None:
    committed = json.loads((REFERENCE / "configuration.schema.json").read_text())
    assert committed == json_schema(), "run: python -m trunkline.config.reference schema"


def test_every_field_has_a_meaning_and_every_meaning_a_field() -> None:
    fields = {(kind.__name__, field) for kind in ALL for field in kind.__struct_fields__}
    assert all(meaning_of(*field) for field in fields)
    assert set(OF_STRUCT) <= fields
    assert set(MEANINGS) <= {field for _, field in fields}


def test_every_field_stands_on_the_page() -> None:
    page = reference_page()
    for kind in OBJECTS:
        section = page.partition(f"\n## {kind.__name__}\n")[2].partition("\n## ")[0]
        for field in kind.__struct_encode_fields__:
            assert f"| `{field}` |" in section


def test_the_schema_takes_what_check_takes() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    for text in (GOOD, *(path.read_text() for path in sorted((ROOT / "docs" / "examples").glob("*.yaml")))):
        assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("flow: intake", "flwo: intake"),
        ("method: priority", "method: best"),
        ('mon: ["08:00-18:00"]', 'mon: ["8-18"]'),
        ("digits: 5", "digits: 99"),
        ("{all: [{attr: geo.state, in: [TX, OK]}]}", "{all: []}"),
        ("bye: {hang_up: {}}", "bye: {hang_up: {}, route: {}}"),
        ("bye: {hang_up: {}}", "bye: {hangup: {}}"),
    ],
)
def test_the_schema_refuses_what_has_the_wrong_shape(old: str, new: str) -> None:
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(yaml.safe_load(broken((old, new))))


def test_printing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["page"]) == 0
    assert capsys.readouterr().out == reference_page()
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()
    assert main([]) == 2
