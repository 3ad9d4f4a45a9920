"""Files and folders of a configuration on disk, and the `check` command that reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.config.sample import GOOD, VOICES, broken

from trunkline.cli.main import main
from trunkline.config.reading import SIZE_MAX
from trunkline.kernel.errors import ExitCode, UsageError
from trunkline.switch.config_files import base_of, files_of, load_path

pytestmark = pytest.mark.unit

ACCOUNT, _, REST = GOOD.partition("outbound:")
PLATFORM = "version: 1\noutbound:" + REST


def folder(path: Path) -> Path:
    (path / "accounts").mkdir()
    (path / "platform.yaml").write_text(PLATFORM)
    (path / "accounts" / "b.yml").write_text(ACCOUNT.replace("key: acme", "key: b").replace("+1833", "+1844"))
    (path / "accounts" / "a.yaml").write_text(ACCOUNT)
    (path / "accounts" / ".hidden.yaml").write_text("nonsense")
    (path / "accounts" / "notes.txt").write_text("nonsense")
    return path


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(GOOD)
    loaded = load_path(file, VOICES)
    assert loaded.problems == ()
    assert loaded.snapshot is not None
    assert loaded.snapshot.base == str(tmp_path.resolve())
    assert files_of(file) == [file]


def test_a_folder(tmp_path: Path) -> None:
    loaded = load_path(folder(tmp_path), VOICES)
    assert loaded.problems == ()
    assert loaded.snapshot is not None
    assert [config.account.key for config in loaded.snapshot.accounts] == ["acme", "b"]
    assert [trunk.key for trunk in loaded.snapshot.platform.trunks] == ["carrier"]
    assert base_of(tmp_path) == tmp_path.resolve()
    assert [file.name for file in files_of(tmp_path)] == ["platform.yaml", "a.yaml", "b.yml"]


def test_a_folder_without_platform(tmp_path: Path) -> None:
    (folder(tmp_path) / "platform.yaml").unlink()
    problems = load_path(tmp_path, VOICES).problems
    assert [(problem.code, problem.path) for problem in problems] == [("unknown_reference", "targets[desk].trunk")] * 2


def test_problems_name_the_file_they_are_in(tmp_path: Path) -> None:
    broken_file = folder(tmp_path) / "accounts" / "b.yml"
    broken_file.write_text("version: 1\n- a")
    (problem,) = load_path(tmp_path, VOICES).problems
    assert (problem.code, problem.file, problem.line) == ("not_yaml", str(broken_file), 2)


@pytest.mark.parametrize("name", ["nothing.yaml", "folder", "text.txt", "no-accounts", "two-platforms"])
def test_what_is_no_configuration(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "text.txt":
        path.write_text(GOOD)
    elif name != "nothing.yaml":
        path.mkdir()
    if name in {"no-accounts", "two-platforms"}:
        (path / "platform.yaml").write_text(PLATFORM)
    if name == "two-platforms":
        (path / "platform.json").write_text("{}")
    with pytest.raises(UsageError) as raised:
        load_path(path)
    assert raised.value.hint
    assert str(path) in raised.value.message


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "huge.yaml"
    with file.open("wb") as opened:
        opened.truncate(SIZE_MAX * 100)
    (problem,) = load_path(file).problems
    assert problem.code == "too_large"


def test_check_says_that_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "minimal.yaml"
    file.write_text((Path(__file__).parents[3] / "docs" / "examples" / "minimal.yaml").read_text())
    assert main(["check", str(file)]) == ExitCode.DONE
    assert capsys.readouterr().out == f"{file} can be used: 0 errors, 0 warnings\n"
    assert main(["check", str(file), "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == []


def test_check_names_place_reason_and_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(broken(("flow: intake", "flow: intak"), ('"+18335550101"', "8335550101")))
    assert main(["check", str(file)]) == ExitCode.WRONG
    out = capsys.readouterr().out
    assert out.startswith(f"{file}\n")
    assert "  line 8: error [unknown_reference] campaigns[injury].flow\n      there is no flow 'intak'\n" in out
    assert "      hint: did you mean 'intake'?\n" in out
    assert 'hint: write "+18335550101"' in out
    assert out.rstrip().endswith("cannot be used: 2 errors, 0 warnings")


def test_check_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(broken(("method: weighted", "method: weighted\n        deadline_ms: 900")))
    assert main(["check", str(file), "--json"]) == ExitCode.DONE
    (problem,) = json.loads(capsys.readouterr().out)
    assert {"path", "severity", "code", "message", "hint"} <= set(problem)
    assert (problem["path"], problem["severity"], problem["code"]) == (
        "plans[injury].tiers[t2].deadline_ms",
        "warning",
        "no_effect",
    )


def test_check_of_nothing_is_bad_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "none.yaml")]) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "none.yaml" in captured.err
