"""The command line: optional values, durations, and one sentence for what is wrong."""

import os
from datetime import datetime
from pathlib import Path

import pytest

import cli
from ops.clock_advance import parse_duration
from ops.controlled_clock import parse_start, with_explicit_value
from ops.deployment import require_engine
from ops.environment import child_environment, database_url, instance_environment
from ops.external_cluster import external_addresses
from ops.instance import EXTERNAL_ENGINE, Identity, InstanceDirectory, RunningProcess, RunRecord
from ops.ports import choose_ports
from ops.up import UpOptions
from services.errors import SetupError
from settings import Environment

MONDAY_NINE = datetime.fromisoformat("2026-09-21T09:00:00+08:00")


@pytest.mark.parametrize(
    "value, expected",
    [
        (None, (False, None)),
        ("", (True, None)),
        ("2026-09-21T09:00:00+08:00", (True, MONDAY_NINE)),
        ("2026-09-21T01:00:00Z", (True, MONDAY_NINE)),
        ("2026-09-21T09:00", (True, MONDAY_NINE)),
        ("2026-09-21", (True, MONDAY_NINE.replace(hour=0))),
    ],
)
def test_the_start_of_a_controlled_clock_is_an_instant_and_naive_ones_are_china_time(
    value: str | None, expected: tuple[bool, datetime | None]
) -> None:
    assert parse_start(value) == expected


def test_a_start_that_is_no_instant_is_refused() -> None:
    with pytest.raises(SetupError, match="2026-09-21T09:00:00"):
        parse_start("tomorrow")


def test_the_controlled_clock_needs_no_value() -> None:
    given = ["up", "--controlled-clock", "--port", "8000"]
    assert with_explicit_value(given) == ["up", "--controlled-clock=", "--port", "8000"]


@pytest.mark.parametrize(
    "text, seconds", [("90", 90), ("45s", 45), ("30m", 1800), ("12h", 43_200), ("3d", 259_200), ("1d12h", 129_600)]
)
def test_durations_are_seconds_or_numbers_with_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "3x", "d", "1d 2", "99999w"])
def test_a_duration_that_is_none_or_does_not_lead_forward_is_refused(text: str) -> None:
    with pytest.raises(SetupError, match="只能向前"):
        parse_duration(text)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["up", "--engine", "8.4.0"], "不支持引擎版本 8.4.0"),
        (["up", "--controlled-clock=soon"], "soon"),
        (["up", "--zeebe", "127.0.0.1:1", "--controlled-clock"], "--zeebe 不能与"),
        (["up", "--operate", "--engine", "8.5.8"], "--operate 需要引擎 8.6.0"),
        (["up", "--zeebe", "127.0.0.1:1"], "引擎 127.0.0.1:1 不可达"),
        (["clock", "advance", "1h"], "没有在运行"),
        (["deploy"], "没有在运行的实例"),
        (["backup"], "不是状态目录"),
        (["restore", "/no/such/file"], "找不到备份文件"),
        (["verify-audit"], "不是状态目录"),
        (["lint", "/no/such.bpmn"], "/no/such.bpmn"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_the_status_is_1(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TONGQUAN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("ZEEBE_ADDRESS", raising=False)
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    said = capsys.readouterr().err.strip()
    assert end.value.code == 1
    assert said.startswith("✗ ")
    assert sentence in said
    assert "\n" not in said


def test_a_cluster_named_by_its_address_is_waited_for_as_long_as_the_caller_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (port,) = choose_ports(("nobody",), {}).values()
    monkeypatch.setenv("ZEEBE_ADDRESS", f"127.0.0.1:{port}")
    monkeypatch.setenv("TONGQUAN_READY_TIMEOUT", "0.1")
    with pytest.raises(SystemExit) as end:
        cli.main(["deploy", "--state-dir", str(tmp_path)])
    assert end.value.code == 1
    assert "没有就绪" in capsys.readouterr().err


def test_an_instance_that_is_starting_deploys_by_itself(tmp_path: Path) -> None:
    directory = InstanceDirectory(tmp_path)
    directory.record_run(RunRecord(RunningProcess.of(os.getpid()), "", {}))
    with pytest.raises(SetupError, match="正在启动"):
        require_engine(directory, {})
    require_engine(directory, {"ZEEBE_ADDRESS": "cluster:26500"})
    directory.record_run(RunRecord(RunningProcess.of(os.getpid()), "", {"ZEEBE_ADDRESS": "127.0.0.1:1"}))
    require_engine(directory, {})


def test_status_of_nothing_is_3_and_down_of_nothing_is_0(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["status", "--state-dir", str(tmp_path)])
    assert end.value.code == 3
    with pytest.raises(SystemExit) as end:
        cli.main(["down", "--state-dir", str(tmp_path)])
    assert end.value.code == 0


def test_the_wishes_make_the_identity_of_a_fresh_directory(tmp_path: Path) -> None:
    assert UpOptions(tmp_path).wanted == Identity("8.5.8", controlled_clock=False)
    assert UpOptions(tmp_path, operate=True).wanted == Identity("8.6.0", controlled_clock=False, operate=True)
    assert UpOptions(tmp_path, zeebe="cluster:26500").wanted.engine == EXTERNAL_ENGINE


def test_the_database_is_in_the_state_directory_unless_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "TONGQUAN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert database_url(tmp_path) == f"sqlite:///{tmp_path}/tongquan.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///here.db")
    assert database_url(Path("/elsewhere")) == f"sqlite:///{tmp_path}/here.db"
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/tongquan")
    assert database_url(tmp_path) == "postgresql://localhost/tongquan"


def test_variables_of_another_cluster_do_not_reach_the_embedded_engines_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEEBE_CLIENT_ID", "someone")
    monkeypatch.setenv("CAMUNDA_OAUTH_URL", "https://login.example")
    ports = {"web": 1, "feed": 2, "gateway": 3, "rest": 4, "management": 5}
    chosen = instance_environment(
        InstanceDirectory(tmp_path), ports, mode=Environment.PRODUCTION, web_host="127.0.0.1", controlled_clock=True
    )
    embedded = child_environment(chosen, embedded=True)
    assert embedded["ZEEBE_ADDRESS"] == "127.0.0.1:3"
    assert embedded["FEED_BIND"] == "127.0.0.1:2"
    assert embedded["TONGQUAN_CONTROLLED_CLOCK"] == "true"
    assert embedded["TONGQUAN_ENVIRONMENT"] == "production"
    assert not {"ZEEBE_CLIENT_ID", "CAMUNDA_OAUTH_URL"} & set(embedded)
    assert child_environment(chosen, embedded=False)["ZEEBE_CLIENT_ID"] == "someone"


@pytest.mark.parametrize(
    "zeebe, rest",
    [("cluster:26500", "http://cluster:8080"), ("https://zeebe.example:443", "http://zeebe.example:8080")],
)
def test_a_clusters_rest_address_is_on_the_same_host_unless_named(
    zeebe: str, rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZEEBE_REST_ADDRESS", raising=False)
    assert external_addresses(zeebe) == (zeebe, rest)
    monkeypatch.setenv("ZEEBE_REST_ADDRESS", "https://rest.example")
    assert external_addresses(zeebe) == (zeebe, "https://rest.example")
