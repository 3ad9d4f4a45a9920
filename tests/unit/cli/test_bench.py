"""`trunkline bench`: lists, runs, prints, writes JSON, and says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trunkline.cli import bench, main
from trunkline.kernel.errors import EnvironmentFault

pytestmark = pytest.mark.unit

BENCH = """
SUMMARY = "two ways to add"
def run(long=False):
    return {"bench": "adding", "ratio_to_peer": 2.5, "peer": "abacus", "rounds": 70 if long else 7, "machine": "m",
            "rows": [{"case": "1 + 1", "ours": 5000, "peer": 2000, "unit": "sums/s", "ratio": 2.5, "extra": 1}],
            "caveats": ["only small numbers"]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "adding.py").write_text(BENCH)
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    return tmp_path


def test_without_a_name_the_benchmarks_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench"]) == 0
    assert capsys.readouterr().out.split(maxsplit=1) == ["adding", "two ways to add\n"]


def test_a_result_is_shown_with_its_caveats(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench", "adding"]) == 0
    shown = capsys.readouterr().out
    for part in ("2.5x of abacus", "1 + 1", "5,000", "only small numbers", "7 rounds"):
        assert part in shown


def test_json_goes_to_a_file_or_alone_to_standard_output(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["bench", "adding", "--long", "--json", str(tmp_path / "out.json")]) == 0
    capsys.readouterr()
    written = json.loads((tmp_path / "out.json").read_text())
    assert (written["rounds"], written["rows"][0]["extra"]) == (70, 1)
    assert main.main(["bench", "adding", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["bench"] == "adding"


def test_what_must_not_be_is_an_exit_code(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.py").write_text(BENCH.replace('"caveats"', '"violations": ["a leak"], "caveats"'))
    assert main.main(["bench", "bad"]) == 1
    assert main.main(["bench", "bad", "--json", "-"]) == 1
    assert '"a leak"' in capsys.readouterr().out


def test_hours_are_for_the_bench_that_takes_them(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "soaking.py").write_text(
        BENCH.replace("long=False", "long=False, hours=None").replace('"machine": "m"', '"machine": f"{hours} hours"')
    )
    assert main.main(["bench", "soaking", "--hours", "0.5"]) == 0
    assert "0.5 hours" in capsys.readouterr().out
    assert main.main(["bench", "soaking", "--hours", "-1"]) == 2
    assert main.main(["bench", "adding", "--hours", "8"]) == 2
    assert "--hours belongs to soak" in capsys.readouterr().err


def test_an_unknown_name_is_bad_use(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench", "ading"]) == 2
    assert "did you mean adding?" in capsys.readouterr().err


def test_outside_a_checkout_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="not part of the installed package"):
        bench.benchmark_names(tmp_path)
