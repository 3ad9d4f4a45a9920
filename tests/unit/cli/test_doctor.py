"""The checks of `doctor`, each fed with what a machine would say."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trunkline.cli import doctor
from trunkline.cli.main import main
from trunkline.events.entry import Entry
from trunkline.events.switch import SwitchStopped
from trunkline.journal.sqlite import connect_writing
from trunkline.journal.store import open_journal
from trunkline.kernel.errors import ExitCode

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def test_python() -> None:
    assert doctor.check_python((3, 10, 12)).status == "fail"
    assert doctor.check_python((3, 11, 0)).status == "ok"


@pytest.mark.parametrize(
    ("version", "status"),
    [((3, 40, 1), "fail"), ((3, 51, 2), "fail"), ((3, 51, 3), "ok"), ((3, 53, 4), "ok")],
)
def test_sqlite(version: tuple[int, ...], status: str) -> None:
    assert doctor.check_sqlite(version).status == status


def test_the_clock_cannot_be_before_the_program_was_written() -> None:
    assert doctor.check_clock(NOW, NOW - timedelta(days=400)).status == "ok"
    assert doctor.check_clock(NOW, NOW + timedelta(hours=23)).status == "ok"
    assert doctor.check_clock(datetime(1970, 1, 1, tzinfo=UTC), NOW).status == "fail"


def test_a_folder_that_does_not_exist_is_judged_by_the_one_above(tmp_path: Path) -> None:
    finding = doctor.check_data_folder(tmp_path / "a" / "b")
    assert finding.status == "ok"
    assert f"will be created in {tmp_path}" in finding.message
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_data_folder(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("")
    assert doctor.check_data_folder(path).status == "fail"


def test_a_folder_that_takes_no_files() -> None:
    # The kernel lets nobody, root included, create files there.
    finding = doctor.check_data_folder(Path("/proc/self/fdinfo"))
    assert finding.status == "fail"
    assert "--data" in finding.hint


@pytest.mark.parametrize(("kind", "status"), [("ext4", "ok"), ("nfs4", "fail"), ("cifs", "fail")])
def test_the_file_system_is_the_innermost_mount(tmp_path: Path, kind: str, status: str) -> None:
    folder = tmp_path / "with blank"
    folder.mkdir()
    escaped = str(folder).replace(" ", "\\040")
    mounts = f"/dev/a / xfs rw 0 0\nbroken\nserver:/x {escaped} {kind} rw 0 0\n/dev/b {tmp_path} btrfs rw 0 0\n"
    assert doctor.check_file_system(folder / "data", mounts).status == status
    assert doctor.check_file_system(tmp_path, mounts).message == "btrfs"


@pytest.mark.parametrize(("free_mb", "status"), [(511, "fail"), (512, "warn"), (2047, "warn"), (2048, "ok")])
def test_free_space(free_mb: int, status: str) -> None:
    assert doctor.check_free_space(free_mb, 512).status == status


def test_voice() -> None:
    assert doctor.check_voice(None).status == "warn"
    assert doctor.check_voice("/usr/bin/flite").status == "ok"


def test_open_files() -> None:
    thousand_ports = (20000, 20999)
    assert doctor.check_open_files((1256, 1256), thousand_ports).status == "ok"
    assert doctor.check_open_files((resource.RLIM_INFINITY, resource.RLIM_INFINITY), thousand_ports).status == "ok"
    assert doctor.check_open_files((1024, 4096), thousand_ports).hint == "ulimit -n 1256"
    assert "fewer ports" in doctor.check_open_files((1024, 1024), thousand_ports).hint


@pytest.mark.parametrize(
    ("flag", "kind"), [("--sip", socket.SOCK_DGRAM), ("--http", socket.SOCK_STREAM)], ids=["udp", "tcp"]
)
def test_a_port_is_taken_and_then_free(flag: str, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        address = taken.getsockname()
        finding = doctor.check_port(kind, flag, address)
        assert finding.status == "fail"
        assert f":{address[1]}" in finding.hint
    assert doctor.check_port(kind, flag, address).status == "ok"


def test_an_address_of_another_machine_is_refused() -> None:
    assert doctor.check_port(socket.SOCK_DGRAM, "--sip", ("192.0.2.1", 5060)).status == "fail"


def test_a_bad_flag_is_said_before_anything_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--sip", "nonsense"]) == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_this_machine_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--data", str(tmp_path), "--min-free-mb", "1", "--json"]) == ExitCode.DONE
    findings = {finding["check"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert findings["python"]["status"] == findings["sqlite"]["status"] == findings["disk"]["status"] == "ok"


def test_a_failed_check_is_an_environment_error_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--data", str(tmp_path), "--min-free-mb", str(2**40)]) == ExitCode.ENVIRONMENT
    lines = capsys.readouterr().out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("fail  disk"))
    assert "make room" in lines[place + 1]


def a_journal(folder: Path) -> None:
    async def write() -> None:
        journal, _ = open_journal(folder, "switch-1", lambda n: bytes(n), now_ms=0, min_free_mb=0)
        for at_ms in (1, 2):
            await journal.append([Entry(SwitchStopped(at_ms=at_ms, calls_cut=0))])
        await journal.close()

    asyncio.run(write())


def test_the_journal_is_read_whole(tmp_path: Path) -> None:
    assert doctor.check_journal(tmp_path) == doctor.Finding("journal", "ok", "none yet")
    a_journal(tmp_path)
    found = doctor.check_journal(tmp_path)
    assert found.status == "ok"
    assert found.message.startswith("2 events, none changed; last hash ")


def test_a_changed_row_of_the_journal_is_named(tmp_path: Path) -> None:
    a_journal(tmp_path)
    with closing(connect_writing(tmp_path / "journal.db")) as connection:
        connection.execute("UPDATE events SET at_ms = 3 WHERE seq = 2")
    found = doctor.check_journal(tmp_path)
    assert found.status == "fail"
    assert "row 2" in found.message
    assert "backup" in found.hint


def test_a_damaged_import_of_the_numbering_plan_is_found(tmp_path: Path) -> None:
    assert doctor.check_geo(tmp_path).status == "ok"
    assert "nothing imported" in doctor.check_geo(tmp_path).message
    (tmp_path / "geo").mkdir()
    (tmp_path / "geo" / "current").write_text("0123456789abcdef\n")
    found = doctor.check_geo(tmp_path)
    assert found.status == "fail"
    assert "import the files again" in found.hint
