"""The state directory: one holder, one engine, and a record of what runs."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ops import doctor
from ops.instance import (
    EXTERNAL_ENGINE,
    ChildRecord,
    Identity,
    InstanceDirectory,
    RunningProcess,
    RunRecord,
    WaitRecord,
)
from ops.status import status as describe
from services.errors import SetupError
from settings import Environment

ZEEBE = Identity("8.5.8", controlled_clock=False)


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    with InstanceDirectory(tmp_path).held():
        assert InstanceDirectory(tmp_path).is_held()
        with pytest.raises(SetupError, match="已有实例在运行"), InstanceDirectory(tmp_path).held():
            pass
    assert not InstanceDirectory(tmp_path).is_held()
    with InstanceDirectory(tmp_path).held():
        pass


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="--state-dir"), InstanceDirectory(tmp_path / "file" / "state").held():
        pass


def test_a_fresh_directory_takes_the_identity_it_is_given(tmp_path: Path) -> None:
    assert InstanceDirectory(tmp_path).check(ZEEBE) == replace(ZEEBE, mode=Environment.DEVELOPMENT)


@pytest.mark.parametrize("other", ["8.6.0", EXTERNAL_ENGINE])
def test_a_directory_of_another_engine_is_refused(tmp_path: Path, other: str) -> None:
    directory = InstanceDirectory(tmp_path)
    directory.record(replace(ZEEBE, ports={"web": 8000}))
    with pytest.raises(SetupError, match=r"请改用 --engine 8\.5\.8"):
        directory.check(Identity(other, controlled_clock=False))
    assert directory.identity() == replace(ZEEBE, ports={"web": 8000})


def test_what_a_directory_remembers_comes_back(tmp_path: Path) -> None:
    directory = InstanceDirectory(tmp_path)
    directory.record(replace(ZEEBE, ports={"web": 8123}, deployed_digest="abc"))
    again = InstanceDirectory(tmp_path).check(ZEEBE)
    assert (again.ports, again.deployed_digest) == ({"web": 8123}, "abc")


@pytest.mark.parametrize("content", ['{"format": 99, "engine": "8.5.8"}', "[]"])
def test_a_directory_of_a_later_release_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "instance.json").write_text(content)
    with pytest.raises(SetupError, match="其他版本"):
        InstanceDirectory(tmp_path).identity()


def test_a_damaged_identity_is_refused(tmp_path: Path) -> None:
    (tmp_path / "instance.json").write_text("{")
    with pytest.raises(SetupError, match="已损坏"):
        InstanceDirectory(tmp_path).identity()


def test_a_process_id_that_went_to_another_process_is_not_taken_for_the_old_one() -> None:
    own = RunningProcess.of(os.getpid())
    assert own.find() is not None
    assert replace(own, started_at=own.started_at - 100).find() is None


def test_children_that_outlived_their_supervisor_are_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        own = RunningProcess.of(child.pid)
        record = RunRecord(own, "http://127.0.0.1:1", {}, children=(ChildRecord("web", "running", 0, own),))
        directory = InstanceDirectory(tmp_path)
        directory.record_run(record)
        assert directory.run() == record
        assert directory.kill_leftovers() == 1
        assert own.find() is None


def test_what_a_start_waits_for_is_told_to_others(tmp_path: Path) -> None:
    waiting = WaitRecord("流程引擎尚未就绪", still_seconds=3.5)
    record = RunRecord(RunningProcess.of(os.getpid()), "http://127.0.0.1:1", {}, waiting=waiting)
    InstanceDirectory(tmp_path).record_run(record)
    assert InstanceDirectory(tmp_path).run() == record
    status = describe(InstanceDirectory(tmp_path))
    assert status is not None
    assert status["cause"] == "流程引擎尚未就绪"
    assert status["failing"] == ["web：无应答"]


def test_an_unreadable_run_record_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"supervisor": {"pid": 1}}))
    assert InstanceDirectory(tmp_path).run() is None


def modes(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in (root, *root.rglob("*"))}


def test_what_is_written_while_it_is_held_is_closed_to_others(tmp_path: Path) -> None:
    directory = InstanceDirectory(tmp_path / "state")
    former = os.umask(0o022)
    try:
        with directory.held():
            directory.record(ZEEBE)
            child = [sys.executable, "-c", "import os; os.mkdir('logs'); open('logs/web.log', 'w')"]
            subprocess.run(child, cwd=directory.root, check=True, timeout=60)
        after = os.umask(0o022)
    finally:
        os.umask(former)
    assert modes(directory.root) == {
        "state": 0o700, ".lock": 0o600, "instance.json": 0o600, "logs": 0o700, "web.log": 0o600
    }  # fmt: skip
    assert after == 0o022


def test_what_an_earlier_release_left_open_is_closed(tmp_path: Path) -> None:
    directory = InstanceDirectory(tmp_path / "state")
    (directory.engine_data / "raft").mkdir(parents=True, mode=0o755)
    directory.record(ZEEBE)
    (directory.engine_data / "raft" / "segment.log").write_text("")
    (tmp_path / "elsewhere").write_text("")
    (directory.root / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path / "elsewhere", *directory.root.rglob("*")):
        path.chmod(0o755)
    directory.root.chmod(0o755)
    assert directory.is_open_to_others()
    directory.close_to_others()
    assert not directory.is_open_to_others()
    assert {path: mode for path, mode in modes(directory.root).items() if mode & 0o077} == {"link": 0o755}
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o755


def test_somebodys_files_in_a_directory_that_is_none_yet_keep_their_rights(tmp_path: Path) -> None:
    (tmp_path / "notes").touch(0o644)
    InstanceDirectory(tmp_path).close_to_others()
    assert (tmp_path / "notes").stat().st_mode & 0o777 == 0o644


def test_a_state_directory_open_to_others_is_told_by_doctor(tmp_path: Path) -> None:
    directory = InstanceDirectory(tmp_path)
    directory.record(ZEEBE)
    for mode, well in ((0o755, False), (0o700, True)):
        tmp_path.chmod(mode)
        found = next(one for one in doctor.examine(directory) if one.subject == "状态目录")
        assert found.ok is well
