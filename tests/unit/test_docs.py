"""The documentation says nothing that is not so: links lead somewhere, commands and flags exist, examples are valid."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from trunkline.cli.main import build_parser, command_names, load, main
from trunkline.kernel.errors import ExitCode

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.yaml"))

FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(?P<text>.+)$", re.MULTILINE)
INLINE_COMMAND = re.compile(r"`(\./trunkline[^`]*)`")
FENCED_COMMAND = re.compile(r"^ *(?:sudo )?(\./trunkline.*)$", re.MULTILINE)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get where repositories are shown."""
    headings = (match["text"].lower().replace("`", "") for match in HEADING.finditer(FENCED.sub("", page.read_text())))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    targets = (match["target"] for match in LINK.finditer(FENCED.sub("", page.read_text())))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def fenced_commands() -> list[tuple[str, str]]:
    """Commands a reader is meant to type: (page, command)."""
    found = []
    for page in PAGES:
        for block in FENCED.findall(page.read_text()):
            found += [(name_of(page), command) for command in FENCED_COMMAND.findall(block)]
    return found


def inline_commands() -> list[tuple[str, str]]:
    """Commands that are spoken of, with brackets around what may be left out: (page, command)."""
    return [
        (name_of(page), command)
        for page in PAGES
        for command in INLINE_COMMAND.findall(FENCED.sub("", page.read_text()))
    ]


def words(command: str) -> list[str]:
    """A command's arguments, without its name, brackets and the comment behind it."""
    return shlex.split(re.sub(r"[\[\]]", "", command), comments=True)[1:]


def flags_of(parser: argparse.ArgumentParser) -> set[str]:
    """Those of its subcommands among them."""
    found = {flag for action in parser._actions for flag in action.option_strings}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(*(flags_of(each) for each in action.choices.values()))
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_can_be_reached() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
        waiting += [target for target in targets if target.suffix == ".md"]
    assert sorted(map(name_of, set(PAGES) - reached)) == []


def test_commands_were_found() -> None:
    assert len(fenced_commands()) > 10
    assert len(inline_commands()) > 10


@pytest.mark.parametrize(("page", "command"), fenced_commands())
def test_what_a_reader_types_is_understood(page: str, command: str) -> None:
    arguments = words(command)
    if not arguments:
        return
    name, *rest = arguments
    assert name in command_names()
    module = load(name)
    parser = build_parser(name, module)
    if hasattr(module, "REST"):
        parser.parse_known_args(rest)
    else:
        parser.parse_args(rest)


@pytest.mark.parametrize(("page", "command"), inline_commands())
def test_what_is_spoken_of_exists(page: str, command: str) -> None:
    arguments = words(command)
    if not arguments or arguments[0] == "COMMAND":
        return
    name, *rest = arguments
    assert name in command_names()
    flags = {word.partition("=")[0] for word in rest if word.startswith("--")}
    assert flags <= flags_of(build_parser(name, load(name)))


@pytest.mark.parametrize("name", command_names())
def test_every_command_stands_in_the_reference(name: str) -> None:
    assert f"`./trunkline {name}" in (ROOT / "docs" / "reference" / "commands.md").read_text()


def decisions() -> list[Path]:
    return sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def test_the_decisions_are_listed_in_their_order() -> None:
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\)", (ROOT / "docs/decisions/index.md").read_text(), re.MULTILINE)
    assert listed == [(path.name[:4], path.name) for path in decisions()]


@pytest.mark.parametrize("record", decisions(), ids=name_of)
def test_a_decision_has_its_four_headings(record: Path) -> None:
    headings = re.findall(r"^## (.+)$", record.read_text(), re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences", "Alternatives"]


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_examples_are_valid(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(example)]) == ExitCode.DONE, capsys.readouterr()


def test_the_first_example_can_be_heard_without_a_speech_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("trunkline.media.speech.shutil.which", lambda name: None)
    assert main(["check", str(ROOT / "docs" / "examples" / "first.yaml")]) == ExitCode.DONE, capsys.readouterr()
