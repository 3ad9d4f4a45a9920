"""The generated pages of the reference are those that the code makes, and the generator draws what is in the tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from scripts.pages.__main__ import PAGES, REFERENCE, main

from trunkline.engine.calls.table import TRANSITIONS, State
from trunkline.events.entry import Event
from trunkline.sip.legs import TRANSITIONS as LEG_TRANSITIONS

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_makes(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name](), "run: .venv/bin/python -m scripts.pages"


def section(title: str) -> str:
    _, _, rest = PAGES["machines.md"]().partition(f"\n## {title}\n")
    return rest.partition("\n## ")[0]


def test_every_step_of_a_leg_is_drawn_or_leads_to_its_own_state() -> None:
    drawn = section("A SIP leg").partition("```mermaid")[2].partition("```")[0]
    for (state, trigger), following in LEG_TRANSITIONS.items():
        arrow = rf"{state.name.lower()} --> {following.name.lower()}: .*\b{trigger.name.lower()}\b"
        assert state == following or re.search(arrow, drawn), arrow


def test_every_step_of_a_call_is_listed() -> None:
    listed = section("A call")
    for (state, event), (action, _) in TRANSITIONS.items():
        rows = (state.name.lower(), "any of the living", "any with a recording")
        assert any(f"| {row} | {event.__name__} | `{action}` |" in listed for row in rows), (state, event)


def test_every_state_of_a_call_can_be_reached_in_its_diagram() -> None:
    drawn = section("A call").partition("```mermaid")[2].partition("```")[0]
    arrows = re.findall(r"(\S+) --> (\S+?)(?::|$)", drawn, re.MULTILINE)
    reached = {"[*]"}
    while more := {target for source, target in arrows if source in reached} - reached:
        reached |= more
    assert {state.name.lower() for state in State} <= reached


def test_every_event_stands_on_the_page() -> None:
    page = PAGES["events.md"]()
    for kind in get_args(Event):
        assert f"\n### {kind.__struct_config__.tag}\n" in page
        assert all(f"| `{name}` |" in page for name in kind.PERSONAL)


def test_check_names_what_differs_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scripts.pages.__main__.REFERENCE", tmp_path)
    assert main(["--check"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == len(PAGES)
    assert list(tmp_path.iterdir()) == []
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert main(["--nonsense"]) == 2
